/*
 * Certificates and CRLs made in the test, whole or broken, signed with Ed25519 keys.
 *
 * All spans lie in one arena that lives as long as the test's process. A key is a number.
 */
#ifndef WARDGATE_TEST_CRL_MAKE_H
#define WARDGATE_TEST_CRL_MAKE_H

#include <stdbool.h>

#include "protocols/bytes.h"

/* DER from the inside out. */
struct span crl_make_join(struct span a, struct span b);
struct span crl_make_der(uint8_t tag, struct span content);
struct span crl_make_bytes(const void *data, size_t len);
#define CRL_BYTES(...)                                                                             \
    crl_make_bytes((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

/* A Name of one common name, with its header. */
struct span crl_make_name(const char *common_name);
/* GeneralNames content: one directoryName, one URI. */
struct span crl_make_directory(struct span name);
struct span crl_make_uri(const char *uri);

/* An Extension 2.5.29.`last`. */
struct span crl_make_extension(uint8_t last, bool is_critical, struct span value);

/* SIGNED { tbs }: also an OCSP answer is one. */
struct span crl_make_signed(struct span tbs, unsigned key);

struct crl_make_cert {
    const char *subject;
    const char *issuer;
    unsigned key;
    unsigned issuer_key;
    struct span serial; /* empty: 1 */
    bool is_ca;
    int usage;              /* first byte of keyUsage; -1: no extension */
    struct span extensions; /* more of them */
    const char *not_after;  /* GeneralizedTime; NULL: 20490101000000Z */
};

enum { CRL_USAGE_CA = 0x06, CRL_USAGE_CERTS = 0x04, CRL_USAGE_CRLS = 0x02, CRL_USAGE_LEAF = 0x80 };
struct span crl_make_certificate(const struct crl_make_cert *spec);

struct crl_make_list {
    const char *issuer;
    unsigned key;
    int version; /* 1: v2; -1: not written */
    const char *this_update;
    const char *next_update; /* NULL: none */
    struct span revoked;     /* entries; empty: no list, unless: */
    bool has_empty_list;
    struct span extensions; /* all of them; empty: none */
    bool is_algorithm_torn; /* another one outside than inside */
    bool is_signature_broken;
};
struct span crl_make_crl(const struct crl_make_list *spec);

/* An entry of the list. extensions may be empty. */
struct span crl_make_entry(struct span serial, struct span extensions);
struct span crl_make_reason(uint8_t reason);

/* crlNumber and authorityKeyIdentifier. */
struct span crl_make_number(uint8_t number);
struct span crl_make_key_id(unsigned key);

#endif
