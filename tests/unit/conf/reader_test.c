#include <string.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "conf/reader.h"
#include "tests/unit/conf/fixture.h"

/* The one problem of a text that is only read; NULL: none. */
static void read_says(const char *text, const char *line)
{
    struct fixture f;
    const char *lines[2] = {line, NULL};
    fixture_begin(&f);
    fixture_read(&f, text);
    fixture_expect(&f, lines);
    fixture_end(&f);
}

Test(reader, keeps_sections_keys_and_their_lines)
{
    struct fixture f;
    fixture_begin(&f);
    fixture_read(&f, "; a comment\n[gateway]\nname = g\n\n# another\n[ trust  t ] ; here too\n"
                     "anchors=a b.pem ; comment\n");
    cr_assert_eq(problems_count(f.problems), 0);
    cr_assert_eq(f.reader.count, 2);
    const struct reader_section *t = reader_find(&f.reader, KEYS_TRUST, "t");
    cr_assert_not_null(t);
    cr_assert_eq(t->line, 6);
    cr_assert_str_eq(t->file, "t.conf");
    cr_assert_str_eq(t->dir, "/etc/w");
    const struct reader_entry *e = reader_get(t, KEYS_ANCHORS);
    cr_assert_str_eq(e->value, "a b.pem");
    cr_assert_eq(e->line, 7);
    cr_assert_null(reader_get(t, KEYS_INTERMEDIATES));
    cr_assert_null(reader_find(&f.reader, KEYS_TRUST, "u"));
    cr_assert_null(reader_find(&f.reader, KEYS_DEVICE, "t"));
    fixture_end(&f);
}

Test(reader, a_semicolon_without_a_blank_belongs_to_the_value)
{
    struct fixture f;
    fixture_begin(&f);
    fixture_read(&f, "[device d]\ndescription = a;b # c ;d\n");
    cr_assert_str_eq(reader_get(f.reader.sections[0], KEYS_DESCRIPTION)->value, "a;b # c");
    fixture_end(&f);
}

Test(reader, a_list_is_repeated_and_has_commas)
{
    struct fixture f;
    static const char *const ITEMS[] = {"a:1", "b:2", "c:3"};
    size_t at = 0;
    fixture_begin(&f);
    fixture_read(&f, "[device d]\nconnect = a:1 ,b:2\nconnect = c:3\n");
    for (size_t i = 0; i < 3; i++) {
        const struct reader_entry *e = reader_next(f.reader.sections[0], KEYS_CONNECT, &at);
        cr_assert_not_null(e);
        cr_assert_str_eq(e->value, ITEMS[i]);
        cr_assert_eq(e->line, i < 2 ? 2 : 3);
    }
    cr_assert_null(reader_next(f.reader.sections[0], KEYS_CONNECT, &at));
    fixture_end(&f);
}

Test(reader, refuses_empty_items_of_a_list)
{
    static const char SAID[] = "t.conf:2: connect has an empty item in its list; right: items with "
                               "one comma between them";
    read_says("[device d]\nconnect = a:1,\n", SAID);
    read_says("[device d]\nconnect = a:1,,b:1\n", SAID);
    read_says("[device d]\nconnect = , b:1\n", SAID);
    read_says("[device d]\nconnect = a:1, ,b:1\n", SAID);
}

Test(reader, refuses_a_line_over_190_bytes_which_inih_would_cut)
{
    char text[512] = "[device d]\ndescription = ";
    size_t used = strlen(text);
    size_t first = strlen("[device d]\n");
    memset(&text[used], 'x', first + 190 - used);
    read_says(text, NULL);
    text[first + 190] = 'x';
    read_says(text,
              "t.conf:2: the line is longer than 190 bytes; right: a shorter line; a key that "
              "takes a list may be repeated");
    memset(&text[used], 'x', 480 - used);
    read_says(text,
              "t.conf:2: the line is longer than 190 bytes; right: a shorter line; a key that "
              "takes a list may be repeated");
}

Test(reader, a_long_comment_is_a_long_line_too)
{
    char text[300] = ";";
    memset(&text[1], 'x', 250);
    read_says(text,
              "t.conf:1: the line is longer than 190 bytes; right: a shorter line; a key that "
              "takes a list may be repeated");
}

Test(reader, refuses_an_indented_line_which_inih_would_swallow)
{
    static const char SAID[] =
        "t.conf:3: the line is indented; right: keys and sections at the left margin";
    read_says("[device d]\nport = serial:/dev/a\n line = 9600 8E1\n", SAID);
    read_says("[device d]\nport = serial:/dev/a\n\tline = 9600 8E1\n", SAID);
    read_says("[gateway]\nname = g\n [trust t]\n", SAID);
    read_says("[device d]\nport = serial:/dev/a\n   \n  ; comment\n\t# comment\n", NULL);
}

Test(reader, refuses_control_characters)
{
    static const char SAID[] =
        "t.conf:2: the line holds a control character; right: plain text in UTF-8";
    struct fixture f;
    const char *lines[] = {SAID, NULL};
    read_says("[gateway]\nname = \x1b[31mred\n", SAID);
    read_says("[gateway]\nname = a\rb\n", SAID);
    fixture_begin(&f);
    fixture_read_bytes(&f, "[gateway]\nname = a\0b\n", 21, 100);
    fixture_expect(&f, lines);
    fixture_end(&f);
}

Test(reader, refuses_what_is_not_utf8)
{
    read_says("[device d]\ndescription = S\xe4ugling\n",
              "t.conf:2: the line is not UTF-8; right: plain text in UTF-8");
    read_says("[device d]\ndescription = S\xc3\xa4ugling\n", NULL);
}

Test(reader, takes_files_of_other_editors)
{
    struct fixture f;
    fixture_begin(&f);
    fixture_read(&f, "\xef\xbb\xbf[gateway]\r\nname = g\r\n\r\n; x\r\nlog_level = debug");
    cr_assert_eq(problems_count(f.problems), 0);
    cr_assert_str_eq(reader_get(f.reader.sections[0], KEYS_GATEWAY_NAME)->value, "g");
    cr_assert_str_eq(reader_get(f.reader.sections[0], KEYS_LOG_LEVEL)->value, "debug");
    fixture_end(&f);
}

Test(reader, refuses_unknown_sections_and_looks_at_none_of_their_keys)
{
    read_says(
        "[devise d]\nwhat = ever\n",
        "t.conf:1: unknown section [devise d]; right: perhaps device, as in [gateway], [trust "
        "NAME], [role NAME] or [device NAME]");
    read_says("[]\n", "t.conf:1: unknown section []; right: [gateway], [trust NAME], [role NAME] "
                      "or [device NAME]");
    read_says("[zzzzzzzzz]\n", "t.conf:1: unknown section [zzzzzzzzz]; right: [gateway], [trust "
                               "NAME], [role NAME] or [device NAME]");
}

Test(reader, refuses_broken_headers)
{
    static const char SAID[] =
        "t.conf:1: the section header does not end with ]; right: [gateway], [trust NAME], "
        "[role NAME] or [device NAME], and nothing behind but a comment";
    read_says("[device d\nport = x\n", SAID);
    read_says("[device d] port = x\n", SAID);
    read_says("[device d]; x\n", NULL);
}

Test(reader, refuses_names_that_are_none)
{
    read_says("[device]\n", "t.conf:1: [device ] has no proper name; right: a name of 1 to 63 "
                            "letters, digits, - _ or .");
    read_says("[device a b]\n", "t.conf:1: [device a b] has no proper name; right: a name of 1 to "
                                "63 letters, digits, - _ or .");
    read_says("[trust ../x]\n", "t.conf:1: [trust ../x] has no proper name; right: a name of 1 to "
                                "63 letters, digits, - _ or .");
    read_says("[gateway x]\n",
              "t.conf:1: [gateway] takes no name here; right: [gateway], and in it "
              "name = NAME");
}

Test(reader, long_names_are_not_cut)
{
    /* inih keeps 49 letters of a section. */
    static const char A[] =
        "[device a2345678901234567890123456789012345678901234567890123456789a]\n"
        "[device a2345678901234567890123456789012345678901234567890123456789b]\n"
        "port = serial:/dev/b\n";
    struct fixture f;
    fixture_begin(&f);
    fixture_read(&f, A);
    cr_assert_eq(problems_count(f.problems), 0);
    cr_assert_eq(f.reader.count, 2);
    cr_assert_eq(f.reader.sections[1]->entry_count, 1);
    fixture_end(&f);
}

Test(reader, refuses_a_section_that_is_there_already)
{
    read_says(
        "[device d]\nport = tcp:a:1\n[device d]\nnonsense = 1\n",
        "t.conf:3: [device d] is there already, at t.conf:1; right: one section of each name");
    read_says("[gateway]\n[gateway]\n",
              "t.conf:2: [gateway] is there already, at t.conf:1; right: one section of each name");
    read_says("[trust d]\n[device d]\n", NULL);
}

Test(reader, refuses_unknown_keys_and_proposes_one)
{
    read_says("[device d]\nprot = tcp:a:1\n",
              "t.conf:2: unknown key prot in a device section; right: perhaps port");
    read_says("[trust t]\nlisten = 1.2.3.4:5\n", "t.conf:2: unknown key listen in a trust section; "
                                                 "right: the same key in a device section");
    read_says("[trust t]\nxyzzy-123 = 1\n", "t.conf:2: unknown key xyzzy-123 in a trust section; "
                                            "right: a key that wardgate check --help-config lists");
}

Test(reader, refuses_a_second_value)
{
    read_says(
        "[device d]\nport = tcp:a:1\ngap = 1ms\nport = tcp:a:1\n",
        "t.conf:4: port is there already, in line 2; right: one line: this key takes one value");
}

Test(reader, refuses_an_empty_value)
{
    static const char SAID[] =
        "t.conf:2: description has no value; right: a value, or no line at all";
    read_says("[device d]\ndescription =\n", SAID);
    read_says("[device d]\ndescription =   ; nothing\n", SAID);
    read_says("[device d]\nconnect =\n",
              "t.conf:2: connect has no value; right: a value, or no line at all");
}

Test(reader, refuses_keys_before_any_section)
{
    read_says("name = g\n", "t.conf:1: a key before any section; right: [gateway] above it");
}

Test(reader, refuses_lines_that_are_nothing)
{
    static const char SAID[] = "t.conf:2: neither a section nor a key with its value; right: "
                               "[SECTION] or KEY = VALUE; comments begin with ;";
    read_says("[gateway]\nname\n", SAID);
    read_says("[gateway]\nname ; = g\n", SAID);
    read_says("[gateway]\nname\nlog_level = info\n", SAID);
    read_says("[gateway]\nname: g\n",
              "t.conf:2: there is a colon where = should be; right: KEY = VALUE");
    read_says("[device d]\ntcp:10.0.0.1:5 = x\n",
              "t.conf:2: there is a colon where = should be; right: KEY = VALUE");
    read_says("[gateway]\n= g\n", "t.conf:2: unknown key  in a gateway section; right: a key that "
                                  "wardgate check --help-config lists");
}

Test(reader, counts_lines_behind_refused_ones)
{
    struct fixture f;
    const char *lines[] = {
        "t.conf:2: the line is indented; right: keys and sections at the left margin",
        "t.conf:5: neither a section nor a key with its value; right: [SECTION] or KEY = VALUE; "
        "comments begin with ;",
        "t.conf:7: unknown key x in a gateway section; right: a key that wardgate check "
        "--help-config lists",
        NULL};
    fixture_begin(&f);
    fixture_read(&f, "[gateway]\n name = g\n\n; c\nnonsense\nname = g\nx = 1\n");
    fixture_expect(&f, lines);
    fixture_end(&f);
}

Test(reader, cuts_of_the_text_change_nothing)
{
    static const char TEXT[] = "\xef\xbb\xbf[gateway]\r\nname = g\n indented\n[device d]\r\n"
                               "connect = a:1, b:2\nnonsense\ndescription = S\xc3\xa4ugling";
    struct fixture whole;
    fixture_begin(&whole);
    fixture_read(&whole, TEXT);
    for (size_t cut = 1; cut < sizeof(TEXT); cut++) {
        struct fixture f;
        fixture_begin(&f);
        fixture_read_bytes(&f, TEXT, strlen(TEXT), cut);
        cr_assert_eq(f.reader.count, whole.reader.count);
        cr_assert_eq(f.reader.sections[1]->entry_count, 3);
        cr_assert_eq(problems_count(f.problems), problems_count(whole.problems));
        for (size_t i = 0; i < problems_count(f.problems); i++) {
            cr_assert_str_eq(problems_text(f.problems, i), problems_text(whole.problems, i));
        }
        fixture_end(&f);
    }
    fixture_end(&whole);
}

static size_t endless(void *from, char *to, size_t cap)
{
    (void)from;
    memset(to, '\n', cap);
    return cap;
}

Test(reader, stops_at_16_mib)
{
    struct fixture f;
    const char *lines[] = {
        "e:16777217: the file is longer than 16 MiB; right: a configuration file", NULL};
    struct reader_source source = {.read = endless, .file = "e", .dir = "/"};
    fixture_begin(&f);
    cr_assert_eq(reader_read(&f.reader, &source), 0);
    fixture_expect(&f, lines);
    fixture_end(&f);
}

/* One slip, one problem: the keys below it are not the section's above. */
Test(reader, a_header_that_is_no_text_ends_the_section_above)
{
    struct fixture f;
    const char *lines[] = {
        "t.conf:3: the line holds a control character; right: plain text in UTF-8", NULL};
    fixture_begin(&f);
    fixture_read(&f, "[device d]\nport = tcp:a:1\n[device \x01]\nport = tcp:b:1\n");
    fixture_expect(&f, lines);
    fixture_end(&f);
}

Test(reader, several_texts_share_one_name_space)
{
    struct fixture f;
    fixture_begin(&f);
    fixture_read(&f, "[device d]\n");
    fixture_read(&f, "[device e]\n[device d]\n");
    cr_assert_eq(f.reader.count, 2);
    cr_assert(fixture_says(&f, "t.conf:2: [device d] is there already, at t.conf:1; right: one "
                               "section of each name"));
    fixture_end(&f);
}

/* A read of which the nth allocation fails. */
static void expect_no_memory(uint32_t nth, size_t expected, const char *says)
{
    static const char TEXT[] = "[device d]\nport = tcp:a:1\n";
    struct fixture_text text = {.text = TEXT, .len = strlen(TEXT), .cut = 100};
    struct reader_source source = {
        .read = fixture_text_read, .from = &text, .file = "t.conf", .dir = "/", .len = expected};
    struct fixture f;
    fixture_begin(&f);
    mem_fail_nth(nth);
    cr_assert_eq(reader_read(&f.reader, &source), -1);
    mem_fail_nth(0);
    cr_assert(fixture_says(&f, says));
    fixture_end(&f);
}

Test(reader, says_when_there_is_no_memory)
{
    expect_no_memory(1, 0,
                     "t.conf: not enough memory to read on; right: free some memory and try again");
    /* The text has a block of its own. */
    expect_no_memory(
        2, 20000, "t.conf:1: not enough memory to read on; right: free some memory and try again");
}

/* A text that grows, or shrinks, between the question for its length and the reading. */
Test(reader, takes_a_text_of_another_length_than_it_was_told)
{
    static const char TEXT[] = "[device d]\nport = tcp:a:1\n";
    for (size_t told = 1; told < 2 * sizeof(TEXT); told++) {
        struct fixture_text text = {.text = TEXT, .len = strlen(TEXT), .cut = 7};
        struct reader_source source = {
            .read = fixture_text_read, .from = &text, .file = "t.conf", .dir = "/", .len = told};
        struct fixture f;
        fixture_begin(&f);
        cr_assert_eq(reader_read(&f.reader, &source), 0);
        fixture_expect(&f, (const char *const[]){NULL});
        const struct reader_section *s = reader_find(&f.reader, KEYS_DEVICE, "d");
        cr_assert_not_null(s);
        cr_expect_str_eq(reader_get(s, KEYS_PORT)->value, "tcp:a:1");
        fixture_end(&f);
    }
}
