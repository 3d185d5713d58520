#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "tests/unit/gateway/link_desk.h"
#include "tests/unit/gateway/link_fixture.h"

enum { DAY_S = 86400, YEAR_S = 366 * DAY_S, CROWD = 40 };

static struct desk desk;
static struct chair one, two, three;

static void setup(void)
{
    desk_open(&desk);
    chair_init(&one, &desk, "pump-12", CONF_REVOCATION_HARD);
    chair_init(&two, &desk, "monitor-7", CONF_REVOCATION_HARD);
    chair_init(&three, &desk, "monitor-7", CONF_REVOCATION_HARD);
}

static void teardown(void)
{
    inquiry_leave(&one.seat);
    inquiry_leave(&two.seat);
    inquiry_leave(&three.seat);
    (void)desk_close(&desk);
}

TestSuite(inquiry, .init = setup, .fini = teardown);

static void expect_good(struct chair *c)
{
    const struct inquiry_state *now = chair_look(c);
    cr_expect(now->is_settled && now->accepted && !now->is_tolerated && !now->is_break_glass, "%s",
              now->sentence);
    cr_expect_eq(now->kind, VERDICT_GOOD);
}

static void expect_refused(struct chair *c, enum verdict_kind kind)
{
    const struct inquiry_state *now = chair_look(c);
    cr_expect(now->is_settled && !now->accepted && !now->is_tolerated && !now->may_write);
    cr_expect_eq(now->kind, kind, "%s: %s", verdict_name(now->kind), now->sentence);
}

static void revoke(const char *name)
{
    desk_learn(&desk, &(struct press_list){.ca = "root", .number = 7, .revokes = name});
}

/* ---- the first answer ---- */

Test(inquiry, nobody_sits_nothing_is_accepted)
{
    const struct inquiry_state *now = chair_look(&one);
    cr_expect(!now->is_settled && !now->accepted && !now->may_write);
    cr_expect_eq(inquiry_staple(NULL).len, 0);
    cr_expect_eq(inquiry_staple(&one.seat).len, 0);
    inquiry_leave(&one.seat);
}

Test(inquiry, what_is_known_is_answered_at_once)
{
    desk_learn_good(&desk);
    (void)chair_sit(&one, "hl7");
    (void)chair_sit(&two, "pump-12");
    expect_good(&one);
    expect_good(&two);
    cr_expect_not_null(strstr(one.now.evidence, "CRL"), "%s", one.now.evidence);
    desk_settle(&desk);
    cr_expect_eq(one.told + two.told, 0, "on_verdict told what inquiry_look had said");
}

Test(inquiry, an_unknown_peer_is_refused_when_nobody_can_be_asked)
{
    (void)chair_sit(&one, "hl7");
    expect_refused(&one, VERDICT_UNAVAILABLE);
}

Test(inquiry, a_trust_that_is_not_configured_is_refused)
{
    struct trust_settings settings = {
        .name = "strangers", .anchors = "build/pki/root.pem", .tls_min = TLS_VERSION_1_3};
    struct fault f;
    struct trust *mine = desk.trust;
    desk_learn_good(&desk);
    desk.trust = trust_load(&settings, io_wall_s(), &f);
    cr_expect_not(chair_ask(&one, INQUIRY_PEER_SERVER, "hl7", span_of(NULL, 0)));
    cr_expect_null(one.seat.inquiry);
    cr_expect_not(one.now.accepted);
    trust_release(desk.trust);
    desk.trust = mine;
}

static void be_silent(char *url, size_t cap)
{
    desk_silent_url(url, cap);
    desk_use_source(&desk, CONF_CRL_URL, url);
}

Test(inquiry, an_unknown_peer_waits_for_evidence_until_check_timeout)
{
    char url[64];
    desk.ward.section.check_timeout_ms = 50;
    be_silent(url, sizeof(url));
    const struct inquiry_state *now = chair_sit(&one, "hl7");
    uint64_t began_ms = io_now_ms(&desk.bench.io);
    cr_assert(!now->is_settled && !now->accepted && !now->may_write);
    cr_expect_leq(uv_timer_get_due_in(&desk.ward.revocation->tick), 50, "it waits a second more");
    bench_run_until(&desk.bench, &one.told, 1);
    cr_expect_geq(io_now_ms(&desk.bench.io) - began_ms, 50);
    expect_refused(&one, VERDICT_UNAVAILABLE);
}

Test(inquiry, soft_waits_as_long_as_hard)
{
    char url[64];
    desk.ward.section.check_timeout_ms = 50;
    be_silent(url, sizeof(url));
    one.conf.revocation = CONF_REVOCATION_SOFT;
    const struct inquiry_state *now = chair_sit(&one, "hl7");
    cr_assert_not(now->is_settled);
    bench_run_until(&desk.bench, &one.told, 1);
    cr_expect(one.now.is_settled && one.now.accepted && one.now.is_tolerated);
}

Test(inquiry, who_waits_hears_at_once_what_comes)
{
    char url[64];
    desk.ward.section.check_timeout_ms = 30000;
    be_silent(url, sizeof(url));
    (void)chair_sit(&one, "hl7");
    cr_assert_not(one.now.is_settled);
    desk_learn_good(&desk);
    bench_run_until(&desk.bench, &one.told, 1);
    expect_good(&one);
    (void)chair_sit(&two, "bms");
    cr_expect(two.now.is_settled, "waits although nothing could help");
}

/* ---- who shares an answer ---- */

Test(inquiry, links_with_the_same_chain_and_policy_share_one_inquiry)
{
    (void)chair_sit(&one, "hl7");
    (void)chair_sit(&two, "hl7");
    cr_expect_eq(one.seat.inquiry, two.seat.inquiry);
    cr_expect_eq(one.seat.inquiry->seat_count, 2);
    cr_expect_eq(desk.ward.revocation->inquiry_count, 1);
}

static void expect_apart(void)
{
    (void)chair_sit(&two, "hl7");
    cr_expect_neq(one.seat.inquiry, two.seat.inquiry);
    inquiry_leave(&two.seat);
}

Test(inquiry, another_policy_grace_role_or_chain_is_another_question)
{
    (void)chair_sit(&one, "hl7");
    two.conf.revocation = CONF_REVOCATION_SOFT;
    expect_apart();
    two.conf.revocation = CONF_REVOCATION_HARD;
    two.conf.grace_s = 60;
    expect_apart();
    two.conf.grace_s = 0;
    cr_assert(chair_ask(&two, INQUIRY_PEER_CLIENT, "hl7", span_of(NULL, 0)));
    cr_expect_neq(one.seat.inquiry, two.seat.inquiry);
    inquiry_leave(&two.seat);
    (void)chair_sit(&two, "hl7b");
    cr_expect_neq(one.seat.inquiry, two.seat.inquiry);
}

Test(inquiry, a_softer_neighbour_makes_nothing_softer)
{
    two.conf.revocation = CONF_REVOCATION_SOFT;
    (void)chair_sit(&two, "hl7");
    (void)chair_sit(&one, "hl7");
    cr_expect(two.now.accepted && two.now.is_tolerated);
    expect_refused(&one, VERDICT_UNAVAILABLE);
}

/* ---- asked again ---- */

static void sit_good(void)
{
    desk_learn_good(&desk);
    (void)chair_sit(&one, "hl7");
    (void)chair_sit(&two, "bms-noeku");
    (void)chair_sit(&three, "hl7");
    desk_settle(&desk);
    expect_good(&one);
    expect_good(&two);
    one.told = two.told = three.told = 0;
}

Test(inquiry, a_new_crl_cuts_whom_it_revokes_and_nobody_else)
{
    sit_good();
    revoke("hl7");
    desk_settle(&desk);
    cr_expect_eq(one.told, 1);
    cr_expect_eq(three.told, 1);
    cr_expect_eq(two.told, 0);
    expect_refused(&one, VERDICT_REVOKED);
    cr_expect_not(one.now.is_blocked);
    expect_good(&two);
}

Test(inquiry, a_crl_that_says_nothing_new_is_not_told)
{
    sit_good();
    desk_learn(&desk, &(struct press_list){.ca = "root", .number = 2});
    desk_settle(&desk);
    cr_expect_eq(one.told + two.told + three.told, 0);
}

Test(inquiry, a_good_answer_ends_to_the_second)
{
    desk_learn(&desk,
               &(struct press_list){.ca = "root", .number = 1, .from_s = -60, .until_s = 600});
    (void)chair_sit(&one, "hl7");
    expect_good(&one);
    int64_t left_s = one.now.valid_until_s - io_wall_s();
    cr_assert(left_s > 0 && left_s <= 600);
    wall_shift(left_s - 5);
    desk_tick(&desk);
    expect_good(&one);
    wall_shift(left_s + 2);
    desk_tick(&desk);
    cr_expect_eq(one.told, 1);
    expect_refused(&one, VERDICT_STALE);
}

Test(inquiry, the_end_of_the_certificate_ends_it)
{
    desk_learn(&desk, &(struct press_list){
                          .ca = "root", .number = 1, .from_s = -60, .until_s = (int64_t)YEAR_S});
    (void)chair_sit(&one, "hl7");
    expect_good(&one);
    struct identity *id = fixture_identity("hl7");
    int64_t left_s = identity_facts(id)->not_after_s - io_wall_s();
    identity_release(id);
    wall_shift(left_s - 5);
    desk_tick(&desk);
    cr_expect_eq(one.told, 0);
    wall_shift(left_s + 2);
    desk_tick(&desk);
    cr_expect_eq(one.told, 1);
    cr_expect(!one.now.accepted && one.now.is_settled);
}

Test(inquiry, where_nothing_is_checked_the_certificates_end_counts_all_the_same)
{
    one.conf.revocation = CONF_REVOCATION_OFF;
    (void)chair_sit(&one, "hl7");
    cr_assert(one.now.accepted);
    struct identity *id = fixture_identity("hl7");
    wall_shift(identity_facts(id)->not_after_s - io_wall_s() + 2);
    identity_release(id);
    desk_tick(&desk);
    cr_expect_eq(one.told, 1);
    cr_expect_not(one.now.accepted);
}

Test(inquiry, a_blocked_serial_is_cut_and_comes_back)
{
    struct identity *id = fixture_identity("hl7");
    sit_good();
    desk_block(&desk, identity_facts(id)->serial);
    desk_settle(&desk);
    cr_expect_eq(one.told, 1);
    cr_expect_eq(two.told, 0);
    expect_refused(&one, VERDICT_REVOKED);
    cr_expect(one.now.is_blocked);
    cr_expect_not_null(strstr(one.now.sentence, "it was lost"), "%s", one.now.sentence);
    desk_unblock(&desk, identity_facts(id)->serial);
    desk_settle(&desk);
    expect_good(&one);
    identity_release(id);
}

Test(inquiry, a_blocked_fingerprint_is_cut)
{
    struct identity *id = fixture_identity("hl7");
    sit_good();
    desk_block(&desk, identity_facts(id)->fingerprint);
    identity_release(id);
    desk_settle(&desk);
    expect_refused(&one, VERDICT_REVOKED);
    expect_good(&two);
}

Test(inquiry, a_blocked_device_has_no_links_whoever_the_peer_is)
{
    sit_good();
    desk_block(&desk, "monitor-7");
    desk_settle(&desk);
    cr_expect_eq(one.told, 0, "the pump's link has the same peer");
    expect_good(&one);
    expect_refused(&two, VERDICT_REVOKED);
    expect_refused(&three, VERDICT_REVOKED);
    cr_expect(two.now.is_blocked);
    cr_expect_not_null(strstr(two.now.sentence, "it was lost"), "%s", two.now.sentence);
    cr_expect_str_eq(two.now.evidence, "");
    desk_unblock(&desk, "monitor-7");
    desk_settle(&desk);
    expect_good(&two);
    expect_good(&three);
}

Test(inquiry, a_blocked_device_is_refused_where_nothing_is_checked)
{
    desk_block(&desk, "pump-12");
    one.conf.revocation = CONF_REVOCATION_OFF;
    (void)chair_sit(&one, "hl7");
    expect_refused(&one, VERDICT_REVOKED);
}

/* Anchors that did not issue anybody here. */
static struct trust *other_anchors(void)
{
    struct trust_settings settings = {
        .name = "hospital", .anchors = "build/pki/other.pem", .tls_min = TLS_VERSION_1_3};
    struct fault f;
    struct trust *made = trust_load(&settings, io_wall_s(), &f);
    cr_assert_not_null(made, "%s", f.note);
    return made;
}

Test(inquiry, other_anchors_end_the_links_under_the_old_ones)
{
    sit_good();
    desk.ward.section.trust = other_anchors();
    revocation_use(desk.ward.revocation, &desk.ward.conf);
    desk_settle(&desk);
    cr_expect_eq(one.told, 1);
    cr_expect(!one.now.accepted && one.now.is_settled);
    cr_expect_eq(one.seat.inquiry->path.count, 0);
    trust_release(desk.ward.section.trust);
}

Test(inquiry, the_same_anchors_again_change_nothing)
{
    sit_good();
    desk.ward.section.trust = fixture_trust(REVOCATION_CHECKED);
    revocation_use(desk.ward.revocation, &desk.ward.conf);
    trust_release(desk.trust); /* the old one is gone: nothing may borrow from it */
    desk.trust = trust_hold(desk.ward.section.trust);
    desk_settle(&desk);
    cr_expect_eq(one.told + two.told + three.told, 0);
    expect_good(&one);
    cr_expect_eq(one.seat.inquiry->trust, desk.ward.section.trust);
    trust_release(desk.ward.section.trust);
}

/* Neither the trust nor what is known is new, but more can be asked from now on. */
Test(inquiry, ocsp_that_is_switched_on_is_asked_for_the_links_that_live)
{
    sit_good();
    const struct knowledge *k = one.seat.inquiry->knowledge;
    cr_expect_eq(k->watch_count, 0);
    struct conf_trust other = desk.ward.section;
    other.ocsp = CONF_OCSP_AIA; /* of a host that nothing allows: nothing is sent */
    other.canonical = "with ocsp";
    desk.ward.conf.trusts = &other;
    revocation_use(desk.ward.revocation, &desk.ward.conf);
    desk_settle(&desk);
    cr_expect_gt(k->watch_count, 0);
    cr_expect_eq(one.told, 0);
    expect_good(&one);
}

Test(inquiry, an_answer_that_changed_back_is_not_told)
{
    sit_good();
    struct fault f = {0};
    struct desk_order block;
    struct desk_order unblock;
    desk_order_init(&block, &desk.ward);
    desk_order_init(&unblock, &desk.ward);
    (void)revocation_block(desk.ward.revocation, "pump-12", "x", &block.order, &f);
    while (desk.ward.revocation->due != NULL) {
        cr_assert(inquiry_work(desk.ward.revocation));
    }
    cr_assert_not_null(desk.ward.revocation->to_tell);
    (void)revocation_unblock(desk.ward.revocation, "pump-12", &unblock.order, &f);
    desk_order_wait(&block);
    desk_order_wait(&unblock);
    cr_expect_eq(one.told, 0);
    expect_good(&one);
}

/* ---- break-glass ---- */

Test(inquiry, break_glass_lets_pass_what_nobody_knows_and_ends)
{
    (void)chair_sit(&one, "hl7");
    (void)chair_sit(&two, "hl7");
    desk_grant(&desk, "pump-12", 600);
    desk_settle(&desk);
    cr_expect_eq(one.told, 1);
    cr_expect(one.now.accepted && one.now.is_tolerated && one.now.is_break_glass);
    expect_refused(&two, VERDICT_UNAVAILABLE);
    wall_shift(601);
    one.seat.inquiry->ask_at_s = INT64_MAX; /* no other reason to ask */
    desk_tick(&desk);
    cr_expect_eq(one.told, 2);
    expect_refused(&one, VERDICT_UNAVAILABLE);
}

Test(inquiry, break_glass_ends_when_somebody_ends_it)
{
    desk_grant(&desk, "pump-12", 600);
    (void)chair_sit(&one, "hl7");
    cr_assert(one.now.is_break_glass);
    desk_grant(&desk, "pump-12", 0);
    desk_settle(&desk);
    expect_refused(&one, VERDICT_UNAVAILABLE);
}

Test(inquiry, break_glass_lets_pass_what_is_stale)
{
    desk_learn(&desk,
               &(struct press_list){.ca = "root", .number = 1, .from_s = -600, .until_s = -60});
    (void)chair_sit(&one, "hl7");
    expect_refused(&one, VERDICT_STALE);
    desk_grant(&desk, "pump-12", 600);
    desk_settle(&desk);
    cr_expect(one.now.accepted && one.now.is_break_glass);
}

Test(inquiry, break_glass_never_lets_pass_who_is_revoked)
{
    desk_grant(&desk, "pump-12", 600);
    revoke("hl7");
    (void)chair_sit(&one, "hl7");
    expect_refused(&one, VERDICT_REVOKED);
}

Test(inquiry, break_glass_never_lets_pass_who_is_blocked)
{
    struct identity *id = fixture_identity("hl7");
    desk_grant(&desk, "pump-12", 600);
    desk_grant(&desk, "monitor-7", 600);
    desk_block(&desk, identity_facts(id)->serial);
    desk_block(&desk, "monitor-7");
    identity_release(id);
    (void)chair_sit(&one, "hl7");
    (void)chair_sit(&two, "hl7b");
    expect_refused(&one, VERDICT_REVOKED);
    expect_refused(&two, VERDICT_REVOKED);
}

Test(inquiry, break_glass_never_lets_pass_a_chain_without_a_path)
{
    desk_grant(&desk, "pump-12", 600);
    (void)chair_sit(&one, "hl7-other");
    cr_expect(one.now.is_settled && !one.now.accepted);
    inquiry_leave(&one.seat);
    (void)chair_sit(&one, "hl7-wrongeku");
    cr_expect(one.now.is_settled && !one.now.accepted);
}

/* ---- the clock ---- */

static void unset_clock(void)
{
    clock_raise_floor(&desk.ward.revocation->clock, io_wall_s() + YEAR_S);
    desk_tick(&desk);
    cr_assert_not(revocation_clock_is_trusted(desk.ward.revocation));
}

Test(inquiry, a_clock_that_is_not_believed_lets_no_link_come_up)
{
    desk_learn_good(&desk);
    unset_clock();
    (void)chair_sit(&one, "hl7");
    cr_expect(one.now.is_settled && !one.now.accepted && !one.now.may_write);
    cr_expect_eq(one.now.kind, VERDICT_UNAVAILABLE);
    cr_expect_not_null(strstr(one.now.sentence, "clock"), "%s", one.now.sentence);
}

Test(inquiry, a_grant_lets_links_come_up_without_a_clock)
{
    desk_learn_good(&desk);
    unset_clock();
    desk_grant(&desk, "pump-12", 600);
    (void)chair_sit(&one, "hl7");
    cr_expect(one.now.accepted && one.now.is_break_glass && one.now.is_tolerated);
}

Test(inquiry, a_link_by_a_grant_without_a_clock_ends_with_the_grant)
{
    desk_learn_good(&desk);
    unset_clock();
    desk_grant(&desk, "pump-12", 600);
    (void)chair_sit(&one, "hl7");
    desk_settle(&desk);
    cr_assert(chair_look(&one)->is_break_glass);
    desk_grant(&desk, "pump-12", 0);
    desk_settle(&desk);
    cr_expect_eq(one.told, 1);
    cr_expect_not(chair_look(&one)->accepted);
}

Test(inquiry, a_grant_lets_nobody_pass_who_is_revoked_without_a_clock)
{
    revoke("hl7");
    unset_clock();
    desk_grant(&desk, "pump-12", 600);
    (void)chair_sit(&one, "hl7");
    expect_refused(&one, VERDICT_REVOKED);
}

Test(inquiry, clock_trust_believes_any_clock)
{
    desk_learn_good(&desk);
    unset_clock();
    desk.ward.conf.gateway.clock = CONF_CLOCK_TRUST;
    (void)chair_sit(&one, "hl7");
    expect_good(&one);
}

Test(inquiry, where_nothing_is_checked_the_clock_does_not_matter)
{
    unset_clock();
    one.conf.revocation = CONF_REVOCATION_OFF;
    (void)chair_sit(&one, "hl7");
    cr_expect(one.now.is_settled && one.now.accepted);
}

Test(inquiry, a_link_that_is_up_is_not_cut_by_the_clock)
{
    sit_good();
    unset_clock();
    cr_expect_eq(one.told, 0);
    expect_good(&one);
    revoke("hl7");
    desk_settle(&desk);
    expect_refused(&one, VERDICT_REVOKED);
}

/* A newcomer waits for evidence that the others did without. */
Test(inquiry, a_link_that_is_up_does_not_wait_with_a_newcomer)
{
    char url[64];
    desk.ward.section.check_timeout_ms = 30000;
    one.conf.revocation = CONF_REVOCATION_SOFT;
    two.conf.revocation = CONF_REVOCATION_SOFT;
    cr_assert(chair_sit(&one, "hl7")->accepted);
    be_silent(url, sizeof(url));
    cr_assert_not(chair_sit(&two, "hl7")->is_settled);
    desk_settle(&desk);
    cr_expect_eq(one.told, 0);
    unset_clock();
    cr_expect_eq(one.told, 0);
    cr_expect(chair_look(&one)->is_settled && one.now.accepted);
}

Test(inquiry, who_was_refused_for_the_clock_is_asked_again_when_it_is_right)
{
    desk_learn_good(&desk);
    unset_clock();
    (void)chair_sit(&one, "hl7");
    cr_assert_not(one.now.accepted);
    struct clock_look look = clock_look_now();
    clock_init(&desk.ward.revocation->clock, clock_build_s(), &look);
    desk.ward.revocation->clock.state = CLOCK_UNSET; /* so that the next look finds a change */
    desk_tick(&desk);
    cr_expect_eq(one.told, 1);
    expect_good(&one);
}

/* ---- writes ---- */

Test(inquiry, writes_that_need_good_pass_only_when_it_is)
{
    one.conf.revocation = CONF_REVOCATION_SOFT;
    one.conf.writes_need_good = true;
    two.conf.revocation = CONF_REVOCATION_SOFT;
    (void)chair_sit(&one, "hl7");
    (void)chair_sit(&two, "hl7");
    cr_expect(one.now.accepted && !one.now.may_write);
    cr_expect(two.now.accepted && two.now.may_write);
    desk_learn_good(&desk);
    desk_settle(&desk);
    cr_expect(one.now.accepted && one.now.may_write);
    cr_expect_eq(one.told, 1);
}

Test(inquiry, writes_that_need_good_do_not_pass_under_grace)
{
    desk_learn(&desk,
               &(struct press_list){.ca = "root", .number = 1, .from_s = -600, .until_s = -60});
    one.conf = (struct conf_device){.name = one.conf.name,
                                    .revocation = CONF_REVOCATION_GRACE,
                                    .grace_s = 3600,
                                    .writes_need_good = true};
    (void)chair_sit(&one, "hl7");
    cr_expect(one.now.accepted && one.now.is_tolerated && !one.now.may_write);
}

Test(inquiry, writes_that_need_good_do_not_pass_under_break_glass)
{
    desk_grant(&desk, "pump-12", 600);
    one.conf.writes_need_good = true;
    (void)chair_sit(&one, "hl7");
    cr_expect(one.now.is_break_glass && !one.now.may_write);
    inquiry_leave(&one.seat);
    desk_learn_good(&desk);
    unset_clock();
    (void)chair_sit(&one, "hl7");
    cr_expect(one.now.is_break_glass && !one.now.may_write, "good, but on a clock of no worth");
}

/* ---- seats that go while they are told ---- */

static void leave_self(struct chair *at)
{
    inquiry_leave(&at->seat);
}

static void leave_other(struct chair *at)
{
    inquiry_leave(&at->other->seat);
}

static void sit_elsewhere(struct chair *at)
{
    at->hook = NULL;
    inquiry_leave(&at->seat);
    (void)chair_sit(at, "hl7b");
}

static void tell_with(void (*hook)(struct chair *at))
{
    sit_good();
    one.hook = hook;
    two.hook = hook;
    three.hook = hook;
    one.other = &three;
    three.other = &one;
    two.other = &two;
    revoke("hl7");
    desk_settle(&desk);
}

Test(inquiry, a_seat_may_leave_when_it_is_told)
{
    tell_with(leave_self);
    cr_expect_eq(one.told + three.told, 2);
    cr_expect_null(one.seat.inquiry);
    cr_expect_not(chair_look(&one)->accepted);
}

Test(inquiry, a_seat_may_take_another_away_when_it_is_told)
{
    tell_with(leave_other);
    cr_expect_eq(one.told + three.told, 1, "who has left was told");
    expect_good(&two);
}

Test(inquiry, a_seat_may_ask_something_else_when_it_is_told)
{
    tell_with(sit_elsewhere);
    cr_expect_eq(one.told + three.told, 2);
    expect_good(&one);
    cr_expect_eq(one.seat.inquiry, three.seat.inquiry);
}

Test(inquiry, who_left_is_not_told)
{
    sit_good();
    revoke("hl7");
    inquiry_leave(&three.seat);
    desk_settle(&desk);
    cr_expect_eq(three.told, 0);
    cr_expect_eq(one.told, 1);
}

Test(inquiry, a_seat_that_comes_back_begins_anew)
{
    sit_good();
    inquiry_leave(&one.seat);
    unset_clock();
    (void)chair_sit(&one, "hl7");
    cr_expect_not(one.now.accepted, "it lives on what was said of its last link");
}

/* ---- staples ---- */

Test(inquiry, a_staple_that_says_revoked_counts_for_all)
{
    sit_good();
    inquiry_leave(&three.seat);
    cr_assert(
        chair_ask(&three, INQUIRY_PEER_SERVER, "hl7", press_answer(&desk.press, "hl7", true)));
    expect_refused(&three, VERDICT_REVOKED);
    desk_settle(&desk);
    cr_expect_eq(one.told, 1);
    expect_refused(&one, VERDICT_REVOKED);
}

Test(inquiry, a_good_staple_is_evidence)
{
    cr_assert(chair_ask(&one, INQUIRY_PEER_SERVER, "hl7", press_answer(&desk.press, "hl7", false)));
    expect_good(&one);
    (void)chair_sit(&two, "hl7");
    expect_good(&two);
}

Test(inquiry, a_staple_about_somebody_else_is_none)
{
    cr_assert(chair_ask(&one, INQUIRY_PEER_SERVER, "hl7", press_answer(&desk.press, "bms", false)));
    expect_refused(&one, VERDICT_UNAVAILABLE);
}

Test(inquiry, our_own_answer_can_be_stapled_while_it_is_good)
{
    struct span answer = press_answer(&desk.press, "hl7", false);
    cr_assert(chair_ask(&one, INQUIRY_OWN_SERVER, "hl7", answer));
    cr_expect(span_equal(inquiry_staple(&one.seat), answer));
    wall_shift(2 * DAY_S);
    cr_expect_eq(inquiry_staple(&one.seat).len, 0);
    wall_shift(0);
    revoke("hl7");
    desk_settle(&desk);
    cr_expect_eq(inquiry_staple(&one.seat).len, 0);
}

/* ---- memory ---- */

Test(inquiry, without_memory_nobody_is_let_pass)
{
    revoke("hl7");
    (void)chair_sit(&two, "hl7");
    for (uint32_t nth = 1; nth < 200; nth++) {
        one.conf.grace_s = nth; /* a question of its own each time */
        (void)mem_fail_nth(nth);
        const struct inquiry *known = two.seat.inquiry;
        const struct inquiry_question question = {.trust = desk.trust,
                                                  .device = &one.conf,
                                                  .who = INQUIRY_PEER_SERVER,
                                                  .chain = known->chain,
                                                  .count = known->count};
        bool is_taken = inquiry_join(desk.ward.revocation, &one.seat, &question);
        uint32_t left = mem_fail_nth(0);
        cr_expect_not(chair_look(&one)->accepted, "allocation %u", nth);
        cr_expect_eq(is_taken, one.seat.inquiry != NULL);
        inquiry_leave(&one.seat);
        if (left > 0) {
            return;
        }
    }
    cr_expect_fail("it allocates without end");
}

/* ---- housekeeping ---- */

Test(inquiry, answers_that_nobody_needs_go)
{
    struct revocation *r = desk.ward.revocation;
    sit_good();
    inquiry_leave(&two.seat);
    inquiry_mark_due(r, NULL);
    cr_expect_eq(r->inquiry_count, 2);
    inquiry_free_unused(r, io_wall_s() - 3600, 4096);
    cr_expect_eq(r->inquiry_count, 2, "too early");
    inquiry_free_unused(r, io_wall_s() + 1, 4096);
    cr_expect_eq(r->inquiry_count, 1, "a seat is taken, or an idle one stayed");
    desk_settle(&desk);
    expect_good(&one);
}

Test(inquiry, too_many_idle_answers_go_first)
{
    struct revocation *r = desk.ward.revocation;
    sit_good();
    inquiry_leave(&two.seat);
    inquiry_free_unused(r, 0, 1);
    cr_expect_eq(r->inquiry_count, 1);
}

Test(inquiry, an_idle_answer_is_asked_again_before_it_is_used)
{
    sit_good();
    inquiry_leave(&two.seat);
    desk_learn(&desk, &(struct press_list){.ca = "root", .number = 9, .revokes = "bms-noeku"});
    desk_settle(&desk);
    (void)chair_sit(&two, "bms-noeku");
    expect_refused(&two, VERDICT_REVOKED);
}

Test(inquiry, an_answer_is_not_used_while_it_is_to_be_asked_again)
{
    sit_good();
    inquiry_leave(&two.seat);
    desk_learn(&desk, &(struct press_list){.ca = "root", .number = 9, .revokes = "bms-noeku"});
    (void)chair_sit(&two, "bms-noeku"); /* before the sweep */
    expect_refused(&two, VERDICT_REVOKED);
}

Test(inquiry, all_answers_are_found_before_the_first_is_told)
{
    struct revocation *r = desk.ward.revocation;
    desk_learn_good(&desk);
    two.conf.grace_s = 1; /* another question about the same peer */
    (void)chair_sit(&one, "hl7");
    (void)chair_sit(&two, "hl7");
    revoke("hl7");
    cr_expect(inquiry_work(r));
    cr_expect(inquiry_work(r));
    cr_expect_eq(one.told + two.told, 0);
    cr_expect_eq(r->cut, 2);
    while (inquiry_work(r)) {
    }
    cr_expect_eq(one.told + two.told, 2);
}
