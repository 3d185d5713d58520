/*
 * Modbus PDUs: is a request sound, does it write, how long is its answer, does an answer match?
 *
 * Floor 0, pure. A PDU is the function code and its data (1..253 bytes), the part that is the same
 * on a serial line and over TCP. Knows every public function code of MODBUS Application Protocol
 * V1.1b3; user-defined codes and CANopen (2B/0D) are unknown on purpose, because nobody can say
 * how long their answers are.
 */
#ifndef WARDGATE_MODBUS_PDU_H
#define WARDGATE_MODBUS_PDU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocols/bytes.h"

enum {
    MODBUS_PDU_MAX = 253,
    MODBUS_EXCEPTION_FLAG = 0x80, /* set in the function code of an exception answer */
};

/* Exception codes that the gateway itself answers with, and 0 for none. */
enum modbus_exception {
    MODBUS_FINE = 0x00,
    MODBUS_ILLEGAL_FUNCTION = 0x01, /* unknown function, or a write that is not allowed */
    MODBUS_ILLEGAL_VALUE = 0x03,    /* malformed request */
    MODBUS_BUSY = 0x06,             /* not sent: queue full, or its deadline passed */
    MODBUS_NO_PATH = 0x0A,          /* not sent: port closed, or unit not mapped */
    MODBUS_NO_ANSWER = 0x0B,        /* sent, and no valid answer came */
};

/* Is `pdu` a request that may go to a device? MODBUS_FINE; ILLEGAL_FUNCTION when the function or
 * sub-function is unknown; ILLEGAL_VALUE when a length, a count, a byte count, a range or a fixed
 * value is wrong (also where the answer would not fit into a PDU). */
enum modbus_exception modbus_pdu_check(struct span pdu);

/* Could this request change something in the device? True for all that is not surely a read,
 * so also for unknown functions and an empty PDU. */
bool modbus_pdu_is_write(struct span pdu);

/* Does this answer to a write leave open whether it was done? Exception 05 (acknowledge: the device
 * is still at it) and 0B (a gateway behind us heard nothing from the device). Modbus Application
 * Protocol, 7. */
bool modbus_pdu_leaves_open(struct span answer);

enum modbus_size {
    MODBUS_SIZE_KNOWN, /* *len is the length of the whole answer PDU */
    MODBUS_SIZE_MORE,  /* more bytes are needed to tell */
    MODBUS_SIZE_BAD,   /* no answer to this request begins like that */
};

/* How long is the answer PDU that begins with `head` (0 bytes or more, perhaps all of it)?
 * `request` must have passed modbus_pdu_check. *len (1..253) is written only with KNOWN. Once
 * KNOWN or BAD, more bytes of the same answer never change the result. */
enum modbus_size modbus_pdu_answer_size(struct span request, struct span head, size_t *len);

/* Is `answer` (a whole PDU) an answer to `request` (which passed modbus_pdu_check)? True for an
 * exception of the same function, and for a normal answer whose function, length, byte counts and
 * echoed fields are what the request asked for. */
bool modbus_pdu_matches(struct span request, struct span answer);

#endif
