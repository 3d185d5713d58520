/*
 * Certificates and OCSP answers of build/pki-ocsp (tests/pki-ocsp.sh lists them), for the tests of
 * certs/ocsp_*.
 */
#ifndef WARDGATE_TESTS_OCSP_CASE_H
#define WARDGATE_TESTS_OCSP_CASE_H

#include "certs/ocsp.h"
#include "protocols/bytes.h"

/* A file; static memory for up to 64 at a time. */
struct span ocsp_case_file(const char *name);

/* The time at which everything there is valid. */
int64_t ocsp_case_now_s(void);

/* About `cert` ("device.der") of `issuer` ("ca.der"), by the strict rules, now; no nonce, an hour
 * of age, no skew, no grace. */
struct ocsp_question ocsp_case_question(const char *cert, const char *issuer);

/* The answer in a file about "device.der" of "ca.der". *why gets the judge's one line (static). */
enum ocsp_answer ocsp_case_judge(const char *answer, const char **why);

/* With a question of the test's own. */
enum ocsp_answer ocsp_case_ask(struct span answer, const struct ocsp_question *q, const char **why);

#endif
