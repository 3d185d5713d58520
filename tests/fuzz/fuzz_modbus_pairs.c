/*
 * The codecs in pairs: what goes from RTU to MBAP (in random cuts) and back to RTU is the same
 * frame, byte for byte, and so is what goes through an ASCII line: requests, and their answers.
 *
 * An input is that of modbus_exchange.h; the seed makes the transaction, too.
 */
#include "protocols/modbus_ascii.h"
#include "protocols/modbus_mbap.h"
#include "tests/fuzz/modbus_exchange.h"

static void through_ascii(struct span body, uint32_t dice)
{
    uint8_t memory[MODBUS_ASCII_MAX];
    struct room out = room_of(memory, sizeof memory);
    struct modbus_ascii_line line;
    struct span in;
    enum modbus_ascii_step step = MODBUS_ASCII_MORE;

    require(modbus_ascii_put(&out, body.data[0], span_after(body, 1)));
    modbus_ascii_line_start(&line);
    in = room_span(&out);
    while (in.len > 0) {
        struct span piece = take_cut(&in, &dice);
        require(step == MODBUS_ASCII_MORE);
        step = modbus_ascii_line_take(&line, &piece);
        require(piece.len == 0);
    }
    require(step == MODBUS_ASCII_FRAME && span_equal(modbus_ascii_line_body(&line), body));
}

/* `frame` is a whole RTU frame. The ADU that it becomes is left in `adu`. */
static void through_mbap(struct span frame, uint32_t dice, struct modbus_mbap_reader *adu)
{
    struct modbus_mbap there = {.transaction = (uint16_t)(dice * 40503U),
                                .unit = frame.data[0],
                                .pdu = span_first(span_after(frame, 1), frame.len - 3)};
    struct modbus_mbap back;
    uint8_t memory[MODBUS_MBAP_MAX], again[MODBUS_RTU_MAX];
    struct room wire = room_of(memory, sizeof memory), out = room_of(again, sizeof again);
    enum modbus_mbap_step step = MODBUS_MBAP_MORE;

    require(modbus_mbap_put(&wire, &there));
    modbus_mbap_reader_start(adu);
    for (struct span in = room_span(&wire); in.len > 0;) {
        struct span piece = take_cut(&in, &dice);
        require(step == MODBUS_MBAP_MORE);
        step = modbus_mbap_reader_take(adu, &piece);
        require(piece.len == 0);
    }
    require(step == MODBUS_MBAP_WHOLE && modbus_mbap_parse(modbus_mbap_reader_adu(adu), &back));
    require(back.transaction == there.transaction);
    require(modbus_rtu_put(&out, back.unit, back.pdu) && span_equal(room_span(&out), frame));
    through_ascii(span_first(frame, frame.len - 2), dice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct modbus_exchange x;
    struct modbus_mbap_reader asked, answered;
    struct modbus_rtu_reader reader;
    struct modbus_mbap open;
    uint8_t memory[MODBUS_RTU_MAX];
    struct room out = room_of(memory, sizeof memory);

    if (!take_exchange(&x, span_of(data, size))) {
        return 0;
    }
    require(modbus_rtu_put(&out, x.request.data[0], span_after(x.request, 1)));
    through_mbap(room_span(&out), x.seed, &asked);
    if (x.line.len < 4 || x.line.len > MODBUS_RTU_MAX) {
        return 0;
    }
    modbus_rtu_reader_start(&reader, x.request.data[0], span_after(x.request, 1));
    if (modbus_rtu_reader_feed(&reader, x.line) == MODBUS_RTU_ANSWER) {
        through_mbap(span_first(x.line, modbus_rtu_reader_pdu(&reader).len + 3), x.seed, &answered);
        /* What is an answer on a serial line is one over TCP. */
        require(modbus_mbap_parse(modbus_mbap_reader_adu(&asked), &open));
        require(modbus_mbap_judge(&open, modbus_mbap_reader_adu(&answered)) == MODBUS_MBAP_ANSWER);
    }
    return 0;
}
