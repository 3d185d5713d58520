/*
 * The cipher suites that this program offers and accepts, in the order of preference.
 *
 * Floor 1, private to certs/. Forward secrecy and authenticated encryption only (RFC 9325 4.2); the
 * names that a build of wolfSSL does not know are skipped.
 */
#ifndef WARDGATE_TLS_SUITES_H
#define WARDGATE_TLS_SUITES_H

#define TLS_SUITES                                                                                 \
    "TLS13-AES256-GCM-SHA384:TLS13-AES128-GCM-SHA256:TLS13-CHACHA20-POLY1305-SHA256:"              \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:"   \
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305"

#endif
