/*
 * CRL intake: a file's or a download's bytes become CRLs, parsed, and checked against the CAs and
 * the CRL signers of a trust.
 *
 * Floor 1, pure, fuzzed. The one slow step (a million entries, the hash over 64 MB), so made for a
 * worker thread: it touches nothing but its arguments; the trust is only read. The caller keeps
 * trust and bytes alive until it returns, and lets no other thread use the result meanwhile.
 */
#ifndef WARDGATE_CRL_INTAKE_H
#define WARDGATE_CRL_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certs/crl.h"
#include "certs/trust.h"
#include "protocols/bytes.h"
#include "protocols/fault.h"

enum {
    CRL_INTAKE_MAX = 64,     /* CRLs of one file or download */
    CRL_INTAKE_SKEW_S = 300, /* how far thisUpdate may lie ahead: two clocks are never the same */
    CRL_SIGNER_LEN = 32,
    CRL_INTAKE_WHY_MAX = 240,
};

struct crl_arrival {
    struct crl *crl;
    bool is_verified;               /* by who is valid under the trust now */
    bool is_future;                 /* thisUpdate lies ahead: never verified */
    uint8_t signer[CRL_SIGNER_LEN]; /* SHA-256 of the signer's SubjectPublicKeyInfo; is_verified
                                       only */
    char why[CRL_INTAKE_WHY_MAX];   /* not verified: the reason, for people; else "" */
};

struct crl_intake {
    struct crl_arrival arrivals[CRL_INTAKE_MAX];
    size_t count;
};

/* Read PEM (any number of "X509 CRL" blocks; other blocks are skipped) or exactly one DER. The CRLs
 * are parsed and those are verified that any CA of the trust with the CRL's issuer's name has
 * signed: an anchor that is within its time at now_s (seconds since 1970), or an intermediate with
 * a valid path to one; indirect CRLs too. Likewise one that a CRL signer of the trust has signed in
 * place of such a CA; an indirect one may bear the signer's own name. A CRL that is dated more than
 * CRL_INTAKE_SKEW_S after now_s is not verified: one such CRL would lock out all that come after
 * it. Returns 0 (each *out->arrivals[i].crl is held by the intake; the DER can be had from crl_der
 * until crl_intake_clear), FAULT_BAD_CERT (no CRL in it, broken PEM or DER, more than
 * CRL_INTAKE_MAX; the note of *f says what it looks like instead, "it is an HTML page, not a CRL")
 * or FAULT_MEMORY. All or nothing: after a failure *out is empty. */
int crl_intake_read(struct span bytes, const struct trust *trust, int64_t now_s,
                    struct crl_intake *out, struct fault *f);

/* Let go of everything; *in is empty afterwards, and may be cleared again. Who holds a verified CRL
 * keeps it without its source (crl_forget_source): the memory of the DER is given back. */
void crl_intake_clear(struct crl_intake *in);

#endif
