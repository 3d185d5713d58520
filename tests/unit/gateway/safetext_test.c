#include <criterion/criterion.h>

#include "gateway/safetext.h"

struct row {
    const char *in, *plain, *value;
};

static const struct row rows[] = {
    {"pump-12", "pump-12", "pump-12"},
    {"", "", "\"\""},
    {"two words", "two words", "\"two words\""},
    {"CN=pump", "CN=pump", "\"CN=pump\""},
    {"a\"b\\c", "a\"b\\c", "\"a\\\"b\\\\c\""},
    {"line\nbreak", "line\\x0abreak", "line\\x0abreak"},
    {"\033[31mred", "\\x1b[31mred", "\\x1b[31mred"},
    {"del\x7f", "del\\x7f", "del\\x7f"},
    {"M\xc3\xbcnchen", "M\xc3\xbcnchen", "M\xc3\xbcnchen"},       /* 2 bytes */
    {"\xe2\x82\xac", "\xe2\x82\xac", "\xe2\x82\xac"},             /* 3 bytes */
    {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"}, /* 4 bytes */
    {"\xc2\x85", "\\xc2\\x85", "\\xc2\\x85"},                     /* C1: next line */
    {"\xe2\x80\xae", "\\xe2\\x80\\xae", "\\xe2\\x80\\xae"},       /* right-to-left override */
    {"\xc0\xaf", "\\xc0\\xaf", "\\xc0\\xaf"},                     /* overlong */
    {"\xe0\x80\xaf", "\\xe0\\x80\\xaf", "\\xe0\\x80\\xaf"},       /* overlong, 3 bytes */
    {"\xed\xa0\x80", "\\xed\\xa0\\x80", "\\xed\\xa0\\x80"},       /* a surrogate */
    {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", "\\xf4\\x90\\x80\\x80"}, /* past the last */
    {"cut\xe2\x82", "cut\\xe2\\x82", "cut\\xe2\\x82"},                    /* ends inside */
    {"\xff", "\\xff", "\\xff"},
};

static void expect(struct room *got, const char *wanted)
{
    cr_expect(span_equal(room_span(got), span_of_text(wanted)), "wanted [%s], got [%.*s]", wanted,
              (int)got->len, (const char *)got->data);
}

Test(safetext, escapes_what_a_terminal_or_log_must_not_see)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char memory[64];
        struct room to = room_of(memory, sizeof(memory));
        cr_expect(safetext_put(&to, rows[i].in));
        expect(&to, rows[i].plain);
    }
}

Test(safetext, quotes_values_that_would_read_as_two)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char memory[64];
        struct room to = room_of(memory, sizeof(memory));
        cr_expect(safetext_put_value(&to, rows[i].in));
        expect(&to, rows[i].value);
    }
}

Test(safetext, cuts_at_the_end_of_a_character)
{
    char memory[4];
    struct room to = room_of(memory, sizeof(memory));
    cr_expect_not(safetext_put(&to, "abc\xc3\xbc"));
    expect(&to, "abc");
    to = room_of(memory, sizeof(memory));
    cr_expect_not(safetext_put(&to, "a\n"));
    expect(&to, "a");
}

Test(safetext, puts_a_value_whole_or_not_at_all)
{
    char memory[6];
    struct room to = room_of(memory, sizeof(memory));
    cr_expect(room_put_u8(&to, '!'));
    cr_expect_not(safetext_put_value(&to, "a b c"));
    expect(&to, "!");
    cr_expect_not(safetext_put_value(&to, "abcdefg"));
    expect(&to, "!");
    cr_expect(safetext_put_value(&to, "a b"));
    expect(&to, "!\"a b\"");
}

Test(safetext, counts_columns_by_characters)
{
    cr_expect_eq(safetext_columns(""), 0);
    cr_expect_eq(safetext_columns("M\xc3\xbcnchen"), 7);
}

Test(safetext, cuts_to_a_text_that_says_so)
{
    char out[16];
    safetext_cut(out, sizeof(out), "short");
    cr_expect_str_eq(out, "short");
    safetext_cut(out, sizeof(out), "123456789012");
    cr_expect_str_eq(out, "123456789012");
    safetext_cut(out, sizeof(out), "1234567890123");
    cr_expect_str_eq(out, "123456789012...");
    safetext_cut(out, sizeof(out), "12345678901\n3");
    cr_expect_str_eq(out, "12345678901...");
    safetext_cut(out, sizeof(out), "");
    cr_expect_str_eq(out, "");
}
