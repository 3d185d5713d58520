/*
 * Status as JSON, the part on Modbus: of a device, and of a master's link.
 *
 * Floor 3. Pure.
 */
#ifndef WARDGATE_STATUS_MODBUS_H
#define WARDGATE_STATUS_MODBUS_H

#include <jansson.h>
#include <stdbool.h>

#include "gateway/snapshot.h"

/* Adds side, requests and so on to a device that speaks Modbus; to others nothing. False: no
 * memory. */
bool status_modbus_set(json_t *device, const struct snapshot_device *d);

/* Adds roles, requests and so on to the link of a master; to others nothing. False: no memory. */
bool status_modbus_set_link(json_t *link, const struct snapshot_link *l);

#endif
