/*
 * A chain Root, Sub, leaf with the evidence that a test wants, for the tests of certs/judge*.
 *
 * Every test begins with judge_case_begin and ends with judge_case_end. Serial numbers: Sub 2, leaf
 * 3, and whatever else 9.
 */
#ifndef WARDGATE_TESTS_JUDGE_CASE_H
#define WARDGATE_TESTS_JUDGE_CASE_H

#include "certs/judge.h"
#include "tests/unit/certs/crl_make.h"

enum { JUDGE_NOW_S = 1767225600, JUDGE_DAY_S = 86400 }; /* 2026-01-01 */

extern struct judge_settings judge_case_settings; /* hard, the whole chain, PATH_ANY */
extern struct judge_result judge_case_result;
extern struct reasons judge_case_why;

void judge_case_begin(void); /* may come again within a test */
void judge_case_end(void);

/* The leaf's file of build/pki-ocsp under its CA, at the time of that folder. */
void judge_case_use_ocsp(const char *leaf);

/* The leaf is must-staple, and that is honoured. */
void judge_case_demand_staple(void);

/* Leaf, Sub, Root. */
struct span judge_case_cert(size_t level);

/* Break the leaf's signature. */
void judge_case_spoil_leaf(void);

/* Evidence: a CRL of Root (key 1) or Sub (key 2) that lists one serial number (0: none), with a
 * reason; until: "20260201000000Z". */
void judge_case_add_crl(const char *issuer, unsigned key, uint8_t serial, const char *until);
void judge_case_add_list(const struct crl_make_list *list);
void judge_case_add_ocsp(const char *file);
void judge_case_add_answer(struct span response);
void judge_case_add_block(enum judge_block_kind kind, struct span value);
void judge_case_add_signer(struct span cert);
struct span judge_case_entry(uint8_t serial, uint8_t reason);

#define JUDGE_UNTIL "20260201000000Z"

enum { JUDGE_UNTIL_S = JUDGE_NOW_S + 31 * JUDGE_DAY_S };

/* Accepted? Checks what must hold of every result. */
bool judge_case_ask(void);

/* Is there a line with that text? */
bool judge_case_says(const char *text);

#endif
