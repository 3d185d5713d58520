#include <criterion/criterion.h>

#include "gateway/haste.h"

enum { BEGIN_NS = 1000000 };

Test(haste, lasts_for_a_moment_after_each_reading)
{
    struct haste h = {0};
    cr_expect(haste_wants(&h, BEGIN_NS, true, true));
    cr_expect(haste_wants(&h, BEGIN_NS + HASTE_NS - 1, true, false));
    cr_expect_not(haste_wants(&h, BEGIN_NS + HASTE_NS, true, false));
    cr_expect(haste_wants(&h, BEGIN_NS + HASTE_NS, true, true));
    cr_expect(haste_wants(&h, BEGIN_NS + 2 * HASTE_NS - 1, true, false));
}

Test(haste, needs_a_crowd)
{
    struct haste h = {0};
    cr_expect_not(haste_wants(&h, BEGIN_NS, false, true));
    cr_expect(haste_wants(&h, BEGIN_NS + 1, true, false), "which came a moment later");
}

Test(haste, needs_a_reading)
{
    struct haste h = {0};
    cr_expect_not(haste_wants(&h, BEGIN_NS, true, false));
}
