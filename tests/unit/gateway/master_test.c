#include <unistd.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "tests/unit/gateway/master_rig.h"

static struct master_rig rig;

Test(master, without_memory_there_is_none)
{
    static const struct master_events events = {NULL, NULL, NULL};

    master_rig_init(&rig, CONF_PROTOCOL_MODBUS_RTU);
    for (unsigned nth = 1; nth <= 2; nth++) {
        mem_fail_nth(nth);
        cr_expect_null(master_new(&rig.bench.io, &rig.conf, &events, &rig));
        mem_fail_nth(0);
    }
    master_free(NULL);
    (void)close(rig.fd);
    bench_end(&rig.bench);
}

Test(master, closes_with_a_request_open)
{
    master_rig_init(&rig, CONF_PROTOCOL_MODBUS_TCP);
    master_rig_start(&rig);
    master_rig_says(&rig, rig.fd, "0001 0000 0006 11 03 0010 0001");
    bench_run_until(&rig.bench, &rig.sent_count, 1);
    master_rig_end(&rig);
}

Test(master, closes_while_an_answer_waits_for_silence)
{
    master_rig_init(&rig, CONF_PROTOCOL_MODBUS_RTU);
    rig.conf.line.rate = 50;
    master_rig_start(&rig);
    master_rig_says(&rig, rig.fd, "11 11 CDEC");
    bench_run_until(&rig.bench, &rig.sent_count, 1);
    master_rig_answers(&rig, 0, "17 91 01");
    master_rig_end(&rig);
}

Test(master, tells_when_the_last_answer_is_through)
{
    master_rig_init(&rig, CONF_PROTOCOL_MODBUS_TCP);
    rig.conf.response_timeout_ms = 20;
    master_rig_start(&rig);
    master_rig_says(&rig, rig.fd, "0001 0000 0006 11 03 0010 0001");
    bench_run_until(&rig.bench, &rig.sent_count, 1);
    master_link_finish(rig.master);
    cr_expect_eq(rig.idle, 0);
    cr_expect(master_rig_hears(&rig, rig.fd, "0001 0000 0003 11 83 0B"));
    bench_run_until(&rig.bench, &rig.idle, 1);
    master_rig_end(&rig);
}

/* The loop was held up over the deadline, and the answer is there before its timers end it. */
Test(master, an_answer_that_was_there_in_time_counts)
{
    master_rig_init(&rig, CONF_PROTOCOL_MODBUS_TCP);
    rig.conf.response_timeout_ms = 20;
    master_rig_start(&rig);
    master_rig_says(&rig, rig.fd, "0001 0000 0006 11 03 0010 0001");
    bench_run_until(&rig.bench, &rig.sent_count, 1);
    while (rig.master->grace_ms == 0) { /* until it is due, and looks once more */
        bench_turn(&rig.bench);
    }
    master_rig_answers(&rig, 0, "17 03 02 0001");
    cr_expect(master_rig_hears(&rig, rig.fd, "0001 0000 0005 11 03 02 0001"));
    master_rig_end(&rig);
}
