#include <unistd.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "conf/values.h"
#include "tests/unit/gateway/link_rig.h"

static struct rig rig;
static struct hospital *const hospital = &rig.stage.hospitals[0];

/* Read one register of unit 11, which is 17 at the server; the texts end where a 0 would. */
static const uint8_t ask[] = {0, 1, 0, 0, 0, 6, 0x11, 3, 0, 0x10, 0, 1};
static const uint8_t none[] = {0, 1, 0, 0, 0, 3, 0x11, 0x83, 0x0A};
static const uint8_t lost[] = {0, 1, 0, 0, 0, 3, 0x11, 0x83, 0x0B};

static void setup(void)
{
    rig_init(&rig);
    struct conf_device *c = &rig.stage.conf;
    c->is_master = true;
    c->protocol = CONF_PROTOCOL_MODBUS_TCP;
    c->port.kind = CONF_PORT_TCP_LISTEN;
    c->response_timeout_ms = 60000;
    c->char_timeout_ms = 1000;
    static struct conf_unit_map units;
    c->unit_map = &units;
    values_units_clear(&units);
    units.bus_unit[0x11] = 0x17;
}

static void teardown(void)
{
    rig_end(&rig);
}

TestSuite(device_master, .init = setup, .fini = teardown);

static void send_to(int fd, const uint8_t *bytes, size_t len)
{
    cr_assert_eq(write(fd, bytes, len), (ssize_t)len);
}

static bool hears(int fd, const uint8_t *want, size_t len)
{
    uint8_t got[300];
    return bench_read(&rig.stage.bench, fd, got, len) == len &&
           span_equal(span_of(got, len), span_of(want, len));
}

static bool request_is_there(void *arg)
{
    (void)arg;
    return hospital->count > 0 && hospital_last(hospital)->ear.len >= sizeof ask;
}

/* The server has it, under another transaction and unit. */
static struct hospital_link *wait_request(void)
{
    bench_run_while_not(&rig.stage.bench, request_is_there, NULL);
    struct hospital_link *at = hospital_last(hospital);
    cr_expect_eq(at->ear.data[6], 0x17);
    cr_expect_eq(at->record_count, 1);
    cr_expect_eq(at->records[0], sizeof ask);
    return at;
}

static void answer(struct hospital_link *at, uint8_t value)
{
    uint8_t adu[] = {at->ear.data[0], at->ear.data[1], 0, 0, 0, 5, 0x17, 3, 2, 0, value};
    endpoint_write(at->ear.ep, span_of(adu, sizeof adu));
}

static void expect_value(int fd, uint8_t value)
{
    uint8_t want[] = {0, 1, 0, 0, 0, 5, 0x11, 3, 2, 0, value};
    cr_expect(hears(fd, want, sizeof want));
}

Test(device_master, its_requests_go_to_the_server)
{
    rig_start(&rig);
    rig_until_state(&rig, "up");
    cr_expect_str_eq(rig_look(&rig)->words, "ready; the device is not connected");
    int fd = rig_device_dials(&rig);
    cr_expect(rig_look(&rig)->port_open);
    send_to(fd, ask, sizeof ask);
    answer(wait_request(), 7);
    expect_value(fd, 7);
    cr_expect_str_eq(rig_look(&rig)->words, "data flows");
    cr_expect_eq(rig.shown.device_to_server_messages, 1);
    cr_expect_eq(rig.shown.server_to_device_messages, 1);
    (void)close(fd);
}

Test(device_master, shows_what_it_asked)
{
    rig_start(&rig);
    rig_until_state(&rig, "up");
    cr_expect_eq(rig_look(&rig)->masters, 0);
    int fd = rig_device_dials(&rig);
    send_to(fd, ask, sizeof ask);
    struct hospital_link *at = wait_request();
    endpoint_close(at->ear.ep, NULL);
    cr_expect(hears(fd, lost, sizeof lost));
    static const uint8_t bad[] = {0, 1, 0, 0, 0, 3, 0x11, 3, 0x10};
    send_to(fd, bad, sizeof bad);
    static const uint8_t malformed[] = {0, 1, 0, 0, 0, 3, 0x11, 0x83, 0x03};
    cr_expect(hears(fd, malformed, sizeof malformed));
    rig_look(&rig);
    cr_expect(rig.shown.is_master);
    cr_expect_not(rig.shown.has_bus);
    cr_expect_eq(rig.shown.masters, 1);
    cr_expect_eq(rig.shown.requests.sent, 1);
    cr_expect_eq(rig.shown.requests.answered, 0);
    cr_expect_eq(rig.shown.requests.no_answer, 1);
    cr_expect_eq(rig.shown.requests.malformed, 1);
    cr_expect_not(rig.shown.links[0].is_master, "the link goes to a server");
    (void)close(fd);
}

Test(device_master, two_masters_share_the_link)
{
    rig_start(&rig);
    rig_until_state(&rig, "up");
    int one = rig_device_dials(&rig);
    int two = rig_device_dials(&rig);
    send_to(two, ask, sizeof ask);
    answer(wait_request(), 2);
    expect_value(two, 2);
    cr_expect_eq(hospital->count, 1);
    cr_expect_eq(rig.device->session_count, 1);
    (void)close(one);
    (void)close(two);
}

Test(device_master, is_answered_while_there_is_no_link)
{
    rig.stage.conf.connect[0].port = fixture_dead_port();
    rig_start(&rig);
    int fd = rig_device_dials(&rig);
    send_to(fd, ask, sizeof ask);
    cr_expect(hears(fd, none, sizeof none));
    (void)close(fd);
}

Test(device_master, what_was_asked_before_the_link_never_reaches_it)
{
    hospital->mood = HOSPITAL_IS_MUTE;
    rig_start(&rig);
    int fd = rig_device_dials(&rig);
    bench_run_until(&rig.stage.bench, &hospital->count, 1);
    send_to(fd, ask, sizeof ask);
    cr_expect(hears(fd, none, sizeof none));
    hospital->mood = HOSPITAL_TALKS;
    struct fault f = {0};
    fault_set(&f, FAULT_TIMEOUT, FAULT_SIDE_SERVER, "test", NULL);
    session_break(rig_session(&rig, 0), &f);
    rig_until_state(&rig, "up");
    send_to(fd, ask, sizeof ask);
    answer(wait_request(), 9); /* it is the first record, and the only one */
    expect_value(fd, 9);
    (void)close(fd);
}

Test(device_master, a_link_that_is_cut_is_0b_once)
{
    rig_start(&rig);
    rig_until_state(&rig, "up");
    int fd = rig_device_dials(&rig);
    send_to(fd, ask, sizeof ask);
    struct hospital_link *at = wait_request();
    endpoint_close(at->ear.ep, NULL);
    cr_expect(hears(fd, lost, sizeof lost));
    rig_until_state(&rig, "up");
    cr_expect_eq(hospital_last(hospital)->ear.len, 0);
    (void)close(fd);
}

Test(device_master, a_server_that_speaks_no_modbus_loses_the_link)
{
    rig_start(&rig);
    rig_until_state(&rig, "up");
    bench_run_until(&rig.stage.bench, &hospital->secured, 1);
    hospital_say(hospital_last(hospital), "HTTP/1.1 200 OK");
    bench_run_until(&rig.stage.bench, &hospital->closed, 1);
    cr_expect_eq(rig_look(&rig)->last_fault.code, FAULT_FRAME);
}

Test(device_master, a_stop_waits_for_the_answer_and_begins_nothing)
{
    rig.stage.conf.drain_timeout_ms = 30000;
    rig_start(&rig);
    rig_until_state(&rig, "up");
    int fd = rig_device_dials(&rig);
    send_to(fd, ask, sizeof ask);
    struct hospital_link *at = wait_request();
    device_stop(rig.device, false);
    send_to(fd, ask, sizeof ask);
    cr_expect(hears(fd, none, sizeof none));
    answer(at, 5);
    expect_value(fd, 5);
    rig_stop(&rig, false);
    (void)close(fd);
}

Test(device_master, without_memory_takes_no_master)
{
    mem_fail_nth(2); /* the device itself is the first */
    rig_start(&rig);
    mem_fail_nth(0);
    cr_expect(rig.device->broken);
    int fd = rig_device_dials(&rig);
    cr_expect_eq(rig.refused, 1);
    (void)close(fd);
}

Test(device_master, a_serial_master_has_a_port)
{
    int fd = rig_use_serial(&rig);
    rig.stage.conf.protocol = CONF_PROTOCOL_MODBUS_RTU;
    rig_start(&rig);
    rig_until_state(&rig, "up");
    while (!rig_look(&rig)->port_open) {
        bench_turn(&rig.stage.bench);
    }
    static const uint8_t rtu[] = {0x11, 0x03, 0, 0, 0, 1, 0x86, 0x9A};
    send_to(fd, rtu, sizeof rtu);
    struct hospital_link *at = wait_request();
    answer(at, 0);
    static const uint8_t want[] = {0x11, 3, 2, 0, 0, 0x79, 0x87};
    cr_expect(hears(fd, want, sizeof want));
    rig_stop(&rig, false);
    (void)close(fd);
}
