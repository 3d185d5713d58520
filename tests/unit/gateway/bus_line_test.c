#include <string.h>

#include <criterion/criterion.h>

#include "gateway/bus_private.h"
#include "tests/unit/gateway/bus_bench.h"

static struct rig rig;
static struct master one, two;

static void start(void (*script)(struct slave *s, struct span frame))
{
    rig_open(&rig);
    rig.slave.script = script;
    master_join(&one, &rig);
}

static void stop(void)
{
    master_leave(&one);
    rig_close(&rig);
}

Test(bus_line, says_0B_when_no_answer_comes)
{
    uint64_t begun = 0;

    start(slave_be_silent);
    begun = io_now_ms(&rig.bench.io);
    master_expect(&one, "11 03 0000 0001", "11 83 0B");
    cr_expect_geq(io_now_ms(&rig.bench.io) - begun, 100);
    cr_expect_eq(bus_device_counters(rig.device)->no_answer, 1);
    cr_expect_eq(rig.note_count, 0, "a read needs no note");
    stop();
}

/* The write is on the wire once, however long one waits, and its outcome is told as unknown. */
Test(bus_line, a_write_without_an_answer_is_sent_once)
{
    start(slave_be_silent);
    master_expect(&one, "11 06 0010 1234", "11 86 0B");
    rig_wait(&rig, 500);
    cr_expect_eq(rig.slave.count, 1);
    cr_expect_eq(rig.slave.part.len, 0);
    cr_expect_eq(rig_notes(&rig, "write-outcome-unknown unit 17 function 6"), 1);
    stop();
}

Test(bus_line, a_read_without_an_answer_is_sent_once)
{
    start(slave_be_silent);
    master_expect(&one, "11 03 0010 0001", "11 83 0B");
    rig_wait(&rig, 500);
    cr_expect_eq(rig.slave.count, 1);
    stop();
}

static void answer_after_20(struct slave *s, struct span frame)
{
    slave_answer(s, frame, 20);
}

/* Many requests of two masters: the device never has two at once. */
Test(bus_line, one_request_at_a_time)
{
    start(answer_after_20);
    master_join(&two, &rig);
    for (unsigned i = 0; i < 5; i++) {
        master_ask(&one, "11 03 0010 0001");
        master_ask(&two, "11 03 0020 0001");
    }
    master_wait(&one, 5);
    master_wait(&two, 5);
    cr_expect_eq(rig.slave.count, 10);
    for (unsigned i = 1; i < 10; i++) {
        cr_expect_geq(rig.slave.requests[i].at_ms - rig.slave.requests[i - 1].at_ms, 19);
    }
    master_leave(&two);
    stop();
}

/* The port goes away: 0B for what was sent, 0A for what was not, both at once. */
Test(bus_line, tells_sent_and_unsent_apart_when_the_port_goes)
{
    rig_prepare(&rig, false);
    rig.conf.response_timeout_ms = 5000;
    rig_run(&rig);
    rig.slave.script = slave_be_silent;
    master_join(&one, &rig);
    master_join(&two, &rig);
    master_ask(&one, "11 06 0010 1234");
    bench_run_until(&rig.bench, &rig.slave.count, 1);
    master_ask(&one, "11 06 0011 1234");
    master_ask(&two, "11 03 0012 0001");
    slave_leave(&rig.slave);
    bench_run_until(&rig.bench, &rig.downs, 1);
    cr_expect_eq(one.count, 2);
    cr_expect(master_heard(&one, 0, 1, "11 86 0B"));
    cr_expect(master_heard(&one, 1, 2, "11 86 0A"));
    cr_expect(master_heard(&two, 0, 1, "11 83 0A"));
    cr_expect_eq(rig_notes(&rig, "write-outcome-unknown"), 1);
    cr_expect_eq(bus_device_counters(rig.device)->no_answer, 1);
    cr_expect_eq(bus_device_counters(rig.device)->unavailable, 2);
    cr_expect_eq(rig.fault.side, FAULT_SIDE_DEVICE);
    master_leave(&two);
    stop();
}

/* Nothing of before goes out when the link comes back. */
Test(bus_line, sends_nothing_old_after_the_link_returned)
{
    rig_prepare(&rig, true);
    rig.conf.response_timeout_ms = 3000;
    rig_run(&rig);
    rig.slave.script = slave_be_silent;
    master_join(&one, &rig);
    master_ask(&one, "11 06 0010 1234");
    bench_run_until(&rig.bench, &rig.slave.count, 1);
    master_ask(&one, "11 06 0011 1234");
    master_ask(&one, "11 06 0012 1234");
    slave_leave(&rig.slave);
    bench_run_until(&rig.bench, &rig.ups, 2);
    rig.slave.script = NULL;
    rig_wait(&rig, 100);
    cr_expect_eq(one.count, 3);
    cr_expect_eq(rig.slave.count, 1);
    master_expect(&one, "11 03 0013 0001", "11 03 02 0013");
    cr_expect_eq(rig.slave.count, 2);
    stop();
}

static void hold_up(uint64_t ms)
{
    uint64_t until = uv_hrtime() + ms * 1000000;

    while (uv_hrtime() < until) {
    }
}

/* Bytes that came in unread before a request is sent mean that somebody talks: they are dropped,
 * and the request waits until the line is quiet. */
Test(bus_line, does_not_send_into_unread_input)
{
    uint64_t begun = 0;

    rig_prepare(&rig, false);
    rig.conf.line.rate = 1200; /* t3.5 = 32.08 ms */
    rig.conf.response_timeout_ms = 1000;
    rig_run(&rig);
    master_join(&one, &rig);
    rig_wait(&rig, 50);
    slave_say(&rig.slave, 0, "11 03 02 DEAD 7987");
    hold_up(30); /* the kernel hands it on in its own time */
    begun = uv_hrtime() / 1000000;
    master_expect(&one, "11 03 0010 0001", "11 03 02 0010");
    cr_expect_geq(uv_hrtime() / 1000000 - begun, 30);
    cr_expect_eq(bus_device_counters(rig.device)->junk_bytes, 7);
    stop();
}

/* The timer also serves the deadlines of those that wait: when it fires, the line may not be
 * quiet yet. */
Test(bus_line, sends_nothing_before_the_line_is_quiet)
{
    start(NULL);
    rig_wait(&rig, 20);
    master_ask(&one, "11 03 0010 0001");
    rig.bus->quiet_at_ns = uv_hrtime() + 60000000; /* the timer is set to now */
    rig_wait(&rig, 30);
    cr_expect_eq(rig.slave.count, 0);
    master_wait(&one, 1);
    cr_expect(master_heard(&one, 0, 1, "11 03 02 0010"));
    stop();
}

/* From the moment when the last bytes were heard, to the microsecond (Serial Line V1.02, 2.5.1.1).
 */
static void expect_pause(uint32_t rate, uint64_t pause_us)
{
    rig_prepare(&rig, false);
    rig.conf.line.rate = rate;
    rig_run(&rig);
    master_join(&one, &rig);
    master_expect(&one, "11 03 0010 0001", "11 03 02 0010");
    cr_expect_gt(rig.bus->heard_ns, 0);
    cr_expect_eq(rig.bus->quiet_at_ns - rig.bus->heard_ns, pause_us * 1000);
    stop();
}

Test(bus_line, pauses_for_exactly_three_and_a_half_characters)
{
    expect_pause(9600, 4011);
    expect_pause(19200, 2006);
    expect_pause(38400, 1750);
    expect_pause(115200, 1750);
}

/* A line that was just opened may be in the middle of something. */
Test(bus_line, pauses_when_the_port_came_up)
{
    uint64_t before_ns = uv_hrtime();

    rig_prepare(&rig, false);
    rig.conf.line.rate = 1200;
    rig_run(&rig);
    cr_expect_geq(rig.bus->quiet_at_ns, before_ns + 32084000);
    rig_close(&rig);
}

/* Asked while the pause lasts: only the fine timer waits for its end. */
static void expect_next_in_pause(struct master *m)
{
    if (m->count > 1) {
        return;
    }
    cr_expect_eq(rig.bus->pause.due_ns, 0, "nobody waits");
    rig.bus->quiet_at_ns = uv_hrtime() + 5000000;
    master_ask(m, "11 03 0011 0001");
    cr_expect_eq(rig.bus->pause.due_ns, rig.bus->quiet_at_ns);
}

Test(bus_line, what_waits_for_silence_is_sent_by_the_fine_timer)
{
    start(NULL);
    one.hook = expect_next_in_pause;
    master_ask(&one, "11 03 0010 0001");
    master_wait(&one, 2);
    cr_expect(master_heard(&one, 1, 2, "11 03 02 0011"));
    cr_expect_eq(rig.bus->pause.due_ns, 0);
    stop();
}

/* Its only master is gone: nothing is left to wake up for. */
Test(bus_line, does_not_wake_up_when_nothing_waits_any_more)
{
    start(NULL);
    rig.bus->quiet_at_ns = uv_hrtime() + 1000000000;
    master_ask(&one, "11 03 0010 0001");
    cr_expect_neq(rig.bus->pause.due_ns, 0);
    master_leave(&one);
    cr_expect_eq(rig.bus->pause.due_ns, 0);
    cr_expect_not(uv_is_active((uv_handle_t *)&rig.bus->timer));
    rig_close(&rig);
}

/* The loop was held up for longer than the timeout while the answer lay in the kernel: that is
 * not the device's silence. */
static void answer_and_hold_up(struct slave *s, struct span frame)
{
    slave_answer(s, frame, 0);
    hold_up(150);
}

Test(bus_line, a_held_up_loop_is_no_timeout)
{
    start(answer_and_hold_up);
    for (unsigned i = 0; i < 5; i++) {
        master_expect(&one, "11 03 0010 0001", "11 03 02 0010");
    }
    stop();
}

/* With flow control a request can wait inside the driver, unseen; after a timeout it must not
 * reach the device any more. The port is closed, which drops it, and opened anew. */
Test(bus_line, a_stopped_line_is_emptied_by_reopening)
{
    rig_prepare(&rig, false);
    rig.conf.line.flow = CONF_FLOW_RTSCTS;
    rig_run(&rig);
    rig.slave.script = slave_be_silent;
    master_join(&one, &rig);
    master_ask(&one, "11 06 0010 1234");
    master_ask(&one, "11 03 0010 0001");
    master_wait(&one, 2);
    cr_expect(master_heard(&one, 0, 1, "11 86 0B"));
    cr_expect(master_heard(&one, 1, 2, "11 83 0A"));
    cr_expect_eq(rig.downs, 1);
    cr_expect_eq(rig.fault.code, FAULT_TIMEOUT);
    bench_run_until(&rig.bench, &rig.ups, 2);
    rig.slave.script = NULL;
    master_expect(&one, "11 03 0010 0001", "11 03 02 0010");
    cr_expect_eq(rig.slave.count, 2);
    stop();
}

static void close_bus(struct master *m)
{
    bus_close(m->rig->bus);
}

/* The owner ends the bus from inside an answer, with more waiting. */
Test(bus_line, may_be_closed_from_inside_an_answer)
{
    start(NULL);
    one.hook = close_bus;
    master_ask(&one, "11 03 0010 0001");
    master_ask(&one, "11 03 0011 0001");
    master_ask(&one, "11 03 0012 0001");
    bench_run_until(&rig.bench, &rig.closed, 1);
    cr_expect_eq(one.count, 3);
    cr_expect(master_heard(&one, 0, 1, "11 03 02 0010"));
    cr_expect(master_heard(&one, 1, 2, "11 83 0A"));
    cr_expect(master_heard(&one, 2, 3, "11 83 0A"));
    stop();
}

Test(bus_line, closing_tells_sent_and_unsent_apart)
{
    start(slave_be_silent);
    master_ask(&one, "11 06 0010 1234");
    bench_run_until(&rig.bench, &rig.slave.count, 1);
    master_ask(&one, "11 06 0011 1234");
    bus_close(rig.bus);
    cr_expect_eq(one.count, 2);
    cr_expect(master_heard(&one, 0, 1, "11 86 0B"));
    cr_expect(master_heard(&one, 1, 2, "11 86 0A"));
    master_ask(&one, "11 03 0011 0001");
    cr_expect(master_heard(&one, 2, 3, "11 83 0A"));
    stop();
}
