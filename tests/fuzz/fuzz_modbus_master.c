/*
 * A legacy master's side: bytes of its line or connection, in random cuts and with a silence at
 * the end, become requests. The cuts change nothing, and what is taken for a frame is one: written
 * again, it is read as the same.
 *
 * An input is: 1 byte that seeds the cuts, 1 byte for the wire, and then the bytes.
 */
#include "protocols/modbus_request.h"
#include "tests/fuzz/modbus_cuts.h"

struct seen {
    struct modbus_request_reader reader;
    uint32_t hash; /* over all frames */
};

static void take_frame(struct seen *s, enum modbus_request_step step)
{
    uint8_t memory[MODBUS_ASCII_MAX];
    struct room out = room_of(memory, sizeof memory);
    struct modbus_mbap frame = modbus_request_frame(&s->reader), back;
    struct modbus_request_reader again;
    struct span in;

    if (step == MODBUS_REQUEST_MORE || step == MODBUS_REQUEST_BROKEN) {
        require(frame.pdu.len == 0);
        return;
    }
    require(frame.pdu.len >= 1 && frame.pdu.len <= MODBUS_PDU_MAX);
    require(modbus_wire_put(s->reader.wire, &out, &frame));
    s->hash = s->hash * 31 + modbus_rtu_crc(room_span(&out)) + (uint32_t)step;
    in = room_span(&out);
    modbus_request_start(&again, s->reader.wire);
    if (modbus_request_take(&again, &in) == MODBUS_REQUEST_MORE) {
        require(modbus_request_silence(&again) == step);
    }
    back = modbus_request_frame(&again);
    /* A frame may end by chance where a shorter one would. */
    require(in.len > 0 || (back.unit == frame.unit && span_equal(back.pdu, frame.pdu)));
}

static void feed(struct seen *s, struct span piece)
{
    while (piece.len > 0 && s->reader.step != MODBUS_REQUEST_BROKEN) {
        take_frame(s, modbus_request_take(&s->reader, &piece));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen whole = {.hash = 1}, cut = {.hash = 1};
    struct span line = span_of(data, size);
    uint8_t seed = 0, wire = 0;

    (void)span_take_u8(&line, &seed);
    (void)span_take_u8(&line, &wire);
    modbus_request_start(&whole.reader, (enum modbus_wire)(wire % 3));
    modbus_request_start(&cut.reader, (enum modbus_wire)(wire % 3));
    feed(&whole, line);
    for (uint32_t dice = seed; line.len > 0;) {
        feed(&cut, take_cut(&line, &dice));
    }
    require(modbus_request_in_frame(&whole.reader) == modbus_request_in_frame(&cut.reader));
    take_frame(&whole, modbus_request_silence(&whole.reader));
    take_frame(&cut, modbus_request_silence(&cut.reader));
    require(whole.hash == cut.hash);
    require(modbus_request_dropped(&whole.reader) == modbus_request_dropped(&cut.reader));
    return 0;
}
