#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "gateway/bus_private.h"
#include "tests/unit/gateway/bus_bench.h"
#include "tests/unit/protocols/hex.h"

/* What is taken as an answer and what is not: bus_reader_test.c. */
static struct rig rig;
static struct master one;

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

static const struct bus_counters *counters(void)
{
    return bus_device_counters(rig.device);
}

Test(bus_rtu, answers_come_through)
{
    start(NULL);
    master_expect(&one, "11 03 0010 0003", "11 03 06 0010 0011 0012");
    master_expect(&one, "11 01 0000 000A", "11 01 02 FFFF");
    master_expect(&one, "11 06 0010 1234", "11 06 0010 1234");
    master_expect(&one, "11 10 0010 0002 04 12345678", "11 10 0010 0002");
    cr_expect_eq(counters()->requests, 4);
    cr_expect_eq(counters()->answers, 4);
    cr_expect_eq(counters()->request_bytes, 8 + 8 + 8 + 13);
    cr_expect_eq(counters()->answer_bytes, 11 + 7 + 8 + 8);
    cr_expect_gt(counters()->last_answer_ms, 0);
    stop();
}

static void say_byte_by_byte(struct slave *s, struct span frame)
{
    (void)frame;
    slave_say(s, 1, "11");
    slave_say(s, 6, "03");
    slave_say(s, 11, "02 00");
    slave_say(s, 16, "00 79");
    slave_say(s, 21, "87");
}

Test(bus_rtu, an_answer_may_come_in_pieces)
{
    start(say_byte_by_byte);
    master_expect(&one, "11 03 0000 0001", "11 03 02 0000");
    cr_expect_eq(counters()->junk_bytes, 0);
    stop();
}

/* An answer that begins in time may end after the deadline. */
static void say_across_deadline(struct slave *s, struct span frame)
{
    (void)frame;
    slave_say(s, 85, "11 03 02");
    slave_say(s, 97, "00 00");
    slave_say(s, 109, "79 87");
}

Test(bus_rtu, an_answer_that_began_in_time_counts)
{
    start(say_across_deadline);
    master_expect(&one, "11 03 0000 0001", "11 03 02 0000");
    stop();
}

/* The first request is answered late, after arg milliseconds. */
static void answer_first_late(struct slave *s, struct span frame)
{
    slave_answer(s, frame, s->count == 1 ? *(uint64_t *)s->arg : 0);
}

/* Two equal reads of different registers, the first answered at any time around the timeout: its
 * value must never be told as the second one's. */
Test(bus_rtu, a_late_answer_never_reaches_the_next_request, .timeout = 60)
{
    for (uint64_t late_ms = 70; late_ms <= 180; late_ms += 5) {
        start(answer_first_late);
        rig.slave.arg = &late_ms;
        master_ask(&one, "11 03 AAAA 0001");
        master_ask(&one, "11 03 BBBB 0001");
        master_wait(&one, 2);
        cr_expect(master_heard(&one, 0, 1, "11 03 02 AAAA") ||
                  master_heard(&one, 0, 1, "11 83 0B"));
        cr_expect(master_heard(&one, 1, 2, "11 03 02 BBBB"), "late by %d", (int)late_ms);
        cr_expect_eq(rig.slave.count, 2);
        stop();
    }
}

Test(bus_rtu, a_late_answer_ends_the_quarantine)
{
    uint64_t late_ms = 300;
    uint64_t begun = 0;

    rig_prepare(&rig, false);
    rig.conf.response_timeout_ms = 200;
    rig_run(&rig);
    rig.slave.script = answer_first_late;
    rig.slave.arg = &late_ms;
    master_join(&one, &rig);
    begun = io_now_ms(&rig.bench.io);
    master_ask(&one, "11 03 AAAA 0001");
    master_ask(&one, "11 03 BBBB 0001");
    master_wait(&one, 2);
    cr_expect(master_heard(&one, 0, 1, "11 83 0B"));
    cr_expect(master_heard(&one, 1, 2, "11 03 02 BBBB"));
    cr_expect_lt(io_now_ms(&rig.bench.io) - begun, 390, "it waited for all of the quarantine");
    cr_expect_eq(counters()->late, 1);
    stop();
}

/* A late answer that is still coming in when the quarantine would be over is waited for. */
static void answer_first_across_the_end(struct slave *s, struct span frame)
{
    if (s->count > 1) {
        slave_answer(s, frame, 0);
        return;
    }
    slave_say(s, 183, "11 03");
    slave_say(s, 195, "02 AA");
    slave_say(s, 207, "AA 87");
    slave_say(s, 219, "58");
}

Test(bus_rtu, the_quarantine_outlasts_a_frame_that_has_begun)
{
    start(answer_first_across_the_end);
    master_ask(&one, "11 03 AAAA 0001");
    master_ask(&one, "11 03 BBBB 0001");
    master_wait(&one, 2);
    cr_expect(master_heard(&one, 0, 1, "11 83 0B"));
    cr_expect(master_heard(&one, 1, 2, "11 03 02 BBBB"));
    cr_expect_geq(rig.slave.requests[1].at_ms - rig.slave.requests[0].at_ms, 215);
    stop();
}

Test(bus_rtu, the_line_is_quiet_during_the_quarantine)
{
    start(slave_be_silent);
    master_ask(&one, "11 03 0000 0001");
    master_ask(&one, "11 03 0000 0001");
    master_wait(&one, 2);
    cr_expect_geq(rig.slave.requests[1].at_ms - rig.slave.requests[0].at_ms, 195);
    stop();
}

/* Nobody answers: the last bytes on the line are ours. */
Test(bus_rtu, pauses_after_its_own_bytes)
{
    start(slave_be_silent);
    master_expect(&one, "11 03 0000 0001", "11 83 0B");
    cr_expect_eq(rig.bus->heard_ns, 0);
    while (rig.bus->state == BUS_DRAINING) {
        bench_turn(&rig.bench);
    }
    cr_expect_eq(rig.bus->quiet_at_ns, rig.bus->wire.out_by_ns + 1750000);
    cr_expect_lt(rig.bus->wire.out_by_ns, uv_hrtime());
    stop();
}

Test(bus_rtu, a_slow_unit_is_noted_once_and_given_twice_the_time)
{
    uint64_t late_ms = 150;

    start(answer_first_late);
    rig.slave.arg = &late_ms;
    master_expect(&one, "11 03 AAAA 0001", "11 83 0B");
    rig_wait(&rig, 120);
    cr_expect_eq(rig_notes(&rig, "slow-device"), 1);
    /* 150 ms is in time now */
    rig.slave.count = 0;
    master_expect(&one, "11 03 CCCC 0001", "11 03 02 CCCC");
    /* late again: told, but not noted again */
    late_ms = 280;
    rig.slave.count = 0;
    master_expect(&one, "11 03 DDDD 0001", "11 83 0B");
    rig_wait(&rig, 150);
    cr_expect_eq(counters()->late, 2);
    cr_expect_eq(rig_notes(&rig, "slow-device"), 1);
    stop();
}

Test(bus_rtu, bytes_that_nobody_asked_for_are_dropped)
{
    start(NULL);
    slave_say(&rig.slave, 0, "11 03 02 DEAD 7987");
    rig_wait(&rig, 20);
    cr_expect_eq(rig.bus->quiet_at_ns, rig.bus->heard_ns + 1750000);
    master_expect(&one, "11 03 0010 0001", "11 03 02 0010");
    cr_expect_eq(counters()->junk_bytes, 7);
    stop();
}

static void echo(struct slave *s, struct span frame)
{
    slave_say_bytes(s, 0, frame);
}

/* An adapter that hears itself: the echo of a write would pass for its answer. */
Test(bus_rtu, no_write_goes_to_a_line_that_echoes)
{
    start(echo);
    master_expect(&one, "11 03 0010 0001", "11 83 0B");
    cr_expect_eq(rig_notes(&rig, "line-echo unit 17 function 3"), 1);
    master_expect(&one, "11 06 0010 1234", "11 86 0A");
    /* The read of another length before it comes back as well: what is read here is never sure. */
    master_expect(&one, "11 03 2010 0001", "11 83 0A");
    cr_expect_eq(rig_notes(&rig, "line-echo"), 1);
    for (unsigned i = 0; i < rig.slave.count; i++) {
        cr_expect_eq(rig.slave.requests[i].bytes[1], 3);
    }
    stop();
}

static unsigned count_asked(uint8_t function)
{
    unsigned count = 0;

    for (unsigned i = 0; i < rig.slave.count; i++) {
        count += rig.slave.requests[i].bytes[1] == function ? 1 : 0;
    }
    return count;
}

Test(bus_rtu, a_write_that_waited_when_the_echo_was_found_is_not_sent)
{
    start(echo);
    master_ask(&one, "11 03 0010 0001");
    master_ask(&one, "11 06 0010 1234");
    master_wait(&one, 2);
    cr_expect(master_heard(&one, 1, 2, "11 86 0A"));
    cr_expect_eq(count_asked(6), 0);
    stop();
}

Test(bus_rtu, an_adapter_that_echoes_does_so_when_it_is_opened_again)
{
    start(echo);
    master_expect(&one, "11 03 0010 0001", "11 83 0B");
    bus_line_down(rig.bus);
    bus_line_up(rig.bus);
    master_expect(&one, "11 06 0010 1234", "11 86 0A");
    cr_expect_eq(count_asked(6), 0);
    rig.slave.script = NULL; /* another adapter */
    master_expect(&one, "11 03 0010 0001", "11 03 02 0010");
    master_expect(&one, "11 06 0010 1234", "11 06 0010 1234");
    stop();
}

/* A loop-back is answered by what it asks. */
Test(bus_rtu, an_answer_that_is_its_request_proves_no_other_adapter)
{
    start(echo);
    master_expect(&one, "11 03 0010 0001", "11 83 0B");
    bus_line_down(rig.bus);
    bus_line_up(rig.bus);
    master_expect(&one, "11 08 0000 1234", "11 08 0000 1234");
    master_expect(&one, "11 06 0010 1234", "11 86 0A");
    stop();
}

/* A device that never stops talking: nothing is sent into its noise, and the master is told so. */
static void babble(uv_timer_t *timer)
{
    slave_say(timer->data, 0, "11 03 02");
}

Test(bus_rtu, nothing_is_sent_into_noise)
{
    uv_timer_t noise;

    rig_open(&rig);
    master_join(&one, &rig);
    uv_timer_init(&rig.bench.io.loop, &noise);
    noise.data = &rig.slave;
    uv_timer_start(&noise, babble, 0, 1);
    rig_wait(&rig, 20);
    master_expect(&one, "11 03 0010 0001", "11 83 06");
    cr_expect_eq(rig.slave.count, 0);
    uv_timer_stop(&noise);
    rig_wait(&rig, 20);
    master_expect(&one, "11 03 0010 0001", "11 03 02 0010");
    uv_close((uv_handle_t *)&noise, NULL);
    stop();
}

Test(bus_rtu, keeps_silence_before_each_request)
{
    rig_prepare(&rig, false);
    rig.conf.line.rate = 1200; /* t3.5 = 32.08 ms */
    rig.conf.response_timeout_ms = 1000;
    rig_run(&rig);
    master_join(&one, &rig);
    for (unsigned i = 0; i < 4; i++) {
        master_expect(&one, "11 03 0010 0001", "11 03 02 0010");
        if (i > 0) {
            cr_expect_geq(rig.slave.requests[i].at_ms - one.answers[i - 1].at_ms, 32);
        }
    }
    stop();
}

/* A frame takes its time on the line; that is added to the timeout. */
Test(bus_rtu, adds_the_line_time_to_the_timeout)
{
    uint64_t begun = 0;

    rig_prepare(&rig, false);
    rig.conf.line.rate = 1200; /* 8 bytes of 11 bits: 73.3 ms */
    rig_run(&rig);
    rig.slave.script = slave_be_silent;
    master_join(&one, &rig);
    rig_wait(&rig, 40);
    begun = io_now_ms(&rig.bench.io);
    master_expect(&one, "11 03 0010 0001", "11 83 0B");
    cr_expect_geq(io_now_ms(&rig.bench.io) - begun, 173);
    stop();
}

/* Answers in random pieces and pauses, some damaged, some late, some of another unit: each request
 * is answered with its own value or with 0B. */
static uint32_t dice_state;

static uint32_t dice(uint32_t below)
{
    dice_state = dice_state * 1664525U + 1013904223U;
    return (dice_state >> 8) % below;
}

static void answer_in_random_cuts(struct slave *s, struct span frame)
{
    uint8_t memory[300];
    uint8_t pdu[4] = {3, 2, frame.data[2], frame.data[3]};
    struct room out = room_of(memory, sizeof memory);
    struct span rest;
    uint64_t after = dice(2);

    if (frame.data[1] != 3 || frame.data[5] != 1) {
        slave_answer(s, frame, 0); /* a barrier */
        return;
    }

    cr_assert(modbus_rtu_put(&out, dice(60) == 0 ? 0x12 : 0x11, span_of(pdu, sizeof pdu)));
    if (dice(60) == 0) {
        memory[dice(7)] ^= (uint8_t)(1U << dice(8));
    }
    if (dice(60) == 0) {
        after += 20 + dice(15);
    }
    for (rest = room_span(&out); rest.len > 0;) {
        size_t cut = 1 + dice(7);

        slave_say_bytes(s, after, span_first(rest, cut));
        rest = span_after(rest, cut);
        after += dice(2);
    }
}

static void ask_in_random_cuts(uint32_t seed)
{
    unsigned good = 0;

    dice_state = seed;
    rig_prepare(&rig, false);
    rig.conf.response_timeout_ms = 20;
    rig_run(&rig);
    master_join(&one, &rig);
    rig.slave.script = answer_in_random_cuts;
    for (unsigned i = 1; i <= 250; i++) {
        char ask[32];
        char answer[32];

        (void)snprintf(ask, sizeof ask, "11 03 %04X 0001", i);
        (void)snprintf(answer, sizeof answer, "11 03 02 %04X", i);
        rig.slave.count = 0;
        one.count = 0;
        master_ask(&one, ask);
        master_wait(&one, 1);
        good += master_heard(&one, 0, one.asked, answer) ? 1 : 0;
        cr_assert(master_heard(&one, 0, one.asked, answer) ||
                  master_heard(&one, 0, one.asked, "11 83 0B"));
    }
    cr_expect_gt(good, 150); /* most of the others were spoilt on purpose */
    cr_expect_eq(counters()->answers, good);
    stop();
}

Test(bus_rtu, random_answers_never_mislead_1)
{
    ask_in_random_cuts(20231);
}

Test(bus_rtu, random_answers_never_mislead_2)
{
    ask_in_random_cuts(7);
}

Test(bus_rtu, random_answers_never_mislead_3)
{
    ask_in_random_cuts(424242);
}

Test(bus_rtu, random_answers_never_mislead_4)
{
    ask_in_random_cuts(990001);
}

/* ---- echo = discard ---- */

static void start_with_echo(void (*script)(struct slave *s, struct span frame))
{
    rig_prepare(&rig, false);
    rig.conf.line.has_echo = true;
    rig.conf.response_timeout_ms = 40;
    rig_run(&rig);
    rig.slave.script = script;
    master_join(&one, &rig);
}

/* The wire brings back what was sent, and then the answer. */
static void echo_and_answer(struct slave *s, struct span frame)
{
    slave_say_bytes(s, 0, frame);
    slave_answer(s, frame, 0);
}

static void echo_in_pieces_and_answer(struct slave *s, struct span frame)
{
    slave_say_bytes(s, 0, span_first(frame, 1));
    slave_say_bytes(s, 2, span_first(span_after(frame, 1), 4));
    slave_say_bytes(s, 4, span_after(frame, 5));
    slave_answer(s, frame, 6);
}

Test(bus_rtu, its_own_bytes_are_dropped_where_they_come_back)
{
    start_with_echo(echo_and_answer);
    master_expect(&one, "11 03 0010 0002", "11 03 04 0010 0011");
    master_expect(&one, "11 06 0010 1234", "11 06 0010 1234");
    rig.slave.script = echo_in_pieces_and_answer;
    master_expect(&one, "11 06 0010 5678", "11 06 0010 5678");
    master_expect(&one, "11 10 0010 0002 04 12345678", "11 10 0010 0002");
    cr_expect_eq(counters()->collisions, 0);
    cr_expect_eq(counters()->junk_bytes, 0);
    cr_expect_eq(rig.note_count, 0);
    stop();
}

/* The echo alone confirms nothing. */
Test(bus_rtu, the_echo_of_a_write_is_not_its_answer)
{
    start_with_echo(echo);
    master_expect(&one, "11 06 0010 1234", "11 86 0B");
    cr_expect_eq(counters()->answers, 0);
    cr_expect_eq(counters()->collisions, 0);
    stop();
}

static void echo_spoilt_and_answer(struct slave *s, struct span frame)
{
    uint8_t bytes[16];

    memcpy(bytes, frame.data, frame.len);
    bytes[3] ^= 0x01;
    slave_say_bytes(s, 0, span_of(bytes, frame.len));
    slave_answer(s, frame, 0);
}

Test(bus_rtu, other_bytes_than_its_own_are_a_collision)
{
    start_with_echo(echo_spoilt_and_answer);
    master_expect(&one, "11 06 0010 1234", "11 86 0B");
    cr_expect_eq(counters()->collisions, 1);
    cr_expect_eq(rig_notes(&rig, "line-collision unit 17 function 6"), 1);
    rig_wait(&rig, 60);
    master_expect(&one, "11 04 0010 0001", "11 84 0B");
    cr_expect_eq(counters()->collisions, 2);
    cr_expect_eq(rig_notes(&rig, "line-collision"), 1, "told once");
    rig.slave.script = echo_and_answer;
    master_expect(&one, "11 01 0010 0001", "11 01 01 FF");
    stop();
}

/* An adapter without an echo, or one that does not send at all: nothing passes, and that is told.
 */
Test(bus_rtu, an_echo_that_does_not_come_is_a_collision)
{
    start_with_echo(NULL);
    master_expect(&one, "11 03 0010 0001", "11 83 0B");
    cr_expect_eq(counters()->collisions, 1);
    rig.slave.script = slave_be_silent;
    rig_wait(&rig, 60);
    master_expect(&one, "11 06 0010 1234", "11 86 0B");
    cr_expect_eq(counters()->collisions, 2);
    stop();
}

/* It comes when nobody waits any more: it would pass for the late answer of the write. */
static void echo_late(struct slave *s, struct span frame)
{
    slave_say_bytes(s, 60, frame);
}

Test(bus_rtu, a_late_echo_is_not_a_late_answer)
{
    start_with_echo(echo_late);
    master_expect(&one, "11 06 0010 1234", "11 86 0B");
    rig_wait(&rig, 60);
    cr_expect_eq(counters()->late, 0);
    cr_expect_eq(rig_notes(&rig, "slow-device"), 0);
    cr_expect(bus_unit_owes(rig.bus, 0x11, 6));
    stop();
}
