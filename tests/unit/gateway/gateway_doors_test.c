#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "tests/unit/gateway/link_town.h"

#define MESSAGE "\x0bMSH|1\x1c\x0d"

static struct town town;
static struct hospital *const hl7 = &town.hospitals[0];
static struct hospital *const bms = &town.hospitals[1];

static void setup(void)
{
    town_init(&town);
}

static void teardown(void)
{
    town_end(&town);
}

TestSuite(gateway_doors, .init = setup, .fini = teardown);

/* A device that hospitals dial at this address; behind it a TCP device at `device`. */
static void add_shared(const char *name, uint16_t listen, uint16_t device, const char *more)
{
    struct fault f;
    town_device(&town, name, name);
    town_line(&town, "port = tcp:127.0.0.1:%u", (unsigned)device);
    town_line(&town, "protocol = mllp");
    town_line(&town, "listen = 127.0.0.1:%u", (unsigned)listen);
    town_line(&town, "allow = uri:urn:hospital:bms");
    town_line(&town, "drain_timeout = 30s");
    town_line(&town, "%s", more);
    cr_assert_eq(name_rule_parse("dns:pump-12.ward.example", &bms->allow, &f), 0);
}

Test(gateway_doors, the_server_name_chooses_the_device_and_its_certificate)
{
    uint16_t devices[2];
    int listeners[2] = {bench_listen_plain(&devices[0]), bench_listen_plain(&devices[1])};
    uint16_t listen = fixture_dead_port();
    struct fault f;
    add_shared("pump-12", listen, devices[0], "");
    add_shared("monitor-7", listen, devices[1], "");
    town_start(&town);
    struct hospital_link *one = hospital_dial(bms, listen, "pump-12.ward.example");
    int pump = bench_accept_plain(&town.bench, listeners[0]);
    bench_run_until(&town.bench, &bms->secured, 1);
    cr_assert_eq(name_rule_parse("dns:monitor-7.ward.example", &bms->allow, &f), 0);
    struct hospital_link *two = hospital_dial(bms, listen, "MONITOR-7.ward.example");
    int monitor = bench_accept_plain(&town.bench, listeners[1]);
    bench_run_until(&town.bench, &bms->secured, 2);
    cr_expect_not_null(strstr(one->device.subject, "pump-12"));
    cr_expect_not_null(strstr(two->device.subject, "monitor-7"));
    hospital_say(two, MESSAGE);
    char got[32];
    cr_expect_eq(bench_read(&town.bench, monitor, got, strlen(MESSAGE)), strlen(MESSAGE));
    close(pump);
    close(monitor);
    close(listeners[0]);
    close(listeners[1]);
}

static void expect_turned_away(struct hospital_link *at)
{
    bench_run_until(&town.bench, &at->ear.closed, 1);
    cr_expect_eq(at->ear.secured, 0);
}

Test(gateway_doors, no_name_or_a_strange_one_is_not_guessed)
{
    uint16_t device = fixture_dead_port();
    uint16_t listen = fixture_dead_port();
    add_shared("pump-12", listen, device, "");
    add_shared("monitor-7", listen, device == 1 ? 2 : 1, "");
    town_start(&town);
    expect_turned_away(hospital_dial(bms, listen, "stranger.ward.example"));
    expect_turned_away(hospital_dial(bms, listen, NULL));
}

Test(gateway_doors, a_device_alone_need_not_be_named)
{
    uint16_t device = 0;
    int listener = bench_listen_plain(&device);
    uint16_t listen = fixture_dead_port();
    add_shared("pump-12", listen, device, "");
    town_start(&town);
    (void)hospital_dial(bms, listen, NULL);
    bench_run_until(&town.bench, &bms->secured, 1);
    close(bench_accept_plain(&town.bench, listener));
    close(listener);
}

Test(gateway_doors, a_peer_of_a_stopping_device_does_not_get_its_neighbour)
{
    uint16_t devices[2];
    int listeners[2] = {bench_listen_plain(&devices[0]), bench_listen_plain(&devices[1])};
    uint16_t listen = fixture_dead_port();
    struct fault f;
    add_shared("pump-12", listen, devices[0], "");
    add_shared("monitor-7", listen, devices[1], "");
    town_start(&town);
    struct hospital_link *far = hospital_dial(bms, listen, "pump-12.ward.example");
    int pump = bench_accept_plain(&town.bench, listeners[0]);
    bench_run_until(&town.bench, &bms->secured, 1);
    /* A message in flight keeps the changed device from ending. */
    cr_assert_eq(write(pump, MESSAGE, strlen(MESSAGE)), (ssize_t)strlen(MESSAGE));
    cr_expect(hospital_hears(bms, far, MESSAGE));
    add_shared("pump-12", listen, devices[0], "idle_timeout = 10m");
    add_shared("monitor-7", listen, devices[1], "");
    town_reload(&town);
    cr_assert(town_look(&town, "pump-12"));
    cr_assert_str_eq(town.shown.state, "stopping");
    /* Even a peer that would take either of them. */
    cr_assert_eq(name_rule_parse("dns:monitor-7.ward.example", &bms->allow, &f), 0);
    expect_turned_away(hospital_dial(bms, listen, "pump-12.ward.example"));
    expect_turned_away(hospital_dial(bms, listen, NULL));
    (void)hospital_dial(bms, listen, "monitor-7.ward.example");
    bench_run_until(&town.bench, &bms->secured, 2);
    close(pump);
    close(listeners[0]);
    close(listeners[1]);
}

Test(gateway_doors, a_device_from_another_address_is_refused)
{
    uint16_t port = fixture_dead_port();
    town_device(&town, "pump-12", "pump-12");
    town_line(&town, "port = tcp-listen:127.0.0.1:%u", (unsigned)port);
    town_line(&town, "from = 127.0.0.2");
    town_line(&town, "protocol = mllp");
    town_line(&town, "connect = 127.0.0.1:%u", (unsigned)hl7->port);
    town_start(&town);
    bench_run_until(&town.bench, &hl7->secured, 1);
    int stranger = town_dial(&town, port, NULL);
    cr_expect(bench_sees_end(&town.bench, stranger));
    close(stranger);
    int device = town_dial(&town, port, "127.0.0.2");
    cr_assert_eq(write(device, MESSAGE, strlen(MESSAGE)), (ssize_t)strlen(MESSAGE));
    cr_expect(hospital_hears(hl7, &hl7->links[0], MESSAGE));
    close(device);
}

Test(gateway_doors, a_device_refused_by_its_source_is_told_in_the_log)
{
    uint16_t port = fixture_dead_port();
    town_device(&town, "pump-12", "pump-12");
    town_line(&town, "port = tcp-listen:127.0.0.1:%u", (unsigned)port);
    town_line(&town, "from = 127.0.0.2");
    town_line(&town, "protocol = mllp");
    town_line(&town, "connect = 127.0.0.1:%u", (unsigned)hl7->port);
    town_start(&town);
    int stranger = town_dial(&town, port, NULL);
    cr_expect(bench_sees_end(&town.bench, stranger));
    close(stranger);
    (void)capture_end(&town.errors);
    cr_expect_not_null(strstr(town.errors.text, "device-refused"));
    cr_expect_not_null(strstr(town.errors.text, "127.0.0.1:"));
    capture_start(&town.errors, STDERR_FILENO);
}
