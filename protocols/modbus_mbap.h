/*
 * Modbus over TCP: the MBAP header around a PDU, and the reader of a device's answers.
 *
 * Floor 0, pure. ADU = transaction (2), protocol 0 (2), length of unit and PDU (2), unit (1), PDU.
 */
#ifndef WARDGATE_MODBUS_MBAP_H
#define WARDGATE_MODBUS_MBAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocols/bytes.h"
#include "protocols/modbus_pdu.h"

enum {
    MODBUS_MBAP_HEADER = 7, /* with the unit */
    MODBUS_MBAP_MAX = MODBUS_MBAP_HEADER + MODBUS_PDU_MAX,
};

struct modbus_mbap {
    uint16_t transaction;
    uint8_t unit;
    struct span pdu; /* borrowed from the ADU, 1..253 bytes */
};

/* Take one whole ADU apart. False when the protocol is not 0, or the length field or the PDU's
 * length is wrong; *out is then unchanged. */
bool modbus_mbap_parse(struct span adu, struct modbus_mbap *out);

/* Append an ADU. False when it does not fit or the PDU's length is wrong; the room is then
 * unchanged. */
bool modbus_mbap_put(struct room *to, const struct modbus_mbap *adu);

/* Append the exception answer to `request`. False when it does not fit. */
bool modbus_mbap_put_exception(struct room *to, const struct modbus_mbap *request,
                               enum modbus_exception code);

enum modbus_mbap_step {
    MODBUS_MBAP_MORE,   /* the ADU is not whole yet; the input is used up */
    MODBUS_MBAP_WHOLE,  /* modbus_mbap_reader_adu is an ADU; the input may hold more */
    MODBUS_MBAP_BROKEN, /* the stream can not be followed any more: close it */
};

/* Cuts a stream into ADUs. */
struct modbus_mbap_reader {
    /* private to modbus_mbap.c */
    size_t len;
    enum modbus_mbap_step step;
    uint8_t adu[MODBUS_MBAP_MAX];
};

/* Start at the beginning of a stream. */
void modbus_mbap_reader_start(struct modbus_mbap_reader *r);

/* Take bytes off the front of `in` up to the end of one ADU. BROKEN stays until the next start. */
enum modbus_mbap_step modbus_mbap_reader_take(struct modbus_mbap_reader *r, struct span *in);

/* The ADU after WHOLE, else empty. Valid until the next take. */
struct span modbus_mbap_reader_adu(const struct modbus_mbap_reader *r);

enum modbus_mbap_verdict {
    MODBUS_MBAP_ANSWER,   /* the answer to the request */
    MODBUS_MBAP_OTHER,    /* another transaction's: late, or never asked for */
    MODBUS_MBAP_MISMATCH, /* our transaction, but no answer to this request */
};

/* Compare one whole ADU of a device with the request that is open (its PDU passed
 * modbus_pdu_check). */
enum modbus_mbap_verdict modbus_mbap_judge(const struct modbus_mbap *request, struct span adu);

#endif
