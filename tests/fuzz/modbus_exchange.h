/*
 * The input of fuzz targets about a request and what a serial line brings back: 1 byte that seeds
 * the cuts, 1 byte flags (1: put the right CRC at the end of the line's bytes), 1 byte length of
 * the request, the request's unit and PDU, and then the line.
 */
#ifndef WARDGATE_MODBUS_EXCHANGE_H
#define WARDGATE_MODBUS_EXCHANGE_H

#include <string.h>

#include "protocols/modbus_rtu.h"
#include "tests/fuzz/modbus_cuts.h"

enum { LINE_LEAST = 2, LINE_MOST = 600 };

struct modbus_exchange {
    uint32_t seed;
    struct span request; /* unit and PDU; sound */
    struct span line;    /* LINE_LEAST bytes or more; empty: there are too few, or too many */
    uint8_t memory[LINE_MOST];
};

/* False: there is no sound request. */
static bool take_exchange(struct modbus_exchange *x, struct span in)
{
    uint8_t seed = 0, flags = 0, len = 0;

    if (!span_take_u8(&in, &seed) || !span_take_u8(&in, &flags) || !span_take_u8(&in, &len) ||
        !span_take(&in, len, &x->request) ||
        modbus_pdu_check(span_after(x->request, 1)) != MODBUS_FINE) {
        return false;
    }
    x->seed = seed;
    x->line = span_of(x->memory, 0);
    if (in.len < LINE_LEAST || in.len > sizeof x->memory) {
        return true;
    }
    memcpy(x->memory, in.data, in.len);
    if ((flags & 1) != 0) {
        uint16_t crc = modbus_rtu_crc(span_of(x->memory, in.len - 2));

        x->memory[in.len - 2] = (uint8_t)(crc & 0xFF);
        x->memory[in.len - 1] = (uint8_t)(crc >> 8);
    }
    x->line = span_of(x->memory, in.len);
    return true;
}

#endif
