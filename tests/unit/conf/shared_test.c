#include <criterion/criterion.h>

#include "certs/mem.h"
#include "conf/shared.h"

enum { BIG = 100000 };

static struct shared first;

static void begin_first(void)
{
    bool has_taken_over = true;
    cr_assert(shared_begin(&first, NULL, &has_taken_over));
    cr_expect_not(has_taken_over);
    cr_assert_not_null(pool_take(shared_new(&first), 1, BIG));
}

TestSuite(shared, .init = begin_first);

/* A successor of which `len` bytes are new (0: none). Does it share what was before? */
static bool succeed(struct shared *next, const struct shared *before, size_t len)
{
    bool has_taken_over = false;
    cr_assert(shared_begin(next, before, &has_taken_over));
    if (len > 0) {
        cr_assert_not_null(pool_take(shared_new(next), 1, len));
    }
    return has_taken_over;
}

Test(shared, what_was_before_lives_as_long_as_its_successor)
{
    struct shared next;
    char *text = pool_text(shared_new(&first), "pump-12");
    cr_expect(succeed(&next, &first, 1));
    cr_expect_neq(shared_new(&next), shared_new(&first));
    shared_end(&first);
    cr_expect_str_eq(text, "pump-12"); /* else the sanitizer says so */
    shared_end(&next);
}

Test(shared, begins_afresh_when_as_much_again_has_gathered)
{
    struct shared second;
    struct shared third;
    struct shared fourth;
    cr_expect(succeed(&second, &first, BIG / 2));
    cr_expect(succeed(&third, &second, BIG));
    cr_expect_not(succeed(&fourth, &third, BIG));
    cr_expect_eq(fourth.count, 1);
    shared_end(&first);
    shared_end(&second);
    shared_end(&third);
    shared_end(&fourth);
}

Test(shared, begins_afresh_when_there_are_too_many)
{
    unsigned reloads = 0;
    struct shared now = first;
    cr_assert_not_null(pool_take(shared_new(&first), 100, BIG)); /* so that there is no garbage */
    struct shared next;
    while (succeed(&next, &now, 1)) {
        shared_end(&now);
        now = next;
        reloads++;
    }
    cr_expect_leq(reloads, (unsigned)SHARED_POOLS_MAX);
    cr_expect_gt(reloads, 2);
    shared_end(&now);
    shared_end(&next);
}

Test(shared, a_reload_that_changes_nothing_costs_nothing)
{
    struct shared now = first;
    for (unsigned i = 0; i < 3 * SHARED_POOLS_MAX; i++) {
        struct shared next;
        cr_expect(succeed(&next, &now, 0));
        cr_expect_leq(next.count, 2);
        shared_end(&now);
        now = next;
    }
    shared_end(&now);
}

Test(shared, holds_nothing_without_memory)
{
    struct shared next;
    bool has_taken_over = false;
    mem_fail_nth(1);
    cr_expect_not(shared_begin(&next, &first, &has_taken_over));
    mem_fail_nth(0);
    cr_expect_eq(next.count, 0);
    shared_end(&next);
    shared_end(&first);
}
