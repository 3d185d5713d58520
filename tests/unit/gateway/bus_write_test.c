#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "gateway/bus_private.h"
#include "tests/unit/gateway/bus_bench.h"

static struct rig rig;
static struct master one, two;

static void start(void (*script)(struct slave *s, struct span frame))
{
    rig_prepare(&rig, false);
    rig.conf.response_timeout_ms = 200;
    rig_run(&rig);
    rig.notes_writes = true;
    rig.slave.script = script;
    master_join(&one, &rig);
    bus_client_set_peer(one.client, "CN=bms", "key of bms");
}

static void start_two(void)
{
    start(NULL);
    rig.conf.write_lease_ms = 10000;
    master_join(&two, &rig);
    bus_client_set_peer(two.client, "CN=service", "key of service");
}

static void stop(void)
{
    if (two.client != NULL) {
        master_leave(&two);
    }
    master_leave(&one);
    rig_close(&rig);
}

static const struct bus_counters *counters(void)
{
    return bus_device_counters(rig.device);
}

/* ---- outcomes ---- */

Test(bus_write, a_confirmed_write_is_counted_and_told_without_its_values)
{
    start(NULL);
    master_expect(&one, "11 10 0010 0002 04 12345678", "11 10 0010 0002");
    cr_expect_eq(counters()->writes_sent, 1);
    cr_expect_eq(counters()->writes_confirmed, 1);
    cr_expect_eq(rig_notes(&rig, "write-confirmed unit 17 function 16 at 16 count 2 told 00 by "
                                 "CN=bms"),
                 1, "%s", rig.notes[0]);
    master_expect(&one, "11 03 0010 0001", "11 03 02 0010");
    cr_expect_eq(rig.note_count, 1, "a read is none");
    cr_expect_eq(counters()->writes_sent, 1);
    stop();
}

/* Each function says in its own way which registers it is about. */
Test(bus_write, each_write_tells_its_range)
{
    static const char *const rows[][2] = {
        {"11 05 0010 FF00", "function 5 at 16 count 1 "},
        {"11 06 0011 1234", "function 6 at 17 count 1 "},
        {"11 0F 0012 000A 02 1234", "function 15 at 18 count 10 "},
        {"11 16 0160 00F2 0025", "function 22 at 352 count 1 "},
        {"11 17 0160 0003 0161 0002 04 00000000", "function 23 at 353 count 2 "},
        {"11 08 0001 0000", "function 8 at 0 count 0 "},
    };

    start(slave_be_silent);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        master_ask(&one, rows[i][0]);
        bus_unit_reset_all(rig.bus);
        master_wait(&one, (unsigned)i + 1);
        cr_expect_eq(rig_notes(&rig, rows[i][1]), 1, "%s", rows[i][0]);
        bus_unit_reset_all(rig.bus);
    }
    stop();
}

/* What no range can be read from tells none: not even the half that is there. */
Test(bus_write, a_malformed_write_tells_no_range)
{
    start(NULL);
    master_expect(&one, "11 06 0010 12", "11 86 03");
    cr_expect_eq(rig_notes(&rig, "write-unsent unit 17 function 6 at 0 count 0 told 03"), 1, "%s",
                 rig.notes[0]);
    master_expect(&one, "11 10 0010 0002 04 1234", "11 90 03");
    cr_expect_eq(rig_notes(&rig, "write-unsent unit 17 function 16 at 0 count 0 told 03"), 1);
    stop();
}

static void refuse(struct slave *s, struct span frame)
{
    (void)frame;
    slave_say(s, 0, "11 86 02 C264");
}

Test(bus_write, the_devices_exception_is_a_refusal)
{
    start(refuse);
    master_expect(&one, "11 06 0010 1234", "11 86 02");
    cr_expect_eq(counters()->writes_refused, 1);
    cr_expect_eq(counters()->writes_confirmed, 0);
    cr_expect_eq(rig_notes(&rig, "write-refused unit 17 function 6 at 16 count 1 told 02"), 1);
    stop();
}

/* Another gateway is in between, and has heard nothing from the device. */
static void know_nothing(struct slave *s, struct span frame)
{
    (void)frame;
    slave_say(s, 0, "11 86 0B 0262");
}

Test(bus_write, an_exception_that_knows_nothing_leaves_it_unknown)
{
    start(know_nothing);
    master_expect(&one, "11 06 0010 1234", "11 86 0B");
    cr_expect_eq(counters()->writes_refused, 0);
    cr_expect_eq(counters()->writes_unknown, 1);
    cr_expect_eq(rig_notes(&rig, "write-outcome-unknown unit 17 function 6 at 16 count 1 told 0B"),
                 1);
    stop();
}

Test(bus_write, no_answer_leaves_it_unknown)
{
    start(slave_be_silent);
    master_expect(&one, "11 06 0010 1234", "11 86 0B");
    cr_expect_eq(counters()->writes_sent, 1);
    cr_expect_eq(counters()->writes_unknown, 1);
    cr_expect_eq(counters()->writes_confirmed, 0);
    cr_expect_eq(rig_notes(&rig, "write-outcome-unknown unit 17 function 6 at 16 count 1 told 0B"),
                 1);
    stop();
}

/* Who sent it is told though the master left meanwhile. */
/* A stop or a reload did not wait for the answer: whether it was written nobody knows. */
Test(bus_write, a_device_that_goes_leaves_its_write_unknown)
{
    start(slave_be_silent);
    master_ask(&one, "11 06 0010 1234");
    bench_run_until(&rig.bench, &rig.slave.count, 1);
    master_leave(&one);
    cr_expect_eq(rig.note_count, 0);
    bus_detach(rig.device);
    rig.device = NULL;
    cr_expect_eq(rig_notes(&rig,
                           "write-outcome-unknown unit 17 function 6 at 16 count 1 told 00 by "
                           "CN=bms"),
                 1);
    rig_wait(&rig, 500);
    cr_expect_eq(rig.note_count, 1, "once");
    rig_close(&rig);
}

Test(bus_write, a_device_that_goes_behind_its_answer_leaves_nothing_unknown)
{
    start(NULL);
    master_expect(&one, "11 06 0010 1234", "11 06 0010 1234");
    master_leave(&one);
    bus_detach(rig.device);
    rig.device = NULL;
    cr_expect_eq(rig_notes(&rig, "write-outcome-unknown"), 0);
    rig_close(&rig);
}

Test(bus_write, tells_whose_write_it_was)
{
    start(slave_be_silent);
    master_ask(&one, "11 06 0010 1234");
    bench_run_until(&rig.bench, &rig.slave.count, 1);
    master_leave(&one);
    rig_wait(&rig, 500);
    cr_expect_eq(rig_notes(&rig, "write-outcome-unknown"), 1);
    cr_expect_eq(rig_notes(&rig, "by CN=bms"), 1);
    rig_close(&rig);
}

/* ---- the truth table: what a master is told, and whether anything was on the wire ---- */

static void expect_told(const char *ask, const char *answer, unsigned sent)
{
    unsigned before = rig.slave.count;
    unsigned unsent = (unsigned)counters()->writes_unsent;

    master_expect(&one, ask, answer);
    cr_expect_eq(rig.slave.count - before, sent, "%s", ask);
    cr_expect_eq(counters()->writes_unsent - unsent, 1 - sent, "%s", ask);
}

Test(bus_write, all_but_0B_mean_that_nothing_was_sent)
{
    start(NULL);
    rig.conf.writes_allowed = false;
    expect_told("11 06 0010 1234", "11 86 01", 0); /* not allowed */
    rig.conf.writes_allowed = true;
    expect_told("11 41 00", "11 C1 01", 0);                /* unknown function */
    expect_told("11 10 0010 0002 04 1234", "11 90 03", 0); /* malformed */
    expect_told("12 06 0010 1234", "12 86 0A", 0);         /* unit not mapped */
    expect_told("00 06 0010 1234", "00 86 0A", 0);         /* broadcast */
    rig.bus->is_echoing = true;
    expect_told("11 06 0010 1234", "11 86 0A", 0); /* the echo would confirm it */
    rig.bus->is_echoing = false;
    rig.bus->units[0x11].misses = BUS_SILENT_AFTER;
    expect_told("11 06 0010 1234", "11 86 0A", 0); /* the unit is silent */
    rig.bus->units[0x11].misses = 0;
    rig.conf.request_timeout_ms = 0;
    expect_told("11 06 0010 1234", "11 86 06", 0); /* its time is over */
    rig.conf.request_timeout_ms = 2000;
    rig.slave.script = slave_be_silent;
    expect_told("11 06 0010 1234", "11 86 0B", 1); /* sent: nobody knows */
    slave_leave(&rig.slave);
    bench_run_until(&rig.bench, &rig.downs, 1);
    expect_told("11 06 0010 1234", "11 86 0A", 0); /* the port is closed */
    cr_expect_eq(counters()->writes_sent, 1);
    cr_expect_eq(counters()->writes_unknown, 1);
    stop();
}

Test(bus_write, what_its_master_leaves_behind_is_unsent)
{
    start(slave_be_silent);
    master_ask(&one, "11 03 0010 0001");
    bench_run_until(&rig.bench, &rig.slave.count, 1);
    master_ask(&one, "11 06 0010 0001");
    master_leave(&one);
    cr_expect_eq(counters()->writes_unsent, 1);
    cr_expect_eq(rig_notes(&rig, "write-dropped-unsent unit 17 function 6"), 1);
    rig_close(&rig);
}

/* ---- the lease ---- */

Test(bus_write, one_master_writes_at_a_time)
{
    uint64_t left_ms = 0;

    start_two();
    cr_expect_null(bus_device_lease(rig.device, &left_ms));
    master_expect(&one, "11 06 0010 0001", "11 06 0010 0001");
    cr_expect_str_eq(bus_device_lease(rig.device, &left_ms), "CN=bms");
    cr_expect_leq(left_ms, 10000);
    cr_expect_gt(left_ms, 9000);
    master_expect(&two, "11 06 0010 0002", "11 86 06");
    master_expect(&two, "11 03 0010 0001", "11 03 02 0010");
    master_expect(&one, "11 06 0010 0003", "11 06 0010 0003");
    cr_expect_eq(counters()->busy, 1);
    cr_expect_eq(counters()->writes_unsent, 1);
    stop();
}

Test(bus_write, the_lease_ends_with_its_time)
{
    uint64_t left_ms = 0;

    start_two();
    rig.conf.write_lease_ms = 30;
    master_expect(&one, "11 06 0010 0001", "11 06 0010 0001");
    rig_wait(&rig, 40);
    cr_expect_null(bus_device_lease(rig.device, &left_ms));
    master_expect(&two, "11 06 0010 0002", "11 06 0010 0002");
    cr_expect_str_eq(rig.device->lease.peer, "CN=service");
    stop();
}

/* It is the certificate's, not the link's. */
Test(bus_write, links_of_one_certificate_share_the_lease)
{
    start_two();
    bus_client_set_peer(two.client, "CN=bms", "key of bms");
    master_expect(&one, "11 06 0010 0001", "11 06 0010 0001");
    master_expect(&two, "11 06 0010 0002", "11 06 0010 0002");
    bus_client_set_peer(two.client, "CN=bms", "another key");
    master_expect(&two, "11 06 0010 0002", "11 86 06");
    stop();
}

Test(bus_write, a_read_takes_no_lease)
{
    start_two();
    master_expect(&one, "11 03 0010 0001", "11 03 02 0010");
    rig.conf.writes_allowed = false;
    master_expect(&one, "11 06 0010 0001", "11 86 01");
    rig.conf.writes_allowed = true;
    master_expect(&two, "11 06 0010 0002", "11 06 0010 0002");
    stop();
}

Test(bus_write, without_a_lease_everybody_writes)
{
    start_two();
    rig.conf.write_lease_ms = 0;
    master_expect(&one, "11 06 0010 0001", "11 06 0010 0001");
    master_expect(&two, "11 06 0010 0002", "11 06 0010 0002");
    stop();
}

/* It waited longer than the lease, and another master has begun to write. */
Test(bus_write, a_write_that_lost_its_lease_in_the_queue_is_not_sent)
{
    start_two();
    rig.conf.response_timeout_ms = 60;
    rig.conf.write_lease_ms = 30;
    rig.slave.script = slave_be_silent;
    master_ask(&two, "11 03 0010 0001");
    bench_run_until(&rig.bench, &rig.slave.count, 1);
    master_ask(&one, "11 06 0010 0001");
    rig_wait(&rig, 40);
    rig.conf.write_lease_ms = 10000;
    master_ask(&two, "11 06 0010 0002");
    rig.slave.script = NULL;
    master_wait(&one, 1);
    cr_expect(master_heard(&one, 0, 1, "11 86 06"));
    master_wait(&two, 2);
    cr_expect(master_heard(&two, 1, 2, "11 06 0010 0002"));
    cr_expect_eq(counters()->writes_sent, 1);
    stop();
}
