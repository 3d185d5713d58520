/* Two TLS endpoints of ours that meet: a slow reader, a close at every event, every allocation. */
#include <string.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "gateway/endpoint.h"
#include "tests/unit/gateway/bench.h"
#include "tests/unit/gateway/bench_tls.h"

static struct bench bench;
static struct bench_tls tls;
static struct ear ear;    /* dials */
static struct ear second; /* is dialled */

static void setup(void)
{
    bench_init(&bench);
    bench_tls_init(&tls);
    ear_init(&ear, FAULT_SIDE_SERVER);
    ear_init(&second, FAULT_SIDE_SERVER);
}

static void teardown(void)
{
    endpoint_free(ear.ep);
    endpoint_free(second.ep);
    cr_expect_not(ear.is_late);
    cr_expect_not(second.is_late);
    bench_tls_deinit(&tls);
    bench_end(&bench);
}

TestSuite(endpoint_closing, .init = setup, .fini = teardown, .timeout = 60);

/* Byte number `at` of a stream that no loss or exchange leaves unchanged. */
static uint8_t pattern(size_t at)
{
    return (uint8_t)((at * 2654435761U) >> 11);
}

static bool stream_is_same = true;

static void check_and_stop(struct ear *e, enum ear_event event, struct span data)
{
    if (event != EAR_DATA) {
        return;
    }
    for (size_t i = 0; i < data.len; i++) {
        stream_is_same = stream_is_same && data.data[i] == pattern(e->len - data.len + i);
    }
    endpoint_read_stop(e->ep);
}

static void join_two(void)
{
    bench_listen(&bench);
    bench.next = &second;
    bench_dial(&bench, &ear, bench.port);
    bench_run_until(&bench, &ear.opened, 1);
    bench_run_until(&bench, &bench.connections, 1);
    endpoint_start_tls(ear.ep, bench_tls_engine(&tls, TLS_CLIENT, NULL), span_of(NULL, 0));
    endpoint_start_tls(second.ep, bench_tls_engine(&tls, TLS_SERVER, NULL), span_of(NULL, 0));
}

Test(endpoint_closing, slow_reader_gets_everything_in_order_and_little_is_parked)
{
    enum { TOTAL = 50 * 1024 * 1024, PIECE = 65536 };

    static uint8_t piece[PIECE];
    size_t sent = 0;
    size_t most = 0;
    join_two();
    bench_run_until(&bench, &ear.secured, 1);
    bench_run_until(&bench, &second.secured, 1);
    second.hook = check_and_stop;
    while (second.len < TOTAL) {
        if (sent < TOTAL && endpoint_is_clear(ear.ep)) {
            for (size_t i = 0; i < PIECE; i++) {
                piece[i] = pattern(sent + i);
            }
            endpoint_write(ear.ep, span_of(piece, PIECE));
            sent += PIECE;
        }
        endpoint_read_start(second.ep);
        bench_turn(&bench);
        most = endpoint_parked(ear.ep) > most ? endpoint_parked(ear.ep) : most;
    }
    cr_expect(stream_is_same, "lost or exchanged");
    cr_expect_eq(second.len, TOTAL);
    cr_expect_gt(most, 0, "the reader was not slow enough to test anything");
    cr_expect_leq(most, PIECE + 5 * (TLS_CIPHER_MAX - TLS_PLAIN_MAX));
    bench_close(&bench, &ear);
    bench_close(&bench, &second);
}

/* Closes its own endpoint at event number *left of both ends together. */
static void close_at(struct ear *e, enum ear_event event, struct span data)
{
    int *left = e->arg;
    if (event == EAR_CLOSED) {
        return;
    }
    (*left)--;
    if (*left == 0) {
        endpoint_close(e->ep, NULL);
    } else if (event == EAR_OPEN) {
        endpoint_start_tls(e->ep, bench_tls_engine(&tls, TLS_CLIENT, NULL), span_of(NULL, 0));
    } else if (event == EAR_SECURE) {
        endpoint_read_start(e->ep);
        endpoint_write(e->ep, span_of_text("hello"));
    } else if (event == EAR_DATA && e->len < 8000) {
        endpoint_write(e->ep, data);
        endpoint_write(e->ep, data); /* grows, so that there is more than one record in a read */
    } else if (event == EAR_DATA) {
        endpoint_finish(e->ep);
    } else if (event == EAR_EOF) {
        endpoint_finish(e->ep);
        endpoint_close(e->ep, NULL);
    }
}

static void run_and_close_at(int first_at, int second_at)
{
    unsigned before = bench.connections;
    ear_init(&ear, FAULT_SIDE_SERVER);
    ear_init(&second, FAULT_SIDE_SERVER);
    ear.hook = close_at;
    ear.arg = &first_at;
    second.hook = close_at;
    second.arg = &second_at;
    bench.next = &second;
    bench_dial(&bench, &ear, bench.port);
    bench_run_until(&bench, &bench.connections, before + 1);
    endpoint_start_tls(second.ep, bench_tls_engine(&tls, TLS_SERVER, NULL), span_of(NULL, 0));
    bench_run_until(&bench, &ear.closed, 1);
    bench_run_until(&bench, &second.closed, 1);
    endpoint_free(ear.ep);
    endpoint_free(second.ep);
    ear.ep = NULL;
    second.ep = NULL;
    bench_turn(&bench);
    cr_expect_eq(ear.closed + second.closed, 2);
    cr_expect_not(ear.is_late);
    cr_expect_not(second.is_late);
}

Test(endpoint_closing, close_after_each_of_the_first_60_events_on_either_side_ends_once)
{
    bench_listen(&bench);
    for (int n = 1; n <= 60; n++) {
        run_and_close_at(n, 0);
        run_and_close_at(0, n);
    }
    run_and_close_at(0, 0);
}

Test(endpoint_closing, survives_each_failing_allocation)
{
    bool is_done = false;
    bench_listen(&bench);
    for (uint32_t nth = 1; !is_done; nth++) {
        int never = 0;
        cr_assert_lt(nth, 5000);
        ear_init(&ear, FAULT_SIDE_SERVER);
        ear_init(&second, FAULT_SIDE_SERVER);
        unsigned before = bench.connections;
        bench.next = &second;
        bench_dial(&bench, &ear, bench.port);
        bench_run_until(&bench, &bench.connections, before + 1);
        bench_run_until(&bench, &ear.opened, 1);
        ear.hook = close_at;
        ear.arg = &never;
        second.hook = close_at;
        second.arg = &never;
        struct tls_engine *client = bench_tls_engine(&tls, TLS_CLIENT, NULL);
        struct tls_engine *server = bench_tls_engine(&tls, TLS_SERVER, NULL);
        mem_fail_nth(nth);
        endpoint_start_tls(ear.ep, client, span_of(NULL, 0));
        endpoint_start_tls(second.ep, server, span_of(NULL, 0));
        bench_run_until(&bench, &ear.closed, 1);
        bench_run_until(&bench, &second.closed, 1);
        mem_fail_nth(0);
        is_done = ear.eofs + second.eofs > 0 && ear.cause.code == FAULT_NONE &&
                  second.cause.code == FAULT_NONE;
        endpoint_free(ear.ep);
        endpoint_free(second.ep);
        ear.ep = NULL;
        second.ep = NULL;
    }
}
