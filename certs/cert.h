/*
 * One X.509 certificate, read: what the gateway itself wants to know of it (RFC 5280).
 *
 * Floor 1, pure, fuzzed. A view borrows the DER it was read from. wolfSSL verifies signatures and
 * paths; this reader is the second pair of eyes: names with their types, usage, strength, dates.
 */
#ifndef WARDGATE_CERT_H
#define WARDGATE_CERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certs/identity.h"
#include "protocols/bytes.h"

/* extendedKeyUsage as bits. */
enum {
    CERT_EKU_SERVER = 1,
    CERT_EKU_CLIENT = 2,
    CERT_EKU_ANY = 4,
    CERT_EKU_OCSP = 8, /* id-kp-OCSPSigning; CERT_EKU_ANY does not stand for it */
};

enum cert_key { CERT_KEY_OTHER, CERT_KEY_RSA, CERT_KEY_EC };

struct cert_view {
    struct span der;
    struct span serial; /* content of the INTEGER */
    struct span issuer; /* Names with their headers: equal spans are equal names */
    struct span subject;
    struct span key_info; /* SubjectPublicKeyInfo with its header */
    struct span san;      /* content of GeneralNames; empty when there is none */
    int64_t not_before_s;
    int64_t not_after_s;
    enum cert_key key;
    unsigned key_bits;       /* RSA modulus or EC field; 0 for CERT_KEY_OTHER */
    bool is_hash_weak;       /* signed with MD5, SHA-1 or an algorithm that is not known here */
    bool is_hash_sha1;       /* then: with SHA-1 */
    bool is_ca;              /* basicConstraints */
    bool has_eku;            /* then: */
    unsigned eku;            /* CERT_EKU_ bits */
    bool has_key_usage;      /* then: */
    bool may_sign;           /* digitalSignature */
    bool may_sign_certs;     /* keyCertSign */
    bool is_ocsp_nocheck;    /* id-pkix-ocsp-nocheck: a responder that needs no status itself */
    bool limits_other_names; /* nameConstraints on a kind of name that wolfSSL does not check */
};

/* Read a certificate: exactly one DER element. False when it is broken; *out is then unchanged. */
bool cert_view_read(struct span der, struct cert_view *out);

/* Is the public key strong enough: RSA of 2048 bits or more, EC over P-256, P-384 or P-521? And is
 * the hash that its issuer signed: SHA-256 or better? Less what is allowed: SIGNATURE_ALLOWS_ bits
 * (certs/signature.h). */
bool cert_view_is_strong(const struct cert_view *view, unsigned allows);
bool cert_view_is_hash_strong(const struct cert_view *view, unsigned allows);

/* Fill the facts for people. */
void cert_view_facts(const struct cert_view *view, struct cert_facts *out);

/* A Name (with its header) for people, RFC 4514-like: "CN=pump-12,O=Ward 3". Escaped so that it can
 * go into a log line; cut to `cap` bytes with the NUL, "" when it is broken. cap: at least 1. */
void cert_name_text(struct span name, char *out, size_t cap);

/* Take the next GeneralName of `san`: its context tag number (2 dNSName, 6 URI, 7 iPAddress …) and
 * its content. False at the end or when it is broken. */
bool cert_san_take(struct span *san, unsigned *kind, struct span *value);

enum {
    CERT_SAN_DNS = 2,
    CERT_SAN_URI = 6,
    CERT_SAN_IP = 7,
};

#endif
