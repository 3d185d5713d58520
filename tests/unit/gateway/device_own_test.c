#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "tests/unit/gateway/link_desk.h"
#include "tests/unit/gateway/link_rig.h"

static struct rig rig;
static struct stage *const stage = &rig.stage;
static struct ward *const ward = &rig.stage.ward;
static struct hospital *const hospital = &rig.stage.hospitals[0];
static struct press press;
static struct conf_device known;

static void setup(void)
{
    static char pump[] = "pump-12";
    rig_init(&rig);
    press_open(&press);
    known.name = pump;
    ward_use_devices(ward, &known, 1);
    stage->conf.revocation = CONF_REVOCATION_SOFT;
}

static void teardown(void)
{
    rig_end(&rig);
    press_close(&press);
}

TestSuite(device_own, .init = setup, .fini = teardown);

static void learn(const char *ca, unsigned number, const char *revoked)
{
    ward_learn(ward, &press, &(struct press_list){.ca = ca, .number = number, .revokes = revoked});
    ward_settle(ward);
}

/* The device's certificate pump-12 is of the intermediate. */
static void revoke_own(void)
{
    learn("root", 1, NULL);
    learn("int", 2, "pump-12");
}

static void be_up(void)
{
    rig_start(&rig);
    rig_until_state(&rig, "up");
    bench_run_until(&stage->bench, &hospital->secured, 1);
}

static void run_a_while(void)
{
    for (unsigned i = 0; i < 50; i++) {
        bench_turn(&stage->bench);
    }
}

/* It dials again, or its wait is over and it does not. */
static bool is_resting(void *arg)
{
    const struct session *s = rig.device->sessions;
    (void)arg;
    return hospital->count > 1 || (s->state == SESSION_STATE_WAITING && s->wake_ms == 0);
}

Test(device_own, that_nobody_knows_of_it_is_no_reason_to_fall_silent)
{
    be_up();
    cr_expect_str_eq(rig_look(&rig)->own_verdict, "unavailable");
    cr_expect_not(rig.device->host.is_withdrawn);
}

Test(device_own, a_revoked_one_is_withdrawn_and_its_links_are_cut)
{
    be_up();
    revoke_own();
    rig_until_state(&rig, "withdrawn");
    cr_expect_str_eq(rig_look(&rig)->own_verdict, "revoked");
    cr_expect_not_null(strstr(rig_look(&rig)->words, "revoked or over"));
    bench_run_until(&stage->bench, &hospital_last(hospital)->ear.closed, 1);
    bench_run_while_not(&stage->bench, is_resting, NULL);
    run_a_while();
    cr_expect_eq(hospital->count, 1, "it is presented again");
    cr_expect_eq(rig_look(&rig)->last_fault.code, FAULT_REVOKED);
    cr_expect_eq(rig_look(&rig)->last_fault.side, FAULT_SIDE_SELF);
}

Test(device_own, one_that_is_revoked_at_the_start_is_never_presented)
{
    revoke_own();
    rig_start(&rig);
    run_a_while();
    cr_expect_str_eq(rig_look(&rig)->state, "withdrawn");
    cr_expect_eq(hospital->count, 0);
}

Test(device_own, where_nothing_is_checked_it_is_not_either)
{
    stage->conf.revocation = CONF_REVOCATION_OFF;
    be_up();
    revoke_own();
    run_a_while();
    cr_expect_not(rig.device->host.is_withdrawn);
    cr_expect_str_eq(rig_look(&rig)->own_verdict, "not checked");
}

Test(device_own, an_expired_one_is_withdrawn)
{
    int64_t end_s = identity_facts(stage->host.identity)->not_after_s;
    /* The peer's ends in the same second: no peer is judged here, so that ours alone is told. */
    hospital->mood = HOSPITAL_IS_MUTE;
    rig_start(&rig);
    rig_until_state(&rig, "handshake");
    wall_shift(end_s - io_wall_s() - 5);
    ward_tick(ward);
    cr_expect_not(rig.device->host.is_withdrawn);
    wall_shift(0);
    wall_shift(end_s - io_wall_s() + 2);
    ward_tick(ward);
    cr_expect(rig.device->host.is_withdrawn);
    cr_expect_eq(rig_look(&rig)->last_fault.code, FAULT_EXPIRED, "%s",
                 rig_look(&rig)->last_fault.note);
}

Test(device_own, a_hospital_that_dials_is_refused_while_it_is_withdrawn)
{
    rig_listen(&rig);
    revoke_own();
    rig_start(&rig);
    (void)rig_hospital_dials(&rig, hospital);
    cr_expect_eq(rig.refused, 1);
    cr_expect_eq(rig.device->session_count, 0);
    cr_expect_eq(rig_look(&rig)->last_fault.code, FAULT_BLOCKED);
}

Test(device_own, a_blocked_device_is_cut_and_comes_back)
{
    be_up();
    ward_block(ward, "pump-12");
    ward_settle(ward);
    cr_expect_str_eq(rig_look(&rig)->state, "withdrawn");
    cr_expect_str_eq(rig_look(&rig)->words, "blocked here");
    cr_expect_str_eq(rig_look(&rig)->own_verdict, "blocked");
    cr_expect(rig_look(&rig)->is_blocked);
    cr_expect_eq(rig_look(&rig)->last_fault.code, FAULT_BLOCKED);
    bench_run_until(&stage->bench, &hospital_last(hospital)->ear.closed, 1);
    bench_run_while_not(&stage->bench, is_resting, NULL);
    cr_expect_eq(hospital->count, 1);
    ward_unblock(ward, "pump-12");
    ward_settle(ward);
    rig_until_state(&rig, "up");
    bench_run_until(&stage->bench, &hospital->secured, 2);
}

Test(device_own, a_renewed_one_resumes)
{
    be_up();
    revoke_own();
    rig_until_state(&rig, "withdrawn");
    struct identity *renewed = fixture_identity("pump-12-root");
    device_use(rig.device, renewed, stage->host.trust);
    identity_release(renewed);
    cr_expect_not(rig.device->host.is_withdrawn);
    rig_until_state(&rig, "up");
    bench_run_until(&stage->bench, &hospital->secured, 2);
    cr_expect_str_neq(rig_look(&rig)->own_verdict, "revoked");
}

Test(device_own, status_tells_of_a_grant)
{
    be_up();
    cr_expect_eq(rig_look(&rig)->break_glass_until_s, 0);
    ward_grant(ward, "pump-12", 600);
    cr_expect_gt(rig_look(&rig)->break_glass_until_s, io_wall_s());
}

Test(device_own, status_tells_how_long_it_is_good)
{
    stage->conf.revocation = CONF_REVOCATION_HARD;
    learn("root", 1, NULL);
    learn("int", 1, NULL);
    be_up();
    cr_expect_str_eq(rig_look(&rig)->own_verdict, "good");
    cr_expect_not_null(strstr(rig_look(&rig)->own_evidence, "CRL"));
    cr_expect_gt(rig_look(&rig)->own_until_s, io_wall_s());
    cr_expect_str_eq(rig_look(&rig)->revocation, "hard");
    cr_expect_eq(device_unchecked(rig.device), 0);
    inquiry_leave(&rig.device->sessions->seat);
    cr_expect_eq(device_unchecked(rig.device), 1);
}

Test(device_own, a_device_that_stops_is_left_alone)
{
    be_up();
    device_stop(rig.device, true);
    revoke_own();
    bench_run_until(&stage->bench, &rig.stopped, 1);
    device_free(rig.device);
    rig.device = NULL;
}
