/*
 * Listener: one listening TCP address. For devices (tcp-listen) it hands each connection on at
 * once, for hospitals it first reads the ClientHello, whose server name chooses the device.
 *
 * Floor 3, loop thread only. Owned by the gateway, which is asked whom a connection is for.
 */
#ifndef WARDGATE_LISTENER_H
#define WARDGATE_LISTENER_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"
#include "gateway/endpoint.h"
#include "gateway/io.h"

struct listener;

enum listener_answer {
    LISTENER_TAKEN,   /* taken over (endpoint_adopt) */
    LISTENER_REFUSED, /* not wanted: the listener closes it */
    LISTENER_UNKNOWN, /* the name is no device's: the peer gets the alert unrecognized_name */
};

/* A hospital's connection and what it said first. */
struct listener_hello {
    struct endpoint *ep;
    const char *name;  /* SNI in lower case, NULL when it sent none */
    struct span bytes; /* the ClientHello; borrowed */
};

struct listener_events {
    /* A device's connection. */
    enum listener_answer (*on_local)(void *owner, struct listener *l, struct endpoint *ep);
    /* A hospital's connection. */
    enum listener_answer (*on_hello)(void *owner, struct listener *l,
                                     const struct listener_hello *hello);
    /* Over, after listener_close; last call. */
    void (*on_closed)(void *owner, struct listener *l);
};

struct listener_settings {
    const struct conf_address *address; /* copied */
    bool secure;                        /* for hospitals */
    uint32_t hello_timeout_ms;
    const struct listener_events *events;
    void *owner;
};

/* Bind and listen. NULL with *f: FAULT_OPEN (in use, no right to, not ours), FAULT_CONFIG (not a
 * numeric address), FAULT_MEMORY. */
struct listener *listener_new(struct io *io, const struct listener_settings *settings,
                              struct fault *f);

/* Close it and every connection that is not handed on yet. on_closed follows from the loop. */
void listener_close(struct listener *l);

/* Only after on_closed. NULL is fine. */
void listener_free(struct listener *l);

bool listener_is_secure(const struct listener *l);
bool listener_is_at(const struct listener *l, const struct conf_address *address);

/* "ADDRESS:PORT" as configured. */
const char *listener_text(const struct listener *l);

#endif
