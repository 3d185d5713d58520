#include <unistd.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "tests/unit/gateway/master_rig.h"

static struct master_rig rig;

static const struct bus_counters *counters(void)
{
    return master_counters(rig.master);
}

static void setup(void)
{
    master_rig_init(&rig, CONF_PROTOCOL_MODBUS_TCP);
}

static void teardown(void)
{
    master_rig_end(&rig);
}

TestSuite(master_desk, .init = setup, .fini = teardown);

static void expect(const char *asked, const char *answer)
{
    master_rig_says(&rig, rig.fd, asked);
    cr_expect(master_rig_hears(&rig, rig.fd, answer), "%s", asked);
}

#define READ     "0001 0000 0006 11 03 0010 0001"
#define READ_PDU "17 03 0010 0001"
#define WRITE    "0002 0000 0006 11 06 0010 1234"

Test(master_desk, carries_a_request_and_its_answer)
{
    master_rig_start(&rig);
    master_rig_says(&rig, rig.fd, "ABCD 0000 0006 11 03 0010 0001");
    cr_expect(master_rig_sends(&rig, 1, READ_PDU));
    cr_expect_eq(master_pending(rig.master), 1);
    master_rig_answers(&rig, 0, "17 03 02 0007");
    cr_expect(master_rig_hears(&rig, rig.fd, "ABCD 0000 0005 11 03 02 0007"));
    cr_expect_eq(master_pending(rig.master), 0);
    cr_expect_eq(counters()->requests, 1);
    cr_expect_eq(counters()->answers, 1);
    cr_expect_eq(counters()->request_bytes, 12);
    cr_expect_eq(counters()->answer_bytes, 11);
    cr_expect_null(rig.master->orders, "one that asks nothing holds no memory");
}

Test(master_desk, every_request_has_a_transaction_of_its_own)
{
    master_rig_start(&rig);
    master_rig_says(&rig, rig.fd, READ "0005 0000 0006 11 03 0010 0001");
    cr_expect(master_rig_sends(&rig, 2, READ_PDU));
    cr_expect_neq(rig.sent[0].bytes[1], rig.sent[1].bytes[1]);
    /* and answers may come in any order */
    master_rig_answers(&rig, 1, "17 03 02 0002");
    master_rig_answers(&rig, 0, "17 03 02 0001");
    cr_expect(master_rig_hears(&rig, rig.fd,
                               "0005 0000 0005 11 03 02 0002 0001 0000 0005 11 03 02 0001"));
}

Test(master_desk, what_may_not_be_sent_is_refused_here)
{
    rig.conf.writes_allowed = false;
    master_rig_start(&rig);
    expect("0001 0000 0006 12 03 0010 0001", "0001 0000 0003 12 83 0A");
    expect("0002 0000 0006 11 06 0010 1234", "0002 0000 0003 11 86 01");
    expect("0003 0000 0002 11 41", "0003 0000 0003 11 C1 01");
    expect("0004 0000 0006 11 03 0010 00FF", "0004 0000 0003 11 83 03");
    cr_expect_eq(rig.sent_count, 0);
    cr_expect_eq(counters()->denied, 2);
    cr_expect_eq(counters()->malformed, 1);
    cr_expect_eq(counters()->unavailable, 1);
}

Test(master_desk, writes_pass_only_while_the_verdict_lets_them)
{
    master_rig_start(&rig);
    master_allow_writes(rig.master, false);
    expect(WRITE, "0002 0000 0003 11 86 01");
    master_allow_writes(rig.master, true);
    master_rig_says(&rig, rig.fd, WRITE);
    cr_expect(master_rig_sends(&rig, 1, "17 06 0010 1234"));
}

Test(master_desk, without_a_link_it_is_0a)
{
    master_rig_start(&rig);
    master_link_down(rig.master);
    expect(READ, "0001 0000 0003 11 83 0A");
    master_rig_link_up(&rig);
    cr_expect_eq(rig.sent_count, 0, "nothing from before reaches the new link");
    master_link_finish(rig.master);
    expect(READ, "0001 0000 0003 11 83 0A");
    cr_expect_eq(rig.sent_count, 0, "nor one that is told to end");
}

Test(master_desk, a_server_that_takes_no_bytes_is_06)
{
    master_rig_start(&rig);
    rig.is_jammed = true;
    expect(WRITE, "0002 0000 0003 11 86 06");
    cr_expect_eq(rig.sent_count, 0);
}

Test(master_desk, without_memory_it_is_06)
{
    master_rig_start(&rig);
    master_rig_says(&rig, rig.fd, READ);
    mem_fail_nth(1);
    cr_expect(master_rig_hears(&rig, rig.fd, "0001 0000 0003 11 83 06"));
    mem_fail_nth(0);
    cr_expect_eq(rig.sent_count, 0);
}

Test(master_desk, sixteen_are_open_and_no_more)
{
    master_rig_start(&rig);
    for (unsigned i = 0; i < MASTER_ORDERS_MAX; i++) {
        master_rig_says(&rig, rig.fd, READ);
    }
    bench_run_until(&rig.bench, &rig.sent_count, MASTER_ORDERS_MAX);
    expect(READ, "0001 0000 0003 11 83 06");
    master_rig_answers(&rig, 3, "17 83 02");
    cr_expect(master_rig_hears(&rig, rig.fd, "0001 0000 0003 11 83 02"));
    master_rig_says(&rig, rig.fd, READ);
    cr_expect(master_rig_sends(&rig, MASTER_ORDERS_MAX + 1, READ_PDU));
}

Test(master_desk, a_master_leaves_room_for_the_others)
{
    master_rig_start(&rig);
    int other = master_rig_dial(&rig);
    for (unsigned i = 0; i < MASTER_ORDERS_MAX / 2; i++) {
        master_rig_says(&rig, rig.fd, READ);
    }
    bench_run_until(&rig.bench, &rig.sent_count, MASTER_ORDERS_MAX / 2);
    expect(READ, "0001 0000 0003 11 83 06");
    master_rig_says(&rig, other, READ);
    cr_expect(master_rig_sends(&rig, MASTER_ORDERS_MAX / 2 + 1, READ_PDU));
    (void)close(other);
}

static void expect_0b(const char *answer)
{
    master_rig_start(&rig);
    master_rig_says(&rig, rig.fd, WRITE);
    bench_run_until(&rig.bench, &rig.sent_count, 1);
    master_rig_answers(&rig, 0, answer);
    cr_expect(master_rig_hears(&rig, rig.fd, "0002 0000 0003 11 86 0B"));
    cr_expect_eq(counters()->mismatch, 1);
    cr_expect_str_eq(rig.note, "write-outcome-unknown unit 17 function 6");
    /* and it is over: the right answer finds nobody */
    master_rig_answers(&rig, 0, "17 06 0010 1234");
    cr_expect_eq(counters()->late, 1);
    cr_expect_eq(counters()->answers, 0);
}

Test(master_desk, an_answer_of_another_unit_is_0b)
{
    expect_0b("11 06 0010 1234");
}

Test(master_desk, an_answer_of_another_function_is_0b)
{
    expect_0b("17 03 02 0000");
}

Test(master_desk, an_answer_of_another_length_is_0b)
{
    expect_0b("17 06 0010 1234 00");
}

Test(master_desk, an_answer_to_another_write_is_0b)
{
    expect_0b("17 06 0010 1235");
}

/* The server is a gateway, too, and has heard nothing from the device. */
Test(master_desk, an_exception_that_knows_nothing_is_noted_for_a_write)
{
    master_rig_start(&rig);
    master_rig_says(&rig, rig.fd, READ);
    cr_assert(master_rig_sends(&rig, 1, "17 03 0010 0001"));
    master_rig_answers(&rig, 0, "17 83 0B");
    cr_expect(master_rig_hears(&rig, rig.fd, "0001 0000 0003 11 83 0B"));
    cr_expect_eq(rig.notes, 0);
    master_rig_says(&rig, rig.fd, WRITE);
    cr_assert(master_rig_sends(&rig, 2, "17 06 0010 1234"));
    master_rig_answers(&rig, 1, "17 86 0B");
    cr_expect(master_rig_hears(&rig, rig.fd, "0002 0000 0003 11 86 0B"));
    cr_expect_eq(rig.notes, 1);
}

Test(master_desk, no_answer_in_time_is_0b_and_a_late_one_is_dropped)
{
    rig.conf.response_timeout_ms = 20;
    master_rig_start(&rig);
    expect(WRITE, "0002 0000 0003 11 86 0B");
    cr_expect_eq(rig.notes, 1);
    cr_expect_eq(counters()->no_answer, 1);
    master_rig_answers(&rig, 0, "17 06 0010 1234");
    cr_expect_eq(counters()->late, 1);
    expect("0003 0000 0006 11 03 0010 0001", "0003 0000 0003 11 83 0B");
    cr_expect_eq(rig.sent_count, 2, "nothing is sent twice");
    cr_expect_eq(rig.notes, 1, "a read that is lost needs no note");
}

Test(master_desk, a_link_that_goes_is_0b_for_what_was_sent)
{
    master_rig_start(&rig);
    master_rig_says(&rig, rig.fd, WRITE);
    bench_run_until(&rig.bench, &rig.sent_count, 1);
    master_link_down(rig.master);
    cr_expect(master_rig_hears(&rig, rig.fd, "0002 0000 0003 11 86 0B"));
    cr_expect_eq(rig.notes, 1);
    master_rig_link_up(&rig);
    master_rig_wait(&rig, 5);
    cr_expect_eq(rig.sent_count, 1, "it is not sent again");
    /* an answer that the old link's server gives on the new one is nobody's */
    master_rig_answers(&rig, 0, "17 06 0010 1234");
    cr_expect_eq(counters()->late, 1);
}

Test(master_desk, an_answer_that_is_no_adu_is_nobodys)
{
    master_rig_start(&rig);
    master_link_answer(rig.master, span_of_text("nonsense"));
    cr_expect_eq(counters()->late, 0);
}
