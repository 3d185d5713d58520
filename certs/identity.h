/*
 * Identity: one device's certificate, its chain and its private key.
 *
 * Floor 1. Immutable after loading and counted: configuration, device and running links hold one
 * each; the last release wipes the key. Any thread holds and releases.
 */
#ifndef WARDGATE_IDENTITY_H
#define WARDGATE_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certs/stamp.h"
#include "protocols/bytes.h"
#include "protocols/fault.h"

struct identity;

/* What a person or a log wants to know of a certificate. Strings belong to the identity. */
struct cert_facts {
    char subject[256]; /* RFC 4514-like, "CN=pump-12,O=Ward 3"; cut when longer */
    char issuer[256];
    char serial[64];      /* hexadecimal, upper case, no colons */
    char fingerprint[65]; /* SHA-256 of the DER, hexadecimal, lower case */
    int64_t not_before_s; /* seconds since 1970 */
    int64_t not_after_s;
};

/* Load from PEM files. cert_path: the leaf first, then its chain (the root may be missing).
 * key_path: one unencrypted private key (PKCS#8, SEC1 or PKCS#1); the file must be 0600 or
 * stricter. now_s: wall clock, seconds since 1970.
 * Returns a new identity (caller holds it) or NULL with *f: FAULT_OPEN (missing, unreadable),
 * FAULT_KEY (mode, parse, does not match the certificate), FAULT_EXPIRED, FAULT_NOT_YET,
 * FAULT_BAD_CERT (not PEM, weak algorithm, wrong order of the chain), FAULT_MEMORY. f->note names
 * the file and what would be right. f->side is FAULT_SIDE_CERTIFICATE. */
struct identity *identity_load(const char *cert_path, const char *key_path, int64_t now_s,
                               struct fault *f);

/* The two files of an identity, and what they were when it was read from them. */
struct identity_files {
    const char *certificate; /* paths; the caller's */
    const char *key;
    /* private to identity.c */
    struct stamp certificate_stamp;
    struct stamp key_stamp;
    bool is_settled; /* the stamps tell whether the files are what was read */
    int64_t from_s;  /* all certificates of the file are in their time from here */
    int64_t until_s; /* to there */
};

/* The same for the paths of *files, whose stamps are filled in on success, beside an identity that
 * was loaded before (NULL: none): where the files say what it holds, it is held once more and
 * returned, and the costly part, whether the key is the certificate's, is not done again. Time,
 * order, strength and mode are looked at either way. now_s must be the clock of the files' times,
 * of before the first byte is read. */
struct identity *identity_load_anew(struct identity_files *files, int64_t now_s,
                                    struct identity *before, struct fault *f);

/* Do the paths of *files hold what was read from *before? The files are looked at, not read. True:
 * both are there, neither was touched since, they had been at rest when they were read, and all
 * certificates are in their time: the identity of then stands, and *files becomes as *before.
 * False: read them, *files is untouched. */
bool identity_files_stand(const struct identity_files *before, struct identity_files *files,
                          int64_t now_s);

/* One more, one fewer holder. release(NULL) is fine. */
struct identity *identity_hold(struct identity *id);
void identity_release(struct identity *id);

/* The leaf's facts; valid while the identity is held. */
const struct cert_facts *identity_facts(const struct identity *id);

/* The leaf's dNSName SAN number `at`, or NULL past the last: what SNI can name this device by. */
const char *identity_dns_name(const struct identity *id, size_t at);

/* The leaf and what follows it in the chain, DER one after the other; lives as long as the identity
 * is held. */
struct span identity_chain_der(const struct identity *id);

/* 0 when both hold the same chain and the same key. */
int identity_differs(const struct identity *a, const struct identity *b);

#endif
