#include <time.h>

#include <criterion/criterion.h>

#include "gateway/io.h"

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

Test(io, wipes_what_the_links_carried)
{
    struct fault f;
    cr_assert_eq(io_init(&io, &f), 0);
    io.read[7] = 1;
    io.plain[8] = 1;
    io.cipher[9] = 1;
    cr_assert_eq(io_deinit(&io), 0);
    cr_expect_eq(io.read[7] | io.plain[8] | io.cipher[9], 0);
}

Test(io, tells_both_clocks)
{
    struct fault f;
    cr_assert_eq(io_init(&io, &f), 0);
    cr_expect_eq(io_now_ms(&io), uv_now(&io.loop));
    cr_expect_leq(time(NULL) - (time_t)io_wall_s(), 1);
    cr_assert_eq(io_deinit(&io), 0);
}
