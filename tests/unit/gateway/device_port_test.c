#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "tests/unit/gateway/link_rig.h"

#define MESSAGE "\x0bMSH|1\x1c\x0d"
#define SECOND  "\x0bMSH|2\x1c\x0d"
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

TestSuite(device_port, .init = setup, .fini = teardown);

/* ---- a serial port and a server that is dialled ---- */

Test(device_port, serial_device_and_server_talk)
{
    int master = rig_use_serial(&rig);
    rig_start(&rig);
    bench_run_until(&stage->bench, &hospital->secured, 1);
    stage_device_says(master, MESSAGE);
    cr_expect(hospital_hears(hospital, hospital_last(hospital), MESSAGE));
    hospital_say(hospital_last(hospital), ACK);
    cr_expect(stage_device_hears(stage, master, ACK));
    cr_expect_str_eq(rig_look(&rig)->words, "data flows");
    cr_expect(rig.shown.port_open);
    close(master);
}

Test(device_port, drop_counts_and_never_reaches_the_next_link)
{
    int master = rig_use_serial(&rig);
    stage->conf.while_down = CONF_DOWN_DROP;
    stage->servers[0].port = fixture_dead_port();
    rig_start(&rig);
    rig_until_state(&rig, "waiting");
    stage_device_says(master, MESSAGE "\x0bMSH");
    while (rig_look(&rig)->lost_bytes < strlen(MESSAGE) + 4) {
        bench_turn(&stage->bench);
    }
    stage->servers[0].port = hospital->port;
    bench_run_until(&stage->bench, &hospital->secured, 1);
    rig_until_state(&rig, "up");
    stage_device_says(master, "|rest\x1c\x0d" SECOND);
    cr_expect(hospital_hears(hospital, hospital_last(hospital), SECOND));
    cr_expect_eq(rig_look(&rig)->lost_bytes, strlen(MESSAGE "\x0bMSH|rest\x1c\x0d"));
    close(master);
}

Test(device_port, block_holds_until_the_link_is_up)
{
    int master = rig_use_serial(&rig);
    stage->servers[0].port = fixture_dead_port();
    rig_start(&rig);
    rig_until_state(&rig, "waiting");
    stage_device_says(master, MESSAGE);
    while (flow_held(&rig_session(&rig, 0)->up) == 0) {
        bench_turn(&stage->bench);
    }
    stage_device_says(master, SECOND);
    stage->servers[0].port = hospital->port;
    bench_run_until(&stage->bench, &hospital->secured, 1);
    cr_expect(hospital_hears(hospital, hospital_last(hospital), MESSAGE SECOND));
    cr_expect_eq(rig_look(&rig)->lost_bytes, 0);
    close(master);
}

static bool port_is_read(void *arg)
{
    (void)arg;
    return session_state(rig_session(&rig, 0)) == SESSION_STATE_DOWN &&
           session_has_local(rig_session(&rig, 0));
}

Test(device_port, start_data_dials_at_the_first_byte)
{
    int master = rig_use_serial(&rig);
    stage->conf.start = CONF_START_DATA;
    rig_start(&rig);
    bench_run_while_not(&stage->bench, port_is_read, NULL);
    for (int i = 0; i < 10; i++) {
        bench_turn(&stage->bench);
    }
    cr_expect_eq(hospital->count, 0);
    cr_expect_str_eq(rig_look(&rig)->words, "waiting for the device's first byte");
    stage_device_says(master, MESSAGE);
    bench_run_until(&stage->bench, &hospital->secured, 1);
    cr_expect(hospital_hears(hospital, hospital_last(hospital), MESSAGE));
    close(master);
}

Test(device_port, start_data_goes_on_dialling_for_what_is_held)
{
    int master = rig_use_serial(&rig);
    stage->conf.start = CONF_START_DATA;
    stage->servers[0].port = fixture_dead_port();
    rig_start(&rig);
    bench_run_while_not(&stage->bench, port_is_read, NULL);
    stage_device_says(master, MESSAGE);
    rig_until_state(&rig, "waiting");
    stage->servers[0].port = hospital->port;
    bench_run_until(&stage->bench, &hospital->secured, 1);
    cr_expect(hospital_hears(hospital, hospital_last(hospital), MESSAGE));
    close(master);
}

Test(device_port, start_data_does_not_dial_again_for_what_was_delivered)
{
    int master = rig_use_serial(&rig);
    stage->conf.start = CONF_START_DATA;
    rig_start(&rig);
    bench_run_while_not(&stage->bench, port_is_read, NULL);
    stage_device_says(master, MESSAGE);
    bench_run_until(&stage->bench, &hospital->secured, 1);
    struct hospital_link *far = hospital_last(hospital);
    stage_device_says(master, SECOND);
    cr_expect(hospital_hears(hospital, far, MESSAGE SECOND));
    endpoint_close(far->ear.ep, NULL);
    rig_until_words(&rig, "waiting for the device's first byte");
    for (int i = 0; i < 10; i++) {
        bench_turn(&stage->bench);
    }
    cr_expect_eq(hospital->count, 1);
    stage_device_says(master, MESSAGE);
    bench_run_until(&stage->bench, &hospital->secured, 2);
    close(master);
}

Test(device_port, unplugging_closes_the_link_and_plugging_brings_it_back)
{
    char link[] = "/tmp/wardgate-port-XXXXXX";
    char first_path[64];
    int first = rig_use_serial(&rig);
    memcpy(first_path, rig.port_path, sizeof(first_path));
    int placeholder = mkstemp(link);
    cr_assert_geq(placeholder, 0);
    close(placeholder);
    cr_assert_eq(unlink(link), 0);
    cr_assert_eq(symlink(first_path, link), 0); /* as udev names a port */
    stage->conf.port.path = link;
    stage->conf.port.text = link;
    rig_start(&rig);
    bench_run_until(&stage->bench, &hospital->secured, 1);
    rig_until_state(&rig, "up");
    cr_assert_eq(unlink(link), 0);
    close(first);
    rig_until_state(&rig, "device-gone");
    cr_expect_not(rig_look(&rig)->port_open);
    cr_expect_eq(rig.shown.last_fault.side, FAULT_SIDE_DEVICE);
    bench_run_until(&stage->bench, &hospital->links[0].ear.eofs, 1);

    int second = rig_use_serial(&rig);
    cr_assert_eq(symlink(rig.port_path, link), 0);
    stage->conf.port.path = link;
    bench_run_until(&stage->bench, &hospital->secured, 2);
    stage_device_says(second, MESSAGE);
    cr_expect(hospital_hears(hospital, hospital_last(hospital), MESSAGE));
    cr_assert_eq(unlink(link), 0);
    close(second);
}

/* ---- a serial port and hospitals that dial in ---- */

Test(device_port, the_port_is_lent_to_one_accepted_link_and_another_peer_is_refused)
{
    int master = rig_use_serial(&rig);
    rig_listen(&rig);
    struct fault f;
    static struct name_rule two[2];
    cr_assert_eq(name_rule_parse("uri:urn:hospital:bms", &two[0], &f), 0);
    cr_assert_eq(name_rule_parse("dns:monitor-7.ward.example", &two[1], &f), 0);
    stage->conf.allow = two;
    stage->conf.allow_count = 2;
    struct hospital *other = &stage->hospitals[1];
    identity_release(other->identity);
    other->identity = fixture_identity("monitor-7");
    rig_start(&rig);
    rig_until_state(&rig, "listening");
    struct hospital_link *one = rig_hospital_dials(&rig, hospital);
    rig_until_state(&rig, "up");
    bench_run_until(&stage->bench, &hospital->secured, 1);
    struct hospital_link *two_link = rig_hospital_dials(&rig, other);
    bench_run_until(&stage->bench, &two_link->ear.eofs, 1);
    stage_device_says(master, MESSAGE);
    cr_expect(hospital_hears(hospital, one, MESSAGE));
    cr_expect_eq(two_link->ear.len, 0, "the device's bytes went to a second peer");
    cr_expect_eq(rig_look(&rig)->last_fault.code, FAULT_BUSY);
    cr_expect_eq(rig.shown.refusals, 1);
    close(master);
}

Test(device_port, a_newer_link_of_the_same_peer_replaces_the_old)
{
    int master = rig_use_serial(&rig);
    rig_listen(&rig);
    rig_start(&rig);
    rig_until_state(&rig, "listening");
    struct hospital_link *old = rig_hospital_dials(&rig, hospital);
    rig_until_state(&rig, "up");
    struct hospital_link *new = rig_hospital_dials(&rig, hospital);
    bench_run_until(&stage->bench, &old->ear.eofs, 1);
    bench_run_until(&stage->bench, &hospital->secured, 2);
    stage_device_says(master, MESSAGE);
    cr_expect(hospital_hears(hospital, new, MESSAGE));
    cr_expect_eq(old->ear.len, 0);
    hospital_say(new, ACK);
    cr_expect(stage_device_hears(stage, master, ACK));
    cr_expect_eq(rig_look(&rig)->refusals, 0);
    close(master);
}

Test(device_port, bytes_while_no_hospital_is_there_are_dropped_to_a_messages_edge)
{
    int master = rig_use_serial(&rig);
    stage->conf.while_down = CONF_DOWN_DROP;
    rig_listen(&rig);
    rig_start(&rig);
    rig_until_state(&rig, "listening");
    stage_device_says(master, MESSAGE "\x0bMSH");
    while (rig_look(&rig)->lost_bytes < strlen(MESSAGE) + 4) {
        bench_turn(&stage->bench);
    }
    struct hospital_link *far = rig_hospital_dials(&rig, hospital);
    rig_until_state(&rig, "up");
    stage_device_says(master, "|rest\x1c\x0d" SECOND);
    cr_expect(hospital_hears(hospital, far, SECOND));
    close(master);
}

Test(device_port, block_leaves_the_bytes_unread_while_no_hospital_is_there)
{
    int master = rig_use_serial(&rig);
    rig_listen(&rig);
    rig_start(&rig);
    rig_until_state(&rig, "listening");
    stage_device_says(master, MESSAGE);
    /* Long enough for the bytes to come through the pseudo-terminal, on a busy machine, too. */
    uint64_t until_ms = uv_hrtime() / 1000000 + 300;
    while (uv_hrtime() / 1000000 < until_ms) {
        bench_turn(&stage->bench);
    }
    struct hospital_link *far = rig_hospital_dials(&rig, hospital);
    cr_expect(hospital_hears(hospital, far, MESSAGE));
    cr_expect_eq(rig_look(&rig)->lost_bytes, 0);
    close(master);
}

static char absent[] = "/dev/no-such-port";

Test(device_port, a_hospital_is_refused_while_the_device_is_not_there)
{
    (void)close(rig_use_serial(&rig));
    stage->conf.port.path = absent;
    rig_listen(&rig);
    rig_start(&rig);
    rig_until_state(&rig, "device-gone");
    (void)rig_hospital_dials(&rig, hospital);
    cr_expect_eq(rig.refused, 1);
    cr_expect_eq(rig_look(&rig)->last_fault.code, FAULT_GONE);
    cr_expect_eq(rig.shown.last_fault.side, FAULT_SIDE_DEVICE);
}

Test(device_port, nothing_is_dialled_for_a_port_that_is_not_there)
{
    (void)close(rig_use_serial(&rig));
    stage->conf.port.path = absent;
    rig_start(&rig);
    rig_until_state(&rig, "device-gone");
    for (int i = 0; i < 20; i++) {
        bench_turn(&stage->bench);
    }
    cr_expect_eq(hospital->count, 0);
}

/* ---- a TCP device that the gateway dials ---- */

static int device_listener;

static void use_tcp_device(void)
{
    static char host[] = "127.0.0.1";
    static char text[] = "tcp:127.0.0.1";
    uint16_t port = 0;
    device_listener = bench_listen_plain(&port);
    stage->conf.port = (struct conf_port){
        .kind = CONF_PORT_TCP, .address = {.host = host, .port = port}, .text = text};
}

Test(device_port, a_tcp_device_is_told_by_a_close_that_its_link_is_over_and_dialled_again)
{
    use_tcp_device();
    rig_start(&rig);
    int fd = bench_accept_plain(&stage->bench, device_listener);
    bench_run_until(&stage->bench, &hospital->secured, 1);
    rig_until_state(&rig, "up");
    endpoint_close(hospital_last(hospital)->ear.ep, NULL);
    cr_expect(bench_sees_end(&stage->bench, fd));
    close(fd);
    fd = bench_accept_plain(&stage->bench, device_listener);
    bench_run_until(&stage->bench, &hospital->secured, 2);
    stage_device_says(fd, MESSAGE);
    cr_expect(hospital_hears(hospital, hospital_last(hospital), MESSAGE));
    close(fd);
    close(device_listener);
}

Test(device_port, a_tcp_device_that_leaves_before_it_spoke_is_dialled_again)
{
    use_tcp_device();
    stage->conf.start = CONF_START_DATA;
    rig_start(&rig);
    int fd = bench_accept_plain(&stage->bench, device_listener);
    bench_run_while_not(&stage->bench, port_is_read, NULL);
    close(fd);
    fd = bench_accept_plain(&stage->bench, device_listener);
    bench_run_while_not(&stage->bench, port_is_read, NULL);
    stage_device_says(fd, MESSAGE);
    bench_run_until(&stage->bench, &hospital->secured, 1);
    cr_expect(hospital_hears(hospital, hospital_last(hospital), MESSAGE));
    close(fd);
    close(device_listener);
}
