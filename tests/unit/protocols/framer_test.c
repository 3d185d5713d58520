#include <string.h>

#include <criterion/criterion.h>

#include "protocols/framer.h"

/*
 * An input is written with its silences ('~'), the labels with one letter a byte: p part of a
 * message, j junk, T the first byte too many, b broken, and '|' where a message ends. Whatever the
 * cuts, the letters must be the same: `check` feeds each input whole, in single bytes and in all
 * pairs of pieces.
 */
enum { SCRIPT_MAX = 600, WHOLE = SCRIPT_MAX };

struct transcript {
    char text[2 * SCRIPT_MAX];
    size_t len;
    size_t parts; /* letters p since the last end */
};

static void note(struct transcript *tr, char letter, size_t count)
{
    cr_assert_leq(count, sizeof tr->text - 1 - tr->len);
    memset(tr->text + tr->len, letter, count);
    tr->len += count;
    tr->text[tr->len] = '\0';
}

static void note_cut(struct transcript *tr, struct framer_cut cut)
{
    static const char letters[] = {
        [FRAMER_PART] = 'p',     [FRAMER_END] = 'p',    [FRAMER_JUNK] = 'j',
        [FRAMER_TOO_LONG] = 'T', [FRAMER_BROKEN] = 'b',
    };
    note(tr, letters[cut.label], cut.len);
    tr->parts = cut.label == FRAMER_PART ? tr->parts + cut.len : 0;
    if (cut.label == FRAMER_END) {
        note(tr, '|', 1);
    }
}

static void feed(struct framer *fr, struct span piece, struct transcript *tr)
{
    while (piece.len > 0) {
        struct framer_cut cut = framer_step(fr, piece);
        cr_assert_leq(cut.len, piece.len);
        /* Only an end may cover nothing, and only one that ends something. */
        cr_assert(cut.len > 0 || (cut.label == FRAMER_END && tr->parts > 0));
        note_cut(tr, cut);
        piece = span_after(piece, cut.len);
        if (fr->kind == FRAMER_MLLP || fr->kind == FRAMER_LINE || fr->kind == FRAMER_GAP) {
            cr_assert_eq(framer_pending(fr), tr->parts);
        }
    }
}

static void be_silent(struct framer *fr, struct transcript *tr)
{
    bool wanted = framer_wants_silence(fr);
    if (framer_silence(fr)) {
        cr_assert(wanted, "silence ended a message although none was waited for");
        cr_assert_gt(tr->parts, 0);
        note(tr, '|', 1);
        tr->parts = 0;
    }
    cr_assert_not(framer_wants_silence(fr), "one silence is enough");
}

/* Feeds the script in pieces that end at `cut` and, with `single`, after every byte. */
static void run_script(struct framer *fr, struct span script, size_t cut, bool single,
                       struct transcript *tr)
{
    size_t from = 0;
    for (size_t at = 0; at <= script.len; at++) {
        uint8_t value = 0;
        bool silence = span_at(script, at, &value) && value == '~';
        if (silence || single || at == cut || at == script.len) {
            feed(fr, span_first(span_after(script, from), at - from), tr);
            from = at;
        }
        if (silence) {
            be_silent(fr, tr);
            from = at + 1;
        }
    }
}

static void check_span(enum framer_kind kind, size_t max_frame, struct span script,
                       const char *expected)
{
    cr_assert_lt(script.len, SCRIPT_MAX);
    for (size_t cut = 0; cut <= script.len + 1; cut++) {
        bool single = cut > script.len;
        struct framer fr;
        struct transcript tr = {.len = 0};
        framer_init(&fr, kind, max_frame);
        run_script(&fr, script, cut, single, &tr);
        cr_expect_str_eq(tr.text, expected, "cut at %zu%s: %s, expected %s", cut,
                         single ? " (single bytes)" : "", tr.text, expected);
    }
}

#define CHECK(kind, max_frame, script, expected)                                                   \
    check_span(kind, max_frame, span_of(script, sizeof script - 1), expected)

Test(framer, takes_an_empty_input_as_nothing)
{
    for (int kind = FRAMER_RAW; kind < FRAMER_KINDS; kind++) {
        struct framer fr;
        framer_init(&fr, (enum framer_kind)kind, 100);
        struct framer_cut cut = framer_step(&fr, span_of(NULL, 0));
        cr_expect_eq(cut.label, FRAMER_PART);
        cr_expect_eq(cut.len, 0);
        cr_expect_eq(framer_pending(&fr), 0);
    }
}

Test(framer, starts_anew_after_a_reset)
{
    struct framer fr;
    framer_init(&fr, FRAMER_MLLP, 100);
    cr_expect_eq(framer_step(&fr, span_of_text("\x0b"
                                               "MSH"))
                     .label,
                 FRAMER_PART);
    cr_expect_eq(framer_pending(&fr), 4);
    framer_reset(&fr);
    cr_expect_eq(framer_pending(&fr), 0);
    cr_expect_eq(framer_step(&fr, span_of_text("PID")).label, FRAMER_JUNK);
}

Test(framer, does_not_come_round_when_the_dropped_rest_is_endless)
{
    struct framer fr;
    framer_init(&fr, FRAMER_GAP, 4);
    fr.seen = SIZE_MAX - 2; /* nobody can wait for that many; 4 more would make it 1 */
    cr_expect_eq(framer_step(&fr, span_of_text("abcd")).label, FRAMER_JUNK);
    cr_expect_eq(framer_step(&fr, span_of_text("abcd")).label, FRAMER_JUNK);
    cr_expect_not(framer_silence(&fr));
}

Test(framer_raw, makes_every_input_a_message)
{
    struct framer fr;
    framer_init(&fr, FRAMER_RAW, 2);
    for (size_t len = 1; len < 6; len++) {
        struct framer_cut cut = framer_step(&fr, span_first(span_of_text("\x0b\x1c\r\n~"), len));
        cr_expect_eq(cut.label, FRAMER_END);
        cr_expect_eq(cut.len, len);
        cr_expect_eq(framer_pending(&fr), 0);
        cr_expect_not(framer_wants_silence(&fr));
        cr_expect_not(framer_silence(&fr));
    }
}

Test(framer_gap, ends_a_message_at_silence_only)
{
    CHECK(FRAMER_GAP, 100, "\x02x\r\n\x03", "ppppp");
    CHECK(FRAMER_GAP, 100, "ab~cd\n~", "pp|ppp|");
}

Test(framer_gap, takes_silence_between_messages_as_nothing)
{
    CHECK(FRAMER_GAP, 100, "~~ab~~c~", "pp|p|");
}

Test(framer_gap, drops_what_is_too_long_until_silence)
{
    CHECK(FRAMER_GAP, 3, "abc~", "ppp|");
    CHECK(FRAMER_GAP, 3, "abcd~ef~", "pppTpp|");
    CHECK(FRAMER_GAP, 3, "abcdefgh~~ij~", "pppTjjjjpp|");
    CHECK(FRAMER_GAP, 1, "a~b~cd~", "p|p|pT");
}

Test(framer_line, ends_at_lf)
{
    CHECK(FRAMER_LINE, 100, "ab\ncd\ne", "ppp|ppp|p");
    CHECK(FRAMER_LINE, 100, "\n\nab\n", "p|p|ppp|");
}

Test(framer_line, takes_cr_lf_as_one_end)
{
    CHECK(FRAMER_LINE, 100, "ab\r\ncd\r\n", "pppp|pppp|");
    CHECK(FRAMER_LINE, 100, "\r\n\r\n", "pp|pp|");
    CHECK(FRAMER_LINE, 100, "a\n\rb\n", "pp|p|pp|");
}

Test(framer_line, ends_at_cr_before_another_byte)
{
    CHECK(FRAMER_LINE, 100, "ab\rcd\re\n", "ppp|ppp|pp|");
    CHECK(FRAMER_LINE, 100, "\r\r\r\n", "p|p|pp|");
}

Test(framer_line, ends_at_cr_before_silence)
{
    CHECK(FRAMER_LINE, 100, "ab\r~cd\r~", "ppp|ppp|");
    CHECK(FRAMER_LINE, 100, "ab\r~\ncd\r", "ppp|p|ppp");
}

Test(framer_line, does_not_end_at_silence_within_a_line)
{
    CHECK(FRAMER_LINE, 100, "ab~cd~\n~", "ppppp|");
}

Test(framer_line, drops_what_is_too_long_up_to_its_end)
{
    CHECK(FRAMER_LINE, 4, "abc\nabcd\nef\n", "pppp|ppppTppp|");
    CHECK(FRAMER_LINE, 4, "abcdefgh\nij\n", "ppppTjjjjppp|");
    CHECK(FRAMER_LINE, 4, "abcdefgh\r\nij\n", "ppppTjjjjjppp|");
    CHECK(FRAMER_LINE, 4, "abcdefgh\rij\n", "ppppTjjjjppp|");
    CHECK(FRAMER_LINE, 4, "abcdefgh\r~ij\n", "ppppTjjjjppp|");
    CHECK(FRAMER_LINE, 4, "abcd~ef~gh\nij\n", "ppppTjjjjppp|");
}

Test(framer_line, counts_both_bytes_of_the_end)
{
    CHECK(FRAMER_LINE, 4, "abc\rd\n", "pppp|pp|");
    CHECK(FRAMER_LINE, 4, "ab\r\ncd\n", "pppp|ppp|");
    CHECK(FRAMER_LINE, 4, "abc\r\nd\n", "ppppTpp|");
    CHECK(FRAMER_LINE, 4, "abcd\r\ne\n", "ppppTjpp|");
    CHECK(FRAMER_LINE, 4, "abcd\r~e\n", "ppppTpp|");
    CHECK(FRAMER_LINE, 1, "a\n\n", "pTp|");
}

Test(framer_line, finds_ends_behind_more_than_one_window)
{
    char script[560];
    char expected[570];
    memset(script, 'x', sizeof script);
    memset(expected, 'p', sizeof expected);
    /* On both sides of the edge at 256, and far behind it. */
    script[254] = '\r';
    script[255] = '\r';
    script[256] = '\n';
    script[555] = '\n';
    expected[255] = '|';
    expected[258] = '|';
    expected[558] = '|';
    expected[563] = '\0';
    check_span(FRAMER_LINE, 1000, span_of(script, sizeof script), expected);
}

Test(framer_mllp, takes_a_block_as_a_message)
{
    CHECK(FRAMER_MLLP, 100, "\x0bMSH|^\\&|A\rPID|1\r\x1c\r", "ppppppppppppppppppp|");
    CHECK(FRAMER_MLLP, 100, "\x0b\x1c\r\x0b\x06\x1c\r", "ppp|pppp|");
}

Test(framer_mllp, drops_bytes_outside_a_block)
{
    CHECK(FRAMER_MLLP, 100, "\r\nMSH\x1c\r", "jjjjjjj");
    CHECK(FRAMER_MLLP, 100,
          "xy\x0b"
          "A\x1c\r\n\x0b"
          "B\x1c\rz",
          "jjpppp|jpppp|j");
}

Test(framer_mllp, ends_only_at_both_bytes)
{
    CHECK(FRAMER_MLLP, 100,
          "\x0b"
          "A\x1c"
          "B\r\x1c\n\x1c\r",
          "ppppppppp|");
    CHECK(FRAMER_MLLP, 100,
          "\x0b"
          "A\x1c\x1c\r\x0b\x1c\x1c\x1c\r",
          "ppppp|ppppp|");
    CHECK(FRAMER_MLLP, 100, "\x0b\r\x1c", "ppp");
}

Test(framer_mllp, takes_a_start_byte_inside_as_data)
{
    CHECK(FRAMER_MLLP, 100,
          "\x0b"
          "A\x0b"
          "B\x1c\x0b\x1c\r",
          "pppppppp|");
}

Test(framer_mllp, does_not_end_at_silence)
{
    CHECK(FRAMER_MLLP, 100, "~\x0b~A\x1c~\r~", "pppp|");
}

Test(framer_mllp, drops_what_is_too_long_up_to_its_end)
{
    CHECK(FRAMER_MLLP, 6,
          "\x0b"
          "ABC\x1c\r\x0b"
          "ABCD\x1c\r\x0b"
          "A\x1c\r",
          "pppppp|ppppppTpppp|");
    CHECK(FRAMER_MLLP, 6,
          "\x0b"
          "ABCDEFG\x0bHI\x1cJ\x1c\r\x0b"
          "A\x1c\r",
          "ppppppTjjjjjjjjpppp|");
    CHECK(FRAMER_MLLP, 6,
          "\x0b"
          "ABCDE\x1c\rX\x0b"
          "A\x1c\r",
          "ppppppTjjpppp|");
    CHECK(FRAMER_MLLP, 6,
          "\x0b"
          "ABCD\x1c"
          "E\x1c\x1c\r\x0b",
          "ppppppTjjjp");
    CHECK(FRAMER_MLLP, 1, "\x0b\x1c\r\x0b", "pTjp");
}

#define READ_10 "\x00\x01\x00\x00\x00\x06\x11\x03\x00\x6b\x00\x03"

Test(framer_modbus_tcp, takes_a_frame_by_its_length)
{
    CHECK(FRAMER_MODBUS_TCP, 260, READ_10 READ_10, "pppppppppppp|pppppppppppp|");
    CHECK(FRAMER_MODBUS_TCP, 260, "\xff\xff\x00\x00\x00\x02\x01\x07\x00", "pppppppp|p");
}

Test(framer_modbus_tcp, takes_the_longest_frame)
{
    uint8_t script[261] = {0, 1, 0, 0, 0, 254, 1, 3};
    char expected[263];
    memset(expected, 'p', sizeof expected);
    expected[260] = '|';
    expected[262] = '\0';
    check_span(FRAMER_MODBUS_TCP, 260, span_of(script, sizeof script), expected);
}

Test(framer_modbus_tcp, breaks_at_another_protocol)
{
    CHECK(FRAMER_MODBUS_TCP, 260, "\x00\x01\x00\x01\x00\x06\x11\x03", "pppbbbbb");
    CHECK(FRAMER_MODBUS_TCP, 260, "\x00\x01\x01\x00\x00\x06\x11\x03", "ppbbbbbb");
}

Test(framer_modbus_tcp, breaks_at_a_length_that_is_too_small)
{
    CHECK(FRAMER_MODBUS_TCP, 260, "\x00\x01\x00\x00\x00\x00\x11\x03", "pppppbbb");
    CHECK(FRAMER_MODBUS_TCP, 260, "\x00\x01\x00\x00\x00\x01\x11\x03", "pppppbbb");
}

Test(framer_modbus_tcp, breaks_at_a_length_that_is_too_large)
{
    CHECK(FRAMER_MODBUS_TCP, 260, "\x00\x01\x00\x00\x00\xff\x11\x03", "pppppbbb");
    CHECK(FRAMER_MODBUS_TCP, 260, "\x00\x01\x00\x00\x01\x06\x11\x03", "ppppbbbb");
}

Test(framer_modbus_tcp, stays_broken_until_a_reset)
{
    struct framer fr;
    framer_init(&fr, FRAMER_MODBUS_TCP, 260);
    CHECK(FRAMER_MODBUS_TCP, 260, "HTTP/1.1 200 OK~" READ_10, "ppbbbbbbbbbbbbbbbbbbbbbbbbb");
    cr_expect_eq(framer_step(&fr, span_of_text("GET /")).len, 2);
    cr_expect_eq(framer_step(&fr, span_of_text("T /")).label, FRAMER_BROKEN);
    cr_expect_eq(framer_pending(&fr), 0);
    cr_expect_eq(framer_step(&fr, span_of(READ_10, 12)).label, FRAMER_BROKEN);
    framer_reset(&fr);
    cr_expect_eq(framer_step(&fr, span_of(READ_10, 12)).label, FRAMER_END);
}

Test(framer_modbus_tcp, drops_what_is_too_long_up_to_its_end)
{
    CHECK(FRAMER_MODBUS_TCP, 10, READ_10 "\x00\x02\x00\x00\x00\x02\x01\x07",
          "ppppppppppTjpppppppp|");
    CHECK(FRAMER_MODBUS_TCP, 4, READ_10 "\x00", "ppppTjjjjjjjp");
    CHECK(FRAMER_MODBUS_TCP, 2, "\x00\x01\x00\x01\x00", "ppTbb");
}
