#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "gateway/endpoint_private.h"
#include "tests/unit/gateway/link_rig.h"

#define MESSAGE "\x0bMSH|1\x1c\x0d"
#define ACK     "\x0bMSA|1\x1c\x0d"

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

TestSuite(device, .init = setup, .fini = teardown);

Test(device, without_memory_for_its_port_takes_no_link)
{
    (void)rig_use_serial(&rig);
    rig_listen(&rig);
    mem_fail_nth(2); /* the device itself is the first */
    rig_start(&rig);
    mem_fail_nth(0);
    (void)rig_hospital_dials(&rig, hospital);
    cr_expect_eq(rig.refused, 1);
    cr_expect_eq(rig.device->session_count, 0);
}

/* ---- a device that dials the gateway ---- */

Test(device, a_standby_link_is_there_before_the_device_and_taken_by_it)
{
    rig_start(&rig);
    rig_until_state(&rig, "up");
    cr_expect_str_eq(rig_look(&rig)->words, "ready; the device is not connected");
    int fd = rig_device_dials(&rig);
    cr_expect_eq(rig.device->session_count, 1);
    bench_run_until(&stage->bench, &hospital->secured, 1);
    stage_device_says(fd, MESSAGE);
    cr_expect(hospital_hears(hospital, hospital_last(hospital), MESSAGE));
    hospital_say(hospital_last(hospital), ACK);
    cr_expect(stage_device_hears(stage, fd, ACK));
    cr_expect_eq(hospital->count, 1);
    close(fd);
}

Test(device, a_second_connection_gets_a_link_of_its_own)
{
    rig_start(&rig);
    rig_until_state(&rig, "up");
    int first = rig_device_dials(&rig);
    int second = rig_device_dials(&rig);
    cr_expect_eq(rig.device->session_count, 2);
    bench_run_until(&stage->bench, &hospital->secured, 2);
    stage_device_says(second, MESSAGE);
    cr_expect(hospital_hears(hospital, &hospital->links[1], MESSAGE));
    cr_expect_eq(hospital->links[0].ear.len, 0);
    hospital_say(&hospital->links[0], ACK);
    cr_expect(stage_device_hears(stage, first, ACK));
    close(first);
    close(second);
}

Test(device, more_connections_than_max_links_are_refused)
{
    stage->conf.max_links = 2;
    rig_start(&rig);
    int fds[3];
    for (size_t i = 0; i < 3; i++) {
        fds[i] = rig_device_dials(&rig);
    }
    cr_expect_eq(rig.refused, 1);
    cr_expect(bench_sees_end(&stage->bench, fds[2]));
    cr_expect_eq(rig_look(&rig)->last_fault.code, FAULT_LIMIT);
    for (size_t i = 0; i < 3; i++) {
        close(fds[i]);
    }
}

static bool is_one_session(void *arg)
{
    (void)arg;
    return rig.device->session_count == 1;
}

Test(device, when_its_connection_ends_one_standby_link_stays)
{
    rig_start(&rig);
    int first = rig_device_dials(&rig);
    int second = rig_device_dials(&rig);
    bench_run_until(&stage->bench, &hospital->secured, 2);
    close(first);
    close(second);
    bench_run_while_not(&stage->bench, is_one_session, NULL);
    bench_run_until(&stage->bench, &hospital->secured, 3);
    cr_expect_eq(rig.device->session_count, 1);
}

Test(device, one_standby_link_stays_when_all_end_at_once)
{
    rig_start(&rig);
    int first = rig_device_dials(&rig);
    int second = rig_device_dials(&rig);
    bench_run_until(&stage->bench, &hospital->secured, 2);
    rig_until_state(&rig, "up");
    endpoint_close(hospital->links[0].ear.ep, NULL);
    endpoint_close(hospital->links[1].ear.ep, NULL);
    cr_expect(bench_sees_end(&stage->bench, first));
    cr_expect(bench_sees_end(&stage->bench, second));
    close(first);
    close(second);
    bench_run_until(&stage->bench, &hospital->secured, 3);
    cr_expect_eq(rig.device->session_count, 1);
}

Test(device, start_data_dials_only_for_a_device_that_is_there)
{
    stage->conf.start = CONF_START_DATA;
    rig_start(&rig);
    for (int i = 0; i < 10; i++) {
        bench_turn(&stage->bench);
    }
    cr_expect_eq(hospital->count, 0);
    cr_expect_str_eq(rig_look(&rig)->words, "waiting for the device to connect");
    int fd = rig_device_dials(&rig);
    stage_device_says(fd, MESSAGE);
    bench_run_until(&stage->bench, &hospital->secured, 1);
    cr_expect(hospital_hears(hospital, hospital_last(hospital), MESSAGE));
    close(fd);
    rig_until_state(&rig, "down");
    cr_expect_eq(rig.device->session_count, 0);
}

Test(device, a_device_that_knocks_does_not_shorten_the_wait_after_a_refused_certificate)
{
    struct fault f;
    stage->conf.retry_min_ms = 1000;
    stage->conf.retry_max_ms = 60000;
    cr_assert_eq(name_rule_parse("dns:monitor-7.ward.example", &hospital->allow, &f), 0);
    rig_start(&rig);
    rig_until_words(&rig, "server refused our certificate");
    unsigned before = hospital->count;
    int fd = rig_device_dials(&rig);
    cr_expect_eq(rig.refused, 0);
    for (int i = 0; i < 20; i++) {
        bench_turn(&stage->bench);
    }
    cr_expect_eq(hospital->count, before);
    close(fd);
}

/* ---- a hospital that dials in ---- */

Test(device, more_links_than_max_links_are_refused)
{
    stage->conf.max_links = 2;
    rig_listen(&rig);
    rig_start(&rig);
    cr_expect_str_eq(rig_look(&rig)->state, "listening");
    (void)rig_hospital_dials(&rig, hospital);
    (void)rig_hospital_dials(&rig, hospital);
    cr_expect_eq(rig.refused, 0);
    struct hospital_link *third = rig_hospital_dials(&rig, hospital);
    cr_expect_eq(rig.refused, 1);
    bench_run_until(&stage->bench, &third->ear.closed, 1);
    cr_expect_eq(rig_look(&rig)->last_fault.code, FAULT_LIMIT);
    cr_expect_eq(rig.device->session_count, 2);
}

/* The stranger reads nothing from now on. */
static void stall(struct hospital_link *at)
{
    (void)uv_read_stop(&at->ear.ep->u.stream);
}

Test(device, who_stalls_the_handshake_gives_way_to_a_newcomer)
{
    stage->conf.max_links = 1;
    stage->conf.handshake_timeout_ms = 60000;
    rig_listen(&rig);
    rig_start(&rig);
    stall(rig_hospital_dials(&rig, hospital));
    (void)rig_hospital_dials(&rig, hospital);
    cr_expect_eq(rig.refused, 1, "it has only just begun");
    while (session_handshake_ms(rig.device->sessions) < DEVICE_STALLED_MS) {
        uv_run(&stage->bench.io.loop, UV_RUN_ONCE);
    }
    (void)rig_hospital_dials(&rig, hospital);
    cr_expect_eq(rig.refused, 1);
    bench_run_until(&stage->bench, &hospital->secured, 1);
    /* Who is up does not give way. */
    (void)rig_hospital_dials(&rig, hospital);
    cr_expect_eq(rig.refused, 2);
    cr_expect_eq(rig.device->session_count, 1);
}

Test(device, a_tcp_device_is_dialled_for_each_link)
{
    static char host[] = "127.0.0.1";
    uint16_t port = 0;
    int listener = bench_listen_plain(&port);
    rig_listen(&rig);
    stage->conf.port.kind = CONF_PORT_TCP;
    stage->conf.port.address = (struct conf_address){.host = host, .port = port};
    rig_start(&rig);
    struct hospital_link *one = rig_hospital_dials(&rig, hospital);
    int first = bench_accept_plain(&stage->bench, listener);
    struct hospital_link *two = rig_hospital_dials(&rig, hospital);
    int second = bench_accept_plain(&stage->bench, listener);
    bench_run_until(&stage->bench, &hospital->secured, 2);
    hospital_say(two, MESSAGE);
    cr_expect(stage_device_hears(stage, second, MESSAGE));
    stage_device_says(first, ACK);
    cr_expect(hospital_hears(hospital, one, ACK));
    cr_expect_eq(two->ear.len, 0);
    close(first);
    close(second);
    close(listener);
}

Test(device, a_device_whose_hospital_is_not_there_is_refused)
{
    rig_listen(&rig);
    rig_start(&rig);
    int fd = rig_device_dials(&rig);
    cr_expect_eq(rig.refused, 1);
    cr_expect(bench_sees_end(&stage->bench, fd));
    close(fd);
}

/* ---- names, credentials, stop ---- */

Test(device, has_the_names_of_its_certificate_and_its_own)
{
    static char own[] = "bed-12.hospital.example";
    stage->conf.server_name = own;
    rig_start(&rig);
    cr_expect(device_has_name(rig.device, "pump-12.ward.example"));
    cr_expect(device_has_name(rig.device, own));
    cr_expect_not(device_has_name(rig.device, "monitor-7.ward.example"));
}

Test(device, new_credentials_are_used_by_the_next_link)
{
    rig_start(&rig);
    bench_run_until(&stage->bench, &hospital->secured, 1);
    struct identity *renewed = fixture_identity("pump-12-rsa");
    struct fault f;
    cr_assert_eq(name_rule_parse("dns:pump-12.ward.example", &hospital->allow, &f), 0);
    device_use(rig.device, renewed, stage->host.trust);
    cr_expect_eq(rig_look(&rig)->links[0].state[0], 'u', "the open link is not disturbed");
    endpoint_close(hospital->links[0].ear.ep, NULL);
    bench_run_until(&stage->bench, &hospital->secured, 2);
    cr_expect_str_eq(hospital->links[1].device.serial, identity_facts(renewed)->serial);
    cr_expect_str_neq(hospital->links[0].device.serial, hospital->links[1].device.serial);
    identity_release(renewed);
}

Test(device, stop_drains_its_links_and_a_second_one_hurries)
{
    rig_start(&rig);
    int fd = rig_device_dials(&rig);
    bench_run_until(&stage->bench, &hospital->secured, 1);
    stage_device_says(fd, MESSAGE);
    cr_expect(hospital_hears(hospital, hospital_last(hospital), MESSAGE));
    device_stop(rig.device, false);
    for (int i = 0; i < 10; i++) {
        bench_turn(&stage->bench);
    }
    cr_expect_eq(rig.stopped, 0, "the ACK is still to come");
    cr_expect_str_eq(rig_look(&rig)->state, "stopping");
    int late = rig_device_dials(&rig);
    cr_expect_eq(rig.refused, 1, "nobody may come in while it stops");
    uint64_t start = uv_now(&stage->bench.io.loop);
    rig_stop(&rig, true);
    cr_expect_lt(uv_now(&stage->bench.io.loop) - start, stage->conf.drain_timeout_ms);
    close(fd);
    close(late);
}

Test(device, without_memory_for_a_link_it_refuses_and_lives)
{
    rig_start(&rig);
    rig_until_state(&rig, "up");
    int first = rig_device_dials(&rig);
    struct ear *ear = &rig.ears[7];
    ear_init(ear, FAULT_SIDE_DEVICE);
    int fd = bench_pair(&stage->bench, ear);
    mem_fail_nth(1);
    cr_expect_not(device_take_local(rig.device, ear->ep));
    mem_fail_nth(0);
    bench_close(&stage->bench, ear);
    close(fd);
    close(first);
}
