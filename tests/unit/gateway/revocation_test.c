#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "tests/unit/gateway/link_desk.h"
#include "tests/unit/gateway/link_fixture.h"

enum { CROWD = 40, NEVER_NTH = 400 };

static struct desk desk;
static struct chair one, crowd[CROWD];

static void setup(void)
{
    desk_open(&desk);
    chair_init(&one, &desk, "pump-12", CONF_REVOCATION_HARD);
}

static void teardown(void)
{
    inquiry_leave(&one.seat);
    for (size_t i = 0; i < CROWD; i++) {
        inquiry_leave(&crowd[i].seat);
    }
    (void)desk_close(&desk);
}

TestSuite(revocation, .init = setup, .fini = teardown);

/* ---- life ---- */

static struct revocation *made;
static unsigned ended;

static void on_ended(void *owner)
{
    (void)owner;
    ended++;
}

static void make_another(struct fault *f)
{
    const struct revocation_settings settings = {
        .io = &desk.bench.io, .conf = &desk.ward.conf, .on_closed = on_ended};
    made = revocation_new(&settings, f);
}

static void end_another(void)
{
    revocation_close(made);
    revocation_close(made); /* a second time is fine */
    bench_run_until(&desk.bench, &ended, 1);
    cr_expect_eq(ended, 1);
    revocation_free(made);
    revocation_free(NULL);
    ended = 0;
}

/* Which of the two is asked. */
static bool another_accepts(const char *name)
{
    struct revocation *first = desk.ward.revocation;
    desk.ward.revocation = made;
    bool is_accepted = chair_ask(&one, INQUIRY_PEER_SERVER, name, span_of(NULL, 0)) &&
                       chair_look(&one)->accepted;
    inquiry_leave(&one.seat);
    desk.ward.revocation = first;
    return is_accepted;
}

Test(revocation, a_folder_that_cannot_be_used_is_an_alarm_and_no_failure)
{
    struct fault f = {0};
    make_another(&f); /* the desk's own holds the lock */
    cr_assert_not_null(made);
    cr_expect_null(made->store);
    one.conf.revocation = CONF_REVOCATION_SOFT;
    cr_expect(another_accepts("hl7"));
    one.conf.revocation = CONF_REVOCATION_HARD;
    cr_expect_not(another_accepts("hl7"));
    end_another();
}

/* The desk's own goes, so that the folder is free. */
static void leave_folder(void)
{
    revocation_close(desk.ward.revocation);
    bench_run_until(&desk.bench, &desk.ward.closed, 1);
    revocation_free(desk.ward.revocation);
    desk.ward.closed = 0;
}

static void on_ward_ended(void *owner)
{
    struct ward *w = owner;
    w->closed++;
}

static void reopen(void)
{
    struct fault f = {0};
    const struct revocation_settings settings = {.io = &desk.bench.io,
                                                 .conf = &desk.ward.conf,
                                                 .on_closed = on_ward_ended,
                                                 .owner = &desk.ward};
    desk.ward.revocation = revocation_new(&settings, &f);
    cr_assert_not_null(desk.ward.revocation);
    revocation_start(desk.ward.revocation);
}

Test(revocation, memory_that_is_missing_at_the_start_lets_nobody_pass)
{
    struct identity *id = fixture_identity("hl7");
    desk_block(&desk, identity_facts(id)->serial);
    identity_release(id);
    leave_folder();
    uint32_t nth = 1;
    uint32_t left = 0;
    for (; nth < NEVER_NTH && left == 0; nth++) {
        struct fault f = {0};
        (void)mem_fail_nth(nth);
        make_another(&f);
        left = mem_fail_nth(0);
        if (made == NULL) {
            cr_expect_eq(f.code, FAULT_MEMORY);
            continue;
        }
        one.conf.revocation = CONF_REVOCATION_SOFT;
        cr_expect_not(another_accepts("hl7"), "allocation %u: a blocked peer passes", nth);
        one.conf.revocation = CONF_REVOCATION_HARD;
        cr_expect_not(another_accepts("hl7b"), "allocation %u", nth);
        end_another();
    }
    cr_expect_lt(nth, NEVER_NTH);
    reopen();
}

Test(revocation, memory_that_is_missing_for_a_block_changes_nothing)
{
    struct desk_order o;
    struct fault f = {0};
    struct identity *id = fixture_identity("hl7");
    const char *serial = identity_facts(id)->serial;
    one.conf.revocation = CONF_REVOCATION_SOFT;
    desk_block(&desk, serial);
    for (unsigned i = 0; i < 40; i++) { /* until the lists have grown */
        char other[16];
        (void)snprintf(other, sizeof(other), "AB%04X", i);
        desk_order_init(&o, &desk.ward);
        (void)mem_fail_nth(1);
        int code = revocation_block(desk.ward.revocation, other, "x", &o.order, &f);
        (void)mem_fail_nth(0);
        if (code == 0) {
            desk_order_wait(&o);
        } else {
            cr_expect_eq(code, FAULT_MEMORY);
            desk_block(&desk, other);
        }
        cr_expect_not(chair_sit(&one, "hl7")->accepted, "block %u", i);
        inquiry_leave(&one.seat);
    }
    identity_release(id);
}

Test(revocation, what_was_blocked_outlives_a_restart)
{
    struct identity *id = fixture_identity("hl7");
    one.conf.revocation = CONF_REVOCATION_SOFT;
    desk_block(&desk, identity_facts(id)->serial);
    desk_block(&desk, "monitor-7");
    desk_grant(&desk, "pump-12", 600);
    identity_release(id);
    leave_folder();
    reopen();
    cr_expect_not(chair_sit(&one, "hl7")->accepted);
    cr_expect(one.now.is_blocked);
    cr_expect(revocation_is_blocked(desk.ward.revocation, "monitor-7"));
    cr_expect_not(revocation_is_blocked(desk.ward.revocation, "pump-12"));
    cr_expect_gt(revocation_grant_until_s(desk.ward.revocation, "pump-12"), io_wall_s());
    inquiry_leave(&one.seat);
    desk_unblock(&desk, "monitor-7");
    leave_folder();
    reopen();
    cr_expect_not(revocation_is_blocked(desk.ward.revocation, "monitor-7"));
}

/* ---- the sweep ---- */

static void seat_crowd(void)
{
    for (size_t i = 0; i < CROWD; i++) {
        chair_init(&crowd[i], &desk, "monitor-7", CONF_REVOCATION_SOFT);
        crowd[i].conf.grace_s = (uint32_t)i + 1; /* a question of its own */
        (void)chair_sit(&crowd[i], "hl7");
    }
    desk_settle(&desk);
}

static unsigned crowd_told(void)
{
    unsigned told = 0;
    for (size_t i = 0; i < CROWD; i++) {
        told += crowd[i].told;
    }
    return told;
}

static size_t due_count(void)
{
    size_t count = 0;
    for (const struct inquiry *q = desk.ward.revocation->due; q != NULL; q = q->due_next) {
        count++;
    }
    return count;
}

/* A turn has 4 ms for it; here each look at the clock takes one. */
Test(revocation, a_turn_of_the_loop_asks_a_few_and_goes_on)
{
    seat_crowd();
    desk_learn(&desk, &(struct press_list){.ca = "root", .number = 5, .revokes = "hl7"});
    cr_assert_eq(due_count(), CROWD);
    wall_step(1000 * 1000);
    size_t before = CROWD;
    unsigned turns = 0;
    while (before > 0) {
        bench_turn(&desk.bench);
        size_t left = due_count();
        cr_expect_leq(before - left, 5, "asked in one turn: %zu", before - left);
        turns += left < before ? 1 : 0;
        before = left;
        cr_expect(left == 0 || crowd_told() == 0, "told before all was asked");
    }
    cr_expect_geq(turns, CROWD / 5);
    unsigned told = crowd_told();
    cr_expect_leq(told, 5);
    while (told < CROWD) {
        bench_turn(&desk.bench);
        cr_expect_leq(crowd_told() - told, 5);
        told = crowd_told();
    }
    desk_settle(&desk);
    cr_expect_eq(crowd_told(), CROWD);
    cr_expect_eq(desk.ward.revocation->cut, CROWD);
}

Test(revocation, an_order_waits_until_the_last_link_was_told)
{
    struct desk_order o;
    struct fault f = {0};
    desk_order_init(&o, &desk.ward);
    seat_crowd();
    wall_step(1000 * 1000);
    cr_assert_eq(revocation_block(desk.ward.revocation, "monitor-7", "lost", &o.order, &f), 0);
    while (o.done == 0) {
        cr_expect_lt(crowd_told(), (unsigned)CROWD + 1);
        bench_turn(&desk.bench);
    }
    cr_expect_eq(crowd_told(), CROWD);
    cr_expect_eq(o.count, CROWD);
}

/* ---- the clock ---- */

Test(revocation, the_policies_of_the_clock)
{
    struct revocation *r = desk.ward.revocation;

    static const struct {
        enum conf_clock policy;
        enum clock_state state;
        bool trusted;
    } rows[] = {
        {CONF_CLOCK_FLOOR, CLOCK_UNSET, false},  {CONF_CLOCK_FLOOR, CLOCK_FLOOR, true},
        {CONF_CLOCK_FLOOR, CLOCK_SYNCED, true},  {CONF_CLOCK_FLOOR, CLOCK_DRIFTED, false},
        {CONF_CLOCK_SYNCED, CLOCK_UNSET, false}, {CONF_CLOCK_SYNCED, CLOCK_FLOOR, false},
        {CONF_CLOCK_SYNCED, CLOCK_SYNCED, true}, {CONF_CLOCK_TRUST, CLOCK_UNSET, true},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        desk.ward.conf.gateway.clock = rows[i].policy;
        r->clock.state = rows[i].state;
        cr_expect_eq(revocation_clock_is_trusted(r), rows[i].trusted, "row %zu", i);
    }
}

Test(revocation, hexadecimal_is_cut_to_its_room)
{
    char text[7];
    revocation_hex(span_of("\x1c\xff\x00\xab", 4), text, sizeof(text));
    cr_expect_str_eq(text, "1CFF00");
    revocation_hex(span_of(NULL, 0), text, sizeof(text));
    cr_expect_str_eq(text, "");
}

/* ---- grants end by themselves ---- */

Test(revocation, the_end_of_a_grant_is_stored)
{
    desk_grant(&desk, "pump-12", 60);
    wall_shift(61);
    desk_tick(&desk);
    leave_folder();
    wall_shift(0);
    reopen();
    cr_expect_eq(revocation_grant_until_s(desk.ward.revocation, "pump-12"), 0);
}

/* ---- waiting ---- */

Test(revocation, it_wakes_when_the_first_who_waits_has_to_be_told)
{
    struct revocation *r = desk.ward.revocation;
    revocation_wake_in(r, 300);
    cr_expect_leq(uv_timer_get_due_in(&r->tick), 300);
    revocation_wake_in(r, 100000);
    cr_expect_leq(uv_timer_get_due_in(&r->tick), 300);
    cr_expect_eq(uv_timer_get_repeat(&r->tick), 1000);
}
