/*
 * One signature over DER bytes: wolfCrypt verifies, this names the algorithm and its strength.
 *
 * Floor 1. RFC 4055, 5758, 8410. Pure.
 */
#ifndef WARDGATE_SIGNATURE_H
#define WARDGATE_SIGNATURE_H

#include <stdbool.h>

#include "protocols/bytes.h"

enum signature_result {
    SIGNATURE_GOOD,
    SIGNATURE_BAD,         /* does not verify */
    SIGNATURE_UNSUPPORTED, /* an algorithm, curve or parameter that is not known here */
};

/* What the strict rules leave out and a trust may let in again for itself: bits. */
enum {
    SIGNATURE_ALLOWS_RSA_1024 = 1, /* RSA keys from 1024 bits on, not from 2048 */
    SIGNATURE_ALLOWS_SHA1 = 2,     /* signatures over SHA-1; those over MD5 never */
};

/* "", "RSA-1024", "SHA-1" or "RSA-1024 and SHA-1": what is let in, for people. */
const char *signature_allows_text(unsigned allows);

/* Algorithms that are too weak for the strict rules: `weak` is set for MD5 and SHA-1 (and stays
 * unset for SHA-256 and up, Ed25519). MD5 is never verified: UNSUPPORTED. SHA-1 is verified where
 * the library can, so that old public test suites can be run with the rules off.
 * algorithm: AlgorithmIdentifier with its header; signed_bytes: the tbs with its header; signature:
 * the bits (no unused bits); key_info: the signer's SubjectPublicKeyInfo with its header. */
enum signature_result signature_verify(struct span algorithm, struct span signed_bytes,
                                       struct span signature, struct span key_info, bool *weak);

/* Is the key strong enough under the strict rules (RSA >= 2048, EC P-256/384/521, Ed25519), less
 * what is allowed (SIGNATURE_ALLOWS_ bits; a smaller curve never is)? */
bool signature_key_is_strong(struct span key_info, unsigned allows);

/* The same for a signature that signature_verify found GOOD and `weak`, by the key in key_info. */
bool signature_is_strong(bool weak, struct span key_info, unsigned allows);

#endif
