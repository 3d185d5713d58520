#include "protocols/modbus_rtu.h"

#include <string.h>

enum {
    FRAME_EXTRA = 3, /* unit and CRC around the PDU */
    ECHO_LEAST = 4,  /* bytes of a PDU that are no chance any more */
};

uint16_t modbus_rtu_crc(struct span bytes)
{
    uint16_t crc = 0xFFFF;
    uint8_t byte = 0;

    while (span_take_u8(&bytes, &byte)) {
        crc ^= byte;
        for (int bit = 0; bit < 8; bit++) {
            crc = (uint16_t)((crc & 1) != 0 ? (crc >> 1) ^ 0xA001 : crc >> 1);
        }
    }
    return crc;
}

bool modbus_rtu_put(struct room *to, uint8_t unit, struct span pdu)
{
    struct room out = *to;
    uint16_t crc = 0;

    if (pdu.len < 1 || pdu.len > MODBUS_PDU_MAX || room_left(to) < pdu.len + FRAME_EXTRA) {
        return false;
    }
    (void)room_put_u8(&out, unit); /* none of these can fail: the length was checked */
    (void)room_put(&out, pdu);
    crc = modbus_rtu_crc(span_after(room_span(&out), to->len));
    (void)room_put_u8(&out, (uint8_t)(crc & 0xFF));
    (void)room_put_u8(&out, (uint8_t)(crc >> 8));
    *to = out;
    return true;
}

uint32_t modbus_rtu_silence_us(uint32_t rate)
{
    /* Serial Line V1.02, 2.5.1.1: 3.5 characters of 11 bits; fixed above 19200 bits per second. */
    if (rate > 19200) {
        return 1750;
    }
    return (38500000U + rate - 1) / rate;
}

uint64_t modbus_rtu_line_us(uint32_t rate, uint8_t char_bits, size_t len)
{
    return ((uint64_t)len * char_bits * 1000000U + rate - 1) / rate;
}

void modbus_rtu_reader_start(struct modbus_rtu_reader *r, uint8_t unit, struct span request)
{
    memset(r, 0, sizeof *r);
    r->unit = unit;
    r->request = request;
    r->verdict = MODBUS_RTU_MORE;
}

void modbus_rtu_reader_skip(struct modbus_rtu_reader *r)
{
    r->dropped += r->len;
    r->len = 0;
    r->want = 0;
    r->skipping = true;
}

static struct span reader_frame(const struct modbus_rtu_reader *r)
{
    return span_of(r->frame, r->len);
}

/* The PDU's bytes so far, or all of them when the CRC is in. */
static struct span reader_body(const struct modbus_rtu_reader *r)
{
    struct span body = span_after(reader_frame(r), 1);

    return r->want > 0 ? span_first(body, r->want - FRAME_EXTRA) : body;
}

/* All bytes of the frame are there. */
static enum modbus_rtu_verdict judge_frame(const struct modbus_rtu_reader *r)
{
    /* The CRC over a frame with its CRC is 0. */
    if (modbus_rtu_crc(reader_frame(r)) != 0) {
        return MODBUS_RTU_CRC;
    }
    if (!modbus_pdu_matches(r->request, reader_body(r))) {
        return MODBUS_RTU_MISMATCH;
    }
    return MODBUS_RTU_ANSWER;
}

/* One more byte of a frame of our unit. */
static void grow_frame(struct modbus_rtu_reader *r, uint8_t byte)
{
    size_t body = 0;

    r->frame[r->len] = byte;
    r->len++;
    if (r->want == 0) {
        switch (modbus_pdu_answer_size(r->request, reader_body(r), &body)) {
        case MODBUS_SIZE_MORE:
            return;
        case MODBUS_SIZE_BAD:
            r->verdict = MODBUS_RTU_MISMATCH;
            return;
        case MODBUS_SIZE_KNOWN:
            r->want = body + FRAME_EXTRA;
            break;
        }
    }
    if (r->len == r->want) {
        r->verdict = judge_frame(r);
    }
}

static void take_byte(struct modbus_rtu_reader *r, uint8_t byte)
{
    /* The bound can not be reached: a length over it is BAD before. It guards the array. */
    if (r->verdict != MODBUS_RTU_MORE || r->skipping || r->len >= sizeof r->frame) {
        r->dropped++;
        return;
    }
    if (r->len == 0 && byte != r->unit) {
        r->skipping = true;
        r->dropped++;
        return;
    }
    grow_frame(r, byte);
}

enum modbus_rtu_verdict modbus_rtu_reader_feed(struct modbus_rtu_reader *r, struct span in)
{
    uint8_t byte = 0;

    while (span_take_u8(&in, &byte)) {
        take_byte(r, byte);
    }
    return r->verdict;
}

enum modbus_rtu_verdict modbus_rtu_reader_silence(struct modbus_rtu_reader *r)
{
    r->skipping = false;
    if (modbus_rtu_reader_in_frame(r)) {
        r->verdict = MODBUS_RTU_SHORT;
    }
    return r->verdict;
}

bool modbus_rtu_reader_in_frame(const struct modbus_rtu_reader *r)
{
    return r->verdict == MODBUS_RTU_MORE && r->len > 0;
}

bool modbus_rtu_reader_is_skipping(const struct modbus_rtu_reader *r)
{
    return r->skipping;
}

size_t modbus_rtu_reader_dropped(const struct modbus_rtu_reader *r)
{
    return r->dropped;
}

bool modbus_rtu_reader_is_echo(const struct modbus_rtu_reader *r)
{
    /* What was read before it was refused: all of our request, or its beginning, because the high
     * byte of the address stands where an answer has its length. */
    struct span body = span_first(span_after(reader_frame(r), 1), r->request.len);
    bool is_refused = r->verdict == MODBUS_RTU_CRC || r->verdict == MODBUS_RTU_MISMATCH ||
                      (r->verdict == MODBUS_RTU_SHORT && body.len == r->request.len);

    return is_refused && body.len >= ECHO_LEAST && !modbus_pdu_is_write(r->request) &&
           span_equal(body, span_first(r->request, body.len));
}

uint8_t modbus_rtu_reader_function(const struct modbus_rtu_reader *r)
{
    return r->len >= 2 ? r->frame[1] & (uint8_t)~MODBUS_EXCEPTION_FLAG : 0;
}

struct span modbus_rtu_reader_pdu(const struct modbus_rtu_reader *r)
{
    return r->verdict == MODBUS_RTU_ANSWER ? reader_body(r) : span_of(NULL, 0);
}
