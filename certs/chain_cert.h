/*
 * One certificate of a path, read with everything that path validation needs (RFC 5280 section 4).
 *
 * Floor 1, pure, fuzzed through path. Borrows the DER. It goes on where cert.h ends: a certificate
 * that can be read at all is filled in even when something is wrong with it, and says what.
 */
#ifndef WARDGATE_CHAIN_CERT_H
#define WARDGATE_CHAIN_CERT_H

#include <stdbool.h>
#include <stdint.h>

#include "certs/cert.h"
#include "certs/policies.h"
#include "protocols/bytes.h"

/* The extensions that are understood; as bits (1U << x) in `present` and `critical`. */
enum chain_extension {
    CHAIN_BASIC_CONSTRAINTS,
    CHAIN_KEY_USAGE,
    CHAIN_EXT_KEY_USAGE,
    CHAIN_SUBJECT_ALT_NAME,
    CHAIN_NAME_CONSTRAINTS,
    CHAIN_POLICIES,
    CHAIN_POLICY_MAPPINGS,
    CHAIN_POLICY_CONSTRAINTS,
    CHAIN_INHIBIT_ANY,
    CHAIN_AUTHORITY_KEY,
    CHAIN_SUBJECT_KEY,
    CHAIN_AUTHORITY_INFO,
    CHAIN_CRL_POINTS,
    CHAIN_FRESHEST_CRL,
    CHAIN_TLS_FEATURE, /* never critical here: what a critical one asks of a path is not checked */
    CHAIN_EXTENSION_COUNT
};

struct chain_cert {
    struct cert_view view;
    unsigned version;      /* 1..3 */
    struct span tbs;       /* what is signed, with its header */
    struct span algorithm; /* of the signature, with its header */
    struct span signature; /* the bits */
    unsigned present;
    unsigned critical;
    bool is_old_time_general; /* a date before 2050 as GeneralizedTime */
    bool has_path_len;
    uint32_t path_len;
    struct span name_constraints; /* content of the SEQUENCE */
    struct policies_facts policies;
    struct span authority_key;  /* keyIdentifier; empty: none */
    bool has_authority_issuer;  /* authorityCertIssuer or authorityCertSerialNumber */
    struct span subject_key;    /* subjectKeyIdentifier; empty: none */
    struct span authority_info; /* content of the SEQUENCE, as the next two; empty: none */
    struct span crl_points;
    struct span freshest_points;
    bool must_staple;   /* TLS feature status_request (RFC 7633) */
    const char *defect; /* why nobody should accept it (a constant text), or NULL */
};

/* Read. False when not even its names and its key can be had; *out is then unchanged. Defects:
 * malformed or repeated extensions, unknown critical ones, extensions in an old version, two
 * different signature algorithms, an empty issuer, a CA without a subject. */
bool chain_cert_read(struct span der, struct chain_cert *out);

bool chain_cert_has(const struct chain_cert *c, enum chain_extension which);
bool chain_cert_has_critical(const struct chain_cert *c, enum chain_extension which);

/* Issued under its own name (RFC 5280 6.1)? */
bool chain_cert_is_self_issued(const struct chain_cert *c);

#endif
