#include <criterion/criterion.h>

#include "gateway/fetch_schedule.h"

enum { NOW_S = 1000000, MIDDLE = FETCH_SCHEDULE_JITTER_MAX / 2 };

static int64_t good(int64_t left_s, int64_t max_age_s, unsigned jitter)
{
    const struct fetch_life life = {.next_update_s = NOW_S + left_s, .max_age_s = max_age_s};
    return fetch_schedule_good(&life, NOW_S, jitter);
}

static int64_t failed(int64_t left_s, unsigned failures, unsigned jitter)
{
    const struct fetch_life life = {.next_update_s = NOW_S + left_s, .max_age_s = -1};
    return fetch_schedule_failed(&life, NOW_S, failures, jitter);
}

Test(fetch_schedule, asks_again_at_half_of_the_remaining_life)
{
    cr_expect_eq(good(1000, -1, MIDDLE), 500);
    cr_expect_eq(good(500, -1, MIDDLE), 250);
}

Test(fetch_schedule, jitter_is_ten_percent)
{
    cr_expect_eq(good(1000, -1, 0), 450);
    cr_expect_eq(good(1000, -1, FETCH_SCHEDULE_JITTER_MAX), 550);
}

Test(fetch_schedule, asks_within_the_hour)
{
    cr_expect_eq(good(30 * 86400, -1, MIDDLE), 3600);
    cr_expect_eq(good(30 * 86400, -1, FETCH_SCHEDULE_JITTER_MAX), 3600);
    cr_expect_eq(good(30 * 86400, -1, 0), 3240);
}

Test(fetch_schedule, does_not_ask_all_the_time_at_the_end_of_a_life)
{
    cr_expect_eq(good(15, -1, 0), FETCH_SCHEDULE_FLOOR_S);
    cr_expect_eq(good(1, -1, MIDDLE), FETCH_SCHEDULE_FLOOR_S);
}

Test(fetch_schedule, max_age_makes_it_sooner_and_never_later)
{
    cr_expect_eq(good(4000, 600, MIDDLE), 600);
    cr_expect_eq(good(4000, 86400, MIDDLE), 2000);
    cr_expect_eq(good(100, 86400, MIDDLE), 50);
}

Test(fetch_schedule, do_not_cache_is_no_wish_to_be_asked_without_end)
{
    cr_expect_eq(good(4000, 0, MIDDLE), FETCH_SCHEDULE_AGE_LEAST_S);
    cr_expect_eq(good(4000, 299, MIDDLE), FETCH_SCHEDULE_AGE_LEAST_S);
}

Test(fetch_schedule, a_life_without_an_end_is_asked_for_each_hour)
{
    const struct fetch_life life = {.next_update_s = 0, .max_age_s = -1};
    cr_expect_eq(fetch_schedule_good(&life, NOW_S, MIDDLE), 3600);
}

Test(fetch_schedule, what_has_ended_already_is_like_a_failure)
{
    cr_expect_eq(good(0, -1, MIDDLE), FETCH_SCHEDULE_FLOOR_S);
    cr_expect_eq(good(-86400, -1, MIDDLE), failed(-86400, 1, MIDDLE));
}

Test(fetch_schedule, failures_wait_twice_as_long_each_time)
{
    const struct fetch_life life = {.next_update_s = 0, .max_age_s = -1};
    static const int64_t waits[] = {10, 20, 40, 80, 160, 320, 640, 900, 900};
    for (unsigned i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
        cr_expect_eq(fetch_schedule_failed(&life, NOW_S, i + 1, MIDDLE), waits[i], "%u", i);
    }
    cr_expect_eq(fetch_schedule_failed(&life, NOW_S, 4000000000U, MIDDLE), 900);
}

Test(fetch_schedule, failures_wait_for_a_tenth_of_the_remaining_life_at_most)
{
    cr_expect_eq(failed(1000, 9, MIDDLE), 100);
    cr_expect_eq(failed(1000, 9, FETCH_SCHEDULE_JITTER_MAX), 100);
    cr_expect_eq(failed(1000, 9, 0), 90);
    cr_expect_eq(failed(20, 9, MIDDLE), FETCH_SCHEDULE_FLOOR_S);
}

Test(fetch_schedule, right_after_the_end_it_is_urgent_and_later_less_so)
{
    cr_expect_eq(failed(-30, 20, MIDDLE), FETCH_SCHEDULE_FLOOR_S);
    cr_expect_eq(failed(-3600, 20, MIDDLE), 360);
    cr_expect_eq(failed(-86400, 20, MIDDLE), 900);
}

Test(fetch_schedule, no_time_is_too_far)
{
    static const int64_t ends[] = {INT64_MAX, INT64_MIN, -1, 1};
    for (unsigned i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        const struct fetch_life life = {.next_update_s = ends[i], .max_age_s = INT64_MAX};
        int64_t wait_s = fetch_schedule_good(&life, NOW_S, FETCH_SCHEDULE_JITTER_MAX);
        cr_expect(wait_s >= FETCH_SCHEDULE_FLOOR_S && wait_s <= FETCH_SCHEDULE_MOST_S);
        wait_s = fetch_schedule_failed(&life, INT64_MIN, 3, 0);
        cr_expect(wait_s >= FETCH_SCHEDULE_FLOOR_S && wait_s <= FETCH_SCHEDULE_RETRY_MOST_S);
    }
}
