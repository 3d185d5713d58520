/*
 * Verdict: what is known about the revocation of a peer's chain at one moment.
 *
 * Floor 1, pure. The session asks in CHECKING, and nothing passes a link before the answer is one
 * that its policy accepts. Every path (both roles, both TLS versions) goes through verdict_ask.
 */
#ifndef WARDGATE_VERDICT_H
#define WARDGATE_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certs/trust.h"
#include "protocols/bytes.h"

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

/* The verdict over `count` certificates (DER, leaf first) under this trust at now_s. A trust that
 * wants checking gets VERDICT_UNAVAILABLE while there is no source to ask: fail closed. */
struct verdict verdict_ask(const struct trust *trust, const struct span *chain, size_t count,
                           int64_t now_s);

/* May a link go UP on this verdict under this trust? */
bool verdict_accepted(const struct trust *trust, const struct verdict *v);

/* "good", "revoked" … "not checked". Never NULL. */
const char *verdict_name(enum verdict_kind kind);

#endif
