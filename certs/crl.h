/*
 * CRL: RFC 5280 section 5 and 6.3. Parsed once into an index, then looked up.
 *
 * Floor 1, pure: no clock, no I/O. Counted. Parsing a big CRL may run on another thread; a CRL is
 * used by one thread at a time (crl_verify remembers which key has signed it).
 */
#ifndef WARDGATE_CRL_H
#define WARDGATE_CRL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certs/reasons.h"
#include "protocols/bytes.h"
#include "protocols/fault.h"

struct crl;

/* Parse DER (PEM is unwrapped by the caller). The bytes are copied and kept until
 * crl_forget_source; the index takes at most 40 bytes an entry. NULL with *f: FAULT_BAD_CERT (the
 * note says what is broken), FAULT_MEMORY. f may be NULL. */
struct crl *crl_new(struct span der, struct fault *f);
struct crl *crl_hold(struct crl *c);
void crl_release(struct crl *c); /* NULL is fine */

/* Give back the copy of the DER once crl_verify has said yes: from then on crl_verify says yes only
 * for the key that it said yes for last. Spans that were read from the CRL before end here. False:
 * no memory for what has to stay, nothing has changed. */
bool crl_forget_source(struct crl *c);

/* What it says of itself. Spans live as long as the CRL. */
struct span crl_issuer(const struct crl *c); /* Name with its header */
int64_t crl_this_update_s(const struct crl *c);
bool crl_next_update_s(const struct crl *c, int64_t *out_s); /* false: there is none */
struct span crl_number(const struct crl *c); /* content of the INTEGER; empty: none */
bool crl_is_delta(const struct crl *c);
bool crl_is_indirect(const struct crl *c);
size_t crl_entry_count(const struct crl *c);
struct span crl_scope_value(const struct crl *c); /* issuingDistributionPoint; empty: none */
struct span crl_key_id(const struct crl *c);      /* of authorityKeyIdentifier; empty: none */
struct span crl_der(const struct crl *c); /* as it was signed; empty after crl_forget_source */
/* Why nobody may ever use it (no crlNumber, an unknown critical extension): a constant text, or
 * NULL. */
const char *crl_defect(const struct crl *c);
size_t crl_memory(const struct crl *c); /* about how many bytes it occupies */

/* Who may have signed it. All borrowed; the certificates of `path` have been validated. */
struct crl_authority {
    const struct span *path; /* from the issuer of the certificate in question up to the anchor */
    size_t path_count;       /* at least 1 */
    const struct span *signers; /* not validated: other certificates that may sign CRLs */
    size_t signer_count;
    int64_t now_s;
    bool is_strict;  /* refuse SHA-1 and small keys, but: */
    unsigned allows; /* SIGNATURE_ALLOWS_ bits */
};

/* Is this a CRL that may speak about certificates issued by path[0], and is it genuine? Checks what
 * it contains (crlNumber, critical extensions), its issuer's name, the key (signature and
 * authorityKeyIdentifier), cRLSign, strength. It is signed by path[0], by the CA's other key when
 * the path goes over a self-issued certificate, or by a certificate of `signers` that bears the
 * CA's name, has cRLSign but no right to sign certificates (a re-keyed CA may keep one CRL a key),
 * is valid now and issued by one of the path. An indirect CRL may be signed by any of the path, or
 * of `signers` issued by one of the path; whether it speaks about a certificate is up to crl_ask.
 * *signer (may be NULL): the certificate whose key signed it. When that is none of the path, the
 * caller asks for its status, too. False with a note at `level`. */
bool crl_verify(const struct crl *c, const struct crl_authority *authority, struct span *signer,
                int level, struct reasons *why);

enum crl_answer {
    CRL_GOOD,    /* in scope and not listed, all reasons covered */
    CRL_PART,    /* in scope and not listed, but only some reasons are covered: see crl_evidence */
    CRL_REVOKED, /* listed; certificateHold too */
    CRL_OUT,     /* this CRL does not speak about that certificate */
    CRL_STALE,   /* nextUpdate has passed, or there is none */
    CRL_FUTURE,  /* thisUpdate lies ahead */
};

/* Bits 1 to 8 of ReasonFlags, RFC 5280 4.2.1.13. */
enum { CRL_ALL_REASONS = 0x1FE };

struct crl_evidence {
    int64_t until_s;      /* how long the answer holds; CRL_GOOD and CRL_PART only */
    unsigned reasons;     /* bit n: reason n is covered; CRL_GOOD and CRL_PART only. The caller may
                             add up several CRL_PART: CRL_ALL_REASONS together is good */
    unsigned reason;      /* CRLReason; CRL_REVOKED only */
    int64_t revoked_at_s; /* CRL_REVOKED only */
    bool is_by_delta;     /* CRL_REVOKED only: the delta says so */
};

/* What this verified CRL, with a delta or NULL, says about a certificate. The delta must have been
 * verified against the same authority; one that does not fit its base is no information and noted.
 * A delta alone (c is one) is CRL_OUT. Revoked beats stale and future. */
struct crl_question {
    struct span cert;
    const struct crl *delta;
    int64_t now_s;
    int64_t grace_s; /* seconds past nextUpdate that still count; 0: none */
    int level;
};
enum crl_answer crl_ask(const struct crl *c, const struct crl_question *q, struct crl_evidence *out,
                        struct reasons *why);

#endif
