/*
 * What decided about a certificate, as one short text for the log and for status.
 *
 * Floor 1, private to certs/judge_status.c. Pure.
 */
#ifndef WARDGATE_JUDGE_NOTE_H
#define WARDGATE_JUDGE_NOTE_H

#include "certs/crl.h"
#include "certs/judge.h"
#include "certs/ocsp.h"

/* "CRL 1C of 2026-11-22T10:00:00Z, next 2026-11-23T10:00:00Z"; with a delta (or NULL) that was
 * asked, too: ", delta 1D". */
void judge_note_crl(const struct crl *c, const struct crl *delta, char out[JUDGE_EVIDENCE_MAX]);

/* "CRL 1C of …: revoked 2026-11-20T09:00:00Z, keyCompromise": c is who says it, maybe a delta. */
void judge_note_crl_revoked(const struct crl *c, const struct crl_evidence *found,
                            char out[JUDGE_EVIDENCE_MAX]);

/* "OCSP of 2026-11-22T10:00:00Z by SUBJECT" (producedAt), and between them ": unknown," or
 * ": revoked TIME, REASON,". issuer: the CA, who signed when no other did. A subject that is too
 * long is cut. */
void judge_note_ocsp(enum ocsp_answer answer, const struct ocsp_evidence *found, struct span issuer,
                     char out[JUDGE_EVIDENCE_MAX]);

#endif
