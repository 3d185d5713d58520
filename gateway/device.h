/*
 * Device: one [device] section at work: its port or its place on a bus, and its links.
 *
 * Floor 3, loop thread only. Owned by the gateway. It decides when its sessions dial, to which
 * session the port is lent, and whom it turns away.
 */
#ifndef WARDGATE_DEVICE_H
#define WARDGATE_DEVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"
#include "gateway/bus.h"
#include "gateway/endpoint.h"
#include "gateway/gate.h"
#include "gateway/io.h"
#include "gateway/revocation.h"
#include "gateway/snapshot.h"

struct device;

struct device_settings {
    struct io *io;
    struct gate *gate;
    struct revocation *revocation;                     /* outlives the device */
    const struct conf_device *conf;                    /* borrowed while the device lives */
    struct bus *bus;                                   /* Modbus: the line it is on, else NULL */
    const char *sysfs;                                 /* NULL: the real one; else for tests */
    void (*on_stopped)(void *owner, struct device *d); /* last call, from the loop */
    void *owner;
};

/* Make; nothing happens before device_start. NULL: out of memory. Settings are copied. */
struct device *device_new(const struct device_settings *settings);

/* Open the port, begin to dial. */
void device_start(struct device *d);

/* A hospital's connection for this device, with the bytes of its ClientHello. True: taken over.
 * False: refused and logged, the caller closes it. */
bool device_take_link(struct device *d, struct endpoint *secure, struct span hello);

/* A connection that the device made to its tcp-listen address. True or false as above. */
bool device_take_local(struct device *d, struct endpoint *local);

/* New certificate, key or trust: for the next link. Held by the device from now on. */
void device_use(struct device *d, struct identity *identity, struct trust *trust);

/* Modbus: what roles may do from now on, for open links too; NULL: no rules. Borrowed until the
 * next call or the device's end. */
void device_use_access(struct device *d, const struct conf_access *access);

/* End: links drain (not when `now`), the port closes, on_stopped follows from the loop. A second
 * call with `now` hurries. */
void device_stop(struct device *d, bool now);

/* Only after on_stopped (or before device_start). NULL is fine. */
void device_free(struct device *d);

const struct conf_device *device_conf(const struct device *d);
bool device_is_stopping(const struct device *d);

/* Does this SNI name the device: its server_name, or a dNSName of its certificate? */
bool device_has_name(const struct device *d, const char *server_name);

/* Links that are up without anybody watching their verdict: 0, or it is our own mistake. */
size_t device_unchecked(const struct device *d);

/* How many links status shows of it. */
size_t device_shown_links(const struct device *d);

/* Fill what status shows. `links`: zeroed room for so many, which *out then borrows. */
void device_snapshot(struct device *d, struct snapshot_device *out, struct snapshot_link *links);

#endif
