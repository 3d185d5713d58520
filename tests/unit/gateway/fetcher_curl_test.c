#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "gateway/fetcher_private.h"
#include "tests/unit/gateway/child.h"
#include "tests/unit/gateway/fetch_rig.h"
#include "tests/unit/pages.h"

#define OK       "HTTP/1.1 200 OK\r\n"
#define TEN      "Content-Length: 10\r\n\r\n0123456789"
#define OCSP     "application/ocsp-response"
#define OCSP_ASK "application/ocsp-request"

static struct fetch_rig rig;
static struct fetch_ear ear;

static void setup(void)
{
    fetch_rig_open(&rig, false);
}

static void teardown(void)
{
    fetch_rig_close(&rig);
}

TestSuite(fetcher_curl, .init = setup, .fini = teardown);

static void fetch(enum http_manner manner, const char *answer)
{
    struct fetch_request request = fetch_rig_request(&rig);
    http_peer_says(&rig.peer, manner, answer);
    fetch_rig_run(&rig, &request, &ear);
}

static void expect_fault(enum fault_code code, const char *text)
{
    const char *note = ear.result.fault.note;
    cr_expect_eq(ear.result.fault.code, code, "%d: %s", (int)ear.result.fault.code, note);
    cr_expect_eq(ear.result.fault.side, FAULT_SIDE_SERVER);
    cr_expect_not_null(strstr(note, text), "%s is not in: %s", text, note);
    cr_expect_eq(strncmp(note, "http://127.0.0.1:", 17), 0, "%s", note);
    cr_expect_eq(ear.len, 0);
}

static void expect_body(const char *body)
{
    cr_expect_eq(ear.result.fault.code, FAULT_NONE, "%s", ear.result.fault.note);
    cr_expect_eq(ear.len, strlen(body));
    cr_expect_str_eq(ear.body, body);
}

Test(fetcher_curl, brings_a_body_of_known_length)
{
    fetch(HTTP_KEEP, OK TEN);
    expect_body("0123456789");
    cr_expect_eq(ear.result.max_age_s, -1);
    cr_expect_str_eq(ear.result.etag, "");
}

Test(fetcher_curl, brings_a_body_that_ends_with_the_connection)
{
    fetch(HTTP_ANSWER, OK "\r\nabc");
    expect_body("abc");
}

Test(fetcher_curl, brings_a_body_in_chunks)
{
    fetch(HTTP_KEEP, OK "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    expect_body("abcde");
}

Test(fetcher_curl, brings_an_empty_body)
{
    fetch(HTTP_KEEP, OK "Content-Length: 0\r\n\r\n");
    cr_expect_eq(ear.result.fault.code, FAULT_NONE, "%s", ear.result.fault.note);
    cr_expect_eq(ear.len, 0);
}

Test(fetcher_curl, brings_what_is_good_to_ask_again)
{
    fetch(HTTP_KEEP, OK "ETag: \"a-1\"\r\nLast-Modified: Sun, 22 Nov 2026 10:00:00 GMT\r\n"
                        "Cache-Control: public, max-age=600\r\n" TEN);
    expect_body("0123456789");
    cr_expect_str_eq(ear.result.etag, "\"a-1\"");
    cr_expect_str_eq(ear.result.last_modified, "Sun, 22 Nov 2026 10:00:00 GMT");
    cr_expect_eq(ear.result.max_age_s, 600);
}

Test(fetcher_curl, forgets_a_tag_that_is_not_plain_or_came_twice)
{
    fetch(HTTP_KEEP, OK "ETag: \"\x01\"\r\nLast-Modified: a\r\nLast-Modified: b\r\n" TEN);
    expect_body("0123456789");
    cr_expect_str_eq(ear.result.etag, "");
    cr_expect_str_eq(ear.result.last_modified, "");
}

Test(fetcher_curl, a_trailer_is_no_header)
{
    fetch(HTTP_KEEP, OK "ETag: \"1\"\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"
                        "ETag: \"2\"\r\nCache-Control: max-age=9\r\n\r\n");
    expect_body("a");
    cr_expect_str_eq(ear.result.etag, "\"1\"");
    cr_expect_eq(ear.result.max_age_s, -1);
}

Test(fetcher_curl, introduces_itself_and_asks_for_no_coding)
{
    fetch(HTTP_KEEP, OK TEN);
    cr_expect(http_peer_heard(&rig.peer, "User-Agent: wardgate/" WARDGATE_VERSION));
    cr_expect(http_peer_heard(&rig.peer, "GET /crl HTTP/1.1"));
    cr_expect(http_peer_heard(&rig.peer, "Accept: */*"));
    cr_expect_null(strstr(rig.peer.heard, "Accept-Encoding"));
    cr_expect_null(strstr(rig.peer.heard, "Cookie"));
    cr_expect_null(strstr(rig.peer.heard, "If-"));
}

Test(fetcher_curl, asks_whether_it_has_changed)
{
    struct fetch_request request = fetch_rig_request(&rig);
    request.etag = "\"a-1\"";
    request.last_modified = "Sun, 22 Nov 2026 10:00:00 GMT";
    http_peer_says(&rig.peer, HTTP_KEEP, "HTTP/1.1 304 Not Modified\r\nETag: \"a-1\"\r\n\r\n");
    fetch_rig_run(&rig, &request, &ear);
    cr_expect_eq(ear.result.fault.code, FAULT_NONE, "%s", ear.result.fault.note);
    cr_expect(ear.result.is_unchanged);
    cr_expect_eq(ear.len, 0);
    cr_expect(http_peer_heard(&rig.peer, "If-None-Match: \"a-1\""));
    cr_expect(http_peer_heard(&rig.peer, "If-Modified-Since: Sun, 22 Nov 2026 10:00:00 GMT"));
}

Test(fetcher_curl, sends_no_tag_that_would_break_the_line)
{
    struct fetch_request request = fetch_rig_request(&rig);
    request.etag = "a\r\nX-Smuggled: 1";
    request.last_modified = "";
    http_peer_says(&rig.peer, HTTP_KEEP, OK TEN);
    fetch_rig_run(&rig, &request, &ear);
    expect_body("0123456789");
    cr_expect_null(strstr(rig.peer.heard, "Smuggled"));
    cr_expect_null(strstr(rig.peer.heard, "If-"));
}

Test(fetcher_curl, unchanged_is_no_answer_to_who_knows_nothing)
{
    fetch(HTTP_KEEP, "HTTP/1.1 304 Not Modified\r\n\r\n");
    expect_fault(FAULT_FRAME, "answered 304");
}

Test(fetcher_curl, posts_a_question)
{
    struct fetch_request request = fetch_rig_request(&rig);
    request.body = span_of("\0\1\2", 3);
    request.body_type = OCSP_ASK;
    request.answer_type = OCSP;
    request.etag = "\"1\"";
    http_peer_says(&rig.peer, HTTP_KEEP, OK "Content-Type: " OCSP "\r\n" TEN);
    fetch_rig_run(&rig, &request, &ear);
    expect_body("0123456789");
    cr_expect(http_peer_heard(&rig.peer, "POST /crl HTTP/1.1"));
    cr_expect(http_peer_heard(&rig.peer, "Content-Type: " OCSP_ASK));
    cr_expect(http_peer_heard(&rig.peer, "Accept: " OCSP));
    cr_expect(http_peer_heard(&rig.peer, "Content-Length: 3"));
    cr_expect_null(strstr(rig.peer.heard, "If-None-Match"));
    const char *body = strstr(rig.peer.heard, "\r\n\r\n");
    cr_expect_eq(memcmp(body + 4, "\0\1\2", 3), 0);
}

Test(fetcher_curl, refuses_another_type_than_the_demanded)
{
    static const char *const answers[] = {
        OK "Content-Type: text/html\r\n" TEN,
        OK TEN,
        OK "Content-Type: " OCSP "\r\nContent-Type: text/html\r\n" TEN,
        OK "Content-Type: text/html\r\nContent-Length: 0\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        struct fetch_request request = fetch_rig_request(&rig);
        request.answer_type = OCSP;
        http_peer_says(&rig.peer, HTTP_KEEP, answers[i]);
        fetch_rig_run(&rig, &request, &ear);
        expect_fault(FAULT_FRAME, "something else than " OCSP);
    }
}

Test(fetcher_curl, refuses_every_other_status)
{
    static const struct {
        const char *answer, *text;
    } rows[] = {
        {"HTTP/1.1 404 Not Found\r\n" TEN, "/crl answered 404"},
        {"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", "answered 500"},
        {"HTTP/1.1 204 No Content\r\n\r\n", "answered 204"},
        {"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-9/20\r\n" TEN, "answered 206"},
        {"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\n" TEN, "answered 401"},
        {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 No\r\n" TEN, "answered 404"},
        {"HTTP/1.1 503 Later\r\nContent-Length: 99999999\r\n\r\n", "answered 503"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fetch(HTTP_KEEP, rows[i].answer);
        expect_fault(FAULT_FRAME, rows[i].text);
        cr_expect_null(strstr(ear.result.fault.note, "0123"));
    }
    cr_expect_eq(rig.peer.requests, sizeof(rows) / sizeof(rows[0]), "asked again");
}

Test(fetcher_curl, follows_no_redirect_and_names_its_host)
{
    static const struct {
        const char *answer, *text;
    } rows[] = {
        {"HTTP/1.1 302 Found\r\nLocation: http://Evil.example:99/x\r\n" TEN,
         "answered 302, a redirect to evil.example"},
        {"HTTP/1.1 301 Moved\r\nLocation: /other\r\n" TEN, "answered 301, a redirect to 127.0.0.1"},
        {"HTTP/1.1 307 Moved\r\nLocation: file:///etc/passwd\r\n" TEN, "answered 307, a redirect"},
        {"HTTP/1.1 302 Found\r\nLocation: http://u:secret@h/\r\n" TEN, "answered 302, a redirect"},
        {"HTTP/1.1 308 Moved\r\n" TEN, "answered 308, a redirect"},
        {"HTTP/1.1 300 Which\r\n" TEN, "answered 300, a redirect"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fetch(HTTP_KEEP, rows[i].answer);
        expect_fault(FAULT_FRAME, rows[i].text);
        cr_expect_null(strstr(ear.result.fault.note, "secret"));
        cr_expect_null(strstr(ear.result.fault.note, "passwd"));
    }
    cr_expect_eq(rig.peer.connections, sizeof(rows) / sizeof(rows[0]), "went there");
}

Test(fetcher_curl, refuses_a_body_that_breaks_off)
{
    fetch(HTTP_ANSWER, OK "Content-Length: 11\r\n\r\n0123456789");
    expect_fault(FAULT_TRUNCATED, "broke its answer off");
    fetch(HTTP_ANSWER, OK "Transfer-Encoding: chunked\r\n\r\n5\r\nab");
    expect_fault(FAULT_TRUNCATED, "broke its answer off");
}

Test(fetcher_curl, refuses_an_announced_length_over_the_bound_before_the_body)
{
    fetch(HTTP_KEEP, OK "Content-Length: 52428800\r\n\r\n");
    expect_fault(FAULT_TOO_LONG, "more bytes than are allowed");
}

/* The bound is exact. */
Test(fetcher_curl, takes_as_many_bytes_as_are_allowed)
{
    struct fetch_request request = fetch_rig_request(&rig);
    request.max_bytes = 10;
    http_peer_says(&rig.peer, HTTP_ANSWER, OK "\r\n0123456789");
    fetch_rig_run(&rig, &request, &ear);
    expect_body("0123456789");
    request.max_bytes = 9;
    fetch_rig_run(&rig, &request, &ear);
    expect_fault(FAULT_TOO_LONG, "more bytes than are allowed");
}

/* A head, and then this again and again: HTTP_FLOOD repeats the last 1000 bytes. */
static char flood[2048];

static void flood_with(const char *head, const char *again)
{
    struct room to = room_of(flood, sizeof(flood) - 1);
    memset(flood, 0, sizeof(flood));
    (void)room_put(&to, span_of_text(head));
    while (to.len < 1100) {
        (void)room_put(&to, span_of_text(again));
    }
}

Test(fetcher_curl, stops_an_endless_body_at_the_bound)
{
    flood_with(OK "\r\n", "x");
    fetch(HTTP_FLOOD, flood);
    expect_fault(FAULT_TOO_LONG, "more bytes than are allowed");
}

/* That would be "too long" otherwise. */
Test(fetcher_curl, does_not_read_an_error_page)
{
    flood_with("HTTP/1.1 404 Not Found\r\n\r\n", "x");
    fetch(HTTP_FLOOD, flood);
    expect_fault(FAULT_FRAME, "answered 404");
}

Test(fetcher_curl, stops_endless_header_lines)
{
    flood_with(OK, "X-Header: 01234567\r\n"); /* 20 bytes: 1000 are whole lines */
    fetch(HTTP_FLOOD, flood);
    expect_fault(FAULT_TOO_LONG, "too many header lines");
}

Test(fetcher_curl, stops_an_endless_header_line)
{
    flood_with(OK "X-Header: ", "x");
    fetch(HTTP_FLOOD, flood);
    expect_fault(FAULT_TOO_LONG, "a header line that is too long");
}

Test(fetcher_curl, stops_endless_interim_answers)
{
    flood_with("", "HTTP/1.1 100 Ok\r\nX: 3\r\n\r\n"); /* 25 bytes */
    fetch(HTTP_FLOOD, flood);
    expect_fault(FAULT_TOO_LONG, "too many header lines");
}

Test(fetcher_curl, refuses_a_compressed_body)
{
    fetch(HTTP_KEEP, OK "Content-Encoding: gzip\r\n" TEN);
    expect_fault(FAULT_FRAME, "compressed");
    fetch(HTTP_KEEP, OK "Content-Encoding: identity\r\n" TEN);
    expect_body("0123456789");
}

Test(fetcher_curl, refuses_what_is_not_http)
{
    fetch(HTTP_ANSWER, "<html>hello there</html>\r\n");
    expect_fault(FAULT_FRAME, "does not speak HTTP");
    fetch(HTTP_ANSWER, "SSH-2.0-OpenSSH_9.2\r\n");
    expect_fault(FAULT_FRAME, "does not speak HTTP");
}

Test(fetcher_curl, tells_a_peer_that_closes_or_resets)
{
    fetch(HTTP_LEAVE, "");
    cr_expect(ear.result.fault.code == FAULT_CLOSED || ear.result.fault.code == FAULT_RESET);
    fetch(HTTP_RESET, OK "Content-Length: 100\r\n\r\n012345");
    cr_expect(ear.result.fault.code == FAULT_TRUNCATED || ear.result.fault.code == FAULT_RESET);
}

Test(fetcher_curl, tells_that_nobody_listens)
{
    struct fetch_request request = fetch_rig_request(&rig);
    uint16_t port = 0;
    int fd = bench_listen_plain(&port);
    char url[64];
    close(fd);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/", (unsigned)port);
    request.url = url;
    fetch_rig_run(&rig, &request, &ear);
    expect_fault(FAULT_REFUSED, "can not be reached");
}

enum { GREAT_MAX = 3000100 };

Test(fetcher_curl, a_great_body_comes_whole)
{
    static const char *const heads[] = {OK "Content-Length: 3000000\r\n\r\n",
                                        OK "X-Length-Not: 3000000\r\n\r\n"};
    char *great = pages_take(GREAT_MAX);
    struct fetch_request request = fetch_rig_request(&rig);
    request.max_bytes = FETCHER_CRL_MAX;
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        size_t len = strlen(heads[i]);
        memset(great, 'y', len + 3000000);
        memcpy(great, heads[i], len);
        great[len + 3000000] = '\0';
        http_peer_says(&rig.peer, HTTP_ANSWER, great);
        fetch_rig_run(&rig, &request, &ear);
        cr_expect_eq(ear.result.fault.code, FAULT_NONE, "%s", ear.result.fault.note);
        cr_expect_eq(ear.len, 3000000);
    }
}

static void count_turn(uv_prepare_t *prepare)
{
    unsigned *turns = prepare->data;
    (*turns)++;
}

/* Whoever else is on the loop gets a turn for every few pieces, however quick the server is. On a
 * machine that is too slow to reach the bound on speed nothing is to be held back. */
Test(fetcher_curl, a_great_body_shares_the_loop)
{
    struct fetch_request request = fetch_rig_request(&rig);
    static uv_prepare_t prepare; /* it closes when the rig does */
    unsigned turns = 0;
    request.max_bytes = FETCHER_CRL_MAX;
    char *great = pages_take(GREAT_MAX);
    (void)snprintf(great, GREAT_MAX, OK "Content-Length: 3000000\r\n\r\n");
    size_t len = strlen(great);
    memset(great + len, 'y', 3000000);
    great[len + 3000000] = '\0';
    http_peer_says(&rig.peer, HTTP_ANSWER, great);
    cr_assert_eq(uv_prepare_init(&rig.bench.io.loop, &prepare), 0);
    prepare.data = &turns;
    cr_assert_eq(uv_prepare_start(&prepare, count_turn), 0);
    uint64_t began_ns = uv_hrtime();
    fetch_rig_run(&rig, &request, &ear);
    uint64_t took_ms = (uv_hrtime() - began_ns) / 1000000;
    uv_close((uv_handle_t *)&prepare, NULL);
    cr_expect_eq(ear.len, 3000000);
    /* Without a bound: 4 turns in a few milliseconds. */
    cr_expect(turns > 16 || took_ms >= 3000000ULL * 1000 / FETCHER_BYTES_A_S, "%u turns", turns);
}

/* What stands in the environment is for people's tools. */
Test(fetcher_curl, takes_no_proxy_from_the_environment)
{
    setenv("http_proxy", "http://127.0.0.1:9/", 1);
    setenv("all_proxy", "http://127.0.0.1:9/", 1);
    fetch(HTTP_KEEP, OK TEN);
    expect_body("0123456789");
}

Test(fetcher_curl, goes_through_the_configured_proxy_whatever_the_environment_says)
{
    struct fetch_request request = {
        .url = "http://crl.example/a.crl", .max_bytes = 1000, .deadline_ms = 20000};
    fetch_rig_close(&rig);
    setenv("no_proxy", "*", 1);
    fetch_rig_open(&rig, true);
    http_peer_says(&rig.peer, HTTP_KEEP, OK TEN);
    fetch_rig_run(&rig, &request, &ear);
    expect_body("0123456789");
    cr_expect(http_peer_heard(&rig.peer, "GET http://crl.example/a.crl HTTP/1.1"));
}

Test(fetcher_curl, takes_the_proxy_that_it_was_told_last)
{
    char proxy[64];
    struct fetch_request request = {
        .url = "http://crl.example/a.crl", .max_bytes = 1000, .deadline_ms = 20000};
    (void)snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%u", (unsigned)rig.peer.port);
    cr_assert(fetcher_use_proxy(rig.fetcher, proxy));
    http_peer_says(&rig.peer, HTTP_KEEP, OK TEN);
    fetch_rig_run(&rig, &request, &ear);
    expect_body("0123456789");
    cr_assert(fetcher_use_proxy(rig.fetcher, NULL));
    fetch(HTTP_KEEP, OK TEN);
    expect_body("0123456789");
    cr_expect_not(http_peer_heard(&rig.peer, "GET http://127.0.0.1"));
}

/* A server with a certificate of our test CA, which the system does not know. */
Test(fetcher_curl, refuses_a_server_that_the_system_does_not_trust)
{
    static struct child child;
    const char *const argv[] = {"openssl",
                                "s_server",
                                "-accept",
                                "127.0.0.1:0",
                                "-www",
                                "-cert",
                                "build/pki/bms-ip.pem",
                                "-key",
                                "build/pki/bms-ip.key",
                                NULL};
    struct fetch_request request = fetch_rig_request(&rig);
    char url[64];
    child_start(&child, argv);
    child_until(&rig.bench, &child, "ACCEPT 127.0.0.1:");
    unsigned long port = strtoul(strstr(child.text, "127.0.0.1:") + 10, NULL, 10);
    (void)snprintf(url, sizeof(url), "https://127.0.0.1:%lu/", port);
    request.url = url;
    fetch_rig_run(&rig, &request, &ear);
    cr_expect_eq(ear.result.fault.code, FAULT_UNTRUSTED, "%s", ear.result.fault.note);
    child_stop(&child);
}
