/*
 * CRLs signed with P-256, who may sign them, and trusts over forged CAs, for the tests of who
 * vouches for a CRL: a trust takes no Ed25519 (see crl_make.h for CRLs with it). All memory belongs
 * to the test's process.
 */
#ifndef WARDGATE_TESTS_CRL_CASE_H
#define WARDGATE_TESTS_CRL_CASE_H

#include <stddef.h>
#include <stdint.h>

#include "certs/trust.h"
#include "protocols/bytes.h"

enum { CRL_CASE_NOW_S = 1767268800 }; /* 2026-01-01 12:00:00 */

struct crl_case {
    const char *issuer;      /* CN */
    unsigned key;            /* that signs, a number of the forge */
    unsigned number;         /* crlNumber, 1..127; 0: none */
    const char *this_update; /* GeneralizedTime; NULL: 20260101000000Z */
    const char *next_update; /* likewise; NULL: 20260201000000Z */
    struct span extensions;  /* more of them */
};

struct span crl_case_crl(const struct crl_case *c);

/* A certificate that may sign CRLs and nothing else. */
struct span crl_case_signer(const char *subject, unsigned key, const char *issuer, unsigned signer);

/* "-----BEGIN label-----" and so on; several may be joined (forge_join). */
struct span crl_case_pem(const char *label, struct span der);

/* A new PEM file with the certificates. */
void crl_case_write(char path[32], const struct span *certs, size_t count);
void crl_case_remove(const char *path);

/* What a trust is made of; none of the last two is fine. */
struct crl_case_cas {
    const struct span *anchors;
    size_t anchor_count;
    const struct span *intermediates;
    size_t intermediate_count;
    const struct span *signers; /* crl_signers */
    size_t signer_count;
};

/* A trust at CRL_CASE_NOW_S. Asserts that it loads. */
struct trust *crl_case_trust_of(const struct crl_case_cas *cas);

/* Likewise, without CRL signers. */
struct trust *crl_case_trust(const struct span *anchors, size_t anchor_count,
                             const struct span *intermediates, size_t intermediate_count);

#endif
