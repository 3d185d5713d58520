#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "tests/unit/gateway/link_town.h"
#include "tests/unit/gateway/modbus_peer.h"

#define ASK    "\x00\x01\x00\x00\x00\x06\x01\x03\x00\x05\x00\x01"
#define ANSWER "\x00\x01\x00\x00\x00\x05\x01\x03\x02\x00\x05"

static struct town town;
static struct hospital *const bms = &town.hospitals[1];
static struct modbus_peer *slave;
static char path[64];
static uint16_t ports[2];

static void setup(void)
{
    town_init(&town);
    slave = modbus_peer_start(1, path, sizeof(path));
    ports[0] = fixture_dead_port();
    ports[1] = fixture_dead_port();
}

static void teardown(void)
{
    town_end(&town);
    (void)modbus_peer_stop(slave);
}

TestSuite(gateway_lines, .init = setup, .fini = teardown);

static void add_at(unsigned rate, const char *name, unsigned unit, uint16_t listen)
{
    town_device(&town, name, name);
    town_line(&town, "port = serial:%s", path);
    town_line(&town, "line = %u 8E1", rate);
    town_line(&town, "protocol = modbus-rtu");
    town_line(&town, "unit_map = %u", unit);
    town_line(&town, "listen = 127.0.0.1:%u", (unsigned)listen);
    town_line(&town, "allow = uri:urn:hospital:bms");
}

static void add(const char *name, unsigned unit, uint16_t listen)
{
    add_at(115200, name, unit, listen);
}

static void start_two(void)
{
    add("pump-12", 1, ports[0]);
    add("monitor-7", 2, ports[1]);
    town_start(&town);
    town_until(&town, "pump-12", "listening");
}

static void reload_without_modbus(void)
{
    town_device(&town, "analyser-3", "analyser-3");
    town_line(&town, "port = tcp-listen:127.0.0.1:%u", (unsigned)fixture_dead_port());
    town_line(&town, "protocol = raw");
    town_line(&town, "start = data");
    town_line(&town, "connect = 127.0.0.1:1");
    town_reload(&town);
    while (town.gateway->lines != NULL) {
        bench_turn(&town.bench);
    }
    cr_expect_not(town_look(&town, "pump-12"));
}

static void say(struct hospital_link *at)
{
    endpoint_write(at->ear.ep, span_of(ASK, 12));
}

static void expect_answer(struct hospital_link *at)
{
    bench_run_until(&town.bench, &at->record_count, 1);
    cr_expect_eq(at->ear.len, 11);
    cr_expect_eq(memcmp(at->ear.data, ANSWER, 11), 0);
}

Test(gateway_lines, devices_of_one_line_share_one_bus)
{
    start_two();
    cr_assert_not_null(town.gateway->lines);
    cr_expect_null(town.gateway->lines->next);
    cr_expect_eq(town.gateway->lines->users, 2);
    cr_expect_eq(bus_device_count(town.gateway->lines->bus), 2);
    struct hospital_link *far = hospital_dial(bms, ports[0], NULL);
    bench_run_until(&town.bench, &bms->secured, 1);
    say(far);
    expect_answer(far);
    cr_expect(town_look(&town, "pump-12"));
    cr_expect_eq(town.shown.server_to_device_messages, 1);
    cr_expect_eq(town.shown.device_to_server_messages, 1);
}

Test(gateway_lines, a_line_stays_while_one_device_is_on_it_and_then_closes)
{
    start_two();
    add("pump-12", 1, ports[0]);
    town_reload(&town);
    while (town.gateway->lines->users > 1) {
        bench_turn(&town.bench);
    }
    cr_expect_eq(bus_device_count(town.gateway->lines->bus), 1);
    struct hospital_link *far = hospital_dial(bms, ports[0], NULL);
    bench_run_until(&town.bench, &bms->secured, 1);
    say(far);
    expect_answer(far);
    reload_without_modbus();
}

Test(gateway_lines, a_line_whose_first_device_was_restarted_goes_on)
{
    start_two();
    add("pump-12", 1, ports[0]);
    town_line(&town, "max_links = 3");
    add("monitor-7", 2, ports[1]);
    town_reload(&town);
    town_until(&town, "pump-12", "listening");
    cr_expect_eq(town.gateway->lines->users, 2);
    cr_expect_eq(bus_device_count(town.gateway->lines->bus), 2);
    struct hospital_link *far = hospital_dial(bms, ports[0], NULL);
    bench_run_until(&town.bench, &bms->secured, 1);
    say(far);
    expect_answer(far);
}

/* Two buses on one port would hinder each other. */
Test(gateway_lines, a_port_is_let_go_before_it_is_opened_at_another_rate)
{
    start_two();
    add_at(57600, "pump-12", 1, ports[0]);
    add_at(57600, "monitor-7", 2, ports[1]);
    town_reload(&town);
    while (town.gateway->lines != NULL) {
        cr_assert_null(town.gateway->lines->next);
        bench_turn(&town.bench);
    }
    town_until(&town, "pump-12", "listening");
    town_until(&town, "monitor-7", "listening");
    cr_expect_eq(town.gateway->lines->users, 2);
    struct hospital_link *far = hospital_dial(bms, ports[0], NULL);
    bench_run_until(&town.bench, &bms->secured, 1);
    say(far);
    expect_answer(far);
}

Test(gateway_lines, a_master_that_ends_after_its_request_still_gets_the_answer)
{
    start_two();
    struct hospital_link *far = hospital_dial(bms, ports[0], NULL);
    bench_run_until(&town.bench, &bms->secured, 1);
    say(far);
    endpoint_finish(far->ear.ep);
    expect_answer(far);
    bench_run_until(&town.bench, &far->ear.eofs, 1);
    town_until(&town, "pump-12", "listening");
}

Test(gateway_lines, a_stop_waits_for_the_answer_under_way)
{
    start_two();
    struct hospital_link *far = hospital_dial(bms, ports[0], NULL);
    bench_run_until(&town.bench, &bms->secured, 1);
    say(far);
    while (town.shown.server_to_device_messages == 0) {
        bench_turn(&town.bench);
        (void)town_look(&town, "pump-12");
    }
    reload_without_modbus();
    expect_answer(far);
}

Test(gateway_lines, nobody_else_gets_a_line)
{
    start_two();
    identity_release(bms->identity);
    bms->identity = fixture_identity("bms-badname");
    struct hospital_link *far = hospital_dial(bms, ports[0], NULL);
    bench_run_until(&town.bench, &far->ear.closed, 1);
    while (town.shown.refusals == 0) {
        bench_turn(&town.bench);
        (void)town_look(&town, "pump-12");
    }
    cr_expect_eq(town.shown.refusals, 1);
    cr_expect_eq(town.shown.sessions, 0);
}
