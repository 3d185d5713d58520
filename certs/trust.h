/*
 * Trust: the anchors that a peer's chain must end at, and how strict to be.
 *
 * Floor 1. Immutable after loading and counted, like an identity; swapped as a whole on reload. Any
 * thread holds and releases; the TLS contexts in it are the loop's.
 */
#ifndef WARDGATE_TRUST_H
#define WARDGATE_TRUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocols/bytes.h"
#include "protocols/fault.h"

struct trust;

enum tls_version { TLS_VERSION_1_2, TLS_VERSION_1_3 };

/* Some link under the trust wants certificates checked; or `revocation = off` is written out for
 * all. */
enum revocation_mode { REVOCATION_OFF, REVOCATION_CHECKED };

struct trust_settings {
    const char *name;          /* for messages */
    const char *anchors;       /* PEM file, one or more self-signed CA certificates */
    const char *intermediates; /* PEM file of CA certificates, or NULL */
    const char *crl_signers;   /* PEM file of CRL signers (certs/crl_signers.h), or NULL */
    enum tls_version tls_min;
    enum revocation_mode revocation;
    bool is_strict_about_cas; /* hold CAs to the rules of certs/profile.h, too; simple tools make
                                 CAs that break them */
    unsigned allows;          /* weak algorithms that are let in here: SIGNATURE_ALLOWS_ bits
                                 (certs/signature.h); 0: none */
    struct span policy;       /* content of the OID of a certificate policy that a peer's path must
                                 be valid for; empty: none. Copied */
    bool requires_eku;        /* a peer's leaf must name its purpose: path_settings.requires_eku */
};

/* Load. Returns a new trust (caller holds it) or NULL with *f: FAULT_OPEN, FAULT_BAD_CERT (not
 * PEM, an anchor that is no CA, an intermediate that no anchor or earlier intermediate issued, what
 * crl_signers_load refuses), FAULT_EXPIRED, FAULT_NOT_YET, FAULT_MEMORY; f->note names file and
 * certificate. */
struct trust *trust_load(const struct trust_settings *settings, int64_t now_s, struct fault *f);

struct trust *trust_hold(struct trust *t);
void trust_release(struct trust *t);

const char *trust_name(const struct trust *t);
enum revocation_mode trust_revocation(const struct trust *t);
bool trust_is_strict_about_cas(const struct trust *t);
unsigned trust_allows(const struct trust *t); /* SIGNATURE_ALLOWS_ bits */
bool trust_requires_eku(const struct trust *t);
struct span trust_policy(const struct trust *t); /* lives as long as the trust is held */

/* Its CA certificates in DER: the first *anchors of them are anchors, the others intermediates.
 * Returns how many there are in *out, which lives as long as the trust is held. */
size_t trust_cas(const struct trust *t, const struct span **out, size_t *anchors);

/* Its CRL signers in DER, at most CRL_SIGNERS_MAX. They were checked when they were loaded, and
 * that was at its own time: crl_verify looks at each again. Lives as long as the trust is held. */
size_t trust_crl_signers(const struct trust *t, const struct span **out);

/* 0 when both hold the same anchors, intermediates, CRL signers and settings. */
int trust_differs(const struct trust *a, const struct trust *b);

#endif
