/*
 * Digest: SHA-256 over bytes, as a name for what is stored or compared. Not for secrets.
 *
 * Floor 1, pure, any thread.
 */
#ifndef WARDGATE_DIGEST_H
#define WARDGATE_DIGEST_H

#include <stdbool.h>
#include <stdint.h>

#include "protocols/bytes.h"

enum { DIGEST_LEN = 32, DIGEST_TEXT_MAX = 2 * DIGEST_LEN + 1 };

/* FIPS 180-4. `out`: DIGEST_LEN bytes. False when the library failed (no memory): *out is then
 * unchanged. */
bool digest_sha256(struct span bytes, uint8_t *out);

/* Lower-case hexadecimal of DIGEST_LEN bytes; `to`: DIGEST_TEXT_MAX bytes. */
void digest_text(const uint8_t *digest, char *to);

#endif
