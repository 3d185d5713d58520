#include <string.h>

#include <criterion/criterion.h>

#include "protocols/pattern.h"

static bool matches(const char *pattern, const char *text)
{
    return pattern_matches(span_of_text(pattern), span_of_text(text));
}

Test(pattern, star_stands_for_any_text)
{
    cr_expect(matches("Acme*", "Acme Pump V2"));
    cr_expect(matches("Acme*", "Acme"));
    cr_expect(matches("*Pump*", "Acme Pump V2"));
    cr_expect(matches("*V2", "Acme V1 V2"));
    cr_expect(matches("A*e*2", "Acme Pump V2"));
    cr_expect(matches("*", ""));
    cr_expect(matches("**a**", "a"));
    cr_expect(matches("", ""));
}

Test(pattern, refuses_what_differs)
{
    cr_expect_not(matches("Acme*", "Bcme Pump"));
    cr_expect_not(matches("Acme", "Acme Pump"));
    cr_expect_not(matches("Acme Pump", "Acme"));
    cr_expect_not(matches("acme*", "Acme"));
    cr_expect_not(matches("*Pump", "Acme Pump V2"));
    cr_expect_not(matches("", "a"));
    cr_expect_not(matches("a*b*c", "a b"));
    cr_expect_not(matches("?cme", "Acme"));
}

/* A device that knows the pattern must not be able to keep the loop busy. */
Test(pattern, ends_soon_on_hard_text, .timeout = 20)
{
    char text[3000];

    memset(text, 'a', sizeof text);
    cr_expect_not(
        pattern_matches(span_of_text("*a*a*a*a*a*a*a*a*a*a*a*a*b"), span_of(text, sizeof text)));
}

Test(pattern, plain_text_shows_every_byte)
{
    char memory[64];
    struct room out = room_of(memory, sizeof memory);

    cr_assert(pattern_put_plain(&out, span_of("\xb4\xffLMB 3\\\n", 9)));
    cr_expect(span_equal(room_span(&out), span_of_text("\\xb4\\xffLMB 3\\x5c\\x0a")));
}

Test(pattern, plain_text_ends_before_the_filling)
{
    char memory[64];
    struct room out = room_of(memory, sizeof memory);

    cr_assert(pattern_put_plain(&out, span_of("a\0b \0 \0\0", 8)));
    cr_expect(span_equal(room_span(&out), span_of_text("a\\x00b")));
    out.len = 0;
    cr_assert(pattern_put_plain(&out, span_of("   ", 3)));
    cr_assert(pattern_put_plain(&out, span_of(NULL, 0)));
    cr_expect_eq(out.len, 0);
}

Test(pattern, plain_text_that_does_not_fit_changes_nothing)
{
    char memory[6];
    struct room out = room_of(memory, sizeof memory);

    cr_assert(pattern_put_plain(&out, span_of("ab", 2)));
    cr_expect_not(pattern_put_plain(&out, span_of("\x01\x02", 2)));
    cr_expect_not(pattern_put_plain(&out, span_of("cdefg", 5)));
    cr_expect_eq(out.len, 2);
    cr_expect(pattern_put_plain(&out, span_of("\x01", 1)));
}

Test(pattern, knows_a_pattern_that_tells_nobody_apart)
{
    cr_expect(pattern_is_idle(span_of_text("")));
    cr_expect(pattern_is_idle(span_of_text("**")));
    cr_expect_not(pattern_is_idle(span_of_text("*a")));
}
