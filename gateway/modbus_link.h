/*
 * Modbus link: what a session has in place of flows when the device is on a bus: the hospital is
 * the master, its MBAP ADUs become bus requests, the answers go back one ADU per TLS record.
 *
 * Floor 3, loop thread only; owned by a session while it is UP.
 */
#ifndef WARDGATE_MODBUS_LINK_H
#define WARDGATE_MODBUS_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include "gateway/bus.h"
#include "gateway/endpoint.h"
#include "gateway/flow.h"

struct modbus_link;

struct modbus_link_owner {
    struct flow_counters *up, *down; /* the device's, borrowed */
    void (*on_idle)(void *self);     /* the last pending answer was written; may be NULL */
    void *self;
};

/* `secure` is borrowed, `owner` is copied. NULL: no memory. */
struct modbus_link *modbus_link_new(struct bus_device *bus, struct endpoint *secure,
                                    const struct modbus_link_owner *owner);

/* The master is gone; what it asked and was not sent is dropped. NULL is fine. */
void modbus_link_free(struct modbus_link *m);

/* Bytes from the master. 0, or FAULT_FRAME with *f: not Modbus/TCP, close the link. */
int modbus_link_feed(struct modbus_link *m, struct span data, struct fault *f);

/* May the master write, as far as its certificate's verdict goes? At first yes. */
void modbus_link_allow_writes(struct modbus_link *m, bool allowed);

/* Requests whose answers are still to come. */
size_t modbus_link_pending(const struct modbus_link *m);

/* This link's own counters: requests (down) and answers (up). */
void modbus_link_counters(const struct modbus_link *m, struct flow_counters *up,
                          struct flow_counters *down);

#endif
