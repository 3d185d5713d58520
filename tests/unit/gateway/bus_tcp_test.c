#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "gateway/bus_private.h"
#include "tests/unit/gateway/bus_bench.h"

static struct rig rig;
static struct master one;

static void start(void (*script)(struct slave *s, struct span frame))
{
    rig_open_tcp(&rig);
    rig.slave.script = script;
    master_join(&one, &rig);
}

static void stop(void)
{
    master_leave(&one);
    rig_close(&rig);
}

static const struct bus_counters *counters(void)
{
    return bus_device_counters(rig.device);
}

Test(bus_tcp, answers_come_through)
{
    start(NULL);
    master_expect(&one, "11 03 0010 0003", "11 03 06 0010 0011 0012");
    master_expect(&one, "11 06 0010 1234", "11 06 0010 1234");
    cr_expect_eq(counters()->request_bytes, 24);
    cr_expect_eq(counters()->answer_bytes, 15 + 12);
    stop();
}

/* The device sees our transactions, not the masters': two masters may use the same ones. */
Test(bus_tcp, gives_each_request_its_own_transaction)
{
    start(NULL);
    one.asked = 0x7000;
    master_expect(&one, "11 03 0010 0001", "11 03 02 0010");
    one.asked = 0x7000;
    master_expect(&one, "11 03 0011 0001", "11 03 02 0011");
    cr_expect_neq(memcmp(rig.slave.requests[0].bytes, rig.slave.requests[1].bytes, 2), 0);
    stop();
}

Test(bus_tcp, may_ask_unit_0_and_255)
{
    rig_prepare(&rig, true);
    rig.units.bus_unit[1] = 0;
    rig.units.bus_unit[2] = 255;
    rig_run(&rig);
    master_join(&one, &rig);
    master_expect(&one, "01 03 0010 0001", "01 03 02 0010");
    master_expect(&one, "02 03 0010 0001", "02 03 02 0010");
    cr_expect_eq(rig.slave.requests[0].bytes[6], 0);
    cr_expect_eq(rig.slave.requests[1].bytes[6], 255);
    stop();
}

Test(bus_tcp, refuses_unmapped_units)
{
    start(NULL);
    master_expect(&one, "12 03 0010 0001", "12 83 0A");
    cr_expect_eq(rig.slave.count, 0);
    stop();
}

/* Say one thing for every request, with its transaction in front; arg is the rest. */
static void say_arg(struct slave *s, struct span frame)
{
    char text[120];

    if (s->count > 1) {
        slave_answer(s, frame, 0);
        return;
    }
    (void)snprintf(text, sizeof text, "%02X%02X %s", frame.data[0], frame.data[1],
                   (const char *)s->arg);
    slave_say(s, 0, text);
}

static void expect_refused(const char *answer)
{
    start(say_arg);
    rig.slave.arg = (void *)(uintptr_t)answer;
    master_expect(&one, "11 03 0000 0001", "11 83 0B");
    cr_expect_eq(counters()->mismatch, 1);
    master_expect(&one, "11 03 0042 0001", "11 03 02 0042");
    stop();
}

Test(bus_tcp, refuses_another_units_answer)
{
    expect_refused("0000 0005 12 03 02 0000");
}

Test(bus_tcp, refuses_wrong_function)
{
    expect_refused("0000 0005 11 04 02 0000");
}

Test(bus_tcp, refuses_wrong_byte_count)
{
    expect_refused("0000 0007 11 03 04 0000 0000");
}

static void say_other_transaction(struct slave *s, struct span frame)
{
    char text[64];
    unsigned other = (frame.data[0] * 256U + frame.data[1] - 1) & 0xFFFF;

    (void)snprintf(text, sizeof text, "%04X 0000 0005 11 03 02 DEAD", other);
    slave_say(s, 0, text);
    slave_answer(s, frame, 20);
}

Test(bus_tcp, passes_over_other_transactions)
{
    start(say_other_transaction);
    master_expect(&one, "11 03 0010 0001", "11 03 02 0010");
    cr_expect_eq(counters()->late, 1);
    stop();
}

static void answer_first_late(struct slave *s, struct span frame)
{
    slave_answer(s, frame, s->count == 1 ? *(uint64_t *)s->arg : 0);
}

Test(bus_tcp, a_late_answer_never_reaches_the_next_request, .timeout = 60)
{
    for (uint64_t late_ms = 80; late_ms <= 260; late_ms += 15) {
        start(answer_first_late);
        rig.slave.arg = &late_ms;
        master_ask(&one, "11 03 AAAA 0001");
        master_ask(&one, "11 03 BBBB 0001");
        master_wait(&one, 2);
        cr_expect(master_heard(&one, 0, 1, "11 03 02 AAAA") ||
                  master_heard(&one, 0, 1, "11 83 0B"));
        cr_expect(master_heard(&one, 1, 2, "11 03 02 BBBB"));
        stop();
    }
}

Test(bus_tcp, a_slow_unit_is_noted_and_given_twice_the_time)
{
    uint64_t late_ms = 150;

    start(answer_first_late);
    rig.slave.arg = &late_ms;
    master_expect(&one, "11 03 AAAA 0001", "11 83 0B");
    rig_wait(&rig, 120);
    cr_expect_eq(counters()->late, 1);
    cr_expect_eq(rig_notes(&rig, "slow-device unit 17 function 3"), 1);
    rig.slave.count = 0;
    master_expect(&one, "11 03 CCCC 0001", "11 03 02 CCCC");
    stop();
}

/* The slow unit is also known when the next request went out before its late answer came. */
Test(bus_tcp, a_late_answer_behind_the_next_request_is_known)
{
    uint64_t late_ms = 150;

    start(answer_first_late);
    rig.slave.arg = &late_ms;
    master_ask(&one, "11 03 AAAA 0001");
    master_ask(&one, "11 03 BBBB 0001");
    master_wait(&one, 2);
    rig_wait(&rig, 120);
    cr_expect_eq(rig_notes(&rig, "slow-device"), 1);
    stop();
}

static void say_in_pieces(struct slave *s, struct span frame)
{
    char text[8];

    (void)snprintf(text, sizeof text, "%02X", frame.data[0]);
    slave_say(s, 1, text);
    (void)snprintf(text, sizeof text, "%02X", frame.data[1]);
    slave_say(s, 4, text);
    slave_say(s, 7, "0000 00");
    slave_say(s, 40, "05 11 03 02");
    slave_say(s, 60, "12 34");
}

Test(bus_tcp, an_answer_may_come_in_pieces)
{
    start(say_in_pieces);
    master_expect(&one, "11 03 0010 0001", "11 03 02 1234");
    stop();
}

/* A stream that can not be followed is closed; what waits is told 0A, and the link comes again. */
Test(bus_tcp, closes_a_link_with_a_broken_header)
{
    start(say_arg);
    rig.slave.arg = (void *)(uintptr_t) "0001 0005 11 03 02 0000";
    master_ask(&one, "11 03 0000 0001");
    master_ask(&one, "11 03 0000 0001");
    master_wait(&one, 2);
    cr_expect(master_heard(&one, 0, 1, "11 83 0B"));
    cr_expect(master_heard(&one, 1, 2, "11 83 0A"));
    cr_expect_eq(rig.fault.code, FAULT_FRAME);
    bench_run_until(&rig.bench, &rig.ups, 2);
    master_expect(&one, "11 03 0042 0001", "11 03 02 0042");
    stop();
}

/* Many devices close an idle link: it is dialled again at once. */
Test(bus_tcp, dials_again_when_the_device_closed)
{
    start(NULL);
    master_expect(&one, "11 03 0010 0001", "11 03 02 0010");
    slave_leave(&rig.slave);
    bench_run_until(&rig.bench, &rig.downs, 1);
    cr_expect_eq(rig.fault.code, FAULT_CLOSED);
    cr_expect_not_null(bus_device_fault(rig.device));
    bench_run_until(&rig.bench, &rig.ups, 2);
    cr_expect_null(bus_device_fault(rig.device));
    master_expect(&one, "11 03 0010 0001", "11 03 02 0010");
    stop();
}

/* A device that never answers any more may have restarted unnoticed: after three the link is made
 * anew. */
Test(bus_tcp, dials_again_after_three_silences)
{
    start(slave_be_silent);
    master_expect(&one, "11 03 0010 0001", "11 83 0B");
    master_expect(&one, "11 03 0010 0001", "11 83 0B");
    cr_expect_eq(rig.downs, 0);
    master_expect(&one, "11 03 0010 0001", "11 83 0B");
    cr_expect_eq(rig.downs, 1);
    bench_run_until(&rig.bench, &rig.ups, 2);
    rig.slave.script = NULL;
    master_expect(&one, "11 03 0010 0001", "11 03 02 0010");
    stop();
}

/* When the loop had more to do than one turn holds, the answer may be there, unread. */
Test(bus_tcp, does_not_believe_in_silence_while_input_was_put_off)
{
    start(slave_be_silent);
    rig.bench.io.has_put_off = true;
    master_ask(&one, "11 03 0010 0001");
    rig_wait(&rig, rig.conf.response_timeout_ms + 50);
    cr_expect_eq(one.count, 0);
    rig.bench.io.has_put_off = false;
    master_wait(&one, 1);
    cr_expect(master_heard(&one, 0, 1, "11 83 0B"));
    stop();
}
