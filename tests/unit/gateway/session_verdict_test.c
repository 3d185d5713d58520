#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "conf/values.h"
#include "gateway/log.h"
#include "tests/unit/gateway/link_desk.h"
#include "tests/unit/gateway/link_stage.h"

#define MESSAGE "\x0bMSH|1\x1c\x0d"
#define ACK     "\x0bMSA|1\x1c\x0d"

enum { TURNS = 40 };

static struct stage stage;
static struct press press;
static struct capture warnings;
static struct conf_crl source;
static char url[64];
static struct conf_device others[2];

static void setup(void)
{
    static char pump[] = "pump-12";
    static char monitor[] = "monitor-7";
    stage_init(&stage);
    press_open(&press);
    others[0].name = pump;
    others[1].name = monitor;
    ward_use_devices(&stage.ward, others, 2);
    stage.ward.section.check_timeout_ms = 30000;
    stage.conf.revocation = CONF_REVOCATION_HARD;
}

static void teardown(void)
{
    stage_end(&stage);
    press_close(&press);
}

TestSuite(session_verdict, .init = setup, .fini = teardown);

static void be_a_server(void)
{
    struct fault f;
    stage.conf.listens = true;
    stage.conf.allow = &stage.allow;
    stage.conf.allow_count = 1;
    cr_assert_eq(name_rule_parse("uri:urn:hospital:bms", &stage.allow, &f), 0);
    identity_release(stage.hospitals[0].identity);
    stage.hospitals[0].identity = fixture_identity("bms");
}

static void know(const char *revoked, unsigned number)
{
    ward_learn(&stage.ward, &press,
               &(struct press_list){.ca = "root", .number = number, .revokes = revoked});
}

static void let_evidence_be_on_its_way(void)
{
    desk_silent_url(url, sizeof(url));
    source = (struct conf_crl){.kind = CONF_CRL_URL, .text = url};
    ward_use_source(&stage.ward, &source);
}

/* ---- CHECKING ---- */

static void say_at_once(struct hospital *h, struct hospital_link *at, enum ear_event event)
{
    (void)h;
    if (event == EAR_SECURE) {
        hospital_say(at, ACK);
    }
}

/* The device's end; the session is in CHECKING, both sides have spoken. */
static int begin_to_check(bool is_server)
{
    let_evidence_be_on_its_way();
    stage.hospitals[0].hook = say_at_once;
    if (is_server) {
        be_a_server();
    }
    stage_make(&stage, !is_server);
    int fd = stage_attach(&stage);
    stage_device_says(fd, MESSAGE);
    if (is_server) {
        (void)stage_accept(&stage, &stage.hospitals[0]);
    } else {
        session_start(stage.session);
    }
    stage_until(&stage, SESSION_STATE_CHECKING);
    for (unsigned i = 0; i < TURNS; i++) {
        bench_turn(&stage.bench);
    }
    bench_run_until(&stage.bench, &stage.hospitals[0].secured, 1);
    cr_assert_eq(session_state(stage.session), SESSION_STATE_CHECKING);
    return fd;
}

static void expect_silence(int fd)
{
    char got[8];
    cr_expect_lt(read(fd, got, sizeof(got)), 0, "the device heard a peer without a verdict");
    cr_expect_eq(hospital_last(&stage.hospitals[0])->ear.len, 0,
                 "a peer without a verdict heard the device");
    cr_expect_eq(stage.host.up.bytes + stage.host.down.bytes, 0);
    cr_expect_eq(stage_count(&stage, SESSION_STATE_UP), 0);
}

static void expect_held_until_the_verdict(bool is_server)
{
    int fd = begin_to_check(is_server);
    expect_silence(fd);
    know(NULL, 1);
    stage_until(&stage, SESSION_STATE_UP);
    cr_expect(hospital_hears(&stage.hospitals[0], hospital_last(&stage.hospitals[0]), MESSAGE));
    cr_expect(stage_device_hears(&stage, fd, ACK), "what the peer said early is lost");
    cr_expect_not(session_is_unchecked(stage.session));
    close(fd);
}

Test(session_verdict, what_a_server_says_early_is_held_until_the_verdict)
{
    expect_held_until_the_verdict(false);
}

Test(session_verdict, what_a_client_says_early_is_held_until_the_verdict)
{
    expect_held_until_the_verdict(true);
}

static void expect_fault(enum fault_code code)
{
    cr_expect_eq(stage.host.last_fault.code, code, "%s: %s",
                 fault_code_name(stage.host.last_fault.code), stage.host.last_fault.note);
    cr_expect_eq(stage.host.last_fault.side, FAULT_SIDE_CERTIFICATE);
}

static void expect_refused(enum fault_code code)
{
    expect_fault(code);
    cr_expect_eq(stage.host.refusals, 1);
}

static void expect_nothing_until_refused(bool is_server)
{
    int fd = begin_to_check(is_server);
    stage.wants_dial = false;
    know(is_server ? "bms" : "hl7", 1);
    if (is_server) {
        bench_run_until(&stage.bench, &stage.ended, 1);
    } else {
        stage_until(&stage, SESSION_STATE_WAITING);
    }
    cr_expect_eq(stage_count(&stage, SESSION_STATE_UP), 0);
    cr_expect_eq(stage.host.up.bytes + stage.host.down.bytes, 0);
    cr_expect_eq(hospital_last(&stage.hospitals[0])->ear.len, 0);
    expect_refused(FAULT_REVOKED);
    close(fd);
}

Test(session_verdict, a_revoked_server_hears_and_says_nothing)
{
    expect_nothing_until_refused(false);
}

Test(session_verdict, a_revoked_client_hears_and_says_nothing)
{
    expect_nothing_until_refused(true);
}

static void try_once(void)
{
    stage.wants_dial = false;
    stage_make(&stage, true);
    session_start(stage.session);
    stage_until(&stage, SESSION_STATE_WAITING);
}

Test(session_verdict, who_waits_too_long_is_refused_where_it_is_hard)
{
    let_evidence_be_on_its_way();
    stage.ward.section.check_timeout_ms = 50;
    try_once();
    expect_refused(FAULT_NO_VERDICT);
}

Test(session_verdict, who_waits_too_long_passes_where_it_is_soft)
{
    let_evidence_be_on_its_way();
    stage.ward.section.check_timeout_ms = 50;
    stage.conf.revocation = CONF_REVOCATION_SOFT;
    stage_make(&stage, true);
    (void)stage_link_up(&stage);
    cr_expect_eq(stage.host.refusals, 0);
}

Test(session_verdict, a_blocked_peer_is_refused_as_blocked)
{
    know(NULL, 1);
    ward_block(&stage.ward, identity_facts(stage.hospitals[0].identity)->serial);
    try_once();
    expect_refused(FAULT_BLOCKED);
    cr_expect_not_null(strstr(stage.host.last_fault.note, "it was lost"));
}

Test(session_verdict, memory_that_is_missing_lets_nobody_up)
{
    know("hl7", 1);
    stage.ward.revocation->is_broken = true; /* as inquiry_join without memory */
    stage.conf.revocation = CONF_REVOCATION_SOFT;
    try_once();
    expect_refused(FAULT_NO_VERDICT);
    cr_expect_not_null(strstr(stage.host.last_fault.note, "no memory"));
    cr_expect_null(stage.session->seat.inquiry);
}

/* ---- UP ---- */

static struct hospital_link *be_up(void)
{
    know(NULL, 1);
    stage_make(&stage, true);
    struct hospital_link *at = stage_link_up(&stage);
    ward_settle(&stage.ward);
    stage.wants_dial = false;
    return at;
}

Test(session_verdict, a_live_link_ends_when_its_peer_is_revoked)
{
    struct hospital_link *at = be_up();
    know("hl7", 2);
    stage_until(&stage, SESSION_STATE_WAITING);
    expect_fault(FAULT_REVOKED);
    cr_expect_null(stage.session->seat.inquiry);
    bench_run_until(&stage.bench, &at->ear.closed, 1);
}

Test(session_verdict, a_live_link_ends_when_the_device_is_blocked)
{
    (void)be_up();
    ward_block(&stage.ward, "pump-12");
    stage_until(&stage, SESSION_STATE_WAITING);
    expect_fault(FAULT_BLOCKED);
}

Test(session_verdict, a_live_link_ends_when_what_is_known_is_over)
{
    (void)be_up();
    struct inquiry_state now;
    cr_assert(session_verdict(stage.session, &now));
    wall_shift(now.valid_until_s - io_wall_s() + 2);
    ward_tick(&stage.ward);
    stage_until(&stage, SESSION_STATE_WAITING);
    expect_fault(FAULT_NO_VERDICT);
}

Test(session_verdict, a_live_link_ends_as_expired_with_its_peers_certificate)
{
    stage.conf.revocation = CONF_REVOCATION_OFF; /* its time counts all the same */
    (void)be_up();
    wall_shift(identity_facts(stage.hospitals[0].identity)->not_after_s - io_wall_s() + 2);
    ward_tick(&stage.ward);
    stage_until(&stage, SESSION_STATE_WAITING);
    expect_fault(FAULT_EXPIRED);
}

Test(session_verdict, a_live_link_ends_with_its_grant)
{
    ward_grant(&stage.ward, "pump-12", 600);
    stage_make(&stage, true);
    (void)stage_link_up(&stage);
    stage.wants_dial = false;
    ward_grant(&stage.ward, "pump-12", 0);
    stage_until(&stage, SESSION_STATE_WAITING);
    expect_fault(FAULT_NO_VERDICT);
}

Test(session_verdict, a_live_link_loses_no_byte_while_it_is_asked_again)
{
    know(NULL, 1);
    stage_make(&stage, true);
    int fd = stage_attach(&stage);
    struct hospital_link *at = stage_link_up(&stage);
    for (unsigned i = 2; i < 5; i++) {
        know("hl7b", i); /* somebody else */
        ward_settle(&stage.ward);
        stage_device_says(fd, MESSAGE);
    }
    cr_expect(hospital_hears(&stage.hospitals[0], at, MESSAGE MESSAGE MESSAGE));
    cr_expect_eq(session_state(stage.session), SESSION_STATE_UP);
    close(fd);
}

Test(session_verdict, a_session_that_stops_is_not_told)
{
    (void)be_up();
    know("hl7", 2);
    session_stop(stage.session, true);
    bench_run_until(&stage.bench, &stage.ended, 1);
    cr_expect_eq(stage.host.refusals, 0);
}

/* ---- what is told ---- */

static const char *logged_while_up(void)
{
    log_setup(CONF_LOG_TEXT, CONF_LOG_WARNING);
    capture_start(&warnings, STDERR_FILENO);
    stage_make(&stage, true);
    (void)stage_link_up(&stage);
    log_setup(CONF_LOG_TEXT, CONF_LOG_ERROR);
    return capture_end(&warnings);
}

Test(session_verdict, what_is_tolerated_is_told_each_time)
{
    stage.conf.revocation = CONF_REVOCATION_SOFT;
    const char *said = logged_while_up();
    cr_expect_not_null(strstr(said, "verdict-tolerated"), "%s", said);
    cr_expect_not_null(strstr(said, "soft"), "%s", said);
}

Test(session_verdict, a_use_of_break_glass_is_told_as_such)
{
    ward_grant(&stage.ward, "pump-12", 600);
    const char *said = logged_while_up();
    cr_expect_not_null(strstr(said, "verdict-tolerated"), "%s", said);
    cr_expect_not_null(strstr(said, "break-glass"), "%s", said);
}

Test(session_verdict, what_is_good_is_not_told)
{
    know(NULL, 1);
    cr_expect_null(strstr(logged_while_up(), "verdict-tolerated"));
}

Test(session_verdict, status_shows_the_verdict_and_its_end)
{
    struct snapshot_link shown = {0};
    (void)be_up();
    session_verdict_snapshot(stage.session, &shown);
    cr_expect_str_eq(shown.verdict, "good");
    cr_expect_not_null(strstr(shown.evidence, "CRL"), "%s", shown.evidence);
    cr_expect_gt(shown.verdict_until_s, io_wall_s());
}

Test(session_verdict, status_shows_nothing_before_the_verdict)
{
    struct snapshot_link shown = {0};
    struct inquiry_state now;
    close(begin_to_check(false));
    cr_expect_not(session_verdict(stage.session, &now));
    session_verdict_snapshot(stage.session, &shown);
    cr_expect_str_eq(shown.verdict, "");
}

Test(session_verdict, a_link_that_nobody_watches_is_counted)
{
    (void)be_up();
    cr_expect_not(session_is_unchecked(stage.session));
    inquiry_leave(&stage.session->seat);
    cr_expect(session_is_unchecked(stage.session));
}

/* ---- Modbus writes ---- */

#define WRITE   "\x00\x03\x00\x00\x00\x06\x11\x06\x00\x10\x00\x01"
#define DENIED  "\x00\x03\x00\x00\x00\x03\x11\x86\x01"
#define NO_PATH "\x00\x03\x00\x00\x00\x03\x11\x86\x0a"

static unsigned bus_closed;
static struct bus *bus;

static void on_bus_closed(void *owner)
{
    (void)owner;
    bus_closed++;
}

/* A line whose device is not there: what is allowed is answered with 0A. */
static struct hospital_link *be_up_on_a_bus(void)
{
    static char loopback[] = "127.0.0.1";
    static char port_text[] = "tcp:127.0.0.1:1";
    struct conf_device *c = &stage.conf;
    c->protocol = CONF_PROTOCOL_MODBUS_TCP;
    c->port.kind = CONF_PORT_TCP;
    c->port.address = (struct conf_address){.host = loopback, .port = fixture_dead_port()};
    c->port.text = port_text;
    static struct conf_unit_map units;
    c->unit_map = &units;
    values_units_clear(&units);
    units.bus_unit[0x11] = 0x11;
    c->writes_allowed = true;
    c->writes_need_good = true;
    c->response_timeout_ms = 100;
    bus = bus_new(&stage.bench.io, c, on_bus_closed, NULL);
    cr_assert_not_null(bus);
    stage.host.bus = bus_attach(bus, c, NULL, NULL, NULL);
    stage_make(&stage, true);
    struct hospital_link *at = stage_link_up(&stage);
    stage.wants_dial = false;
    return at;
}

static void leave_bus(void)
{
    session_stop(stage.session, true);
    bench_run_until(&stage.bench, &stage.ended, 1);
    bus_detach(stage.host.bus);
    bus_close(bus);
    bench_run_until(&stage.bench, &bus_closed, 1);
    bus_free(bus);
}

static void expect_answer(struct hospital_link *at, const char *answer)
{
    unsigned before = at->record_count;
    size_t len = at->ear.len;
    endpoint_write(at->ear.ep, span_of(WRITE, 12));
    bench_run_until(&stage.bench, &at->record_count, before + 1);
    cr_expect_eq(at->ear.len - len, 9);
    cr_expect_eq(memcmp(at->ear.data + len, answer, 9), 0, "exception %02x", at->ear.data[len + 8]);
}

Test(session_verdict, writes_follow_the_verdict_while_the_link_lives)
{
    stage.conf.revocation = CONF_REVOCATION_SOFT;
    struct hospital_link *at = be_up_on_a_bus();
    expect_answer(at, DENIED);
    know(NULL, 1);
    ward_settle(&stage.ward);
    expect_answer(at, NO_PATH);
    struct inquiry_state now;
    cr_assert(session_verdict(stage.session, &now));
    wall_shift(now.valid_until_s - io_wall_s() + 2);
    ward_tick(&stage.ward);
    expect_answer(at, DENIED);
    cr_expect_eq(session_state(stage.session), SESSION_STATE_UP);
    leave_bus();
}

Test(session_verdict, writes_are_denied_under_break_glass)
{
    ward_grant(&stage.ward, "pump-12", 600);
    struct hospital_link *at = be_up_on_a_bus();
    expect_answer(at, DENIED);
    leave_bus();
}
