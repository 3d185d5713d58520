#include <stdint.h>
#include <string.h>

#include <criterion/criterion.h>

#include "protocols/fault.h"

/* Longer than a note can hold. */
static void fill(char *text, size_t len, char with)
{
    memset(text, with, len - 1);
    text[len - 1] = '\0';
}

static struct fault fault_of(int code, int side)
{
    return (struct fault){.code = (enum fault_code)code, .side = (enum fault_side)side};
}

Test(fault, keeps_code_side_and_both_parts_of_the_note)
{
    struct fault f;
    cr_expect_eq(fault_set(&f, FAULT_RESOLVE, FAULT_SIDE_SERVER, "no address: ", "hl7a"),
                 FAULT_RESOLVE);
    cr_expect_eq(f.code, FAULT_RESOLVE);
    cr_expect_eq(f.side, FAULT_SIDE_SERVER);
    cr_expect_str_eq(f.note, "no address: hl7a");
    (void)fault_set(&f, FAULT_IO, FAULT_SIDE_DEVICE, NULL, "b");
    cr_expect_str_eq(f.note, "b");
    (void)fault_set(&f, FAULT_IO, FAULT_SIDE_DEVICE, "a", NULL);
    cr_expect_str_eq(f.note, "a");
}

Test(fault, returns_its_code_when_nobody_keeps_it)
{
    cr_expect_eq(fault_set(NULL, FAULT_BUSY, FAULT_SIDE_DEVICE, "a", "b"), FAULT_BUSY);
    fault_add(NULL, "c");
}

Test(fault, cuts_a_note_that_is_too_long)
{
    char text[2 * FAULT_NOTE_MAX];

    struct {
        struct fault f;
        char behind[4];
    } kept = {.behind = "end"};

    fill(text, sizeof text, 'x');
    (void)fault_set(&kept.f, FAULT_IO, FAULT_SIDE_SELF, "ab", text);
    cr_expect_eq(strlen(kept.f.note), FAULT_NOTE_MAX - 1);
    cr_expect_eq(strncmp(kept.f.note, "abxx", 4), 0);
    (void)fault_set(&kept.f, FAULT_IO, FAULT_SIDE_SELF, text, text);
    fault_add(&kept.f, "more");
    cr_expect_eq(strlen(kept.f.note), FAULT_NOTE_MAX - 1);
    cr_expect_str_eq(kept.behind, "end");
}

Test(fault, adds_to_the_note_until_it_is_full)
{
    char text[FAULT_NOTE_MAX - 4];
    struct fault f;
    fill(text, sizeof text, 'x');
    (void)fault_set(&f, FAULT_IO, FAULT_SIDE_SELF, text, NULL);
    fault_add(&f, "abcdef");
    fault_add(&f, NULL);
    cr_expect_eq(strlen(f.note), FAULT_NOTE_MAX - 1);
    cr_expect_str_eq(f.note + FAULT_NOTE_MAX - 6, "xabcd");
}

Test(fault, may_be_wrapped_with_its_own_note)
{
    struct fault f;
    (void)fault_set(&f, FAULT_OPEN, FAULT_SIDE_DEVICE, "ttyS0", NULL);
    (void)fault_set(&f, FAULT_OPEN, FAULT_SIDE_DEVICE, "pump-12: ", f.note);
    cr_expect_str_eq(f.note, "pump-12: ttyS0");
}

Test(fault, is_none_when_cleared)
{
    struct fault f;
    (void)fault_set(&f, FAULT_OPEN, FAULT_SIDE_DEVICE, "ttyS0", NULL);
    fault_clear(&f);
    cr_expect_eq(f.code, FAULT_NONE);
    cr_expect_eq(f.side, FAULT_SIDE_NONE);
    cr_expect_str_eq(f.note, "");
    cr_expect_str_eq(fault_text(&f), "no fault");
}

Test(fault, has_a_word_of_its_own_for_every_code)
{
    for (int code = FAULT_NONE; code >= FAULT_LAST; code--) {
        const char *word = fault_code_name((enum fault_code)code);
        cr_assert_not_null(word);
        cr_expect_eq(strspn(word, "abcdefghijklmnopqrstuvwxyz-"), strlen(word), "%s", word);
        for (int other = FAULT_NONE; other > code; other--) {
            cr_expect_str_neq(word, fault_code_name((enum fault_code)other));
        }
    }
    cr_expect_str_eq(fault_code_name(FAULT_TIMEOUT), "timeout");
    cr_expect_str_eq(fault_code_name(FAULT_OWN_REFUSED), "own-certificate-refused");
}

Test(fault, has_a_word_for_every_side)
{
    static const char *const words[] = {"none",        "device",        "server",
                                        "certificate", "configuration", "self"};
    for (int side = FAULT_SIDE_NONE; side <= FAULT_SIDE_SELF; side++) {
        cr_expect_str_eq(fault_side_name((enum fault_side)side), words[side]);
    }
}

Test(fault, has_a_sentence_for_every_code_and_side)
{
    for (int code = FAULT_NONE; code >= FAULT_LAST; code--) {
        for (int side = FAULT_SIDE_NONE; side <= FAULT_SIDE_SELF; side++) {
            struct fault f = fault_of(code, side);
            const char *text = fault_text(&f);
            cr_assert_not_null(text);
            cr_expect_gt(strlen(text), 3);
            /* It becomes the end of a line of the log and a cell of the status table. */
            cr_expect_leq(strlen(text), 80, "%s", text);
            cr_expect_null(strpbrk(text, "\n\"="), "%s", text);
        }
    }
}

/* The operator's first question. What happens between two ends has to say at which one. */
Test(fault, says_which_end_it_was)
{
    static const enum fault_code both_ends[] = {
        FAULT_OPEN,        FAULT_BUSY,    FAULT_GONE,    FAULT_CLOSED,  FAULT_RESET, FAULT_REFUSED,
        FAULT_UNREACHABLE, FAULT_RESOLVE, FAULT_TIMEOUT, FAULT_SOURCE,  FAULT_FRAME, FAULT_TOO_LONG,
        FAULT_IO,          FAULT_IDLE,    FAULT_LIMIT,   FAULT_REPLACED};

    for (size_t i = 0; i < sizeof both_ends / sizeof both_ends[0]; i++) {
        struct fault f = fault_of(both_ends[i], FAULT_SIDE_DEVICE);
        cr_expect_not_null(strstr(fault_text(&f), "device"), "%s", fault_text(&f));
        f.side = FAULT_SIDE_SERVER;
        cr_expect_not_null(strstr(fault_text(&f), "server"), "%s", fault_text(&f));
    }
}

Test(fault, speaks_as_a_technician_does)
{
    static const struct {
        enum fault_code code;
        enum fault_side side;
        const char *text;
    } sentences[] = {
        {FAULT_OWN_REFUSED, FAULT_SIDE_SERVER, "server refused our certificate"},
        {FAULT_GONE, FAULT_SIDE_DEVICE, "device unplugged"},
        {FAULT_TIMEOUT, FAULT_SIDE_SERVER, "server did not answer in time"},
        {FAULT_CLOSED, FAULT_SIDE_SERVER, "server closed the connection"},
        {FAULT_EXPIRED, FAULT_SIDE_CERTIFICATE, "certificate has expired"},
    };

    for (size_t i = 0; i < sizeof sentences / sizeof sentences[0]; i++) {
        struct fault f = fault_of(sentences[i].code, (int)sentences[i].side);
        cr_expect_str_eq(fault_text(&f), sentences[i].text);
    }
}

Test(fault, survives_what_is_no_code_and_no_side)
{
    static const int codes[] = {1, FAULT_LAST - 1, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct fault f = fault_of(codes[i], FAULT_SIDE_DEVICE);
        cr_expect_str_eq(fault_code_name(f.code), "unknown");
        cr_expect_str_eq(fault_text(&f), "unknown fault");
    }
    struct fault f = fault_of(FAULT_TIMEOUT, FAULT_SIDE_SELF + 1);
    cr_expect_str_eq(fault_side_name(f.side), "unknown");
    cr_expect_str_eq(fault_text(&f), "no answer in time");
}
