/*
 * OCSP answers made in the test, about certificates of crl_make.h or forge.h, signed by their CA.
 */
#ifndef WARDGATE_TEST_OCSP_MAKE_H
#define WARDGATE_TEST_OCSP_MAKE_H

#include "certs/ocsp.h"
#include "protocols/bytes.h"

struct ocsp_make {
    struct span cert;
    struct span issuer;
    unsigned issuer_key; /* number of the key that signs */
    bool is_forged;      /* it is a key of forge.h, else of crl_make.h */
    enum ocsp_answer status;
    const char *this_update; /* "20251201000000Z"; producedAt is the same */
    const char *next_update; /* NULL: none */
    int reason;              /* CRLReason of OCSP_REVOKED; -1: none */
    struct span nonce;       /* empty: none */
};

/* A whole OCSPResponse. Revoked: at 2025-01-02T03:04:05Z. */
struct span ocsp_make_answer(const struct ocsp_make *spec);

#endif
