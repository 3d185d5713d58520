/*
 * Status for people, the part on Modbus: the notes below a device.
 *
 * Floor 3. Pure but for the stream. All from the JSON of `status`; what is missing there (an older
 * gateway) is left out.
 */
#ifndef WARDGATE_TABLE_MODBUS_H
#define WARDGATE_TABLE_MODBUS_H

#include <jansson.h>

#include "gateway/pen.h"

/* Of one device: its masters with their roles, where roles count; what a device that is a master
 * asked; requests that were refused; writes of which nobody knows; who alone may write. */
void table_modbus_device(const struct pen *pen, const json_t *device);

#endif
