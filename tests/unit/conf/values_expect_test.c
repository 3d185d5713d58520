#include <string.h>

#include <criterion/criterion.h>

#include "conf/values.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

Test(values_expect, takes_texts_with_and_without_quotes)
{
    static const struct {
        const char *text;
        enum conf_expect_kind kind;
        const char *pattern;
    } GOOD[] = {
        {"id \"Acme*\"", CONF_EXPECT_ID, "Acme*"},
        {"id Acme Pump V2", CONF_EXPECT_ID, "Acme Pump V2"},
        {"slave-id \t\"\\xb4\\xffLMB*\"", CONF_EXPECT_SLAVE_ID, "\\xb4\\xffLMB*"},
        {"usb-serial FT4XYZ", CONF_EXPECT_USB_SERIAL, "FT4XYZ"},
        {"id \" x\"", CONF_EXPECT_ID, " x"},
    };

    for (size_t i = 0; i < COUNT(GOOD); i++) {
        struct values_expect e;
        struct values_error why;
        cr_assert_eq(values_expect(GOOD[i].text, &e, &why), 0, "%s", GOOD[i].text);
        cr_expect_eq(e.kind, GOOD[i].kind, "%s", GOOD[i].text);
        cr_expect_str_eq(e.pattern, GOOD[i].pattern);
    }
}

Test(values_expect, takes_registers)
{
    static const struct {
        const char *text;
        enum conf_expect_kind kind;
        uint16_t address, value;
    } GOOD[] = {
        {"register 0x0100 = 0x1234", CONF_EXPECT_REGISTER, 0x100, 0x1234},
        {"register 256=4660", CONF_EXPECT_REGISTER, 256, 4660},
        {"input 0 = 0", CONF_EXPECT_INPUT, 0, 0},
        {"input 65535  =  0XfFfF", CONF_EXPECT_INPUT, 65535, 0xFFFF},
    };

    for (size_t i = 0; i < COUNT(GOOD); i++) {
        struct values_expect e;
        struct values_error why;
        cr_assert_eq(values_expect(GOOD[i].text, &e, &why), 0, "%s", GOOD[i].text);
        cr_expect_eq(e.kind, GOOD[i].kind);
        cr_expect_eq(e.address, GOOD[i].address);
        cr_expect_eq(e.value, GOOD[i].value);
        cr_expect_str_eq(e.pattern, "");
    }
}

Test(values_expect, refuses_all_else)
{
    static const struct {
        const char *text;
        const char *wrong;
    } BAD[] = {
        {"", "is nothing that a device could be known by"},
        {"Acme*", "is nothing that a device could be known by"},
        {"ID \"Acme*\"", "is nothing that a device could be known by"},
        {"idAcme", "is nothing that a device could be known by"},
        {"serial 5", "is nothing that a device could be known by"},
        {"id", "would take any device"},
        {"id \"\"", "would take any device"},
        {"id \"*\"", "would take any device"},
        {"slave-id **", "would take any device"},
        {"usb-serial *", "would take any device"},
        {"id \"Acme", "has a quote that is not closed"},
        {"id Acme\"", "has a quote that is not closed"},
        {"id \"", "has a quote that is not closed"},
        {"register", "is not a register and its value"},
        {"register 5", "is not a register and its value"},
        {"register = 5", "is not a register and its value"},
        {"register 5 =", "is not a register and its value"},
        {"register 65536 = 1", "is not a register and its value"},
        {"register 1 = 0x10000", "is not a register and its value"},
        {"register 1 = 4294967297", "is not a register and its value"},
        {"register 1 = 5 6", "is not a register and its value"},
        {"register 1 = -1", "is not a register and its value"},
        {"register 0x = 1", "is not a register and its value"},
        {"register 1a = 1", "is not a register and its value"},
        {"input 1 == 1", "is not a register and its value"},
    };

    for (size_t i = 0; i < COUNT(BAD); i++) {
        struct values_expect e = {.address = 77};
        struct values_error why;
        cr_assert_eq(values_expect(BAD[i].text, &e, &why), -1, "%s", BAD[i].text);
        cr_expect_str_eq(why.wrong, BAD[i].wrong, "%s", BAD[i].text);
        cr_expect_eq(e.address, 77);
    }
}

Test(values_expect, refuses_a_text_that_no_line_can_hold)
{
    char text[VALUES_PATH_SIZE + 1] = "id ";
    struct values_expect e;
    struct values_error why;
    memset(&text[3], 'a', VALUES_PATH_SIZE - 3);
    text[VALUES_PATH_SIZE] = '\0';
    cr_expect_eq(values_expect(text, &e, &why), -1);
    text[VALUES_PATH_SIZE - 1] = '\0';
    cr_expect_eq(values_expect(text, &e, &why), 0);
}
