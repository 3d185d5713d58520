/* One certificate's OCSP status: whom it asks, what it takes, and when it asks again. */
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "tests/unit/gateway/know_rig.h"

#define TYPE "application/ocsp-response"

static struct know_rig rig;
static struct span leaf;
static struct span root;

static void setup(void)
{
    know_rig_open(&rig);
    leaf = papers_leaf(5, NULL, NULL);
    root = papers_root(PAPERS_ROOT);
    rig.section.ocsp = CONF_OCSP_URL;
}

static void teardown(void)
{
    know_rig_close(&rig);
}

TestSuite(ocsp_watch, .init = setup, .fini = teardown);

static struct ocsp_watch *see(void)
{
    return ocsp_watch_see(rig.knowledge, leaf, root, io_wall_s());
}

static struct ocsp_watch *start(void)
{
    know_rig_start(&rig);
    struct ocsp_watch *w = see();
    cr_assert_not_null(w);
    return w;
}

/* Ask, and be answered so; the nonce is that of the question unless it is given. */
static void ask(struct ocsp_watch *w, struct papers_answer a)
{
    cr_assert(ocsp_watch_need(w));
    a.cert = leaf;
    a.nonce = a.nonce.data == NULL ? span_of(w->nonce, sizeof(w->nonce)) : a.nonce;
    know_rig_answer(&rig, papers_answer(&a), TYPE);
    know_rig_settle(&rig);
}

/* It may be asked again at once. */
static void forget_wait(struct ocsp_watch *w)
{
    w->due_ms = 0;
}

static bool has_answer(void)
{
    return evidence_answer_of(rig.knowledge->evidence, leaf).len > 0;
}

static bool is_revoked(void)
{
    struct evidence_answer answer = {0};
    return evidence_answer_look(rig.knowledge->evidence, leaf, &answer) && answer.is_revoked;
}

static int64_t wait_s(const struct ocsp_watch *w)
{
    return ((int64_t)w->due_ms - (int64_t)io_now_ms(&rig.bench.io)) / 1000;
}

static void expect_failure(const struct ocsp_watch *w, const char *why)
{
    cr_expect_eq(w->failures, 1);
    cr_expect(wait_s(w) >= 8 && wait_s(w) <= 11, "%d", (int)wait_s(w));
    cr_expect_eq(know_rig_said(&rig, "ocsp-failed"), 1);
    cr_expect_not_null(strstr(w->trouble.note, why), "%s", w->trouble.note);
}

/* ---- what is kept ---- */

Test(ocsp_watch, sees_nothing_when_ocsp_is_off)
{
    rig.section.ocsp = CONF_OCSP_OFF;
    know_rig_start(&rig);
    cr_expect_null(see());
}

Test(ocsp_watch, sees_nothing_of_a_section_that_is_gone)
{
    know_rig_start(&rig);
    knowledge_use(rig.knowledge, NULL);
    cr_expect_null(see());
}

Test(ocsp_watch, one_certificate_is_watched_once)
{
    struct ocsp_watch *w = start();
    cr_expect_eq(see(), w);
    cr_expect_eq(rig.knowledge->watch_count, 1);
    cr_expect_eq(w->seen_s, io_wall_s());
}

Test(ocsp_watch, who_was_not_seen_for_30_days_is_forgotten)
{
    struct ocsp_watch *w = start();
    w->seen_s = io_wall_s() - WATCH_SEEN_S;
    ocsp_watch_tidy(rig.knowledge, w->seen_s + WATCH_SEEN_S);
    cr_expect_eq(rig.knowledge->watch_count, 1);
    ocsp_watch_tidy(rig.knowledge, w->seen_s + WATCH_SEEN_S + 1);
    cr_expect_eq(rig.knowledge->watch_count, 0);
}

/* More than there are buckets: some lie behind each other. */
Test(ocsp_watch, each_of_many_is_found_and_forgotten_by_itself)
{
    enum { MANY = WATCH_BUCKETS + 200 };

    know_rig_start(&rig);
    for (size_t i = 0; i < MANY; i++) {
        uint8_t cert[4] = {(uint8_t)(i >> 8), (uint8_t)i};
        struct ocsp_watch *w = ocsp_watch_see(rig.knowledge, span_of(cert, sizeof(cert)), root,
                                              i % 2 == 0 ? 1 : io_wall_s());
        cr_assert_not_null(w);
    }
    cr_expect_eq(rig.knowledge->watch_count, MANY);
    ocsp_watch_tidy(rig.knowledge, io_wall_s());
    cr_expect_eq(rig.knowledge->watch_count, MANY / 2);
}

/* ---- asking ---- */

Test(ocsp_watch, posts_a_request_to_the_responder_of_the_configuration)
{
    struct ocsp_watch *w = start();
    ask(w, (struct papers_answer){.status = OCSP_GOOD});
    cr_expect(http_peer_heard(&rig.peer, "POST /ocsp HTTP/1.1"));
    cr_expect(http_peer_heard(&rig.peer, "Content-Type: application/ocsp-request"));
    cr_expect(has_answer());
    cr_expect_not(is_revoked());
    cr_expect_eq(w->failures, 0);
    cr_expect_eq(know_rig_said(&rig, "ocsp-failed"), 0);
}

Test(ocsp_watch, asks_again_at_half_of_the_answers_life)
{
    struct ocsp_watch *w = start();
    ask(w, (struct papers_answer){.status = OCSP_GOOD, .until_s = 1000});
    cr_expect(wait_s(w) >= 445 && wait_s(w) <= 550, "%d", (int)wait_s(w));
    ocsp_watch_work(rig.knowledge, io_wall_s());
    cr_expect_null(w->fetch, "not before");
    w->due_ms = io_now_ms(&rig.bench.io);
    ocsp_watch_work(rig.knowledge, io_wall_s());
    cr_expect_not_null(w->fetch);
}

Test(ocsp_watch, who_was_not_seen_for_30_days_is_asked_about_no_more)
{
    struct ocsp_watch *w = start();
    w->due_ms = 1;
    ocsp_watch_work(rig.knowledge, io_wall_s() + WATCH_SEEN_S + 1);
    cr_expect_null(w->fetch);
}

Test(ocsp_watch, a_fresh_answer_is_not_asked_for_again)
{
    struct ocsp_watch *w = start();
    ask(w, (struct papers_answer){.status = OCSP_GOOD});
    cr_expect_not(ocsp_watch_need(w));
    cr_expect_eq(rig.peer.requests, 1);
}

Test(ocsp_watch, a_refresh_asks_also_about_what_is_fresh)
{
    struct ocsp_watch *w = start();
    ask(w, (struct papers_answer){.status = OCSP_GOOD});
    ocsp_watch_refresh(rig.knowledge);
    cr_expect_not_null(w->fetch);
    cr_expect(ocsp_watch_is_busy(rig.knowledge));
    know_rig_settle(&rig);
    cr_expect_eq(rig.peer.requests, 2);
    cr_expect_not(ocsp_watch_is_busy(rig.knowledge));
}

enum { CROWD = 10 };

/* All of one responder; how many of them are asked now. */
static unsigned refresh_crowd(struct ocsp_watch *all[CROWD])
{
    unsigned asked = 0;
    for (uint8_t i = 0; i < CROWD; i++) {
        all[i] = ocsp_watch_see(rig.knowledge, papers_leaf((uint8_t)(i + 1), NULL, NULL), root,
                                io_wall_s());
        cr_assert_not_null(all[i]);
    }
    ocsp_watch_refresh(rig.knowledge);
    for (size_t i = 0; i < CROWD; i++) {
        asked += all[i]->fetch != NULL ? 1 : 0;
    }
    return asked;
}

/* The wait for a turn counts in the deadline: who is not asked yet cannot come too late. */
Test(ocsp_watch, a_refresh_asks_many_in_turns)
{
    struct ocsp_watch *all[CROWD];
    know_rig_start(&rig);
    know_rig_answer(&rig, span_of_text("x"), TYPE);
    cr_expect_eq(refresh_crowd(all), FETCHER_HOST_ONCE);
    cr_expect_eq(rig.knowledge->owed_count, CROWD - FETCHER_HOST_ONCE);
    know_rig_settle(&rig);
    cr_expect_eq(rig.peer.requests, CROWD);
    cr_expect_eq(rig.knowledge->owed_count, 0);
    cr_expect_not(ocsp_watch_is_busy(rig.knowledge));
    for (size_t i = 0; i < CROWD; i++) {
        cr_expect_eq(all[i]->failures, 1, "%zu", i);
    }
}

Test(ocsp_watch, a_second_refresh_owes_nobody_twice)
{
    struct ocsp_watch *all[CROWD];
    know_rig_start(&rig);
    http_peer_says(&rig.peer, HTTP_SILENT, "");
    (void)refresh_crowd(all);
    ocsp_watch_refresh(rig.knowledge);
    cr_expect_leq(rig.knowledge->owed_count, CROWD);
    cr_expect(ocsp_watch_is_busy(rig.knowledge));
    ocsp_watch_tidy(rig.knowledge, io_wall_s() + WATCH_SEEN_S + 1);
    cr_expect_eq(rig.knowledge->watch_count, 0);
    cr_expect_eq(rig.knowledge->owed_count, 0, "who is gone is owed nothing");
    cr_expect_eq(rig.knowledge->asked_count, 0, "and is not asked");
    cr_expect_null(rig.knowledge->owed);
}

Test(ocsp_watch, those_that_are_owed_outlive_those_that_were_asked)
{
    struct ocsp_watch *all[CROWD];
    know_rig_start(&rig);
    http_peer_says(&rig.peer, HTTP_SILENT, "");
    (void)refresh_crowd(all);
    for (size_t i = 0; i < CROWD; i++) {
        all[i]->seen_s -= all[i]->fetch != NULL ? WATCH_SEEN_S + 10 : 0;
    }
    ocsp_watch_tidy(rig.knowledge, io_wall_s());
    cr_assert_eq(rig.knowledge->asked_count, 0);
    cr_expect_eq(rig.knowledge->owed_count, CROWD - FETCHER_HOST_ONCE);
    cr_expect(ocsp_watch_is_busy(rig.knowledge), "a refresh is not over yet");
    ocsp_watch_work(rig.knowledge, io_wall_s());
    cr_expect_eq(rig.knowledge->asked_count, FETCHER_HOST_ONCE);
    ocsp_watch_tidy(rig.knowledge, io_wall_s() + WATCH_SEEN_S + 1);
}

Test(ocsp_watch, two_who_need_it_ask_once)
{
    struct ocsp_watch *w = start();
    cr_expect(ocsp_watch_need(w));
    ask(w, (struct papers_answer){.status = OCSP_GOOD});
    cr_expect_eq(rig.peer.requests, 1);
}

Test(ocsp_watch, each_question_has_another_nonce)
{
    uint8_t first[OCSP_NONCE_LEN];
    struct ocsp_watch *w = start();
    ask(w, (struct papers_answer){.status = OCSP_GOOD});
    memcpy(first, w->nonce, sizeof(first));
    forget_wait(w);
    ask(w, (struct papers_answer){.status = OCSP_GOOD});
    cr_expect_neq(memcmp(first, w->nonce, sizeof(first)), 0);
}

Test(ocsp_watch, many_that_are_due_are_asked_a_few_at_a_time)
{
    know_rig_start(&rig);
    http_peer_says(&rig.peer, HTTP_SILENT, "");
    struct ocsp_watch *all[70];
    unsigned asked = 0;
    for (uint8_t i = 0; i < 70; i++) {
        all[i] = ocsp_watch_see(rig.knowledge, papers_leaf((uint8_t)(i + 1), NULL, NULL), root,
                                io_wall_s());
        all[i]->due_ms = 1;
    }
    ocsp_watch_work(rig.knowledge, io_wall_s());
    for (size_t i = 0; i < 70; i++) {
        asked += all[i]->fetch != NULL ? 1 : 0;
    }
    cr_expect_eq(asked, 64);
}

/* ---- what is taken ---- */

Test(ocsp_watch, takes_that_it_is_revoked)
{
    struct ocsp_watch *w = start();
    ask(w, (struct papers_answer){.status = OCSP_REVOKED});
    cr_expect(is_revoked());
}

Test(ocsp_watch, takes_that_the_responder_does_not_know_it)
{
    struct ocsp_watch *w = start();
    ask(w, (struct papers_answer){.status = OCSP_UNKNOWN});
    cr_expect(has_answer());
    cr_expect_not(is_revoked());
    cr_expect_eq(w->failures, 0);
}

Test(ocsp_watch, refuses_another_nonce)
{
    static const uint8_t other[OCSP_NONCE_LEN] = {1};
    struct ocsp_watch *w = start();
    ask(w, (struct papers_answer){.status = OCSP_GOOD, .nonce = span_of(other, sizeof(other))});
    cr_expect_not(has_answer());
    expect_failure(w, "nonce");
}

Test(ocsp_watch, takes_an_answer_without_nonce)
{
    struct ocsp_watch *w = start();
    ask(w, (struct papers_answer){.status = OCSP_GOOD, .nonce = span_of_text("")});
    cr_expect(has_answer());
}

Test(ocsp_watch, refuses_an_answer_without_nonce_where_one_is_required)
{
    rig.section.nonce_required = true;
    struct ocsp_watch *w = start();
    ask(w, (struct papers_answer){.status = OCSP_GOOD, .nonce = span_of_text("")});
    cr_expect_not(has_answer());
    expect_failure(w, "nonce");
}

Test(ocsp_watch, refuses_an_answer_that_the_ca_did_not_sign)
{
    struct ocsp_watch *w = start();
    ask(w, (struct papers_answer){.status = OCSP_GOOD, .key = PAPERS_STRANGE});
    cr_expect_not(has_answer());
    expect_failure(w, "no information");
}

Test(ocsp_watch, refuses_an_answer_about_another_certificate)
{
    struct ocsp_watch *w = start();
    cr_assert(ocsp_watch_need(w));
    const struct papers_answer other = {.cert = papers_leaf(6, NULL, NULL),
                                        .status = OCSP_GOOD,
                                        .nonce = span_of(w->nonce, sizeof(w->nonce))};
    know_rig_answer(&rig, papers_answer(&other), TYPE);
    know_rig_settle(&rig);
    cr_expect_not(has_answer());
    expect_failure(w, "no information");
}

Test(ocsp_watch, refuses_an_answer_that_is_over)
{
    struct ocsp_watch *w = start();
    ask(w, (struct papers_answer){.status = OCSP_GOOD, .from_s = -7200, .until_s = -3600});
    cr_expect_not(has_answer());
    expect_failure(w, "no information");
}

static void refuse_body(const char *body, size_t len, const char *type, const char *why)
{
    struct ocsp_watch *w = start();
    cr_assert(ocsp_watch_need(w));
    know_rig_answer(&rig, span_of((const uint8_t *)body, len), type);
    know_rig_settle(&rig);
    cr_expect_not(has_answer());
    expect_failure(w, why);
}

Test(ocsp_watch, refuses_garbage)
{
    refuse_body("garbage", 7, TYPE, "no information");
}

Test(ocsp_watch, refuses_another_type)
{
    refuse_body("<html>", 6, "text/html", "/ocsp");
}

Test(ocsp_watch, refuses_more_than_16_kib)
{
    static char body[FETCHER_OCSP_MAX + 1];
    refuse_body(body, sizeof(body), TYPE, "/ocsp");
}

Test(ocsp_watch, an_older_answer_is_refused_and_the_newer_one_stays)
{
    struct ocsp_watch *w = start();
    ask(w, (struct papers_answer){.status = OCSP_REVOKED, .from_s = -60});
    forget_wait(w);
    ask(w, (struct papers_answer){.status = OCSP_GOOD, .from_s = -120});
    cr_expect(is_revoked());
    expect_failure(w, "");
}

/* ---- who does not answer ---- */

Test(ocsp_watch, a_silent_responder_backs_off_and_the_old_answer_stays)
{
    struct ocsp_watch *w = start();
    ask(w, (struct papers_answer){.status = OCSP_GOOD});
    http_peer_says(&rig.peer, HTTP_SILENT, "");
    rig.section.check_timeout_ms = 200;
    forget_wait(w);
    cr_assert(ocsp_watch_need(w));
    know_rig_settle(&rig);
    cr_expect(has_answer());
    expect_failure(w, "in time");
    cr_expect_not(ocsp_watch_need(w), "nobody waits for the next failure");
    cr_expect_eq(rig.peer.requests, 2);
}

Test(ocsp_watch, failures_double_the_wait_are_told_once_and_end_once)
{
    struct ocsp_watch *w = start();
    http_peer_says(&rig.peer, HTTP_LEAVE, "");
    for (unsigned i = 0; i < 3; i++) {
        forget_wait(w);
        cr_assert(ocsp_watch_need(w));
        know_rig_settle(&rig);
    }
    cr_expect_eq(w->failures, 3);
    cr_expect(wait_s(w) >= 35 && wait_s(w) <= 44, "%d", (int)wait_s(w));
    cr_expect_eq(know_rig_said(&rig, "ocsp-failed"), 1);
    cr_expect_not(ocsp_watch_need(w), "not so soon");
    forget_wait(w);
    ask(w, (struct papers_answer){.status = OCSP_GOOD});
    cr_expect_eq(w->failures, 0);
    cr_expect_eq(know_rig_said(&rig, "ocsp-works"), 1);
}

static bool is_left(void *arg)
{
    const struct know_rig *r = arg;
    return r->peer.open == 0;
}

Test(ocsp_watch, is_freed_with_a_fetch_under_way)
{
    struct ocsp_watch *w = start();
    http_peer_says(&rig.peer, HTTP_SILENT, "");
    cr_assert(ocsp_watch_need(w));
    bench_run_until(&rig.bench, &rig.peer.requests, 1);
    ocsp_watch_free_all(rig.knowledge);
    cr_expect_eq(rig.knowledge->watch_count, 0);
    cr_expect_not(ocsp_watch_is_busy(rig.knowledge));
    bench_run_while_not(&rig.bench, is_left, &rig);
}

Test(ocsp_watch, revocation_closes_with_a_fetch_under_way)
{
    struct ocsp_watch *w = start();
    http_peer_says(&rig.peer, HTTP_SILENT, "");
    cr_assert(ocsp_watch_need(w));
    bench_run_until(&rig.bench, &rig.peer.requests, 1);
}

/* ---- URLs of certificates ---- */

static struct ocsp_watch *start_aia(size_t hosts)
{
    rig.section.ocsp = CONF_OCSP_AIA;
    rig.section.fetch_host_count = hosts;
    leaf = papers_leaf(5, rig.url, NULL);
    return start();
}

Test(ocsp_watch, follows_the_url_of_a_certificate_to_an_allowed_host)
{
    struct ocsp_watch *w = start_aia(1);
    ask(w, (struct papers_answer){.status = OCSP_GOOD});
    cr_expect(has_answer());
}

Test(ocsp_watch, follows_no_url_of_a_certificate_elsewhere)
{
    struct ocsp_watch *w = start_aia(0);
    cr_expect_not(ocsp_watch_need(w));
    cr_expect_eq(w->failures, 0);
    cr_expect_not(ocsp_watch_is_busy(rig.knowledge));
}

Test(ocsp_watch, asks_nobody_about_a_certificate_without_url)
{
    rig.section.ocsp = CONF_OCSP_AIA;
    rig.section.fetch_host_count = 1;
    cr_expect_not(ocsp_watch_need(start()));
}

Test(ocsp_watch, the_url_of_a_certificate_does_not_count_beside_the_configured_one)
{
    rig.section.fetch_host_count = 1;
    leaf = papers_leaf(5, "http://127.0.0.1:1/other", NULL);
    ask(start(), (struct papers_answer){.status = OCSP_GOOD});
    cr_expect(http_peer_heard(&rig.peer, "POST /ocsp HTTP/1.1"));
}

Test(ocsp_watch, asks_nobody_once_ocsp_is_switched_off)
{
    struct ocsp_watch *w = start_aia(1);
    rig.section.ocsp = CONF_OCSP_OFF;
    cr_expect_not(ocsp_watch_need(w));
}

/* ---- staples ---- */

static bool offer(struct papers_answer a)
{
    a.cert = a.cert.data == NULL ? leaf : a.cert;
    return ocsp_watch_offer(rig.knowledge, leaf, root, papers_answer(&a));
}

Test(ocsp_watch, takes_a_good_staple_once)
{
    know_rig_start(&rig);
    const struct papers_answer good = {.cert = leaf, .status = OCSP_GOOD};
    struct span staple = papers_answer(&good);
    cr_expect(ocsp_watch_offer(rig.knowledge, leaf, root, staple));
    cr_expect(has_answer());
    cr_expect_not(ocsp_watch_offer(rig.knowledge, leaf, root, staple), "it says nothing new");
}

Test(ocsp_watch, takes_a_staple_that_says_revoked)
{
    know_rig_start(&rig);
    cr_expect(offer((struct papers_answer){.status = OCSP_REVOKED}));
    cr_expect(is_revoked());
}

Test(ocsp_watch, judges_a_staple_like_any_answer)
{
    know_rig_start(&rig);
    cr_expect_not(offer((struct papers_answer){.status = OCSP_GOOD, .key = PAPERS_STRANGE}));
    cr_expect_not(
        offer((struct papers_answer){.status = OCSP_GOOD, .cert = papers_leaf(6, NULL, NULL)}));
    cr_expect_not(
        offer((struct papers_answer){.status = OCSP_GOOD, .from_s = -7200, .until_s = -3600}));
    cr_expect_not(ocsp_watch_offer(rig.knowledge, leaf, root, span_of_text("garbage")));
    cr_expect_not(has_answer());
}

Test(ocsp_watch, a_staple_is_older_than_what_is_known)
{
    know_rig_start(&rig);
    cr_assert(offer((struct papers_answer){.status = OCSP_REVOKED, .from_s = -60}));
    cr_expect_not(offer((struct papers_answer){.status = OCSP_GOOD, .from_s = -120}));
    cr_expect(is_revoked());
}
