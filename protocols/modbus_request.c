#include "protocols/modbus_request.h"

#include <string.h>

enum {
    AROUND_PDU = 3, /* unit and CRC */
    SHORTEST = 1 + AROUND_PDU,
    CODE_ENCAPSULATED = 0x2B,
    MEI_IDENTIFICATION = 0x0E,
};

/* How long a request PDU is: `len` bytes, and what the byte at `count_at` (0: none) adds to it. */
struct shape {
    uint8_t code, len, count_at;
};

static const struct shape shapes[] = {
    {0x01, 5, 0}, {0x02, 5, 0},  {0x03, 5, 0}, {0x04, 5, 0}, {0x05, 5, 0},
    {0x06, 5, 0}, {0x07, 1, 0},  {0x08, 5, 0}, {0x0B, 1, 0}, {0x0C, 1, 0},
    {0x0F, 6, 5}, {0x10, 6, 5},  {0x11, 1, 0}, {0x14, 2, 1}, {0x15, 2, 1},
    {0x16, 7, 0}, {0x17, 10, 9}, {0x18, 3, 0}, {0x2B, 4, 0},
};

static const struct shape *find_shape(uint8_t code)
{
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        if (shapes[i].code == code) {
            return &shapes[i];
        }
    }
    return NULL;
}

/* The length of the request PDU that begins with `head`; 0: not known, or not yet. (Diagnostics
 * with more than one word of data end by silence.) */
static size_t request_size(struct span head)
{
    const struct shape *shape = NULL;
    uint8_t code = 0;
    uint8_t more = 0;

    if (!span_at(head, 0, &code)) {
        return 0;
    }
    shape = find_shape(code);
    if (shape == NULL ||
        (code == CODE_ENCAPSULATED && span_at(head, 1, &more) && more != MEI_IDENTIFICATION)) {
        return 0;
    }
    more = 0;
    if (shape->count_at > 0 && !span_at(head, shape->count_at, &more)) {
        return 0;
    }
    return (size_t)shape->len + more;
}

/* The same for what a slave says. An answer of diagnostics looks like its request. */
static size_t answer_size(struct span head)
{
    uint8_t code = 0;
    size_t len = 0;

    if (!span_at(head, 0, &code)) {
        return 0;
    }
    code = (uint8_t)(code & ~MODBUS_EXCEPTION_FLAG);
    /* Of the request the function alone decides. */
    return modbus_pdu_answer_size(span_of(&code, 1), head, &len) == MODBUS_SIZE_KNOWN ? len : 0;
}

/* A request where its length is one; else an answer where its length is one; else what nobody
 * knows, which our own unit refuses. */
static enum modbus_request_step judge_pdu(struct span pdu)
{
    if (request_size(pdu) != pdu.len && answer_size(pdu) == pdu.len) {
        return MODBUS_REQUEST_ANSWER;
    }
    return MODBUS_REQUEST_WHOLE;
}

void modbus_request_start(struct modbus_request_reader *r, enum modbus_wire wire)
{
    memset(r, 0, sizeof *r);
    r->wire = wire;
    r->step = MODBUS_REQUEST_MORE;
    switch (wire) {
    case MODBUS_WIRE_RTU:
        break;
    case MODBUS_WIRE_ASCII:
        modbus_ascii_line_start(&r->u.line);
        break;
    case MODBUS_WIRE_TCP:
        modbus_mbap_reader_start(&r->u.mbap);
        break;
    }
}

/* ---- RTU ---- */

static struct span rtu_frame(const struct modbus_request_reader *r)
{
    return span_of(r->u.frame, r->len);
}

/* Without unit and CRC, though the CRC may not be there yet. */
static struct span rtu_head(const struct modbus_request_reader *r)
{
    return span_after(rtu_frame(r), 1);
}

static struct span rtu_pdu(const struct modbus_request_reader *r)
{
    return span_first(rtu_head(r), r->len - AROUND_PDU);
}

static void rtu_take_byte(struct modbus_request_reader *r, uint8_t byte)
{
    if (r->is_skipping || r->len == sizeof r->u.frame) {
        r->dropped += r->len + 1;
        r->len = 0;
        r->is_skipping = true;
        return;
    }
    r->u.frame[r->len] = byte;
    r->len++;
    if (r->len < SHORTEST) {
        return;
    }
    size_t pdu = r->len - AROUND_PDU;
    bool is_end = pdu == request_size(rtu_head(r)) || pdu == answer_size(rtu_head(r));
    if (is_end && modbus_rtu_crc(rtu_frame(r)) == 0) {
        r->step = judge_pdu(rtu_pdu(r));
    }
}

static void rtu_take(struct modbus_request_reader *r, struct span *in)
{
    uint8_t byte = 0;

    while (r->step == MODBUS_REQUEST_MORE && span_take_u8(in, &byte)) {
        rtu_take_byte(r, byte);
    }
}

static void rtu_silence(struct modbus_request_reader *r)
{
    r->is_skipping = false;
    if (r->len >= SHORTEST && modbus_rtu_crc(rtu_frame(r)) == 0) {
        r->step = judge_pdu(rtu_pdu(r));
    } else {
        r->dropped += r->len;
        r->len = 0;
    }
}

/* ---- ASCII and TCP ---- */

static void ascii_take(struct modbus_request_reader *r, struct span *in)
{
    while (r->step == MODBUS_REQUEST_MORE && in->len > 0) {
        if (modbus_ascii_line_take(&r->u.line, in) == MODBUS_ASCII_FRAME) {
            r->step = judge_pdu(span_after(modbus_ascii_line_body(&r->u.line), 1));
        }
    }
}

static void tcp_take(struct modbus_request_reader *r, struct span *in)
{
    switch (modbus_mbap_reader_take(&r->u.mbap, in)) {
    case MODBUS_MBAP_MORE:
        break;
    case MODBUS_MBAP_WHOLE:
        r->step = MODBUS_REQUEST_WHOLE;
        break;
    case MODBUS_MBAP_BROKEN:
        r->step = MODBUS_REQUEST_BROKEN;
        break;
    }
}

/* ---- all ---- */

/* The last frame was taken. */
static void begin_frame(struct modbus_request_reader *r)
{
    if (r->step == MODBUS_REQUEST_WHOLE || r->step == MODBUS_REQUEST_ANSWER) {
        r->step = MODBUS_REQUEST_MORE;
        r->len = 0;
    }
}

enum modbus_request_step modbus_request_take(struct modbus_request_reader *r, struct span *in)
{
    begin_frame(r);
    switch (r->wire) {
    case MODBUS_WIRE_RTU:
        rtu_take(r, in);
        break;
    case MODBUS_WIRE_ASCII:
        ascii_take(r, in);
        break;
    case MODBUS_WIRE_TCP:
        tcp_take(r, in);
        break;
    }
    return r->step;
}

enum modbus_request_step modbus_request_silence(struct modbus_request_reader *r)
{
    begin_frame(r);
    switch (r->wire) {
    case MODBUS_WIRE_RTU:
        rtu_silence(r);
        break;
    case MODBUS_WIRE_ASCII:
        if (modbus_ascii_line_is_inside(&r->u.line)) {
            modbus_ascii_line_drop(&r->u.line);
        }
        break;
    case MODBUS_WIRE_TCP:
        break; /* a stream has no silence */
    }
    return r->step;
}

bool modbus_request_in_frame(const struct modbus_request_reader *r)
{
    switch (r->wire) {
    case MODBUS_WIRE_RTU:
        return r->step == MODBUS_REQUEST_MORE && (r->len > 0 || r->is_skipping);
    case MODBUS_WIRE_ASCII:
        return modbus_ascii_line_is_inside(&r->u.line);
    case MODBUS_WIRE_TCP:
        break;
    }
    return r->u.mbap.len > 0 && r->step == MODBUS_REQUEST_MORE;
}

struct modbus_mbap modbus_request_frame(const struct modbus_request_reader *r)
{
    struct modbus_mbap frame = {.pdu = span_of(NULL, 0)};
    struct span body;

    if (r->step != MODBUS_REQUEST_WHOLE && r->step != MODBUS_REQUEST_ANSWER) {
        return frame;
    }
    switch (r->wire) {
    case MODBUS_WIRE_RTU:
        frame.unit = r->u.frame[0];
        frame.pdu = rtu_pdu(r);
        break;
    case MODBUS_WIRE_ASCII:
        body = modbus_ascii_line_body(&r->u.line);
        (void)span_take_u8(&body, &frame.unit); /* a frame has one */
        frame.pdu = body;
        break;
    case MODBUS_WIRE_TCP:
        (void)modbus_mbap_parse(modbus_mbap_reader_adu(&r->u.mbap), &frame); /* cut by its rules */
        break;
    }
    return frame;
}

size_t modbus_request_dropped(const struct modbus_request_reader *r)
{
    return r->wire == MODBUS_WIRE_ASCII ? modbus_ascii_line_dropped(&r->u.line) : r->dropped;
}

bool modbus_wire_put(enum modbus_wire wire, struct room *to, const struct modbus_mbap *frame)
{
    switch (wire) {
    case MODBUS_WIRE_RTU:
        return modbus_rtu_put(to, frame->unit, frame->pdu);
    case MODBUS_WIRE_ASCII:
        return modbus_ascii_put(to, frame->unit, frame->pdu);
    case MODBUS_WIRE_TCP:
        break;
    }
    return modbus_mbap_put(to, frame);
}
