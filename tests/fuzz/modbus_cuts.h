/*
 * What the fuzz targets of the Modbus codec share: a condition that must hold, and random cuts.
 */
#ifndef WARDGATE_MODBUS_CUTS_H
#define WARDGATE_MODBUS_CUTS_H

#include <stdlib.h>

#include "protocols/bytes.h"

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* The next 1..11 bytes, the same on every machine; takes them off. */
static struct span take_cut(struct span *from, uint32_t *seed)
{
    struct span piece;

    *seed = *seed * 1103515245U + 12345U;
    piece = span_first(*from, 1 + (*seed >> 16) % 11);
    *from = span_after(*from, piece.len);
    return piece;
}

#endif
