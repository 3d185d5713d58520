/*
 * Verdict: what is known about the revocation of a peer's chain at one moment.
 *
 * Floor 1, pure. The judge makes it (judge.h); every link, in both roles and TLS versions, and
 * every question that is asked again goes through verdict_ask_chain (verdict_ask.h).
 */
#ifndef WARDGATE_VERDICT_H
#define WARDGATE_VERDICT_H

#include <stdint.h>

enum verdict_kind {
    VERDICT_GOOD,
    VERDICT_REVOKED,
    VERDICT_UNKNOWN,
    VERDICT_STALE,
    VERDICT_UNAVAILABLE,
    VERDICT_NOT_CHECKED, /* revocation = off was written out for this trust */
};

struct verdict {
    enum verdict_kind kind;
    int64_t valid_until_s; /* ask again then; INT64_MAX: never */
};

/* "good", "revoked" … "not checked". Never NULL. */
const char *verdict_name(enum verdict_kind kind);

#endif
