#include "certs/key_pair.h"

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/rsa.h>

#include "certs/der.h"

enum {
    EC_POINT_MAX = 1 + 2 * 66, /* P-521, not compressed */
    RSA_MODULUS_MAX = 1024,    /* 8192 bits */
    RSA_EXPONENT_MAX = 16,
};

/* The content of the certificate's BIT STRING, without the count of unused bits. */
static bool take_public_bits(struct span key_info, struct span *bits)
{
    struct span info;
    struct span algorithm;

    if (!der_take_tag(&key_info, DER_SEQUENCE, &info) ||
        !der_take_tag(&info, DER_SEQUENCE, &algorithm) ||
        !der_take_tag(&info, DER_BIT_STRING, bits)) {
        return false;
    }
    *bits = span_after(*bits, 1);
    return true;
}

/* The point that belongs to the private number, as X9.63 bytes. */
static bool make_point(ecc_key *key, uint8_t *out, word32 *len)
{
    ecc_point *point = wc_ecc_new_point();
    bool is_made;

    if (point == NULL) {
        return false;
    }
    is_made = wc_ecc_make_pub(key, point) == 0 &&
              wc_ecc_export_point_der(key->idx, point, out, len) == 0;
    wc_ecc_del_point(point);
    return is_made;
}

static bool ec_matches(struct span key_der, struct span public_bits)
{
    uint8_t point[EC_POINT_MAX];
    word32 len = sizeof(point);
    word32 at = 0;
    ecc_key key;
    bool is_same = false;

    if (wc_ecc_init(&key) != 0) {
        return false;
    }
    if (wc_EccPrivateKeyDecode(key_der.data, &at, &key, (word32)key_der.len) == 0 &&
        make_point(&key, point, &len)) {
        is_same = span_equal(span_of(point, len), public_bits);
    }
    (void)wc_ecc_free(&key); /* cannot fail on a key that was initialised */
    return is_same;
}

/* The bytes of a positive number without leading zeros. */
static struct span trim(struct span number)
{
    uint8_t top;

    while (span_at(number, 0, &top) && top == 0) {
        number = span_after(number, 1);
    }
    return number;
}

/* RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER } */
static bool rsa_is(RsaKey *key, struct span public_bits)
{
    uint8_t modulus[RSA_MODULUS_MAX];
    uint8_t exponent[RSA_EXPONENT_MAX];
    word32 modulus_len = sizeof(modulus);
    word32 exponent_len = sizeof(exponent);
    struct span sequence;
    struct span n;
    struct span e;

    if (!der_take_tag(&public_bits, DER_SEQUENCE, &sequence) ||
        !der_take_tag(&sequence, DER_INTEGER, &n) || !der_take_tag(&sequence, DER_INTEGER, &e)) {
        return false;
    }
    return wc_RsaFlattenPublicKey(key, exponent, &exponent_len, modulus, &modulus_len) == 0 &&
           span_equal(trim(n), trim(span_of(modulus, modulus_len))) &&
           span_equal(trim(e), trim(span_of(exponent, exponent_len)));
}

static bool rsa_matches(struct span key_der, struct span public_bits)
{
    word32 at = 0;
    RsaKey key;
    bool is_same = false;

    if (wc_InitRsaKey(&key, NULL) != 0) {
        return false;
    }
    if (wc_RsaPrivateKeyDecode(key_der.data, &at, &key, (word32)key_der.len) == 0) {
        is_same = rsa_is(&key, public_bits);
    }
    (void)wc_FreeRsaKey(&key); /* cannot fail on a key that was initialised */
    return is_same;
}

bool key_pair_matches(struct span key_der, const struct cert_view *view)
{
    struct span bits;

    if (!take_public_bits(view->key_info, &bits)) {
        return false;
    }
    switch (view->key) {
    case CERT_KEY_EC:
        return ec_matches(key_der, bits);
    case CERT_KEY_RSA:
        return rsa_matches(key_der, bits);
    case CERT_KEY_OTHER:
        return false;
    }
    return false;
}
