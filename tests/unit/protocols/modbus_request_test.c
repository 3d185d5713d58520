#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "protocols/modbus_request.h"
#include "tests/unit/protocols/hex.h"

/* What comes over a wire, '|' is a silence; the frames that are made of it: 'r' a request and 'a'
 * an answer, with unit and function. */
static const struct {
    const char *bytes, *frames;
    size_t dropped;
} lines[] = {
    {"11 03 0000 0001 869A", "r1103 ", 0},
    {"2A 0F 0010 000A 02 1234 002E", "r2A0F ", 0},
    {"2A 10 0010 0002 04 12345678 0773", "r2A10 ", 0},
    {"00 06 0001 0001 181B", "r0006 ", 0},
    {"11 11 CDEC", "r1111 ", 0},
    {"11 17 0160 0003 0161 0002 04 00000000 CEFC", "r1117 ", 0},
    {"11 16 0160 00F2 0025 16FB", "r1116 ", 0},
    {"11 2B 0E 01 00 B1B4", "r112B ", 0},
    {"02 07 4112", "r0207 ", 0},
    {"11 08 0000 A537 D81D", "r1108 ", 0},
    /* a neighbour's answers, without a silence between them and what comes next */
    {"2A 03 0010 0003 0215 2A 03 06 1234 5678 2345 3060 11 03 0000 0001 869A", "r2A03 a2A03 r1103 ",
     0},
    {"2A 83 02 B0F9 11 03 0000 0001 869A", "a2A83 r1103 ", 0},
    {"2A 10 0010 0002 4616 11 11 CDEC", "a2A10 r1111 ", 0},
    {"11 11 CDEC 11 11 03 11FF05 2EEB 02 07 4112", "r1111 a1111 r0207 ", 0},
    {"11 18 0006 0002 01B8 1284 188D", "a1118 ", 0},
    {"11 2B 0E 01 01 00 00 01 00 03 414243 13F3", "a112B ", 0},
    /* requests and answers of these look alike */
    {"2A 06 0010 1234 8363 2A 06 0010 1234 8363", "r2A06 r2A06 ", 0},
    /* a wrong CRC: nothing, and nothing more until there was silence */
    {"11 03 0000 0001 869B", "", 0},
    {"11 03 0000 0001 869B |", "", 8},
    {"11 03 0000 0001 869B 11 03 0000 0001 869A |", "", 16},
    {"11 03 0000 0001 869B | 11 03 0000 0001 869A", "r1103 ", 8},
    {"11 03 0000 | 0001 869A |", "", 8},
    {"FF 11 03 0000 0001 869A | 11 11 CDEC", "r1111 ", 9},
    {"|| 11 11 CDEC || 02 07 4112 |", "r1111 r0207 ", 0},
    /* what is not known ends by silence alone */
    {"11 41 00 11 11 CDEC |", "", 7},
    {"11 41 CDD0", "", 0},
    {"11 41 CDD0 |", "r1141 ", 0},
    {"11 41 CDD0 | 11 11 CDEC", "r1141 r1111 ", 0},
    {"11 2B 0D 00 00 4024 |", "r112B ", 0},
    {"11 CD |", "", 2},
    {"11 11", "", 0},
    {"", "", 0},
};

static void note_step(char *told, size_t cap, const struct modbus_request_reader *r,
                      enum modbus_request_step step)
{
    struct modbus_mbap frame = modbus_request_frame(r);
    size_t len = strlen(told);

    if (step == MODBUS_REQUEST_MORE || step == MODBUS_REQUEST_BROKEN) {
        cr_expect_eq(frame.pdu.len, 0);
        return;
    }
    cr_expect_gt(frame.pdu.len, 0);
    (void)snprintf(told + len, cap - len, "%c%02X%02X ", step == MODBUS_REQUEST_WHOLE ? 'r' : 'a',
                   frame.unit, frame.pdu.data[0]);
}

static void feed(struct modbus_request_reader *r, struct span in, size_t step, char *told)
{
    while (in.len > 0) {
        struct span piece = span_first(in, step);
        in = span_after(in, piece.len);
        while (piece.len > 0) {
            note_step(told, 100, r, modbus_request_take(r, &piece));
        }
    }
}

static void check_line(size_t at, size_t step)
{
    struct modbus_request_reader r;
    struct span all = span_of_text(lines[at].bytes);
    char told[100] = "";

    modbus_request_start(&r, MODBUS_WIRE_RTU);
    while (all.len > 0) {
        char text[200];
        struct span piece = span_first(all, span_find(all, '|'));
        (void)snprintf(text, sizeof text, "%.*s", (int)piece.len, (const char *)piece.data);
        struct hex bytes = hex_of(text);
        feed(&r, hex_span(&bytes), step, told);
        if (piece.len < all.len) {
            note_step(told, sizeof told, &r, modbus_request_silence(&r));
            cr_expect_not(modbus_request_in_frame(&r));
        }
        all = span_after(all, piece.len + 1);
    }
    cr_expect_str_eq(told, lines[at].frames, "%s: %s", lines[at].bytes, told);
    cr_expect_eq(modbus_request_dropped(&r), lines[at].dropped, "%s: %zu", lines[at].bytes,
                 modbus_request_dropped(&r));
}

Test(modbus_request, cuts_rtu_by_length_and_crc)
{
    for (size_t at = 0; at < sizeof lines / sizeof lines[0]; at++) {
        for (size_t step = 1; step < 30; step++) {
            check_line(at, step);
        }
    }
}

Test(modbus_request, takes_unknown_functions_of_any_length_at_silence)
{
    for (size_t len = 1; len <= MODBUS_PDU_MAX; len++) {
        struct modbus_request_reader r;
        uint8_t pdu[MODBUS_PDU_MAX] = {0x44};
        uint8_t memory[MODBUS_RTU_MAX];
        struct room out = room_of(memory, sizeof memory);
        struct span in;

        cr_assert(modbus_rtu_put(&out, 9, span_of(pdu, len)));
        in = room_span(&out);
        modbus_request_start(&r, MODBUS_WIRE_RTU);
        cr_expect_eq(modbus_request_take(&r, &in), MODBUS_REQUEST_MORE);
        cr_expect(modbus_request_in_frame(&r));
        cr_expect_eq(modbus_request_silence(&r), MODBUS_REQUEST_WHOLE);
        cr_expect_eq(modbus_request_frame(&r).unit, 9);
        cr_expect_eq(modbus_request_frame(&r).pdu.len, len);
    }
}

Test(modbus_request, drops_what_is_longer_than_any_frame_until_silence)
{
    static const uint8_t noise[300] = {0x44, 0x44};
    struct modbus_request_reader r;
    struct hex good = hex_of("11 11 CDEC");
    struct span in = span_of(noise, sizeof noise);

    modbus_request_start(&r, MODBUS_WIRE_RTU);
    cr_expect_eq(modbus_request_take(&r, &in), MODBUS_REQUEST_MORE);
    in = hex_span(&good);
    cr_expect_eq(modbus_request_take(&r, &in), MODBUS_REQUEST_MORE);
    cr_expect_eq(modbus_request_dropped(&r), 304);
    cr_expect_eq(modbus_request_silence(&r), MODBUS_REQUEST_MORE);
    in = hex_span(&good);
    cr_expect_eq(modbus_request_take(&r, &in), MODBUS_REQUEST_WHOLE);
}

Test(modbus_request, cuts_ascii)
{
    struct modbus_request_reader r;
    char told[100] = "";

    modbus_request_start(&r, MODBUS_WIRE_ASCII);
    feed(&r, span_of_text(":110300000001EB\r\n"), 3, told);
    feed(&r, span_of_text(":0703020001F3\r\n:07830274\r\n:0703"), 4, told);
    cr_expect(modbus_request_in_frame(&r));
    feed(&r, span_of_text(":1141AE\r\n:1141AF\r\n"), 5, told);
    cr_expect_str_eq(told, "r1103 a0703 a0783 r1141 ");
    cr_expect_eq(modbus_request_dropped(&r), 5 + 9);
    feed(&r, span_of_text(":1103"), 5, told);
    cr_expect_eq(modbus_request_silence(&r), MODBUS_REQUEST_MORE);
    feed(&r, span_of_text("00000001EB\r\n"), 5, told);
    cr_expect_str_eq(told, "r1103 a0703 a0783 r1141 ");
}

Test(modbus_request, cuts_tcp)
{
    struct modbus_request_reader r;
    struct hex two = hex_of("0102 0000 0006 11 03 0000 0001 0007 0000 0002 FF 41");
    struct hex bad = hex_of("0102 0001 0006 11 03");
    struct span in = hex_span(&two);
    char told[100] = "";

    modbus_request_start(&r, MODBUS_WIRE_TCP);
    cr_expect_eq(modbus_request_take(&r, &in), MODBUS_REQUEST_WHOLE);
    cr_expect_eq(modbus_request_frame(&r).transaction, 0x0102);
    feed(&r, in, 5, told);
    cr_expect_str_eq(told, "rFF41 ");
    in = hex_span(&bad);
    cr_expect_eq(modbus_request_take(&r, &in), MODBUS_REQUEST_BROKEN);
    cr_expect_eq(modbus_request_take(&r, &in), MODBUS_REQUEST_BROKEN);
}

Test(modbus_request, writes_what_it_reads_on_each_wire)
{
    static const uint8_t pdu[] = {0x2B, 0x0E, 1, 0};

    static const enum modbus_wire wires[] = {MODBUS_WIRE_RTU, MODBUS_WIRE_ASCII, MODBUS_WIRE_TCP};
    struct modbus_mbap frame = {.unit = 0x2A, .pdu = span_of(pdu, sizeof pdu)};

    for (size_t i = 0; i < 3; i++) {
        struct modbus_request_reader r;
        uint8_t memory[MODBUS_ASCII_MAX];
        struct room out = room_of(memory, sizeof memory);
        struct room tiny = room_of(memory, 6);
        struct span in;

        cr_expect_not(modbus_wire_put(wires[i], &tiny, &frame));
        cr_assert(modbus_wire_put(wires[i], &out, &frame));
        in = room_span(&out);
        modbus_request_start(&r, wires[i]);
        cr_expect_eq(modbus_request_take(&r, &in), MODBUS_REQUEST_WHOLE);
        cr_expect_eq(modbus_request_frame(&r).unit, 0x2A);
        cr_expect(span_equal(modbus_request_frame(&r).pdu, frame.pdu));
    }
}
