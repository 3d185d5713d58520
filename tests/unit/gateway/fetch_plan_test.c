#include <stdbool.h>
#include <stddef.h>

#include <criterion/criterion.h>

#include "gateway/fetch_plan.h"

enum { NOW_S = 1000000 };

/* What the random number makes of a wait: the shortest, and the longest. */
struct plan_case {
    const char *rule;
    int64_t left_s; /* 0: nothing is at hand */
    int64_t max_age_s;
    unsigned failures;
    int64_t wait_s; /* without the jitter */
};

static const struct plan_case cases[] = {
    {"half of what is left", 600, -1, 0, 300},
    {"at most an hour", 1000000, -1, 0, FETCH_PLAN_MOST_S},
    {"nothing known is asked hourly", 0, -1, 0, FETCH_PLAN_MOST_S},
    {"what is over is asked each minute", -5, -1, 0, FETCH_PLAN_OVER_S},
    {"what just ended, too", -1, -1, 0, FETCH_PLAN_OVER_S},
    {"max-age shortens", 600, 100, 0, 100},
    {"max-age never makes it longer", 600, 1000, 0, 300},
    {"no-cache is no wish for a storm", 600, 0, 0, 300},
    {"max-age of nothing known", 0, 100, 0, 100},
    {"first failure", 0, -1, 1, 10},
    {"it doubles", 0, -1, 2, 20},
    {"and again", 0, -1, 4, 80},
    {"never more than a quarter of an hour", 0, -1, 8, FETCH_PLAN_RETRY_MOST_S},
    {"many failures are no short wait", 0, -1, 1000000, FETCH_PLAN_RETRY_MOST_S},
    {"a tenth of the rest", 1000, -1, 8, 100},
    {"never less than the first", 20, -1, 8, 10},
    {"what is over does not shorten", -20, -1, 4, 80},
    {"max-age is no reason to retry later or sooner", 0, 1, 3, 40},
};

static uint64_t wait_of(const struct plan_case *c, uint32_t random)
{
    const struct fetch_plan plan = {.now_s = NOW_S,
                                    .until_s = c->left_s != 0 ? NOW_S + c->left_s : 0,
                                    .max_age_s = c->max_age_s,
                                    .failures = c->failures,
                                    .random = random};
    return fetch_plan_wait_ms(&plan);
}

Test(fetch_plan, waits_as_the_table_says_with_a_tenth_of_jitter)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct plan_case *c = &cases[i];
        uint64_t middle_ms = (uint64_t)c->wait_s * 1000;
        uint64_t tenth_ms = middle_ms / 10;
        cr_expect_eq(wait_of(c, 0), middle_ms - tenth_ms, "%s", c->rule);
        cr_expect_eq(wait_of(c, (uint32_t)tenth_ms), middle_ms, "%s", c->rule);
        cr_expect_eq(wait_of(c, (uint32_t)(2 * tenth_ms)), middle_ms + tenth_ms, "%s", c->rule);
        cr_expect_eq(wait_of(c, (uint32_t)(2 * tenth_ms + 1)), middle_ms - tenth_ms, "%s", c->rule);
    }
}

Test(fetch_plan, any_random_number_stays_within_a_tenth)
{
    for (uint32_t random = 1; random < UINT32_MAX / 3; random = random * 3 + 1) {
        uint64_t wait_ms = wait_of(&cases[0], random);
        cr_expect(wait_ms >= 270000 && wait_ms <= 330000, "%u", random);
    }
}

Test(fetch_plan, never_waits_less_than_a_second)
{
    const struct plan_case last = {"the last second", 1, -1, 0, 0};
    const struct plan_case young = {"half of two", 2, 1, 0, 0};
    cr_expect_geq(wait_of(&last, 0), 1000);
    cr_expect_geq(wait_of(&young, 0), 1000);
}

Test(fetch_plan, random_numbers_differ)
{
    uint32_t first = fetch_plan_random();
    bool differs = false;
    for (int i = 0; i < 64; i++) {
        differs = differs || fetch_plan_random() != first;
    }
    cr_expect(differs);
}
