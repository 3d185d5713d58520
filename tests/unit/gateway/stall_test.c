#include <criterion/criterion.h>

#include "gateway/stall.h"

enum { NS_PER_MS = 1000000, BUSY_MS = 30, WAIT_MS = 250, TURNS = 200 };

static struct io io;
static struct stall stall;
static unsigned closed;

static void on_closed(void *owner)
{
    cr_expect_eq(owner, &closed);
    closed++;
}

static void set_up(void)
{
    struct fault f;
    cr_assert_eq(io_init(&io, &f), 0);
    stall_open(&stall, &io, on_closed, &closed);
}

static void tear_down(void)
{
    stall_close(&stall);
    stall_close(&stall);
    cr_expect_eq(closed, 0, "never from inside a call");
    uv_run(&io.loop, UV_RUN_DEFAULT);
    cr_expect_eq(closed, 1);
    cr_expect_eq(io_deinit(&io), 0);
}

TestSuite(stall, .init = set_up, .fini = tear_down, .timeout = 30);

/* Work that blocks the loop; no sleep, the processor is really busy. */
static void be_busy(void)
{
    uint64_t end_ns = uv_hrtime() + (uint64_t)BUSY_MS * NS_PER_MS;
    while (uv_hrtime() < end_ns) {
    }
}

static void busy_once(uv_timer_t *timer)
{
    be_busy();
    uv_close((uv_handle_t *)timer, NULL);
}

static void busy_when_told(uv_async_t *async)
{
    be_busy();
    uv_close((uv_handle_t *)async, NULL);
}

static void end_wait(uv_timer_t *timer)
{
    uv_close((uv_handle_t *)timer, NULL);
}

/* A turn of the loop with nothing to do: a turn that was busy ends with the next one's poll. */
static void turn(void)
{
    uv_timer_t timer;
    uv_timer_init(&io.loop, &timer);
    uv_timer_start(&timer, end_wait, 0, 0);
    uv_run(&io.loop, UV_RUN_DEFAULT);
}

Test(stall, tells_how_long_a_timer_blocked_the_loop)
{
    uv_timer_t timer;
    turn();
    uv_timer_init(&io.loop, &timer);
    uv_timer_start(&timer, busy_once, 1, 0);
    uv_run(&io.loop, UV_RUN_DEFAULT);
    turn();
    cr_expect_geq(stall_longest_ms(&stall), BUSY_MS);
}

Test(stall, tells_how_long_what_the_poll_brought_blocked_the_loop)
{
    uv_async_t async;
    turn();
    uv_async_init(&io.loop, &async, busy_when_told);
    uv_async_send(&async);
    uv_run(&io.loop, UV_RUN_DEFAULT);
    turn();
    cr_expect_geq(stall_longest_ms(&stall), BUSY_MS);
}

Test(stall, does_not_count_the_time_in_which_nothing_was_to_do)
{
    uv_timer_t timer;
    turn();
    uv_timer_init(&io.loop, &timer);
    uv_timer_start(&timer, end_wait, WAIT_MS, 0);
    uv_run(&io.loop, UV_RUN_DEFAULT);
    turn();
    cr_expect_lt(stall_longest_ms(&stall), WAIT_MS);
}

Test(stall, does_not_count_what_was_before_the_first_turn)
{
    be_busy();
    turn();
    turn();
    cr_expect_lt(stall_longest_ms(&stall), BUSY_MS);
}

static void busy_and_refreshed(uv_async_t *async)
{
    be_busy();
    io_refresh(&io);
    uv_close((uv_handle_t *)async, NULL);
}

Test(stall, counts_from_the_poll_also_when_the_clock_was_moved_since)
{
    uv_async_t async;
    turn();
    uv_async_init(&io.loop, &async, busy_and_refreshed);
    uv_async_send(&async);
    uv_run(&io.loop, UV_RUN_DEFAULT);
    turn();
    cr_expect_geq(stall_longest_ms(&stall), BUSY_MS);
}

Test(stall, keeps_the_longest)
{
    uv_timer_t timer;
    turn();
    uv_timer_init(&io.loop, &timer);
    uv_timer_start(&timer, busy_once, 0, 0);
    uv_run(&io.loop, UV_RUN_DEFAULT);
    for (int i = 0; i < 10; i++) {
        turn();
    }
    cr_expect_geq(stall_longest_ms(&stall), BUSY_MS);
}

Test(stall, does_not_keep_the_loop_running)
{
    cr_expect_eq(uv_run(&io.loop, UV_RUN_DEFAULT), 0);
}

/* Turns that find something to do at once, while many links are said to talk. */
static uint64_t many_turns_ns(void)
{
    uv_async_t async;
    uint64_t began_ns = uv_hrtime();
    uv_async_init(&io.loop, &async, NULL);
    for (int i = 0; i < TURNS; i++) {
        io.lull = (struct lull){.is_crowded = true, .since_ns = uv_hrtime()};
        uv_async_send(&async);
        uv_run(&io.loop, UV_RUN_ONCE);
    }
    uint64_t took_ns = uv_hrtime() - began_ns;
    uv_close((uv_handle_t *)&async, NULL);
    uv_run(&io.loop, UV_RUN_DEFAULT);
    return took_ns;
}

Test(stall, lets_a_lull_pass_before_each_poll_when_one_is_wanted)
{
    cr_expect_geq(many_turns_ns(), (uint64_t)TURNS * LULL_NS);
}

/* ---- haste, while somebody waits at the gate ---- */

static struct gate gate;
static struct gate_ticket tickets[3];
static uv_timer_t alive; /* else there is nothing to run for */

static void on_turn_at_gate(void *owner)
{
    (void)owner;
}

/* One came through, one is inside, one waits. */
static void crowd(void)
{
    const struct gate_guest guest = {.who = "somebody", .on_turn = on_turn_at_gate};
    gate_init(&gate, 1);
    for (size_t i = 0; i < 3; i++) {
        (void)gate_enter(&gate, &tickets[i], &guest);
    }
    gate_leave(&gate, &tickets[0]);
    io.gate = &gate;
    stall.may_hurry = true;
    uv_timer_init(&io.loop, &alive);
    uv_timer_start(&alive, end_wait, 3600000, 0);
}

static void disperse(void)
{
    io.gate = NULL;
    uv_close((uv_handle_t *)&alive, NULL);
}

/* A turn in which a link is read. */
static void turn_with_reading(void)
{
    uint32_t seen = 0;
    lull_note(&io.lull, &seen);
    (void)uv_run(&io.loop, UV_RUN_NOWAIT);
}

static bool hurries(void)
{
    return uv_is_active((uv_handle_t *)&stall.haste) != 0;
}

Test(stall, the_poll_does_not_wait_while_there_is_haste)
{
    crowd();
    cr_expect_not(hurries());
    uint64_t began_ns = uv_hrtime();
    turn_with_reading();
    cr_assert(hurries());
    cr_expect_eq(uv_backend_timeout(&io.loop), 0);
    while (hurries()) {
        (void)uv_run(&io.loop, UV_RUN_NOWAIT);
    }
    cr_expect_geq(uv_hrtime() - began_ns, (uint64_t)HASTE_NS);
    disperse();
}

Test(stall, hurries_for_nobody_when_none_waits)
{
    crowd();
    gate_leave(&gate, &tickets[2]);
    turn_with_reading();
    cr_expect_not(hurries());
    io.gate = NULL;
    turn_with_reading();
    cr_expect_not(hurries());
    disperse();
}

/* Who is waited for may need this very processor. */
Test(stall, a_single_processor_is_left_to_others)
{
    crowd();
    stall.may_hurry = false;
    turn_with_reading();
    cr_expect_not(hurries());
    disperse();
}
