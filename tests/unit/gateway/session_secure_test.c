#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "tests/unit/gateway/link_stage.h"

#define MESSAGE "\x0bMSH|1\x1c\x0d"
#define ACK     "\x0bMSA|1\x1c\x0d"

static struct stage stage;

static void setup(void)
{
    stage_init(&stage);
}

static void teardown(void)
{
    stage_end(&stage);
}

TestSuite(session_secure, .init = setup, .fini = teardown);

static void be_a_server(const char *allow)
{
    struct fault f;
    stage.conf.listens = true;
    stage.conf.allow = &stage.allow;
    stage.conf.allow_count = 1;
    cr_assert_eq(name_rule_parse(allow, &stage.allow, &f), 0);
    identity_release(stage.hospitals[0].identity);
    stage.hospitals[0].identity = fixture_identity("bms");
}

/* ---- nothing passes before the verdict ---- */

static void say_at_once(struct hospital *h, struct hospital_link *at, enum ear_event event)
{
    (void)h;
    if (event == EAR_SECURE) {
        hospital_say(at, ACK);
    }
}

static void want_a_verdict(void)
{
    stage.conf.revocation = CONF_REVOCATION_HARD; /* and there is nobody to ask */
    stage.hospitals[0].hook = say_at_once;
}

static bool is_over(void *arg)
{
    const struct ear *ear = arg;
    return ear->eofs + ear->closed > 0;
}

static void expect_nothing_passed(int device)
{
    char got[8];
    if (stage.session != NULL) {
        session_stop(stage.session, false); /* or the device would be kept for the next attempt */
    }
    cr_expect_eq(bench_read(&stage.bench, device, got, sizeof(got)), 0,
                 "the device heard a peer that nobody accepted");
    bench_run_while_not(&stage.bench, is_over, &hospital_last(&stage.hospitals[0])->ear);
    cr_expect_eq(stage.hospitals[0].secured, 1);
    cr_expect_eq(hospital_last(&stage.hospitals[0])->ear.len, 0,
                 "a peer that nobody accepted heard the device");
    cr_expect_eq(stage_count(&stage, SESSION_STATE_UP), 0);
    cr_expect_eq(stage.host.sessions, 0);
    cr_expect_eq(stage.host.refusals, 1);
    cr_expect_eq(stage.host.last_fault.code, FAULT_NO_VERDICT);
    cr_expect_eq(stage.host.last_fault.side, FAULT_SIDE_CERTIFICATE);
    cr_expect_eq(stage.host.up.bytes + stage.host.down.bytes, 0);
}

Test(session_secure, nothing_passes_to_a_server_without_an_accepted_verdict)
{
    want_a_verdict();
    stage_make(&stage, true);
    int fd = stage_attach(&stage);
    stage_device_says(fd, MESSAGE);
    stage.wants_dial = false;
    session_start(stage.session);
    stage_until(&stage, SESSION_STATE_WAITING);
    expect_nothing_passed(fd);
    close(fd);
}

Test(session_secure, nothing_passes_to_a_client_without_an_accepted_verdict)
{
    be_a_server("uri:urn:hospital:bms");
    want_a_verdict();
    stage_make(&stage, false);
    int fd = stage_attach(&stage);
    stage_device_says(fd, MESSAGE);
    (void)stage_accept(&stage, &stage.hospitals[0]);
    bench_run_until(&stage.bench, &stage.ended, 1);
    expect_nothing_passed(fd);
    close(fd);
}

/* ---- who the peer is ---- */

static void expect_refused_server(enum fault_code code)
{
    stage_make(&stage, true);
    session_start(stage.session);
    stage_until(&stage, SESSION_STATE_WAITING);
    cr_expect_eq(stage.host.last_fault.code, code, "%s",
                 fault_code_name(stage.host.last_fault.code));
    cr_expect_eq(stage.host.last_fault.side, FAULT_SIDE_CERTIFICATE);
    cr_expect_eq(stage.host.refusals, 1);
    cr_expect_eq(stage.host.sessions, 0);
}

Test(session_secure, refuses_a_server_of_another_name)
{
    static char other[] = "hl7b.hospital.example";
    stage.conf.server_name = other;
    expect_refused_server(FAULT_NAME);
}

Test(session_secure, refuses_a_server_that_allow_does_not_name)
{
    struct fault f;
    stage.conf.allow = &stage.allow;
    stage.conf.allow_count = 1;
    cr_assert_eq(name_rule_parse("dns:hl7b.hospital.example", &stage.allow, &f), 0);
    expect_refused_server(FAULT_NAME);
}

Test(session_secure, refuses_a_server_of_another_authority)
{
    identity_release(stage.hospitals[0].identity);
    stage.hospitals[0].identity = fixture_identity("hl7-other");
    expect_refused_server(FAULT_UNTRUSTED);
}

Test(session_secure, refuses_a_client_of_another_name)
{
    be_a_server("dns:stranger.example");
    stage_make(&stage, false);
    (void)stage_accept(&stage, &stage.hospitals[0]);
    bench_run_until(&stage.bench, &stage.ended, 1);
    cr_expect_eq(stage.host.last_fault.code, FAULT_NAME);
    cr_expect_eq(stage.host.refusals, 1);
    cr_expect_eq(stage_count(&stage, SESSION_STATE_UP), 0);
}

Test(session_secure, the_host_that_is_dialled_is_the_name_by_default)
{
    static char localhost[] = "localhost";
    stage.conf.server_name = NULL; /* 127.0.0.1 is in the server's SAN */
    stage_make(&stage, true);
    (void)stage_link_up(&stage);
    cr_expect_str_eq(session_peer_fingerprint(stage.session),
                     identity_facts(stage.hospitals[0].identity)->fingerprint);
    session_stop(stage.session, true);
    bench_run_until(&stage.bench, &stage.ended, 1);
    stage.servers[0].host = localhost;
    stage_make(&stage, true);
    (void)stage_link_up(&stage);
}

/* ---- after a failure ---- */

Test(session_secure, a_server_that_refuses_our_certificate_is_left_alone_for_long)
{
    struct fault f;
    stage.conf.retry_min_ms = 100;
    stage.conf.retry_max_ms = 5000;
    cr_assert_eq(name_rule_parse("dns:monitor-7.ward.example", &stage.hospitals[0].allow, &f), 0);
    stage_make(&stage, true);
    session_start(stage.session);
    stage_until(&stage, SESSION_STATE_WAITING);
    cr_expect(session_own_refused(stage.session));
    cr_expect_geq(session_wait_left_ms(stage.session), (100 + 5000) / 2);
    cr_expect_leq(session_wait_left_ms(stage.session), 5000);
    cr_expect_eq(stage.host.last_fault.code, FAULT_OWN_REFUSED);
    cr_expect_eq(stage.host.refusals, 0, "we refused nobody");
    cr_expect_eq(stage.waits, 1);
}

Test(session_secure, the_next_server_is_dialled_at_once)
{
    stage.servers[0].port = fixture_dead_port();
    stage.conf.connect_count = 2;
    stage_make(&stage, true);
    session_start(stage.session);
    stage_until(&stage, SESSION_STATE_UP);
    cr_assert_eq(stage.waits, 1);
    cr_expect_eq(stage.waits_ms[0], 0);
    cr_expect_eq(stage.hospitals[1].count, 1);
}

Test(session_secure, waits_after_a_whole_round_of_servers)
{
    stage.servers[0].port = fixture_dead_port();
    stage.servers[1].port = fixture_dead_port();
    stage.conf.connect_count = 2;
    stage_make(&stage, true);
    session_start(stage.session);
    bench_run_until(&stage.bench, &stage.waits, 4);
    cr_expect_eq(stage.waits_ms[0], 0);
    cr_expect_eq(stage.waits_ms[1], 20);
    cr_expect_eq(stage.waits_ms[2], 0);
    cr_expect_geq(stage.waits_ms[3], 20);
}

static void end_on_the_second_server(uint64_t age_ms)
{
    stage.servers[0].port = fixture_dead_port();
    stage.conf.connect_count = 2;
    stage_make(&stage, true);
    session_start(stage.session);
    stage_until(&stage, SESSION_STATE_UP);
    int fd = stage_attach(&stage);
    stage.session->up_at_ms -= age_ms; /* the loop's clock cannot be moved, its mark can */
    stage.wants_dial = false;
    cr_assert_eq(shutdown(fd, SHUT_WR), 0);
    cr_expect(bench_sees_end(&stage.bench, fd));
    stage_until(&stage, SESSION_STATE_WAITING);
    close(fd);
}

Test(session_secure, stays_with_a_server_that_was_good)
{
    end_on_the_second_server(1000);
    cr_expect_eq(stage.session->server, 1);
}

Test(session_secure, goes_back_to_the_first_server_after_five_minutes_of_health)
{
    char first[32];
    end_on_the_second_server(5 * 60 * 1000);
    cr_expect_eq(stage.session->server, 0);
    (void)snprintf(first, sizeof(first), "127.0.0.1:%u", (unsigned)stage.servers[0].port);
    cr_expect_str_eq(session_server(stage.session), first);
}

Test(session_secure, a_server_that_closes_is_a_failure_and_a_byte_from_it_starts_the_back_off_anew)
{
    stage.hospitals[0].mood = HOSPITAL_HANGS_UP;
    stage_make(&stage, true);
    session_start(stage.session);
    bench_run_until(&stage.bench, &stage.waits, 3);
    cr_expect_eq(stage.session->failures, 3);
    stage.hospitals[0].mood = HOSPITAL_TALKS;
    stage_until(&stage, SESSION_STATE_UP);
    cr_expect_eq(stage.session->failures, 3, "no word from the server yet");
    bench_run_until(&stage.bench, &stage.hospitals[0].secured, 1);
    hospital_say(hospital_last(&stage.hospitals[0]), ACK);
    while (!stage.session->peer_spoke) {
        bench_turn(&stage.bench);
    }
    cr_expect_eq(stage.session->failures, 0);
}

Test(session_secure, a_silent_server_is_given_up_after_handshake_timeout)
{
    stage.hospitals[0].mood = HOSPITAL_IS_MUTE;
    stage.conf.handshake_timeout_ms = 50;
    stage_make(&stage, true);
    session_start(stage.session);
    stage_until(&stage, SESSION_STATE_WAITING);
    cr_expect_eq(stage.host.last_fault.code, FAULT_TIMEOUT);
    cr_expect_eq(stage.host.last_fault.side, FAULT_SIDE_SERVER);
    /* One that hangs is known to, until it answers. */
    cr_expect_neq(stage.gate.suspects[0], 0);
    stage.hospitals[0].mood = HOSPITAL_TALKS;
    stage_until(&stage, SESSION_STATE_UP);
    cr_expect_eq(stage.gate.suspects[0], 0);
}

/* ---- the gate ---- */

static void not_called(void *owner)
{
    (void)owner;
    cr_assert_fail();
}

static const struct gate_guest another = {.who = "another", .on_turn = not_called};

Test(session_secure, waits_at_the_gate_and_goes_on_at_its_turn)
{
    struct gate_ticket other = {0};
    gate_init(&stage.gate, 1);
    cr_assert(gate_enter(&stage.gate, &other, &another));
    stage_make(&stage, true);
    session_start(stage.session);
    stage_until(&stage, SESSION_STATE_HANDSHAKE);
    for (int i = 0; i < 20; i++) {
        bench_turn(&stage.bench);
    }
    cr_expect_eq(stage.hospitals[0].secured, 0);
    cr_expect_eq(gate_waiting(&stage.gate), 1);
    gate_leave(&stage.gate, &other);
    stage_until(&stage, SESSION_STATE_UP);
    cr_expect_eq(gate_inside(&stage.gate), 0, "the place is given back when TLS is up");
}

Test(session_secure, the_wait_at_the_gate_is_not_the_servers_fault)
{
    struct gate_ticket other = {0};
    gate_init(&stage.gate, 1);
    cr_assert(gate_enter(&stage.gate, &other, &another));
    stage.conf.handshake_timeout_ms = 300;
    stage_make(&stage, true);
    session_start(stage.session);
    stage_until(&stage, SESSION_STATE_HANDSHAKE);
    uint64_t since = io_now_ms(&stage.bench.io);
    while (io_now_ms(&stage.bench.io) - since < 400) {
        bench_turn(&stage.bench);
    }
    cr_expect_eq(session_state(stage.session), SESSION_STATE_HANDSHAKE);
    cr_expect_eq(stage.waits, 0);
    gate_leave(&stage.gate, &other);
    stage_until(&stage, SESSION_STATE_UP);
    cr_expect_eq(stage.waits, 0);
}

Test(session_secure, one_that_is_stopped_at_the_gate_does_not_wait_there)
{
    struct gate_ticket other = {0};
    gate_init(&stage.gate, 1);
    cr_assert(gate_enter(&stage.gate, &other, &another));
    stage_make(&stage, true);
    session_start(stage.session);
    stage_until(&stage, SESSION_STATE_HANDSHAKE);
    session_stop(stage.session, false);
    cr_expect_eq(gate_waiting(&stage.gate), 0);
    bench_run_until(&stage.bench, &stage.ended, 1);
    gate_leave(&stage.gate, &other);
}

Test(session_secure, gives_its_place_back_when_the_handshake_fails)
{
    gate_init(&stage.gate, 1);
    identity_release(stage.hospitals[0].identity);
    stage.hospitals[0].identity = fixture_identity("hl7-other");
    stage_make(&stage, true);
    session_start(stage.session);
    stage_until(&stage, SESSION_STATE_WAITING);
    cr_expect_eq(gate_inside(&stage.gate), 0);
    cr_expect_eq(stage.host.last_fault.code, FAULT_UNTRUSTED);
}

/* ---- what it tells ---- */

Test(session_secure, snapshot_tells_the_truth_of_an_up_link)
{
    struct snapshot_link shown;
    char peer[32];
    stage_make(&stage, true);
    session_snapshot(stage.session, &shown);
    cr_expect_str_eq(shown.state, "down");
    cr_expect_str_eq(shown.verdict, "");
    struct hospital_link *far = stage_link_up(&stage);
    session_snapshot(stage.session, &shown);
    (void)snprintf(peer, sizeof(peer), "127.0.0.1:%u", (unsigned)stage.servers[0].port);
    cr_expect_str_eq(shown.state, "up");
    cr_expect_str_eq(shown.peer, peer);
    cr_expect_str_eq(shown.tls, "TLSv1.3");
    cr_expect_str_eq(shown.verdict, "not checked");
    cr_expect_str_eq(shown.peer_serial, identity_facts(stage.hospitals[0].identity)->serial);
    cr_expect_str_eq(shown.peer_subject, identity_facts(stage.hospitals[0].identity)->subject);
    cr_expect_neq(shown.suite[0], '\0');
    cr_expect_eq(tls_engine_peer(endpoint_tls(stage.session->secure))->chain_count, 0,
                 "the chain's memory is given back");
    cr_expect_str_eq(far->device.serial, identity_facts(stage.host.identity)->serial);
}
