#include <string.h>

#include <criterion/criterion.h>

#include "gateway/fetcher_private.h"
#include "gateway/revocation_private.h"
#include "tests/unit/gateway/link_desk.h"
#include "tests/unit/gateway/link_fixture.h"

static struct desk desk;
static struct chair one, two;

static void setup(void)
{
    desk_open(&desk);
    desk_learn_good(&desk);
    chair_init(&one, &desk, "pump-12", CONF_REVOCATION_HARD);
    chair_init(&two, &desk, "monitor-7", CONF_REVOCATION_HARD);
    (void)chair_sit(&one, "hl7");
    (void)chair_sit(&two, "pump-12");
    desk_settle(&desk);
}

static void teardown(void)
{
    inquiry_leave(&one.seat);
    inquiry_leave(&two.seat);
    (void)desk_close(&desk);
}

TestSuite(inquiry_due, .init = setup, .fini = teardown);

/* What the sweep would ask now. */
static void expect_due(bool is_one, bool is_two)
{
    cr_expect_eq(one.seat.inquiry->is_due, is_one);
    cr_expect_eq(two.seat.inquiry->is_due, is_two);
    desk_settle(&desk);
    cr_expect_null(desk.ward.revocation->due);
}

Test(inquiry_due, new_evidence_asks_all_of_its_trust)
{
    inquiry_mark_due(desk.ward.revocation, desk_knowledge(&desk));
    expect_due(true, true);
    inquiry_mark_due(desk.ward.revocation, NULL);
    expect_due(true, true);
    struct knowledge other = {0};
    inquiry_mark_due(desk.ward.revocation, &other);
    expect_due(false, false);
}

Test(inquiry_due, being_marked_twice_is_being_asked_once)
{
    inquiry_mark_due(desk.ward.revocation, NULL);
    inquiry_mark_due(desk.ward.revocation, NULL);
    cr_expect(inquiry_work(desk.ward.revocation));
    cr_expect(inquiry_work(desk.ward.revocation));
    cr_expect_not(inquiry_work(desk.ward.revocation));
    expect_due(false, false);
}

Test(inquiry_due, an_ocsp_answer_asks_only_whom_it_concerns)
{
    struct knowledge *k = desk_knowledge(&desk);
    inquiry_mark_cert(k, two.seat.inquiry->chain[0]);
    expect_due(false, true);
    inquiry_mark_cert(k, two.seat.inquiry->chain[1]); /* its CA */
    expect_due(false, true);
    inquiry_mark_cert(k, one.seat.inquiry->chain[0]);
    expect_due(true, false);
    const struct span *root = NULL;
    size_t anchors = 0;
    (void)trust_cas(desk.trust, &root, &anchors);
    inquiry_mark_cert(k, root[0]);
    expect_due(true, true);
    inquiry_mark_cert(k, span_of("x", 1));
    expect_due(false, false);
    struct knowledge other = *k;
    inquiry_mark_cert(&other, one.seat.inquiry->chain[0]);
    expect_due(false, false);
}

Test(inquiry_due, without_a_path_what_the_peer_sent_counts)
{
    struct knowledge *k = desk_knowledge(&desk);
    inquiry_leave(&one.seat);
    (void)chair_sit(&one, "hl7-other");
    cr_assert_eq(one.seat.inquiry->path.count, 0);
    inquiry_mark_cert(k, one.seat.inquiry->chain[0]);
    expect_due(true, false);
}

Test(inquiry_due, who_waits_is_asked_at_any_news)
{
    one.seat.inquiry->is_settled = false;
    inquiry_mark_waiting(desk_knowledge(&desk));
    expect_due(true, false);
    one.seat.inquiry->is_settled = false;
    struct knowledge other = *desk_knowledge(&desk);
    inquiry_mark_waiting(&other);
    expect_due(false, false);
}

Test(inquiry_due, an_answer_is_asked_again_when_its_time_has_come)
{
    int64_t now_s = io_wall_s();
    one.seat.inquiry->ask_at_s = now_s + 10;
    two.seat.inquiry->ask_at_s = now_s + 11;
    inquiry_mark_timed(desk.ward.revocation, now_s + 9);
    expect_due(false, false);
    inquiry_mark_timed(desk.ward.revocation, now_s + 10);
    expect_due(true, false);
}

Test(inquiry_due, who_has_waited_long_enough_is_asked)
{
    one.seat.inquiry->is_settled = false;
    one.seat.inquiry->deadline_ms = io_now_ms(&desk.bench.io) + 100000;
    inquiry_mark_timed(desk.ward.revocation, io_wall_s());
    expect_due(false, false);
    one.seat.inquiry->is_settled = false;
    one.seat.inquiry->deadline_ms = io_now_ms(&desk.bench.io);
    inquiry_mark_timed(desk.ward.revocation, io_wall_s());
    expect_due(true, false);
    cr_expect(chair_look(&one)->is_settled);
}

Test(inquiry_due, time_asks_for_nobody)
{
    struct inquiry *q = one.seat.inquiry;
    inquiry_leave(&one.seat);
    q->ask_at_s = 0;
    inquiry_mark_timed(desk.ward.revocation, io_wall_s());
    cr_expect_not(q->is_due);
}

Test(inquiry_due, other_anchors_forget_the_path)
{
    struct knowledge *k = desk_knowledge(&desk);
    struct trust *old = k->trust;
    k->trust = fixture_trust(REVOCATION_CHECKED);
    inquiry_use_trust(k);
    cr_expect_eq(one.seat.inquiry->path.count, 0);
    cr_expect_null(one.seat.inquiry->trust);
    trust_release(old);
    expect_due(true, true);
    cr_expect_eq(one.seat.inquiry->trust, k->trust);
    cr_expect(chair_look(&one)->accepted);
    inquiry_use_trust(k); /* the same: nothing to do */
    expect_due(false, false);
    cr_expect_gt(one.seat.inquiry->path.count, 0);
}

/* ---- a reload ---- */

Test(inquiry_due, a_reload_that_says_the_same_asks_nobody)
{
    struct conf next = desk.ward.conf;
    struct conf_trust same = desk.ward.section;
    next.trusts = &same;
    revocation_use(desk.ward.revocation, &next);
    expect_due(false, false);
    revocation_use(desk.ward.revocation, &desk.ward.conf);
}

Test(inquiry_due, a_reload_takes_another_proxy)
{
    static char proxy[] = "http://127.0.0.1:9";
    struct conf next = desk.ward.conf;
    next.gateway.fetch_proxy = proxy;
    revocation_use(desk.ward.revocation, &next);
    cr_expect_str_eq(desk.ward.revocation->fetcher->proxy, proxy);
    revocation_use(desk.ward.revocation, &desk.ward.conf);
    cr_expect_str_eq(desk.ward.revocation->fetcher->proxy, "");
}

Test(inquiry_due, a_reload_with_other_rules_asks_all_of_the_trust)
{
    struct conf next = desk.ward.conf;
    struct conf_trust other = desk.ward.section;
    other.canonical = "otherwise";
    next.trusts = &other;
    revocation_use(desk.ward.revocation, &next);
    expect_due(true, true);
    revocation_use(desk.ward.revocation, &desk.ward.conf);
}

Test(inquiry_due, a_section_that_goes_and_comes_back_asks_all_of_the_trust)
{
    struct conf without = desk.ward.conf;
    without.trust_count = 0;
    revocation_use(desk.ward.revocation, &without);
    expect_due(true, true);
    revocation_use(desk.ward.revocation, &desk.ward.conf);
    expect_due(true, true);
}

/* What seemed to be from the future, or over, may not be so by another clock. */
Test(inquiry_due, a_reload_with_another_clock_asks_everybody)
{
    struct conf next = desk.ward.conf;
    next.gateway.clock = CONF_CLOCK_TRUST;
    revocation_use(desk.ward.revocation, &next);
    expect_due(true, true);
    revocation_use(desk.ward.revocation, &desk.ward.conf);
}
