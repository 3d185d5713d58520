#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "gateway/gateway.h"
#include "tests/unit/gateway/link_town.h"

#define MESSAGE "\x0bMSH|1\x1c\x0d"
#define ACK     "\x0bMSA|1\x1c\x0d"

static struct town town;
static struct hospital *const hl7 = &town.hospitals[0];

static void setup(void)
{
    town_init(&town);
}

static void teardown(void)
{
    town_end(&town);
}

TestSuite(gateway, .init = setup, .fini = teardown);

/* A device that dials us and is passed on to hl7. */
static void add(const char *name, const char *certificate, uint16_t port, const char *more)
{
    town_device(&town, name, certificate);
    town_line(&town, "port = tcp-listen:127.0.0.1:%u", (unsigned)port);
    town_line(&town, "protocol = mllp");
    town_line(&town, "connect = 127.0.0.1:%u", (unsigned)hl7->port);
    town_line(&town, "server_name = hl7.hospital.example");
    town_line(&town, "retry_min = 100ms");
    town_line(&town, "%s", more);
}

static uint16_t ports[3];

static void choose_ports(void)
{
    for (size_t i = 0; i < 3; i++) {
        ports[i] = fixture_dead_port();
    }
}

/* The device says a message on its open link and gets the ACK: nothing has disturbed it. */
static void expect_link_works(int fd, struct hospital_link *far)
{
    far->ear.len = 0;
    cr_assert_eq(write(fd, MESSAGE, strlen(MESSAGE)), (ssize_t)strlen(MESSAGE));
    cr_expect(hospital_hears(hl7, far, MESSAGE));
    hospital_say(far, ACK);
    char got[32];
    cr_expect_eq(bench_read(&town.bench, fd, got, strlen(ACK)), strlen(ACK));
}

static size_t count_devices(void)
{
    struct snapshot all;
    town_snapshot(&town, &all);
    size_t count = all.device_count;
    snapshot_free(&all);
    return count;
}

Test(gateway, carries_messages)
{
    choose_ports();
    add("pump-12", "pump-12", ports[0], "");
    town_start(&town);
    int fd = town_dial(&town, ports[0], NULL);
    bench_run_until(&town.bench, &hl7->secured, 1);
    expect_link_works(fd, &hl7->links[0]);
    cr_assert(town_look(&town, "pump-12"));
    cr_expect_str_eq(hl7->links[0].device.serial, town.shown.certificate.serial);
    cr_expect_eq(town.shown.server_to_device_messages, 1);
    close(fd);
}

Test(gateway, reload_of_the_same_text_disturbs_nobody)
{
    choose_ports();
    add("pump-12", "pump-12", ports[0], "");
    town_start(&town);
    int fd = town_dial(&town, ports[0], NULL);
    bench_run_until(&town.bench, &hl7->secured, 1);
    add("pump-12", "pump-12", ports[0], "");
    town_reload(&town);
    for (int i = 0; i < 20; i++) {
        bench_turn(&town.bench);
    }
    expect_link_works(fd, &hl7->links[0]);
    cr_expect_eq(gateway_generation(town.gateway), 2);
    cr_expect_eq(hl7->count, 1);
    cr_expect(town_look(&town, "pump-12"));
    cr_expect_eq(town.shown.sessions, 1);
    close(fd);
}

Test(gateway, reload_restarts_only_what_changed)
{
    choose_ports();
    add("pump-12", "pump-12", ports[0], "");
    add("monitor-7", "pump-12-rsa", ports[1], "");
    town_start(&town);
    int kept = town_dial(&town, ports[0], NULL);
    bench_run_until(&town.bench, &hl7->secured, 2);
    struct hospital_link *far = NULL;
    town_until(&town, "pump-12", "up");
    town_until(&town, "monitor-7", "up");
    for (unsigned i = 0; i < hl7->count; i++) {
        if (strcmp(hl7->links[i].device.serial, town.shown.certificate.serial) != 0) {
            far = &hl7->links[i];
        }
    }
    cr_assert_not_null(far);
    add("pump-12", "pump-12", ports[0], "");
    add("monitor-7", "pump-12-rsa", ports[1], "idle_timeout = 10m");
    town_reload(&town);
    bench_run_until(&town.bench, &hl7->secured, 3);
    town_until(&town, "monitor-7", "up");
    cr_expect_eq(town.shown.sessions, 1, "the restarted device begins anew");
    expect_link_works(kept, far);
    cr_expect_eq(hl7->count, 3);
    close(kept);
}

Test(gateway, reload_starts_added_and_stops_removed_devices)
{
    choose_ports();
    add("pump-12", "pump-12", ports[0], "");
    town_start(&town);
    town_until(&town, "pump-12", "up");
    bench_run_until(&town.bench, &hl7->secured, 1);
    add("monitor-7", "pump-12-rsa", ports[1], "");
    town_reload(&town);
    town_until(&town, "monitor-7", "up");
    while (town_look(&town, "pump-12")) {
        bench_turn(&town.bench);
    }
    bench_run_until(&town.bench, &hl7->links[0].ear.eofs, 1);
    /* Its address is free again, and the new device's is open. */
    int fd = town_dial(&town, ports[1], NULL);
    bench_run_until(&town.bench, &hl7->secured, 2);
    expect_link_works(fd, &hl7->links[1]);
    close(fd);
    add("pump-12", "pump-12", ports[0], "");
    town_reload(&town);
    town_until(&town, "pump-12", "up");
}

/* pump-12's device, whose link is held up by an ACK that is still to come. *far: its other end. */
static int hold_up(struct hospital_link **far)
{
    unsigned before = hl7->secured;
    int fd = town_dial(&town, ports[0], NULL);
    bench_run_until(&town.bench, &hl7->secured, before + 1);
    *far = &hl7->links[hl7->count - 1];
    cr_assert_eq(write(fd, MESSAGE, strlen(MESSAGE)), (ssize_t)strlen(MESSAGE));
    cr_assert(hospital_hears(hl7, *far, MESSAGE));
    return fd;
}

static void get_ack(int fd, struct hospital_link *far)
{
    char got[32];
    hospital_say(far, ACK);
    cr_expect_eq(bench_read(&town.bench, fd, got, strlen(ACK)), strlen(ACK));
}

Test(gateway, who_ends_late_keeps_nobody_waiting_but_who_follows)
{
    struct hospital_link *far = NULL;
    choose_ports();
    add("pump-12", "pump-12", ports[0], "start = data\ndrain_timeout = 30s");
    add("monitor-7", "monitor-7", ports[1], "");
    town_start(&town);
    town_until(&town, "monitor-7", "up");
    int fd = hold_up(&far);
    add("pump-12", "pump-12", ports[0], "start = always");
    add("monitor-7", "monitor-7", ports[1], "idle_timeout = 10m");
    add("analyser-3", "analyser-3", ports[2], "");
    town_reload(&town);
    town_until(&town, "analyser-3", "up");
    town_until(&town, "monitor-7", "up");
    cr_assert(town_look(&town, "pump-12"));
    cr_expect_str_eq(town.shown.state, "stopping");
    get_ack(fd, far);
    town_until(&town, "pump-12", "up");
    close(fd);
}

/* By another name it is another device, but its port is not free before. */
Test(gateway, who_ends_late_keeps_its_port)
{
    struct hospital_link *far = NULL;
    choose_ports();
    add("pump-12", "pump-12", ports[0], "start = data\ndrain_timeout = 30s");
    town_start(&town);
    int fd = hold_up(&far);
    add("pump-13", "pump-12", ports[0], "");
    town_reload(&town);
    for (int i = 0; i < 20; i++) {
        bench_turn(&town.bench);
    }
    cr_expect_not(town_look(&town, "pump-13"));
    get_ack(fd, far);
    town_until(&town, "pump-13", "up");
    cr_expect_not(town_look(&town, "pump-12"));
    close(fd);
}

/* A name is one device's, wherever that has moved. */
Test(gateway, who_ends_late_keeps_its_name)
{
    struct hospital_link *far = NULL;
    choose_ports();
    add("pump-12", "pump-12", ports[0], "start = data\ndrain_timeout = 30s");
    town_start(&town);
    int fd = hold_up(&far);
    add("pump-12", "pump-12", ports[1], "");
    town_reload(&town);
    for (int i = 0; i < 20; i++) {
        bench_turn(&town.bench);
        cr_assert_eq(count_devices(), 1);
    }
    get_ack(fd, far);
    town_until(&town, "pump-12", "up");
    close(fd);
}

Test(gateway, reload_uses_new_certificates_for_the_next_link_only)
{
    char path[128];
    char from[512];
    choose_ports();
    for (int step = 0; step < 2; step++) {
        const char *files[] = {"pem", "key"};
        for (size_t i = 0; i < 2; i++) {
            (void)snprintf(path, sizeof(path), "%s/own.%s", town.folder, files[i]);
            (void)snprintf(from, sizeof(from), "%s/pump-12%s.%s", town.pki, step == 0 ? "" : "-rsa",
                           files[i]);
            (void)unlink(path);
            cr_assert_eq(symlink(from, path), 0);
        }
        town_line(&town, "[device pump-12]");
        town_line(&town, "certificate = own.pem");
        town_line(&town, "key = own.key");
        town_line(&town, "trust = hospital");
        town_line(&town, "port = tcp-listen:127.0.0.1:%u", (unsigned)ports[0]);
        town_line(&town, "protocol = mllp");
        town_line(&town, "connect = 127.0.0.1:%u", (unsigned)hl7->port);
        if (step == 0) {
            town_start(&town);
            bench_run_until(&town.bench, &hl7->secured, 1);
        } else {
            town_reload(&town);
        }
    }
    int fd = town_dial(&town, ports[0], NULL);
    expect_link_works(fd, &hl7->links[0]);
    close(fd);
    bench_run_until(&town.bench, &hl7->secured, 2);
    cr_expect_str_neq(hl7->links[0].device.serial, hl7->links[1].device.serial);
    (void)unlink(path);
    (void)snprintf(path, sizeof(path), "%s/own.pem", town.folder);
    (void)unlink(path);
}

Test(gateway, reload_that_cannot_bind_changes_nothing)
{
    struct fault f;
    choose_ports();
    uint16_t taken = 0;
    int other = bench_listen_plain(&taken);
    add("pump-12", "pump-12", ports[0], "");
    town_start(&town);
    int fd = town_dial(&town, ports[0], NULL);
    bench_run_until(&town.bench, &hl7->secured, 1);
    add("monitor-7", "pump-12-rsa", ports[1], "");
    add("pump-12", "pump-12", taken, "");
    cr_expect_eq(gateway_reload(town.gateway, town_load(&town), &f), FAULT_OPEN);
    cr_expect_eq(f.code, FAULT_OPEN);
    for (int i = 0; i < 20; i++) {
        bench_turn(&town.bench);
    }
    cr_expect_eq(gateway_generation(town.gateway), 1);
    cr_expect_not(town_look(&town, "monitor-7"));
    expect_link_works(fd, &hl7->links[0]);
    /* What was opened for the new text is closed again. */
    close(other);
    add("pump-12", "pump-12", ports[1], "");
    town_reload(&town);
    town_until(&town, "pump-12", "up");
    close(fd);
}

Test(gateway, cannot_start_where_another_listens)
{
    struct fault f;
    choose_ports();
    uint16_t taken = 0;
    int other = bench_listen_plain(&taken);
    add("pump-12", "pump-12", ports[0], "");
    add("monitor-7", "pump-12-rsa", taken, "");
    uint64_t start = uv_now(&town.bench.io.loop);
    cr_expect_null(gateway_new(&town.bench.io, town_load(&town), &f));
    cr_expect_eq(f.code, FAULT_OPEN);
    cr_expect_lt(uv_now(&town.bench.io.loop) - start, 5000, "it waited for handles of others");
    close(other);
}

static void not_yet(void *owner)
{
    unsigned *count = owner;
    (*count)++;
}

Test(gateway, stop_drains_and_a_second_stop_hurries)
{
    unsigned stopped = 0;
    choose_ports();
    add("pump-12", "pump-12", ports[0], "drain_timeout = 30s");
    town_start(&town);
    int fd = town_dial(&town, ports[0], NULL);
    bench_run_until(&town.bench, &hl7->secured, 1);
    cr_assert_eq(write(fd, MESSAGE, strlen(MESSAGE)), (ssize_t)strlen(MESSAGE));
    cr_expect(hospital_hears(hl7, &hl7->links[0], MESSAGE));
    gateway_stop(town.gateway, not_yet, &stopped);
    for (int i = 0; i < 20; i++) {
        bench_turn(&town.bench);
    }
    cr_expect_eq(stopped, 0, "the ACK is still to come");
    cr_expect(town_look(&town, "pump-12"));
    cr_expect_str_eq(town.shown.state, "stopping");
    struct sockaddr_storage at;
    socklen_t len = sizeof(at);
    int late = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(getpeername(fd, (struct sockaddr *)&at, &len), 0);
    cr_expect_eq(connect(late, (const struct sockaddr *)&at, len), -1, "nobody may come in");
    close(late);
    gateway_stop(town.gateway, not_yet, &stopped);
    bench_run_until(&town.bench, &stopped, 1);
    cr_expect_eq(stopped, 1);
    gateway_free(town.gateway);
    town.gateway = NULL;
    close(fd);
}

Test(gateway, stop_ends_after_the_ack)
{
    unsigned stopped = 0;
    choose_ports();
    add("pump-12", "pump-12", ports[0], "drain_timeout = 30s");
    town_start(&town);
    int fd = town_dial(&town, ports[0], NULL);
    bench_run_until(&town.bench, &hl7->secured, 1);
    cr_assert_eq(write(fd, MESSAGE, strlen(MESSAGE)), (ssize_t)strlen(MESSAGE));
    cr_expect(hospital_hears(hl7, &hl7->links[0], MESSAGE));
    gateway_stop(town.gateway, not_yet, &stopped);
    hospital_say(&hl7->links[0], ACK);
    char got[32];
    cr_expect_eq(bench_read(&town.bench, fd, got, strlen(ACK)), strlen(ACK));
    bench_run_until(&town.bench, &stopped, 1);
    gateway_free(town.gateway);
    town.gateway = NULL;
    close(fd);
}

/* As long as the gateway lives, the loop hurries for those who wait at its gate. */
Test(gateway, its_gate_is_the_loops)
{
    choose_ports();
    add("pump-12", "pump-12", ports[0], "start = data");
    town_start(&town);
    cr_expect_eq(town.bench.io.gate, &town.gateway->gate);
}

Test(gateway, stop_before_it_was_started)
{
    struct fault f;
    choose_ports();
    add("pump-12", "pump-12", ports[0], "");
    town.gateway = gateway_new(&town.bench.io, town_load(&town), &f);
    cr_assert_not_null(town.gateway);
    bench_turn(&town.bench);
    cr_expect_eq(hl7->count, 0, "nothing begins before gateway_start");
}

Test(gateway, a_reload_before_the_start_begins_nothing)
{
    struct fault f;
    choose_ports();
    add("pump-12", "pump-12", ports[0], "");
    town.gateway = gateway_new(&town.bench.io, town_load(&town), &f);
    cr_assert_not_null(town.gateway);
    add("pump-12", "pump-12", ports[0], "");
    town_reload(&town);
    bench_turn(&town.bench);
    cr_expect_eq(count_devices(), 0);
    gateway_start(town.gateway);
    town_until(&town, "pump-12", "up");
}

/* More than are started in one turn; the ports of all of them in `at`. */
static void add_crowd(uint16_t at[18])
{
    for (size_t i = 0; i < 18; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "d%zu", i);
        at[i] = fixture_dead_port();
        add(name, "pump-12", at[i], "start = data");
    }
}

Test(gateway, starts_a_crowd_in_several_turns_of_the_loop)
{
    uint16_t at[18];
    add_crowd(at);
    town_start(&town);
    cr_expect_lt(count_devices(), 18);
    while (count_devices() < 18) {
        bench_turn(&town.bench);
    }
}

Test(gateway, a_device_that_is_quicker_than_its_start_is_served)
{
    uint16_t at[18];
    add_crowd(at);
    town_start(&town);
    int fd = town_dial(&town, at[17], NULL);
    bench_run_until(&town.bench, &hl7->secured, 1);
    expect_link_works(fd, &hl7->links[0]);
    cr_expect_eq(count_devices(), 18);
    close(fd);
}

Test(gateway, snapshot_tells_of_every_device)
{
    struct snapshot all;
    choose_ports();
    add("pump-12", "pump-12", ports[0], "start = data");
    add("monitor-7", "pump-12-rsa", ports[1], "");
    town_start(&town);
    town_until(&town, "monitor-7", "up");
    town_snapshot(&town, &all);
    cr_expect_str_eq(all.name, "town");
    cr_expect_str_eq(all.version, WARDGATE_VERSION);
    cr_expect_eq(all.generation, 1);
    cr_expect_leq(all.loaded_at_s, all.now_s);
    cr_assert_eq(all.device_count, 2);
    cr_expect_str_eq(all.devices[0].name, "pump-12");
    cr_expect_str_eq(all.devices[0].state, "down");
    cr_expect_str_eq(all.devices[0].words, "waiting for the device to connect");
    cr_expect_str_eq(all.devices[1].state, "up");
    cr_expect_str_eq(all.devices[1].links[0].verdict, "not checked");
    snapshot_free(&all);
    mem_fail_nth(1);
    cr_expect_eq(gateway_snapshot(town.gateway, &all), FAULT_MEMORY);
    snapshot_free(&all);
    for (uint32_t nth = 1; nth <= 2; nth++) {
        mem_fail_nth(nth);
        cr_expect_eq(gateway_snapshot_devices(town.gateway, 1, &all), FAULT_MEMORY);
        snapshot_free(&all);
    }
    mem_fail_nth(0);
    cr_expect_str_eq(gateway_settings(town.gateway)->name, "town");
    cr_expect_not_null(strstr(gateway_conf(town.gateway)->path, "wardgate.conf"));
}

/* The next device of the walk is this one; NULL: there is none. */
static void expect_next(const char *name)
{
    struct snapshot next;
    cr_assert_eq(gateway_snapshot_devices(town.gateway, 1, &next), 0);
    cr_assert_eq(next.device_count, name != NULL ? 1 : 0);
    if (name != NULL) {
        cr_expect_str_eq(next.devices[0].name, name);
    }
    snapshot_free(&next);
}

static void begin_walk(void)
{
    struct snapshot all;
    cr_assert_eq(gateway_snapshot(town.gateway, &all), 0);
    cr_expect_eq(all.device_count, 0);
    snapshot_free(&all);
    cr_expect(gateway_walk_holds(town.gateway));
}

static void add_three(const char *more_of_the_second)
{
    add("pump-12", "pump-12", ports[0], "start = data");
    add("monitor-7", "pump-12-rsa", ports[1], more_of_the_second);
    add("pump-13", "pump-12", ports[2], "start = data");
}

Test(gateway, a_walk_goes_on_where_it_was)
{
    choose_ports();
    add_three("start = data");
    town_start(&town);
    begin_walk();
    expect_next("pump-12");
    bench_turn(&town.bench);
    expect_next("monitor-7");
    expect_next("pump-13");
    expect_next(NULL);
    expect_next(NULL);
    cr_expect(gateway_walk_holds(town.gateway));
    begin_walk();
    expect_next("pump-12");
}

Test(gateway, a_reload_breaks_a_walk)
{
    choose_ports();
    add_three("start = data");
    town_start(&town);
    begin_walk();
    add_three("start = data");
    town_reload(&town);
    cr_expect_not(gateway_walk_holds(town.gateway));
    begin_walk();
}

/* Entries that were made before the last reload. */
static size_t count_old(void)
{
    size_t count = 0;
    for (const struct entry *e = town.gateway->entries; e != NULL; e = e->next) {
        count += e->generation != town.gateway->present;
    }
    return count;
}

/* monitor-7 has a link, and so ends some turns after the reload; its successor will be the last of
 * the list. */
static void change_the_second(void)
{
    choose_ports();
    add_three("start = always");
    town_start(&town);
    town_until(&town, "monitor-7", "up");
    add_three("description = changed");
    town_reload(&town);
    cr_assert_eq(count_old(), 3, "it ended at once: the test shows nothing");
    begin_walk();
    expect_next("pump-12");
}

static void wait_for_its_end(void)
{
    while (count_old() == 3) {
        bench_turn(&town.bench);
    }
}

Test(gateway, a_walk_breaks_when_a_device_that_it_showed_is_gone)
{
    change_the_second();
    expect_next("monitor-7");
    wait_for_its_end();
    cr_expect_not(gateway_walk_holds(town.gateway));
}

Test(gateway, a_walk_steps_over_a_device_that_goes_before_its_turn)
{
    change_the_second();
    wait_for_its_end();
    cr_expect(gateway_walk_holds(town.gateway));
    cr_assert_eq(town.gateway->walk.ahead, town.gateway->entries->next, "pump-13's");
    expect_next("pump-13");
    expect_next("monitor-7");
    expect_next(NULL);
    cr_expect(gateway_walk_holds(town.gateway));
}

static void add_all(void)
{
    add("pump-12", "pump-12", ports[0], "");
    town_device(&town, "monitor-7", "monitor-7");
    town_line(&town, "port = serial:/dev/no-such-port");
    town_line(&town, "line = 9600 8E1");
    town_line(&town, "protocol = modbus-rtu");
    town_line(&town, "unit_map = 1");
    town_line(&town, "listen = 127.0.0.1:%u", (unsigned)ports[1]);
    town_line(&town, "allow = uri:urn:hospital:bms");
}

/* Each of the first allocations fails in turn, at the start and at a reload that changes all. */
Test(gateway, any_allocation_may_fail)
{
    choose_ports();
    hospital_leave(hl7);
    for (uint32_t nth = 1; nth <= 40; nth++) {
        struct fault f;
        add_all();
        struct conf *first = town_load(&town);
        mem_fail_nth(nth);
        town.gateway = gateway_new(&town.bench.io, first, &f);
        if (town.gateway != NULL) {
            gateway_start(town.gateway);
            bench_turn(&town.bench);
        }
        mem_fail_nth(0);
        if (town.gateway == NULL) {
            continue;
        }
        add("pump-12", "pump-12", ports[2], "max_links = 3");
        struct conf *second = town_load(&town);
        mem_fail_nth(nth);
        (void)gateway_reload(town.gateway, second, &f);
        bench_turn(&town.bench);
        mem_fail_nth(0);
        unsigned stopped = 0;
        gateway_stop(town.gateway, not_yet, &stopped);
        gateway_stop(town.gateway, not_yet, &stopped);
        bench_run_until(&town.bench, &stopped, 1);
        gateway_free(town.gateway);
        town.gateway = NULL;
    }
}
