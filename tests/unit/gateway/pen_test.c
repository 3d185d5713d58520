#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "gateway/pen.h"
#include "tests/unit/gateway/capture.h"

static struct capture out;

static void expect_line(struct span *text, size_t width, const char *line)
{
    struct span got = pen_take_line(text, width);
    cr_expect(span_equal(got, span_of_text(line)), "'%.*s' instead of '%s'", (int)got.len,
              (const char *)got.data, line);
}

Test(pen, breaks_a_line_at_a_blank_where_there_is_one)
{
    struct span text = span_of_text("one two threefourfive \xc3\xa4\xc3\xb6");
    expect_line(&text, 8, "one two");
    expect_line(&text, 8, "threefou");
    expect_line(&text, 8, "rfive \xc3\xa4\xc3\xb6");
    cr_expect_eq(text.len, 0);
    expect_line(&text, 8, "");
}

Test(pen, counts_characters_and_not_bytes)
{
    cr_expect_eq(pen_columns(span_of_text("\xc3\xa4\xe2\x82\xac"
                                          "a")),
                 3);
    struct span text = span_of_text("\xc3\xa4\xc3\xb6");
    expect_line(&text, 1, "\xc3\xa4");
}

static const char *note(unsigned columns, bool is_coloured, const char *text)
{
    struct pen pen = {stdout, columns, is_coloured};
    capture_start(&out, STDOUT_FILENO);
    pen_put_note(&pen, text, PEN_BAD);
    (void)fflush(stdout);
    return capture_end(&out);
}

Test(pen, indents_each_line_of_a_note)
{
    cr_expect_str_eq(note(20, false, "a note that takes three of the lines"),
                     "  a note that takes\n  three of the lines\n");
    cr_expect_str_eq(note(0, false, "a note that takes but one"), "  a note that takes but one\n");
    cr_expect_str_eq(note(3, false, "far too narrow to help it"), "  far too narrow to help it\n");
    cr_expect_str_eq(note(0, false, ""), "");
}

Test(pen, colours_only_when_asked)
{
    cr_expect_str_eq(note(0, true, "bad"), "  \033[31mbad\033[0m\n");
    cr_expect_str_eq(note(0, false, "bad"), "  bad\n");
}
