/*
 * The other end of Modbus: what a device that is a master sends, on a serial line (RTU, ASCII) or
 * over TCP, cut into requests.
 *
 * Floor 0, pure: no clock. A line may be shared with slaves that are not ours, so their answers
 * come by too: they have the functions of requests and other lengths. A frame of RTU ends where the
 * length of a request with this function says so, or that of an answer, and the CRC agrees; else at
 * the next silence, if the CRC agrees there.
 */
#ifndef WARDGATE_MODBUS_REQUEST_H
#define WARDGATE_MODBUS_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocols/bytes.h"
#include "protocols/modbus_ascii.h"
#include "protocols/modbus_mbap.h"
#include "protocols/modbus_rtu.h"

enum modbus_wire { MODBUS_WIRE_RTU, MODBUS_WIRE_ASCII, MODBUS_WIRE_TCP };

enum modbus_request_step {
    MODBUS_REQUEST_MORE,   /* the frame is not whole yet; the input is used up */
    MODBUS_REQUEST_WHOLE,  /* modbus_request_frame is a request; the input may hold more */
    MODBUS_REQUEST_ANSWER, /* it is what only a slave says; the input may hold more */
    MODBUS_REQUEST_BROKEN, /* TCP: the stream can not be followed any more, close it */
};

struct modbus_request_reader {
    /* private to modbus_request.c */
    enum modbus_wire wire;
    enum modbus_request_step step;
    bool is_skipping; /* RTU: longer than any frame, until the next silence */
    size_t len;       /* RTU: bytes in frame */
    size_t dropped;

    union {
        uint8_t frame[MODBUS_RTU_MAX];
        struct modbus_ascii_line line;
        struct modbus_mbap_reader mbap;
    } u;
};

/* Start where a frame may begin. */
void modbus_request_start(struct modbus_request_reader *r, enum modbus_wire wire);

/* Take bytes off the front of `in` up to the end of one frame. Cuts of the input do not matter. */
enum modbus_request_step modbus_request_take(struct modbus_request_reader *r, struct span *in);

/* Serial: nothing came for so long that a frame must have ended. WHOLE: it did, with a right CRC;
 * else what there was is dropped: MORE. */
enum modbus_request_step modbus_request_silence(struct modbus_request_reader *r);

/* Has a frame begun that has not ended? */
bool modbus_request_in_frame(const struct modbus_request_reader *r);

/* Unit and PDU (1.. bytes, of any content) after WHOLE and ANSWER; the transaction is 0 but with
 * TCP. Else the PDU is empty. Valid until the next take. */
struct modbus_mbap modbus_request_frame(const struct modbus_request_reader *r);

/* Serial: bytes since the start that were in no whole frame. */
size_t modbus_request_dropped(const struct modbus_request_reader *r);

/* Append a frame as it goes over this wire. False when it does not fit or the PDU's length is
 * wrong; the room is then unchanged. */
bool modbus_wire_put(enum modbus_wire wire, struct room *to, const struct modbus_mbap *frame);

#endif
