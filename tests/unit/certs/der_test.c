#include <string.h>

#include <criterion/criterion.h>

#include "certs/der.h"

#define SPAN(...) span_of((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

Test(der, takes_elements_one_by_one)
{
    struct span in = SPAN(0x02, 1, 5, 0x04, 0, 0x30, 2, 0x05, 0);
    struct span value;
    uint8_t tag;

    cr_assert(der_take(&in, &tag, &value));
    cr_assert(tag == DER_INTEGER && value.len == 1 && value.data[0] == 5);
    cr_assert(der_take(&in, &tag, &value));
    cr_assert(tag == DER_OCTET_STRING && value.len == 0);
    cr_assert(der_take_whole(&in, &value));
    cr_assert(value.len == 4 && in.len == 0);
    cr_assert_not(der_take(&in, &tag, &value));
}

Test(der, takes_long_lengths)
{
    static uint8_t bytes[4 + 300] = {0x04, 0x82, 0x01, 0x2C};
    struct span in = span_of(bytes, sizeof(bytes));
    struct span value;

    cr_assert(der_take_tag(&in, DER_OCTET_STRING, &value));
    cr_assert_eq(value.len, 300);
}

Test(der, refuses_what_is_not_der)
{
    static const uint8_t leading_zero[4 + 200] = {0x04, 0x82, 0, 200};
    const struct span cases[] = {
        SPAN(0x30),                         /* no length */
        SPAN(0x30, 1),                      /* cut */
        SPAN(0x30, 0x80, 0, 0),             /* indefinite length */
        SPAN(0x04, 0x81, 5, 1, 2, 3, 4, 5), /* a short length in the long form */
        span_of(leading_zero, sizeof(leading_zero)),
        SPAN(0x04, 0x85, 1, 0, 0, 0, 0),          /* more than four bytes of length */
        SPAN(0x04, 0x84, 0xFF, 0xFF, 0xFF, 0xFF), /* longer than everything */
        SPAN(0x1F, 1, 0),                         /* a tag of several bytes */
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct span in = cases[i];
        struct span value = {NULL, 7};
        uint8_t tag = 9;
        cr_assert_not(der_take(&in, &tag, &value), "case %zu", i);
        cr_assert(span_equal(in, cases[i]) && tag == 9 && value.len == 7, "case %zu", i);
    }
}

Test(der, takes_what_may_be_missing)
{
    struct span in = SPAN(0x02, 1, 5);
    struct span value;
    bool present = true;

    cr_assert(der_take_optional(&in, DER_BOOLEAN, &value, &present));
    cr_assert_not(present);
    cr_assert(der_take_optional(&in, DER_INTEGER, &value, &present));
    cr_assert(present && in.len == 0);
    in = SPAN(0x01, 5, 0);
    cr_assert_not(der_take_optional(&in, DER_BOOLEAN, &value, &present));
}

static bool take_time(uint8_t tag, const char *text, int64_t *out_s)
{
    uint8_t bytes[40] = {tag, (uint8_t)strlen(text)};
    struct span in;

    memcpy(bytes + 2, text, strlen(text));
    in = span_of(bytes, 2 + strlen(text));
    return der_take_time(&in, out_s);
}

Test(der, reads_times)
{
    static const struct {
        uint8_t tag;
        const char *text;
        int64_t want_s;
    } CASES[] = {
        {DER_UTC_TIME, "700101000000Z", 0},
        {DER_UTC_TIME, "000229120000Z", 951825600},
        {DER_UTC_TIME, "491231235959Z", 2524607999},
        {DER_UTC_TIME, "500101000000Z", -631152000},
        {DER_GENERALIZED_TIME, "20261122111000Z", 1795345800},
        {DER_GENERALIZED_TIME, "99991231235959Z", 253402300799},
        {DER_GENERALIZED_TIME, "21000301000000Z", 4107542400},
    };

    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        int64_t got_s = 0;
        cr_assert(take_time(CASES[i].tag, CASES[i].text, &got_s), "%s", CASES[i].text);
        cr_assert_eq(got_s, CASES[i].want_s, "%s: %lld", CASES[i].text, (long long)got_s);
    }
}

Test(der, refuses_other_forms_of_time)
{
    static const struct {
        uint8_t tag;
        const char *text;
    } CASES[] = {
        {DER_UTC_TIME, "7001010000Z"},       {DER_UTC_TIME, "700101000000"},
        {DER_UTC_TIME, "700101000000+0100"}, {DER_UTC_TIME, "701301000000Z"},
        {DER_UTC_TIME, "700100000000Z"},     {DER_UTC_TIME, "700101240000Z"},
        {DER_UTC_TIME, "70010100000aZ"},     {DER_GENERALIZED_TIME, "20261122111000.5Z"},
        {DER_GENERALIZED_TIME, "20261122Z"}, {DER_INTEGER, "700101000000Z"},
        {DER_UTC_TIME, "700101000000ZZ"},
    };

    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        int64_t got_s = 77;
        cr_assert_not(take_time(CASES[i].tag, CASES[i].text, &got_s), "%s", CASES[i].text);
        cr_assert_eq(got_s, 77);
    }
}

Test(der, reads_booleans_in_their_two_forms_only)
{
    struct span in = SPAN(0x01, 1, 0xFF, 0x01, 1, 0x00, 0x01, 1, 0x01);
    bool value = false;

    cr_assert(der_take_bool(&in, &value) && value);
    cr_assert(der_take_bool(&in, &value) && !value);
    cr_assert_not(der_take_bool(&in, &value));
}

Test(der, takes_characters_of_utf8_and_no_broken_or_over_long_one)
{
    static const struct {
        const char *bytes;
        uint32_t character; /* 0: none */
    } rows[] = {
        {"a", 'a'},
        {"\xC3\xA9", 0xE9},
        {"\xE2\x82\xAC", 0x20AC},
        {"\xF4\x8F\xBF\xBF", 0x10FFFF},
        {"\xC1\xA1", 0},
        {"\xE0\x82\xAC", 0},
        {"\xF4\x90\x80\x80", 0},
        {"\xC3", 0},
        {"\xC3"
         "a",
         0},
        {"\x80", 0},
        {"\xFF", 0},
        {"", 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span in = span_of(rows[i].bytes, strlen(rows[i].bytes));
        uint32_t character = 0;
        bool is_one = der_take_utf8(&in, &character);
        cr_expect_eq(is_one, rows[i].character != 0, "row %zu", i);
        cr_expect(!is_one || (character == rows[i].character && in.len == 0), "row %zu", i);
    }
}
