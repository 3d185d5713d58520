#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "tests/unit/gateway/fetch_rig.h"

#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789"

static struct fetch_rig rig;
static struct fetch_ear ears[24];

static void setup(void)
{
    fetch_rig_open(&rig, false);
    http_peer_says(&rig.peer, HTTP_KEEP, ANSWER);
}

static void teardown(void)
{
    if (rig.fetcher != NULL) {
        fetch_rig_close(&rig);
    }
}

TestSuite(fetcher, .init = setup, .fini = teardown);

static void start(size_t i)
{
    struct fetch_request request = fetch_rig_request(&rig);
    fetch_rig_start(&rig, &request, &ears[i]);
}

static void end_by_time(size_t i, uint32_t deadline_ms, const char *text)
{
    struct fetch_request request = fetch_rig_request(&rig);
    request.deadline_ms = deadline_ms;
    fetch_rig_run(&rig, &request, &ears[i]);
    cr_expect_eq(ears[i].result.fault.code, FAULT_TIMEOUT, "%s", ears[i].result.fault.note);
    cr_expect_not_null(strstr(ears[i].result.fault.note, text), "%s", ears[i].result.fault.note);
}

Test(fetcher, ends_a_silent_one_at_its_deadline)
{
    http_peer_says(&rig.peer, HTTP_SILENT, "");
    end_by_time(0, 50, "/crl did not answer in time");
}

Test(fetcher, ends_a_slow_one_at_its_deadline)
{
    http_peer_says(&rig.peer, HTTP_DRIP, ANSWER);
    end_by_time(0, 200, "/crl did not answer in time");
    cr_expect_eq(ears[0].len, 0);
}

Test(fetcher, no_time_at_all_is_told_from_the_loop)
{
    end_by_time(0, 0, "");
}

Test(fetcher, has_no_more_at_one_host_than_allowed)
{
    http_peer_says(&rig.peer, HTTP_SILENT, "");
    for (size_t i = 0; i < 10; i++) {
        start(i);
    }
    bench_run_until(&rig.bench, &rig.peer.requests, FETCHER_HOST_ONCE);
    end_by_time(10, 50, "other downloads took all the time");
    cr_expect_eq(rig.peer.connections, FETCHER_HOST_ONCE);
}

/* Another port is another host here, as it is another server. */
Test(fetcher, a_silent_host_does_not_hold_up_another)
{
    static struct http_peer other;
    struct fetch_request request = fetch_rig_request(&rig);
    http_peer_open(&other, &rig.bench);
    http_peer_says(&rig.peer, HTTP_SILENT, "");
    for (size_t i = 0; i < 20; i++) {
        start(i);
    }
    char url[64];
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/", (unsigned)other.port);
    request.url = url;
    http_peer_says(&other, HTTP_KEEP, ANSWER);
    fetch_rig_run(&rig, &request, &ears[20]);
    cr_expect_eq(ears[20].result.fault.code, FAULT_NONE, "%s", ears[20].result.fault.note);
    http_peer_close(&other);
}

Test(fetcher, has_no_more_at_once_than_allowed)
{
    enum { HOSTS = FETCHER_AT_ONCE / FETCHER_HOST_ONCE + 1 };

    static struct http_peer peers[HOSTS];
    unsigned connections = 0;
    for (size_t i = 0; i < HOSTS; i++) {
        char url[64];
        http_peer_open(&peers[i], &rig.bench);
        http_peer_says(&peers[i], HTTP_SILENT, "");
        (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/", (unsigned)peers[i].port);
        for (size_t j = 0; j < FETCHER_HOST_ONCE; j++) {
            struct fetch_request request = {.url = url, .max_bytes = 10, .deadline_ms = 20000};
            fetch_rig_start(&rig, &request, &ears[i * FETCHER_HOST_ONCE + j]);
        }
    }
    for (size_t i = 0; i + 1 < HOSTS; i++) {
        bench_run_until(&rig.bench, &peers[i].requests, FETCHER_HOST_ONCE);
    }
    end_by_time(HOSTS * FETCHER_HOST_ONCE, 50, "other downloads took all the time");
    for (size_t i = 0; i < HOSTS; i++) {
        connections += peers[i].connections;
        http_peer_close(&peers[i]);
    }
    cr_expect_eq(connections, FETCHER_AT_ONCE);
}

Test(fetcher, those_who_wait_get_their_turn)
{
    for (size_t i = 0; i < 24; i++) {
        start(i);
    }
    for (size_t i = 0; i < 24; i++) {
        bench_run_until(&rig.bench, &ears[i].done, 1);
        cr_expect_eq(ears[i].result.fault.code, FAULT_NONE, "%s", ears[i].result.fault.note);
    }
    cr_expect_eq(rig.peer.requests, 24);
    cr_expect_leq(rig.peer.most_open, 2 * FETCHER_HOST_ONCE); /* the old ones may still close */
}

Test(fetcher, a_place_that_is_given_up_goes_to_who_waits)
{
    http_peer_says(&rig.peer, HTTP_SILENT, "");
    for (size_t i = 0; i < 5; i++) {
        start(i);
    }
    bench_run_until(&rig.bench, &rig.peer.requests, FETCHER_HOST_ONCE);
    http_peer_says(&rig.peer, HTTP_KEEP, ANSWER);
    fetcher_cancel(ears[0].fetch);
    bench_run_until(&rig.bench, &ears[4].done, 1);
    cr_expect_eq(ears[4].result.fault.code, FAULT_NONE, "%s", ears[4].result.fault.note);
    cr_expect_eq(ears[0].done, 0);
}

Test(fetcher, a_cancelled_one_is_silent)
{
    start(0);
    fetcher_cancel(ears[0].fetch);
    start(1);
    bench_run_until(&rig.bench, &ears[1].done, 1);
    cr_expect_eq(ears[0].done, 0);
}

/* At whatever moment. */
Test(fetcher, may_be_cancelled_after_any_turn_of_the_loop)
{
    for (unsigned turns = 0; turns < 12; turns++) {
        start(0);
        for (unsigned i = 0; i < turns && ears[0].done == 0; i++) {
            bench_turn(&rig.bench);
        }
        if (ears[0].done == 0) {
            fetcher_cancel(ears[0].fetch);
        }
        bench_turn(&rig.bench);
        cr_expect(ears[0].done == 0 || ears[0].fetch == NULL);
    }
}

Test(fetcher, may_be_closed_after_any_turn_of_the_loop)
{
    for (unsigned turns = 0; turns < 12; turns++) {
        start(0);
        start(1);
        for (unsigned i = 0; i < turns; i++) {
            bench_turn(&rig.bench);
        }
        unsigned before = ears[0].done + ears[1].done;
        fetch_rig_close(&rig);
        cr_expect_eq(ears[0].done + ears[1].done, before, "on_done after fetcher_close");
        fetch_rig_open(&rig, false);
        http_peer_says(&rig.peer, HTTP_KEEP, ANSWER);
    }
}

static void close_all(struct fetch_ear *ear, struct fetch_result *result)
{
    (void)ear;
    (void)result;
    fetcher_close(rig.fetcher);
    fetcher_close(rig.fetcher);
}

Test(fetcher, may_be_closed_by_who_is_told)
{
    ears[0].hook = close_all;
    start(0);
    start(1);
    bench_run_until(&rig.bench, &rig.closed, 1);
    cr_expect_eq(ears[0].done, 1);
    cr_expect_eq(ears[1].done, 0);
    rig.closed = 0;
    http_peer_close(&rig.peer);
    bench_end(&rig.bench);
}

Test(fetcher, may_be_closed_by_who_is_told_that_time_is_up)
{
    http_peer_says(&rig.peer, HTTP_SILENT, "");
    ears[0].hook = close_all;
    struct fetch_request request = fetch_rig_request(&rig);
    request.deadline_ms = 20;
    fetch_rig_start(&rig, &request, &ears[0]);
    fetch_rig_start(&rig, &request, &ears[1]);
    bench_run_until(&rig.bench, &rig.closed, 1);
    cr_expect_eq(ears[0].done + ears[1].done, 1);
    http_peer_close(&rig.peer);
    bench_end(&rig.bench);
}

Test(fetcher, starts_nothing_while_it_closes)
{
    struct fetch_request request = fetch_rig_request(&rig);
    fetcher_close(rig.fetcher);
    cr_expect_null(fetcher_start(rig.fetcher, &request, NULL, NULL));
    bench_run_until(&rig.bench, &rig.closed, 1);
    http_peer_close(&rig.peer);
    bench_end(&rig.bench);
}

static void cancel_other(struct fetch_ear *ear, struct fetch_result *result)
{
    struct fetch_ear *other = ear->arg;
    (void)result;
    if (other->fetch != NULL) {
        fetcher_cancel(other->fetch);
        other->fetch = NULL;
    }
}

Test(fetcher, who_is_told_may_cancel_another)
{
    ears[0].hook = cancel_other;
    ears[0].arg = &ears[1];
    ears[1].hook = cancel_other;
    ears[1].arg = &ears[0];
    start(0);
    start(1);
    start(2);
    bench_run_until(&rig.bench, &ears[2].done, 1);
    cr_expect_eq(ears[0].done + ears[1].done, 1);
}

static void start_again(struct fetch_ear *ear, struct fetch_result *result)
{
    struct fetch_request request = fetch_rig_request(&rig);
    unsigned *rounds = ear->arg;
    (void)result;
    *rounds += 1;
    cr_assert_lt(*rounds, 1000, "the loop does not turn");
    request.url = "no url";
    fetch_rig_start(&rig, &request, ear);
}

/* Even if it fails at once each time. */
Test(fetcher, who_starts_again_when_told_does_not_hold_the_loop)
{
    unsigned rounds = 0;
    ears[0].hook = start_again;
    ears[0].arg = &rounds;
    start(0);
    bench_run_until(&rig.bench, &rounds, 3);
    ears[0].hook = NULL;
    fetcher_cancel(ears[0].fetch);
    start(1);
    bench_run_until(&rig.bench, &ears[1].done, 1);
}

Test(fetcher, a_url_that_is_refused_is_told_from_the_loop)
{
    struct fetch_request request = fetch_rig_request(&rig);
    request.url = "http://user:secret@127.0.0.1/";
    fetch_rig_run(&rig, &request, &ears[0]);
    cr_expect_eq(ears[0].result.fault.code, FAULT_CONFIG);
    cr_expect_str_eq(ears[0].result.fault.note, "a URL must not carry a user name or password");
}

static uint8_t *taken;
static size_t taken_len;

static void take(struct fetch_ear *ear, struct fetch_result *result)
{
    size_t again = 1;
    (void)ear;
    taken = fetcher_take_body(result, &taken_len);
    cr_expect_null(fetcher_take_body(result, &again));
    cr_expect_eq(again, 0);
}

Test(fetcher, the_body_may_be_kept)
{
    ears[0].hook = take;
    start(0);
    bench_run_until(&rig.bench, &ears[0].done, 1);
    cr_assert_eq(taken_len, 10);
    cr_expect_eq(memcmp(taken, "0123456789", 10), 0);
    mem_free(taken);
}

Test(fetcher, the_same_failure_has_the_same_note)
{
    char note[FAULT_NOTE_MAX];
    http_peer_says(&rig.peer, HTTP_ANSWER, "HTTP/1.1 404 Not Found\r\n\r\none page");
    start(0);
    bench_run_until(&rig.bench, &ears[0].done, 1);
    memcpy(note, ears[0].result.fault.note, sizeof(note));
    http_peer_says(&rig.peer, HTTP_ANSWER, "HTTP/1.1 404 Not Here\r\nDate: now\r\n\r\nother");
    start(0);
    bench_run_until(&rig.bench, &ears[0].done, 1);
    cr_expect_str_eq(ears[0].result.fault.note, note);
}

Test(fetcher, without_memory_a_fetch_fails_and_nothing_else)
{
    static const uint8_t post[] = {1, 2, 3};
    struct fetch_request request = fetch_rig_request(&rig);
    request.body = span_of(post, sizeof(post));
    request.answer_type = "text/plain";
    for (uint32_t nth = 1; nth < 5; nth++) {
        mem_fail_nth(nth);
        cr_expect_null(fetcher_start(rig.fetcher, &request, NULL, NULL), "allocation %u", nth);
        cr_expect_eq(mem_fail_nth(0), 0);
    }
    request.body = span_of(NULL, 0);
    request.answer_type = NULL;
    fetch_rig_run(&rig, &request, &ears[0]);
    cr_expect_eq(ears[0].result.fault.code, FAULT_NONE, "%s", ears[0].result.fault.note);
}

Test(fetcher, without_memory_there_is_no_fetcher)
{
    for (uint32_t nth = 1; nth < 3; nth++) {
        mem_fail_nth(nth);
        cr_expect_null(fetcher_new(&rig.bench.io, NULL, NULL, NULL));
    }
    fetcher_free(NULL);
}

Test(fetcher, knows_its_library)
{
    cr_expect_eq(strncmp(fetcher_library_version(), "7.", 2), 0);
}
