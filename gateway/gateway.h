/*
 * Gateway: the loop's owner. Devices, listeners, buses, handshake slots, reload and stop.
 *
 * Floor 3, loop thread only. main makes one; tests make one each.
 */
#ifndef WARDGATE_GATEWAY_H
#define WARDGATE_GATEWAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "gateway/io.h"
#include "gateway/snapshot.h"
#include "protocols/fault.h"

struct gateway;

/* Make from a loaded configuration, which the gateway then owns (also on failure it frees it).
 * io is borrowed and must outlive the gateway. Listeners are bound here: an address that cannot
 * be bound is FAULT_OPEN (exit 69). NULL with *f on failure. */
struct gateway *gateway_new(struct io *io, struct conf *conf, struct fault *f);

/* Begin: open ports, dial servers. */
void gateway_start(struct gateway *g);

/* Swap to another configuration: only devices whose section changed restart. Takes `next` over.
 * Returns 0, or a fault code with *f when a new listener cannot be bound: then nothing changed
 * (next is freed) and the old configuration goes on. */
int gateway_reload(struct gateway *g, struct conf *next, struct fault *f);

/* Drain and end: no new links, open ones get their drain_timeout; on_stopped(owner) once, from the
 * loop, when every handle of the gateway is closed. A second call ends at once without draining. */
void gateway_stop(struct gateway *g, void (*on_stopped)(void *owner), void *owner);

/* Only after on_stopped. */
void gateway_free(struct gateway *g);

/* The configuration in force; it lives until gateway_reload or gateway_free. Its [gateway]. */
const struct conf *gateway_conf(const struct gateway *g);
const struct conf_gateway *gateway_settings(const struct gateway *g);
/* What it knows of revocation, for a person's orders. Lives as long as the gateway. */
struct revocation *gateway_revocation(struct gateway *g);
uint64_t gateway_generation(const struct gateway *g);

/* Fill a snapshot with all but the devices, and begin a walk along these; a walk that somebody else
 * was on has ended. 0 or FAULT_MEMORY; the caller ends with snapshot_free, after a failure, too.
 * Borrowed strings live until the loop runs on. */
int gateway_snapshot(struct gateway *g, struct snapshot *out);

/* Go on with the walk: fill a snapshot with the next devices, at most `most` of them (1 or more),
 * and nothing else. None: that was all. The loop may run in between, and devices may begin and end:
 * each is shown once while gateway_walk_holds says so. Else as gateway_snapshot. */
int gateway_snapshot_devices(struct gateway *g, size_t most, struct snapshot *out);

/* False: since the walk began there was a reload, or a device that it had shown has ended, and
 * what comes may be its successor. To be told of one moment, begin again. */
bool gateway_walk_holds(const struct gateway *g);

#endif
