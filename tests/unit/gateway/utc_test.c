#include <criterion/criterion.h>

#include "gateway/utc.h"

Test(utc, writes_rfc_3339)
{
    char text[UTC_TEXT_MAX];
    cr_expect_str_eq(utc_text(0, text), "1970-01-01T00:00:00Z");
    cr_expect_str_eq(utc_text(1772346600, text), "2026-03-01T06:30:00Z");
    cr_expect_str_eq(utc_text(-1, text), "1969-12-31T23:59:59Z");
    cr_expect_str_eq(utc_text(253402300799, text), "9999-12-31T23:59:59Z");
}

Test(utc, answers_nothing_for_years_that_do_not_fit)
{
    char text[UTC_TEXT_MAX];
    cr_expect_str_eq(utc_text(253402300800, text), "");
    cr_expect_str_eq(utc_text(INT64_MAX, text), "");
    cr_expect_str_eq(utc_text(INT64_MIN, text), "");
}
