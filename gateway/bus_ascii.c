/* What differs between the two kinds of serial line: how a frame looks, and who reads it. Silence,
 * deadlines and the quarantine are the same for both, in bus_rtu.c. */
#include "gateway/bus_private.h"

enum {
    RTU_EXTRA = MODBUS_RTU_MAX - MODBUS_PDU_MAX, /* around a PDU: unit, CRC */
    ASCII_EXTRA = 7,                             /* ':', unit, LRC, CR, LF */
    FUNCTION_DIAGNOSTICS = 0x08,
    SUB_CHANGE_DELIMITER = 0x03,
};

void bus_reader_start(struct bus *b)
{
    const struct bus_request *q = &b->wire.request;
    struct span pdu = span_of(q->pdu, q->len);

    if (bus_is_ascii(b)) {
        modbus_ascii_reader_start(&b->ascii, q->bus_unit, pdu);
    } else {
        modbus_rtu_reader_start(&b->rtu, q->bus_unit, pdu);
    }
}

void bus_reader_skip(struct bus *b)
{
    if (bus_is_ascii(b)) {
        modbus_ascii_reader_skip(&b->ascii);
    } else {
        modbus_rtu_reader_skip(&b->rtu);
    }
}

enum modbus_rtu_verdict bus_reader_feed(struct bus *b, struct span data)
{
    return bus_is_ascii(b) ? modbus_ascii_reader_feed(&b->ascii, data)
                           : modbus_rtu_reader_feed(&b->rtu, data);
}

enum modbus_rtu_verdict bus_reader_silence(struct bus *b)
{
    return bus_is_ascii(b) ? modbus_ascii_reader_silence(&b->ascii)
                           : modbus_rtu_reader_silence(&b->rtu);
}

bool bus_reader_in_frame(const struct bus *b)
{
    return bus_is_ascii(b) ? modbus_ascii_reader_in_frame(&b->ascii)
                           : modbus_rtu_reader_in_frame(&b->rtu);
}

bool bus_reader_is_skipping(const struct bus *b)
{
    return !bus_is_ascii(b) && modbus_rtu_reader_is_skipping(&b->rtu); /* ASCII has its ':' */
}

size_t bus_reader_dropped(const struct bus *b)
{
    return bus_is_ascii(b) ? modbus_ascii_reader_dropped(&b->ascii)
                           : modbus_rtu_reader_dropped(&b->rtu);
}

bool bus_reader_is_echo(const struct bus *b)
{
    return bus_is_ascii(b) ? modbus_ascii_reader_is_echo(&b->ascii)
                           : modbus_rtu_reader_is_echo(&b->rtu);
}

struct span bus_reader_pdu(const struct bus *b)
{
    return bus_is_ascii(b) ? modbus_ascii_reader_pdu(&b->ascii) : modbus_rtu_reader_pdu(&b->rtu);
}

uint8_t bus_reader_function(const struct bus *b)
{
    return bus_is_ascii(b) ? modbus_ascii_reader_function(&b->ascii)
                           : modbus_rtu_reader_function(&b->rtu);
}

bool bus_frame_put(const struct bus *b, struct room *to, uint8_t unit, struct span pdu)
{
    return bus_is_ascii(b) ? modbus_ascii_put(to, unit, pdu) : modbus_rtu_put(to, unit, pdu);
}

size_t bus_frame_length(const struct bus *b, size_t len)
{
    return bus_is_ascii(b) ? 2 * len + ASCII_EXTRA : len + RTU_EXTRA;
}

/* Diagnostics 3 changes the LF that ends the frames of an ASCII device: the device would hear no
 * request of ours any more. */
bool bus_frame_is_harmful(const struct bus *b, struct span pdu)
{
    uint8_t function = 0;
    uint16_t sub = 0;

    return bus_is_ascii(b) && span_take_u8(&pdu, &function) && span_take_u16(&pdu, &sub) &&
           function == FUNCTION_DIAGNOSTICS && sub == SUB_CHANGE_DELIMITER;
}
