/*
 * Session: one device paired with one secure peer: two endpoints, two flows, one state machine
 * (protocols/session_table.h), one deadline timer.
 *
 * Floor 3, loop thread only. Owned by a device, which embeds the session_host that all its sessions
 * share. A session dials its server and, when the link has ended, does so again (`redials`), or it
 * was accepted and ends with its link.
 *
 * The device's side of a link ("local") is one of four: a connection that the session owns (the
 * device dialled in, or the session dialled it), the device's port, which is only lent, a
 * place on a Modbus bus, or a Modbus master that asks through the link.
 */
#ifndef WARDGATE_SESSION_H
#define WARDGATE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certs/identity.h"
#include "certs/trust.h"
#include "conf/conf.h"
#include "gateway/bus.h"
#include "gateway/endpoint.h"
#include "gateway/flow.h"
#include "gateway/gate.h"
#include "gateway/inquiry.h"
#include "gateway/io.h"
#include "gateway/master.h"
#include "gateway/snapshot.h"
#include "protocols/session_table.h"

struct session;

/* What the sessions of one device share. Owned by the device; conf, identity and trust are swapped
 * by it on reload and used by the next link. */
struct session_host {
    struct io *io;
    struct gate *gate;
    struct revocation *revocation;
    const struct conf_device *conf;
    struct identity *identity;
    struct trust *trust;
    const struct inquiry_seat *own_seat; /* the verdict on our own certificate; may be NULL */
    struct bus_device *bus;              /* Modbus only, else NULL */
    struct master *master;               /* a device that is a Modbus master, else NULL */
    struct flow_counters up;             /* device to server */
    struct flow_counters down;           /* server to device */
    uint64_t sessions;                   /* links that reached UP */
    uint64_t refusals;                   /* peers that we refused */
    uint64_t lost_told;                  /* of up.lost and down.lost: what the log has told */
    bool drop_told;          /* since the last link the log said that bytes are dropped */
    uint64_t device_data_ms; /* loop clock of the device's last byte; 0: none yet */
    bool is_withdrawn;       /* our own certificate is revoked, over or blocked: nobody dials */
    bool is_unbound;         /* it is not known that the right device is there: likewise */
    struct fault last_fault;
    int64_t last_fault_at_s;
    bool dials_device;         /* each link dials the device for itself */
    struct framer idle_framer; /* where in a message the port's bytes stand between links */

    /* The session's state changed, or its own local connection went. May be NULL. */
    void (*on_change)(struct session_host *host, struct session *s);
    /* The back-off is over: dial again now? False: it waits for session_start. */
    bool (*wants_dial)(struct session_host *host, struct session *s);
    /* The session does not use the lent port any more; was_up: data may have passed. */
    void (*on_local_back)(struct session_host *host, struct session *s, bool was_up);
    /* The session has ended; every handle is closed. The host frees it with session_free. */
    void (*on_ended)(struct session_host *host, struct session *s);
};

/* The framer of what the device sends; RAW where a bus stands in the flow's place. */
enum framer_kind session_framer_up(const struct conf_device *conf);

/* A session in DOWN. redials: it will dial (session_start); else it waits for session_accept.
 * NULL: out of memory. */
struct session *session_new(struct session_host *host, bool redials);

/* Dial now, from DOWN or WAITING; elsewhere harmless. */
void session_start(struct session *s);

/* A hospital's connection and the bytes of its ClientHello. Takes the endpoint over. */
void session_accept(struct session *s, struct endpoint *secure, struct span hello);

/* Give it a device's own connection (taken over). Only when session_has_local is false. */
void session_attach_local(struct session *s, struct endpoint *local);

/* Lend it the device's port. Only when session_has_local is false. */
void session_lend_port(struct session *s, struct endpoint *port);

bool session_has_local(const struct session *s);

/* Is it a link that lives: dialling, or past that and not closing? */
bool session_is_alive(const struct session *s);

/* The lent port brought bytes, has room again, went away. */
void session_port_data(struct session *s, struct span data);
void session_port_drained(struct session *s);
void session_port_gone(struct session *s, const struct fault *f);

/* The lent port's device sends no more. False: nothing of it waits for a link either, the port can
 * be taken back (session_port_gone). */
bool session_port_eof(struct session *s);

/* End for good: UP drains first unless `now`. on_ended follows from the loop. Idempotent. */
void session_stop(struct session *s, bool now);

/* Close the link with this fault; a session that redials dials again later. */
void session_break(struct session *s, const struct fault *f);

/* Only after on_ended. NULL is fine. */
void session_free(struct session *s);

enum session_state session_state(const struct session *s);

/* The peer's SHA-256 fingerprint once it is known, else "". */
const char *session_peer_fingerprint(const struct session *s);

/* For how long the peer has been at its handshake, in ms; 0: it is at none, or waits for a place.
 */
uint64_t session_handshake_ms(const struct session *s);

/* Milliseconds until it dials again; 0 when it does not wait. */
uint64_t session_wait_left_ms(const struct session *s);

/* "hl7a.hospital.example:2576": the server in use or next; "" for accepted sessions. Valid until
 * the session or its configuration goes. */
const char *session_server(const struct session *s);

/* Is it up without a verdict that is kept true? That is our own mistake. */
bool session_is_unchecked(const struct session *s);

/* Was the last link's end "the server refused our certificate"? */
bool session_own_refused(const struct session *s);

/* Fill what status shows of this link. */
void session_snapshot(const struct session *s, struct snapshot_link *out);

/* The device speaks and no link is up: say once, until the next link, that its bytes are dropped.
 */
void session_tell_drop(struct session_host *host);

/* A list of sessions, for the owner. */
struct session **session_next_slot(struct session *s);

#endif
