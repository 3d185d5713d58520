#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "gateway/bus.h"
#include "gateway/bus_private.h"
#include "tests/unit/gateway/bus_bench.h"
#include "tests/unit/gateway/modbus_peer.h"

static struct rig rig;
static struct master one, two;

/* ---- against libmodbus's slave ---- */

static struct modbus_peer *start_with_libmodbus(void)
{
    static char path[80];
    struct modbus_peer *peer = NULL;

    rig_prepare(&rig, false);
    peer = modbus_peer_start(0x11, path, sizeof path);
    rig.conf.port.path = path;
    rig.conf.response_timeout_ms = 2000;
    rig_run(&rig);
    master_join(&one, &rig);
    return peer;
}

Test(bus, libmodbus_answers_each_function)
{
    struct modbus_peer *peer = start_with_libmodbus();

    master_expect(&one, "11 01 0000 0009", "11 01 02 0000");
    master_expect(&one, "11 02 0000 0008", "11 02 01 00");
    master_expect(&one, "11 03 0010 0002", "11 03 04 0010 0011");
    master_expect(&one, "11 04 003F 0001", "11 04 02 003F");
    master_expect(&one, "11 05 0003 FF00", "11 05 0003 FF00");
    master_expect(&one, "11 06 0001 ABCD", "11 06 0001 ABCD");
    master_expect(&one, "11 0F 0004 0002 01 03", "11 0F 0004 0002");
    master_expect(&one, "11 01 0000 0008", "11 01 01 38");
    master_expect(&one, "11 10 0002 0002 04 12345678", "11 10 0002 0002");
    master_expect(&one, "11 03 0001 0003", "11 03 06 ABCD 1234 5678");
    master_expect(&one, "11 16 0001 F0F0 0000", "11 16 0001 F0F0 0000");
    master_expect(&one, "11 17 0001 0001 0005 0001 02 BEEF", "11 17 02 A0C0");
    master_expect(&one, "11 03 0005 0001", "11 03 02 BEEF");
    master_leave(&one);
    rig_close(&rig);
    cr_expect_eq(modbus_peer_stop(peer), 13);
}

Test(bus, libmodbus_refuses_and_is_quoted)
{
    struct modbus_peer *peer = start_with_libmodbus();

    master_expect(&one, "11 03 0040 0001", "11 83 02");
    master_expect(&one, "11 06 0040 0001", "11 86 02");
    master_expect(&one, "11 10 003F 0002 04 12345678", "11 90 02");
    cr_expect_eq(bus_device_counters(rig.device)->answers, 3, "the device's own exceptions count");
    cr_expect_eq(rig.note_count, 0);
    master_leave(&one);
    rig_close(&rig);
    cr_expect_eq(modbus_peer_stop(peer), 3);
}

Test(bus, libmodbus_serves_two_masters)
{
    struct modbus_peer *peer = start_with_libmodbus();

    master_join(&two, &rig);
    for (unsigned round = 1; round <= 10; round++) {
        master_ask(&one, "11 03 0010 0001");
        master_ask(&two, "11 03 0020 0001");
        master_ask(&two, "11 04 0020 0002");
        master_wait(&one, round);
        master_wait(&two, 2 * round);
        cr_expect(master_heard(&one, round - 1, (uint16_t)round, "11 03 02 0010"));
        cr_expect(master_heard(&two, 2 * round - 2, (uint16_t)(2 * round - 1), "11 03 02 0020"));
        cr_expect(master_heard(&two, 2 * round - 1, (uint16_t)(2 * round), "11 04 04 0020 0021"));
    }
    master_leave(&two);
    master_leave(&one);
    rig_close(&rig);
    cr_expect_eq(modbus_peer_stop(peer), 30);
}

/* ---- several devices on one line ---- */

/* Each device has its own units, rules and counters. */
Test(bus, devices_share_a_line_and_nothing_else)
{
    static struct conf_device second;
    static struct conf_unit_map units;
    struct bus_device *other = NULL;
    struct bus_device *mine = NULL;

    rig_open(&rig);
    second = rig.conf;
    units = rig.units;
    units.bus_unit[0x11] = -1;
    units.bus_unit[1] = 0x12;
    second.unit_map = &units;
    second.writes_allowed = false;
    cr_expect(bus_fits(rig.bus, &second));
    other = bus_attach(rig.bus, &second, NULL, NULL, NULL);
    cr_assert_not_null(other);
    cr_expect_eq(bus_device_count(rig.bus), 2);
    master_join(&one, &rig);
    mine = rig.device;
    rig.device = other;
    master_join(&two, &rig);
    rig.device = mine;
    master_expect(&one, "11 06 0010 0001", "11 06 0010 0001");
    master_expect(&one, "01 03 0010 0001", "01 83 0A");
    master_expect(&two, "01 03 0010 0001", "01 03 02 0010");
    master_expect(&two, "11 03 0010 0001", "11 83 0A");
    master_expect(&two, "01 06 0010 0001", "01 86 01");
    cr_expect_eq(rig.slave.requests[1].bytes[0], 0x12);
    cr_expect_eq(bus_device_counters(mine)->answers, 1);
    cr_expect_eq(bus_device_counters(other)->answers, 1);
    master_leave(&two);
    bus_detach(other);
    cr_expect_eq(bus_device_count(rig.bus), 1);
    master_leave(&one);
    rig_close(&rig);
}

/* A device is taken away while its request is on the wire; the line goes on without it, also when
 * it was the one that the bus was made for. */
Test(bus, a_device_may_go_while_the_line_is_busy)
{
    static struct conf_device first, second;
    struct bus_device *other = NULL;

    rig_open(&rig);
    second = rig.conf;
    other = bus_attach(rig.bus, &second, NULL, NULL, NULL);
    cr_assert_not_null(other);
    rig.slave.script = slave_be_silent;
    master_join(&one, &rig);
    master_ask(&one, "11 06 0010 0001");
    bench_run_until(&rig.bench, &rig.slave.count, 1);
    master_leave(&one);
    bus_detach(rig.device);
    cr_expect_null(rig.bus->wire.device);
    first = rig.conf;
    memset(&rig.conf, 0xA5, sizeof rig.conf);
    rig.device = other;
    rig_wait(&rig, 250);
    rig.slave.script = NULL;
    master_join(&one, &rig);
    master_expect(&one, "11 03 0010 0001", "11 03 02 0010");
    rig.conf = first;
    master_leave(&one);
    rig_close(&rig);
}

Test(bus, fits_only_the_same_port_and_line)
{
    static struct conf_device other;
    static char text[80] = "serial:/dev/ttyUSB7";

    rig_open(&rig);
    other = rig.conf;
    cr_expect(bus_fits(rig.bus, &other));
    other.port.text = text;
    cr_expect_not(bus_fits(rig.bus, &other));
    other = rig.conf;
    other.line.rate = 9600;
    cr_expect_not(bus_fits(rig.bus, &other));
    other = rig.conf;
    other.line.data_bits = 7;
    cr_expect_not(bus_fits(rig.bus, &other));
    other = rig.conf;
    other.line.parity = CONF_PARITY_ODD;
    cr_expect_not(bus_fits(rig.bus, &other));
    other = rig.conf;
    other.line.stop_bits = 2;
    cr_expect_not(bus_fits(rig.bus, &other));
    other = rig.conf;
    other.line.flow = CONF_FLOW_RTSCTS;
    cr_expect_not(bus_fits(rig.bus, &other));
    other = rig.conf;
    other.line.has_echo = true;
    cr_expect_not(bus_fits(rig.bus, &other));
    other = rig.conf;
    other.protocol = CONF_PROTOCOL_MODBUS_TCP;
    cr_expect_not(bus_fits(rig.bus, &other));
    rig_close(&rig);
}

/* ---- the port ---- */

Test(bus, tells_each_change_of_the_port_once)
{
    rig_open(&rig);
    cr_expect_eq(rig.ups, 1);
    cr_expect_eq(rig.downs, 0);
    cr_expect_null(bus_device_fault(rig.device));
    slave_leave(&rig.slave);
    bench_run_until(&rig.bench, &rig.downs, 1);
    rig_wait(&rig, 50);
    cr_expect_eq(rig.ups, 1);
    cr_expect_eq(rig.downs, 1);
    cr_expect_eq(bus_device_fault(rig.device)->side, FAULT_SIDE_DEVICE);
    rig_close(&rig);
}

Test(bus, is_not_open_before_its_first_turn)
{
    rig_prepare(&rig, false);
    rig.bus = bus_new(&rig.bench.io, &rig.conf, NULL, NULL);
    cr_assert_not_null(rig.bus);
    rig.device = bus_attach(rig.bus, &rig.conf, NULL, NULL, NULL);
    cr_expect_not_null(bus_device_fault(rig.device));
}

/* Without it nothing could be sent: the port goes back and is opened anew. */
Test(bus, tells_when_it_gets_no_timer_and_tries_again)
{
    int taken[64];
    size_t count = 0;

    rig_prepare(&rig, false);
    count = bench_take_descriptors(taken, 64);
    rig_begin(&rig);
    bench_run_until(&rig.bench, &rig.downs, 1);
    cr_expect_eq(rig.fault.code, FAULT_IO);
    cr_expect_eq(rig.fault.side, FAULT_SIDE_SELF);
    cr_expect_str_eq(rig.fault.note, "cannot make a timer: too many open files");
    master_join(&one, &rig);
    master_expect(&one, "11 03 0010 0001", "11 83 0A");
    while (count > 0) {
        count--;
        close(taken[count]);
    }
    bench_run_until(&rig.bench, &rig.ups, 1);
    cr_expect_eq(rig.downs, 1);
    master_expect(&one, "11 03 0010 0001", "11 03 02 0010");
    master_leave(&one);
    rig_close(&rig);
}

/* ---- ends ---- */

static void ask_twice(struct master *m)
{
    (void)m;
    if (rig.slave.count < 6) {
        master_ask(&one, "11 06 0010 0001");
    }
}

static void answer_some(struct slave *s, struct span frame)
{
    if (s->count % 3 != 2) {
        slave_answer(s, frame, s->count % 2);
    }
}

/* The bus is closed after each of the first turns of a busy life: every request is answered
 * exactly once, one `closed` comes, and the loop is empty. */
static void close_after(unsigned turns)
{
    rig_prepare(&rig, turns % 2 == 1);
    rig.conf.response_timeout_ms = 10;
    rig_run(&rig);
    rig.slave.script = answer_some;
    master_join(&one, &rig);
    one.hook = ask_twice;
    master_ask(&one, "11 06 0010 0001");
    master_ask(&one, "11 03 0010 0001");
    for (unsigned i = 0; i < turns; i++) {
        uv_run(&rig.bench.io.loop, UV_RUN_ONCE);
    }
    one.hook = NULL;
    bus_close(rig.bus);
    bus_close(rig.bus);
    cr_expect_eq(one.count, one.asked, "%u turns", turns);
    cr_expect_eq(bus_client_pending(one.client), 0);
    if (turns % 4 < 2) {
        master_leave(&one);
        rig_close(&rig);
    } else {
        bench_run_until(&rig.bench, &rig.closed, 1);
        master_leave(&one);
        rig_close(&rig);
    }
}

Test(bus, may_be_closed_at_any_moment, .timeout = 60)
{
    for (unsigned turns = 0; turns <= 60; turns++) {
        close_after(turns);
    }
}

/* The same for the far end, and for the master. */
Test(bus, either_end_may_go_at_any_moment, .timeout = 60)
{
    for (unsigned turns = 0; turns <= 60; turns++) {
        rig_prepare(&rig, turns % 2 == 1);
        rig.conf.response_timeout_ms = 10;
        rig_run(&rig);
        rig.slave.script = answer_some;
        master_join(&one, &rig);
        one.hook = ask_twice;
        master_ask(&one, "11 06 0010 0001");
        master_ask(&one, "11 03 0010 0001");
        for (unsigned i = 0; i < turns; i++) {
            uv_run(&rig.bench.io.loop, UV_RUN_ONCE);
        }
        one.hook = NULL;
        if (turns % 3 == 0) {
            master_leave(&one);
        } else {
            slave_leave(&rig.slave);
            bench_run_until(&rig.bench, &rig.downs, 1);
            cr_expect_eq(one.count, one.asked, "%u turns", turns);
            master_leave(&one);
        }
        rig_close(&rig);
    }
}

Test(bus, needs_memory)
{
    unsigned failures = 0;

    rig_prepare(&rig, false);
    for (uint32_t nth = 1; nth < 20; nth++) {
        mem_fail_nth(nth);
        rig.bus = bus_new(&rig.bench.io, &rig.conf, NULL, NULL);
        mem_fail_nth(0);
        if (rig.bus != NULL) {
            break;
        }
        failures++;
    }
    cr_expect_geq(failures, 3);
    cr_assert_not_null(rig.bus);
    mem_fail_nth(1);
    cr_expect_null(bus_attach(rig.bus, &rig.conf, NULL, NULL, NULL));
    mem_fail_nth(0);
    bus_free(NULL);
}
