#include "certs/verdict.h"

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
