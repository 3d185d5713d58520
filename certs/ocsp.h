/*
 * OCSP: RFC 6960, RFC 9654. The request, and a strict judge of the answer; no I/O.
 *
 * Floor 1, pure, fuzzed. Nobody's word is taken for who may answer: the issuing CA itself, or a
 * responder whose certificate that CA has issued directly and for this purpose.
 */
#ifndef WARDGATE_OCSP_H
#define WARDGATE_OCSP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certs/reasons.h"
#include "protocols/bytes.h"

enum { OCSP_REQUEST_MAX = 512, OCSP_NONCE_LEN = 32 };

enum ocsp_hash { OCSP_SHA1, OCSP_SHA256 };

/* Append a request for one certificate. nonce: OCSP_NONCE_LEN bytes or empty. False when a
 * certificate is broken, the second did not issue the first (by name), or the room is too small;
 * the room is then unchanged. */
bool ocsp_request(struct span cert, struct span issuer, enum ocsp_hash hash, struct span nonce,
                  struct room *out);

enum ocsp_answer {
    OCSP_GOOD,
    OCSP_REVOKED, /* also when the answer is old or from the future: revoked beats stale */
    OCSP_UNKNOWN, /* the responder does not know it: not good */
    OCSP_NOTHING, /* refused by the judge, an error, stale: no information */
};

struct ocsp_question {
    struct span cert;
    struct span issuer;  /* the CA's certificate; that it issued `cert` has been verified */
    struct span nonce;   /* what was asked with; empty: none was, or it is a stored answer */
    bool nonce_optional; /* an answer without any nonce will do; one with another never */
    int64_t now_s;
    int64_t skew_s;       /* clocks may differ by that much */
    int64_t max_age_s;    /* longest age of an answer without nextUpdate */
    int64_t grace_s;      /* past nextUpdate */
    bool strict_strength; /* refuse SHA-1 signatures and small keys, but: */
    unsigned allows;      /* SIGNATURE_ALLOWS_ bits */
    int level;
};

/* Filled for every answer but OCSP_NOTHING. */
struct ocsp_evidence {
    int64_t this_update_s, produced_at_s;
    int64_t until_s;        /* nextUpdate, or thisUpdate + max_age_s; without skew and grace */
    struct span signer;     /* the responder's certificate, in the response; empty: the CA itself */
    int64_t revoked_at_s;   /* OCSP_REVOKED only, like: */
    unsigned reason;        /* CRLReason; 0 also when none is given */
    bool must_check_signer; /* it has no id-pkix-ocsp-nocheck: the caller asks the CA's CRL about it
                               (RFC 6960 4.2.2.2.1), never OCSP */
};

/* Judge a whole OCSPResponse (DER). The times of the question are 0 or more. */
enum ocsp_answer ocsp_judge(struct span response, const struct ocsp_question *q,
                            struct ocsp_evidence *evidence, struct reasons *why);

#endif
