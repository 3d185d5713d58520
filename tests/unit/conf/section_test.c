#include <string.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "conf/section.h"
#include "tests/unit/conf/fixture.h"

/* Read the text and open its first section. */
static void open_first(struct fixture *f, struct section *s, const char *text)
{
    fixture_begin(f);
    fixture_read(f, text);
    section_open(s, f->reader.sections[0], f->pool, f->problems);
}

Test(section, notes_missing_keys_at_the_header)
{
    struct fixture f;
    struct section s;
    const char *lines[] = {"t.conf:2: [trust t] has no anchors; right: anchors = a path", NULL};
    open_first(&f, &s, "; x\n[trust t]\n");
    fixture_expect(&f, lines);
    fixture_end(&f);
}

Test(section, takes_numbers_and_choices_or_their_defaults)
{
    struct fixture f;
    struct section s;
    open_first(&f, &s, "[gateway]\nname = g\nlog_level = debug\n");
    cr_assert_eq(problems_count(f.problems), 0);
    cr_assert_eq(s.number[KEYS_LOG_LEVEL], 3);
    cr_assert_eq(s.number[KEYS_LOG_FORMAT], 0);
    cr_assert(section_has_choice(&s, KEYS_LOG_LEVEL));
    cr_assert_not(section_has_choice(&s, KEYS_LOG_FORMAT));
    fixture_end(&f);
}

Test(section, notes_wrong_values_with_what_would_be_right)
{
    struct fixture f;
    struct section s;
    open_first(&f, &s, "[device d]\ngap = 20s\nprotocol = mlp\nmax_links = many\n");
    cr_assert(fixture_says(&f,
                           "t.conf:2: gap = 20s is out of range; right: a duration (ms, s, m, h) "
                           "from 1ms to 10s"));
    cr_assert(fixture_says(&f, "t.conf:3: protocol = mlp is not a word that is known here; right: "
                               "raw, gap, line, mllp, modbus-rtu, modbus-tcp or modbus-ascii"));
    cr_assert(fixture_says(&f,
                           "t.conf:4: max_links = many is not a number; right: a number from 1 to "
                           "1024"));
    cr_assert_eq(s.number[KEYS_GAP], 20, "the default stands in");
    cr_assert_not(section_has_choice(&s, KEYS_PROTOCOL));
    fixture_end(&f);
}

Test(section, gives_texts_and_absolute_paths)
{
    struct fixture f;
    struct section s;
    open_first(&f, &s, "[gateway]\nname = g\nstate_dir = state\n");
    cr_assert_str_eq(section_text(&s, KEYS_GATEWAY_NAME), "g");
    cr_assert_str_eq(section_path(&s, KEYS_STATE_DIR), "/etc/w/state");
    cr_assert_str_eq(section_path(&s, KEYS_CONTROL), "/run/wardgate/control.sock");
    cr_assert_null(section_text(&s, KEYS_INCLUDE));
    fixture_end(&f);
}

Test(section, gives_urls_and_items_of_lists)
{
    struct fixture f;
    struct section s;
    const char *path = NULL;
    const char *lines[] = {"t.conf:3: crl names a user in its URL; right: a URL without USER@",
                           "t.conf:3: crl = h is no http or https URL; right: http://HOST/PATH or "
                           "https://HOST/PATH",
                           NULL};
    open_first(&f, &s, "[trust t]\nanchors = a\ncrl = http://h/x, ca.crl, http://me:secret@h, h\n");
    const struct reader_entry *items = section_entry(&s, KEYS_CRL);
    cr_assert_str_eq(section_url(&s, &items[0], &path), "http://h/x");
    cr_assert_str_eq(path, "/x");
    cr_assert_str_eq(section_item_path(&s, &items[1]), "/etc/w/ca.crl");
    cr_assert_null(section_url(&s, &items[2], &path));
    cr_assert_null(section_url(&s, &items[3], &path));
    fixture_expect(&f, lines);
    fixture_end(&f);
}

Test(section, a_path_that_is_too_long_is_final)
{
    struct fixture f;
    struct section s;
    static char dir[5000];
    memset(dir, 'd', sizeof(dir) - 1);
    dir[0] = '/';
    open_first(&f, &s, "[trust t]\nanchors = a\n");
    f.reader.sections[0]->dir = dir;
    cr_assert_null(section_path(&s, KEYS_ANCHORS));
    cr_assert(s.no_memory);
    cr_assert(
        fixture_says(&f, "t.conf:2: anchors = a gives no usable path; right: a shorter path"));
    fixture_end(&f);
}

Test(section, notes_no_memory_once)
{
    struct fixture f;
    struct section s;
    static char big[20000];
    open_first(&f, &s, "[gateway]\nname = g\n");
    memset(big, 'x', sizeof(big) - 1);
    mem_fail_nth(1);
    cr_assert_null(section_copy(&s, big));
    section_run_out(&s);
    mem_fail_nth(0);
    cr_assert_eq(problems_count(f.problems), 1);
    cr_assert(s.no_memory);
    fixture_end(&f);
}
