/*
 * Characters of an ASCII line, in random cuts. The cuts change nothing; each frame that comes out
 * becomes an MBAP ADU and then the same line again, character by character; and as an answer to a
 * fixed request only the right one is accepted.
 *
 * An input is: 1 byte that seeds the cuts, and then the characters.
 */
#include <string.h>

#include "protocols/modbus_ascii.h"
#include "protocols/modbus_mbap.h"
#include "tests/fuzz/modbus_cuts.h"

struct seen {
    struct modbus_ascii_line line;
    uint32_t hash; /* over all frames */
};

/* ASCII -> MBAP -> ASCII, and then the line must be read as it was. */
static void check_round(struct span body)
{
    uint8_t adu_memory[MODBUS_MBAP_MAX], text[MODBUS_ASCII_MAX];
    struct room adu = room_of(adu_memory, sizeof adu_memory);
    struct room out = room_of(text, sizeof text);
    struct modbus_mbap frame = {.transaction = 1, .unit = body.data[0], .pdu = span_after(body, 1)};
    struct modbus_mbap back;
    struct modbus_ascii_line again;
    struct span in;

    require(modbus_mbap_put(&adu, &frame) && modbus_mbap_parse(room_span(&adu), &back));
    require(modbus_ascii_put(&out, back.unit, back.pdu) && out.len == 2 * body.len + 5);
    in = room_span(&out);
    modbus_ascii_line_start(&again);
    require(modbus_ascii_line_take(&again, &in) == MODBUS_ASCII_FRAME && in.len == 0);
    require(span_equal(modbus_ascii_line_body(&again), body));
}

static void feed(struct seen *s, struct span piece)
{
    while (piece.len > 0) {
        enum modbus_ascii_step step = modbus_ascii_line_take(&s->line, &piece);
        struct span body = modbus_ascii_line_body(&s->line);

        if (step == MODBUS_ASCII_BAD) {
            s->hash = s->hash * 31 + 1;
        } else if (step == MODBUS_ASCII_FRAME) {
            require(body.len >= 2 && body.len <= MODBUS_PDU_MAX + 1);
            check_round(body);
            s->hash = s->hash * 31 + modbus_rtu_crc(body);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t request[] = {3, 0, 0, 0, 1};
    struct seen whole = {.hash = 1}, cut = {.hash = 1};
    struct modbus_ascii_reader reader;
    struct span chars = span_of(data, size);
    uint8_t seed = 0;

    (void)span_take_u8(&chars, &seed);
    modbus_ascii_line_start(&whole.line);
    modbus_ascii_line_start(&cut.line);
    modbus_ascii_reader_start(&reader, 7, span_of(request, sizeof request));
    feed(&whole, chars);
    if (modbus_ascii_reader_feed(&reader, chars) == MODBUS_RTU_ANSWER) {
        struct span pdu = modbus_ascii_reader_pdu(&reader);
        require(pdu.len == 2 ? pdu.data[0] == 0x83 : pdu.len == 4 && pdu.data[1] == 2);
    }
    for (uint32_t dice = seed; chars.len > 0;) {
        feed(&cut, take_cut(&chars, &dice));
    }
    require(whole.hash == cut.hash);
    require(modbus_ascii_line_dropped(&whole.line) == modbus_ascii_line_dropped(&cut.line));
    return 0;
}
