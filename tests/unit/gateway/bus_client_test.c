#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "gateway/bus_private.h"
#include "tests/unit/gateway/bus_bench.h"

static struct rig rig;
static struct master one;

static void start(void)
{
    rig_open(&rig);
    master_join(&one, &rig);
}

static void stop(void)
{
    master_leave(&one);
    rig_close(&rig);
}

/* Refused at once, from inside the call, and the line stays quiet. */
static void expect_refused(const char *ask, const char *answer)
{
    unsigned before = one.count;

    master_ask(&one, ask);
    cr_expect_eq(one.count, before + 1);
    cr_expect(master_heard(&one, before, one.asked, answer), "%s: not %s", ask, answer);
    cr_expect_eq(bus_client_pending(one.client), 0);
}

static void expect_nothing_sent(void)
{
    rig_wait(&rig, 20);
    cr_expect_eq(rig.slave.count, 0);
}

Test(bus_client, refuses_unmapped_units)
{
    start();
    expect_refused("12 03 0000 0001", "12 83 0A");
    expect_refused("00 06 0001 0001", "00 86 0A");
    expect_refused("FF 03 0000 0001", "FF 83 0A");
    cr_expect_eq(bus_device_counters(rig.device)->unavailable, 3);
    expect_nothing_sent();
    stop();
}

Test(bus_client, never_broadcasts_on_a_line)
{
    start();
    rig.units.bus_unit[5] = 0;
    rig.units.bus_unit[6] = 248;
    expect_refused("05 06 0001 0001", "05 86 0A");
    expect_refused("06 06 0001 0001", "06 86 0A");
    expect_nothing_sent();
    stop();
}

Test(bus_client, refuses_malformed_requests)
{
    start();
    expect_refused("11 03 0000 0000", "11 83 03");
    expect_refused("11 03 0000 007E", "11 83 03");
    expect_refused("11 03 0000", "11 83 03");
    expect_refused("11 10 0000 0001 04 0000", "11 90 03");
    cr_expect_eq(bus_device_counters(rig.device)->malformed, 4);
    expect_nothing_sent();
    stop();
}

Test(bus_client, refuses_unknown_functions)
{
    start();
    expect_refused("11 41 00", "11 C1 01");
    expect_refused("11 2B 0D 0000", "11 AB 01");
    cr_expect_eq(bus_device_counters(rig.device)->denied, 2);
    expect_nothing_sent();
    stop();
}

Test(bus_client, refuses_writes_unless_allowed)
{
    static const char *const writes[] = {
        "11 05 0010 FF00",
        "11 06 0010 1234",
        "11 0F 0010 000A 02 1234",
        "11 10 0010 0002 04 12345678",
        "11 15 09 06 0004 0007 0001 06AF",
        "11 16 0160 00F2 0025",
        "11 17 0160 0003 0161 0002 04 00000000",
        "11 08 0001 0000",
        "11 08 0004 0000",
        "11 08 000A 0000",
    };

    start();
    rig.conf.writes_allowed = false;
    for (size_t i = 0; i < sizeof writes / sizeof writes[0]; i++) {
        char answer[16];

        (void)snprintf(
            answer, sizeof answer, "11 %02X 01",
            0x80U | (unsigned)(writes[i][3] - '0') * 16U |
                (unsigned)(writes[i][4] >= 'A' ? writes[i][4] - 'A' + 10 : writes[i][4] - '0'));
        expect_refused(writes[i], answer);
    }
    cr_expect_eq(bus_device_counters(rig.device)->denied, sizeof writes / sizeof writes[0]);
    expect_nothing_sent();
    master_expect(&one, "11 03 0010 0001", "11 03 02 0010");
    stop();
}

Test(bus_client, refuses_while_the_port_is_closed)
{
    start();
    slave_leave(&rig.slave);
    bench_run_until(&rig.bench, &rig.downs, 1);
    expect_refused("11 03 0000 0001", "11 83 0A");
    cr_expect_not_null(bus_device_fault(rig.device));
    stop();
}

/* One on the wire, sixteen waiting; the next one is not sent. */
Test(bus_client, lets_sixteen_wait_and_no_more)
{
    start();
    rig.conf.response_timeout_ms = 5000;
    rig.slave.script = slave_be_silent;
    master_ask(&one, "11 03 0000 0001");
    bench_run_until(&rig.bench, &rig.slave.count, 1);
    for (unsigned i = 0; i < 16; i++) {
        master_ask(&one, "11 03 0000 0001");
    }
    cr_expect_eq(bus_client_pending(one.client), 17);
    cr_expect_eq(one.count, 0);
    master_ask(&one, "11 03 0000 0001");
    cr_expect(master_heard(&one, 0, 18, "11 83 06"));
    cr_expect_eq(bus_device_counters(rig.device)->busy, 1);
    stop();
    cr_expect_eq(rig.slave.count, 1);
}

Test(bus_client, refuses_when_out_of_memory)
{
    start();
    mem_fail_nth(1);
    expect_refused("11 03 0000 0001", "11 83 06");
    mem_fail_nth(0);
    master_expect(&one, "11 03 0010 0001", "11 03 02 0010");
    stop();
}

Test(bus_client, renames_units)
{
    start();
    rig.units.bus_unit[255] = 0x11;
    master_expect(&one, "FF 03 0010 0001", "FF 03 02 0010");
    cr_expect_eq(rig.slave.requests[0].bytes[0], 0x11);
    rig.slave.script = slave_be_silent;
    master_expect(&one, "FF 03 0010 0001", "FF 83 0B");
    stop();
}

/* A master goes while its requests wait: they are never sent, and a write among them is told. */
Test(bus_client, drops_what_waits_when_its_master_goes)
{
    struct master other;

    start();
    master_join(&other, &rig);
    rig.conf.response_timeout_ms = 60;
    rig.slave.script = slave_be_silent;
    master_ask(&one, "11 03 0000 0001");
    bench_run_until(&rig.bench, &rig.slave.count, 1);
    master_ask(&other, "11 03 0001 0001");
    master_ask(&other, "11 06 0002 1234");
    master_leave(&other);
    cr_expect_eq(rig_notes(&rig, "write-dropped-unsent unit 17 function 6"), 1);
    cr_expect_eq(rig_notes(&rig, "write-dropped-unsent"), 1);
    cr_expect_eq(bus_device_counters(rig.device)->dropped, 2);
    master_wait(&one, 1);
    rig_wait(&rig, 150);
    cr_expect_eq(rig.slave.count, 1);
    cr_expect_eq(other.count, 0);
    stop();
}

static void answer_after_30(struct slave *s, struct span frame)
{
    slave_answer(s, frame, 30);
}

/* A master goes while its request is on the wire: the exchange ends in order, nobody else gets
 * the answer. */
Test(bus_client, finishes_the_exchange_of_a_master_that_went)
{
    struct master other;

    start();
    master_join(&other, &rig);
    rig.slave.script = answer_after_30;
    master_ask(&other, "11 06 0010 AAAA");
    bench_run_until(&rig.bench, &rig.slave.count, 1);
    master_ask(&one, "11 03 BBBB 0001");
    master_leave(&other);
    cr_expect_eq(rig_notes(&rig, "write-dropped"), 0);
    master_wait(&one, 1);
    cr_expect(master_heard(&one, 0, 1, "11 03 02 BBBB"));
    cr_expect_eq(other.count, 0);
    cr_expect_eq(bus_device_counters(rig.device)->answers, 2);
    stop();
}

Test(bus_client, tells_of_a_lost_write_though_its_master_went)
{
    start();
    rig.slave.script = slave_be_silent;
    master_ask(&one, "11 06 0010 AAAA");
    bench_run_until(&rig.bench, &rig.slave.count, 1);
    master_leave(&one);
    rig_wait(&rig, 150);
    cr_expect_eq(rig_notes(&rig, "write-outcome-unknown unit 17 function 6"), 1);
    cr_expect_eq(bus_device_counters(rig.device)->no_answer, 1);
    rig_close(&rig);
}

static void ask_again(struct master *m)
{
    if (m->count < 5) {
        master_ask(m, "11 03 0010 0001");
    }
}

Test(bus_client, may_ask_from_inside_an_answer)
{
    start();
    one.hook = ask_again;
    master_ask(&one, "11 03 0010 0001");
    master_wait(&one, 5);
    cr_expect(master_heard(&one, 4, 5, "11 03 02 0010"));
    stop();
}

static void go_away(struct master *m)
{
    master_leave(m);
}

/* Answered from the loop, refused from inside submit, refused when the port goes. */
Test(bus_client, may_go_from_inside_an_answer)
{
    start();
    one.hook = go_away;
    master_ask(&one, "11 03 0010 0001");
    master_ask(&one, "11 06 0011 0001");
    master_wait(&one, 1);
    cr_expect_null(one.client);
    cr_expect_eq(rig_notes(&rig, "write-dropped-unsent"), 1);
    master_join(&one, &rig);
    one.hook = go_away;
    master_ask(&one, "11 41");
    cr_expect_null(one.client);
    master_join(&one, &rig);
    one.hook = go_away;
    rig.slave.script = slave_be_silent;
    master_ask(&one, "11 03 0010 0001");
    master_ask(&one, "11 03 0011 0001");
    bench_run_until(&rig.bench, &rig.slave.count, 2);
    slave_leave(&rig.slave);
    bench_run_until(&rig.bench, &rig.downs, 1);
    cr_expect_null(one.client);
    cr_expect_eq(one.count, 1);
    rig_close(&rig);
}

/* ---- a master whose verdict is not good ---- */

Test(bus_client, writes_pass_only_while_the_verdict_allows_them)
{
    start();
    bus_client_allow_writes(one.client, false);
    expect_refused("11 06 0001 0001", "11 86 01");
    expect_refused("11 10 0000 0001 02 0000", "11 90 01");
    master_expect(&one, "11 03 0010 0001", "11 03 02 0010");
    cr_expect_eq(rig.slave.count, 1, "a write went on the wire");
    cr_expect_eq(bus_device_counters(rig.device)->denied, 2);
    bus_client_allow_writes(one.client, true);
    master_expect(&one, "11 06 0001 0001", "11 06 0001 0001");
    stop();
}

Test(bus_client, the_verdict_of_one_master_is_not_anothers)
{
    struct master two;
    start();
    master_join(&two, &rig);
    bus_client_allow_writes(one.client, false);
    master_expect(&two, "11 06 0001 0001", "11 06 0001 0001");
    master_leave(&two);
    stop();
}

Test(bus_client, writes_that_wait_are_refused_when_the_verdict_goes)
{
    start();
    rig.slave.script = slave_be_silent;
    master_ask(&one, "11 03 0010 0001"); /* on the wire */
    rig.slave.script = NULL;
    master_ask(&one, "11 06 0011 0001");
    master_ask(&one, "11 03 0012 0001");
    master_ask(&one, "11 06 0013 0001");
    master_ask(&one, "11 03 0014 0001");
    cr_assert_eq(one.count, 0);
    bus_client_allow_writes(one.client, false);
    cr_expect_eq(one.count, 2);
    cr_expect(master_heard(&one, 0, 2, "11 86 01"));
    cr_expect(master_heard(&one, 1, 4, "11 86 01"));
    cr_expect_eq(bus_client_pending(one.client), 3);
    master_wait(&one, 5);
    cr_expect_eq(one.count, 5);
    cr_expect(master_heard(&one, 3, 3, "11 03 02 0012"), "the reads have lost their order");
    cr_expect(master_heard(&one, 4, 5, "11 03 02 0014"));
    stop();
}

/* A read that waits alone needs no memory to wait on. */
Test(bus_client, reads_that_wait_are_not_touched_when_the_verdict_goes)
{
    start();
    master_ask(&one, "11 03 0010 0001");
    master_ask(&one, "11 03 0012 0001");
    mem_fail_nth(1);
    bus_client_allow_writes(one.client, false);
    mem_fail_nth(0);
    cr_expect_eq(one.count, 0);
    master_wait(&one, 2);
    cr_expect(master_heard(&one, 1, 2, "11 03 02 0012"));
    stop();
}

Test(bus_client, may_go_when_its_writes_are_refused)
{
    start();
    master_ask(&one, "11 03 0010 0001");
    master_ask(&one, "11 06 0011 0001");
    master_ask(&one, "11 06 0012 0001");
    one.hook = go_away;
    bus_client_allow_writes(one.client, false);
    cr_expect_null(one.client);
    cr_expect_eq(one.count, 1);
    rig_close(&rig);
}

static void write_again(struct master *m)
{
    if (m->count < 5) {
        master_ask(m, "11 06 0011 0001");
    }
}

Test(bus_client, may_ask_when_its_writes_are_refused)
{
    start();
    master_ask(&one, "11 03 0010 0001");
    master_ask(&one, "11 06 0011 0001");
    one.hook = write_again;
    bus_client_allow_writes(one.client, false);
    cr_expect_eq(one.count, 5);
    one.hook = NULL;
    master_wait(&one, 6);
    cr_expect_eq(rig.slave.count, 1);
    stop();
}

Test(bus_client, freeing_nothing_is_fine)
{
    bus_client_free(NULL);
}

Test(bus_client, needs_memory)
{
    start();
    mem_fail_nth(1);
    cr_expect_null(bus_client_new(rig.device, NULL, NULL));
    mem_fail_nth(0);
    stop();
}
