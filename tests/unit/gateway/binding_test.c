#include <string.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "gateway/binding.h"
#include "protocols/modbus_rtu.h"
#include "tests/unit/gateway/bus_bench.h"
#include "tests/unit/gateway/sysfs.h"

static char id_text[] = "id \"Acme*\"", acme[] = "Acme*", register_text[] = "register 7 = 9";
static char usb_text[] = "usb-serial FT4", usb_pattern[] = "FT4";

static struct conf_expect expected[3] = {
    {CONF_EXPECT_ID, acme, 0, 0, id_text},
    {CONF_EXPECT_REGISTER, NULL, 7, 9, register_text},
};

static struct rig rig;
static struct master hospital;

static struct {
    struct binding *binding;
    unsigned changes, closed;
} own;

/* What the device at the far end says of itself; NULL: nothing at all. */
static struct {
    const char *vendor;
    uint8_t register_value;
} far;

static void far_end(struct slave *s, struct span frame)
{
    uint8_t pdu[64] = {0x2B, 0x0E, 1, 1, 0, 0, 1, 0, 4};
    uint8_t memory[80];
    struct room out = room_of(memory, sizeof(memory));
    size_t len = 13;
    if (far.vendor == NULL) {
        return;
    }
    if (frame.data[1] == 0x2B) {
        memcpy(&pdu[9], far.vendor, 4);
    } else {
        pdu[0] = frame.data[1];
        pdu[1] = 2;
        pdu[2] = 0;
        pdu[3] = far.register_value;
        len = 4;
    }
    cr_assert(modbus_rtu_put(&out, frame.data[0], span_of(pdu, len)));
    slave_say_bytes(s, 0, room_span(&out));
}

static void on_change(void *owner)
{
    (void)owner;
    own.changes++;
    bus_device_hold(rig.device, binding_state(own.binding) != BINDING_BOUND);
}

static void on_closed(void *owner)
{
    (void)owner;
    own.closed++;
}

static void open_all(const char *vendor, uint8_t value, bool is_tcp)
{
    rig_prepare(&rig, is_tcp);
    memset(&own, 0, sizeof(own));
    rig.conf.expect = expected;
    rig.conf.expect_count = 2;
    rig.conf.response_timeout_ms = 300; /* a busy machine answers late, too */
    rig.slave.script = far_end;
    far.vendor = vendor;
    far.register_value = value;
    rig_run(&rig);
    const struct binding_settings settings = {.io = &rig.bench.io,
                                              .conf = &rig.conf,
                                              .bus = rig.device,
                                              .sysfs = "/nowhere",
                                              .on_change = on_change,
                                              .on_closed = on_closed};
    own.binding = binding_new(&settings);
    cr_assert_not_null(own.binding);
    master_join(&hospital, &rig);
}

static void close_all(void)
{
    master_leave(&hospital);
    binding_close(own.binding);
    binding_close(own.binding);
    bench_run_until(&rig.bench, &own.closed, 1);
    binding_free(own.binding);
    rig_close(&rig);
    cr_expect_eq(own.closed, 1);
}

Test(binding, the_right_device_is_bound)
{
    open_all("Acme", 9, false);
    cr_expect_eq(binding_state(own.binding), BINDING_AWAY);
    binding_port_up(own.binding);
    cr_expect_eq(binding_state(own.binding), BINDING_ASKING);
    cr_expect_eq(own.changes, 0, "not from inside the call");
    bench_run_until(&rig.bench, &own.changes, 1);
    cr_expect_eq(binding_state(own.binding), BINDING_BOUND);
    cr_expect_eq(binding_fault(own.binding)->code, FAULT_NONE);
    cr_expect_eq(rig.slave.count, 2, "one request for each question");
    master_expect(&hospital, "11 03 0007 0001", "11 03 02 0009");
    close_all();
}

Test(binding, until_then_no_request_of_a_hospital_reaches_the_device)
{
    open_all("Acme", 9, false);
    master_expect(&hospital, "11 03 0007 0001", "11 83 0A");
    cr_expect_eq(rig.slave.count, 0);
    binding_port_up(own.binding);
    master_expect(&hospital, "11 03 0007 0001", "11 83 0A");
    bench_run_until(&rig.bench, &own.changes, 1);
    cr_expect_eq(rig.slave.count, 2);
    close_all();
}

Test(binding, a_stranger_is_told_and_asked_again)
{
    open_all("Blue", 9, false);
    binding_port_up(own.binding);
    bench_run_until(&rig.bench, &own.changes, 1);
    cr_expect_eq(binding_state(own.binding), BINDING_STRANGER);
    cr_expect_str_eq(binding_fault(own.binding)->note, "expected id \"Acme*\", found \"Blue\"");
    cr_expect_eq(rig.slave.count, 1);
    master_expect(&hospital, "11 03 0007 0001", "11 83 0A");
    /* Changed behind an adapter that stays. */
    far.vendor = "Acme";
    bench_run_until(&rig.bench, &own.changes, 2);
    cr_expect_eq(binding_state(own.binding), BINDING_BOUND);
    cr_expect_geq(rig.slave.requests[1].at_ms - rig.slave.requests[0].at_ms, 900);
    close_all();
}

Test(binding, all_that_is_expected_must_hold)
{
    open_all("Acme", 8, false);
    binding_port_up(own.binding);
    bench_run_until(&rig.bench, &own.changes, 1);
    cr_expect_eq(binding_state(own.binding), BINDING_STRANGER);
    cr_expect_str_eq(binding_fault(own.binding)->note,
                     "expected register 7 = 9, found another value");
    close_all();
}

Test(binding, a_device_that_does_not_answer_is_tried_three_times_and_then_called_silent)
{
    open_all(NULL, 0, false);
    binding_port_up(own.binding);
    bench_run_until(&rig.bench, &own.changes, 1);
    cr_expect_eq(binding_state(own.binding), BINDING_SILENT);
    cr_expect_eq(binding_fault(own.binding)->code, FAULT_NO_IDENTITY);
    cr_expect_geq(rig.slave.count, 3, "the questions, and barriers between them");
    far.vendor = "Acme";
    far.register_value = 9;
    bench_run_until(&rig.bench, &own.changes, 2);
    cr_expect_eq(binding_state(own.binding), BINDING_BOUND);
    close_all();
}

Test(binding, an_answer_from_before_the_port_went_counts_for_nothing)
{
    open_all("Acme", 9, false);
    binding_port_up(own.binding);
    for (int i = 0; i < 3; i++) {
        bench_turn(&rig.bench);
    }
    binding_port_down(own.binding);
    cr_expect_eq(binding_state(own.binding), BINDING_AWAY);
    rig_wait(&rig, 60);
    cr_expect_eq(own.changes, 0);
    far.vendor = "Blue";
    binding_port_up(own.binding);
    bench_run_until(&rig.bench, &own.changes, 1);
    cr_expect_eq(binding_state(own.binding), BINDING_STRANGER);
    close_all();
}

Test(binding, a_port_that_went_is_asked_again)
{
    open_all("Acme", 9, true);
    rig.slave.script = NULL; /* its register 7 holds 7, and it knows no function 2B */
    rig.conf.expect_count = 1;
    rig.conf.expect = &expected[2];
    expected[2] = (struct conf_expect){CONF_EXPECT_REGISTER, NULL, 7, 7, register_text};
    binding_port_up(own.binding);
    bench_run_until(&rig.bench, &own.changes, 1);
    master_expect(&hospital, "11 03 0005 0001", "11 03 02 0005");
    slave_leave(&rig.slave);
    bench_run_until(&rig.bench, &rig.ups, 2);
    master_expect(&hospital, "11 03 0005 0001", "11 83 0A");
    expected[2].value = 8;
    binding_port_up(own.binding);
    bench_run_until(&rig.bench, &own.changes, 2);
    cr_expect_eq(binding_state(own.binding), BINDING_STRANGER);
    close_all();
}

Test(binding, a_doubt_asks_again_and_a_lost_answer_is_none)
{
    open_all("Acme", 9, false);
    binding_port_up(own.binding);
    bench_run_until(&rig.bench, &own.changes, 1);
    far.vendor = NULL;
    master_expect(&hospital, "11 03 0007 0001", "11 83 0B");
    master_expect(&hospital, "11 04 0007 0001", "11 84 0B");
    cr_expect_eq(rig_notes(&rig, "identity-doubted"), 0);
    master_expect(&hospital, "11 01 0007 0001", "11 81 0B");
    cr_expect_eq(rig_notes(&rig, "identity-doubted"), 1);
    unsigned asked = rig.slave.count;
    master_expect(&hospital, "11 03 0007 0001", "11 83 0A");
    cr_expect_eq(rig.slave.count, asked);
    far.vendor = "Blue";
    binding_doubt(own.binding);
    cr_expect_eq(binding_state(own.binding), BINDING_ASKING);
    bench_run_until(&rig.bench, &own.changes, 2);
    cr_expect_eq(binding_state(own.binding), BINDING_STRANGER);
    close_all();
}

Test(binding, what_waited_when_the_doubt_came_is_not_sent)
{
    open_all("Acme", 9, false);
    binding_port_up(own.binding);
    bench_run_until(&rig.bench, &own.changes, 1);
    far.vendor = NULL;
    for (unsigned i = 0; i < 6; i++) {
        master_ask(&hospital, "11 03 0007 0001");
    }
    master_wait(&hospital, 6);
    /* One question and two barriers were missed. */
    cr_expect(master_heard(&hospital, 0, 1, "11 83 0B"));
    cr_expect(master_heard(&hospital, 1, 2, "11 83 0A"));
    cr_expect(master_heard(&hospital, 5, 6, "11 83 0A"));
    cr_expect_eq(rig.slave.count, 2U + 3U);
    close_all();
}

/* Its units answer or not each for itself, but who they belong to is one question. */
Test(binding, what_waited_for_another_unit_of_the_device_is_not_sent_either)
{
    open_all("Acme", 9, false);
    rig.units.bus_unit[0x12] = 0x12;
    binding_port_up(own.binding);
    bench_run_until(&rig.bench, &own.changes, 1);
    far.vendor = NULL;
    master_ask(&hospital, "11 03 0007 0001");
    master_ask(&hospital, "11 03 0007 0001");
    master_ask(&hospital, "12 03 0007 0001");
    master_wait(&hospital, 3);
    cr_expect(master_heard(&hospital, 0, 1, "11 83 0B"));
    cr_expect(master_heard(&hospital, 1, 2, "11 83 0A"));
    cr_expect(master_heard(&hospital, 2, 3, "12 83 0A"));
    cr_expect_eq(rig.slave.count, 2U + 3U);
    close_all();
}

Test(binding, a_device_without_a_unit_is_never_bound)
{
    open_all("Acme", 9, false);
    rig.units.bus_unit[0x11] = -1;
    binding_port_up(own.binding);
    bench_run_until(&rig.bench, &own.changes, 1);
    cr_expect_eq(binding_state(own.binding), BINDING_SILENT);
    cr_expect_eq(rig.slave.count, 0);
    close_all();
}

Test(binding, without_memory_for_its_questions_nothing_is_bound)
{
    open_all("Acme", 9, false);
    mem_fail_nth(1);
    binding_port_up(own.binding);
    mem_fail_nth(0);
    bench_run_until(&rig.bench, &own.changes, 1);
    cr_expect_eq(binding_state(own.binding), BINDING_SILENT);
    mem_fail_nth(1);
    cr_expect_null(binding_new(&(struct binding_settings){.conf = &rig.conf}));
    mem_fail_nth(0);
    close_all();
}

Test(binding, an_adapter_that_is_another_one_is_not_even_asked)
{
    struct sysfs tree;
    open_all("Acme", 9, false);
    static struct conf_expect both[2];
    both[0] = (struct conf_expect){CONF_EXPECT_USB_SERIAL, usb_pattern, 0, 0, usb_text};
    both[1] = expected[1];
    rig.conf.expect = both;
    sysfs_make(&tree, rig.port_text);
    sysfs_plug(&tree, "FT5");
    binding_close(own.binding);
    bench_run_until(&rig.bench, &own.closed, 1);
    binding_free(own.binding);
    const struct binding_settings settings = {.io = &rig.bench.io,
                                              .conf = &rig.conf,
                                              .bus = rig.device,
                                              .sysfs = tree.root,
                                              .on_change = on_change,
                                              .on_closed = on_closed};
    own.binding = binding_new(&settings);
    own.closed = 0;
    binding_port_up(own.binding);
    bench_run_until(&rig.bench, &own.changes, 1);
    cr_expect_eq(binding_state(own.binding), BINDING_STRANGER);
    cr_expect_eq(rig.slave.count, 0);
    sysfs_plug(&tree, "FT4");
    bench_run_until(&rig.bench, &own.changes, 2);
    cr_expect_eq(binding_state(own.binding), BINDING_BOUND);
    cr_expect_eq(rig.slave.count, 1);
    sysfs_end(&tree);
    close_all();
}

Test(binding, its_states_have_names)
{
    cr_expect_str_eq(binding_state_name(BINDING_AWAY), "away");
    cr_expect_str_eq(binding_state_name(BINDING_ASKING), "asking");
    cr_expect_str_eq(binding_state_name(BINDING_SILENT), "silent");
    cr_expect_str_eq(binding_state_name(BINDING_STRANGER), "stranger");
    cr_expect_str_eq(binding_state_name(BINDING_BOUND), "bound");
}
