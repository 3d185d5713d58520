/*
 * The inside of a session, shared by session.c (states), session_secure.c (the hospital's side),
 * session_verdict.c (may it be up?), session_modbus.c and session_local.c (the device's side and
 * the flows). Floor 3.
 */
#ifndef WARDGATE_SESSION_PRIVATE_H
#define WARDGATE_SESSION_PRIVATE_H

#include <uv.h>

#include "gateway/modbus_link.h"
#include "gateway/session.h"

enum { SESSION_SERVER_TEXT_MAX = 262, SESSION_PEER_TEXT_MAX = 64 };

struct session {
    struct session_host *host;
    struct session *next; /* the owner's list */
    enum session_state state;
    bool redials;
    bool freeable; /* ENDED was told */

    uv_timer_t timer;   /* the state's deadline */
    uv_timer_t silence; /* gap and line: the end of a message */
    unsigned handles;   /* open libuv handles */
    bool closed_due;    /* CLOSED is to come from the loop: nothing was open when asked */

    struct endpoint *secure;
    struct endpoint *local;
    bool local_lent;            /* local is the device's port */
    bool local_opening;         /* we dial the device: local is not connected yet */
    bool local_ended;           /* the device sends no more; it may have ended before the link */
    struct modbus_link *modbus; /* Modbus: in place of local and flows, while UP */
    struct buf hello;           /* accepted: the ClientHello until TLS starts */
    struct gate_ticket ticket;

    struct flow up;   /* device to server */
    struct flow down; /* server to device */
    bool up_done, down_done;
    bool was_up;     /* this link reached UP */
    bool drained;    /* DRAINING, STOPPING: nothing more is read, only parked bytes go out */
    bool peer_spoke; /* the peer sent a byte: our certificate is accepted */

    struct fault cause; /* the first fault of this link */
    bool own_refused;   /* of the last link */
    bool server_failed; /* this link ended by a fault of the server's side */
    size_t server;      /* index into conf->connect */
    size_t round;       /* servers tried in a row without success */
    unsigned failures;  /* whole rounds without success */
    uint64_t up_at_ms;  /* loop clock */
    uint64_t last_data_ms;
    uint64_t wake_ms;         /* when WAITING ends */
    int64_t since_s;          /* wall clock of the last state change */
    struct inquiry_seat seat; /* taken in CHECKING, left when the link ends */
    char server_text[SESSION_SERVER_TEXT_MAX];
    char peer_text[SESSION_PEER_TEXT_MAX];   /* of this link, for its closing line */
    char peer_serial[SESSION_PEER_TEXT_MAX]; /* "" before the handshake is done */
};

/* session.c */
void session_event(struct session *s, enum session_event event);
void session_keep_fault(struct session *s, const struct fault *f);
void session_arm(struct session *s, uint64_t ms);
/* Bytes that were taken from one side and that the other did not get. */
void session_count_lost(struct session *s, size_t up, size_t down);
/* UP: the idle timer, when there is a limit. */
void session_arm_idle(struct session *s);
void session_on_silence(uv_timer_t *timer);
/* One of the session's handles, or its local connection, is closed after ENDED. */
void session_handle_gone(struct session *s);
/* Deliver CLOSED when nothing is open any more. From the loop only. */
void session_check_closed(struct session *s);
/* Deliver FINISHED when both directions have ended (UP), or all is out (DRAINING, STOPPING). */
void session_check_finished(struct session *s);

/* session_log.c. One line for each change of state; the line at the end of a link: who, how much,
 * how long, why. */
void session_log_state(const struct session *s);
void session_log_end(const struct session *s);
/* Modbus: a request that was denied; the roles that a link has where roles count. */
void session_log_denied(void *self, const struct bus_denial *denial);
/* An end that is nobody's failure. */
bool session_ended_well(enum fault_code code);
/* What was lost while no link was up, in one line, when one is up again. */
void session_tell_lost(struct session *s);

/* session_secure.c */
void session_secure_dial(struct session *s);
void session_secure_handshake(struct session *s);
void session_secure_pick_server(struct session *s);
uint64_t session_secure_backoff_ms(struct session *s);
void session_secure_update_server_text(struct session *s);
const struct tls_peer *
session_secure_peer(const struct session *s); /* NULL: not known (any more) */

/* Tell the Modbus link who the master is: its certificate's subject, serial and fingerprint. */
void session_secure_name_master(struct session *s);

/* session_verdict.c */
void session_verdict_ask(struct session *s);
/* What is known of the peer's chain now; false: it was not asked, or the answer is not there yet.
 */
bool session_verdict(const struct session *s, struct inquiry_state *out);
void session_verdict_snapshot(const struct session *s, struct snapshot_link *out);

/* session_modbus.c: Modbus links, in place of flows. */
/* Does the device speak Modbus? */
bool session_modbus_is(const struct session *s);
void session_modbus_open(struct session *s);
/* Told to stop: begin nothing new. Are answers waited for that the peer has to send? */
bool session_modbus_drain(const struct session *s);
/* Who the master at the far end is, and what it asked; nothing where there is none. */
void session_modbus_snapshot(const struct session *s, struct snapshot_link *out);

/* session_local.c */
void session_local_open_flows(struct session *s);
void session_local_close_flows(struct session *s);
void session_local_drain(struct session *s);
/* STOPPING: after each event, see whether the message in flight is through. */
void session_local_drain_on(struct session *s);
void session_local_close(struct session *s);
/* ENDED: let go of what is still there. */
void session_local_end(struct session *s);
bool session_local_may_stay(const struct session *s);
void session_local_from_secure(struct session *s, struct span data);
void session_local_secure_eof(struct session *s);
void session_local_secure_drained(struct session *s);

#endif
