/*
 * Where a certificate says that its status can be had: OCSP responders (authorityInfoAccess), CRLs
 * (cRLDistributionPoints) and delta CRLs (freshestCRL).
 *
 * Floor 1, pure, fuzzed. What is read here was written by whoever made the certificate: a URL may
 * be followed only when the certificate's path is valid, and where the configuration allows it.
 */
#ifndef WARDGATE_CERT_URLS_H
#define WARDGATE_CERT_URLS_H

#include <stdbool.h>
#include <stddef.h>

#include "protocols/bytes.h"

enum { CERT_URLS_MAX = 8, CERT_URLS_LEN_MAX = 255 };

struct cert_urls_list {
    size_t count;
    char urls[CERT_URLS_MAX][CERT_URLS_LEN_MAX + 1]; /* NUL-terminated */
};

struct cert_urls {
    struct cert_urls_list ocsp;
    struct cert_urls_list crls;   /* the names of one distribution point stand behind each other */
    struct cert_urls_list deltas; /* of freshestCRL */
};

/* Read a certificate (DER). Taken are "http://" and "https://" (any case) with something behind
 * them, of printable ASCII without a blank, CERT_URLS_LEN_MAX bytes at most, each once, in their
 * order, the first CERT_URLS_MAX of a kind; any other is left out. False, with *out empty, when the
 * certificate has a defect (certs/chain_cert.h) or one of the three extensions breaks the rules. */
bool cert_urls_read(struct span cert, struct cert_urls *out);

#endif
