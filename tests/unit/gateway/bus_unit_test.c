#include <string.h>

#include <criterion/criterion.h>

#include "gateway/bus_private.h"
#include "tests/unit/gateway/bus_bench.h"

static struct rig rig;
static struct master one, two;

enum { LIVE = 0x11, DEAD = 0x12 };

/* Units 0x11 and 0x12; what the second one does is the test's. */
static void start(void (*script)(struct slave *s, struct span frame), uint32_t timeout_ms)
{
    rig_prepare(&rig, false);
    rig.units.bus_unit[DEAD] = DEAD;
    rig.conf.response_timeout_ms = timeout_ms;
    rig_run(&rig);
    rig.slave.script = script;
    master_join(&one, &rig);
}

static void stop(void)
{
    master_leave(&one);
    rig_close(&rig);
}

static void answer_only_live(struct slave *s, struct span frame)
{
    if (frame.data[0] == LIVE) {
        slave_answer(s, frame, 0);
    }
}

static unsigned frames_to(uint8_t unit)
{
    unsigned count = 0;

    for (unsigned i = 0; i < rig.slave.count; i++) {
        count += rig.slave.requests[i].bytes[0] == unit ? 1 : 0;
    }
    return count;
}

static struct bus_unit *dead(void)
{
    return &rig.bus->units[DEAD];
}

/* One unanswered read, and two barriers before the next one. */
static void make_it_silent(void)
{
    master_expect(&one, "12 03 0010 0001", "12 83 0B");
    master_expect(&one, "12 03 0010 0001", "12 83 0A");
    cr_assert(bus_unit_is_silent(rig.bus, DEAD));
}

/* Refused from inside the call. */
static void expect_refused(struct master *m, const char *ask, const char *answer)
{
    unsigned before = m->count;

    master_ask(m, ask);
    cr_expect_eq(m->count, before + 1);
    cr_expect(master_heard(m, before, m->asked, answer), "%s: not %s", ask, answer);
}

/* ---- silent units ---- */

Test(bus_unit, three_missed_answers_make_it_silent)
{
    unsigned sent = 0;

    start(answer_only_live, 20);
    make_it_silent();
    sent = frames_to(DEAD);
    cr_expect_eq(sent, 3);
    cr_expect_eq(rig_notes(&rig, "unit-silent unit 18 function"), 1);
    expect_refused(&one, "12 03 0010 0001", "12 83 0A");
    expect_refused(&one, "12 06 0010 0001", "12 86 0A");
    master_expect(&one, "11 03 0010 0001", "11 03 02 0010");
    cr_expect_eq(frames_to(DEAD), sent);
    cr_expect_eq(bus_device_counters(rig.device)->unavailable, 3);
    stop();
}

Test(bus_unit, an_answer_in_between_begins_the_count_anew)
{
    start(answer_only_live, 20);
    master_expect(&one, "12 03 0010 0001", "12 83 0B");
    master_expect(&one, "12 04 0010 0001", "12 84 0B");
    rig.slave.script = NULL;
    master_expect(&one, "12 01 0010 0001", "12 01 01 FF");
    rig.slave.script = answer_only_live;
    master_expect(&one, "12 03 0010 0001", "12 83 0B");
    master_expect(&one, "12 04 0010 0001", "12 84 0B");
    cr_expect_not(bus_unit_is_silent(rig.bus, DEAD));
    stop();
}

/* Of all masters; what they ask of other units stays, in its order. */
Test(bus_unit, what_waits_for_it_is_refused_when_it_is_found_silent)
{
    start(answer_only_live, 20);
    master_join(&two, &rig);
    master_ask(&one, "12 03 0010 0001");
    master_ask(&one, "11 03 0020 0001");
    master_ask(&one, "12 04 0010 0001");
    master_ask(&one, "12 06 0010 0001");
    master_ask(&one, "11 03 0021 0001");
    master_ask(&two, "12 01 0010 0001");
    master_ask(&two, "12 02 0010 0001");
    master_ask(&two, "12 06 0011 0001");
    master_ask(&two, "11 03 0022 0001");
    master_wait(&one, 5);
    master_wait(&two, 4);
    cr_expect(bus_unit_is_silent(rig.bus, DEAD));
    cr_expect_eq(frames_to(DEAD), 3);
    cr_expect_eq(frames_to(LIVE), 3);
    for (unsigned i = 0; i < rig.slave.count; i++) {
        cr_expect(rig.slave.requests[i].bytes[0] == LIVE || rig.slave.requests[i].bytes[1] != 6);
    }
    master_leave(&two);
    stop();
}

static void go_away(struct master *m)
{
    master_leave(m);
}

Test(bus_unit, who_hears_that_may_leave)
{
    start(answer_only_live, 20);
    master_join(&two, &rig);
    master_ask(&one, "12 03 0010 0001");
    bench_run_until(&rig.bench, &rig.slave.count, 1);
    master_ask(&two, "12 03 0010 0001");
    master_ask(&two, "12 03 0011 0001");
    two.hook = go_away;
    master_ask(&one, "12 03 0012 0001");
    master_wait(&one, 2);
    rig_wait(&rig, 60);
    cr_expect_null(two.client);
    cr_expect_eq(two.count, 1);
    stop();
}

/* When its time has come the next read goes out, and only one; a write never does. */
Test(bus_unit, is_asked_again_by_one_read_and_by_no_write)
{
    unsigned sent = 0;

    start(answer_only_live, 20);
    make_it_silent();
    sent = frames_to(DEAD);
    dead()->again_ms = 0;
    expect_refused(&one, "12 06 0010 0001", "12 86 0A");
    expect_refused(&one, "12 10 0010 0001 02 0000", "12 90 0A");
    rig_wait(&rig, 10);
    cr_expect_eq(frames_to(DEAD), sent, "a write went out to see whether it is back");
    master_ask(&one, "12 03 0010 0001");
    cr_expect_eq(bus_client_pending(one.client), 1);
    expect_refused(&one, "12 03 0010 0001", "12 83 0A");
    bench_run_until(&rig.bench, &rig.slave.count, sent + 1);
    expect_refused(&one, "12 03 0010 0001", "12 83 0A");
    master_wait(&one, 7);
    cr_expect_eq(frames_to(DEAD), sent + 1);
    stop();
}

Test(bus_unit, is_back_with_its_first_answer)
{
    start(answer_only_live, 20);
    make_it_silent();
    rig.slave.script = NULL;
    dead()->again_ms = 0;
    master_expect(&one, "12 03 0010 0001", "12 03 02 0010");
    cr_expect_eq(rig_notes(&rig, "unit-back unit 18 function"), 1);
    master_expect(&one, "12 06 0010 0001", "12 06 0010 0001");
    stop();
}

/* 1 s, 2 s, 4 s … 60 s, whatever the line is for. */
Test(bus_unit, the_wait_doubles_up_to_a_minute)
{
    static const uint64_t waits[] = {1, 2, 4, 8, 16, 32, 60, 60};

    start(slave_be_silent, 10);
    make_it_silent();
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        uint64_t left = dead()->again_ms - io_now_ms(&rig.bench.io);

        cr_expect_leq(left, waits[i] * 1000);
        cr_expect_gt(left, waits[i] * 1000 - 900);
        dead()->again_ms = 0;
        master_expect(&one, "12 03 0010 0001", "12 83 0A");
    }
    rig.slave.script = NULL;
    dead()->again_ms = 0;
    master_expect(&one, "12 03 0010 0001", "12 03 02 0010");
    cr_expect_eq(dead()->tries, 0);
    stop();
}

/* A try costs two timeouts (200 ms): on a shared line ten times that, and more with each further
 * silent unit. */
Test(bus_unit, silent_units_take_a_tenth_of_a_shared_line)
{
    struct bus_silent silent[4];
    uint64_t left = 0;

    start(answer_only_live, 100);
    rig.units.bus_unit[0x13] = 0x13;
    rig.units.bus_unit[0x14] = 0x13;
    master_expect(&one, "11 03 0010 0001", "11 03 02 0010");
    make_it_silent();
    left = dead()->again_ms - io_now_ms(&rig.bench.io);
    cr_expect_gt(left, 1700);
    cr_expect_leq(left, 2000);
    master_expect(&one, "13 03 0010 0001", "13 83 0B");
    master_expect(&one, "13 03 0010 0001", "13 83 0A");
    left = rig.bus->units[0x13].again_ms - io_now_ms(&rig.bench.io);
    cr_expect_gt(left, 3700);
    cr_expect_leq(left, 4000);
    cr_expect_eq(bus_device_silent(rig.device, silent, 4), 2);
    cr_expect_eq(silent[0].unit, DEAD);
    cr_expect_eq(silent[1].unit, 0x13);
    cr_expect_gt(silent[1].again_in_ms, 3000);
    cr_expect_eq(bus_device_silent(rig.device, silent, 1), 2);
    stop();
}

static void answer_only_live_tcp(struct slave *s, struct span frame)
{
    if (frame.data[6] == LIVE) {
        slave_answer(s, frame, 0);
    }
}

Test(bus_unit, a_port_that_comes_back_is_a_new_chance)
{
    rig_prepare(&rig, true);
    rig.units.bus_unit[DEAD] = DEAD;
    rig.conf.response_timeout_ms = 20;
    rig_run(&rig);
    rig.slave.script = answer_only_live_tcp;
    master_join(&one, &rig);
    for (unsigned i = 0; i < 2; i++) {
        master_expect(&one, "12 03 0010 0001", "12 83 0B");
        master_expect(&one, "11 03 0010 0001", "11 03 02 0010");
    }
    master_expect(&one, "12 03 0010 0001", "12 83 0B");
    expect_refused(&one, "12 03 0010 0001", "12 83 0A");
    cr_expect_eq(bus_device_counters(rig.device)->barriers, 0, "TCP needs none");
    slave_leave(&rig.slave);
    bench_run_until(&rig.bench, &rig.ups, 2);
    rig.slave.script = NULL;
    master_expect(&one, "12 03 0010 0001", "12 03 02 0010");
    stop();
}

/* ---- late answers ---- */

/* A unit as most are: it answers in order, one request after the other. The first one takes its
 * time; it may lack function 08, or answer reads of one register only. */
struct slow {
    uint64_t first_ms, busy_until_ms;
    bool lacks_loopback;
    bool lacks_longer_reads;
};

static void answer_in_order(struct slave *s, struct span frame)
{
    struct slow *slow = s->arg;
    uint64_t now = uv_now(&s->bench->io.loop);
    uint64_t at = s->count == 1 ? now + slow->first_ms : now;

    if (frame.data[1] == 8 ? slow->lacks_loopback
                           : slow->lacks_longer_reads && frame.data[5] != 1) {
        return;
    }
    at = at > slow->busy_until_ms ? at : slow->busy_until_ms;
    slow->busy_until_ms = at;
    slave_answer(s, frame, at - now);
}

/* Ask again and again until the second register was told, as masters do. */
static void poll_second(struct slow *slow, const char *ask, const char *answer)
{
    for (unsigned i = 0; i < 40; i++) {
        unsigned before = one.count;

        master_ask(&one, ask);
        master_wait(&one, before + 1);
        if (one.answers[before].bytes[7] < 0x80) {
            cr_expect(master_heard(&one, before, one.asked, answer),
                      "late by %d, poll %u: %02X%02X", (int)slow->first_ms, i,
                      one.answers[before].bytes[9], one.answers[before].bytes[10]);
            return;
        }
        cr_expect(one.answers[before].bytes[8] == 0x0A || one.answers[before].bytes[8] == 0x0B);
        dead()->again_ms = 0;
        rig_wait(&rig, 5);
    }
    cr_expect_fail("late by %d: the unit never came back", (int)slow->first_ms);
}

static void sweep(bool lacks_loopback, const char *first, const char *second, const char *answer)
{
    for (uint64_t late_ms = 0; late_ms <= 110; late_ms += lacks_loopback ? 7 : 5) {
        struct slow slow = {.first_ms = late_ms, .lacks_loopback = lacks_loopback};

        start(answer_in_order, 10);
        rig.slave.arg = &slow;
        master_ask(&one, first);
        master_wait(&one, 1);
        poll_second(&slow, second, answer);
        stop();
    }
}

/* The same shape, another register: 0 to 11 times the timeout. */
Test(bus_unit, a_late_value_never_lands_under_another_register, .timeout = 60)
{
    sweep(false, "12 03 AAAA 0001", "12 03 BBBB 0001", "12 03 02 BBBB");
}

Test(bus_unit, nor_does_it_with_a_unit_that_lacks_the_loopback, .timeout = 60)
{
    sweep(true, "12 03 AAAA 0001", "12 03 BBBB 0001", "12 03 02 BBBB");
}

/* Its answer repeats no value: the first write's would confirm the second one. */
static unsigned barriers_between(uint8_t function)
{
    unsigned count = 0;

    for (unsigned i = 1; i < rig.slave.count; i++) {
        count += rig.slave.requests[i].bytes[1] != function ? 1 : 0;
    }
    return count;
}

Test(bus_unit, a_late_confirmation_confirms_no_other_write)
{
    struct slow slow = {.first_ms = 90};

    start(answer_in_order, 20);
    rig.slave.arg = &slow;
    master_expect(&one, "12 10 0010 0001 02 AAAA", "12 90 0B");
    master_expect(&one, "12 10 0010 0001 02 BBBB", "12 10 0010 0001");
    cr_expect_geq(barriers_between(0x10), 1);
    cr_expect_eq(rig.slave.requests[rig.slave.count - 1].bytes[8], 0xBB);
    cr_expect_geq(bus_device_counters(rig.device)->barriers, 1);
    stop();
}

/* An equal read would get a value of an age that nobody knows. */
Test(bus_unit, an_equal_read_waits_for_the_barrier_too)
{
    struct slow slow = {.first_ms = 90};

    start(answer_in_order, 20);
    rig.slave.arg = &slow;
    master_expect(&one, "12 03 0010 0001", "12 83 0B");
    master_expect(&one, "12 03 0010 0001", "12 03 02 0010");
    cr_expect_geq(barriers_between(3), 1);
    stop();
}

/* What can not be mistaken goes out at once, and settles what was before. */
Test(bus_unit, another_function_needs_no_barrier)
{
    start(answer_only_live, 20);
    master_expect(&one, "12 03 0010 0001", "12 83 0B");
    rig.slave.script = NULL;
    master_expect(&one, "12 04 0010 0001", "12 04 02 0010");
    master_expect(&one, "12 03 0010 0001", "12 03 02 0010");
    cr_expect_eq(rig.slave.count, 3);
    cr_expect_eq(bus_device_counters(rig.device)->barriers, 0);
    stop();
}

Test(bus_unit, other_units_need_no_barrier)
{
    start(answer_only_live, 20);
    master_expect(&one, "12 03 0010 0001", "12 83 0B");
    master_expect(&one, "11 03 0010 0001", "11 03 02 0010");
    cr_expect_eq(rig.slave.count, 2);
    stop();
}

static void silence_then_poll(struct slow *slow)
{
    rig.slave.arg = slow;
    rig.slave.script = answer_only_live;
    master_expect(&one, "12 03 0010 0001", "12 83 0B");
    rig.slave.script = answer_in_order;
    master_expect(&one, "12 03 0010 0001", "12 03 02 0010");
}

/* A read goes first: a unit may answer what it does not know slowly, or not at all. */
Test(bus_unit, asks_a_read_before_a_loop_back)
{
    struct slow slow = {.lacks_loopback = true};

    start(answer_only_live, 20);
    silence_then_poll(&slow);
    cr_expect_eq(bus_device_counters(rig.device)->barriers, 1);
    stop();
}

/* The barrier is asked once per taste; from then on the right one at once. */
Test(bus_unit, learns_which_barrier_a_unit_answers)
{
    struct slow slow = {.lacks_longer_reads = true};

    start(answer_only_live, 20);
    silence_then_poll(&slow);
    cr_expect_eq(bus_device_counters(rig.device)->barriers, 2);
    silence_then_poll(&slow);
    cr_expect_eq(bus_device_counters(rig.device)->barriers, 3);
    stop();
}

static void refuse_longer_reads(struct slave *s, struct span frame)
{
    static const uint8_t refusal[] = {0x83, 0x02};
    uint8_t memory[8];
    struct room out = room_of(memory, sizeof memory);

    if (frame.data[1] == 3 && frame.data[5] != 1) {
        cr_assert(modbus_rtu_put(&out, frame.data[0], span_of(refusal, sizeof refusal)));
        slave_say_bytes(s, 0, room_span(&out));
    } else {
        slave_answer(s, frame, 0);
    }
}

/* It may belong to an earlier barrier as well: a loop-back would say more. */
Test(bus_unit, a_barrier_that_is_refused_is_not_its_taste)
{
    start(answer_only_live, 20);
    for (unsigned i = 0; i < 3; i++) {
        rig.slave.script = answer_only_live;
        master_expect(&one, "12 03 0010 0001", "12 83 0B");
        rig.slave.script = refuse_longer_reads;
        master_expect(&one, "12 03 0010 0001", "12 03 02 0010");
        cr_expect_eq(rig.slave.requests[rig.slave.count - 2].bytes[1], i == 0 ? 3 : 8);
    }
    cr_expect_eq(bus_device_counters(rig.device)->barriers, 3);
    stop();
}

/* The frames of before come while the barrier's answer is waited for. */
static void answer_late_and_then_the_barrier(struct slave *s, struct span frame)
{
    if (s->count == 2) {
        slave_say(s, 1, "12 03 02 AAAA 438D");
        slave_answer(s, frame, 90);
    } else if (s->count > 2) {
        slave_answer(s, frame, 0);
    }
}

Test(bus_unit, a_late_frame_before_the_barriers_answer_is_passed_over)
{
    start(answer_late_and_then_the_barrier, 200);
    master_expect(&one, "12 03 AAAA 0001", "12 83 0B");
    master_expect(&one, "12 03 BBBB 0001", "12 03 02 BBBB");
    cr_expect_eq(rig.slave.count, 3);
    cr_expect_eq(bus_device_counters(rig.device)->late, 1);
    stop();
}

/* The port was opened anew; the unit behind it is the same. */
Test(bus_unit, a_debt_outlives_the_port)
{
    start(slave_be_silent, 20);
    master_expect(&one, "12 03 0010 0001", "12 83 0B");
    slave_leave(&rig.slave);
    bench_run_until(&rig.bench, &rig.downs, 1);
    bus_unit_reset_all(rig.bus);
    cr_expect(bus_unit_owes(rig.bus, DEAD, 3));
    stop();
}
