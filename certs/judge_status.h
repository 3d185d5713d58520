/*
 * The revocation status of one certificate of a path, from all the evidence there is.
 *
 * Floor 1, private to certs/judge.c. Pure.
 */
#ifndef WARDGATE_JUDGE_STATUS_H
#define WARDGATE_JUDGE_STATUS_H

#include "certs/judge.h"

struct judge_inquiry {
    const struct judge_evidence *evidence;
    const struct judge_settings *settings;
    const struct path *path; /* validated */
    bool *is_told;           /* one per CRL: some reason names it already */
    struct reasons *why;
};

/* The status of the path's certificate number `level`, not the anchor's; never VERDICT_NOT_CHECKED.
 * Of a certificate of the chain that is revoked the reasons hold a REFUSE line afterwards. */
struct judge_level judge_status_ask(const struct judge_inquiry *q, size_t level);

/* Name the CRLs that no certificate of the path had a use for, and say why. */
void judge_status_tell_rest(const struct judge_inquiry *q);

#endif
