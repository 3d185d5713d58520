#include "certs/digest.h"

#include <string.h>

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/hash.h>
#include <wolfssl/wolfcrypt/sha256.h>

bool digest_sha256(struct span bytes, uint8_t *out)
{
    uint8_t digest[WC_SHA256_DIGEST_SIZE];

    if (bytes.len > UINT32_MAX || wc_Sha256Hash(bytes.data, (word32)bytes.len, digest) != 0) {
        return false;
    }
    memcpy(out, digest, sizeof(digest));
    return true;
}

void digest_text(const uint8_t *digest, char *to)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < DIGEST_LEN; i++) {
        to[2 * i] = digits[digest[i] >> 4];
        to[2 * i + 1] = digits[digest[i] & 15];
    }
    to[DIGEST_TEXT_MAX - 1] = '\0';
}
