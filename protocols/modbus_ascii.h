/*
 * Modbus ASCII: lines of hex digits on a serial line, and the reader that waits for one answer.
 *
 * Floor 0, pure: no clock. A frame is ':', unit, PDU and LRC as upper-case hex digits, CR LF. Half
 * of a line can not hold a ':', so each one begins a new line, and what was before it is dropped.
 * The reader of answers has the verdicts of modbus_rtu.h; its "CRC" is an LRC here.
 */
#ifndef WARDGATE_MODBUS_ASCII_H
#define WARDGATE_MODBUS_ASCII_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocols/bytes.h"
#include "protocols/modbus_pdu.h"
#include "protocols/modbus_rtu.h"

enum {
    MODBUS_ASCII_BYTES_MAX = 1 + MODBUS_PDU_MAX + 1,       /* unit, PDU, LRC */
    MODBUS_ASCII_MAX = 1 + 2 * MODBUS_ASCII_BYTES_MAX + 2, /* characters of a line */
    MODBUS_ASCII_LEAST = 3,                                /* unit, function, LRC */
};

/* The LRC of these bytes (before they become hex digits): what makes their sum 0. */
uint8_t modbus_ascii_lrc(struct span bytes);

/* Append a whole line. False when it does not fit or the PDU's length (1..253) is wrong; the room
 * is then unchanged. */
bool modbus_ascii_put(struct room *to, uint8_t unit, struct span pdu);

enum modbus_ascii_step {
    MODBUS_ASCII_MORE,  /* the line is not whole yet; the input is used up */
    MODBUS_ASCII_FRAME, /* modbus_ascii_line_body is unit and PDU; the input may hold more */
    MODBUS_ASCII_BAD,   /* a line that is none, or whose LRC is wrong; the input may hold more */
};

/* Cuts characters into lines. */
struct modbus_ascii_line {
    /* private to modbus_ascii.c */
    enum modbus_ascii_step step;
    bool is_inside; /* a ':' came, and the line has not ended */
    bool is_ending; /* CR came */
    bool has_high;  /* half of a byte came */
    uint8_t high;
    size_t chars; /* of this line */
    size_t len;   /* bytes of it */
    size_t dropped;
    uint8_t bytes[MODBUS_ASCII_BYTES_MAX];
};

/* Start outside of a line; forgets everything. */
void modbus_ascii_line_start(struct modbus_ascii_line *l);

/* Take characters off the front of `in` up to the end of one line. The cuts of the input do not
 * matter. */
enum modbus_ascii_step modbus_ascii_line_take(struct modbus_ascii_line *l, struct span *in);

/* The line broke off: forget what there is of it. */
void modbus_ascii_line_drop(struct modbus_ascii_line *l);

/* Has a line begun that has not ended? */
bool modbus_ascii_line_is_inside(const struct modbus_ascii_line *l);

/* Unit and PDU after FRAME, without the LRC. After BAD and inside a line: its bytes so far, for
 * whom they were meant. Valid until the next take. */
struct span modbus_ascii_line_body(const struct modbus_ascii_line *l);

/* Characters since the start that were in no whole line. */
size_t modbus_ascii_line_dropped(const struct modbus_ascii_line *l);

/* Waits for the answer of one unit to one request: as modbus_rtu_reader, function by function. */
struct modbus_ascii_reader {
    /* private to modbus_ascii.c */
    struct modbus_ascii_line line;
    struct span request;
    enum modbus_rtu_verdict verdict;
    uint8_t unit;
    size_t dropped; /* whole lines of others, and what came behind the answer */
};

void modbus_ascii_reader_start(struct modbus_ascii_reader *r, uint8_t unit, struct span request);

/* Drop what there is of a line: the next ':' begins a new one anyway. */
void modbus_ascii_reader_skip(struct modbus_ascii_reader *r);
enum modbus_rtu_verdict modbus_ascii_reader_feed(struct modbus_ascii_reader *r, struct span in);

/* Too long a pause between two characters: a line of our unit is SHORT, another one is dropped. */
enum modbus_rtu_verdict modbus_ascii_reader_silence(struct modbus_ascii_reader *r);
bool modbus_ascii_reader_in_frame(const struct modbus_ascii_reader *r);
size_t modbus_ascii_reader_dropped(const struct modbus_ascii_reader *r);
bool modbus_ascii_reader_is_echo(const struct modbus_ascii_reader *r);
uint8_t modbus_ascii_reader_function(const struct modbus_ascii_reader *r);
struct span modbus_ascii_reader_pdu(const struct modbus_ascii_reader *r);

#endif
