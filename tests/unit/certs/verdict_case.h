/*
 * A trust over Root (key 0) and its CA (key 1), a chain under it, and what is known of it, for the
 * tests of certs/verdict_ask. Every test has a process of its own and begins with
 * verdict_case_begin.
 */
#ifndef WARDGATE_TESTS_VERDICT_CASE_H
#define WARDGATE_TESTS_VERDICT_CASE_H

#include "certs/ocsp.h"
#include "certs/verdict_ask.h"
#include "tests/unit/certs/crl_case.h"
#include "tests/unit/certs/forge.h"

enum { VERDICT_CASE_CA_SERIAL = 2, VERDICT_CASE_DAY_S = 86400 };

#define VERDICT_CASE_UNTIL "20260201000000Z" /* a month after the tests' now */
#define VERDICT_CASE_OLD   "20251231000000Z" /* some hours before it */

struct verdict_case {
    struct forge root, ca, leaf; /* recipes; the CA is also in the chain */
    struct trust *trust;
    struct evidence *evidence;
    struct span certs[3]; /* leaf, CA, Root */
    struct verdict_question q;
    struct verdict_answer answer;
    struct reasons why;
};

extern struct verdict_case verdict_case;

/* Recipes and question: hard, a TLS server, now CRL_CASE_NOW_S. For TestSuite(.init). */
void verdict_case_begin(void);
void verdict_case_end(void);

/* Make the certificates, a trust over Root (knows_ca: with the CA as intermediate), and the chain
 * leaf, CA. */
void verdict_case_make(bool knows_ca);

/* Another trust over Root and CA, with CRL signers. */
void verdict_case_have_signers(const struct span *signers, size_t count);

/* Another trust over Root alone that wants a peer to name its purpose. */
void verdict_case_demand_purpose(void);

/* Likewise, strict about CAs, or with a policy (content of the OID). */
void verdict_case_demand(bool is_strict, struct span policy);

/* Put a CRL by "Root" (key 0) or "CA" (key 1) that lists a serial number (0: none) into the
 * evidence. */
enum evidence_taken verdict_case_put_crl(const char *issuer, unsigned key, uint8_t serial,
                                         const char *until);

/* Good CRLs of both. */
void verdict_case_put_crls(void);

/* Put an OCSP answer about a certificate by the next one of `certs`. */
void verdict_case_put_answer(size_t level, enum ocsp_answer status);

/* Ask; accepted? */
bool verdict_case_ask(void);

#endif
