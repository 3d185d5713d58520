#include <unistd.h>

#include <criterion/criterion.h>

#include "tests/unit/gateway/master_rig.h"

enum { NS_PER_S = 1000000000 };

static struct master_rig rig;

static const struct bus_counters *counters(void)
{
    return master_counters(rig.master);
}

static void setup(void)
{
    master_rig_init(&rig, CONF_PROTOCOL_MODBUS_RTU);
}

static void teardown(void)
{
    master_rig_end(&rig);
}

TestSuite(master_line, .init = setup, .fini = teardown);

#define READ        "11 03 0000 0001 869A"
#define READ_ANSWER "11 03 02 0000 7987"
#define WRITE       "11 06 0010 1234 87E8"

static void say(const char *bytes)
{
    master_rig_says(&rig, rig.fd, bytes);
}

/* A request goes through, and this is the answer. */
static void exchange(unsigned count, const char *asked, const char *answer_pdu, const char *answer)
{
    say(asked);
    bench_run_until(&rig.bench, &rig.sent_count, count);
    master_rig_answers(&rig, count - 1, answer_pdu);
    cr_expect(master_rig_hears(&rig, rig.fd, answer));
}

static bool is_given_up(void *arg)
{
    (void)arg;
    return rig.master->orders != NULL && rig.master->orders[0].mouth == NULL;
}

/* The adapter brings this back, soon enough however busy this machine is. */
static void echo(const char *bytes)
{
    cr_assert(rig.master->line.awaits_echo);
    rig.master->line.said_ms += 3600000;
    say(bytes);
    while (rig.master->line.awaits_echo) {
        bench_turn(&rig.bench);
    }
}

Test(master_line, carries_rtu)
{
    master_rig_start(&rig);
    exchange(1, READ, "17 03 02 0000", READ_ANSWER);
    exchange(2, READ, "17 83 0B", "11 83 0B 0132");
    cr_expect_eq(counters()->answers, 2);
}

Test(master_line, carries_ascii)
{
    rig.conf.protocol = CONF_PROTOCOL_MODBUS_ASCII;
    master_rig_start(&rig);
    exchange(1, ":110300000001EB\r\n", "17 03 02 0005", ":1103020005E5\r\n");
}

Test(master_line, exceptions_go_in_frames)
{
    master_rig_start(&rig);
    master_link_down(rig.master);
    say(READ);
    cr_expect(master_rig_hears(&rig, rig.fd, "11 83 0A C0F2"));
    cr_expect_eq(counters()->unavailable, 1);
}

Test(master_line, others_units_and_broadcasts_are_passed_over)
{
    rig.units.bus_unit[0] = 0x17; /* whatever the map says */
    master_rig_start(&rig);
    say("2A 03 0010 0003 0215");
    say("2A 03 06 1234 5678 2345 3060");
    say("00 06 0001 0001 181B");
    say(READ_ANSWER);                                /* of our unit, and not ours */
    exchange(1, READ, "17 03 02 0000", READ_ANSWER); /* and nothing was said before it */
    cr_expect_eq(counters()->denied, 1, "the broadcast");
    cr_expect_eq(counters()->malformed, 0, "the answer");
    cr_expect_eq(counters()->junk_bytes, 0);
}

Test(master_line, a_frame_with_a_wrong_crc_is_nothing)
{
    master_rig_start(&rig);
    say("11 03 0000 0001 869B");
    master_rig_until(&rig, &rig.master->counters.junk_bytes, 8);
    exchange(1, READ, "17 03 02 0000", READ_ANSWER);
}

Test(master_line, an_unknown_function_ends_by_silence)
{
    master_rig_start(&rig);
    say("11 41 CDD0");
    cr_expect(master_rig_hears(&rig, rig.fd, "11 C1 01 B195"));
    cr_expect_eq(rig.sent_count, 0);
}

Test(master_line, what_comes_after_another_request_is_late)
{
    master_rig_start(&rig);
    say(READ);
    bench_run_until(&rig.bench, &rig.sent_count, 1);
    say(READ);
    bench_run_until(&rig.bench, &rig.sent_count, 2);
    master_rig_answers(&rig, 0, "17 03 02 00FF");
    cr_expect_eq(counters()->late, 1);
    master_rig_answers(&rig, 1, "17 03 02 0000");
    cr_expect(master_rig_hears(&rig, rig.fd, READ_ANSWER));
}

Test(master_line, a_request_to_a_neighbour_gives_ours_up)
{
    master_rig_start(&rig);
    say(READ);
    bench_run_until(&rig.bench, &rig.sent_count, 1);
    say("2A 03 0010 0003 0215");
    bench_run_while_not(&rig.bench, is_given_up, NULL);
    master_rig_answers(&rig, 0, "17 03 02 00FF");
    cr_expect_eq(counters()->late, 1);
    exchange(2, READ, "17 03 02 0000", READ_ANSWER);
}

Test(master_line, an_answer_that_waits_is_dropped_when_the_master_goes_on)
{
    master_rig_start(&rig);
    say(READ);
    bench_run_until(&rig.bench, &rig.sent_count, 1);
    master_rig_answers(&rig, 0, "17 03 02 00FF");
    rig.master->line.quiet_at_ns += 3600ULL * NS_PER_S; /* the line is never quiet */
    cr_expect(rig.master->line.has_answer);
    say(READ);
    bench_run_until(&rig.bench, &rig.sent_count, 2);
    cr_expect_not(rig.master->line.has_answer);
    cr_expect_eq(counters()->late, 1);
    master_rig_answers(&rig, 1, "17 03 02 0000");
    cr_expect(master_rig_hears(&rig, rig.fd, READ_ANSWER));
}

/* 32.08 ms at 1200 bit/s. */
Test(master_line, answers_wait_for_silence)
{
    const struct master_line *line = NULL;
    uint64_t quiet_ns = 0;
    uint64_t asked_ns = 0;

    rig.conf.line.rate = 1200;
    master_rig_start(&rig);
    line = &rig.master->line;
    asked_ns = uv_hrtime();
    say(READ);
    bench_run_until(&rig.bench, &rig.sent_count, 1);
    master_rig_answers(&rig, 0, "17 03 02 0000");
    quiet_ns = line->quiet_at_ns;
    cr_expect_geq(quiet_ns, asked_ns + 32080000);
    cr_expect_eq(line->pause.due_ns, quiet_ns, "and not in whole milliseconds");
    cr_expect_eq(master_line_due(rig.master), MASTER_NEVER);
    cr_expect(master_rig_hears(&rig, rig.fd, READ_ANSWER));
    cr_expect_geq(uv_hrtime(), quiet_ns);
}

/* Something else is due, which has the same body. */
Test(master_line, no_answer_goes_out_before_the_line_is_quiet)
{
    master_rig_start(&rig);
    say(READ);
    bench_run_until(&rig.bench, &rig.sent_count, 1);
    master_rig_answers(&rig, 0, "17 03 02 0000");
    rig.master->line.quiet_at_ns += 3600ULL * NS_PER_S;
    master_line_expire(rig.master, io_now_ms(&rig.bench.io));
    cr_expect(rig.master->line.has_answer);
}

Test(master_line, wakes_nobody_up_when_no_answer_waits)
{
    master_rig_start(&rig);
    say(READ);
    bench_run_until(&rig.bench, &rig.sent_count, 1);
    master_rig_answers(&rig, 0, "17 03 02 00FF");
    cr_expect_neq(rig.master->line.pause.due_ns, 0);
    rig.master->line.quiet_at_ns += 3600ULL * NS_PER_S;
    say(READ);
    bench_run_until(&rig.bench, &rig.sent_count, 2);
    cr_expect_eq(rig.master->line.pause.due_ns, 0);
}

/* ---- adapters that hear themselves ---- */

Test(master_line, the_echo_of_a_write_is_not_a_second_write)
{
    master_rig_start(&rig);
    exchange(1, WRITE, "17 06 0010 1234", WRITE);
    echo(WRITE);
    cr_expect_eq(rig.sent_count, 1);
    /* A master that asks again, because nobody answered, is heard. */
    exchange(2, WRITE, "17 06 0010 1234", WRITE);
}

Test(master_line, the_echo_of_a_read_tells_that_the_line_echoes)
{
    master_rig_start(&rig);
    exchange(1, READ, "17 03 02 0000", READ_ANSWER);
    echo(READ_ANSWER);
    cr_expect_eq(rig.notes, 1);
    cr_expect_str_eq(rig.note, "line-echo unit 17 function 3");
    exchange(2, WRITE, "17 06 0010 1234", WRITE);
    echo(WRITE);
    say(READ);
    bench_run_until(&rig.bench, &rig.sent_count, 3);
    cr_expect_eq(counters()->requests, 3, "the echo was none");
    master_rig_answers(&rig, 2, "17 03 02 0000");
    cr_expect(master_rig_hears(&rig, rig.fd, READ_ANSWER));
}

Test(master_line, equal_writes_pass_on_a_line_without_echo)
{
    master_rig_start(&rig);
    exchange(1, READ, "17 03 02 0000", READ_ANSWER);
    exchange(2, WRITE, "17 06 0010 1234", WRITE);
    exchange(3, WRITE, "17 06 0010 1234", WRITE);
    exchange(4, WRITE, "17 06 0010 1234", WRITE);
}

Test(master_line, an_equal_write_that_comes_later_is_no_echo)
{
    master_rig_start(&rig);
    exchange(1, WRITE, "17 06 0010 1234", WRITE);
    master_rig_wait(&rig, MASTER_ECHO_MS + 10);
    exchange(2, WRITE, "17 06 0010 1234", WRITE);
}

/* ---- the port ---- */

Test(master_line, a_line_that_goes_takes_its_requests_with_it)
{
    master_rig_start(&rig);
    cr_expect_null(master_fault(rig.master));
    say(READ);
    bench_run_until(&rig.bench, &rig.sent_count, 1);
    (void)close(rig.fd);
    bench_run_until(&rig.bench, &rig.downs, 1);
    cr_expect_not_null(master_fault(rig.master));
    cr_expect_not(master_is_there(rig.master));
    master_rig_answers(&rig, 0, "17 03 02 0000");
    cr_expect_eq(counters()->late, 1);
    rig.fd = -1;
}

/* Without it no answer could be sent: the port goes back and is opened anew. */
Test(master_line, tells_when_it_gets_no_timer_and_tries_again)
{
    int taken[64];
    size_t count = bench_take_descriptors(taken, 64);

    master_rig_make(&rig);
    bench_run_until(&rig.bench, &rig.downs, 1);
    cr_expect_eq(master_fault(rig.master)->code, FAULT_IO);
    cr_expect_eq(master_fault(rig.master)->side, FAULT_SIDE_SELF);
    cr_expect_eq(rig.ups, 0);
    for (size_t i = 0; i < count; i++) {
        (void)close(taken[i]);
    }
    bench_run_until(&rig.bench, &rig.ups, 1);
    cr_expect_eq(rig.downs, 1, "told once");
    master_rig_link_up(&rig);
    exchange(1, READ, "17 03 02 0000", READ_ANSWER);
}
