#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "gateway/endpoint_private.h"
#include "gateway/stall.h"
#include "tests/unit/gateway/bench.h"

enum { CHUNK = 65536, BIG = 50 * 1024 * 1024 };

static struct bench bench;
static struct ear ear;
static struct ear second;
static uint8_t chunk[CHUNK];

static const struct conf_line line = {
    .rate = 9600, .data_bits = 8, .parity = CONF_PARITY_NONE, .stop_bits = 1};

static void setup(void)
{
    bench_init(&bench);
    ear_init(&ear, FAULT_SIDE_DEVICE);
    ear_init(&second, FAULT_SIDE_SERVER);
}

static void teardown(void)
{
    endpoint_free(ear.ep);
    endpoint_free(second.ep);
    cr_expect_not(ear.is_late);
    cr_expect_not(second.is_late);
    bench_end(&bench);
}

TestSuite(endpoint_data, .init = setup, .fini = teardown, .timeout = 60);

/* Byte number `at` of a stream that no loss or exchange leaves unchanged. */
static uint8_t pattern(size_t at)
{
    return (uint8_t)((at * 2654435761U) >> 13);
}

static int open_serial(void)
{
    char path[64];
    struct fault f;
    int master = bench_open_pty(path, sizeof(path));
    ear.ep = endpoint_open_serial(&bench.io, path, &line, &ear.owner, &f);
    cr_assert_not_null(ear.ep);
    return master;
}

static void reset_peer(int fd)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
    close(fd);
}

static void echo(struct ear *e, enum ear_event event, struct span data)
{
    if (event == EAR_DATA) {
        endpoint_write(e->ep, data);
    }
    if (event == EAR_EOF) {
        endpoint_finish(e->ep);
    }
}

Test(endpoint_data, echoes_and_keeps_half_close_both_ways)
{
    char got[16] = "";
    int fd = bench_pair(&bench, &ear);
    ear.hook = echo;
    endpoint_read_start(ear.ep);
    cr_assert_eq(write(fd, "hello", 5), 5);
    cr_assert_eq(shutdown(fd, SHUT_WR), 0);
    cr_expect_eq(bench_read(&bench, fd, got, sizeof(got)), 5);
    cr_expect_str_eq(got, "hello");
    cr_expect(bench_sees_end(&bench, fd));
    cr_expect_eq(ear.eofs, 1);
    cr_expect_eq(ear.closed, 0, "the owner decides when it is over");
    bench_close(&bench, &ear);
    close(fd);
}

/* The turn is as long as one gets: what comes next is to be put off. */
static void be_long(struct ear *e, enum ear_event event, struct span data)
{
    (void)e;
    (void)data;
    if (event == EAR_DATA) {
        uint64_t end_ns = uv_hrtime() + (uint64_t)(IO_TURN_MS + 2) * 1000000;
        while (uv_hrtime() < end_ns) {
        }
        bench.io.turn_count = IO_TURN_FREE;
    }
}

Test(endpoint_data, puts_off_in_a_long_turn_what_it_reads_in_the_next)
{
    struct stall stall;
    int fd = bench_pair(&bench, &ear);
    int other = bench_pair(&bench, &second);
    ear.hook = be_long;
    second.hook = be_long;
    endpoint_read_start(ear.ep);
    endpoint_read_start(second.ep);
    stall_open(&stall, &bench.io, NULL, NULL);
    bench_turn(&bench);
    cr_assert_eq(write(fd, "one", 3), 3);
    cr_assert_eq(write(other, "two", 3), 3);
    bench_turn(&bench);
    cr_expect_eq(ear.len + second.len, 3, "one of them was put off");
    cr_expect(bench.io.has_put_off);
    bench_turn(&bench);
    cr_expect(ear_heard(&ear, "one"));
    cr_expect(ear_heard(&second, "two"));
    cr_expect_eq(ear.closed + second.closed, 0, "to put off is no failure");
    stall_close(&stall);
    bench_close(&bench, &ear);
    bench_close(&bench, &second);
    close(fd);
    close(other);
}

Test(endpoint_data, each_link_that_talks_counts_towards_a_lull_and_serial_lines_do_not)
{
    int fd = bench_pair(&bench, &ear);
    endpoint_read_start(ear.ep);
    bench.io.lull.window = 7;
    for (unsigned i = 1; i <= 2; i++) {
        cr_assert_eq(write(fd, "x", 1), 1);
        while (ear.len < i) {
            bench_turn(&bench);
        }
    }
    cr_expect_eq(bench.io.lull.links, 1);
    cr_expect_eq(bench.io.lull.reads, 2);
    bench_close(&bench, &ear);
    close(fd);
    ear_init(&ear, FAULT_SIDE_DEVICE);
    int master = open_serial();
    endpoint_read_start(ear.ep);
    cr_assert_eq(write(master, "x", 1), 1);
    while (ear.len < 1) {
        bench_turn(&bench);
    }
    cr_expect_eq(bench.io.lull.reads, 2);
    bench_close(&bench, &ear);
    close(master);
}

Test(endpoint_data, writes_after_the_peer_sent_its_fin)
{
    char got[16] = "";
    int fd = bench_pair(&bench, &ear);
    endpoint_read_start(ear.ep);
    cr_assert_eq(shutdown(fd, SHUT_WR), 0);
    bench_run_until(&bench, &ear.eofs, 1);
    endpoint_write(ear.ep, span_of_text("answer"));
    cr_expect_eq(bench_read(&bench, fd, got, 6), 6);
    cr_expect_str_eq(got, "answer");
    bench_close(&bench, &ear);
    close(fd);
}

/* When both directions are shut, libuv tells the end together with the last bytes, and with no
 * room. */
Test(endpoint_data, hears_the_end_that_comes_with_the_last_bytes)
{
    int fd = bench_pair(&bench, &ear);
    endpoint_read_start(ear.ep);
    endpoint_finish(ear.ep);
    cr_expect(bench_sees_end(&bench, fd));
    cr_assert_eq(write(fd, "bye", 3), 3);
    cr_assert_eq(shutdown(fd, SHUT_WR), 0);
    bench_run_until(&bench, &ear.eofs, 1);
    cr_expect(ear_heard(&ear, "bye"));
    bench_close(&bench, &ear);
    close(fd);
}

Test(endpoint_data, reads_after_its_own_fin)
{
    int fd = bench_pair(&bench, &ear);
    endpoint_read_start(ear.ep);
    endpoint_finish(ear.ep);
    endpoint_finish(ear.ep);
    endpoint_write(ear.ep, span_of_text("too late"));
    cr_expect(endpoint_is_clear(ear.ep), "our own mistake is no fault of the peer");
    cr_expect_eq(bench_read(&bench, fd, chunk, 8), 0);
    cr_assert_eq(write(fd, "more", 4), 4);
    bench_run_until(&bench, &ear.events, 1);
    cr_expect(ear_heard(&ear, "more"));
    bench_close(&bench, &ear);
    close(fd);
}

Test(endpoint_data, finish_is_nothing_on_a_serial_port)
{
    char got[4];
    int master = open_serial();
    endpoint_finish(ear.ep);
    endpoint_write(ear.ep, span_of_text("on"));
    cr_expect_eq(bench_read(&bench, master, got, 2), 2);
    bench_close(&bench, &ear);
    close(master);
}

static void stop_after_first(struct ear *e, enum ear_event event, struct span data)
{
    (void)data;
    if (event == EAR_DATA) {
        endpoint_read_stop(e->ep);
    }
}

Test(endpoint_data, hears_nothing_after_read_stop_until_read_start)
{
    int fd = bench_pair(&bench, &ear);
    memset(chunk, 'a', sizeof(chunk));
    ear.hook = stop_after_first;
    endpoint_read_start(ear.ep);
    cr_assert_gt(write(fd, chunk, sizeof(chunk)), 0);
    bench_run_until(&bench, &ear.events, 1);
    cr_assert_gt(write(fd, "b", 1), 0);
    for (int i = 0; i < 10; i++) {
        bench_turn(&bench);
    }
    cr_expect_eq(ear.events, 1);
    endpoint_read_start(ear.ep);
    cr_expect_eq(ear.events, 1, "heard from inside a call");
    bench_run_until(&bench, &ear.events, 2);
    bench_close(&bench, &ear);
    close(fd);
}

/* A source that stops while its sink is not clear: what a flow does. */
static void lock_step(struct ear *e, enum ear_event event, struct span data)
{
    struct ear *other = e->arg;
    if (event == EAR_DATA) {
        endpoint_write(other->ep, data);
        if (!endpoint_is_clear(other->ep)) {
            endpoint_read_stop(e->ep);
        }
    } else if (event == EAR_DRAINED) {
        endpoint_read_start(other->ep);
    } else if (event == EAR_EOF) {
        endpoint_finish(other->ep);
    }
}

Test(endpoint_data, slow_reader_gets_everything_in_order_and_little_is_parked)
{
    int in = bench_pair(&bench, &ear);
    int out = bench_pair(&bench, &second);
    ear.hook = lock_step;
    ear.arg = &second;
    second.hook = lock_step;
    second.arg = &ear;
    endpoint_read_start(ear.ep);
    size_t sent = 0;
    size_t got = 0;
    size_t most = 0;
    bool is_same = true;
    for (unsigned turn = 0; got < BIG; turn++) {
        for (size_t i = 0; i < CHUNK && sent < BIG; i++) {
            chunk[i] = pattern(sent + i);
        }
        size_t want = BIG - sent < CHUNK ? BIG - sent : CHUNK;
        ssize_t put = want > 0 ? write(in, chunk, want) : 0;
        sent += put > 0 ? (size_t)put : 0;
        bench_turn(&bench);
        most = endpoint_parked(second.ep) > most ? endpoint_parked(second.ep) : most;
        if (turn % 3 != 0 && sent < BIG) {
            continue; /* slow: the writer meets full buffers again and again */
        }
        ssize_t len = read(out, chunk, CHUNK);
        for (ssize_t i = 0; i < len; i++) {
            is_same = is_same && chunk[i] == pattern(got + (size_t)i);
        }
        got += len > 0 ? (size_t)len : 0;
    }
    cr_expect(is_same, "lost or exchanged");
    cr_expect_gt(most, 0, "the reader was not slow enough to test anything");
    cr_expect_leq(most, IO_READ_MAX);
    cr_expect_gt(second.drained, 0);
    bench_close(&bench, &ear);
    bench_close(&bench, &second);
    close(in);
    close(out);
}

static void fill(struct ear *e)
{
    while (endpoint_is_clear(e->ep)) {
        endpoint_write(e->ep, span_of(chunk, sizeof(chunk)));
    }
}

Test(endpoint_data, finish_waits_for_what_is_parked)
{
    int fd = bench_pair(&bench, &ear);
    size_t total = 0;
    while (endpoint_is_clear(ear.ep)) {
        endpoint_write(ear.ep, span_of(chunk, sizeof(chunk)));
        total += sizeof(chunk);
    }
    endpoint_finish(ear.ep);
    size_t got = 0;
    while (got < total) {
        size_t now = bench_read(&bench, fd, chunk, CHUNK);
        cr_assert_neq(now, 0);
        got += now;
    }
    cr_expect(bench_sees_end(&bench, fd));
    cr_expect_eq(got, total);
    cr_expect_eq(endpoint_parked(ear.ep), 0);
    bench_close(&bench, &ear);
    close(fd);
}

Test(endpoint_data, close_drops_what_is_parked)
{
    int fd = bench_pair(&bench, &ear);
    fill(&ear);
    cr_expect_gt(endpoint_parked(ear.ep), 0);
    size_t parked = endpoint_parked(ear.ep);
    endpoint_close(ear.ep, NULL);
    bench_run_until(&bench, &ear.closed, 1);
    cr_expect_eq(ear.drained, 0);
    cr_expect_gt(endpoint_unsent(ear.ep), 0);
    cr_expect_leq(endpoint_unsent(ear.ep), parked);
    close(fd);
}

Test(endpoint_data, parks_no_more_than_its_bound)
{
    int fd = bench_pair(&bench, &ear);
    for (size_t i = 0; i <= 2 * ENDPOINT_PARKED_MAX / CHUNK + 256 && ear.closed == 0; i++) {
        endpoint_write(ear.ep, span_of(chunk, sizeof(chunk)));
        cr_assert_leq(endpoint_parked(ear.ep), ENDPOINT_PARKED_MAX);
    }
    bench_run_until(&bench, &ear.closed, 1);
    cr_expect_eq(ear.cause.code, FAULT_INTERNAL);
    close(fd);
}

Test(endpoint_data, reset_is_heard_while_reading)
{
    int fd = bench_pair(&bench, &ear);
    endpoint_read_start(ear.ep);
    reset_peer(fd);
    bench_run_until(&bench, &ear.closed, 1);
    cr_expect_eq(ear.cause.code, FAULT_RESET);
    cr_expect_eq(ear.cause.side, FAULT_SIDE_DEVICE);
    cr_expect_not_null(strstr(ear.cause.note, "127.0.0.1:"));
}

Test(endpoint_data, reset_is_noticed_when_writing_while_reading_is_stopped)
{
    int fd = bench_pair(&bench, &ear);
    reset_peer(fd);
    endpoint_write(ear.ep, span_of_text("anybody?"));
    bench_run_until(&bench, &ear.closed, 1);
    cr_expect_eq(ear.cause.code, FAULT_RESET);
}

Test(endpoint_data, reset_is_noticed_while_bytes_are_parked)
{
    int fd = bench_pair(&bench, &ear);
    fill(&ear);
    reset_peer(fd);
    bench_run_until(&bench, &ear.closed, 1);
    cr_expect_eq(ear.cause.code, FAULT_RESET);
}

Test(endpoint_data, last_words_of_a_peer_that_left_are_heard_before_the_failed_write)
{
    int fd = bench_pair(&bench, &ear);
    endpoint_read_start(ear.ep);
    bench_turn(&bench);
    cr_assert_eq(write(fd, "last answer", 11), 11);
    close(fd);
    /* The first draws the reset, the second meets it; the loop has not read yet. */
    endpoint_write(ear.ep, span_of_text("one"));
    endpoint_write(ear.ep, span_of_text("two"));
    endpoint_write(ear.ep, span_of_text("three"));
    bench_run_until(&bench, &ear.closed, 1);
    cr_expect(ear_heard(&ear, "last answer"));
    cr_expect_eq(ear.cause.code, FAULT_RESET);
}

Test(endpoint_data, serial_bytes_pass_unchanged_though_the_kernel_marks_them)
{
    static const uint8_t all[] = {0xFF, 0x00, 0xFF, 0xFF, 0x11, 0x13, 0x0D, 0x0A, 0x03, 0x04, 0x7F};
    uint8_t got[sizeof(all)];
    int master = open_serial();
    endpoint_read_start(ear.ep);
    cr_assert_eq(write(master, all, sizeof(all)), sizeof(all));
    while (ear.len < sizeof(all)) {
        bench_turn(&bench);
    }
    cr_expect_eq(ear.len, sizeof(all));
    cr_expect_arr_eq(ear.data, all, sizeof(all));
    cr_expect_eq(endpoint_line_errors(ear.ep), 0);
    endpoint_write(ear.ep, span_of(all, sizeof(all)));
    cr_expect_eq(bench_read(&bench, master, got, sizeof(got)), sizeof(all));
    cr_expect_arr_eq(got, all, sizeof(all));
    bench_close(&bench, &ear);
    close(master);
}

Test(endpoint_data, discards_and_counts_unread_serial_input)
{
    int master = open_serial();
    int waiting = 0;
    cr_expect_eq(endpoint_discard_input(ear.ep), 0);
    cr_assert_eq(write(master, "late\xFF", 5), 5);
    while (waiting < 6) { /* FF is doubled */
        uv_os_fd_t fd = -1;
        cr_assert_eq(uv_fileno(&ear.ep->u.handle, &fd), 0);
        cr_assert_eq(ioctl(fd, FIONREAD, &waiting), 0);
        bench_turn(&bench);
    }
    cr_expect_eq(endpoint_discard_input(ear.ep), 5);
    endpoint_read_start(ear.ep);
    cr_assert_eq(write(master, "new", 3), 3);
    bench_run_until(&bench, &ear.events, 1);
    cr_expect(ear_heard(&ear, "new"));
    bench_close(&bench, &ear);
    close(master);
}

Test(endpoint_data, serial_brake_holds_a_writer_and_lets_go_of_it)
{
    char got[4096];
    size_t total = 0;
    size_t sent = 0;
    int master = open_serial();
    while (endpoint_is_clear(ear.ep) && sent < BIG) {
        endpoint_write(ear.ep, span_of(chunk, 4096));
        sent += 4096;
    }
    cr_expect_gt(endpoint_parked(ear.ep), 0);
    while (total < sent) {
        size_t now = bench_read(&bench, master, got, sizeof(got));
        cr_assert_gt(now, 0);
        total += now;
    }
    bench_run_until(&bench, &ear.drained, 1);
    cr_expect(endpoint_is_clear(ear.ep));
    bench_close(&bench, &ear);
    close(master);
}

/* Until the line takes no more: the kernel hands a pseudo-terminal's bytes on in its own time. */
static size_t fill_line(void)
{
    enum { STEADY_TURNS = 50 };

    size_t sent = 0;
    for (int turns = 0; turns < STEADY_TURNS; turns++) {
        while (endpoint_is_clear(ear.ep)) {
            endpoint_write(ear.ep, span_of(chunk, 4096));
            sent += 4096;
            turns = 0;
        }
        (void)poll(NULL, 0, 1);
        bench_turn(&bench);
    }
    return sent;
}

Test(endpoint_data, closing_serial_port_sends_what_is_on_its_way)
{
    char got[4096];
    size_t total = 0;
    int master = open_serial();
    size_t sent = fill_line();
    endpoint_close(ear.ep, NULL);
    while (total < sent) {
        size_t now = bench_read(&bench, master, got, sizeof(got));
        cr_assert_gt(now, 0, "%zu of %zu came", total, sent);
        total += now;
    }
    bench_run_until(&bench, &ear.closed, 1);
    cr_expect_eq(endpoint_unsent(ear.ep), 0);
    close(master);
}

Test(endpoint_data, closing_serial_port_waits_not_long_for_a_line_that_is_held)
{
    int master = open_serial();
    (void)fill_line();
    uint64_t begin = uv_hrtime();
    endpoint_close(ear.ep, NULL);
    bench_run_until(&bench, &ear.closed, 1);
    cr_expect_leq((uv_hrtime() - begin) / 1000000, 3000);
    cr_expect_gt(endpoint_unsent(ear.ep), 0);
    close(master);
}

Test(endpoint_data, second_close_waits_for_no_line_at_all)
{
    struct fault f;
    int master = open_serial();
    (void)fill_line();
    fault_set(&f, FAULT_STOPPED, FAULT_SIDE_SELF, "stop", NULL);
    endpoint_close(ear.ep, &f);
    fault_set(&f, FAULT_IDLE, FAULT_SIDE_DEVICE, "idle", NULL);
    endpoint_close(ear.ep, &f);
    bench_turn(&bench);
    bench_turn(&bench);
    cr_expect_eq(ear.closed, 1);
    cr_expect_eq(ear.cause.code, FAULT_STOPPED, "the first fault is kept");
    close(master);
}

Test(endpoint_data, failing_allocation_while_parking_closes_only_this_link)
{
    int fd = bench_pair(&bench, &ear);
    mem_fail_nth(1);
    fill(&ear);
    mem_fail_nth(0);
    bench_run_until(&bench, &ear.closed, 1);
    cr_expect_eq(ear.cause.code, FAULT_MEMORY);
    cr_expect_eq(ear.cause.side, FAULT_SIDE_SELF);
    close(fd);
}
