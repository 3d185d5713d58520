/*
 * The life of a session as data: state x event -> next state and what to do.
 *
 * Floor 0, pure: frozen tables, no object of its own, any thread. The session (gateway) keeps the
 * state, asks for each event what follows, and does what the actions say. A test walks all paths,
 * which no test of single cells can replace: flows exist only in UP, UP is entered only from
 * CHECKING by an accepted verdict, and nothing dials again once the session was told to stop.
 */
#ifndef WARDGATE_SESSION_TABLE_H
#define WARDGATE_SESSION_TABLE_H

#include <stdbool.h>

enum session_state {
    SESSION_STATE_DOWN,      /* no endpoint yet; no timer */
    SESSION_STATE_DIALING,   /* TCP connect under way; timer: dial_timeout */
    SESSION_STATE_HANDSHAKE, /* TLS under way; timer: handshake_timeout */
    SESSION_STATE_CHECKING,  /* the verdict on the peer's chain is asked; timer bounds it */
    SESSION_STATE_UP,        /* flows run; timer: idle_timeout, when there is one */
    SESSION_STATE_DRAINING,  /* both directions ended, parked bytes go out; timer: drain_timeout */
    SESSION_STATE_CLOSING,   /* every endpoint was asked to close, not all have */
    SESSION_STATE_WAITING,   /* no endpoint; timer: back-off */
    SESSION_STATE_STOPPING,  /* drains or closes, then ends for good; timer: drain_timeout */
    SESSION_STATE_ENDED,     /* nothing is open; the object may be freed */
    SESSION_STATES,          /* how many there are */
};

enum session_event {
    SESSION_EVENT_START,      /* the link is wanted (client role): now, not at the timer's end */
    SESSION_EVENT_ACCEPTED,   /* server role: TCP is accepted and the hello names this device */
    SESSION_EVENT_CONNECTED,  /* client role: TCP is up */
    SESSION_EVENT_SECURED,    /* the TLS handshake is done */
    SESSION_EVENT_ACCEPTABLE, /* the verdict, or a later one, is one that the policy accepts */
    SESSION_EVENT_REFUSED,    /* the verdict, or a later one, is not */
    SESSION_EVENT_FAULT,      /* an endpoint failed or was closed by the other side */
    SESSION_EVENT_FINISHED,   /* both directions ended in good order; in DRAINING and STOPPING: and
                                 the parked bytes are out */
    SESSION_EVENT_DEADLINE,   /* the state's timer ran out */
    SESSION_EVENT_CLOSED,     /* all endpoints of the session are closed */
    SESSION_EVENT_STOP,       /* end for good: shutdown, or the section changed */
    SESSION_EVENTS,           /* how many there are */
};

/* What to do, a set of bits. A state's timer is stopped when the state is left; whoever enters a
 * state arms the new one. Flows are taken away whenever the state leaves UP, except into DRAINING
 * or STOPPING with SESSION_DO_DRAIN, where they may write what is parked but read nothing. */
enum session_do {
    SESSION_DO_NONE = 0,            /* the event is known and changes nothing */
    SESSION_DO_DIAL = 1 << 0,       /* start a TCP connection */
    SESSION_DO_HANDSHAKE = 1 << 1,  /* start TLS over the connection */
    SESSION_DO_ASK = 1 << 2,        /* ask for the verdict on the peer's chain and on our own */
    SESSION_DO_OPEN_FLOWS = 1 << 3, /* let data pass, both ways */
    SESSION_DO_DRAIN = 1 << 4,      /* let parked bytes go out, then close all endpoints */
    SESSION_DO_CLOSE = 1 << 5,      /* close all endpoints and forget a pending verdict. Harmless
                                       when already asked. With none open, CLOSED must follow all
                                       the same, from the loop */
    SESSION_DO_WAIT = 1 << 6,       /* arm the back-off timer */
    SESSION_DO_END = 1 << 7,        /* tell the owner that this session is over */
    SESSION_DO_IGNORE = 1 << 8,     /* the event came too late to matter, which is normal */
    SESSION_DO_BUG = 1 << 9,        /* the event can not happen here: our own mistake */
};

struct session_step {
    enum session_state next; /* the same state with IGNORE and BUG */
    unsigned actions;        /* enum session_do, or-ed */
};

/* What follows when `event` comes in `state`. `redials` is true for the client role: what is closed
 * waits and dials again; otherwise it has ended. START that is ignored in DRAINING or CLOSING is
 * not remembered: give it again in WAITING when a device is still there. */
struct session_step session_table_step(enum session_state state, enum session_event event,
                                       bool redials);

/* Stable words for the log and for status: "dialing", "deadline". Never NULL. */
const char *session_table_state_name(enum session_state state);
const char *session_table_event_name(enum session_event event);

#endif
