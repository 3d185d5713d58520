/*
 * Tests only: a small hospital's CA and what it signs today, whatever day that is: certificates,
 * CRLs and OCSP answers with dates around now, and trusts over its root. Memory of the bytes
 * belongs to the test's process.
 */
#ifndef WARDGATE_TEST_PAPERS_H
#define WARDGATE_TEST_PAPERS_H

#include <stdint.h>

#include "certs/ocsp.h"
#include "certs/trust.h"
#include "protocols/bytes.h"

/* Keys of the forge. "Root" has PAPERS_ROOT; PAPERS_STRANGE signs in its name without being it. */
enum { PAPERS_ROOT = 1, PAPERS_SUB = 2, PAPERS_LEAF = 3, PAPERS_STRANGE = 4 };

/* Root's own certificate; "Sub" under it; with PAPERS_STRANGE another "Root". */
struct span papers_root(unsigned key);
struct span papers_sub(void);

/* "pump" by Root with this serial number; URLs of its OCSP responder and its CRL, or NULL. */
struct span papers_leaf(uint8_t serial, const char *ocsp_url, const char *crl_url);

/* A trust with one anchor: papers_root(key). Caller holds it. */
struct trust *papers_trust(unsigned key);

struct papers_crl {
    const char *issuer; /* NULL: "Root" */
    unsigned key;       /* that signs; 0: PAPERS_ROOT */
    unsigned number;    /* crlNumber, 1..127 */
    int64_t from_s;     /* thisUpdate, in seconds from now; 0: an hour ago */
    int64_t until_s;    /* nextUpdate likewise; 0: in 10 hours */
    bool is_pem;
};

/* Revokes nobody. */
struct span papers_crl(const struct papers_crl *c);

struct papers_answer {
    struct span cert; /* of Root */
    enum ocsp_answer status;
    unsigned key;    /* that signs as Root; 0: PAPERS_ROOT */
    int64_t from_s;  /* as in papers_crl; 0: a minute ago */
    int64_t until_s; /* 0: in an hour */
    struct span nonce;
};

struct span papers_answer(const struct papers_answer *a);

#endif
