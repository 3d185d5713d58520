/*
 * A certificate as revocation looks at it. Inside of crl_verify.c, crl_ask.c and for their tests.
 *
 * Floor 1, pure. Borrows the DER.
 */
#ifndef WARDGATE_CRL_CERT_H
#define WARDGATE_CRL_CERT_H

#include <stdbool.h>

#include "certs/cert.h"
#include "protocols/bytes.h"

struct crl_cert {
    struct cert_view view;
    struct span tbs;           /* what is signed, with its header */
    struct span algorithm;     /* AlgorithmIdentifier outside of it, with its header */
    struct span signature;     /* the bits */
    struct span key_id;        /* subjectKeyIdentifier; empty: none */
    struct span points;        /* content of cRLDistributionPoints; empty: none */
    bool may_sign_crls;        /* the bit cRLSign; only with view.has_key_usage */
    bool has_unknown_critical; /* a critical extension that a signer of CRLs must not have */
};

/* False when it is broken; *out is then unchanged. */
bool crl_cert_read(struct span der, struct crl_cert *out);

#endif
