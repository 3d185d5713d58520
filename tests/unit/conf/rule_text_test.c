#include <string.h>

#include <criterion/criterion.h>

#include "conf/rule_text.h"

enum { READ = 0, WRITE = 1 };

static struct rule_text item;
static struct values_error why;

static const struct modbus_rule *one(const char *text, bool writes)
{
    why = (struct values_error){0};
    cr_assert_eq(rule_text_item(text, writes, &item, &why), 0, "%s: %s", text, why.wrong);
    cr_assert_eq(item.count, 1, "%s", text);
    cr_assert_not(item.is_none);
    cr_expect_eq(item.rules[0].writes, writes);
    return &item.rules[0];
}

static void expect_range(const char *text, bool writes, enum modbus_kind kind, uint16_t first,
                         uint16_t last)
{
    const struct modbus_rule *rule = one(text, writes);
    cr_expect_eq(rule->kind, kind, "%s", text);
    cr_expect_eq(rule->first, first, "%s", text);
    cr_expect_eq(rule->last, last, "%s", text);
    cr_expect_not(rule->has_values, "%s", text);
    cr_expect_not(rule->has_unit, "%s", text);
}

Test(rule_text, takes_registers_and_coils)
{
    expect_range("holding 0-99", READ, MODBUS_KIND_HOLDING, 0, 99);
    expect_range("holding 7", READ, MODBUS_KIND_HOLDING, 7, 7);
    expect_range("holding", READ, MODBUS_KIND_HOLDING, 0, 65535);
    expect_range("input 0-31", READ, MODBUS_KIND_INPUT, 0, 31);
    expect_range("coils \t 0-15", READ, MODBUS_KIND_COILS, 0, 15);
    expect_range("discrete 65535", READ, MODBUS_KIND_DISCRETE, 65535, 65535);
    expect_range("holding 40-41", WRITE, MODBUS_KIND_HOLDING, 40, 41);
    expect_range("coils 3", WRITE, MODBUS_KIND_COILS, 3, 3);
}

Test(rule_text, takes_a_value_range)
{
    const struct modbus_rule *rule = one("holding 40-41 value 0-1200", WRITE);
    cr_expect(rule->has_values);
    cr_expect_eq(rule->first, 40);
    cr_expect_eq(rule->last, 41);
    cr_expect_eq(rule->least, 0);
    cr_expect_eq(rule->most, 1200);
    rule = one("holding value 5", WRITE);
    cr_expect(rule->has_values && rule->least == 5 && rule->most == 5 && rule->last == 65535);
    rule = one("coils 3 value 0", WRITE);
    cr_expect(rule->has_values && rule->least == 0 && rule->most == 0);
}

Test(rule_text, takes_a_unit)
{
    const struct modbus_rule *rule = one("unit 3 holding 0-99", READ);
    cr_expect(rule->has_unit && rule->unit == 3 && rule->last == 99);
    rule = one("unit 255 function 43", READ);
    cr_expect(rule->has_unit && rule->unit == 255 && rule->first == 43);
    cr_assert_eq(rule_text_item("unit 9 all", READ, &item, &why), 0);
    for (size_t i = 0; i < item.count; i++) {
        cr_expect(item.rules[i].has_unit && item.rules[i].unit == 9);
    }
}

Test(rule_text, takes_functions_by_their_number)
{
    static const uint8_t reads[] = {7, 8, 11, 12, 17, 20, 24, 43};
    char text[32];
    for (size_t i = 0; i < sizeof reads; i++) {
        (void)snprintf(text, sizeof text, "function %u", reads[i]);
        expect_range(text, READ, MODBUS_KIND_FUNCTION, reads[i], reads[i]);
    }
    expect_range("function 8", WRITE, MODBUS_KIND_FUNCTION, 8, 8);
    expect_range("function 21", WRITE, MODBUS_KIND_FUNCTION, 21, 21);
}

static bool has(enum modbus_kind kind, uint16_t first, uint16_t last)
{
    for (size_t i = 0; i < item.count; i++) {
        const struct modbus_rule *rule = &item.rules[i];
        if (rule->kind == kind && rule->first == first && rule->last == last) {
            return true;
        }
    }
    return false;
}

Test(rule_text, all_reads_everything_but_files_and_diagnostics)
{
    static const uint8_t functions[] = {7, 11, 12, 17, 24, 43};
    cr_assert_eq(rule_text_item("all", READ, &item, &why), 0);
    cr_assert_eq(item.count, 10);
    for (int kind = MODBUS_KIND_HOLDING; kind <= MODBUS_KIND_DISCRETE; kind++) {
        cr_expect(has((enum modbus_kind)kind, 0, 65535));
    }
    for (size_t i = 0; i < sizeof functions; i++) {
        cr_expect(has(MODBUS_KIND_FUNCTION, functions[i], functions[i]));
    }
    for (size_t i = 0; i < item.count; i++) {
        cr_expect_not(item.rules[i].writes);
    }
}

Test(rule_text, all_writes_registers_and_coils_and_no_function)
{
    cr_assert_eq(rule_text_item("all", WRITE, &item, &why), 0);
    cr_assert_eq(item.count, 2);
    cr_expect(has(MODBUS_KIND_HOLDING, 0, 65535));
    cr_expect(has(MODBUS_KIND_COILS, 0, 65535));
    cr_expect(item.rules[0].writes && item.rules[1].writes);
}

Test(rule_text, none_is_no_rule)
{
    cr_assert_eq(rule_text_item("none", WRITE, &item, &why), 0);
    cr_expect(item.is_none);
    cr_expect_eq(item.count, 0);
}

Test(rule_text, refuses_what_is_no_rule_and_says_why)
{
    static const struct {
        const char *text;
        bool writes;
        const char *wrong;
    } rows[] = {
        {"", READ, "names neither"},
        {"registers 0-9", READ, "names neither"},
        {"Holding 0-9", READ, "names neither"},
        {"0-9", READ, "names neither"},
        {"a_word_that_is_longer_than_any_that_is_known", READ, "names neither"},
        {"holding 9-0", READ, "proper range"},
        {"holding 0-65536", READ, "proper range"},
        {"holding -1", READ, "proper range"},
        {"holding 1-", READ, "proper range"},
        {"holding 1-2-3", READ, "proper range"},
        {"holding 0x10", READ, "proper range"},
        {"holding 99999999999999999999999999999", READ, "proper range"},
        {"input 0-9", WRITE, "cannot be written"},
        {"discrete 0-9", WRITE, "cannot be written"},
        {"holding 0-9 value 1-2", READ, "has a value range"},
        {"holding 0-9 value", WRITE, "value range"},
        {"holding 0-9 value 2-1", WRITE, "value range"},
        {"holding 0-9 value -5-5", WRITE, "value range"},
        {"holding 0-9 value 70000", WRITE, "value range"},
        {"coils 3 value 2", WRITE, "value range"},
        {"holding 0-9 10-19", READ, "needless words"},
        {"holding 0-9 values 3", WRITE, "needless words"},
        {"holding 0-9 value 1 unit 3", WRITE, "needless words"},
        {"all holding", READ, "needless words"},
        {"none at all", READ, "needless words"},
        {"unit 3 none", READ, "names neither"},
        {"unit 0 all", READ, "proper unit"},
        {"unit 248 all", READ, "proper unit"},
        {"unit", READ, "proper unit"},
        {"unit 3", READ, "names neither"},
        {"function", READ, "names no function"},
        {"function 3", READ, "names no function"},
        {"function 6", WRITE, "names no function"},
        {"function 22", WRITE, "names no function"},
        {"function 65", WRITE, "names no function"},
        {"function 256", READ, "names no function"},
        {"function 43", WRITE, "only reads"},
        {"function 21", READ, "only writes"},
        {"function 43 0-9", READ, "needless words"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rule_text before;
        memset(&item, 0x5A, sizeof item);
        before = item;
        why = (struct values_error){0};
        cr_expect_eq(rule_text_item(rows[i].text, rows[i].writes, &item, &why), -1, "%s",
                     rows[i].text);
        cr_expect(why.wrong != NULL && strstr(why.wrong, rows[i].wrong) != NULL, "%s: %s",
                  rows[i].text, why.wrong);
        cr_expect_eq(memcmp(&before, &item, sizeof item), 0, "%s", rows[i].text);
    }
}

static struct modbus_window window(const char *text)
{
    struct modbus_window w = {0};
    cr_assert_eq(rule_text_window(text, &w, &why), 0, "%s", text);
    return w;
}

static void expect_window(const char *text, uint8_t days, uint16_t from, uint16_t until)
{
    struct modbus_window w = window(text);
    cr_expect_eq(w.days, days, "%s", text);
    cr_expect_eq(w.from, from, "%s", text);
    cr_expect_eq(w.until, until, "%s", text);
}

Test(rule_text, takes_parts_of_a_week)
{
    expect_window("mon-fri 07:00-19:00", 0x1F, 420, 1140);
    expect_window("sat", 0x20, 0, 1440);
    expect_window("sat-mon", 0x61, 0, 1440);
    expect_window("sun-sun", 0x40, 0, 1440);
    expect_window("22:00-06:00", 0x7F, 1320, 360);
    expect_window("00:00-24:00", 0x7F, 0, 1440);
    expect_window("mon-sun 23:59-24:00", 0x7F, 1439, 1440);
    expect_window("tue 12:00-12:00", 0x02, 720, 720);
    expect_window("fri-tue \t 01:00-02:00", 0x73, 60, 120);
}

Test(rule_text, refuses_what_is_no_part_of_a_week)
{
    static const char *const texts[] = {
        "",
        "always",
        "Mon",
        "monday",
        "mon-",
        "mon-fri-sat",
        "7:00-19:00",
        "07:00",
        "07:00-",
        "07:00-24:01",
        "07:60-08:00",
        "25:00-26:00",
        "24:00-24:00",
        "07.00-19.00",
        "mon 07:00",
        "mon tue",
        "07:00-19:00 mon",
        "mon 07:00-19:00 x",
        "mon 07:00 -19:00",
        "-1:00-12:00",
        "mon  x",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct modbus_window w = {.days = 9};
        cr_expect_eq(rule_text_window(texts[i], &w, &why), -1, "%s", texts[i]);
        cr_expect_eq(w.days, 9);
    }
}
