#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "gateway/bus_private.h"
#include "tests/unit/gateway/bus_bench.h"

static struct rig rig;
static struct master one, two;

/* The register that the request number `at` asked for. */
static unsigned asked_for(unsigned at)
{
    const uint8_t *bytes = rig.slave.requests[at].bytes;

    return bytes[2] * 256U + bytes[3];
}

/* Two masters, one of them greedy: they are served in turn. */
Test(bus_queue, serves_masters_in_turn)
{
    rig_open(&rig);
    master_join(&one, &rig);
    master_join(&two, &rig);
    for (unsigned i = 0; i < 10; i++) {
        master_ask(&one, "11 03 000A 0001");
    }
    master_ask(&two, "11 03 000B 0001");
    master_ask(&two, "11 03 000B 0001");
    master_ask(&two, "11 03 000B 0001");
    master_wait(&one, 10);
    master_wait(&two, 3);
    for (unsigned i = 0; i < 6; i += 2) {
        cr_expect_eq(asked_for(i), 0x0A);
        cr_expect_eq(asked_for(i + 1), 0x0B);
    }
    master_leave(&one);
    master_leave(&two);
    rig_close(&rig);
}

static void ask_for_ever(struct master *m)
{
    master_ask(m, "11 03 000A 0001");
}

/* A master that always has something waiting does not keep the others from their turn. */
Test(bus_queue, a_busy_master_starves_nobody)
{
    rig_open(&rig);
    master_join(&one, &rig);
    master_join(&two, &rig);
    one.hook = ask_for_ever;
    master_ask(&one, "11 03 000A 0001");
    master_ask(&one, "11 03 000A 0001");
    master_ask(&one, "11 03 000A 0001");
    bench_run_until(&rig.bench, &rig.slave.count, 4);
    for (unsigned i = 0; i < 5; i++) {
        unsigned before = rig.slave.count;

        master_expect(&two, "11 03 000B 0001", "11 03 02 000B");
        cr_expect_leq(rig.slave.count - before, 3);
    }
    one.hook = NULL;
    master_leave(&one);
    master_leave(&two);
    rig_close(&rig);
}

/* Answers of one master come in the order of its requests. */
Test(bus_queue, keeps_the_order_of_a_master)
{
    rig_open(&rig);
    master_join(&one, &rig);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 12; i++) {
            char ask[32];

            (void)snprintf(ask, sizeof ask, "11 03 %04X 0001", round * 12 + i);
            master_ask(&one, ask);
        }
        master_wait(&one, (round + 1) * 12);
    }
    for (unsigned i = 0; i < 36; i++) {
        char answer[32];

        (void)snprintf(answer, sizeof answer, "11 03 02 %04X", i);
        cr_expect(master_heard(&one, i, (uint16_t)(i + 1), answer));
    }
    master_leave(&one);
    rig_close(&rig);
}

/* The device is so slow that the queue can not be served in time: what is too late is answered
 * with 06 and never sent. */
Test(bus_queue, what_waits_too_long_is_never_sent)
{
    rig_open(&rig);
    rig.conf.response_timeout_ms = 800;
    rig.conf.request_timeout_ms = 2000;
    rig.slave.script = slave_be_silent;
    master_join(&one, &rig);
    master_join(&two, &rig);
    master_ask(&one, "11 03 000A 0001");
    bench_run_until(&rig.bench, &rig.slave.count, 1);
    master_ask(&two, "11 06 000B 0001");
    master_ask(&two, "11 06 000C 0001");
    master_ask(&one, "11 03 000D 0001");
    master_wait(&two, 2);
    /* the first write went out after 1.6 s; the second one waited 2 s in vain */
    cr_expect(master_heard(&two, 0, 2, "11 86 06"));
    cr_expect_eq(bus_device_counters(rig.device)->busy, 2);
    rig_wait(&rig, 100);
    for (unsigned i = 0; i < rig.slave.count; i++) {
        cr_expect_neq(asked_for(i), 0x0C);
        cr_expect_neq(asked_for(i), 0x0D);
    }
    cr_expect_eq(rig.slave.count, 2);
    master_leave(&one);
    master_leave(&two);
    rig_close(&rig);
}

Test(bus_queue, a_deadline_is_told_when_it_passes)
{
    rig_open(&rig);
    rig.conf.response_timeout_ms = 5000;
    rig.slave.script = slave_be_silent;
    master_join(&one, &rig);
    master_ask(&one, "11 03 000A 0001");
    bench_run_until(&rig.bench, &rig.slave.count, 1);
    rig.conf.request_timeout_ms = 150;
    master_ask(&one, "11 03 000B 0001");
    rig_wait(&rig, 100);
    cr_expect_eq(one.count, 0);
    rig_wait(&rig, 100);
    cr_expect_eq(one.count, 1);
    cr_expect(master_heard(&one, 0, 2, "11 83 06"));
    master_leave(&one);
    rig_close(&rig);
}

Test(bus_queue, a_master_that_waits_for_nothing_holds_no_buffer)
{
    rig_open(&rig);
    master_join(&one, &rig);
    cr_expect_null(one.client->ring);
    master_ask(&one, "11 03 000A 0001");
    cr_expect_not_null(one.client->ring);
    master_wait(&one, 1);
    cr_expect_null(one.client->ring);
    master_leave(&one);
    rig_close(&rig);
}
