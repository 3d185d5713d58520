/*
 * Path: our own RFC 5280 section 6.1 path validation, beside wolfSSL's: both must accept.
 *
 * Floor 1, pure: no clock, no I/O. All spans are borrowed DER, one certificate each.
 */
#ifndef WARDGATE_PATH_H
#define WARDGATE_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certs/reasons.h"
#include "protocols/bytes.h"

enum { PATH_MAX_CERTS = 10, PATH_POOL_MAX = 64, PATH_SIGNATURES_MAX = 100 };

enum path_purpose {
    PATH_SERVER, /* the peer is a TLS server: serverAuth */
    PATH_CLIENT, /* the peer is a TLS client: clientAuth */
    PATH_ANY, /* RFC 5280 section 6.1 and no more (no EKU, no strength, no rules for CAs, a CA may
                 be the leaf): for old public test suites */
};

struct path_settings {
    int64_t now_s;
    enum path_purpose purpose;
    struct span required_policy; /* content of a policy OID that the path must be valid for: every
                                    certificate below the anchor carries it (or, where it is not
                                    inhibited, anyPolicy); empty: none. Policies are processed as
                                    in section 6.1 with policy mapping inhibited. */
    unsigned allows;             /* what may be weak: SIGNATURE_ALLOWS_ bits; 0: nothing */
    bool allows_loose_cas;       /* leave out the rules that RFC 5280 puts on CAs and not on who
                                    validates (certs/profile.h): for CAs made by simple tools */
    bool requires_eku;           /* the leaf's extendedKeyUsage must be there and name the purpose
                                    (anyExtendedKeyUsage will not do), and keyUsage must be there with
                                    digitalSignature; else what is not there allows everything */
};

struct path_input {
    struct span leaf;
    const struct span *pool; /* CA certificates to build with: configured and the peer's */
    size_t pool_count;       /* 0..PATH_POOL_MAX */
    const struct span *anchors;
    size_t anchor_count;
};

/* The path that was found: leaf first, anchor last. */
struct path {
    struct span certs[PATH_MAX_CERTS];
    size_t count;
};

/* Find and validate a path from the leaf to an anchor. Several candidates are tried (by name and
 * key), bounded in work whatever the pool holds: at most PATH_SIGNATURES_MAX signatures. Checks:
 * signatures, validity at now_s (inclusive), basicConstraints and pathLen, keyUsage, name chaining,
 * name constraints (DNS, IP, URI, e-mail, directory name), policies, EKU, unknown critical
 * extensions, duplicate extensions, strict version and serial rules, self-issued certificates,
 * algorithm strength. An anchor is judged like any CA (its time, its constraints, its EKU), but for
 * its own signature; it may be self-signed or not; a leaf is never its own anchor. Returns true and
 * fills *out, or false; the reasons of the best candidate are appended either way, the anchor's
 * first. Broken certificates of pool and anchors are noted and left out. */
bool path_validate(const struct path_input *in, const struct path_settings *settings,
                   struct path *out, struct reasons *why);

/* Was it the time of a certificate that decided against a path? By the reasons that path_validate
 * gave: FITS when it was something else, or nothing. */
enum path_time { PATH_TIME_FITS, PATH_TIME_OVER, PATH_TIME_AHEAD };

enum path_time path_time_of(const struct reasons *why);

#endif
