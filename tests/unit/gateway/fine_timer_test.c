#include <string.h>
#include <sys/resource.h>

#include <criterion/criterion.h>

#include "gateway/fine_timer.h"

enum { NS_PER_MS = 1000000, SOON_MS = 5, LONGEST_NS = 100000 };

struct probe {
    struct fine_timer timer;
    unsigned fired, closed;
    uint64_t fired_ns;
    void (*hook)(struct probe *p);
};

static struct io io;
static struct probe one, two;

static void on_due(void *self)
{
    struct probe *p = self;

    p->fired++;
    p->fired_ns = uv_hrtime();
    if (p->hook != NULL) {
        p->hook(p);
    }
}

static void on_closed(void *self)
{
    struct probe *p = self;

    p->closed++;
}

static void open_probe(struct probe *p)
{
    const struct fine_timer_owner owner = {.on_due = on_due, .on_closed = on_closed, .self = p};
    struct fault f = {0};

    cr_assert_eq(fine_timer_open(&p->timer, &io, &owner, &f), 0);
}

static void close_probe(struct probe *p)
{
    fine_timer_close(&p->timer);
    fine_timer_close(&p->timer);
    cr_expect_eq(p->closed, 0, "never from inside a call");
    uv_run(&io.loop, UV_RUN_NOWAIT);
    cr_expect_eq(p->closed, 1);
}

static void set_up(void)
{
    struct fault f;

    cr_assert_eq(io_init(&io, &f), 0);
    open_probe(&one);
}

static void tear_down(void)
{
    close_probe(&one);
    cr_expect_eq(io_deinit(&io), 0);
}

TestSuite(fine_timer, .init = set_up, .fini = tear_down, .timeout = 30);

static void run_until_fired(const struct probe *p, unsigned times)
{
    while (p->fired < times) {
        uv_run(&io.loop, UV_RUN_ONCE);
    }
}

static void turn(void)
{
    for (int i = 0; i < 3; i++) {
        uv_run(&io.loop, UV_RUN_NOWAIT);
    }
}

static uint64_t in_ms(uint64_t ms)
{
    return uv_hrtime() + ms * NS_PER_MS;
}

Test(fine_timer, never_fires_early)
{
    for (unsigned i = 1; i <= 20; i++) {
        uint64_t due_ns = in_ms(1) + i * 50000;

        fine_timer_start(&one.timer, due_ns);
        run_until_fired(&one, i);
        cr_expect_geq(one.fired_ns, due_ns);
    }
}

/* A lead of a second: the kernel wakes it up at once. */
Test(fine_timer, waits_for_the_rest_when_woken_up_too_soon)
{
    uint64_t due_ns = in_ms(10);

    one.timer.lead_ns = 1000ULL * NS_PER_MS;
    fine_timer_start(&one.timer, due_ns);
    run_until_fired(&one, 1);
    cr_expect_geq(one.fired_ns, due_ns);
    turn();
    cr_expect_eq(one.fired, 1);
}

/* Has it woken up with so much left, or less; again, when this machine stood still and nothing was.
 * When it is due. */
static uint64_t wake_up_with(uint64_t rest_ns)
{
    uint64_t due_ns = 0;

    do {
        fine_timer_stop(&one.timer);
        one.fired = 0;
        one.timer.lead_ns = 1000ULL * NS_PER_MS;
        due_ns = uv_hrtime() + rest_ns;
        fine_timer_start(&one.timer, due_ns);
        uv_run(&io.loop, UV_RUN_ONCE);
    } while (one.fired > 0 && io.calm_until_ns == 0);
    return due_ns;
}

Test(fine_timer, waits_actively_for_a_short_rest_and_is_not_early)
{
    uint64_t due_ns = wake_up_with(LONGEST_NS);

    cr_expect_eq(one.fired, 1);
    cr_expect_geq(one.fired_ns, due_ns);
    turn();
    cr_expect_eq(one.fired, 1);
}

Test(fine_timer, does_not_wait_actively_for_a_longer_rest)
{
    uint64_t due_ns = wake_up_with(100ULL * NS_PER_MS);

    cr_expect_eq(one.fired, 0);
    cr_expect_eq(io.calm_until_ns, 0);
    cr_expect_eq(one.timer.set_ns, due_ns);
}

/* A sixteenth of the time at most. */
Test(fine_timer, pays_for_an_active_wait_with_calm)
{
    uint64_t calm_ns = 0;
    uint64_t due_ns = wake_up_with(LONGEST_NS);

    calm_ns = io.calm_until_ns - due_ns;
    cr_expect_gt(calm_ns, 0U);
    cr_expect_leq(calm_ns, 15U * LONGEST_NS);
    cr_expect_eq(calm_ns % 15, 0U);
}

/* However many timers there are: they share one loop. */
Test(fine_timer, does_not_wait_actively_so_soon_again)
{
    uint64_t calm_ns = in_ms(100000);

    io.calm_until_ns = calm_ns;
    for (unsigned i = 1; i <= 20; i++) {
        one.timer.lead_ns = LONGEST_NS;
        fine_timer_start(&one.timer, uv_hrtime() + LONGEST_NS / 2);
        run_until_fired(&one, i);
    }
    cr_expect_eq(io.calm_until_ns, calm_ns);
}

Test(fine_timer, may_be_stopped_when_woken_up_too_soon)
{
    uint64_t due_ns = in_ms(100000);

    one.timer.lead_ns = 200000ULL * NS_PER_MS;
    fine_timer_start(&one.timer, due_ns);
    cr_expect_lt(one.timer.set_ns, uv_hrtime());
    uv_run(&io.loop, UV_RUN_ONCE);
    cr_expect_eq(one.timer.set_ns, due_ns);
    fine_timer_stop(&one.timer);
    cr_expect_eq(one.timer.set_ns, 0);
    cr_expect_eq(one.fired, 0);
}

Test(fine_timer, has_less_lead_when_woken_up_too_soon)
{
    one.timer.lead_ns = 200000ULL * NS_PER_MS;
    fine_timer_start(&one.timer, in_ms(100000));
    uv_run(&io.loop, UV_RUN_ONCE);
    cr_expect_eq(one.timer.lead_ns, 200000ULL * NS_PER_MS - 1000);
}

/* What was late by far, because the loop was busy, teaches no more than the rest. */
Test(fine_timer, has_more_lead_when_woken_up_late)
{
    for (unsigned i = 1; i <= 20; i++) {
        fine_timer_start(&one.timer, 1);
        run_until_fired(&one, i);
        cr_expect_eq(one.timer.lead_ns, i < 12 ? i * 9000 : LONGEST_NS);
    }
}

Test(fine_timer, fires_once)
{
    fine_timer_start(&one.timer, in_ms(1));
    run_until_fired(&one, 1);
    turn();
    cr_expect_eq(one.fired, 1);
}

Test(fine_timer, fires_from_the_loop_when_its_time_is_over)
{
    fine_timer_start(&one.timer, 1);
    cr_expect_eq(one.fired, 0);
    run_until_fired(&one, 1);
}

Test(fine_timer, a_later_moment_replaces_the_first)
{
    uint64_t due_ns = in_ms(SOON_MS);

    fine_timer_start(&one.timer, 1);
    fine_timer_start(&one.timer, due_ns);
    run_until_fired(&one, 1);
    cr_expect_geq(one.fired_ns, due_ns);
    turn();
    cr_expect_eq(one.fired, 1);
}

Test(fine_timer, an_earlier_moment_replaces_the_first)
{
    fine_timer_start(&one.timer, in_ms(1000000));
    fine_timer_start(&one.timer, 1);
    run_until_fired(&one, 1);
}

/* What was over already is over no more. */
Test(fine_timer, does_not_fire_when_stopped)
{
    fine_timer_start(&one.timer, 1);
    fine_timer_stop(&one.timer);
    fine_timer_stop(&one.timer);
    turn();
    cr_expect_eq(one.fired, 0);
}

static void stop_the_other(struct probe *p)
{
    fine_timer_stop(p == &one ? &two.timer : &one.timer);
}

/* The loop has both events in its hand: the first one's callback stops the second. */
Test(fine_timer, does_not_fire_when_stopped_by_an_event_of_the_same_poll)
{
    open_probe(&two);
    one.hook = stop_the_other;
    two.hook = stop_the_other;
    fine_timer_start(&one.timer, 1);
    fine_timer_start(&two.timer, 1);
    turn();
    cr_expect_eq(one.fired + two.fired, 1);
    close_probe(&two);
}

static void close_the_other(struct probe *p)
{
    if (p == &one) {
        two.hook = NULL;
        fine_timer_close(&two.timer);
    } else {
        one.hook = NULL;
        fine_timer_close(&one.timer);
    }
}

Test(fine_timer, does_not_fire_when_closed_by_an_event_of_the_same_poll)
{
    open_probe(&two);
    one.hook = close_the_other;
    two.hook = close_the_other;
    fine_timer_start(&one.timer, 1);
    fine_timer_start(&two.timer, 1);
    turn();
    cr_expect_eq(one.fired + two.fired, 1);
    fine_timer_close(&one.timer);
    fine_timer_close(&two.timer);
    turn();
    cr_expect_eq(one.closed, 1);
    cr_expect_eq(two.closed, 1);
    one.closed = 0; /* for the end of the test */
    memset(&one.timer, 0, sizeof one.timer);
    open_probe(&one);
}

static void start_again(struct probe *p)
{
    if (p->fired < 3) {
        fine_timer_start(&p->timer, uv_hrtime() + 1);
    }
}

Test(fine_timer, may_be_started_from_its_own_callback)
{
    one.hook = start_again;
    fine_timer_start(&one.timer, 1);
    run_until_fired(&one, 3);
    turn();
    cr_expect_eq(one.fired, 3);
}

static void count_turn(uv_prepare_t *prepare)
{
    unsigned *turns = prepare->data;

    (*turns)++;
}

static void end_wait(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

/* How often the loop turns while nothing happens for a while. */
static unsigned count_turns(void)
{
    uv_prepare_t prepare;
    uv_timer_t wait;
    unsigned turns = 0;

    uv_prepare_init(&io.loop, &prepare);
    prepare.data = &turns;
    uv_prepare_start(&prepare, count_turn);
    uv_update_time(&io.loop);
    uv_timer_init(&io.loop, &wait);
    uv_timer_start(&wait, end_wait, 20, 0);
    uv_run(&io.loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&wait, NULL);
    uv_close((uv_handle_t *)&prepare, NULL);
    uv_run(&io.loop, UV_RUN_NOWAIT);
    return turns;
}

Test(fine_timer, wakes_nobody_up_after_it_fired)
{
    fine_timer_start(&one.timer, 1);
    run_until_fired(&one, 1);
    cr_expect_leq(count_turns(), 4U);
}

Test(fine_timer, wakes_nobody_up_while_it_is_stopped)
{
    fine_timer_start(&one.timer, 1);
    fine_timer_stop(&one.timer);
    cr_expect_leq(count_turns(), 4U);
}

Test(fine_timer, does_not_fire_when_closed)
{
    open_probe(&two);
    fine_timer_start(&two.timer, 1);
    close_probe(&two);
    fine_timer_start(&two.timer, 1);
    fine_timer_stop(&two.timer);
    turn();
    cr_expect_eq(two.fired, 0);
}

/* No descriptor is left. */
Test(fine_timer, says_why_it_can_not_be_made)
{
    const struct fine_timer_owner owner = {.on_due = on_due, .on_closed = on_closed, .self = &two};
    struct rlimit before;
    struct rlimit none;
    struct fault f = {0};

    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 0;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    cr_expect_eq(fine_timer_open(&two.timer, &io, &owner, &f), FAULT_IO);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    cr_expect_eq(f.side, FAULT_SIDE_SELF);
    cr_expect_str_eq(f.note, "cannot make a timer: too many open files");
}
