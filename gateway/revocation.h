/*
 * Revocation: what the gateway knows of revoked certificates, from where, and who must hear of it.
 *
 * Floor 3, loop thread only. One per gateway. It owns the evidence of each [trust] section (by
 * name: it outlives reloads), the sources that bring it, the block list, the break-glass grants,
 * the watch on the clock and the state folder. Links ask through inquiry.h.
 */
#ifndef WARDGATE_REVOCATION_H
#define WARDGATE_REVOCATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "gateway/io.h"
#include "gateway/snapshot.h"
#include "protocols/fault.h"

struct revocation;

/* How OCSP answers are judged; `wardgate verify --trust` does the same. */
enum {
    REVOCATION_SKEW_S = 300,      /* of a responder's clock */
    REVOCATION_OCSP_AGE_S = 3600, /* longest age of an answer without nextUpdate */
};

struct revocation_settings {
    struct io *io;
    const struct conf *conf;        /* borrowed until the next revocation_use or the end */
    void (*on_closed)(void *owner); /* the last call after revocation_close, from the loop */
    void *owner;
};

/* Make, and read the state folder (blocks for as long as that takes). A folder that cannot be used
 * is an alarm in the log and no failure: nothing is remembered then. NULL with *f: no memory. */
struct revocation *revocation_new(const struct revocation_settings *settings, struct fault *f);

/* Begin to fetch. */
void revocation_start(struct revocation *r);

/* A new configuration is in force; the one before must still be there: sources, trusts and policies
 * follow it, and the links of each trust that has other rules now are asked again. */
void revocation_use(struct revocation *r, const struct conf *conf);

/* Ends what is under way; what is to be stored is stored. on_closed follows. Every seat must have
 * been left by then. */
void revocation_close(struct revocation *r);

/* Only after on_closed. NULL is fine. */
void revocation_free(struct revocation *r);

/* ---- orders of a person ---- */

/* In force: stored, and every open link was asked again. */
struct revocation_report {
    const char *error; /* NULL: it worked; else what did not, e.g. a source that failed */
    size_t count;      /* refresh: sources that were read; block: links that were cut */
};

typedef void (*revocation_done_fn)(void *owner, const struct revocation_report *report);

/* Who wants to hear of the end. done comes once, from the loop; also when the gateway ends. */
struct revocation_order {
    revocation_done_fn done;
    void *owner;
};

/* Each returns 0 and calls done later, or a fault code with *f, and nothing was changed. */

/* Poll and read every source now. */
int revocation_refresh(struct revocation *r, const struct revocation_order *order, struct fault *f);

/* what: a certificate's serial number or SHA-256 fingerprint in hexadecimal, or a device's name. */
int revocation_block(struct revocation *r, const char *what, const char *reason,
                     const struct revocation_order *order, struct fault *f);
int revocation_unblock(struct revocation *r, const char *what, const struct revocation_order *order,
                       struct fault *f);

struct revocation_grant {
    const char *device;
    const char *reason;
    int64_t for_s; /* 60 s to 24 h; 0 ends one that is in force */
};

int revocation_break_glass(struct revocation *r, const struct revocation_grant *grant,
                           const struct revocation_order *order, struct fault *f);

/* Is the wall clock believed, as the configuration's `clock` has it? */
bool revocation_trusts_clock(const struct revocation *r);

/* ---- status ---- */

/* Fill what status shows of trusts, blocks, grants and the clock; snapshot_free gives it back. 0,
 * or FAULT_MEMORY. */
int revocation_snapshot(struct revocation *r, struct snapshot *out);

/* Is there a block or a grant on this device? Seconds since 1970 of its end, 0: none. */
bool revocation_is_blocked(const struct revocation *r, const char *device);
int64_t revocation_grant_until_s(const struct revocation *r, const char *device);

#endif
