#include "protocols/modbus_ascii.h"

#include <string.h>

enum {
    LINE_START = ':',
    LINE_CR = '\r',
    LINE_LF = '\n',
    FRAME_CHARS = 3, /* ':', CR and LF */
};

uint8_t modbus_ascii_lrc(struct span bytes)
{
    uint8_t sum = 0;
    uint8_t byte = 0;

    while (span_take_u8(&bytes, &byte)) {
        sum = (uint8_t)(sum + byte);
    }
    return (uint8_t)(0x100 - sum);
}

static void put_hex(struct room *to, uint8_t byte)
{
    static const char digits[] = "0123456789ABCDEF";

    (void)room_put_u8(to, (uint8_t)digits[byte >> 4]); /* the caller has checked the length */
    (void)room_put_u8(to, (uint8_t)digits[byte & 0x0F]);
}

bool modbus_ascii_put(struct room *to, uint8_t unit, struct span pdu)
{
    uint8_t byte = 0;
    uint8_t sum = unit;

    if (pdu.len < 1 || pdu.len > MODBUS_PDU_MAX ||
        room_left(to) < 2 * (pdu.len + 2) + FRAME_CHARS) {
        return false;
    }
    (void)room_put_u8(to, LINE_START); /* none of these can fail: the length was checked */
    put_hex(to, unit);
    while (span_take_u8(&pdu, &byte)) {
        put_hex(to, byte);
        sum = (uint8_t)(sum + byte);
    }
    put_hex(to, (uint8_t)(0x100 - sum));
    (void)room_put_u8(to, LINE_CR);
    (void)room_put_u8(to, LINE_LF);
    return true;
}

/* ---- lines ---- */

void modbus_ascii_line_start(struct modbus_ascii_line *l)
{
    memset(l, 0, sizeof *l);
    l->step = MODBUS_ASCII_MORE;
}

void modbus_ascii_line_drop(struct modbus_ascii_line *l)
{
    l->dropped += l->chars;
    l->chars = 0;
    l->len = 0;
    l->is_inside = false;
    l->is_ending = false;
    l->has_high = false;
    l->step = MODBUS_ASCII_MORE;
}

/* What is in it can not become a frame. Its bytes stay, to tell whose it was. */
static void break_line(struct modbus_ascii_line *l)
{
    size_t len = l->len;

    modbus_ascii_line_drop(l);
    l->len = len;
    l->step = MODBUS_ASCII_BAD;
}

/* Only upper case (Serial Line V1.02, 2.5.2.1): what we accept is what we would write. */
static bool read_digit(uint8_t c, uint8_t *value)
{
    if (c >= '0' && c <= '9') {
        *value = (uint8_t)(c - '0');
        return true;
    }
    if (c >= 'A' && c <= 'F') {
        *value = (uint8_t)(c - 'A' + 10);
        return true;
    }
    return false;
}

/* LF: the line is there. The sum over unit, PDU and LRC is 0. */
static void end_line(struct modbus_ascii_line *l)
{
    if (l->len < MODBUS_ASCII_LEAST || modbus_ascii_lrc(span_of(l->bytes, l->len)) != 0) {
        break_line(l);
        return;
    }
    l->is_inside = false;
    l->is_ending = false;
    l->step = MODBUS_ASCII_FRAME;
}

static void take_digit(struct modbus_ascii_line *l, uint8_t value)
{
    if (!l->has_high) {
        l->high = value;
        l->has_high = true;
    } else if (l->len < sizeof l->bytes) {
        l->bytes[l->len] = (uint8_t)(l->high << 4 | value);
        l->len++;
        l->has_high = false;
    } else {
        break_line(l); /* longer than any frame */
    }
}

/* One more character behind ':'. */
static void take_char(struct modbus_ascii_line *l, uint8_t c)
{
    uint8_t value = 0;

    l->chars++;
    if (l->is_ending && c == LINE_LF) {
        end_line(l);
    } else if (!l->is_ending && !l->has_high && c == LINE_CR) {
        l->is_ending = true;
    } else if (!l->is_ending && read_digit(c, &value)) {
        take_digit(l, value);
    } else {
        break_line(l);
    }
}

enum modbus_ascii_step modbus_ascii_line_take(struct modbus_ascii_line *l, struct span *in)
{
    uint8_t c = 0;

    if (l->step != MODBUS_ASCII_MORE) {
        l->chars = 0; /* they were in a whole line, or are counted */
        modbus_ascii_line_drop(l);
    }
    while (l->step == MODBUS_ASCII_MORE && span_take_u8(in, &c)) {
        if (c == LINE_START) {
            modbus_ascii_line_drop(l);
            l->is_inside = true;
            l->chars = 1;
        } else if (l->is_inside) {
            take_char(l, c);
        } else {
            l->dropped++;
        }
    }
    return l->step;
}

bool modbus_ascii_line_is_inside(const struct modbus_ascii_line *l)
{
    return l->is_inside;
}

struct span modbus_ascii_line_body(const struct modbus_ascii_line *l)
{
    return span_of(l->bytes, l->step == MODBUS_ASCII_FRAME ? l->len - 1 : l->len);
}

size_t modbus_ascii_line_dropped(const struct modbus_ascii_line *l)
{
    return l->dropped;
}

/* ---- the reader of answers ---- */

void modbus_ascii_reader_start(struct modbus_ascii_reader *r, uint8_t unit, struct span request)
{
    modbus_ascii_line_start(&r->line);
    r->request = request;
    r->verdict = MODBUS_RTU_MORE;
    r->unit = unit;
    r->dropped = 0;
}

void modbus_ascii_reader_skip(struct modbus_ascii_reader *r)
{
    modbus_ascii_line_drop(&r->line);
}

/* Is the line there, or what there is of it, one of our unit? */
static bool is_ours(const struct modbus_ascii_reader *r)
{
    uint8_t unit = 0;

    return span_at(modbus_ascii_line_body(&r->line), 0, &unit) && unit == r->unit;
}

static struct span reader_body(const struct modbus_ascii_reader *r)
{
    return span_after(modbus_ascii_line_body(&r->line), 1);
}

/* A whole line came. */
static void judge_line(struct modbus_ascii_reader *r)
{
    if (!is_ours(r)) {
        r->dropped += r->line.chars;
    } else if (modbus_pdu_matches(r->request, reader_body(r))) {
        r->verdict = MODBUS_RTU_ANSWER;
    } else {
        r->verdict = MODBUS_RTU_MISMATCH;
    }
}

enum modbus_rtu_verdict modbus_ascii_reader_feed(struct modbus_ascii_reader *r, struct span in)
{
    while (r->verdict == MODBUS_RTU_MORE && in.len > 0) {
        switch (modbus_ascii_line_take(&r->line, &in)) {
        case MODBUS_ASCII_MORE:
            break;
        case MODBUS_ASCII_FRAME:
            judge_line(r);
            break;
        case MODBUS_ASCII_BAD:
            r->verdict = is_ours(r) ? MODBUS_RTU_CRC : MODBUS_RTU_MORE;
            break;
        }
    }
    r->dropped += in.len;
    return r->verdict;
}

enum modbus_rtu_verdict modbus_ascii_reader_silence(struct modbus_ascii_reader *r)
{
    if (modbus_ascii_reader_in_frame(r)) {
        r->verdict = is_ours(r) ? MODBUS_RTU_SHORT : MODBUS_RTU_MORE;
        modbus_ascii_line_drop(&r->line);
    }
    return r->verdict;
}

bool modbus_ascii_reader_in_frame(const struct modbus_ascii_reader *r)
{
    return r->verdict == MODBUS_RTU_MORE && modbus_ascii_line_is_inside(&r->line);
}

size_t modbus_ascii_reader_dropped(const struct modbus_ascii_reader *r)
{
    return r->dropped + modbus_ascii_line_dropped(&r->line);
}

bool modbus_ascii_reader_is_echo(const struct modbus_ascii_reader *r)
{
    return r->verdict == MODBUS_RTU_MISMATCH && !modbus_pdu_is_write(r->request) &&
           span_equal(reader_body(r), r->request);
}

uint8_t modbus_ascii_reader_function(const struct modbus_ascii_reader *r)
{
    uint8_t code = 0;

    return span_at(reader_body(r), 0, &code) ? code & (uint8_t)~MODBUS_EXCEPTION_FLAG : 0;
}

struct span modbus_ascii_reader_pdu(const struct modbus_ascii_reader *r)
{
    return r->verdict == MODBUS_RTU_ANSWER ? reader_body(r) : span_of(NULL, 0);
}
