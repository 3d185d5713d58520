#include <string.h>
#include <time.h>

#include <criterion/criterion.h>

#include "gateway/stall.h"

static struct io io;

Test(io, ends_with_an_empty_loop)
{
    struct fault f;
    cr_assert_eq(io_init(&io, &f), 0);
    cr_expect_eq(io_deinit(&io), 0);
}

Test(io, tells_of_a_handle_that_is_still_open)
{
    struct fault f;
    uv_timer_t timer;
    cr_assert_eq(io_init(&io, &f), 0);
    uv_timer_init(&io.loop, &timer);
    cr_expect_eq(io_deinit(&io), FAULT_INTERNAL);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&io.loop, UV_RUN_DEFAULT);
    cr_expect_eq(io_deinit(&io), 0);
}

/* Wiped: mem_wipe_free, see its own test. */
Test(io, gives_back_what_the_links_carried)
{
    struct fault f;
    cr_assert_eq(io_init(&io, &f), 0);
    memset(io.scratch, 'P', sizeof(*io.scratch));
    cr_assert_eq(io_deinit(&io), 0);
    cr_expect_null(io.scratch);
}

Test(io, tells_both_clocks)
{
    struct fault f;
    cr_assert_eq(io_init(&io, &f), 0);
    cr_expect_eq(io_now_ms(&io), uv_now(&io.loop));
    cr_expect_leq(time(NULL) - (time_t)io_wall_s(), 1);
    cr_assert_eq(io_deinit(&io), 0);
}

/* ---- long turns ---- */

static struct stall stall;
static unsigned long_at; /* of so many questions in one turn, the first that heard "long" */

static void ask_often(uv_timer_t *timer)
{
    uint64_t end_ns = uv_hrtime() + (uint64_t)(IO_TURN_MS + 2) * 1000000;
    while (timer->data != NULL && uv_hrtime() < end_ns) {
    }
    long_at = 0;
    for (unsigned i = 1; i <= 2 * IO_TURN_FREE && long_at == 0; i++) {
        long_at = io_turn_is_long(&io) ? i : 0;
    }
    uv_close((uv_handle_t *)timer, NULL);
}

static unsigned ask_in_a_turn(bool is_busy)
{
    uv_timer_t timer;
    uv_timer_init(&io.loop, &timer);
    timer.data = is_busy ? &timer : NULL;
    uv_timer_start(&timer, ask_often, 0, 0);
    uv_run(&io.loop, UV_RUN_DEFAULT);
    return long_at;
}

Test(io, a_turn_is_long_after_some_milliseconds_and_some_work)
{
    struct fault f;
    cr_assert_eq(io_init(&io, &f), 0);
    stall_open(&stall, &io, NULL, NULL);
    cr_expect_eq(ask_in_a_turn(true), IO_TURN_FREE + 1);
    cr_expect_eq(ask_in_a_turn(true), IO_TURN_FREE + 1, "each turn begins anew");
    stall_close(&stall);
    uv_run(&io.loop, UV_RUN_DEFAULT);
    cr_assert_eq(io_deinit(&io), 0);
}

Test(io, no_turn_is_long_while_nobody_measures)
{
    struct fault f;
    cr_assert_eq(io_init(&io, &f), 0);
    cr_expect_eq(ask_in_a_turn(true), 0);
    stall_open(&stall, &io, NULL, NULL);
    stall_close(&stall);
    uv_run(&io.loop, UV_RUN_DEFAULT);
    cr_expect_eq(ask_in_a_turn(true), 0);
    cr_assert_eq(io_deinit(&io), 0);
}
