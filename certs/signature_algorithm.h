/*
 * What an AlgorithmIdentifier and a SubjectPublicKeyInfo say (RFC 3279, 4055, 5480, 5758, 8410).
 *
 * Floor 1, pure; inside of signature.c and for its tests. Everything borrows from the DER it was
 * read from. Strict: named curves only, uncompressed points, no parameters where none belong.
 */
#ifndef WARDGATE_SIGNATURE_ALGORITHM_H
#define WARDGATE_SIGNATURE_ALGORITHM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocols/bytes.h"

enum { SIGNATURE_HASH_MAX = 64 };

enum signature_hash { SIGNATURE_SHA1, SIGNATURE_SHA256, SIGNATURE_SHA384, SIGNATURE_SHA512 };

enum signature_kind { SIGNATURE_RSA_PKCS1, SIGNATURE_RSA_PSS, SIGNATURE_ECDSA, SIGNATURE_ED25519 };

struct signature_algorithm {
    enum signature_kind kind;
    enum signature_hash hash; /* not for Ed25519 */
    uint8_t salt_len;         /* RSA-PSS, bytes */
    struct span parameters;   /* RSA-PSS, with their header */
};

enum signature_key_kind {
    SIGNATURE_KEY_RSA,
    SIGNATURE_KEY_RSA_PSS, /* id-RSASSA-PSS: for no other padding */
    SIGNATURE_KEY_EC,
    SIGNATURE_KEY_ED25519,
};

struct signature_key {
    enum signature_key_kind kind;
    unsigned bits;        /* RSA modulus or EC field; 256 for Ed25519 */
    struct span number;   /* RSA: modulus without leading zeros; EC: the point; Ed25519: the key */
    struct span exponent; /* RSA, without leading zeros */
    struct span parameters; /* RSA-PSS, with their header; may be empty */
};

/* Read an AlgorithmIdentifier of a signature (with its header). False: broken or not known. */
bool signature_algorithm_read(struct span algorithm, struct signature_algorithm *out);

/* Is it one of MD2, MD5 or SHA-1? Also for those that signature_algorithm_read does not know. */
bool signature_algorithm_is_weak(struct span algorithm);

/* Is it one of SHA-1 that signature_algorithm_read knows? */
bool signature_algorithm_is_sha1(struct span algorithm);

/* Read a SubjectPublicKeyInfo (with its header). False: broken or not known. */
bool signature_key_read(struct span key_info, struct signature_key *out);

size_t signature_hash_len(enum signature_hash hash);

/* What stands before the hash in a DigestInfo. */
struct span signature_digest_prefix(enum signature_hash hash);

/* Is the content of an INTEGER a positive number in its shortest form? */
bool signature_is_positive(struct span integer);

#endif
