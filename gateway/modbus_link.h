/*
 * Modbus link: what a session has in place of flows when the device speaks Modbus, one MBAP ADU per
 * TLS record. When the device is on a bus, the hospital is the master: its ADUs become requests of
 * the bus. When the device is a master (master.h), its requests go out here and the hospital's ADUs
 * are the answers. Either way the session sees the same few functions.
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
#include "gateway/master.h"

struct modbus_link;

struct modbus_link_owner {
    struct flow_counters *up, *down; /* the device's, borrowed */
    /* The last pending answer was written, or given up; may be NULL. Not from inside a feed when
     * the device is the master. */
    void (*on_idle)(void *self);
    void *self;
    struct span cert; /* the master's certificate, for its roles; copied */
    bool is_client;   /* the master dialled: its certificate may say a role */
    void (*on_denied)(void *self, const struct bus_denial *denial); /* see bus.h; may be NULL */
};

/* `secure` is borrowed, `owner` is copied. NULL: no memory. */
struct modbus_link *modbus_link_new(struct bus_device *bus, struct endpoint *secure,
                                    const struct modbus_link_owner *owner);

/* The same for a device that is a master; it has no other link. */
struct modbus_link *modbus_link_of_master(struct master *master, struct endpoint *secure,
                                          const struct modbus_link_owner *owner);

/* The link is over. What its master asked and was not sent is dropped; what a device that is a
 * master asked is answered with 0B. NULL is fine. */
void modbus_link_free(struct modbus_link *m);

/* Bytes from the hospital. 0, or FAULT_FRAME with *f: not Modbus/TCP, close the link. */
int modbus_link_feed(struct modbus_link *m, struct span data, struct fault *f);

/* Who the master is, when it is the hospital: see bus_client_set_peer. */
void modbus_link_set_peer(struct modbus_link *m, const char *name, const char *key);

/* What status shows of a master. False: the link goes to a server, and *out is unchanged. */
bool modbus_link_look(const struct modbus_link *m, struct bus_look *out);

/* Told to stop: begin nothing new. True: answers of the hospital are waited for, so read on. */
bool modbus_link_drain(struct modbus_link *m);

/* May writes pass, as far as the verdict on the hospital's certificate goes? At first yes. */
void modbus_link_allow_writes(struct modbus_link *m, bool allowed);

/* Requests whose answers are still to come. */
size_t modbus_link_pending(const struct modbus_link *m);

/* This link's own counters: requests and answers. */
void modbus_link_counters(const struct modbus_link *m, struct flow_counters *up,
                          struct flow_counters *down);

#endif
