#include <criterion/criterion.h>

#include "gateway/haste.h"

static const uint64_t begin_ns = 1000000000;
static struct haste h;

/* A turn that ends so long after the beginning. */
static bool wants(uint64_t after_ns, bool is_crowd, bool has_read, uint32_t moves)
{
    const struct haste_signs signs = {.is_crowd = is_crowd, .has_read = has_read, .moves = moves};
    return haste_wants(&h, begin_ns + after_ns, &signs);
}

Test(haste, lasts_for_a_moment_after_each_reading)
{
    cr_expect(wants(0, true, true, 1));
    cr_expect(wants(HASTE_NS - 1, true, false, 1));
    cr_expect_not(wants(HASTE_NS, true, false, 1));
    cr_expect(wants(HASTE_NS, true, true, 1));
    cr_expect(wants(2 * HASTE_NS - 1, true, false, 1));
}

Test(haste, needs_a_crowd)
{
    cr_expect_not(wants(0, false, true, 1));
    cr_expect(wants(1, true, false, 1), "which came a moment later");
}

Test(haste, needs_a_reading)
{
    cr_expect_not(wants(0, true, false, 1));
}

/* Others are read, but nobody comes through: the server hangs. */
Test(haste, is_not_for_a_crowd_that_is_stuck)
{
    cr_expect_not(wants(0, true, true, 0), "nobody has come through yet");
    cr_expect(wants(1, true, true, 1));
    cr_expect(wants(HASTE_STUCK_NS, true, true, 1));
    cr_expect_not(wants(HASTE_STUCK_NS + 1, true, true, 1));
    cr_expect(wants(HASTE_STUCK_NS + 2, true, true, 2));
}
