#include <string.h>

#include <criterion/criterion.h>

#include "conf/text.h"

static bool is_utf8(const char *text)
{
    return text_is_utf8(text, strlen(text));
}

Test(text, takes_utf8)
{
    cr_assert(is_utf8(""));
    cr_assert(is_utf8("bed 12"));
    cr_assert(is_utf8("S\xc3\xa4uglinge"));
    cr_assert(is_utf8("\xe2\x82\xac \xf0\x9f\x8f\xa5"));
    cr_assert(is_utf8("\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf"));
}

Test(text, refuses_what_only_looks_like_utf8)
{
    static const char *const BAD[] = {
        "\x80",             /* a follower alone */
        "\xc3",             /* cut short */
        "\xe2\x82",         /* cut short */
        "\xc3x",            /* no follower */
        "\xe2\x82x",        /* no second follower */
        "\xc0\xaf",         /* longer than needed */
        "\xe0\x80\xaf",     /* longer than needed */
        "\xf0\x80\x80\xaf", /* longer than needed */
        "\xed\xa0\x80",     /* a surrogate */
        "\xf4\x90\x80\x80", /* over U+10FFFF */
        "\xf5\x80\x80\x80",
        "\xff",
    };
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        cr_assert_not(is_utf8(BAD[i]), "number %zu", i);
    }
}

Test(text, finds_control_characters)
{
    cr_assert_not(text_has_control("a\tb \xc3\xa4", 6));
    cr_assert(text_has_control("a\0b", 3));
    cr_assert(text_has_control("a\x1b[2J", 5));
    cr_assert(text_has_control("\x7f", 1));
    cr_assert(text_has_control("a\r", 2));
}

Test(text, knows_blanks_at_both_ends)
{
    cr_assert_str_eq(text_skip_blanks(" \t x "), "x ");
    cr_assert_str_eq(text_skip_blanks(""), "");
    cr_assert_eq(text_trim("x \t", 3), 1);
    cr_assert_eq(text_trim("  ", 2), 0);
    cr_assert_eq(text_trim("a b", 3), 3);
}

Test(text, hashes_differ_with_text_and_with_what_stands_before)
{
    cr_assert_eq(text_hash("pump-12", 0), text_hash("pump-12", 0));
    cr_assert_neq(text_hash("pump-12", 0), text_hash("pump-13", 0));
    cr_assert_neq(text_hash("b", text_hash("a", 0)), text_hash("b", 0));
}
