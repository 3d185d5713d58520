/*
 * Inquiry: one chain under one policy, asked once for every link that needs the answer, and asked
 * again whenever the answer may have changed.
 *
 * Floor 3, loop thread only. Inquiries belong to the gateway's revocation (revocation.h); a
 * session, or a device for its own certificate, takes a seat. The state CHECKING of a session is
 * the time between inquiry_join and the first settled answer.
 */
#ifndef WARDGATE_INQUIRY_H
#define WARDGATE_INQUIRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certs/trust.h"
#include "certs/verdict_ask.h"
#include "conf/conf.h"
#include "protocols/bytes.h"

struct inquiry;
struct revocation;

/* Whose chain it is, and in which role: it decides the key usage that is asked for. */
enum inquiry_who {
    INQUIRY_PEER_SERVER,
    INQUIRY_PEER_CLIENT,
    INQUIRY_OWN_SERVER, /* our device's own certificate, presented as a server */
    INQUIRY_OWN_CLIENT,
};

/* What a seat was told last, in a few bits. Private to inquiry.c. */
struct inquiry_word {
    bool is_settled, accepted, is_tolerated, is_break_glass, may_write;
    enum verdict_kind kind;
};

/* Embedded in who asks; zeroed before the first use. */
struct inquiry_seat {
    struct inquiry *inquiry; /* NULL: nobody sits */
    /* The answer came, or it is another one now. From the loop, never from within inquiry_join. It
     * may leave this and any other seat. */
    void (*on_verdict)(void *owner);
    void *owner;
    /* private to inquiry.c: */
    const struct conf_device *device;
    struct inquiry_seat *next, **slot;           /* among the inquiry's */
    struct inquiry_seat *tell_next, **tell_slot; /* among those to be told; slot NULL: not there */
    struct inquiry_word told;
};

struct inquiry_question {
    struct trust *trust;
    const struct conf_device *device; /* borrowed as long as the seat is taken */
    enum inquiry_who who;
    const struct span *chain; /* DER, leaf first; copied */
    size_t count;             /* 1..TLS_CHAIN_MAX */
    struct span staple;       /* what the peer stapled, unjudged; empty: nothing */
};

/* Take the seat. What is known already is there at once (inquiry_look). False: no memory, or the
 * trust is none of the configuration's; nothing passes then. */
bool inquiry_join(struct revocation *r, struct inquiry_seat *seat,
                  const struct inquiry_question *question);

/* Harmless when nobody sits. */
void inquiry_leave(struct inquiry_seat *seat);

/* The OCSP answer about the certificate that this seat asks about, when it is good now: to be
 * stapled to it. Empty: none. seat may be NULL. Lives until the loop goes on. */
struct span inquiry_staple(const struct inquiry_seat *seat);

/* The leaf of the chain that this seat asks about, DER. Lives as long as the seat is taken; empty
 * without one. */
struct span inquiry_leaf(const struct inquiry_seat *seat);

struct inquiry_state {
    bool is_settled;   /* false: evidence is on its way, on_verdict follows within check_timeout */
    bool accepted;     /* the link may be up */
    bool is_tolerated; /* accepted without being good: grace, soft or break-glass */
    bool is_break_glass;
    bool is_blocked; /* revoked by the local block list: the chain, or the device */
    bool may_write;  /* Modbus writes may pass: write_revocation */
    enum verdict_kind kind;
    enum path_time time; /* why the sentence says no, when a certificate's time is the reason */
    int64_t valid_until_s;
    char sentence[VERDICT_TEXT_MAX]; /* the one sentence that decided */
    char evidence[VERDICT_TEXT_MAX];
};

/* What is known now. Without a seat: not settled, not accepted. */
void inquiry_look(const struct inquiry_seat *seat, struct inquiry_state *out);

#endif
