#include <string.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "gateway/fetch_schedule.h"
#include "tests/unit/gateway/source_rig.h"

#define TAGS "ETag: \"a-1\"\r\nLast-Modified: Sun, 22 Nov 2026 10:00:00 GMT\r\n"

static struct source_rig rig;

static void setup(void)
{
    source_rig_open(&rig);
    source_rig_serve(&rig, TAGS, SOURCE_CRL);
    rig.life_s = 86400;
}

static void teardown(void)
{
    source_rig_close(&rig);
}

TestSuite(crl_source_url, .init = setup, .fini = teardown);

static void start(void)
{
    source_rig_start(&rig, CRL_SOURCE_URL, fetch_rig_url(&rig.net, "/a.crl"));
    source_rig_wait(&rig, 1);
}

static void refresh(void)
{
    crl_source_refresh(rig.source);
    source_rig_wait(&rig, 1);
}

static int64_t wait_s(void)
{
    struct crl_source_facts facts;
    crl_source_tell(rig.source, &facts);
    cr_expect_not(facts.is_busy);
    return facts.next_s - io_wall_s();
}

static void expect_wait(int64_t least_s, int64_t most_s)
{
    int64_t is_s = wait_s();
    cr_expect(is_s >= least_s - 2 && is_s <= most_s, "%lld s", (long long)is_s);
}

static bool was_conditional(void)
{
    return strstr(rig.net.peer.heard, "If-None-Match: \"a-1\"") != NULL &&
           strstr(rig.net.peer.heard, "If-Modified-Since: Sun,") != NULL;
}

Test(crl_source_url, downloads_a_crl_and_waits_for_half_of_its_life)
{
    rig.life_s = 1000;
    start();
    cr_expect_eq(rig.intakes, 1);
    cr_expect_eq(rig.crls, 1);
    cr_expect_str_eq(rig.place, rig.net.url);
    cr_expect_eq(rig.fault.code, FAULT_NONE);
    cr_expect_not(was_conditional());
    expect_wait(450, 550);
}

Test(crl_source_url, waits_no_longer_than_the_answer_may_be_cached)
{
    source_rig_serve(&rig, "Cache-Control: max-age=600\r\n", SOURCE_CRL);
    start();
    expect_wait(540, 660);
}

Test(crl_source_url, the_word_on_its_life_may_come_later)
{
    rig.life_s = 0;
    start();
    expect_wait(9, 11);
    crl_source_set_life(rig.source, io_wall_s() + 1000);
    expect_wait(450, 550);
    refresh();
    cr_expect(was_conditional());
}

Test(crl_source_url, asks_whether_it_has_changed_once_it_was_taken)
{
    start();
    http_peer_says(&rig.net.peer, HTTP_KEEP, "HTTP/1.1 304 Not Modified\r\n\r\n");
    refresh();
    cr_expect(was_conditional());
    cr_expect_eq(rig.fault.code, FAULT_NONE, "%s", rig.fault.note);
    cr_expect_eq(rig.intakes, 1);
}

Test(crl_source_url, asks_without_condition_when_nobody_took_it)
{
    rig.life_s = 0;
    start();
    refresh();
    cr_expect_not(was_conditional());
    cr_expect_eq(rig.intakes, 2);
}

Test(crl_source_url, asks_without_condition_when_the_next_one_was_not_taken)
{
    start();
    rig.life_s = 0;
    refresh();
    cr_expect_eq(rig.intakes, 2);
    refresh();
    cr_expect_not(was_conditional());
}

/* It still ends when it ended. */
Test(crl_source_url, unchanged_is_no_new_life)
{
    rig.life_s = 60;
    start();
    expect_wait(27, 33);
    crl_source_set_life(rig.source, io_wall_s() + 30);
    http_peer_says(&rig.net.peer, HTTP_KEEP, "HTTP/1.1 304 Not Modified\r\n\r\n");
    refresh();
    expect_wait(12, 17);
}

Test(crl_source_url, backs_off_after_failures)
{
    http_peer_says(&rig.net.peer, HTTP_ANSWER, "HTTP/1.1 404 Not Found\r\n\r\n");
    start();
    cr_expect_eq(rig.fault.code, FAULT_FRAME, "%s", rig.fault.note);
    cr_expect_not_null(strstr(rig.fault.note, "/a.crl answered 404"), "%s", rig.fault.note);
    expect_wait(9, 11);
    refresh();
    expect_wait(18, 22);
    refresh();
    expect_wait(36, 44);
    source_rig_serve(&rig, TAGS, SOURCE_CRL);
    refresh();
    cr_expect_eq(rig.fault.code, FAULT_NONE);
    expect_wait(3240, 3600);
}

Test(crl_source_url, what_is_no_crl_is_a_failure)
{
    struct crl_source_facts facts;
    http_peer_says(&rig.net.peer, HTTP_ANSWER, "HTTP/1.1 200 OK\r\n\r\n<html>log in</html>");
    start();
    cr_expect_eq(rig.fault.code, FAULT_BAD_CERT, "%s", rig.fault.note);
    cr_expect_null(strstr(rig.fault.note, "log in"), "%s", rig.fault.note);
    cr_expect_eq(rig.intakes, 0);
    expect_wait(9, 11);
    crl_source_tell(rig.source, &facts);
    cr_expect_eq(facts.fault.code, FAULT_BAD_CERT);
    cr_expect_eq(facts.last_good_s, 0);
    http_peer_says(&rig.net.peer, HTTP_ANSWER, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    refresh();
    cr_expect_eq(rig.fault.code, FAULT_BAD_CERT, "%s", rig.fault.note);
}

Test(crl_source_url, refresh_does_not_wait_for_a_silent_download)
{
    http_peer_says(&rig.net.peer, HTTP_SILENT, "");
    source_rig_start(&rig, CRL_SOURCE_URL, fetch_rig_url(&rig.net, "/a.crl"));
    bench_run_until(&rig.net.bench, &rig.net.peer.requests, 1);
    source_rig_serve(&rig, TAGS, SOURCE_CRL);
    refresh();
    cr_expect_eq(rig.intakes, 1);
    cr_expect_eq(rig.net.peer.requests, 2);
}

Test(crl_source_url, other_cas_are_asked_for_without_condition)
{
    start();
    crl_source_use_trust(rig.source, rig.trust);
    source_rig_wait(&rig, 1);
    cr_expect_not(was_conditional());
    cr_expect_eq(rig.intakes, 2);
}

Test(crl_source_url, may_be_closed_after_any_turn_of_the_loop)
{
    for (unsigned turns = 0; turns < 25; turns++) {
        source_rig_start(&rig, CRL_SOURCE_URL, fetch_rig_url(&rig.net, "/a.crl"));
        for (unsigned i = 0; i < turns; i++) {
            bench_turn(&rig.net.bench);
        }
        unsigned calls = rig.intakes + rig.reads;
        crl_source_close(rig.source);
        bench_run_until(&rig.net.bench, &rig.closed, 1);
        cr_expect_eq(rig.intakes + rig.reads, calls);
        rig.closed = 0;
        rig.intakes = 0;
        rig.reads = 0;
    }
}

Test(crl_source_url, without_memory_a_download_fails_and_is_tried_again)
{
    source_rig_start(&rig, CRL_SOURCE_URL, fetch_rig_url(&rig.net, "/a.crl"));
    mem_fail_nth(1);
    source_rig_wait(&rig, 1);
    cr_expect_eq(rig.fault.code, FAULT_MEMORY, "%s", rig.fault.note);
    expect_wait(9, 11);
    refresh();
    cr_expect_eq(rig.fault.code, FAULT_NONE, "%s", rig.fault.note);
}
