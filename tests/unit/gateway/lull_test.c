#include <criterion/criterion.h>

#include "gateway/lull.h"

enum { NS_PER_MS = 1000000, MANY = 64 };

static struct lull lull;
static uint32_t seen[MANY];
static uint64_t now_ns = 1000 * (uint64_t)NS_PER_MS;

/* One millisecond, in which so many links are read, each so often, in a turn for each read. */
static void pass_ms(size_t links, size_t times)
{
    for (size_t t = 0; t < times; t++) {
        for (size_t i = 0; i < links; i++) {
            lull_note(&lull, &seen[i]);
            (void)lull_wants(&lull, now_ns, true);
        }
    }
    now_ns += NS_PER_MS;
}

/* The first counting knows nobody yet. */
static void set_up(void)
{
    pass_ms(1, 1);
    (void)lull_wants(&lull, now_ns, true);
}

TestSuite(lull, .init = set_up, .timeout = 30);

Test(lull, comes_while_many_links_talk)
{
    pass_ms(LULL_LINKS, 1);
    cr_expect(lull_wants(&lull, now_ns, true));
    cr_expect(lull_wants(&lull, now_ns, true), "until it is known better");
}

Test(lull, comes_again_in_each_millisecond_of_it)
{
    for (int i = 0; i < 10; i++) {
        pass_ms(LULL_LINKS, 2);
        cr_expect(lull_wants(&lull, now_ns, true));
    }
}

Test(lull, does_not_come_for_few_links_however_much_they_say)
{
    pass_ms(LULL_LINKS - 1, 50);
    cr_expect_not(lull_wants(&lull, now_ns, true));
}

Test(lull, does_not_come_for_one_link)
{
    pass_ms(1, 1000);
    cr_expect_not(lull_wants(&lull, now_ns, true));
}

Test(lull, does_not_come_for_many_links_that_say_little)
{
    pass_ms(LULL_LINKS, 1);
    now_ns += NS_PER_MS;
    cr_expect_not(lull_wants(&lull, now_ns, true), "as much, in two milliseconds");
}

Test(lull, ends_with_the_talk)
{
    pass_ms(MANY, 2);
    cr_assert(lull_wants(&lull, now_ns, true));
    now_ns += NS_PER_MS;
    cr_expect_not(lull_wants(&lull, now_ns, true));
}

Test(lull, does_not_come_behind_a_turn_that_served_many)
{
    pass_ms(MANY, 1);
    cr_assert(lull_wants(&lull, now_ns, true));
    for (int i = 0; i < LULL_FEW; i++) {
        lull_note(&lull, &seen[i]);
    }
    cr_expect(lull_wants(&lull, now_ns, true));
    for (int i = 0; i < LULL_FEW + 1; i++) {
        lull_note(&lull, &seen[i]);
    }
    cr_expect_not(lull_wants(&lull, now_ns, true));
}

Test(lull, does_not_come_before_something_that_is_due)
{
    pass_ms(MANY, 1);
    cr_expect_not(lull_wants(&lull, now_ns, false));
    cr_expect(lull_wants(&lull, now_ns, true));
}

Test(lull, counts_on_when_the_number_of_countings_is_used_up)
{
    lull.window = UINT32_MAX;
    pass_ms(MANY, 1);
    (void)lull_wants(&lull, now_ns, true);
    cr_expect_eq(lull.window, 1);
    pass_ms(MANY, 1);
    cr_expect(lull_wants(&lull, now_ns, true));
}
