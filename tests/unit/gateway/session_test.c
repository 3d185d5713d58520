#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "gateway/session.h"
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

TestSuite(session, .init = setup, .fini = teardown);

static void expect_trace(const enum session_state *states, unsigned count)
{
    cr_expect_eq(stage.changes, count, "%u changes", stage.changes);
    for (unsigned i = 0; i < count && i < stage.changes; i++) {
        cr_expect_eq(stage.trace[i], states[i], "%u is %s", i,
                     session_table_state_name(stage.trace[i]));
    }
}

Test(session, client_walks_to_up_and_data_passes_both_ways)
{
    stage_make(&stage, true);
    int fd = stage_attach(&stage);
    struct hospital_link *far = stage_link_up(&stage);
    stage_device_says(fd, MESSAGE);
    cr_expect(hospital_hears(&stage.hospitals[0], far, MESSAGE));
    hospital_say(far, ACK);
    cr_expect(stage_device_hears(&stage, fd, ACK));
    cr_expect_eq(stage.host.sessions, 1);
    cr_expect_eq(stage.host.up.messages, 1);
    cr_expect_eq(stage.host.down.messages, 1);
    cr_expect_eq(stage.host.down.bytes, strlen(ACK));

    const enum session_state walk[] = {SESSION_STATE_DIALING, SESSION_STATE_HANDSHAKE,
                                       SESSION_STATE_UP};

    /* CHECKING passes within HANDSHAKE's event: its answer is there at once. */
    expect_trace(walk, 3);
    close(fd);
}

Test(session, server_role_walks_to_up_and_ends_with_its_link)
{
    stage.conf.listens = true;
    stage.conf.allow = &stage.allow;
    stage.conf.allow_count = 1;
    struct fault f;
    cr_assert_eq(name_rule_parse("uri:urn:hospital:bms", &stage.allow, &f), 0);
    struct hospital *bms = &stage.hospitals[0];
    identity_release(bms->identity);
    bms->identity = fixture_identity("bms");
    stage_make(&stage, false);
    struct hospital_link *far = stage_accept(&stage, bms);
    stage_until(&stage, SESSION_STATE_UP);
    int fd = stage_attach(&stage);
    bench_run_until(&stage.bench, &bms->secured, 1);
    hospital_say(far, MESSAGE);
    cr_expect(stage_device_hears(&stage, fd, MESSAGE));
    endpoint_close(far->ear.ep, NULL);
    cr_expect(bench_sees_end(&stage.bench, fd));
    close(fd);
    bench_run_until(&stage.bench, &stage.ended, 1);
    cr_expect_eq(stage_count(&stage, SESSION_STATE_WAITING), 0,
                 "an accepted link is not redialled");
}

Test(session, refused_dial_waits_between_retry_min_and_the_growing_ceiling)
{
    stage.servers[0].port = fixture_dead_port();
    stage_make(&stage, true);
    session_start(stage.session);
    bench_run_until(&stage.bench, &stage.waits, 6);
    for (unsigned i = 0; i < 6; i++) {
        uint64_t ceiling = i == 0 ? 20 : i == 1 ? 40 : 80;
        cr_expect_geq(stage.waits_ms[i], 20, "wait %u", i);
        cr_expect_leq(stage.waits_ms[i], ceiling, "wait %u is %u", i, (unsigned)stage.waits_ms[i]);
    }
    cr_expect_eq(stage.host.last_fault.code, FAULT_REFUSED);
    cr_expect_eq(stage.host.last_fault.side, FAULT_SIDE_SERVER);
    cr_expect_eq(stage.host.sessions, 0);
}

Test(session, the_back_off_is_over_when_the_host_does_not_want_to_dial)
{
    stage.servers[0].port = fixture_dead_port();
    stage.wants_dial = false;
    stage_make(&stage, true);
    session_start(stage.session);
    stage_until(&stage, SESSION_STATE_WAITING);
    while (session_wait_left_ms(stage.session) > 0) {
        bench_turn(&stage.bench);
    }
    bench_turn(&stage.bench);
    cr_expect_eq(session_state(stage.session), SESSION_STATE_WAITING);
    stage.servers[0].port = stage.hospitals[0].port;
    session_start(stage.session);
    stage_until(&stage, SESSION_STATE_UP);
}

Test(session, closes_in_good_order_when_both_sides_have_ended)
{
    stage_make(&stage, true);
    int fd = stage_attach(&stage);
    struct hospital_link *far = stage_link_up(&stage);
    stage_device_says(fd, MESSAGE);
    cr_assert_eq(shutdown(fd, SHUT_WR), 0);
    cr_expect(hospital_hears(&stage.hospitals[0], far, MESSAGE));
    cr_expect(bench_sees_end(&stage.bench, fd)); /* the hospital finishes when it hears the end */
    stage_until(&stage, SESSION_STATE_WAITING);
    cr_expect_eq(far->ear.eofs, 1);
    cr_expect_eq(stage.session->cause.code, FAULT_NONE);
    cr_expect_eq(stage.host.last_fault.code, FAULT_NONE, "nobody failed");
    cr_expect_eq(stage.waits_ms[0], 20, "an end in good order says nothing against the server");
    close(fd);
}

Test(session, the_device_may_end_first_and_still_get_answers)
{
    stage.hospitals[0].finishes = false;
    stage_make(&stage, true);
    int fd = stage_attach(&stage);
    struct hospital_link *far = stage_link_up(&stage);
    stage_device_says(fd, MESSAGE);
    cr_assert_eq(shutdown(fd, SHUT_WR), 0);
    bench_run_until(&stage.bench, &far->ear.eofs, 1);
    cr_expect(ear_heard(&far->ear, MESSAGE));
    hospital_say(far, ACK);
    cr_expect(stage_device_hears(&stage, fd, ACK));
    cr_expect_eq(session_state(stage.session), SESSION_STATE_UP);
    endpoint_finish(far->ear.ep);
    cr_expect(bench_sees_end(&stage.bench, fd));
    stage_until(&stage, SESSION_STATE_WAITING);
    close(fd);
}

Test(session, the_server_may_end_first_and_still_get_messages)
{
    stage_make(&stage, true);
    int fd = stage_attach(&stage);
    struct hospital_link *far = stage_link_up(&stage);
    hospital_say(far, ACK);
    endpoint_finish(far->ear.ep);
    cr_expect(stage_device_hears(&stage, fd, ACK));
    cr_expect(bench_sees_end(&stage.bench, fd));
    stage_device_says(fd, MESSAGE);
    cr_expect(hospital_hears(&stage.hospitals[0], far, MESSAGE));
    cr_expect_eq(session_state(stage.session), SESSION_STATE_UP);
    close(fd);
    stage_until(&stage, SESSION_STATE_WAITING);
}

/* As long as a busy machine may let no test run, or it would take the pause for silence. */
enum { IDLE_MS = 1000, TICK_MS = 50, TICKS = IDLE_MS / TICK_MS + 4 };

static unsigned ticks;

static void on_tick(uv_timer_t *timer)
{
    ticks++;
    hospital_say(hospital_last(&stage.hospitals[0]), ACK);
    if (ticks == TICKS) {
        uv_close((uv_handle_t *)timer, NULL);
    }
}

Test(session, idle_timeout_ends_a_silent_link_and_data_keeps_it)
{
    static uv_timer_t metronome;
    stage.conf.idle_timeout_ms = IDLE_MS;
    stage_make(&stage, true);
    int fd = stage_attach(&stage);
    (void)stage_link_up(&stage);
    uv_timer_init(&stage.bench.io.loop, &metronome);
    uv_timer_start(&metronome, on_tick, TICK_MS, TICK_MS);
    bench_run_until(&stage.bench, &ticks, TICKS);
    cr_assert_eq(stage_count(&stage, SESSION_STATE_CLOSING), 0, "data keeps it");
    uint64_t last = uv_now(&stage.bench.io.loop);
    stage_until(&stage, SESSION_STATE_CLOSING);
    cr_expect_geq(uv_now(&stage.bench.io.loop) - last, IDLE_MS - 5);
    cr_expect_eq(stage.session->cause.code, FAULT_IDLE);
    close(fd);
}

Test(session, a_half_ended_link_is_not_kept_for_ever)
{
    stage.hospitals[0].finishes = false;
    stage_make(&stage, true);
    int fd = stage_attach(&stage);
    struct hospital_link *far = stage_link_up(&stage);
    cr_expect_not(uv_is_active((uv_handle_t *)&stage.session->timer));
    cr_assert_eq(shutdown(fd, SHUT_WR), 0);
    bench_run_until(&stage.bench, &far->ear.eofs, 1);
    cr_expect(uv_is_active((uv_handle_t *)&stage.session->timer));
    cr_expect_leq(uv_timer_get_due_in(&stage.session->timer), 60000);
    close(fd);
}

/* ---- stop ---- */

Test(session, stop_waits_for_the_ack_of_a_message_in_flight)
{
    stage_make(&stage, true);
    int fd = stage_attach(&stage);
    struct hospital_link *far = stage_link_up(&stage);
    stage_device_says(fd, MESSAGE);
    cr_expect(hospital_hears(&stage.hospitals[0], far, MESSAGE));
    session_stop(stage.session, false);
    bench_turn(&stage.bench);
    cr_assert_eq(session_state(stage.session), SESSION_STATE_STOPPING);
    hospital_say(far, ACK);
    cr_expect(stage_device_hears(&stage, fd, ACK));
    bench_run_until(&stage.bench, &stage.ended, 1);
    cr_expect_eq(stage.host.down.messages, 1);
    close(fd);
}

Test(session, stop_reads_on_to_the_end_of_a_message)
{
    stage_make(&stage, true);
    int fd = stage_attach(&stage);
    struct hospital_link *far = stage_link_up(&stage);
    stage_device_says(fd, "\x0bMSH");
    while (framer_pending(&stage.session->up.framer) == 0) {
        bench_turn(&stage.bench);
    }
    session_stop(stage.session, false);
    cr_assert_eq(session_state(stage.session), SESSION_STATE_STOPPING);
    stage_device_says(fd, "|1\x1c\x0d");
    cr_expect(hospital_hears(&stage.hospitals[0], far, MESSAGE));
    cr_expect_eq(stage.ended, 0, "its ACK is still to come");
    hospital_say(far, ACK);
    cr_expect(stage_device_hears(&stage, fd, ACK));
    bench_run_until(&stage.bench, &stage.ended, 1);
    close(fd);
}

Test(session, stop_begins_no_new_message)
{
    stage_make(&stage, true);
    int fd = stage_attach(&stage);
    struct hospital_link *far = stage_link_up(&stage);
    stage_device_says(fd, MESSAGE);
    cr_expect(hospital_hears(&stage.hospitals[0], far, MESSAGE));
    session_stop(stage.session, false);
    stage_device_says(fd, "\x0b"
                          "late\x1c\x0d");
    for (int i = 0; i < 20; i++) {
        bench_turn(&stage.bench);
    }
    session_port_drained(stage.session); /* what a slow device's socket brings meanwhile */
    for (int i = 0; i < 20; i++) {
        bench_turn(&stage.bench);
    }
    cr_expect_eq(stage.host.up.messages, 1);
    hospital_say(far, ACK);
    bench_run_until(&stage.bench, &stage.ended, 1);
    cr_expect_eq(far->record_count, 1);
    close(fd);
}

Test(session, stop_does_not_wait_for_the_ack_of_a_server_that_has_ended)
{
    stage.hospitals[0].finishes = false;
    stage_make(&stage, true);
    int fd = stage_attach(&stage);
    struct hospital_link *far = stage_link_up(&stage);
    stage_device_says(fd, MESSAGE);
    cr_expect(hospital_hears(&stage.hospitals[0], far, MESSAGE));
    session_stop(stage.session, false);
    endpoint_finish(far->ear.ep);
    uint64_t start = uv_now(&stage.bench.io.loop);
    bench_run_until(&stage.bench, &stage.ended, 1);
    cr_expect_lt(uv_now(&stage.bench.io.loop) - start, stage.conf.drain_timeout_ms);
    close(fd);
}

Test(session, stop_does_not_wait_for_a_message_of_a_device_that_has_ended)
{
    stage_make(&stage, true);
    int fd = stage_attach(&stage);
    (void)stage_link_up(&stage);
    stage_device_says(fd, "\x0bMSH");
    while (framer_pending(&stage.session->up.framer) == 0) {
        bench_turn(&stage.bench);
    }
    session_stop(stage.session, false);
    cr_assert_eq(shutdown(fd, SHUT_WR), 0);
    uint64_t start = uv_now(&stage.bench.io.loop);
    bench_run_until(&stage.bench, &stage.ended, 1);
    cr_expect_lt(uv_now(&stage.bench.io.loop) - start, stage.conf.drain_timeout_ms);
    cr_expect_eq(stage.host.up.lost, 4);
    close(fd);
}

Test(session, drain_timeout_bounds_a_stop)
{
    stage.conf.drain_timeout_ms = 50;
    stage_make(&stage, true);
    int fd = stage_attach(&stage);
    struct hospital_link *far = stage_link_up(&stage);
    stage_device_says(fd, MESSAGE);
    cr_expect(hospital_hears(&stage.hospitals[0], far, MESSAGE));
    uint64_t start = uv_now(&stage.bench.io.loop);
    session_stop(stage.session, false);
    bench_run_until(&stage.bench, &stage.ended, 1);
    cr_expect_geq(uv_now(&stage.bench.io.loop) - start, 45);
    close(fd);
}

Test(session, drain_timeout_bounds_a_stop_also_when_one_side_ends_meanwhile)
{
    stage.conf.drain_timeout_ms = 50;
    stage.hospitals[0].finishes = false;
    stage_make(&stage, true);
    int fd = stage_attach(&stage);
    struct hospital_link *far = stage_link_up(&stage);
    stage_device_says(fd, "\x0bMSH");
    while (framer_pending(&stage.session->up.framer) == 0) {
        bench_turn(&stage.bench);
    }
    session_stop(stage.session, false);
    endpoint_finish(far->ear.ep); /* a link of which one direction has ended may stay a minute */
    bench_run_until(&stage.bench, &stage.ended, 1);
    close(fd);
}

Test(session, a_second_stop_hurries)
{
    stage_make(&stage, true);
    int fd = stage_attach(&stage);
    struct hospital_link *far = stage_link_up(&stage);
    stage_device_says(fd, MESSAGE);
    cr_expect(hospital_hears(&stage.hospitals[0], far, MESSAGE));
    session_stop(stage.session, false);
    uint64_t start = uv_now(&stage.bench.io.loop);
    session_stop(stage.session, true);
    bench_run_until(&stage.bench, &stage.ended, 1);
    cr_expect_lt(uv_now(&stage.bench.io.loop) - start, stage.conf.drain_timeout_ms);
    close(fd);
}

static enum session_state stop_at;

static void stop_in_state(struct stage *st)
{
    if (session_state(st->session) == stop_at) {
        st->hook = NULL;
        session_stop(st->session, false);
    }
}

static void stop_in_each(enum session_state state)
{
    stop_at = state;
    stage.hook = stop_in_state;
    stage_make(&stage, true);
    int fd = stage_attach(&stage);
    if (state == SESSION_STATE_WAITING || state == SESSION_STATE_CLOSING) {
        stage.servers[0].port = fixture_dead_port();
    }
    session_start(stage.session);
    bench_run_until(&stage.bench, &stage.ended, 1);
    cr_expect_eq(stage_count(&stage, SESSION_STATE_DIALING), 1, "nothing dials after a stop");
    cr_expect_eq(stage_count(&stage, SESSION_STATE_ENDED), 1);
    close(fd);
}

Test(session, stop_while_dialing)
{
    stop_in_each(SESSION_STATE_DIALING);
}

Test(session, stop_in_handshake)
{
    stop_in_each(SESSION_STATE_HANDSHAKE);
}

Test(session, stop_when_just_up)
{
    stop_in_each(SESSION_STATE_UP);
}

Test(session, stop_while_closing)
{
    stop_in_each(SESSION_STATE_CLOSING);
}

Test(session, stop_while_waiting)
{
    stop_in_each(SESSION_STATE_WAITING);
}

Test(session, stop_when_down_and_stop_again)
{
    stage_make(&stage, true);
    int fd = stage_attach(&stage);
    session_stop(stage.session, false);
    session_stop(stage.session, true);
    bench_run_until(&stage.bench, &stage.ended, 1);
    cr_expect(bench_sees_end(&stage.bench, fd));
    close(fd);
}

Test(session, out_of_memory_fails_the_link_and_not_the_session)
{
    stage_make(&stage, true);
    mem_fail_nth(1); /* the endpoint */
    session_start(stage.session);
    mem_fail_nth(0);
    stage_until(&stage, SESSION_STATE_WAITING);
    cr_expect_eq(stage.host.last_fault.code, FAULT_MEMORY);
    stage_until(&stage, SESSION_STATE_UP);
    mem_fail_nth(1);
    cr_expect_null(session_new(&stage.host, true));
    mem_fail_nth(0);
}
