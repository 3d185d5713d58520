/*
 * What every failure becomes: a code, the side it came from, and a short note for a person.
 *
 * Floor 0. A struct fault belongs to the caller; low floors fill it and never log. The note names
 * things (a path, a host, a certificate's serial), never payload.
 */
#ifndef WARDGATE_FAULT_H
#define WARDGATE_FAULT_H

#include <stddef.h>

/* Whose side a fault is on: the operator's first question. */
enum fault_side {
    FAULT_SIDE_NONE,
    FAULT_SIDE_DEVICE,
    FAULT_SIDE_SERVER,
    FAULT_SIDE_CERTIFICATE,
    FAULT_SIDE_CONFIGURATION,
    FAULT_SIDE_SELF,
};

/* Functions that fail return one of these (all negative); 0 is success. */
enum fault_code {
    FAULT_NONE = 0,
    FAULT_OPEN = -1,         /* a port or file cannot be opened */
    FAULT_BUSY = -2,         /* another program holds the port */
    FAULT_GONE = -3,         /* unplugged, hung up */
    FAULT_CLOSED = -4,       /* the other side closed in good order */
    FAULT_RESET = -5,        /* the connection was reset */
    FAULT_TRUNCATED = -6,    /* TCP ended without the TLS close_notify */
    FAULT_REFUSED = -7,      /* nobody listens there */
    FAULT_UNREACHABLE = -8,  /* no route, host down */
    FAULT_RESOLVE = -9,      /* the name has no address */
    FAULT_TIMEOUT = -10,     /* a deadline passed */
    FAULT_SOURCE = -11,      /* came from an address that is not allowed */
    FAULT_FRAME = -12,       /* bytes that break the protocol */
    FAULT_TOO_LONG = -13,    /* a message over max_frame */
    FAULT_IO = -14,          /* any other error of the operating system */
    FAULT_TLS = -15,         /* the peer broke the TLS protocol, or no common suite */
    FAULT_TLS_VERSION = -16, /* the peer speaks no allowed TLS version */
    FAULT_NO_CERT = -17,     /* the peer sent no certificate */
    FAULT_UNTRUSTED = -18,   /* the peer's chain ends at no anchor of the trust */
    FAULT_EXPIRED = -19,     /* a certificate's notAfter has passed */
    FAULT_NOT_YET = -20,     /* a certificate's notBefore lies ahead */
    FAULT_NAME = -21,        /* no SAN of the peer matches what is allowed */
    FAULT_USAGE = -22,       /* keyUsage or EKU does not fit the role */
    FAULT_BAD_CERT = -23,    /* a certificate or chain that is wrong in another way */
    FAULT_OWN_REFUSED = -24, /* the peer refused our certificate */
    FAULT_NO_DEVICE = -25,   /* the SNI names no device of this listener */
    FAULT_REVOKED = -26,     /* a certificate of the chain is revoked */
    FAULT_KEY = -27,         /* a key that cannot be read, is too open, or does not fit */
    FAULT_CONFIG = -28,      /* the configuration is wrong */
    FAULT_REPLACED = -29,    /* a newer link of the same peer took over */
    FAULT_IDLE = -30,        /* idle_timeout passed */
    FAULT_STOPPED = -31,     /* we were told to stop, or the device's section changed */
    FAULT_MEMORY = -32,      /* out of memory */
    FAULT_INTERNAL = -33,    /* our own mistake */
    FAULT_LIMIT = -34,       /* more links than the device or the gateway allows */
    FAULT_NO_VERDICT = -35,  /* nobody can tell whether a certificate of the chain is revoked */
    FAULT_BLOCKED = -36,     /* on the local block list: a device, or a certificate of the chain */
    FAULT_STRANGER = -37,    /* another device than the expected one is on the port */
    FAULT_NO_IDENTITY = -38, /* the device does not say who it is */
    FAULT_LAST = FAULT_NO_IDENTITY,
};

enum { FAULT_NOTE_MAX = 160 };

struct fault {
    enum fault_code code;
    enum fault_side side;
    char note[FAULT_NOTE_MAX]; /* NUL-terminated, cut at the end when too long */
};

/* Fill *f (may be NULL: then nothing is kept). The note becomes `a`
 * followed by `b` (either may be NULL). Returns `code`, so that a function can `return
 * fault_set(...)`. */
int fault_set(struct fault *f, enum fault_code code, enum fault_side side, const char *a,
              const char *b);

/* Append text to the note; cut when it does not fit. f may be NULL. */
void fault_add(struct fault *f, const char *text);

/* *f becomes "no fault". */
void fault_clear(struct fault *f);

/* Stable machine words: "timeout", "own-certificate-refused" …; "device", "server" … Never NULL. */
const char *fault_code_name(enum fault_code code);
const char *fault_side_name(enum fault_side side);

/* A sentence for a technician: "server refused our certificate". Never NULL, constant memory. */
const char *fault_text(const struct fault *f);

#endif
