#include <string.h>

#include <criterion/criterion.h>

#include "gateway/http_fields.h"

Test(http_fields, reads_max_age)
{
    static const struct {
        const char *value;
        int64_t age;
    } rows[] = {
        {"max-age=600", 600},
        {"Max-Age=600", 600},
        {"public, max-age=600, must-revalidate", 600},
        {" \t max-age=7 ", 7},
        {"max-age=\"30\"", 30},
        {"max-age=0", 0},
        {"no-cache", 0},
        {"no-store, max-age=600", 0},
        {"max-age=600, max-age=5", 5},
        {"no-cache=\"Set-Cookie\"", 0},
        {"max-age=99999999999999999999999999", HTTP_FIELDS_AGE_MAX_S},
        {"", -1},
        {"public", -1},
        {",,,", -1},
        {"max-age", -1},
        {"max-age=", -1},
        {"max-age=\"", -1},
        {"max-age=\"\"", -1},
        {"max-age=-1", -1},
        {"max-age=6 00", -1},
        {"max-age=6x", -1},
        {"s-maxage=5", -1},
        {"max-ages=5", -1},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cr_expect_eq(http_fields_max_age(rows[i].value), rows[i].age, "%s", rows[i].value);
    }
}

Test(http_fields, a_tag_that_is_plain_may_be_sent_back)
{
    cr_expect(http_fields_is_plain("\"abc-123\"", 64));
    cr_expect(http_fields_is_plain("W/\"1 2\"", 64));
    cr_expect(http_fields_is_plain("abc", 4));
}

Test(http_fields, refuses_a_tag_that_is_empty_or_too_long)
{
    cr_expect_not(http_fields_is_plain("", 64));
    cr_expect_not(http_fields_is_plain("abcd", 4));
}

Test(http_fields, refuses_a_tag_with_control_characters)
{
    static const char *const values[] = {"\"a\rb\"", "\"a\nX: y\"", "\"\x01\"", "\"\x7f\"",
                                         "\"\xc3\xa4\""};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        cr_expect_not(http_fields_is_plain(values[i], 64), "value %zu", i);
    }
}

Test(http_fields, compares_the_media_type_alone)
{
    cr_expect(http_fields_is_type("application/ocsp-response", "application/ocsp-response"));
    cr_expect(http_fields_is_type("Application/OCSP-Response", "application/ocsp-response"));
    cr_expect(http_fields_is_type("application/ocsp-response ; a=b", "application/ocsp-response"));
}

Test(http_fields, refuses_another_media_type)
{
    static const char *const values[] = {"",
                                         "text/html",
                                         "application/ocsp-responses",
                                         "application/ocsp",
                                         "text/html; application/ocsp-response",
                                         "application/ocsp-response, text/html"};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        cr_expect_not(http_fields_is_type(values[i], "application/ocsp-response"), "%s", values[i]);
    }
    cr_expect_not(http_fields_is_type(NULL, "application/ocsp-response"));
}
