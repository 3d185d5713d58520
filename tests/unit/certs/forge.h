/*
 * Certificates made in a test, with anything wrong that a test wants: DER put together by hand and
 * signed with P-256. All memory belongs to the test's process.
 */
#ifndef WARDGATE_TESTS_FORGE_H
#define WARDGATE_TESTS_FORGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocols/bytes.h"

enum { FORGE_KEYS = 100, FORGE_EXTRA_MAX = 8 };

/* Standard extensions that a recipe may leave out. */
enum {
    FORGE_NO_BASIC = 1,
    FORGE_NO_USAGE = 2,
    FORGE_NO_SKI = 4,
    FORGE_NO_AKI = 8,
    FORGE_NO_EKU = 16,
    FORGE_NO_SAN = 32,
    FORGE_NOTHING = 64, /* not even the list */
};

/* A recipe; what is 0 gets the usual value. */
struct forge {
    const char *subject; /* CN; NULL: an empty name */
    const char *issuer;
    struct span subject_der; /* a Name instead */
    unsigned key;            /* number of its key */
    unsigned signer;         /* number of the key that signs */
    bool is_ca;
    int path_len; /* pathLenConstraint + 1; 0: none */
    unsigned leave_out;
    const char *from;   /* "200101000000Z": UTCTime, or GeneralizedTime when it is longer */
    const char *until;  /* "491231235959Z" */
    unsigned version;   /* 3 */
    struct span serial; /* content; 01 */
    struct span extra[FORGE_EXTRA_MAX]; /* more extensions, whole */
    struct span inner;                  /* signature algorithm inside; ecdsa-with-SHA256 */
    struct span ids;                    /* unique identifiers, whole */
    bool breaks_signature;
};

/* The certificate, in DER. */
struct span forge_cert(const struct forge *recipe);

/* SIGNED { tbs }: anything else that key number `signer` signs. */
struct span forge_signed(struct span tbs, unsigned signer);

/* One element; several behind each other. */
struct span forge_tlv(uint8_t tag, struct span content);
struct span forge_join(const struct span *parts, size_t count);

#define FORGE_JOIN(...)                                                                            \
    forge_join((const struct span[]){__VA_ARGS__},                                                 \
               sizeof((const struct span[]){__VA_ARGS__}) / sizeof(struct span))
#define FORGE_SEQUENCE(...) forge_tlv(0x30, FORGE_JOIN(__VA_ARGS__))

struct span forge_text(uint8_t tag, const char *text);

/* Bytes from hexadecimal digits. */
struct span forge_hex(const char *digits);

/* An extension; oid: hexadecimal content of the OID; value: what goes into the OCTET STRING. */
struct span forge_extension(const char *oid, bool is_critical, struct span value);

/* A Name with one CN. */
struct span forge_name(const char *cn);

/* subjectAltName, not critical; nameConstraints, critical. Content: GeneralNames; the two lists of
 * GeneralNames (each becomes a subtree; empty: no list). */
struct span forge_san(struct span names);
struct span forge_constraints(struct span permitted, struct span excluded);

/* A GeneralSubtree over a GeneralName. */
struct span forge_subtree(struct span name);

#endif
