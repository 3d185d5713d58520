/*
 * Keys, inside: the table is too long for one file. Only for keys.c and keys_device.c.
 *
 * Floor 2, frozen data.
 */
#ifndef WARDGATE_KEYS_INSIDE_H
#define WARDGATE_KEYS_INSIDE_H

#include "conf/keys.h"

/* The first key of [device NAME]; all that follow are such keys. */
enum { KEYS_DEVICE_FIRST = KEYS_DESCRIPTION };

/* The rows from KEYS_DEVICE_FIRST on. */
extern const struct keys_row keys_device_rows[KEYS_COUNT - KEYS_DEVICE_FIRST];

#endif
