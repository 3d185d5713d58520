/*
 * Reading the configuration anew while the gateway runs.
 *
 * Floor 3. The files are read and the keys tried on a thread of libuv's pool, because that takes
 * time that other devices do not have; everything else is the loop's. One reload runs at a time.
 */
#ifndef WARDGATE_RELOAD_H
#define WARDGATE_RELOAD_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "conf/conf.h"
#include "gateway/control.h"
#include "gateway/gateway.h"

/* Embedded by its owner, in memory that starts zeroed. */
struct reload {
    /* private to reload.c */
    uv_work_t work;
    struct io *io;
    void (*on_done)(void *owner);
    void *owner;
    struct gateway *gateway;
    struct control_client *client; /* who waits for the answer, or NULL */
    const struct conf *before;     /* in force while the files are read; the gateway's */
    struct problems *problems;
    struct conf *next;
    bool is_running;
    bool again; /* a signal came meanwhile: the file may have changed again */
};

/* on_done is called after each reload, good or not, from the loop. */
void reload_init(struct reload *r, struct io *io, void (*on_done)(void *owner), void *owner);

/* Read the gateway's file anew and swap. client (may be NULL) gets the answer; every outcome is
 * logged. While one runs, another client is refused and a signal is remembered. The gateway must
 * live until on_done; when it was told to stop meanwhile, nothing is swapped (gateway_reload would
 * start what was just stopped), see reload_abandon. True when a reload began. */
bool reload_start(struct reload *r, struct gateway *gateway, struct control_client *client);

/* The gateway stops: what is being read will not be used. */
void reload_abandon(struct reload *r);

/* Tell a client (may be NULL) why there is no reload; it is logged, too. */
void reload_refuse(struct control_client *client, const char *why);

#endif
