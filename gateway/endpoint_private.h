/*
 * The inside of an endpoint, shared by the endpoint_*.c files and by nobody else.
 *
 * Floor 3, loop thread only. endpoint.c owns the life (making, closing, freeing), endpoint_data.c
 * the bytes (reading, writing, parking), endpoint_dial.c name resolution and connecting,
 * endpoint_tls.c the TLS engine between the two.
 *
 *   DIALING -> OPEN -> LINGERING -> CLOSING          phase; never backwards
 *
 * LINGERING and CLOSING are what every callback's closing check asks for: the owner hears nothing
 * but on_closed from there on. LINGERING brings a last alert (TCP) or what the kernel had taken (a
 * slow serial line) to the other end before it closes, within a bounded time.
 */
#ifndef WARDGATE_ENDPOINT_PRIVATE_H
#define WARDGATE_ENDPOINT_PRIVATE_H

#include "gateway/endpoint.h"
#include "protocols/parmrk.h"

enum endpoint_phase {
    ENDPOINT_DIALING,   /* no connection yet */
    ENDPOINT_OPEN,      /* bytes may flow */
    ENDPOINT_LINGERING, /* over for the owner; last bytes are on their way out */
    ENDPOINT_CLOSING,   /* over; handles are being closed */
};

enum endpoint_kind { ENDPOINT_SERIAL, ENDPOINT_TCP };

enum endpoint_tls_phase {
    ENDPOINT_TLS_NONE,      /* bytes are plain */
    ENDPOINT_TLS_HANDSHAKE, /* the engine reads and writes by itself */
    ENDPOINT_TLS_SECURE,    /* data may flow */
    ENDPOINT_TLS_OVER,      /* the engine failed; it is kept for what it knows of the peer */
};

enum {
    /* The owner stops its source while bytes are parked, so one read's worth is usual. Far more is
     * a mistake of ours, which must not eat the memory of all the other links. */
    ENDPOINT_PARKED_MAX = 4 * 1024 * 1024,
    ENDPOINT_LINGER_MS = 1000,
    ENDPOINT_LAST_READ_MS = 100,   /* after a failed write: for what the peer said before it left */
    ENDPOINT_WATCH_MS = 500,       /* how often a serial port that is not read is looked at */
    ENDPOINT_DRAIN_LOOK_MS = 20,   /* how often a serial port that sends its last bytes is */
    ENDPOINT_DRAIN_STUCK_MS = 500, /* nothing left it for so long: flow control holds it */
    ENDPOINT_DRAIN_MAX_MS = 5000,
};

/* Bytes that came in and that the owner does not want yet. */
struct endpoint_held {
    size_t len;
    uint8_t data[];
};

/* Name resolution and connecting: only while DIALING. */
struct endpoint_dial {
    uv_getaddrinfo_t resolve;
    uv_connect_t connect;
    struct addrinfo *list; /* all addresses, as the resolver made them */
    struct addrinfo *next; /* the one to try next */
    uint64_t deadline_ms;  /* loop clock */
    int status;            /* why the last address failed */
    bool resolving;        /* the request `resolve` is out */
    char service[8];       /* the port as text */
};

struct endpoint {
    struct io *io;
    struct endpoint_owner owner;
    enum endpoint_kind kind;
    enum endpoint_phase phase;
    enum endpoint_tls_phase tls_phase;
    unsigned open_count; /* handles not closed yet, and a resolver request */
    uint32_t lull_seen;  /* lull.h */

    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t tty;
    } u;

    bool has_stream;   /* u is initialised and uv_close was not called on it */
    bool is_orphan;    /* never given to an owner: frees itself when closed */
    bool reading;      /* the owner wants data */
    bool was_reading;  /* it did at least once (since TLS began): no reading ahead any more */
    bool got_fin;      /* TCP: the peer's FIN was read */
    bool got_notify;   /* TLS: the peer's close_notify was read */
    bool finishing;    /* endpoint_finish was called */
    bool finished;     /* our FIN is out */
    bool tls_has_more; /* the engine may hold plain text for another call */
    bool has_count;    /* serial: the driver counts line errors */
    int write_error;   /* a write failed with this; the last input is being read */
    uv_timer_t timer;  /* dial deadline; later: go on with held bytes; watch a tty; linger */
    uv_shutdown_t shutdown;
    size_t parked;           /* bytes in write requests that are not done */
    size_t unsent;           /* what of them was left when it closed */
    size_t drain_left;       /* serial, LINGERING: not on the line yet, when last looked */
    uint64_t drain_moved_ms; /* when that last changed, loop clock */
    uint64_t drain_until_ms;
    struct tls_engine *engine;
    struct endpoint_held *held_plain;  /* decrypted */
    struct endpoint_held *held_cipher; /* as it came from the network */
    struct endpoint_dial *dial;
    struct parmrk marks;  /* serial */
    uint32_t count_base;  /* serial: the driver's error count when the port was opened */
    uint32_t count_since; /* serial: and what was added since */
    struct fault cause;   /* why it closed */
    char *name;           /* serial: the path; dialled: HOST:PORT; accepted: NULL */
    char host[INET6_ADDRSTRLEN];
    char peer[INET6_ADDRSTRLEN + 8]; /* [host]:port */
};

/* endpoint.c */

/* A new endpoint with its timer; `name` is copied, NULL for none. NULL with *f: no memory. */
struct endpoint *endpoint_new(struct io *io, enum endpoint_kind kind, const char *name,
                              const struct endpoint_owner *owner, struct fault *f);

/* The connection is there: options, names, phase. */
void endpoint_set_up_tcp(struct endpoint *ep);

/* Close an endpoint that its owner never got: it frees itself. */
void endpoint_abandon(struct endpoint *ep);

/* One thing that was open is not any more; at zero the owner hears on_closed. */
void endpoint_count_down(struct endpoint *ep);

/* Close with the fault that a libuv error (negative) stands for. `doing`: "reading" … */
void endpoint_fail(struct endpoint *ep, int status, const char *doing);

/* Close, but first let what was written reach the peer (bounded by ENDPOINT_LINGER_MS): a TCP
 * socket that is closed with unread input answers RST, and the peer may then never see the alert
 * that tells it why. */
void endpoint_linger(struct endpoint *ep, const struct fault *f);

/* Start (again) or stop the one timer. */
void endpoint_start_timer(struct endpoint *ep, uint64_t after_ms, uint64_t repeat_ms);

/* endpoint_data.c */

/* Start or stop reading the handle, and the timer for held bytes, as the fields want it. */
void endpoint_update_reading(struct endpoint *ep);

/* Send as it is: to the kernel, or parked. False when it failed. */
bool endpoint_send(struct endpoint *ep, struct span bytes);

/* Send what the kernel takes at once, and forget the rest. */
void endpoint_send_last(struct endpoint *ep, struct span bytes);

/* A copy of bytes that cannot be delivered now. NULL when empty, or when there is no memory: then
 * the endpoint closed over it. */
struct endpoint_held *endpoint_hold(struct endpoint *ep, struct span bytes);

/* The timer fired while OPEN. */
void endpoint_on_tick(struct endpoint *ep);

/* endpoint_dial.c */

/* Give a dial's memory back (not while its resolver request runs). */
void endpoint_dial_free(struct endpoint *ep);

/* The timer fired while DIALING. */
void endpoint_dial_on_deadline(struct endpoint *ep);

/* endpoint_tls.c */

/* Bytes came from the network. */
void endpoint_tls_feed(struct endpoint *ep, struct span in);

/* TCP ended. */
void endpoint_tls_on_fin(struct endpoint *ep);

/* Is something held that could go on now? Go on with it. */
bool endpoint_tls_can_resume(const struct endpoint *ep);
void endpoint_tls_resume(struct endpoint *ep);

/* Encrypt and send. */
void endpoint_tls_write(struct endpoint *ep, struct span plain);

/* Our close_notify, in the loop's scratch buffer; empty when there is none to send. */
struct span endpoint_tls_goodbye(struct endpoint *ep);

#endif
