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
    rig_prepare(&rig, false);
    rig.conf.protocol = CONF_PROTOCOL_MODBUS_ASCII;
    rig.conf.char_timeout_ms = 60;
    rig.slave.is_ascii = true;
    rig.slave.script = script;
    rig_run(&rig);
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

/* The first request gets `arg` (text) as it is; all others are answered as they should. */
static void say_once(struct slave *s, struct span frame)
{
    if (s->count == 1) {
        slave_say_bytes(s, 0, span_of_text(s->arg));
    } else {
        slave_answer(s, frame, 0);
    }
}

Test(bus_ascii, answers_come_through)
{
    start(NULL);
    master_expect(&one, "11 03 0010 0003", "11 03 06 0010 0011 0012");
    master_expect(&one, "11 06 0010 1234", "11 06 0010 1234");
    cr_expect_eq(memcmp(rig.slave.requests[0].bytes, ":110300100003D9\r\n", 17), 0);
    cr_expect_eq(counters()->request_bytes, 17 + 17);
    cr_expect_eq(counters()->answer_bytes, 23 + 17);
    stop();
}

Test(bus_ascii, the_longest_answer_comes_through)
{
    start(NULL);
    master_ask(&one, "11 03 0000 007D");
    master_wait(&one, 1);
    cr_expect_eq(one.answers[0].len, (size_t)MODBUS_MBAP_HEADER + 2 + 250);
    stop();
}

Test(bus_ascii, other_units_are_passed_over)
{
    start(say_once);
    rig.slave.arg = (void *)(uintptr_t) ":1203020007E2\r\n:1103:1103020005E5\r\n";
    master_expect(&one, "11 03 0000 0001", "11 03 02 0005");
    cr_expect_eq(counters()->junk_bytes, 15 + 5);
    stop();
}

/* 40 ms between two characters is a frame, as the longest pause is 60 ms. */
static void say_slowly(struct slave *s, struct span frame)
{
    (void)frame;
    slave_say_bytes(s, 0, span_of_text(":1103"));
    slave_say_bytes(s, 40, span_of_text("0200"));
    slave_say_bytes(s, 80, span_of_text("05E5\r\n"));
}

Test(bus_ascii, a_frame_may_pause)
{
    start(say_slowly);
    master_expect(&one, "11 03 0000 0001", "11 03 02 0005");
    stop();
}

Test(bus_ascii, the_end_of_lines_can_not_be_changed)
{
    start(NULL);
    master_expect(&one, "11 08 0003 2A00", "11 88 01");
    cr_expect_eq(rig.slave.count, 0);
    master_expect(&one, "11 08 0000 2A00", "11 08 0000 2A00");
    stop();
}
