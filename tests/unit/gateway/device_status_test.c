#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "tests/unit/gateway/link_rig.h"

#define MESSAGE "\x0bMSH|1\x1c\x0d"

static struct rig rig;
static struct stage *const stage = &rig.stage;
static struct hospital *const hospital = &rig.stage.hospitals[0];

static void setup(void)
{
    rig_init(&rig);
}

static void teardown(void)
{
    rig_end(&rig);
}

TestSuite(device_status, .init = setup, .fini = teardown);

static void expect_words(const char *words)
{
    cr_expect_str_eq(rig_look(&rig)->words, words);
}

Test(device_status, says_what_the_device_does)
{
    int master = rig_use_serial(&rig);
    rig_start(&rig);
    rig_until_state(&rig, "up");
    expect_words("link up, no data yet");
    stage_device_says(master, MESSAGE);
    bench_run_until(&stage->bench, &hospital->secured, 1);
    cr_expect(hospital_hears(hospital, hospital_last(hospital), MESSAGE));
    expect_words("data flows");
    rig.device->host.device_data_ms -= 42000; /* the loop's clock cannot be moved, its mark can */
    expect_words("device silent 42 s");
    cr_expect_eq(rig.shown.device_to_server_bytes, strlen(MESSAGE));
    cr_expect_eq(rig.shown.device_to_server_messages, 1);
    cr_expect_eq(rig.shown.sessions, 1);
    close(master);
}

Test(device_status, a_device_that_never_spoke_is_silent_since_the_start)
{
    int master = rig_use_serial(&rig);
    rig_start(&rig);
    rig_until_state(&rig, "up");
    rig.device->started_ms -= 15000;
    rig_look(&rig);
    cr_expect_eq(strncmp(rig.shown.words, "device silent 15 s", 18), 0, "%s", rig.shown.words);
    close(master);
}

Test(device_status, names_the_server_that_is_dialled_and_waited_for)
{
    char words[64];
    stage->servers[0].port = fixture_dead_port();
    stage->conf.retry_min_ms = 3000;
    stage->conf.retry_max_ms = 3000;
    rig_start(&rig);
    (void)snprintf(words, sizeof(words), "dialing 127.0.0.1:%u", (unsigned)stage->servers[0].port);
    expect_words(words);
    cr_expect_str_eq(rig.shown.state, "dialing");
    rig_until_state(&rig, "waiting");
    (void)snprintf(words, sizeof(words), "waiting 3 s to dial 127.0.0.1:%u",
                   (unsigned)stage->servers[0].port);
    expect_words(words);
}

Test(device_status, says_that_a_handshake_is_under_way)
{
    hospital->mood = HOSPITAL_IS_MUTE;
    rig_start(&rig);
    rig_until_state(&rig, "handshake");
    cr_expect_eq(strncmp(rig.shown.words, "TLS handshake with 127.0.0.1:", 29), 0);
}

Test(device_status, says_that_our_certificate_was_refused)
{
    struct fault f;
    stage->conf.retry_min_ms = 4000;
    stage->conf.retry_max_ms = 4000;
    cr_assert_eq(name_rule_parse("dns:monitor-7.ward.example", &hospital->allow, &f), 0);
    rig_start(&rig);
    rig_until_words(&rig, "server refused our certificate; next try in 4 s");
    cr_expect_eq(rig.shown.last_fault.code, FAULT_OWN_REFUSED);
}

Test(device_status, says_why_the_device_is_not_there)
{
    static char absent[] = "/dev/no-such-port";
    (void)close(rig_use_serial(&rig));
    stage->conf.port.path = absent;
    rig_start(&rig);
    expect_words("opening the device's port");
    rig_until_words(&rig, fault_text(&(struct fault){FAULT_OPEN, FAULT_SIDE_DEVICE, ""}));
    cr_expect_str_eq(rig.shown.state, "device-gone");
    cr_expect_not(rig.shown.port_open);
}

Test(device_status, shows_certificate_and_links)
{
    rig_start(&rig);
    rig_until_state(&rig, "up");
    cr_expect_str_eq(rig.shown.name, "pump-12");
    cr_expect_str_eq(rig.shown.protocol, "mllp");
    cr_expect_str_eq(rig.shown.certificate.serial, identity_facts(stage->host.identity)->serial);
    cr_expect_geq(rig.shown.days_left, 298);
    cr_expect_leq(rig.shown.days_left, 300);
    cr_expect(rig.shown.revocation_off);
    cr_expect_eq(rig.shown.link_count, 1);
    cr_expect_eq(rig.shown.link_total, 1);
    cr_expect_str_eq(rig.shown.links[0].state, "up");
}

Test(device_status, the_link_that_matters_most_is_shown)
{
    rig_start(&rig);
    rig_until_state(&rig, "up");
    int first = rig_device_dials(&rig);
    hospital->mood = HOSPITAL_IS_MUTE;
    int second = rig_device_dials(&rig);
    while (session_state(rig_session(&rig, 0)) != SESSION_STATE_HANDSHAKE) {
        bench_turn(&stage->bench);
    }
    cr_expect_str_eq(rig_look(&rig)->state, "up");
    cr_expect_eq(rig.shown.link_count, 2);
    close(first);
    close(second);
}
