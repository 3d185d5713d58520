#include <string.h>

#include <criterion/criterion.h>

#include "conf/build.h"
#include "tests/unit/conf/fixture.h"

/* ---- Sections that are known from before ---- */

/* Which of the devices a, b and c are known when `after` is read where `before` was. The entries of
 * all must be those of `after`. */
static void expect_known(const char *before, const char *after, const char *known)
{
    struct fixture old;
    struct fixture f;
    struct fixture whole;
    fixture_build(&old, before);
    fixture_begin(&f);
    f.reader.before = &old.conf;
    fixture_read(&f, after);
    fixture_begin(&whole);
    fixture_read(&whole, after);
    cr_assert_eq(f.reader.count, whole.reader.count);
    for (size_t i = 0; i < f.reader.count; i++) {
        struct reader_section *s = f.reader.sections[i];
        const struct reader_section *right = whole.reader.sections[i];
        cr_expect_eq(s->known != NULL, s->kind == KEYS_DEVICE && strstr(known, s->name) != NULL,
                     "%s after %s", s->name, after);
        cr_expect_eq(s->line, right->line);
        cr_expect(span_equal(s->text, right->text));
        cr_expect(s->known == NULL || s->entry_count == 0);
        cr_expect_eq(reader_find(&f.reader, s->kind, s->name), s);
        cr_assert_eq(s->entry_count, right->entry_count, "%s after %s", s->name, after);
        for (size_t e = 0; e < s->entry_count; e++) {
            cr_expect_eq(s->entries[e].row, right->entries[e].row);
            cr_expect_str_eq(s->entries[e].value, right->entries[e].value);
            cr_expect_eq(s->entries[e].line, right->entries[e].line);
        }
    }
    cr_expect_eq(problems_count(f.problems), problems_count(whole.problems));
    for (size_t i = 0; i < problems_count(f.problems); i++) {
        cr_expect_str_eq(problems_text(f.problems, i), problems_text(whole.problems, i));
    }
    fixture_end(&whole);
    fixture_end(&f);
    fixture_end(&old);
}

#define FRONT "[gateway]\nname = g\n[trust t]\nanchors = a\nrevocation = off\n"
#define REST  "certificate = c\nkey = k\ntrust = t\n" FIXTURE_MLLP
#define THREE FRONT "[device a]\n" REST "[device b]\n" REST "\n[device c]\n" REST

Test(reader_section, knows_a_section_that_reads_the_same)
{
    expect_known(THREE, THREE, "abc");
    expect_known(THREE, "; new\n" THREE, "abc");
    expect_known(THREE, THREE "[device d]\n" REST, "abc");
    expect_known(THREE, FRONT "[device c]\n" REST "[device b]\n" REST "\n[device a]\n" REST, "abc");
}

Test(reader_section, takes_apart_what_reads_otherwise)
{
    expect_known(THREE, THREE "; new\n", "ab");
    expect_known(THREE, THREE "retry_max = 50s\n", "ab");
    expect_known(THREE, FRONT "[device a]\n" REST "[device b]\n" REST "[device c]\n" REST, "ac");
    expect_known(THREE, FRONT "[device a] \n" REST "[device b]\n" REST "\n[device c]\n" REST, "bc");
    expect_known(THREE, FRONT "[device a]\n", "");
    expect_known(THREE, FRONT "[device a]\r\n" REST, "");
    expect_known(FRONT "[device a]\nport = tcp:a:1\n", FRONT "[device a]\nport = tcp:a:2\n", "");
    expect_known(THREE, FRONT "[trust a]\nanchors = a\n[role b]\n", "");
}

/* Without a newline at its end, the next line would belong to it. */
Test(reader_section, minds_the_end_of_the_text)
{
    static const char OPEN[] = FRONT "[device a]\n" REST "retry_max = 5s";
    expect_known(OPEN, OPEN, "a");
    expect_known(OPEN, FRONT "[device a]\n" REST "retry_max = 5s\n", "");
    expect_known(OPEN, FRONT "[device a]\n" REST "retry_max = 50s", "");
    expect_known(OPEN, FRONT "[device a]\n" REST "retry_max = 5s[device b]\n" REST, "");
    expect_known(FRONT "[device a]\n" REST, FRONT "[device a]\n" REST "[oops]\n", "a");
    expect_known(FRONT "[device a]\n" REST, FRONT "[device a]\n" REST " [device b]\n", "");
}

Test(reader_section, knows_no_section_twice)
{
    expect_known(FRONT "[device a]\n" REST, FRONT "[device a]\n" REST "[device a]\n" REST, "a");
}

Test(reader_section, knows_no_section_of_another_file)
{
    struct fixture old;
    struct fixture f;
    fixture_build(&old, FRONT "[device a]\n" REST);
    fixture_begin(&f);
    f.reader.before = &old.conf;
    static const char TEXT[] = "[device a]\n" REST;
    struct fixture_text text = {.text = TEXT, .len = strlen(TEXT), .cut = 100};
    struct reader_source source = {
        .read = fixture_text_read, .from = &text, .file = "u.conf", .dir = "/elsewhere"};
    cr_assert_eq(reader_read(&f.reader, &source), 0);
    cr_expect_null(f.reader.sections[0]->known);
    fixture_end(&f);
    fixture_end(&old);
}

/* Known or not, it ends just where the text is cut off: what follows was never looked at. */
Test(reader_section, knows_none_at_the_end_of_a_text_that_is_too_long)
{
    static const char SECTION[] = "[device a]\n" REST;
    static char text[READER_TEXT_MAX + 2];
    size_t comments = sizeof(text) - sizeof(SECTION);
    memset(text, '\n', comments);
    memcpy(&text[comments], SECTION, sizeof(SECTION));
    struct fixture old;
    struct fixture f;
    fixture_build(&old, FRONT "[device a]\n" REST);
    fixture_begin(&f);
    f.reader.before = &old.conf;
    fixture_read_bytes(&f, text, READER_TEXT_MAX + 1, READER_TEXT_MAX + 1);
    cr_expect_eq(problems_count(f.problems), 1);
    cr_expect_not_null(strstr(problems_text(f.problems, 0), "the file is longer than 16 MiB"));
    fixture_end(&f);
    fixture_end(&old);
}
