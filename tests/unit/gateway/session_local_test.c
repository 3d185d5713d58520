#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "tests/unit/gateway/link_stage.h"

#define MESSAGE "\x0bMSH|1\x1c\x0d"
#define SECOND  "\x0bMSH|2\x1c\x0d"
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

TestSuite(session_local, .init = setup, .fini = teardown);

static void run_until_bytes(const uint64_t *counter, uint64_t least)
{
    while (*counter < least) {
        bench_turn(&stage.bench);
    }
}

/* ---- while no link is up ---- */

Test(session_local, block_holds_the_device_and_delivers_in_order)
{
    stage_make(&stage, true);
    int fd = stage_attach(&stage);
    stage_device_says(fd, MESSAGE);
    while (flow_held(&stage.session->up) == 0) {
        bench_turn(&stage.bench);
    }
    stage_device_says(fd, SECOND);
    struct hospital_link *far = stage_link_up(&stage);
    cr_expect(hospital_hears(&stage.hospitals[0], far, MESSAGE SECOND));
    cr_expect_eq(stage.host.up.lost, 0);
    cr_expect_eq(far->record_count, 2);
    close(fd);
}

Test(session_local, drop_counts_as_lost_and_never_reaches_the_next_link)
{
    stage.conf.while_down = CONF_DOWN_DROP;
    stage_make(&stage, true);
    int fd = stage_attach(&stage);
    stage_device_says(fd, MESSAGE "\x0bMSH");
    run_until_bytes(&stage.host.up.lost, strlen(MESSAGE) + 4);
    struct hospital_link *far = stage_link_up(&stage);
    stage_device_says(fd, " its rest\x1c\x0d" SECOND);
    cr_expect(hospital_hears(&stage.hospitals[0], far, SECOND));
    cr_expect_eq(stage.host.up.lost, strlen(MESSAGE "\x0bMSH its rest\x1c\x0d"));
    cr_expect_eq(stage.host.up.messages, 1);
    close(fd);
}

Test(session_local, a_device_is_kept_while_no_server_can_be_had)
{
    stage.servers[0].port = fixture_dead_port();
    stage_make(&stage, true);
    int fd = stage_attach(&stage);
    stage_device_says(fd, MESSAGE);
    session_start(stage.session);
    bench_run_until(&stage.bench, &stage.waits, 3);
    stage.servers[0].port = stage.hospitals[0].port;
    stage_until(&stage, SESSION_STATE_UP);
    cr_expect(hospital_hears(&stage.hospitals[0], hospital_last(&stage.hospitals[0]), MESSAGE));
    close(fd);
}

Test(session_local, a_device_that_left_while_no_server_can_be_had_is_not_kept)
{
    stage.servers[0].port = fixture_dead_port();
    stage_make(&stage, true);
    int fd = stage_attach(&stage);
    session_start(stage.session);
    stage_until(&stage, SESSION_STATE_WAITING);
    cr_assert(session_has_local(stage.session));
    close(fd);
    while (session_has_local(stage.session)) {
        bench_turn(&stage.bench);
    }
}

Test(session_local, what_a_device_said_before_it_left_is_still_delivered)
{
    stage_make(&stage, true);
    int fd = stage_attach(&stage);
    stage_device_says(fd, MESSAGE);
    cr_assert_eq(shutdown(fd, SHUT_WR), 0);
    struct hospital_link *far = stage_link_up(&stage);
    cr_expect(hospital_hears(&stage.hospitals[0], far, MESSAGE));
    bench_run_until(&stage.bench, &far->ear.eofs, 1);
    close(fd);
}

/* ---- a standby link ---- */

Test(session_local, a_standby_link_holds_what_the_server_says_for_the_device)
{
    stage_make(&stage, true);
    struct hospital_link *far = stage_link_up(&stage);
    hospital_say(far, ACK);
    while (flow_held(&stage.session->down) == 0) {
        bench_turn(&stage.bench);
    }
    int fd = stage_attach(&stage);
    cr_expect(stage_device_hears(&stage, fd, ACK));
    close(fd);
}

Test(session_local, a_device_that_broke_off_spoils_no_message_of_the_next_one)
{
    stage_make(&stage, true);
    int fd = stage_attach(&stage);
    (void)stage_link_up(&stage);
    stage_device_says(fd, "\x0bhalf");
    while (framer_pending(&stage.session->up.framer) == 0) {
        bench_turn(&stage.bench);
    }
    fixture_reset(fd);
    stage_until(&stage, SESSION_STATE_WAITING);
    stage_until(&stage, SESSION_STATE_UP); /* the standby link */
    fd = stage_attach(&stage);
    stage_device_says(fd, MESSAGE);
    cr_expect(hospital_hears(&stage.hospitals[0], hospital_last(&stage.hospitals[0]), MESSAGE));
    cr_expect_eq(stage.host.up.lost, strlen("\x0bhalf"));
    close(fd);
}

Test(session_local, a_server_that_ends_a_standby_link_ends_it)
{
    stage_make(&stage, true);
    struct hospital_link *far = stage_link_up(&stage);
    endpoint_finish(far->ear.ep);
    stage_until(&stage, SESSION_STATE_WAITING);
    cr_expect_eq(stage.session->cause.code, FAULT_CLOSED);
    cr_expect_eq(stage.session->cause.side, FAULT_SIDE_SERVER);
}

/* ---- faults of either side ---- */

Test(session_local, a_reset_by_the_device_closes_the_link_and_blames_the_device)
{
    stage_make(&stage, true);
    int fd = stage_attach(&stage);
    struct hospital_link *far = stage_link_up(&stage);
    fixture_reset(fd);
    bench_run_until(&stage.bench, &far->ear.eofs, 1);
    stage_until(&stage, SESSION_STATE_WAITING);
    cr_expect_eq(stage.host.last_fault.code, FAULT_RESET);
    cr_expect_eq(stage.host.last_fault.side, FAULT_SIDE_DEVICE);
    cr_expect_eq(stage.waits_ms[0], 20, "the server is not to blame");
}

static char big[40000];

static const char *make_big(void)
{
    memset(big, 'x', sizeof(big) - 1);
    big[0] = '\x0b';
    return big;
}

Test(session_local, an_endless_message_of_the_device_closes_the_link)
{
    stage.conf.max_frame = 20000;
    stage_make(&stage, true);
    int fd = stage_attach(&stage);
    (void)stage_link_up(&stage);
    stage_device_says(fd, make_big());
    stage_until(&stage, SESSION_STATE_WAITING);
    cr_expect_eq(stage.host.last_fault.code, FAULT_TOO_LONG);
    cr_expect_eq(stage.host.last_fault.side, FAULT_SIDE_DEVICE);
    close(fd);
}

Test(session_local, an_endless_message_of_the_server_is_the_servers_fault)
{
    stage.conf.max_frame = 20000;
    stage_make(&stage, true);
    int fd = stage_attach(&stage);
    struct hospital_link *far = stage_link_up(&stage);
    hospital_say(far, make_big());
    stage_until(&stage, SESSION_STATE_WAITING);
    cr_expect_eq(stage.host.last_fault.code, FAULT_TOO_LONG);
    cr_expect_eq(stage.host.last_fault.side, FAULT_SIDE_SERVER);
    close(fd);
}

Test(session_local, silence_ends_a_line_whose_cr_came_last)
{
    stage.conf.protocol = CONF_PROTOCOL_LINE;
    stage_make(&stage, true);
    int fd = stage_attach(&stage);
    struct hospital_link *far = stage_link_up(&stage);
    stage_device_says(fd, "ab\r");
    cr_expect(hospital_hears(&stage.hospitals[0], far, "ab\r"));
    cr_expect_eq(stage.host.up.messages, 1);
    close(fd);
}

/* ---- the brake ---- */

enum { FLOOD = 24 * 1024 * 1024, FLOOD_STEP = 60000 };

static uint8_t flood[FLOOD_STEP];

/* Write raw bytes until nothing more is taken for a while; how many were. */
static size_t push(int fd, size_t total)
{
    size_t done = 0;
    for (unsigned idle = 0; idle < 200 && done < total;) {
        for (size_t i = 0; i < sizeof(flood); i++) {
            flood[i] = (uint8_t)((done + i) % 251);
        }
        size_t want = total - done < sizeof(flood) ? total - done : sizeof(flood);
        ssize_t got = write(fd, flood, want);
        cr_assert(got > 0 || errno == EAGAIN);
        done += got > 0 ? (size_t)got : 0;
        idle = got > 0 ? 0 : idle + 1;
        bench_turn(&stage.bench);
    }
    return done;
}

static size_t checked; /* bytes of the flood that were seen in their right order */

static void check_flood(const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        cr_assert_eq(data[i], (uint8_t)((checked + i) % 251), "at %zu", checked + i);
    }
    checked += len;
}

Test(session_local, a_server_that_does_not_read_stops_the_device)
{
    stage.conf.protocol = CONF_PROTOCOL_RAW;
    stage.hospitals[0].mood = HOSPITAL_IS_DEAF;
    stage_make(&stage, true);
    int fd = stage_attach(&stage);
    struct hospital_link *far = stage_link_up(&stage);
    size_t taken = push(fd, FLOOD);
    cr_expect_lt(taken, FLOOD, "the device must be stopped");
    cr_expect_leq(endpoint_parked(stage.session->secure), (size_t)2 * IO_READ_MAX);
    cr_assert_eq(shutdown(fd, SHUT_WR), 0);
    endpoint_read_start(far->ear.ep);
    bench_run_until(&stage.bench, &far->ear.eofs, 1);
    cr_expect_eq(far->ear.len, taken, "nothing is lost");
    check_flood(far->ear.data, EAR_DATA_MAX);
    cr_expect_eq(stage.host.up.lost, 0);
    close(fd);
}

Test(session_local, a_device_that_does_not_read_stops_the_server)
{
    stage.conf.protocol = CONF_PROTOCOL_RAW;
    stage_make(&stage, true);
    int fd = stage_attach(&stage);
    struct hospital_link *far = stage_link_up(&stage);
    size_t said = 0;
    for (unsigned idle = 0; idle < 200 && said < FLOOD;) {
        if (!endpoint_is_clear(far->ear.ep)) {
            idle++;
            bench_turn(&stage.bench);
            continue;
        }
        for (size_t i = 0; i < sizeof(flood); i++) {
            flood[i] = (uint8_t)((said + i) % 251);
        }
        endpoint_write(far->ear.ep, span_of(flood, sizeof(flood)));
        said += sizeof(flood);
        idle = 0;
    }
    cr_expect_lt(said, FLOOD, "the server must be stopped");
    cr_expect_leq(endpoint_parked(stage.session->local), IO_READ_MAX);
    while (checked < said) {
        uint8_t got[4096];
        size_t len = bench_read(&stage.bench, fd, got,
                                said - checked < sizeof(got) ? said - checked : sizeof(got));
        cr_assert_gt(len, 0);
        check_flood(got, len);
    }
    cr_expect_eq(stage.host.down.bytes, said);
    close(fd);
}

/* ---- a port that is lent ---- */

static char port_path[64];
static struct endpoint *port;
static unsigned port_closed;

static void port_on_data(void *owner, struct span data)
{
    (void)owner;
    if (session_has_local(stage.session)) {
        session_port_data(stage.session, data);
    }
}

static void port_on_closed(void *owner, const struct fault *cause)
{
    (void)owner;
    port_closed++;
    if (stage.session != NULL && session_has_local(stage.session)) {
        session_port_gone(stage.session, cause);
    }
    endpoint_free(port);
}

static const struct endpoint_events port_events = {
    .on_data = port_on_data,
    .on_closed = port_on_closed,
};

/* A pseudo-terminal as the device's serial port; returns the device's end. */
static int open_port(void)
{
    static const struct conf_line line = {
        .rate = 9600, .data_bits = 8, .parity = CONF_PARITY_NONE, .stop_bits = 1};
    struct endpoint_owner owner = {&port_events, &stage, FAULT_SIDE_DEVICE};
    struct fault f;
    int master = bench_open_pty(port_path, sizeof(port_path));
    stage.conf.port.kind = CONF_PORT_SERIAL;
    port = endpoint_open_serial(&stage.bench.io, port_path, &line, &owner, &f);
    cr_assert_not_null(port, "%s", f.note);
    return master;
}

static void close_port(int master)
{
    if (stage.session != NULL) {
        session_stop(stage.session, true);
        bench_run_until(&stage.bench, &stage.ended, 1);
    }
    if (port_closed == 0) {
        endpoint_close(port, NULL);
        bench_run_until(&stage.bench, &port_closed, 1);
    }
    close(master);
}

Test(session_local, a_lent_port_stays_over_links_and_is_given_back_at_the_end)
{
    int master = open_port();
    stage_make(&stage, true);
    session_lend_port(stage.session, port);
    struct hospital_link *far = stage_link_up(&stage);
    stage_device_says(master, MESSAGE);
    cr_expect(hospital_hears(&stage.hospitals[0], far, MESSAGE));
    endpoint_close(far->ear.ep, NULL);
    stage_until(&stage, SESSION_STATE_WAITING);
    cr_expect(session_has_local(stage.session));
    cr_expect_eq(stage.local_back, 0);
    stage_until(&stage, SESSION_STATE_UP);
    stage_device_says(master, SECOND);
    cr_expect(hospital_hears(&stage.hospitals[0], hospital_last(&stage.hospitals[0]), SECOND));
    session_stop(stage.session, true);
    cr_expect_eq(stage.local_back, 1);
    close_port(master);
}

Test(session_local, a_serial_device_cannot_be_told_that_the_server_ended_so_the_link_is_over)
{
    int master = open_port();
    stage_make(&stage, true);
    session_lend_port(stage.session, port);
    struct hospital_link *far = stage_link_up(&stage);
    endpoint_finish(far->ear.ep);
    stage_until(&stage, SESSION_STATE_WAITING);
    cr_expect_eq(stage.session->cause.code, FAULT_CLOSED);
    close_port(master);
}

Test(session_local, a_port_that_goes_closes_the_link_and_blames_the_device)
{
    int master = open_port();
    stage_make(&stage, true);
    session_lend_port(stage.session, port);
    struct hospital_link *far = stage_link_up(&stage);
    close(master);
    bench_run_until(&stage.bench, &far->ear.eofs, 1);
    stage_until(&stage, SESSION_STATE_WAITING);
    cr_expect_eq(stage.host.last_fault.code, FAULT_GONE);
    cr_expect_eq(stage.host.last_fault.side, FAULT_SIDE_DEVICE);
    cr_expect_not(session_has_local(stage.session));
}

Test(session_local, a_port_lent_in_the_middle_of_a_message_gives_only_whole_ones)
{
    int master = open_port();
    stage.conf.protocol = CONF_PROTOCOL_LINE;
    stage_make(&stage, true);
    struct hospital_link *far = stage_link_up(&stage);
    /* Nobody had the port when the device said the beginning of a line. */
    (void)framer_step(&stage.host.idle_framer, span_of_text("hal"));
    stage.host.device_data_ms = io_now_ms(&stage.bench.io);
    session_lend_port(stage.session, port);
    stage_device_says(master, "f\nwhole\n");
    cr_expect(hospital_hears(&stage.hospitals[0], far, "whole\n"));
    cr_expect_eq(stage.host.up.lost, 2);
    close_port(master);
}

Test(session_local, silence_that_nobody_timed_ended_the_message)
{
    int master = open_port();
    stage.conf.protocol = CONF_PROTOCOL_GAP;
    stage_make(&stage, true);
    struct hospital_link *far = stage_link_up(&stage);
    (void)framer_step(&stage.host.idle_framer, span_of_text("long ago"));
    stage.host.device_data_ms = io_now_ms(&stage.bench.io) - stage.conf.gap_ms;
    session_lend_port(stage.session, port);
    stage_device_says(master, "now");
    cr_expect(hospital_hears(&stage.hospitals[0], far, "now"));
    cr_expect_eq(stage.host.up.lost, 0);
    close_port(master);
}

Test(session_local, silence_while_the_link_was_away_ended_the_message)
{
    int master = open_port();
    stage.conf.protocol = CONF_PROTOCOL_GAP;
    stage.conf.while_down = CONF_DOWN_DROP;
    stage_make(&stage, true);
    session_lend_port(stage.session, port);
    struct hospital_link *far = stage_link_up(&stage);
    stage_device_says(master, "cut");
    while (framer_pending(&stage.session->up.framer) == 0) {
        bench_turn(&stage.bench);
    }
    stage.wants_dial = false;
    endpoint_close(far->ear.ep, NULL);
    stage_until(&stage, SESSION_STATE_WAITING);
    while (io_now_ms(&stage.bench.io) - stage.host.device_data_ms < stage.conf.gap_ms) {
        bench_turn(&stage.bench);
    }
    far = stage_link_up(&stage);
    stage_device_says(master, "now");
    cr_expect(hospital_hears(&stage.hospitals[0], far, "now"));
    close_port(master);
}

Test(session_local, silence_ends_a_message_that_was_held)
{
    int master = open_port();
    stage.conf.protocol = CONF_PROTOCOL_GAP;
    stage_make(&stage, true);
    session_lend_port(stage.session, port);
    stage_device_says(master, "held");
    while (flow_held(&stage.session->up) == 0) {
        bench_turn(&stage.bench);
    }
    struct hospital_link *far = stage_link_up(&stage);
    cr_expect(hospital_hears(&stage.hospitals[0], far, "held"));
    cr_expect_eq(stage.host.up.messages, 1);
    close_port(master);
}

/* ---- a device that is dialled for each link ---- */

static struct hospital_link *accept_for_dialled(uint16_t device_port)
{
    static char host[] = "127.0.0.1";
    struct fault f;
    stage.conf.listens = true;
    stage.conf.allow = &stage.allow;
    stage.conf.allow_count = 1;
    cr_assert_eq(name_rule_parse("uri:urn:hospital:bms", &stage.allow, &f), 0);
    identity_release(stage.hospitals[0].identity);
    stage.hospitals[0].identity = fixture_identity("bms");
    stage.conf.port.kind = CONF_PORT_TCP;
    stage.conf.port.address = (struct conf_address){.host = host, .port = device_port};
    stage.host.dials_device = true;
    stage_make(&stage, false);
    return stage_accept(&stage, &stage.hospitals[0]);
}

Test(session_local, dials_the_device_once_the_peer_is_accepted)
{
    uint16_t device_port = 0;
    int listener = bench_listen_plain(&device_port);
    struct hospital_link *far = accept_for_dialled(device_port);
    cr_expect_eq(accept(listener, NULL, NULL), -1, "nobody may reach the device yet");
    bench_run_until(&stage.bench, &stage.hospitals[0].secured, 1);
    hospital_say(far, MESSAGE);
    int fd = bench_accept_plain(&stage.bench, listener);
    cr_expect(stage_device_hears(&stage, fd, MESSAGE));
    stage_device_says(fd, ACK);
    cr_expect(hospital_hears(&stage.hospitals[0], far, ACK));
    close(fd);
    close(listener);
}

Test(session_local, a_device_that_refuses_the_dial_ends_the_link)
{
    struct hospital_link *far = accept_for_dialled(fixture_dead_port());
    bench_run_until(&stage.bench, &stage.ended, 1);
    cr_expect_eq(stage.host.last_fault.code, FAULT_REFUSED);
    cr_expect_eq(stage.host.last_fault.side, FAULT_SIDE_DEVICE);
    bench_run_until(&stage.bench, &far->ear.eofs, 1);
}

static void finish_at_once(struct hospital *h, struct hospital_link *at, enum ear_event event)
{
    (void)h;
    if (event == EAR_SECURE) {
        endpoint_finish(at->ear.ep);
    }
}

Test(session_local, a_server_that_ended_before_the_device_was_reached_is_heard_there)
{
    uint16_t device_port = 0;
    int listener = bench_listen_plain(&device_port);
    stage.hospitals[0].hook = finish_at_once;
    (void)accept_for_dialled(device_port);
    int fd = bench_accept_plain(&stage.bench, listener);
    cr_expect(bench_sees_end(&stage.bench, fd));
    stage_device_says(fd, ACK);
    cr_expect(hospital_hears(&stage.hospitals[0], hospital_last(&stage.hospitals[0]), ACK));
    close(fd);
    bench_run_until(&stage.bench, &stage.ended, 1);
    close(listener);
}
