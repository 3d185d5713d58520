#include <string.h>

#include <criterion/criterion.h>

#include "protocols/modbus_rtu.h"
#include "tests/unit/protocols/hex.h"

/* Frames with the CRC as it goes over the wire. */
static const char *const frames[] = {
    "02 07 4112",
    "01 03 0000 0001 840A",
    "11 03 0000 0001 869A",
    "11 03 02 0000 7987",
    "2A 01 0010 0013 7A19",
    "2A 03 0010 0003 0215",
    "2A 03 06 1234 5678 2345 3060",
    "2A 05 0010 FF00 8BE4",
    "2A 06 0010 1234 8363",
    "2A 0F 0010 000A 02 1234 002E",
    "2A 10 0010 0002 04 12345678 0773",
    "2A 10 0010 0002 4616",
    "00 06 0001 0001 181B",
    "11 11 CDEC",
    "11 17 0160 0003 0161 0002 04 00000000 CEFC",
    "11 16 0160 00F2 0025 16FB",
    "11 2B 0E 01 00 B1B4",
    "11 83 0B 0132",
    "11 83 0A C0F2",
    "2A 83 01 F0F8",
    "2A 83 02 B0F9",
};

enum { FRAMES = sizeof frames / sizeof frames[0] };

Test(modbus_rtu, crc_of_the_check_string)
{
    cr_expect_eq(modbus_rtu_crc(span_of_text("123456789")), 0x4B37);
    cr_expect_eq(modbus_rtu_crc(span_of(NULL, 0)), 0xFFFF);
}

Test(modbus_rtu, crc_over_a_frame_with_its_crc_is_0)
{
    for (size_t i = 0; i < FRAMES; i++) {
        struct hex frame = hex_of(frames[i]);

        cr_expect_eq(modbus_rtu_crc(hex_span(&frame)), 0, "%s", frames[i]);
    }
}

Test(modbus_rtu, builds_the_known_frames)
{
    for (size_t i = 0; i < FRAMES; i++) {
        struct hex frame = hex_of(frames[i]);
        uint8_t memory[MODBUS_RTU_MAX];
        struct room out = room_of(memory, sizeof memory);

        cr_expect(modbus_rtu_put(&out, frame.data[0], span_of(frame.data + 1, frame.len - 3)));
        cr_expect(span_equal(room_span(&out), hex_span(&frame)), "%s", frames[i]);
    }
}

Test(modbus_rtu, builds_behind_what_is_in_the_room)
{
    struct hex pdu = hex_of("07");
    struct hex want = hex_of("EE 02 07 4112");
    uint8_t memory[5];
    struct room out = room_of(memory, sizeof memory);

    cr_assert(room_put_u8(&out, 0xEE));
    cr_expect(modbus_rtu_put(&out, 2, hex_span(&pdu)));
    cr_expect(span_equal(room_span(&out), hex_span(&want)));
}

Test(modbus_rtu, refuses_to_build_what_does_not_fit)
{
    uint8_t memory[300];
    uint8_t pdu[254] = {3};
    struct room out = room_of(memory, sizeof memory);
    struct room small = room_of(memory, 7);

    cr_expect_not(modbus_rtu_put(&out, 1, span_of(pdu, 254)));
    cr_expect_not(modbus_rtu_put(&out, 1, span_of(pdu, 0)));
    cr_expect_eq(out.len, 0);
    cr_expect_not(modbus_rtu_put(&small, 1, span_of(pdu, 5)));
    cr_expect_eq(small.len, 0);
    cr_expect(modbus_rtu_put(&small, 1, span_of(pdu, 4)));
    cr_expect(modbus_rtu_put(&out, 1, span_of(pdu, 253)));
    cr_expect_eq(out.len, MODBUS_RTU_MAX);
}

Test(modbus_rtu, silence_and_line_times)
{
    static const struct {
        uint32_t rate, silence_us;
    } table[] = {{1200, 32084}, {2400, 16042}, {4800, 8021},   {9600, 4011},
                 {19200, 2006}, {38400, 1750}, {115200, 1750}, {50, 770000}};

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        cr_expect_eq(modbus_rtu_silence_us(table[i].rate), table[i].silence_us, "%u",
                     table[i].rate);
    }
    cr_expect_eq(modbus_rtu_line_us(9600, 11, 256), 293334);
    cr_expect_eq(modbus_rtu_line_us(19200, 11, 256), 146667);
    cr_expect_eq(modbus_rtu_line_us(115200, 11, 256), 24445);
    cr_expect_eq(modbus_rtu_line_us(50, 12, 256), 61440000);
}

/* What a reader does with an answer: requests with the bytes that come, '|' is a silence. */
struct reading {
    const char *request; /* unit and PDU */
    const char *line;
    enum modbus_rtu_verdict verdict;
    size_t dropped;
};

static const struct reading readings[] = {
    {"11 03 0000 0001", "11 03 02 0000 7987", MODBUS_RTU_ANSWER, 0},
    {"2A 03 0010 0003", "2A 03 06 1234 5678 2345 3060", MODBUS_RTU_ANSWER, 0},
    {"2A 05 0010 FF00", "2A 05 0010 FF00 8BE4", MODBUS_RTU_ANSWER, 0},
    {"2A 06 0010 1234", "2A 06 0010 1234 8363", MODBUS_RTU_ANSWER, 0},
    {"2A 10 0010 0002 04 12345678", "2A 10 0010 0002 4616", MODBUS_RTU_ANSWER, 0},
    {"11 16 0160 00F2 0025", "11 16 0160 00F2 0025 16FB", MODBUS_RTU_ANSWER, 0},
    {"11 03 0000 0001", "11 83 0B 0132", MODBUS_RTU_ANSWER, 0},
    {"2A 03 0010 0003", "2A 83 02 B0F9", MODBUS_RTU_ANSWER, 0},
    /* an answer, and then more of something */
    {"11 03 0000 0001", "11 03 02 0000 7987 FF 00", MODBUS_RTU_ANSWER, 2},
    {"11 03 0000 0001", "| 11 03 02 0000 7987 |", MODBUS_RTU_ANSWER, 0},
    /* another unit's frame is passed over, however it looks */
    {"11 03 0000 0001", "2A 83 02 B0F9 | 11 03 02 0000 7987", MODBUS_RTU_ANSWER, 5},
    {"11 03 0000 0001", "00 | 00 11 | 11 03 02 0000 7987", MODBUS_RTU_ANSWER, 3},
    {"11 03 0000 0001", "12 03 02 0000 3D87", MODBUS_RTU_MORE, 7},
    /* without silence behind it, what follows belongs to it */
    {"11 03 0000 0001", "2A 83 02 B0F9 11 03 02 0000 7987", MODBUS_RTU_MORE, 12},
    /* one bit wrong in the data, the CRC, the unit */
    {"11 03 0000 0001", "11 03 02 0001 7987", MODBUS_RTU_CRC, 0},
    {"11 03 0000 0001", "11 03 02 0000 7986", MODBUS_RTU_CRC, 0},
    {"11 03 0000 0001", "11 03 02 0000 8779", MODBUS_RTU_CRC, 0},
    {"11 03 0000 0001", "13 03 02 0000 7987", MODBUS_RTU_MORE, 7},
    /* a good frame that is no answer to this request */
    {"11 03 0000 0002", "11 03 02 0000 7987", MODBUS_RTU_MISMATCH, 0},
    {"11 04 0000 0001", "11 03 02 0000 7987", MODBUS_RTU_MISMATCH, 5},
    {"11 04 0000 0001", "11 83 0B 0132", MODBUS_RTU_MISMATCH, 3},
    {"2A 06 0010 1235", "2A 06 0010 1234 8363", MODBUS_RTU_MISMATCH, 0},
    {"2A 10 0010 0001 02 1234", "2A 10 0010 0002 4616", MODBUS_RTU_MISMATCH, 0},
    {"11 03 0000 0001", "11 03 FC 00", MODBUS_RTU_MISMATCH, 1},
    /* the request itself, from an adapter that echoes */
    {"11 03 0000 0001", "11 03 0000 0001 869A", MODBUS_RTU_CRC, 3},
    /* a frame that breaks off */
    {"11 03 0000 0001", "11 |", MODBUS_RTU_SHORT, 0},
    {"11 03 0000 0001", "11 03 02 0000 79 |", MODBUS_RTU_SHORT, 0},
    {"11 03 0000 0001", "11 03 02 | 0000 7987", MODBUS_RTU_SHORT, 4},
    {"11 03 0000 0001", "11 03 02 0000 79", MODBUS_RTU_MORE, 0},
    {"11 03 0000 0001", "", MODBUS_RTU_MORE, 0},
    {"11 03 0000 0001", "|||", MODBUS_RTU_MORE, 0},
    /* lengths that describe themselves */
    {"11 08 0000 A537", "11 08 0000 A537 D81D", MODBUS_RTU_ANSWER, 0},
    {"11 11", "11 11 03 11FF05 2EEB", MODBUS_RTU_ANSWER, 0},
    {"11 18 04DE", "11 18 0006 0002 01B8 1284 188D", MODBUS_RTU_ANSWER, 0},
    {"11 2B 0E 01 00", "11 2B 0E 01 01 00 00 01 00 03 414243 13F3", MODBUS_RTU_ANSWER, 0},
};

enum { READINGS = sizeof readings / sizeof readings[0] };

/* One piece of a line: bytes up to the next silence. Returns what is left, NULL at the end. */
static const char *next_piece(const char *line, struct hex *piece)
{
    char text[300];
    size_t len = strcspn(line, "|");

    cr_assert_lt(len, sizeof text);
    memcpy(text, line, len);
    text[len] = '\0';
    *piece = hex_of(text);
    return line[len] == '|' ? line + len + 1 : NULL;
}

static void feed_in_steps(struct modbus_rtu_reader *r, struct span bytes, size_t step)
{
    do {
        (void)modbus_rtu_reader_feed(r, span_first(bytes, step));
        bytes = span_after(bytes, step);
    } while (bytes.len > 0);
}

/* Feed the line in cuts of `step` bytes and check the outcome. */
static void check_reading(const struct reading *rd, size_t step)
{
    struct modbus_rtu_reader r;
    struct hex request = hex_of(rd->request);
    struct hex piece;
    const char *rest = rd->line;

    modbus_rtu_reader_start(&r, request.data[0], span_of(request.data + 1, request.len - 1));
    while (rest != NULL) {
        rest = next_piece(rest, &piece);
        feed_in_steps(&r, hex_span(&piece), step);
        if (rest != NULL) {
            (void)modbus_rtu_reader_silence(&r);
        }
    }
    cr_expect_eq(r.verdict, rd->verdict, "%s gave %d", rd->line, (int)r.verdict);
    cr_expect_eq(modbus_rtu_reader_dropped(&r), rd->dropped, "%s", rd->line);
    cr_expect_eq(modbus_rtu_reader_pdu(&r).len > 0, rd->verdict == MODBUS_RTU_ANSWER);
}

Test(modbus_rtu, reads_answers_in_any_cuts)
{
    for (size_t i = 0; i < READINGS; i++) {
        for (size_t step = 1; step <= 20; step++) {
            check_reading(&readings[i], step);
        }
    }
}

Test(modbus_rtu, gives_the_pdu_of_the_answer)
{
    struct modbus_rtu_reader r;
    struct hex request = hex_of("03 0010 0003");
    struct hex line = hex_of("2A 03 06 1234 5678 2345 3060 FF");
    struct hex pdu = hex_of("03 06 1234 5678 2345");

    modbus_rtu_reader_start(&r, 0x2A, hex_span(&request));
    cr_expect_eq(modbus_rtu_reader_feed(&r, hex_span(&line)), MODBUS_RTU_ANSWER);
    cr_expect(span_equal(modbus_rtu_reader_pdu(&r), hex_span(&pdu)));
}

Test(modbus_rtu, tells_what_it_is_in)
{
    struct modbus_rtu_reader r;
    struct hex request = hex_of("03 0000 0001");
    struct hex line = hex_of("2A 11");

    modbus_rtu_reader_start(&r, 0x11, hex_span(&request));
    cr_expect_not(modbus_rtu_reader_in_frame(&r));
    (void)modbus_rtu_reader_feed(&r, hex_span(&line));
    cr_expect(modbus_rtu_reader_is_skipping(&r));
    cr_expect_not(modbus_rtu_reader_in_frame(&r));
    cr_expect_eq(modbus_rtu_reader_silence(&r), MODBUS_RTU_MORE);
    cr_expect_not(modbus_rtu_reader_is_skipping(&r));
    (void)modbus_rtu_reader_feed(&r, span_of(line.data + 1, 1));
    cr_expect(modbus_rtu_reader_in_frame(&r));
    cr_expect_eq(modbus_rtu_reader_silence(&r), MODBUS_RTU_SHORT);
    cr_expect_not(modbus_rtu_reader_in_frame(&r));
}

Test(modbus_rtu, skips_the_rest_of_a_broken_frame)
{
    struct modbus_rtu_reader r;
    struct hex request = hex_of("03 0000 0001");
    struct hex line = hex_of("11 03 02 0000 7987");

    modbus_rtu_reader_start(&r, 0x11, hex_span(&request));
    (void)modbus_rtu_reader_feed(&r, span_of(line.data, 3));
    modbus_rtu_reader_skip(&r);
    cr_expect_eq(modbus_rtu_reader_feed(&r, span_of(line.data, line.len)), MODBUS_RTU_MORE);
    cr_expect_eq(modbus_rtu_reader_dropped(&r), 3 + line.len);
    (void)modbus_rtu_reader_silence(&r);
    cr_expect_eq(modbus_rtu_reader_feed(&r, span_of(line.data, line.len)), MODBUS_RTU_ANSWER);
}

/* Every single-bit error of an answer is found: it is never taken. */
Test(modbus_rtu, refuses_every_flipped_bit)
{
    static const struct reading list[] = {
        {"2A 03 0010 0003", "2A 03 06 1234 5678 2345 3060", MODBUS_RTU_ANSWER, 0},
        {"2A 10 0010 0002 04 12345678", "2A 10 0010 0002 4616", MODBUS_RTU_ANSWER, 0},
        {"11 03 0000 0001", "11 83 0B 0132", MODBUS_RTU_ANSWER, 0},
    };

    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        struct hex request = hex_of(list[i].request);
        struct hex line = hex_of(list[i].line);

        for (size_t bit = 0; bit < line.len * 8; bit++) {
            struct modbus_rtu_reader r;
            struct hex bad = line;

            bad.data[bit / 8] ^= (uint8_t)(1U << (bit % 8));
            modbus_rtu_reader_start(&r, request.data[0],
                                    span_of(request.data + 1, request.len - 1));
            cr_expect_neq(modbus_rtu_reader_feed(&r, hex_span(&bad)), MODBUS_RTU_ANSWER,
                          "%s bit %zu", list[i].line, bit);
            cr_expect_neq(modbus_rtu_reader_silence(&r), MODBUS_RTU_ANSWER);
        }
    }
}

/* The longest frame fills the reader exactly; the longest of junk does not hurt it. */
Test(modbus_rtu, keeps_to_256_bytes)
{
    struct modbus_rtu_reader r;
    struct hex request = hex_of("01 0000 07D0");
    uint8_t memory[2 * MODBUS_RTU_MAX];
    uint8_t pdu[252] = {0x01, 250};
    struct room out = room_of(memory, sizeof memory);

    cr_assert(modbus_rtu_put(&out, 9, span_of(pdu, sizeof pdu)));
    modbus_rtu_reader_start(&r, 9, hex_span(&request));
    cr_expect_eq(modbus_rtu_reader_feed(&r, room_span(&out)), MODBUS_RTU_ANSWER);
    memset(memory, 9, sizeof memory);
    modbus_rtu_reader_start(&r, 9, hex_span(&request));
    cr_expect_eq(modbus_rtu_reader_feed(&r, span_of(memory, sizeof memory)), MODBUS_RTU_MISMATCH);
    cr_expect_eq(modbus_rtu_reader_dropped(&r), sizeof memory - 2);
}

/* An adapter that hears itself: our reads come back. What else goes wrong is no echo. */
Test(modbus_rtu, knows_its_own_request)
{
    static const struct {
        const char *request, *line;
        bool is_echo;
    } list[] = {
        {"11 03 0000 0001", "11 03 0000 0001 869A", true},
        {"11 03 0210 0001", "11 03 0210 0001 86E7", true},
        {"11 04 2000 0001", "11 04 2000 0001 389A", true},
        {"11 03 0000 0001", "11 03 02 0000 7986", false},
        {"11 03 0000 0001", "11 03 0001 0001 D75A", false},
        {"11 03 0000 0001", "11 03", false},
        {"11 03 0200 0001", "11 03 02", false},
        {"11 03 0000 0001", "11 03 02 0000 7987", false},
        {"11 06 0010 1234", "11 06 0010 1234 8363", false},
        {"11 03 FC00 0001", "11 03 FC", false},
        {"11 08 0000 A537", "11 08 0000 A537 D81D", false},
    };

    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        struct modbus_rtu_reader r;
        struct hex request = hex_of(list[i].request);
        struct hex line = hex_of(list[i].line);

        modbus_rtu_reader_start(&r, request.data[0], span_of(request.data + 1, request.len - 1));
        (void)modbus_rtu_reader_feed(&r, hex_span(&line));
        (void)modbus_rtu_reader_silence(&r);
        cr_expect_eq(modbus_rtu_reader_is_echo(&r), list[i].is_echo, "%s", list[i].line);
    }
}
