#include <string.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "gateway/modbus_link.h"
#include "tests/unit/gateway/bus_bench.h"
#include "tests/unit/gateway/link_fixture.h"

/* Read one register of unit 11; what a device that holds its own addresses answers; the same of a
 * unit that nobody has; and exception 0A to that. */
#define ASK    "\x00\x01\x00\x00\x00\x06\x11\x03\x00\x10\x00\x01"
#define ANSWER "\x00\x01\x00\x00\x00\x05\x11\x03\x02\x00\x10"
#define STRAY  "\x00\x02\x00\x00\x00\x06\x12\x03\x00\x10\x00\x01"
#define WRITE  "\x00\x03\x00\x00\x00\x06\x11\x06\x00\x10\x00\x01"
#define DENIED "\x00\x03\x00\x00\x00\x03\x11\x86\x01"
#define NOBODY "\x00\x02\x00\x00\x00\x03\x12\x83\x0a"

static struct rig rig; /* the real bus, and a scripted device */
static struct hospital hospital;
static struct hospital_link *far;
static struct ear sink;
static struct modbus_link *modbus;
static struct flow_counters up, down;
static unsigned idle;
static struct fault fault;

static void on_idle(void *self)
{
    unsigned *count = self;
    (*count)++;
}

static struct modbus_link *make(void)
{
    struct modbus_link_owner owner = {.up = &up, .down = &down, .on_idle = on_idle, .self = &idle};
    return modbus_link_new(rig.device, sink.ep, &owner);
}

static void setup(void)
{
    rig_open_tcp(&rig);
    hospital_init(&hospital, &rig.bench, "hl7");
    hospital_listen(&hospital);
    ear_init(&sink, FAULT_SIDE_SERVER);
    far = hospital_join(&hospital, &sink);
    modbus = make();
    cr_assert_not_null(modbus);
}

static void teardown(void)
{
    modbus_link_free(modbus);
    bench_close(&rig.bench, &sink);
    hospital_end(&hospital);
    rig_close(&rig);
}

TestSuite(modbus_link, .init = setup, .fini = teardown);

static int feed(const void *bytes, size_t len)
{
    return modbus_link_feed(modbus, span_of(bytes, len), &fault);
}

static void expect_answers(const void *bytes, size_t len, unsigned records)
{
    bench_run_until(&rig.bench, &far->record_count, records);
    cr_expect_eq(far->ear.len, len);
    cr_expect_eq(memcmp(far->ear.data, bytes, len), 0);
    cr_expect_eq(far->record_count, records);
}

Test(modbus_link, a_request_gets_one_answer_in_one_record)
{
    cr_expect_eq(feed(ASK, 12), 0);
    cr_expect_eq(modbus_link_pending(modbus), 1);
    expect_answers(ANSWER, 11, 1);
    cr_expect_eq(modbus_link_pending(modbus), 0);
    cr_expect_eq(idle, 1);
    struct flow_counters here_up;
    struct flow_counters here_down;
    modbus_link_counters(modbus, &here_up, &here_down);
    cr_expect_eq(here_down.bytes, 12);
    cr_expect_eq(here_down.messages, 1);
    cr_expect_eq(here_up.bytes, 11);
    cr_expect_eq(here_up.messages, 1);
    cr_expect_eq(up.bytes, 11);
    cr_expect_eq(down.bytes, 12);
}

Test(modbus_link, shows_who_asks)
{
    struct bus_look look;
    cr_expect_eq(feed(ASK STRAY, 24), 0);
    expect_answers(NOBODY ANSWER, 20, 2);
    cr_expect(modbus_link_look(modbus, &look));
    cr_expect_eq(look.requests, 2);
    cr_expect_eq(look.failed, 1);
    cr_expect_eq(look.denied, 0);
    cr_expect_not(look.has_rules);
}

Test(modbus_link, a_request_may_come_byte_by_byte)
{
    for (size_t i = 0; i < 12; i++) {
        cr_expect_eq(modbus_link_pending(modbus), 0);
        cr_expect_eq(feed(&ASK[i], 1), 0);
    }
    expect_answers(ANSWER, 11, 1);
    cr_expect_eq(rig.slave.count, 1);
}

Test(modbus_link, several_requests_may_come_at_once)
{
    cr_expect_eq(feed(ASK ASK "\x00", 25), 0);
    cr_expect_eq(modbus_link_pending(modbus), 2);
    expect_answers(ANSWER ANSWER, 22, 2);
    cr_expect_eq(feed(&ASK[1], 11), 0, "the third one's rest");
    expect_answers(ANSWER ANSWER ANSWER, 33, 3);
    cr_expect_eq(idle, 2);
}

Test(modbus_link, what_needs_no_wire_is_answered_at_once)
{
    cr_expect_eq(feed(STRAY, 12), 0);
    cr_expect_eq(modbus_link_pending(modbus), 0);
    cr_expect_eq(idle, 1);
    expect_answers(NOBODY, 9, 1);
    cr_expect_eq(rig.slave.count, 0);
}

Test(modbus_link, what_is_not_modbus_breaks_the_link)
{
    cr_expect_eq(feed(ASK "GET / HTTP/1.1", 26), FAULT_FRAME);
    cr_expect_eq(fault.code, FAULT_FRAME);
    cr_expect_eq(fault.side, FAULT_SIDE_SERVER);
    cr_expect_eq(down.messages, 1);
}

Test(modbus_link, nothing_comes_back_for_a_master_that_is_gone)
{
    rig.slave.script = slave_be_silent;
    cr_expect_eq(feed(ASK ASK, 24), 0);
    bench_run_until(&rig.bench, &rig.slave.count, 1);
    modbus_link_free(modbus);
    modbus = make();
    cr_assert_not_null(modbus);
    rig.slave.script = NULL;
    cr_expect_eq(feed(STRAY, 12), 0);
    expect_answers(NOBODY, 9, 1);
    cr_expect_eq(idle, 1);
    cr_expect_eq(bus_device_counters(rig.device)->dropped, 1);
}

Test(modbus_link, writes_pass_only_while_the_verdict_allows_them)
{
    modbus_link_allow_writes(modbus, false);
    cr_expect_eq(feed(WRITE, 12), 0);
    expect_answers(DENIED, 9, 1);
    modbus_link_allow_writes(modbus, true);
    cr_expect_eq(feed(WRITE, 12), 0);
    expect_answers(DENIED WRITE, 21, 2); /* the echo of a write is its answer */
    cr_expect_eq(rig.slave.count, 1);
}

Test(modbus_link, fails_without_memory)
{
    for (uint32_t n = 1; n <= 2; n++) {
        mem_fail_nth(n);
        cr_expect_null(make());
        mem_fail_nth(0);
    }
}
