#include <string.h>

#include <criterion/criterion.h>

#include "gateway/permit.h"
#include "tests/unit/protocols/hex.h"

static struct modbus_rule rules[] = {
    {.kind = MODBUS_KIND_HOLDING, .last = 99, .line = 1},
    {.writes = true, .kind = MODBUS_KIND_HOLDING, .first = 40, .last = 40, .line = 2},
};
static struct conf_access access_of_device;

static struct permit_answer ask(const char *pdu, struct permit_question q)
{
    struct hex h = hex_of(pdu);
    struct permit_answer answer;
    modbus_policy_make(&access_of_device.policy, rules, 2);
    q.pdu = hex_span(&h);
    permit_judge(&q, &answer);
    cr_expect_gt(strlen(answer.why), 5);
    return answer;
}

Test(permit, without_rules_reads_pass_and_writes_by_the_devices_word)
{
    struct permit_question q = {.takes_writes = false};
    cr_expect_eq(ask("03 0000 0001", q).code, MODBUS_FINE);
    cr_expect_eq(ask("06 0028 0001", q).code, MODBUS_ILLEGAL_FUNCTION);
    q.takes_writes = true;
    cr_expect_eq(ask("06 0028 0001", q).code, MODBUS_FINE);
    cr_expect(ask("06 0028 0001", q).is_write);
    q.is_unproven = true;
    cr_expect_eq(ask("06 0028 0001", q).code, MODBUS_ILLEGAL_FUNCTION);
    cr_expect_eq(ask("03 0000 0001", q).code, MODBUS_FINE);
}

Test(permit, with_rules_nobody_passes_without_a_role)
{
    struct permit_question q = {.takes_writes = true, .access = &access_of_device};
    static const char *const pdus[] = {"03 0000 0001", "06 0028 0001", "41", "03 0000"};
    for (size_t i = 0; i < sizeof pdus / sizeof pdus[0]; i++) {
        struct permit_answer answer = ask(pdus[i], q);
        cr_expect_eq(answer.code, MODBUS_ILLEGAL_FUNCTION, "%s", pdus[i]);
        cr_expect_not_null(strstr(answer.why, "no role"), "%s", answer.why);
    }
}

Test(permit, a_rule_does_not_make_up_for_the_devices_word)
{
    struct permit_question q = {.access = &access_of_device, .roles = 1};
    struct permit_answer answer = ask("06 0028 0001", q);
    cr_expect_eq(answer.code, MODBUS_ILLEGAL_FUNCTION);
    cr_expect_null(answer.rule);
    q.takes_writes = true;
    answer = ask("06 0028 0001", q);
    cr_expect_eq(answer.code, MODBUS_FINE);
    cr_expect_eq(answer.rule->line, 2);
    q.is_unproven = true;
    cr_expect_eq(ask("06 0028 0001", q).code, MODBUS_ILLEGAL_FUNCTION);
}

Test(permit, the_devices_word_does_not_make_up_for_a_rule)
{
    struct permit_question q = {.takes_writes = true, .access = &access_of_device, .roles = 1};
    cr_expect_eq(ask("06 0029 0001", q).code, MODBUS_ILLEGAL_FUNCTION);
    cr_expect_eq(ask("03 0064 0001", q).code, MODBUS_ILLEGAL_FUNCTION);
    cr_expect_eq(ask("03 0063 0001", q).code, MODBUS_FINE);
}

Test(permit, what_is_not_sound_keeps_its_exception)
{
    struct permit_question q = {.takes_writes = true};
    cr_expect_eq(ask("41", q).code, MODBUS_ILLEGAL_FUNCTION);
    cr_expect_eq(ask("03 0000", q).code, MODBUS_ILLEGAL_VALUE);
    q.access = &access_of_device;
    q.roles = 1;
    cr_expect_eq(ask("03 0000", q).code, MODBUS_ILLEGAL_VALUE);
}

Test(permit, tells_what_a_request_touches_and_no_value)
{
    static const struct {
        const char *pdu, *text;
    } rows[] = {
        {"03 0000 000A", "holding 0-9"},
        {"04 0005 0001", "input 5"},
        {"01 0000 0010", "coils 0-15"},
        {"02 0007 0001", "discrete 7"},
        {"06 0028 1234", "write holding 40"},
        {"16 0028 1234 5678", "write holding 40"},
        {"10 0028 0002 04 1234 5678", "write holding 40-41"},
        {"0F 0003 0002 01 03", "write coils 3-4"},
        {"17 0000 000A 0028 0001 02 1234", "holding 0-9, write holding 40"},
        {"17 0000 007D FFFE 0002 04 1234 5678", "holding 0-124, write holding 65534-65535"},
        {"2B 0E 01 00", "function 43"},
        {"08 0001 0000", "write function 8"},
        {"41 1234", "function 65"},
        {"03 0000", "function 3"},
        {"", "function 0"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct hex h = hex_of(rows[i].pdu);
        char text[PERMIT_TEXT_MAX];
        permit_range_text(hex_span(&h), text);
        cr_expect_str_eq(text, rows[i].text);
    }
}
