/*
 * What a CRL speaks about: issuingDistributionPoint against a certificate (RFC 5280 5.2.5, 6.3.3).
 *
 * Floor 1, pure. Inside of crl*.c and for its tests. Borrows DER.
 */
#ifndef WARDGATE_CRL_SCOPE_H
#define WARDGATE_CRL_SCOPE_H

#include <stdbool.h>

#include "certs/crl_cert.h"
#include "protocols/bytes.h"

struct crl_scope {
    struct span point; /* content of [0] distributionPoint; empty: none */
    bool has_only_users;
    bool has_only_cas;
    bool has_only_attributes;
    bool is_indirect;
    unsigned reasons; /* as crl_evidence.reasons; CRL_ALL_REASONS without onlySomeReasons */
};

/* The scope of a CRL without the extension: everything. */
struct crl_scope crl_scope_all(void);

/* Read the extension's value. False when it is broken; *out is then unchanged. */
bool crl_scope_read(struct span value, struct crl_scope *out);

/* The reasons for which a CRL of that scope and issuer speaks about the certificate; 0: for none,
 * and *why is a constant text that says so. */
unsigned crl_scope_reasons(const struct crl_scope *scope, struct span crl_issuer,
                           const struct crl_cert *cert, const char **why);

/* Does one of these GeneralNames have the form of a directory name, and is one of these equal to
 * `name` (with its header)? */
bool crl_scope_has_directory(struct span names);
bool crl_scope_lists(struct span names, struct span name);

#endif
