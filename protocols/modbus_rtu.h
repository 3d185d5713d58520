/*
 * Modbus RTU: frames on a serial line, and the reader that waits for one answer.
 *
 * Floor 0, pure: no clock. The owner tells the reader what came in and when the line was silent.
 * A frame ends by its length, never by silence: a user-space process sees bytes too late to police
 * gaps of a millisecond. Silence only ends what cannot be an answer.
 */
#ifndef WARDGATE_MODBUS_RTU_H
#define WARDGATE_MODBUS_RTU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocols/bytes.h"
#include "protocols/modbus_pdu.h"

enum {
    MODBUS_RTU_MAX = 256,      /* unit, PDU, CRC */
    MODBUS_RTU_UNIT_FIRST = 1, /* 0 is broadcast: nobody answers */
    MODBUS_RTU_UNIT_LAST = 247,
};

/* CRC-16/MODBUS. On the wire its low byte goes first. */
uint16_t modbus_rtu_crc(struct span bytes);

/* Append unit, PDU (1..253 bytes) and CRC. False when it does not fit or the PDU's length is
 * wrong; the room is then unchanged. */
bool modbus_rtu_put(struct room *to, uint8_t unit, struct span pdu);

/* The silence that separates frames (t3.5), in microseconds, at `rate` bits per second (1..). */
uint32_t modbus_rtu_silence_us(uint32_t rate);

/* How long `len` bytes take on the line, in microseconds, rounded up. char_bits: with start,
 * parity and stop bits, 7..12. */
uint64_t modbus_rtu_line_us(uint32_t rate, uint8_t char_bits, size_t len);

enum modbus_rtu_verdict {
    MODBUS_RTU_MORE,     /* nothing decided yet */
    MODBUS_RTU_ANSWER,   /* modbus_rtu_reader_pdu is the answer */
    MODBUS_RTU_CRC,      /* a whole frame of our unit with a wrong CRC */
    MODBUS_RTU_MISMATCH, /* our unit, but no answer to this request */
    MODBUS_RTU_SHORT,    /* our unit's frame broke off */
};

/* Waits for the answer of one unit to one request. */
struct modbus_rtu_reader {
    /* private to modbus_rtu.c */
    struct span request;
    enum modbus_rtu_verdict verdict;
    uint8_t unit;
    bool skipping;  /* until silence: another unit's frame, or a broken one */
    size_t len;     /* bytes in frame */
    size_t want;    /* length of the whole frame; 0: not known yet */
    size_t dropped; /* bytes that belonged to no answer */
    uint8_t frame[MODBUS_RTU_MAX];
};

/* Start to wait. `request` is a PDU that passed modbus_pdu_check, borrowed while the reader is
 * used. Everything from before is forgotten. */
void modbus_rtu_reader_start(struct modbus_rtu_reader *r, uint8_t unit, struct span request);

/* Drop what comes until the next silence: the line is in the middle of something. */
void modbus_rtu_reader_skip(struct modbus_rtu_reader *r);

/* Bytes came. The verdict is the same however they were cut. Once it is not MORE it stays, and
 * further bytes are dropped. */
enum modbus_rtu_verdict modbus_rtu_reader_feed(struct modbus_rtu_reader *r, struct span in);

/* The line was silent: a frame of our unit that had begun is SHORT; skipping ends. */
enum modbus_rtu_verdict modbus_rtu_reader_silence(struct modbus_rtu_reader *r);

/* A frame of our unit has begun and is not decided. */
bool modbus_rtu_reader_in_frame(const struct modbus_rtu_reader *r);

/* Bytes are dropped until the next silence. */
bool modbus_rtu_reader_is_skipping(const struct modbus_rtu_reader *r);

/* Bytes dropped since the start: other units' frames, and what came behind the answer. */
size_t modbus_rtu_reader_dropped(const struct modbus_rtu_reader *r);

/* Did our own request come back? Some two-wire adapters hear themselves. Told of reads only: the
 * answer to a write may look like its request. */
bool modbus_rtu_reader_is_echo(const struct modbus_rtu_reader *r);

/* The function code (without the exception's bit) of the frame that was read so far; 0: none. */
uint8_t modbus_rtu_reader_function(const struct modbus_rtu_reader *r);

/* The answer's PDU after ANSWER, else empty. Valid until the next start. */
struct span modbus_rtu_reader_pdu(const struct modbus_rtu_reader *r);

#endif
