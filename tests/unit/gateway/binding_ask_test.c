#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "gateway/binding_private.h"
#include "protocols/modbus_pdu.h"
#include "tests/unit/gateway/sysfs.h"
#include "tests/unit/protocols/hex.h"

static char id_text[] = "id \"Acme*\"", acme[] = "Acme*",
            register_text[] = "register 0x100 = 0x1234";
static char slave_text[] = "slave-id", slave_pattern[] = "\\x11\\xffPump*",
            usb_text[] = "usb-serial FT4";
static char usb_pattern[] = "FT4";

static const struct conf_expect id = {CONF_EXPECT_ID, acme, 0, 0, id_text};
static const struct conf_expect slave_id = {CONF_EXPECT_SLAVE_ID, slave_pattern, 0, 0, slave_text};
static const struct conf_expect holding = {CONF_EXPECT_REGISTER, NULL, 0x100, 0x1234,
                                           register_text};
static const struct conf_expect input = {CONF_EXPECT_INPUT, NULL, 0x100, 0x1234, register_text};
static const struct conf_expect adapter = {CONF_EXPECT_USB_SERIAL, usb_pattern, 0, 0, usb_text};

static bool asks(const struct conf_expect *e, const char *hex)
{
    struct binding_question q;
    struct hex want = hex_of(hex);
    uint8_t memory[MODBUS_PDU_MAX];
    struct room out = room_of(memory, sizeof(memory));
    binding_ask_start(&q, e);
    binding_ask_put(&q, &out);
    return span_equal(room_span(&out), hex_span(&want)) &&
           modbus_pdu_check(room_span(&out)) == MODBUS_FINE &&
           !modbus_pdu_is_write(room_span(&out));
}

static enum binding_finding judge(const struct conf_expect *e, const char *hex, struct fault *f)
{
    struct binding_question q;
    struct hex pdu = hex_of(hex);
    binding_ask_start(&q, e);
    fault_clear(f);
    return binding_ask_judge(&q, hex_span(&pdu), f);
}

Test(binding_ask, asks_with_sound_reads)
{
    cr_expect(asks(&id, "2B 0E 01 00"));
    cr_expect(asks(&slave_id, "11"));
    cr_expect(asks(&holding, "03 0100 0001"));
    cr_expect(asks(&input, "04 0100 0001"));
}

Test(binding_ask, the_expected_device_holds)
{
    struct fault f;
    cr_expect_eq(judge(&id, "2B 0E 01 01 00 00 02 00 04 41636D65 01 01 50", &f), BINDING_HOLDS);
    cr_expect_eq(judge(&slave_id, "11 07 11 FF 50756D70 31", &f), BINDING_HOLDS);
    cr_expect_eq(judge(&holding, "03 02 1234", &f), BINDING_HOLDS);
    cr_expect_eq(judge(&input, "04 02 1234", &f), BINDING_HOLDS);
    cr_expect_eq(f.code, FAULT_NONE);
}

Test(binding_ask, another_device_differs_and_is_told)
{
    struct fault f;
    cr_expect_eq(judge(&id, "2B 0E 01 01 00 00 02 00 04 426C7565 01 01 50", &f), BINDING_DIFFERS);
    cr_expect_eq(f.code, FAULT_STRANGER);
    cr_expect_eq(f.side, FAULT_SIDE_DEVICE);
    cr_expect_str_eq(f.note, "expected id \"Acme*\", found \"Blue P\"");
    cr_expect_eq(judge(&slave_id, "11 03 12 00 41", &f), BINDING_DIFFERS);
    cr_expect_str_eq(f.note, "expected slave-id, found \"\\x12\\x00A\"");
}

/* It may be a patient's. */
Test(binding_ask, the_value_of_a_register_is_told_to_nobody)
{
    struct fault f;
    cr_expect_eq(judge(&holding, "03 02 1235", &f), BINDING_DIFFERS);
    cr_expect_str_eq(f.note, "expected register 0x100 = 0x1234, found another value");
    cr_expect_eq(judge(&input, "04 02 0000", &f), BINDING_DIFFERS);
    cr_expect_eq(f.code, FAULT_STRANGER);
}

Test(binding_ask, what_a_stranger_says_is_cut_to_fit)
{
    struct fault f;
    char hex[600] = "2B 0E 01 01 00 00 01 00 60";
    for (int i = 0; i < 0x60; i++) {
        (void)snprintf(&hex[strlen(hex)], 3, "42");
    }
    cr_expect_eq(judge(&id, hex, &f), BINDING_DIFFERS);
    cr_expect_str_eq(f.note, "expected id \"Acme*\", found "
                             "\"BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB...\"");
}

Test(binding_ask, a_device_that_does_not_know_the_question_differs)
{
    struct fault f;
    cr_expect_eq(judge(&id, "AB 01", &f), BINDING_DIFFERS);
    cr_expect_str_eq(f.note,
                     "expected id \"Acme*\", found a device that answers with exception 01");
    cr_expect_eq(judge(&holding, "83 02", &f), BINDING_DIFFERS);
    cr_expect_eq(judge(&slave_id, "91 03", &f), BINDING_DIFFERS);
}

Test(binding_ask, who_is_busy_or_away_has_not_answered)
{
    static const char *const codes[] = {"83 04", "83 05", "83 06", "83 08", "83 0A", "83 0B"};
    struct fault f;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        cr_expect_eq(judge(&holding, codes[i], &f), BINDING_NO_ANSWER, "%s", codes[i]);
        cr_expect_eq(f.code, FAULT_NONE);
    }
}

Test(binding_ask, what_is_no_answer_to_the_question_is_none)
{
    static const char *const list[] = {
        "", "03", "03 02 12", "04 02 1234", "03 04 1234 1234", "83 00", "03 02 1234 00"};
    struct fault f;
    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        cr_expect_eq(judge(&holding, list[i], &f), BINDING_NO_ANSWER, "%s", list[i]);
    }
}

Test(binding_ask, an_identification_that_is_not_sound_differs)
{
    struct fault f;
    cr_expect_eq(judge(&id, "2B 0E 01 01 00 00 00", &f), BINDING_DIFFERS);
    cr_expect_str_eq(f.note, "expected id \"Acme*\", found an identification that is not sound");
}

Test(binding_ask, an_identification_in_parts_is_asked_on)
{
    struct binding_question q;
    struct fault f;
    struct hex first = hex_of("2B 0E 01 01 FF 01 01 00 04 41636D65");
    struct hex last = hex_of("2B 0E 01 01 00 00 01 01 01 50");
    struct hex want = hex_of("2B 0E 01 01");
    uint8_t memory[MODBUS_PDU_MAX];
    struct room out = room_of(memory, sizeof(memory));
    binding_ask_start(&q, &id);
    cr_expect_eq(binding_ask_judge(&q, hex_span(&first), &f), BINDING_ASK_ON);
    binding_ask_put(&q, &out);
    cr_expect(span_equal(room_span(&out), hex_span(&want)));
    cr_expect_eq(binding_ask_judge(&q, hex_span(&last), &f), BINDING_HOLDS);
}

Test(binding_ask, knows_the_adapter_by_its_number)
{
    struct sysfs tree;
    struct fault f = {0};
    sysfs_make(&tree, "/dev/null");
    cr_expect_eq(binding_ask_adapter(&adapter, tree.root, "/dev/null", &f), BINDING_DIFFERS);
    cr_expect_str_eq(f.note, "expected usb-serial FT4, found a port that is no USB adapter");
    sysfs_plug(&tree, "FT4\n");
    cr_expect_eq(binding_ask_adapter(&adapter, tree.root, "/dev/null", &f), BINDING_HOLDS);
    sysfs_plug(&tree, "FT41\n");
    cr_expect_eq(binding_ask_adapter(&adapter, tree.root, "/dev/null", &f), BINDING_DIFFERS);
    cr_expect_str_eq(f.note, "expected usb-serial FT4, found \"FT41\"");
    sysfs_plug(&tree, NULL);
    cr_expect_eq(binding_ask_adapter(&adapter, tree.root, "/dev/null", &f), BINDING_DIFFERS);
    cr_expect_str_eq(f.note, "expected usb-serial FT4, found an adapter without a serial number");
    cr_expect_eq(binding_ask_adapter(&adapter, tree.root, "/dev/not-there", &f), BINDING_NO_ANSWER);
    sysfs_end(&tree);
}
