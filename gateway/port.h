/*
 * Port: keeps a device's side there. Opens a serial port or dials a TCP device, and does so again
 * after it went away.
 *
 * Floor 3, loop thread only. Owned by a device or by a bus. (A device that dials the gateway has
 * no port: its connections come from a listener.)
 *
 * A serial node that vanished is closed at once, so that its name comes back, and looked for every
 * second. A TCP device is dialled again after a back-off of 0.5 to 5 s with jitter.
 */
#ifndef WARDGATE_PORT_H
#define WARDGATE_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "gateway/endpoint.h"

struct port;

/* Called from the loop. Any may be NULL except on_closed. */
struct port_events {
    void (*on_up)(void *owner); /* the endpoint is there; reading is off */
    void (*on_data)(void *owner, struct span data);
    void (*on_eof)(void *owner); /* TCP: the device sends no more */
    void (*on_drained)(void *owner);
    void (*on_down)(void *owner, const struct fault *f); /* was up, is gone; or (the first time in a
                                                            row) could not be opened */
    void (*on_closed)(void *owner);                      /* after port_close; last call */
};

struct port_settings {
    const struct conf_port *port; /* borrowed while the port lives; serial or tcp */
    const struct conf_line *line; /* borrowed while the port lives */
    uint32_t dial_timeout_ms;
};

/* Make; nothing happens before port_start. NULL: out of memory. */
struct port *port_new(struct io *io, const struct port_settings *settings,
                      const struct port_events *events, void *owner);

/* Open now (from the loop's next turn on). Idempotent. */
void port_start(struct port *p);

/* The endpoint while the port is up, else NULL. Use endpoint_write, endpoint_read_start … on it;
 * do not close it. */
struct endpoint *port_endpoint(struct port *p);

/* Close the endpoint and open it anew (a TCP device whose link ended). on_down is not called;
 * on_up comes again. `at_once` false: wait for the back-off first. */
void port_reset(struct port *p, bool at_once);

/* End for good: on_closed follows from the loop. Idempotent. */
void port_close(struct port *p);

/* Only after on_closed. NULL is fine. */
void port_free(struct port *p);

/* Serial only: line errors since port_new, over all the times it was open. */
uint64_t port_line_errors(const struct port *p);

/* Why it is down (code NONE while up or before the first try). */
const struct fault *port_fault(const struct port *p);

#endif
