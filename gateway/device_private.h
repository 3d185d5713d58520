/* The inside of a device, shared by device.c, device_port.c and device_status.c. Floor 3. */
#ifndef WARDGATE_DEVICE_PRIVATE_H
#define WARDGATE_DEVICE_PRIVATE_H

#include "gateway/binding.h"
#include "gateway/device.h"
#include "gateway/port.h"
#include "gateway/session.h"

/* A peer that takes longer for its handshake gives way to a newcomer when max_links is reached. */
enum { DEVICE_STALLED_MS = 2000 };

struct device {
    struct session_host host; /* first: the sessions' host is the device */
    struct device_settings settings;
    struct port *port;        /* serial, or a TCP device that stays connected; else NULL */
    bool port_closed;         /* port_close, or master_close, has ended */
    struct session *sessions; /* newest first */
    size_t session_count;
    struct session *port_user; /* who the port is lent to */
    bool started, stopping, stopped_told;
    struct inquiry_seat own_seat; /* the verdict on its own certificate */
    struct binding *binding;      /* NULL: nothing is expected of the device, or out of memory */
    bool binding_open;            /* binding_close has not ended */
    bool was_stranger;            /* since the port came: what waits in it may be a stranger's */
    bool broken;                  /* out of memory at the start: it has no port and takes no link */
    bool data_waits;              /* start = data: the device spoke while no link was there */
    uint64_t started_ms;          /* loop clock */
    int64_t port_since_s;         /* when the port last came or went */
    uint64_t unsent_since_ms;     /* device_bus.c: log lines about writes that were not sent: the */
    uint64_t unsent_hidden;       /* window, those that were left out, those in the window */
    unsigned unsent_lines;
};

/* device.c */
void device_note_fault(struct device *d, const struct fault *f);
void device_check_stopped(struct device *d);
/* The port of a bus or of a master came (f is NULL) or went; something that the log should tell. */
void device_tell_port(struct device *d, const struct fault *f);
void device_tell_note(struct device *d, const char *event, const char *note);
void device_log_refused(struct device *d, const char *peer, enum fault_code code,
                        enum fault_side side, const char *note);

/* device_master.c: a device that is a Modbus master. False: no memory. */
bool device_master_start(struct device *d);
/* As device_take_local. */
bool device_master_take(struct device *d, struct endpoint *local);
/* Of another device it says nothing. */
void device_master_snapshot(const struct device *d, struct snapshot_device *out);

/* device_own.c */
/* Ask about the certificate that is in use now; while it is refused no link is made or taken. */
void device_own_ask(struct device *d);
void device_own_snapshot(const struct device *d, struct snapshot_device *out);

/* device_binding.c */
/* With `expect`: until the device is known, no link is made or taken. False: out of memory. */
bool device_binding_start(struct device *d);
/* Its port came or went. */
void device_binding_on_port(struct device *d, bool is_up);
/* The device may have been changed behind its adapter. */
void device_binding_doubt(struct device *d);
/* Why a link is turned away while it is unbound. */
const struct fault *device_binding_fault(const struct device *d);
void device_binding_snapshot(const struct device *d, struct snapshot_device *out);

/* device_bus.c. Only for a device on a bus does it say anything. */
void device_bus_on_write(void *owner, const struct bus_write *w);
/* "unit 5 does not answer, asked again in 8 s". False: all do; nothing is written. */
bool device_bus_words(const struct device *d, struct snapshot_device *out);
void device_bus_snapshot(const struct device *d, struct snapshot_device *out);
/* The part of it that a device which is a master has, too. */
void device_bus_snapshot_requests(const struct bus_counters *n, struct snapshot_device *out);

/* device_port.c */
/* The port is up, and it is known whose it is: lend it to who waits for it, or let it idle. */
void device_port_use(struct device *d);
void device_port_start(struct device *d);
/* An accepted link came up: lend it the port, let it take over, or refuse it. */
void device_port_claim(struct device *d, struct session *s);
void device_port_on_local_back(struct session_host *host, struct session *s, bool was_up);

#endif
