/*
 * CRLs as they arrive, for the tests of the evidence. Memory of the bytes belongs to the test's
 * process; who takes an arrival lets go of its CRL (evidence_case_put does).
 */
#ifndef WARDGATE_TESTS_EVIDENCE_CASE_H
#define WARDGATE_TESTS_EVIDENCE_CASE_H

#include "certs/evidence.h"
#include "tests/unit/certs/crl_make.h"

enum { EVIDENCE_CASE_NOW_S = 1767225600 }; /* 2026-01-01 00:00:00 */

struct evidence_case {
    const char *issuer; /* NULL: "CA" */
    unsigned key;       /* that signs, see crl_make.h; 0: 1 */
    uint8_t number;     /* 0: none */
    const char *day;    /* of January 2026, "01"…; NULL: "01" */
    struct span scope;  /* value of issuingDistributionPoint */
    struct span more;   /* more extensions */
    bool is_delta;
    bool is_pending;    /* not verified; else verified with the digest of that key */
    const char *source; /* NULL: "a.crl" */
};

struct crl *evidence_case_crl(const struct evidence_case *c);

/* Put it and let go; f is the last fault, id the last id. */
struct evidence_case_result {
    enum evidence_taken taken;
    struct evidence_id id;
    struct fault f;
};
struct evidence_case_result evidence_case_put(struct evidence *e, const struct evidence_case *c);

/* How many are held, and how many of them are verified. */
size_t evidence_case_count(const struct evidence *e, size_t *verified);

/* The number of the one verified CRL with this id; 0: there is none. */
unsigned evidence_case_number(const struct evidence *e, const struct evidence_id *id);

/* A path of "leaf" under "CA" (of that key) under "Root": 3 certificates. */
void evidence_case_path(unsigned ca_key, struct path *path);

#endif
