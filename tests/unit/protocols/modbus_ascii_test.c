#include <string.h>

#include <criterion/criterion.h>

#include "protocols/modbus_ascii.h"
#include "tests/unit/protocols/hex.h"

/* Lines, without their CR LF, and the bytes in them. */
static const struct {
    const char *line, *body;
} lines[] = {
    {":110300000001EB", "11 03 0000 0001"},
    {":2A0300100003C0", "2A 03 0010 0003"},
    {":F7031389000A60", "F7 03 1389 000A"},
    {":1103006B00037E", "11 03 006B 0003"},
    {":0702F7", "07 02"},
    {":000600010001F8", "00 06 0001 0001"},
};

enum { LINES = sizeof lines / sizeof lines[0] };

Test(modbus_ascii, lrc_of_known_frames)
{
    struct hex frame = hex_of("11 03 006B 0003");

    cr_expect_eq(modbus_ascii_lrc(hex_span(&frame)), 0x7E);
    cr_expect_eq(modbus_ascii_lrc(span_of(NULL, 0)), 0);
}

Test(modbus_ascii, builds_the_known_lines)
{
    for (size_t i = 0; i < LINES; i++) {
        struct hex body = hex_of(lines[i].body);
        size_t len = strlen(lines[i].line);
        char text[MODBUS_ASCII_MAX];
        struct room out = room_of(text, sizeof text);

        cr_assert(modbus_ascii_put(&out, body.data[0], span_of(body.data + 1, body.len - 1)));
        cr_expect_eq(out.len, len + 2);
        cr_expect_eq(memcmp(text, lines[i].line, len), 0, "%s", lines[i].line);
        cr_expect_eq(memcmp(text + len, "\r\n", 2), 0);
    }
}

Test(modbus_ascii, refuses_to_build_what_does_not_fit)
{
    uint8_t memory[600];
    uint8_t pdu[254] = {3};
    struct room out = room_of(memory, sizeof memory);
    struct room small = room_of(memory, 14);

    cr_expect_not(modbus_ascii_put(&out, 1, span_of(pdu, 254)));
    cr_expect_not(modbus_ascii_put(&out, 1, span_of(pdu, 0)));
    cr_expect_not(modbus_ascii_put(&small, 1, span_of(pdu, 4)));
    cr_expect_eq(out.len + small.len, 0);
    cr_expect(modbus_ascii_put(&out, 1, span_of(pdu, 253)));
    cr_expect_eq(out.len, MODBUS_ASCII_MAX);
    cr_expect_eq(MODBUS_ASCII_MAX, 513);
}

/* What comes, and what is made of it: F a frame, B a bad line; dropped characters at its end. */
static const struct {
    const char *chars, *steps;
    size_t dropped;
} cuttings[] = {
    {":110300000001EB\r\n", "F", 0},
    {":110300000001EB\r\n:0702F7\r\n", "FF", 0},
    {"xy:0702F7\r\nz\r\n", "F", 5},
    /* ':' begins anew, wherever it stands */
    {":11030000:0702F7\r\n", "F", 9},
    {":0702F7\r:0702F7\r\n", "F", 8},
    {":::0702F7\r\n", "F", 2},
    /* one wrong character, LRC, end */
    {":0702F8\r\n", "B", 9},
    {":07x2F7\r\n:0702F7\r\n", "BF", 9},
    {":0702f7\r\n", "B", 9},
    {":0702F\r\n", "B", 8},
    {":0702F71\r\n", "B", 10},
    {":0702F7\n", "B", 8},
    {":0702F7\r\r\n", "B", 10},
    {":07F9\r\n", "B", 7},
    {":\r\n", "B", 3},
    {":0702F7", "", 0},
    {"", "", 0},
};

static void check_cutting(size_t at, size_t step)
{
    struct modbus_ascii_line l;
    struct span in = span_of_text(cuttings[at].chars);
    char steps[8] = "";
    size_t count = 0;

    modbus_ascii_line_start(&l);
    while (in.len > 0) {
        struct span piece = span_first(in, step);
        in = span_after(in, step);
        while (piece.len > 0) {
            enum modbus_ascii_step what = modbus_ascii_line_take(&l, &piece);
            if (what != MODBUS_ASCII_MORE) {
                cr_assert_lt(count, sizeof steps - 1);
                steps[count++] = what == MODBUS_ASCII_FRAME ? 'F' : 'B';
            }
        }
    }
    cr_expect_str_eq(steps, cuttings[at].steps, "%s", cuttings[at].chars);
    cr_expect_eq(modbus_ascii_line_dropped(&l), cuttings[at].dropped, "%s: %zu", cuttings[at].chars,
                 modbus_ascii_line_dropped(&l));
}

Test(modbus_ascii, cuts_lines_whatever_the_pieces)
{
    for (size_t at = 0; at < sizeof cuttings / sizeof cuttings[0]; at++) {
        for (size_t step = 1; step < 20; step++) {
            check_cutting(at, step);
        }
    }
}

Test(modbus_ascii, refuses_a_line_longer_than_any_frame)
{
    struct modbus_ascii_line l;
    char text[1 + 2 * 256 + 2] = {0};
    struct span in = span_of(text, sizeof text);

    memset(text, '0', sizeof text);
    text[0] = ':';
    memcpy(text + sizeof text - 2, "\r\n", 2);
    modbus_ascii_line_start(&l);
    cr_expect_eq(modbus_ascii_line_take(&l, &in), MODBUS_ASCII_BAD);
    cr_expect_eq(in.len, 2, "it is refused where it is too long");
    in = span_of(text + 2, sizeof text - 2);
    text[2] = ':';
    cr_expect_eq(modbus_ascii_line_take(&l, &in), MODBUS_ASCII_FRAME);
    cr_expect_eq(modbus_ascii_line_body(&l).len, MODBUS_ASCII_BYTES_MAX - 1);
}

/* What a reader does with an answer; '|' is a pause. */
static const struct {
    const char *request, *chars;
    enum modbus_rtu_verdict verdict;
    size_t dropped;
    bool is_echo;
} readings[] = {
    {"07 03 0000 0001", ":0703020001F3\r\n", MODBUS_RTU_ANSWER, 0, false},
    {"07 03 0000 0001", ":078302 74\r\n", MODBUS_RTU_CRC, 12, false},
    {"07 03 0000 0001", ":07830274\r\n", MODBUS_RTU_ANSWER, 0, false},
    {"07 03 0000 0001", ":0703020001F3\r\nxyz", MODBUS_RTU_ANSWER, 3, false},
    /* another unit's line, whole, bad or broken off, is passed over */
    {"07 03 0000 0001", ":0803020001F2\r\n:0703020001F3\r\n", MODBUS_RTU_ANSWER, 15, false},
    {"07 03 0000 0001", ":0803020001F3\r\n:0703020001F3\r\n", MODBUS_RTU_ANSWER, 15, false},
    {"07 03 0000 0001", ":0803|:0703020001F3\r\n", MODBUS_RTU_ANSWER, 5, false},
    {"07 03 0000 0001", ":0703|", MODBUS_RTU_SHORT, 5, false},
    {"07 03 0000 0001", "|:0703020001F3\r\n", MODBUS_RTU_ANSWER, 0, false},
    {"07 03 0000 0001", ":0703:0703020001F3\r\n", MODBUS_RTU_ANSWER, 5, false},
    {"07 03 0000 0001", ":0703020002F3\r\n", MODBUS_RTU_CRC, 15, false},
    {"07 03 0000 0002", ":0703020001F3\r\n", MODBUS_RTU_MISMATCH, 0, false},
    {"07 04 0000 0001", ":0703020001F3\r\n", MODBUS_RTU_MISMATCH, 0, false},
    {"07 06 0010 1234", ":070600101234 9D\r\n", MODBUS_RTU_CRC, 18, false},
    {"07 06 0010 1234", ":0706001012349D\r\n", MODBUS_RTU_ANSWER, 0, false},
    /* the request itself, from an adapter that echoes */
    {"07 03 0000 0001", ":070300000001F5\r\n", MODBUS_RTU_MISMATCH, 0, true},
    {"07 03 0000 0001", ":0703", MODBUS_RTU_MORE, 0, false},
};

static void feed_in_steps(struct modbus_ascii_reader *r, struct span chars, size_t step)
{
    while (chars.len > 0) {
        (void)modbus_ascii_reader_feed(r, span_first(chars, step));
        chars = span_after(chars, step);
    }
}

static void check_reading(size_t at, size_t step)
{
    struct modbus_ascii_reader r;
    struct hex request = hex_of(readings[at].request);
    struct span all = span_of_text(readings[at].chars);

    modbus_ascii_reader_start(&r, request.data[0], span_of(request.data + 1, request.len - 1));
    while (all.len > 0) {
        struct span piece = span_first(all, span_find(all, '|'));
        feed_in_steps(&r, piece, step);
        if (piece.len < all.len) {
            (void)modbus_ascii_reader_silence(&r);
        }
        all = span_after(all, piece.len + 1);
    }
    cr_expect_eq(modbus_ascii_reader_feed(&r, span_of(NULL, 0)), readings[at].verdict, "%s: %d",
                 readings[at].chars, (int)modbus_ascii_reader_feed(&r, span_of(NULL, 0)));
    cr_expect_eq(modbus_ascii_reader_dropped(&r), readings[at].dropped, "%s: %zu",
                 readings[at].chars, modbus_ascii_reader_dropped(&r));
    cr_expect_eq(modbus_ascii_reader_is_echo(&r), readings[at].is_echo, "%s", readings[at].chars);
    cr_expect_eq(modbus_ascii_reader_pdu(&r).len > 0, readings[at].verdict == MODBUS_RTU_ANSWER);
}

Test(modbus_ascii, reads_answers)
{
    for (size_t at = 0; at < sizeof readings / sizeof readings[0]; at++) {
        for (size_t step = 1; step < 20; step++) {
            check_reading(at, step);
        }
    }
}

Test(modbus_ascii, the_echo_of_a_write_is_never_told)
{
    struct modbus_ascii_reader r;
    struct hex request = hex_of("06 0010 1234");

    modbus_ascii_reader_start(&r, 7, hex_span(&request));
    cr_expect_eq(modbus_ascii_reader_feed(&r, span_of_text(":0706001012349D\r\n")),
                 MODBUS_RTU_ANSWER);
    cr_expect_not(modbus_ascii_reader_is_echo(&r));
    cr_expect_eq(modbus_ascii_reader_pdu(&r).len, 5);
}

Test(modbus_ascii, a_line_that_is_skipped_is_dropped)
{
    struct modbus_ascii_reader r;
    struct hex request = hex_of("03 0000 0001");

    modbus_ascii_reader_start(&r, 7, hex_span(&request));
    (void)modbus_ascii_reader_feed(&r, span_of_text(":0703"));
    cr_expect(modbus_ascii_reader_in_frame(&r));
    modbus_ascii_reader_skip(&r);
    cr_expect_not(modbus_ascii_reader_in_frame(&r));
    cr_expect_eq(modbus_ascii_reader_feed(&r, span_of_text("020001F3\r\n")), MODBUS_RTU_MORE);
    cr_expect_eq(modbus_ascii_reader_dropped(&r), 15);
}
