#include <criterion/criterion.h>

#include "certs/verdict.h"

Test(verdict, has_a_name_for_each)
{
    cr_assert_str_eq(verdict_name(VERDICT_GOOD), "good");
    cr_assert_str_eq(verdict_name(VERDICT_REVOKED), "revoked");
    cr_assert_str_eq(verdict_name(VERDICT_UNKNOWN), "unknown");
    cr_assert_str_eq(verdict_name(VERDICT_STALE), "stale");
    cr_assert_str_eq(verdict_name(VERDICT_UNAVAILABLE), "unavailable");
    cr_assert_str_eq(verdict_name(VERDICT_NOT_CHECKED), "not checked");
}
