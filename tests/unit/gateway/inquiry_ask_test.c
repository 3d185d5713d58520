#include <string.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "tests/unit/gateway/link_desk.h"
#include "tests/unit/gateway/link_fixture.h"

enum { HOUR_S = 3600, DAY_S = 24 * HOUR_S };

static struct desk desk;
static struct chair one, two;

static void setup(void)
{
    desk_open(&desk);
    chair_init(&one, &desk, "pump-12", CONF_REVOCATION_HARD);
    chair_init(&two, &desk, "monitor-7", CONF_REVOCATION_HARD);
}

static void teardown(void)
{
    inquiry_leave(&one.seat);
    inquiry_leave(&two.seat);
    (void)desk_close(&desk);
}

TestSuite(inquiry_ask, .init = setup, .fini = teardown);

/* ---- the policies, as wardgate.conf(5) has them ---- */

enum { NO, YES, TOLERATED };

static const enum conf_revocation modes[] = {CONF_REVOCATION_HARD, CONF_REVOCATION_GRACE,
                                             CONF_REVOCATION_SOFT, CONF_REVOCATION_OFF};

/* hard, grace (of an hour), soft, off */
static void expect_policies(const char *name, const int expected[4])
{
    for (size_t i = 0; i < 4; i++) {
        one.conf.revocation = modes[i];
        one.conf.grace_s = modes[i] == CONF_REVOCATION_GRACE ? HOUR_S : 0;
        const struct inquiry_state *now = chair_sit(&one, name);
        cr_expect(now->is_settled);
        cr_expect_eq(now->accepted, expected[i] != NO, "%s under %s: %s", name,
                     conf_revocation_name(modes[i]), now->sentence);
        cr_expect_eq(now->is_tolerated, expected[i] == TOLERATED, "%s under %s", name,
                     conf_revocation_name(modes[i]));
        inquiry_leave(&one.seat);
    }
}

Test(inquiry_ask, good_passes_everywhere)
{
    desk_learn_good(&desk);
    expect_policies("hl7", (const int[]){YES, YES, YES, YES});
    expect_policies("hl7-int", (const int[]){YES, YES, YES, YES});
}

Test(inquiry_ask, what_nobody_knows_passes_where_it_is_soft)
{
    expect_policies("hl7", (const int[]){NO, NO, TOLERATED, YES});
}

Test(inquiry_ask, one_unknown_certificate_of_the_chain_is_enough)
{
    desk_learn(&desk, &(struct press_list){.ca = "root", .number = 1});
    expect_policies("hl7-int", (const int[]){NO, NO, TOLERATED, YES});
}

Test(inquiry_ask, what_was_good_holds_for_the_grace_time)
{
    desk_learn(&desk,
               &(struct press_list){.ca = "root", .number = 1, .from_s = -DAY_S, .until_s = -60});
    expect_policies("hl7", (const int[]){NO, TOLERATED, TOLERATED, YES});
    wall_shift(HOUR_S);
    expect_policies("hl7", (const int[]){NO, NO, TOLERATED, YES});
}

Test(inquiry_ask, revoked_passes_only_where_nothing_is_checked)
{
    desk_learn(&desk, &(struct press_list){.ca = "root", .number = 1, .revokes = "hl7"});
    expect_policies("hl7", (const int[]){NO, NO, NO, YES});
}

Test(inquiry_ask, a_chain_that_leads_nowhere_never_passes)
{
    desk_learn_good(&desk);
    expect_policies("hl7-other", (const int[]){NO, NO, NO, NO});
}

Test(inquiry_ask, each_role_wants_its_own_usage)
{
    desk_learn_good(&desk);

    static const struct {
        enum inquiry_who who;
        const char *name;
        bool accepted;
    } rows[] = {
        {INQUIRY_PEER_SERVER, "hl7", true},       {INQUIRY_PEER_CLIENT, "hl7", false},
        {INQUIRY_PEER_CLIENT, "bms", true},       {INQUIRY_PEER_SERVER, "bms", false},
        {INQUIRY_PEER_CLIENT, "bms-noeku", true},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cr_assert(chair_ask(&one, rows[i].who, rows[i].name, span_of(NULL, 0)));
        cr_expect(one.now.is_settled);
        cr_expect_eq(one.now.accepted, rows[i].accepted, "%s as %d: %s", rows[i].name,
                     (int)rows[i].who, one.now.sentence);
        inquiry_leave(&one.seat);
    }
}

/* ---- our own certificate ---- */

Test(inquiry_ask, of_our_own_only_what_is_sure_counts)
{
    cr_assert(chair_ask(&one, INQUIRY_OWN_CLIENT, "pump-12", span_of(NULL, 0)));
    cr_expect(one.now.is_settled && one.now.accepted, "unknown: %s", one.now.sentence);
    desk_learn_good(&desk);
    desk_settle(&desk);
    cr_expect(chair_look(&one)->accepted);
    cr_expect_eq(one.now.kind, VERDICT_GOOD);
    desk_learn(&desk, &(struct press_list){.ca = "int", .number = 2, .revokes = "pump-12"});
    desk_settle(&desk);
    cr_expect(one.told >= 1 && !one.now.accepted);
    cr_expect_eq(one.now.kind, VERDICT_REVOKED);
}

Test(inquiry_ask, our_own_ends_with_its_certificate)
{
    cr_assert(chair_ask(&one, INQUIRY_OWN_CLIENT, "pump-12", span_of(NULL, 0)));
    struct identity *id = fixture_identity("pump-12");
    int64_t left_s = identity_facts(id)->not_after_s - io_wall_s();
    identity_release(id);
    wall_shift(left_s - 5);
    desk_tick(&desk);
    cr_expect(chair_look(&one)->accepted);
    wall_shift(left_s + 2);
    desk_tick(&desk);
    cr_expect_not(chair_look(&one)->accepted);
    cr_expect_not_null(strstr(one.now.sentence, "expired"), "%s", one.now.sentence);
}

Test(inquiry_ask, our_own_never_waits)
{
    char url[64];
    desk_silent_url(url, sizeof(url));
    desk_use_source(&desk, CONF_CRL_URL, url);
    cr_assert(chair_ask(&one, INQUIRY_OWN_SERVER, "hl7", span_of(NULL, 0)));
    cr_expect(one.now.is_settled && one.now.accepted);
    (void)chair_sit(&two, "hl7");
    cr_expect_not(two.now.is_settled);
}

Test(inquiry_ask, our_own_needs_no_clock)
{
    clock_raise_floor(&desk.ward.revocation->clock, io_wall_s() + 400LL * DAY_S);
    desk_tick(&desk);
    cr_assert(chair_ask(&one, INQUIRY_OWN_SERVER, "hl7", span_of(NULL, 0)));
    cr_expect(one.now.accepted);
}

/* ---- when it is asked again ---- */

static int64_t asked_in_s(void)
{
    return one.seat.inquiry->ask_at_s - io_wall_s();
}

Test(inquiry_ask, good_is_asked_again_right_after_its_end)
{
    desk_learn_good(&desk);
    (void)chair_sit(&one, "hl7");
    cr_expect_eq(one.seat.inquiry->ask_at_s, one.now.valid_until_s + 1);
    cr_expect(asked_in_s() > DAY_S - 60 && asked_in_s() <= DAY_S + 1);
}

Test(inquiry_ask, what_is_not_good_is_asked_again_each_minute)
{
    (void)chair_sit(&one, "hl7");
    cr_expect(asked_in_s() >= 55 && asked_in_s() <= 60);
}

Test(inquiry_ask, a_grace_time_ends_to_the_second)
{
    desk_learn(&desk,
               &(struct press_list){.ca = "root", .number = 1, .from_s = -DAY_S, .until_s = -60});
    one.conf.revocation = CONF_REVOCATION_GRACE;
    one.conf.grace_s = 90;
    (void)chair_sit(&one, "hl7");
    cr_assert(one.now.accepted);
    cr_expect(asked_in_s() > 0 && asked_in_s() <= 31, "in %d s", (int)asked_in_s());
    wall_shift(40);
    desk_tick(&desk);
    cr_expect_eq(one.told, 1);
    cr_expect_not(one.now.accepted);
}

Test(inquiry_ask, an_unchecked_certificate_is_asked_again_at_its_end)
{
    one.conf.revocation = CONF_REVOCATION_OFF;
    (void)chair_sit(&one, "hl7");
    cr_expect_eq(one.seat.inquiry->ask_at_s, one.seat.inquiry->leaf_not_after_s + 1);
}

/* ---- the path ---- */

Test(inquiry_ask, the_path_is_kept_and_not_looked_for_again)
{
    desk_learn_good(&desk);
    (void)chair_sit(&one, "hl7");
    cr_assert_eq(one.seat.inquiry->path.count, 2);
    cr_expect_eq(one.seat.inquiry->trust, desk_knowledge(&desk)->trust);
    const uint8_t *root = one.seat.inquiry->path.certs[1].data;
    inquiry_ask(one.seat.inquiry);
    cr_expect_eq(one.seat.inquiry->path.certs[1].data, root);
    cr_expect(one.seat.inquiry->accepted);
}

Test(inquiry_ask, a_chain_that_has_no_path_keeps_none)
{
    (void)chair_sit(&one, "hl7-other");
    cr_expect_eq(one.seat.inquiry->path.count, 0);
    cr_expect_not(one.seat.inquiry->has_path);
}

Test(inquiry_ask, a_section_that_is_gone_leaves_what_is_known)
{
    desk_learn_good(&desk);
    (void)chair_sit(&one, "hl7");
    desk.ward.conf.trust_count = 0;
    revocation_use(desk.ward.revocation, &desk.ward.conf);
    desk_settle(&desk);
    cr_expect(chair_look(&one)->accepted);
    desk.ward.conf.trust_count = 1;
    revocation_use(desk.ward.revocation, &desk.ward.conf);
    desk_settle(&desk);
}

Test(inquiry_ask, without_memory_a_live_link_is_cut_rather_than_guessed)
{
    desk_learn_good(&desk);
    (void)chair_sit(&one, "hl7");
    desk_learn(&desk, &(struct press_list){.ca = "root", .number = 2, .revokes = "hl7"});
    for (uint32_t nth = 1; nth < 200; nth++) {
        (void)mem_fail_nth(nth);
        inquiry_ask(one.seat.inquiry);
        uint32_t left = mem_fail_nth(0);
        cr_expect_not(one.seat.inquiry->accepted, "allocation %u", nth);
        if (left > 0) {
            return;
        }
    }
}
