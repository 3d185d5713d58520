#include <criterion/criterion.h>

#include "certs/mem.h"
#include "conf/index.h"

enum { MANY = 5000 };

static struct pool *pool;
static struct index ix;

static void set_up(void)
{
    pool = pool_new();
    index_init(&ix, pool, 0);
}

static void tear_down(void)
{
    pool_free(pool);
}

TestSuite(index, .init = set_up, .fini = tear_down, .timeout = 30);

/* How many numbers have the hash, and the last of them. */
static size_t count_of(uint64_t hash, size_t *last)
{
    size_t at = 0;
    size_t count = 0;
    while (index_next(&ix, hash, &at, last)) {
        count++;
    }
    return count;
}

Test(index, has_nothing_at_first)
{
    size_t number = 0;
    cr_expect_eq(count_of(0, &number), 0);
    cr_expect_eq(count_of(7, &number), 0);
}

Test(index, finds_each_of_many_by_its_hash)
{
    size_t number = 0;
    for (size_t i = 0; i < MANY; i++) {
        cr_assert(index_add(&ix, i * i));
    }
    for (size_t i = 0; i < MANY; i++) {
        cr_assert_eq(count_of(i * i, &number), 1);
        cr_expect_eq(number, i);
    }
    cr_expect_eq(count_of(2, &number), 0);
}

Test(index, keeps_apart_what_begins_at_the_same_slot)
{
    size_t number = 0;
    /* The low bits of what is left of such a product are all zero. */
    for (size_t i = 0; i < 20; i++) {
        cr_assert(index_add(&ix, (uint64_t)i << 58));
    }
    for (size_t i = 0; i < 20; i++) {
        cr_expect_eq(count_of((uint64_t)i << 58, &number), 1);
        cr_expect_eq(number, i);
    }
}

Test(index, gives_all_that_share_a_hash)
{
    bool seen[3] = {false, false, false};
    size_t at = 0;
    size_t number = 0;
    for (size_t i = 0; i < 3; i++) {
        cr_assert(index_add(&ix, 42));
    }
    while (index_next(&ix, 42, &at, &number)) {
        cr_assert_lt(number, 3);
        cr_expect_not(seen[number], "twice");
        seen[number] = true;
    }
    cr_expect(seen[0] && seen[1] && seen[2]);
}

Test(index, is_unchanged_when_memory_runs_out)
{
    size_t number = 0;
    size_t added = 0;
    (void)mem_fail_nth(1);
    while (added < MANY && index_add(&ix, added)) {
        added++;
    }
    (void)mem_fail_nth(0);
    cr_assert_lt(added, MANY);
    cr_expect_eq(ix.count, added);
    for (size_t i = 0; i < added; i++) {
        cr_assert_eq(count_of(i, &number), 1);
    }
    cr_assert(index_add(&ix, 77777));
    cr_expect_eq(count_of(77777, &number), 1);
    cr_expect_eq(number, added);
}
