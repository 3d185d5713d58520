#include <time.h>

#include <criterion/criterion.h>

#include "gateway/clock.h"

enum { DAY_S = 86400, BUILD_S = 1000 * DAY_S };

/* One look of a day that is played, and what the watch has to make of it. */
struct step {
    int64_t wall_s; /* after the build date */
    uint64_t mono_s;
    bool is_synced;
    enum clock_state state;
    int64_t moved_back_s;
};

static struct clock_look look_of(const struct step *s)
{
    return (struct clock_look){
        .wall_s = BUILD_S + s->wall_s, .mono_s = s->mono_s, .is_synced = s->is_synced};
}

static void play_on(struct clock_watch *c, const struct step *steps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct clock_look look = look_of(&steps[i]);
        enum clock_state before = clock_state(c);
        int64_t back_s = -1;
        bool is_new = clock_update(c, &look, &back_s);
        cr_expect_eq(clock_state(c), steps[i].state, "step %zu: %s, not %s", i,
                     clock_state_name(clock_state(c)), clock_state_name(steps[i].state));
        cr_expect_eq(is_new, before != steps[i].state, "step %zu", i);
        cr_expect_eq(back_s, steps[i].moved_back_s, "step %zu: %lld", i, (long long)back_s);
    }
}

/* The first step is the look of the start. */
static void play(struct clock_watch *c, const struct step *steps, size_t count)
{
    struct clock_look first = look_of(&steps[0]);
    clock_init(c, BUILD_S, &first);
    cr_expect_eq(clock_state(c), steps[0].state);
    play_on(c, steps + 1, count - 1);
}

#define PLAY(c, steps)    play(c, steps, sizeof(steps) / sizeof((steps)[0]))
#define PLAY_ON(c, steps) play_on(c, steps, sizeof(steps) / sizeof((steps)[0]))

Test(clock, is_unset_before_the_build_date_until_time_arrives)
{
    static const struct step steps[] = {{-BUILD_S, 5, false, CLOCK_UNSET, 0},
                                        {-BUILD_S + 60, 65, false, CLOCK_UNSET, 0},
                                        {-CLOCK_SLACK_S - 1, 66, false, CLOCK_UNSET, 0},
                                        {-CLOCK_SLACK_S, 67, false, CLOCK_FLOOR, 0},
                                        {DAY_S, 70, false, CLOCK_FLOOR, 0},
                                        {DAY_S + 1, 71, true, CLOCK_SYNCED, 0},
                                        {DAY_S + 600, 670, true, CLOCK_SYNCED, 0}};
    struct clock_watch c;
    PLAY(&c, steps);
}

Test(clock, does_not_believe_a_server_that_is_earlier_than_the_build)
{
    static const struct step steps[] = {{-10 * DAY_S, 5, true, CLOCK_UNSET, 0},
                                        {-10 * DAY_S + 1, 6, true, CLOCK_UNSET, 0},
                                        {10, 7, true, CLOCK_SYNCED, 0}};
    struct clock_watch c;
    PLAY(&c, steps);
}

Test(clock, drifts_when_it_is_set_back_until_it_has_caught_up)
{
    static const struct step steps[] = {
        {DAY_S, 100, false, CLOCK_FLOOR, 0},
        {DAY_S + 10, 110, false, CLOCK_FLOOR, 0},
        {DAY_S + 20 - 31, 120, false, CLOCK_DRIFTED, 31},
        {DAY_S + 80 - 31, 180, false, CLOCK_DRIFTED, 0},  /* told once */
        {DAY_S + 500 - 31, 600, false, CLOCK_DRIFTED, 0}, /* later than ever, and still behind */
        {DAY_S + 510, 610, false, CLOCK_FLOOR, 0},
        {DAY_S + 511, 611, false, CLOCK_FLOOR, 0}};
    struct clock_watch c;
    PLAY(&c, steps);
}

Test(clock, takes_a_step_back_of_half_a_minute_for_none)
{
    static const struct step steps[] = {{DAY_S, 100, false, CLOCK_FLOOR, 0},
                                        {DAY_S + 10 - 30, 110, false, CLOCK_FLOOR, 0}};
    struct clock_watch c;
    PLAY(&c, steps);
}

Test(clock, adds_small_steps_back_up)
{
    static const struct step steps[] = {{DAY_S, 100, false, CLOCK_FLOOR, 0},
                                        {DAY_S - 20, 100, false, CLOCK_FLOOR, 0},
                                        {DAY_S - 40, 100, false, CLOCK_DRIFTED, 40},
                                        {DAY_S - 60, 100, false, CLOCK_DRIFTED, 0},
                                        {DAY_S - 80, 100, false, CLOCK_DRIFTED, 40}};
    struct clock_watch c;
    PLAY(&c, steps);
}

Test(clock, follows_steps_forward_and_remembers_them)
{
    static const struct step steps[] = {{DAY_S, 100, false, CLOCK_FLOOR, 0},
                                        {9 * DAY_S, 101, false, CLOCK_FLOOR, 0},
                                        {DAY_S + 2, 102, false, CLOCK_DRIFTED, 8 * DAY_S - 1},
                                        {DAY_S + 3, 103, true, CLOCK_SYNCED, 0},
                                        {DAY_S + 4, 104, false, CLOCK_FLOOR, 0}};
    struct clock_watch c;
    PLAY(&c, steps);
}

Test(clock, tells_a_step_back_that_the_kernel_vouches_for)
{
    static const struct step steps[] = {
        {9 * DAY_S, 100, false, CLOCK_FLOOR, 0},
        {DAY_S, 101, true, CLOCK_SYNCED, 8 * DAY_S + 1},
        {DAY_S + 1, 102, false, CLOCK_FLOOR, 0}, /* the expectation is the kernel's */
        {DAY_S + 2 - 31, 103, false, CLOCK_DRIFTED, 31},
        {DAY_S + 3 - 31, 104, true, CLOCK_SYNCED, 0},
        {DAY_S + 4 - 31, 105, false, CLOCK_FLOOR, 0}};
    struct clock_watch c;
    PLAY(&c, steps);
}

Test(clock, takes_sleep_for_no_step)
{
    static const struct step steps[] = {{DAY_S, 100, false, CLOCK_FLOOR, 0},
                                        {3 * DAY_S, 100 + 2 * DAY_S, false, CLOCK_FLOOR, 0},
                                        {3 * DAY_S + 1, 101 + 2 * DAY_S, false, CLOCK_FLOOR, 0}};
    struct clock_watch c;
    PLAY(&c, steps);
}

Test(clock, raises_its_floor_by_what_was_signed)
{
    static const struct step steps[] = {{DAY_S, 100, false, CLOCK_FLOOR, 0}};
    static const struct step late[] = {{DAY_S + 1, 101, false, CLOCK_UNSET, 0},
                                       {DAY_S + 2, 102, true, CLOCK_UNSET, 0},
                                       {5 * DAY_S - CLOCK_SLACK_S, 103, true, CLOCK_SYNCED, 0}};
    struct clock_watch c;
    PLAY(&c, steps);
    clock_raise_floor(&c, BUILD_S + 5 * DAY_S);
    clock_raise_floor(&c, BUILD_S + DAY_S); /* never lower */
    PLAY_ON(&c, late);
}

Test(clock, bears_a_ca_whose_clock_is_a_little_ahead)
{
    static const struct step steps[] = {{DAY_S, 100, true, CLOCK_SYNCED, 0}};
    static const struct step now[] = {{DAY_S, 100, true, CLOCK_SYNCED, 0}};
    struct clock_watch c;
    PLAY(&c, steps);
    clock_raise_floor(&c, BUILD_S + DAY_S + CLOCK_SLACK_S);
    PLAY_ON(&c, now);
}

Test(clock, is_not_earlier_than_the_last_run_unless_the_kernel_knows_better)
{
    static const struct step steps[] = {{DAY_S, 5, false, CLOCK_FLOOR, 0}};
    static const struct step later[] = {{DAY_S + 1, 6, false, CLOCK_UNSET, 0},
                                        {DAY_S + 2, 7, true, CLOCK_SYNCED, 0},
                                        {DAY_S + 3, 8, false, CLOCK_FLOOR, 0}};
    struct clock_watch c;
    PLAY(&c, steps);
    clock_recall(&c, BUILD_S + 4000 * (int64_t)DAY_S);
    clock_recall(&c, BUILD_S); /* never lower */
    PLAY_ON(&c, later);
}

Test(clock, is_trusted_by_the_policy)
{
    static const struct {
        enum clock_state state;
        bool by_floor, by_synced;
    } rows[] = {{CLOCK_UNSET, false, false},
                {CLOCK_FLOOR, true, false},
                {CLOCK_SYNCED, true, true},
                {CLOCK_DRIFTED, false, false}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct clock_watch c = {.state = rows[i].state};
        cr_expect_eq(clock_is_trusted(&c, CLOCK_POLICY_FLOOR), rows[i].by_floor);
        cr_expect_eq(clock_is_trusted(&c, CLOCK_POLICY_SYNCED), rows[i].by_synced);
        cr_expect(clock_is_trusted(&c, CLOCK_POLICY_TRUST));
    }
}

Test(clock, names_its_states)
{
    cr_expect_str_eq(clock_state_name(CLOCK_UNSET), "unset");
    cr_expect_str_eq(clock_state_name(CLOCK_FLOOR), "floor");
    cr_expect_str_eq(clock_state_name(CLOCK_SYNCED), "synced");
    cr_expect_str_eq(clock_state_name(CLOCK_DRIFTED), "drifted");
}

Test(clock, bears_numbers_that_are_no_dates)
{
    static const int64_t walls[] = {INT64_MIN, INT64_MIN + 1, 0, INT64_MAX - 1, INT64_MAX};
    static const uint64_t monos[] = {0, INT64_MAX, UINT64_MAX};
    struct clock_look look = {.wall_s = 0};
    struct clock_watch c;
    clock_init(&c, INT64_MIN, &look);
    for (size_t i = 0; i < 2 * sizeof(walls) / sizeof(walls[0]); i++) {
        int64_t back_s;
        look.wall_s = walls[i / 2];
        look.mono_s = monos[i % 3];
        (void)clock_update(&c, &look, &back_s);
        cr_expect_geq(back_s, 0);
    }
    clock_raise_floor(&c, INT64_MIN);
    clock_recall(&c, INT64_MIN);
    clock_raise_floor(&c, INT64_MAX);
    clock_recall(&c, INT64_MAX);
}

Test(clock, looks_at_this_machine)
{
    struct clock_look look = clock_look_now();
    cr_expect_leq(look.wall_s - (int64_t)time(NULL), 1);
    cr_expect_leq((int64_t)time(NULL) - look.wall_s, 5);
    cr_expect_gt(look.mono_s, 0);
    /* 2026-11-01, when this was written, and not later than the machine that runs the test. */
    cr_expect_geq(clock_build_s(), 1793491200);
    cr_expect_leq(clock_build_s(), look.wall_s + DAY_S);
}
