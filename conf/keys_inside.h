/*
 * Keys, inside: the table is too long for one file. Only for keys.c, keys_role.c and
 * keys_device.c.
 *
 * Floor 2, frozen data.
 */
#ifndef WARDGATE_KEYS_INSIDE_H
#define WARDGATE_KEYS_INSIDE_H

#include "conf/keys.h"

/* The first keys of [role NAME] and [device NAME]; all that follow are of that section, or of the
 * next one. */
enum { KEYS_ROLE_FIRST = KEYS_MATCH, KEYS_DEVICE_FIRST = KEYS_DESCRIPTION };

/* The rows from KEYS_ROLE_FIRST on. */
extern const struct keys_row keys_role_rows[KEYS_DEVICE_FIRST - KEYS_ROLE_FIRST];

/* The rows from KEYS_DEVICE_FIRST on. */
extern const struct keys_row keys_device_rows[KEYS_COUNT - KEYS_DEVICE_FIRST];

#endif
