/*
 * CRL signers: certificates that sign CRLs in place of a CA, and nothing else (RFC 5280 6.3.3 (f)).
 *
 * Floor 1. Part of a trust, and as immutable; whoever asks crl_verify hands them in as `signers`.
 */
#ifndef WARDGATE_CRL_SIGNERS_H
#define WARDGATE_CRL_SIGNERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certs/pem.h"
#include "protocols/bytes.h"
#include "protocols/fault.h"

enum { CRL_SIGNERS_MAX = 16 }; /* half of the signatures that one crl_verify may cost */

/* Begin with zeros; give back with crl_signers_clear, also after a load that failed. */
struct crl_signers {
    struct pem_block blocks[CRL_SIGNERS_MAX]; /* private to crl_signers.c */
    struct span der[CRL_SIGNERS_MAX];
    size_t count;
};

/* By whose word, and how strictly. All is borrowed for the call. */
struct crl_signers_rules {
    const struct span *cas; /* of the trust, DER: the first `anchor_count` are anchors */
    size_t ca_count;
    size_t anchor_count;
    unsigned allows; /* SIGNATURE_ALLOWS_ bits */
    int64_t now_s;
};

/* Add the certificates of a PEM file; the same one twice is one. Each has the right to sign CRLs
 * (cRLSign) and none to sign certificates, no critical extension that is unknown here, its time, a
 * strong key and hash, and a path to an anchor over the trust's own CAs. 0; FAULT_OPEN;
 * FAULT_EXPIRED; FAULT_NOT_YET; FAULT_BAD_CERT for all else that is wrong, more than
 * CRL_SIGNERS_MAX too; or FAULT_MEMORY. The note is "PATH: SUBJECT why". */
int crl_signers_load(struct crl_signers *s, const char *path, const struct crl_signers_rules *rules,
                     struct fault *f);

void crl_signers_clear(struct crl_signers *s);

/* Are they others, or in another order? */
bool crl_signers_differ(const struct crl_signers *a, const struct crl_signers *b);

#endif
