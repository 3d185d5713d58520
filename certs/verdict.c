#include "certs/verdict.h"

struct verdict verdict_ask(const struct trust *trust, const struct span *chain, size_t count,
                           int64_t now_s)
{
    struct verdict v = {VERDICT_UNAVAILABLE, now_s};

    /* Nobody to judge is not "not checked": a link without a peer's chain must not come up. */
    if (chain == NULL || count == 0) {
        return v;
    }
    /* An if and not a switch: a mode that is added to the enum and forgotten here fails closed. */
    if (trust_revocation(trust) == REVOCATION_OFF) {
        v.kind = VERDICT_NOT_CHECKED;
        v.valid_until_s = INT64_MAX;
    }
    return v;
}

bool verdict_accepted(const struct trust *trust, const struct verdict *v)
{
    bool is_off = trust_revocation(trust) == REVOCATION_OFF;

    switch (v->kind) {
    case VERDICT_GOOD:
        return true;
    case VERDICT_NOT_CHECKED:
        /* Only where `revocation = off` is written out: a stray value must not open a link. */
        return is_off;
    case VERDICT_REVOKED:
    case VERDICT_UNKNOWN:
    case VERDICT_STALE:
    case VERDICT_UNAVAILABLE:
        return false;
    }
    return false;
}

const char *verdict_name(enum verdict_kind kind)
{
    switch (kind) {
    case VERDICT_GOOD:
        return "good";
    case VERDICT_REVOKED:
        return "revoked";
    case VERDICT_UNKNOWN:
        return "unknown";
    case VERDICT_STALE:
        return "stale";
    case VERDICT_UNAVAILABLE:
        return "unavailable";
    case VERDICT_NOT_CHECKED:
        return "not checked";
    }
    return "unavailable";
}
