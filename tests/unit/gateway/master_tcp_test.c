#include <unistd.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "tests/unit/gateway/master_rig.h"

static struct master_rig rig;

static void setup(void)
{
    master_rig_init(&rig, CONF_PROTOCOL_MODBUS_TCP);
    master_rig_start(&rig);
}

static void teardown(void)
{
    master_rig_end(&rig);
}

TestSuite(master_tcp, .init = setup, .fini = teardown);

#define READ   "0001 0000 0006 11 03 0010 0001"
#define ANSWER "0001 0000 0005 11 03 02 "

Test(master_tcp, each_master_gets_its_own_answer)
{
    int other = master_rig_dial(&rig);
    master_rig_says(&rig, rig.fd, READ);
    bench_run_until(&rig.bench, &rig.sent_count, 1);
    master_rig_says(&rig, other, READ); /* with the same transaction */
    bench_run_until(&rig.bench, &rig.sent_count, 2);
    master_rig_answers(&rig, 1, "17 03 02 0002");
    master_rig_answers(&rig, 0, "17 03 02 0001");
    cr_expect(master_rig_hears(&rig, rig.fd, ANSWER "0001"));
    cr_expect(master_rig_hears(&rig, other, ANSWER "0002"));
    (void)close(other);
}

Test(master_tcp, takes_max_links_and_no_more)
{
    int second = master_rig_dial(&rig);
    cr_expect_geq(second, 0);
    cr_expect_lt(master_rig_dial(&rig), 0);
    cr_expect(master_is_there(rig.master));
    (void)close(second);
}

Test(master_tcp, without_memory_takes_nobody)
{
    struct ear ear;
    ear_init(&ear, FAULT_SIDE_DEVICE);
    int fd = bench_pair(&rig.bench, &ear);
    mem_fail_nth(1);
    cr_expect_not(master_take(rig.master, ear.ep));
    mem_fail_nth(0);
    bench_close(&rig.bench, &ear);
    (void)close(fd);
}

Test(master_tcp, one_that_does_not_speak_modbus_is_closed)
{
    master_rig_says(&rig, rig.fd, "0001 0001 0006 11 03");
    cr_expect(bench_sees_end(&rig.bench, rig.fd));
    cr_expect_not(master_is_there(rig.master));
    cr_expect_eq(rig.sent_count, 0);
}

Test(master_tcp, an_answer_for_a_master_that_left_is_dropped)
{
    master_rig_says(&rig, rig.fd, READ);
    bench_run_until(&rig.bench, &rig.sent_count, 1);
    (void)close(rig.fd);
    while (master_is_there(rig.master)) {
        bench_turn(&rig.bench);
    }
    rig.fd = master_rig_dial(&rig);
    master_rig_answers(&rig, 0, "17 03 02 0001");
    cr_expect_eq(master_counters(rig.master)->late, 1);
    master_rig_says(&rig, rig.fd, READ);
    bench_run_until(&rig.bench, &rig.sent_count, 2);
    master_rig_answers(&rig, 1, "17 03 02 0002");
    cr_expect(master_rig_hears(&rig, rig.fd, ANSWER "0002"));
}

Test(master_tcp, requests_may_come_in_pieces)
{
    master_rig_says(&rig, rig.fd, "0001 0000 0006 11");
    master_rig_wait(&rig, 1);
    master_rig_says(&rig, rig.fd, "03 0010 0001 00");
    cr_expect(master_rig_sends(&rig, 1, "17 03 0010 0001"));
}
