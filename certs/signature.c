#include "certs/signature.h"

#include <string.h>

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/ed25519.h>
#include <wolfssl/wolfcrypt/hash.h>
#include <wolfssl/wolfcrypt/rsa.h>

#include "certs/der.h"
#include "certs/signature_algorithm.h"

enum {
    RSA_BYTES_MIN = 64,  /* 512 bits: less is noise; what is strong is asked elsewhere */
    RSA_BYTES_MAX = 512, /* 4096 bits: what the library is built for */
    RSA_EXPONENT_MAX = 8,
    DIGEST_INFO_MAX = 19 + SIGNATURE_HASH_MAX,
    ED25519_KEY_BYTES = 32,
    ED25519_SIGNATURE_BYTES = 64,
};

/* What every verifier below gets. */
struct job {
    const struct signature_algorithm *algorithm;
    const struct signature_key *key;
    struct span signed_bytes;
    struct span signature;
};

static enum wc_HashType hash_type(enum signature_hash hash)
{
    switch (hash) {
    case SIGNATURE_SHA1:
        return WC_HASH_TYPE_SHA;
    case SIGNATURE_SHA256:
        return WC_HASH_TYPE_SHA256;
    case SIGNATURE_SHA384:
        return WC_HASH_TYPE_SHA384;
    case SIGNATURE_SHA512:
        return WC_HASH_TYPE_SHA512;
    }
    return WC_HASH_TYPE_NONE;
}

static bool make_hash(const struct job *job, uint8_t out[SIGNATURE_HASH_MAX], size_t *len)
{
    *len = signature_hash_len(job->algorithm->hash);
    return job->signed_bytes.len > 0 && job->signed_bytes.len <= UINT32_MAX &&
           wc_Hash(hash_type(job->algorithm->hash), job->signed_bytes.data,
                   (word32)job->signed_bytes.len, out, (word32)*len) == 0;
}

/* DigestInfo of RFC 8017 9.2, built and then compared as a whole: nothing in a signature is parsed,
 * so nothing can hide in it (Bleichenbacher's forgery of 2006). */
static bool is_digest_info(const struct job *job, struct span plain)
{
    uint8_t hash[SIGNATURE_HASH_MAX];
    uint8_t bytes[DIGEST_INFO_MAX];
    struct room expected = room_of(bytes, sizeof(bytes));
    size_t len;

    return make_hash(job, hash, &len) &&
           room_put(&expected, signature_digest_prefix(job->algorithm->hash)) &&
           room_put(&expected, span_of(hash, len)) && span_equal(room_span(&expected), plain);
}

static enum signature_result verify_pkcs1(const struct job *job, RsaKey *key)
{
    uint8_t plain[RSA_BYTES_MAX];
    int len = wc_RsaSSL_Verify(job->signature.data, (word32)job->signature.len, plain,
                               sizeof(plain), key);

    return len > 0 && is_digest_info(job, span_of(plain, (size_t)len)) ? SIGNATURE_GOOD
                                                                       : SIGNATURE_BAD;
}

static int mask_of(enum signature_hash hash)
{
    switch (hash) {
    case SIGNATURE_SHA1:
        return WC_MGF1SHA1;
    case SIGNATURE_SHA256:
        return WC_MGF1SHA256;
    case SIGNATURE_SHA384:
        return WC_MGF1SHA384;
    case SIGNATURE_SHA512:
        return WC_MGF1SHA512;
    }
    return WC_MGF1NONE;
}

/* RFC 8017 8.1.2. */
static enum signature_result verify_pss(const struct job *job, RsaKey *key)
{
    uint8_t copy[RSA_BYTES_MAX];
    uint8_t plain[RSA_BYTES_MAX];
    uint8_t hash[SIGNATURE_HASH_MAX];
    enum wc_HashType type = hash_type(job->algorithm->hash);
    int salt_len = (int)job->algorithm->salt_len;
    size_t hash_len;
    int len;

    if (!make_hash(job, hash, &hash_len)) {
        return SIGNATURE_BAD;
    }
    /* The library wants a buffer that it may write to. */
    memcpy(copy, job->signature.data, job->signature.len);
    len = wc_RsaPSS_Verify_ex(copy, (word32)job->signature.len, plain, sizeof(plain), type,
                              mask_of(job->algorithm->hash), salt_len, key);
    if (len <= 0 || wc_RsaPSS_CheckPadding_ex(hash, (word32)hash_len, plain, (word32)len, type,
                                              salt_len, (int)job->key->bits) != 0) {
        return SIGNATURE_BAD;
    }
    return SIGNATURE_GOOD;
}

static enum signature_result verify_rsa(const struct job *job)
{
    const struct signature_key *k = job->key;
    enum signature_result result = SIGNATURE_UNSUPPORTED;
    RsaKey key;

    /* Long exponents would make a hostile certificate expensive; none is in use. */
    if (k->number.len < RSA_BYTES_MIN || k->number.len > RSA_BYTES_MAX || k->exponent.len == 0 ||
        k->exponent.len > RSA_EXPONENT_MAX) {
        return SIGNATURE_UNSUPPORTED;
    }
    if (job->signature.len != k->number.len || wc_InitRsaKey(&key, NULL) != 0) {
        return SIGNATURE_BAD;
    }
    if (wc_RsaPublicKeyDecodeRaw(k->number.data, (word32)k->number.len, k->exponent.data,
                                 (word32)k->exponent.len, &key) == 0) {
        result = job->algorithm->kind == SIGNATURE_RSA_PSS ? verify_pss(job, &key)
                                                           : verify_pkcs1(job, &key);
    }
    (void)wc_FreeRsaKey(&key); /* cannot fail on a key that was initialised */
    return result;
}

/* Ecdsa-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER }: strict, because a library that reads it
 * leniently would let one signature have many spellings. */
static bool is_ec_signature(struct span der)
{
    struct span both;
    struct span r;
    struct span s;

    return der_take_tag(&der, DER_SEQUENCE, &both) && der.len == 0 &&
           der_take_tag(&both, DER_INTEGER, &r) && der_take_tag(&both, DER_INTEGER, &s) &&
           both.len == 0 && signature_is_positive(r) && signature_is_positive(s);
}

static int curve_id(unsigned bits)
{
    switch (bits) {
    case 256:
        return ECC_SECP256R1;
    case 384:
        return ECC_SECP384R1;
    case 521:
        return ECC_SECP521R1;
    default:
        return ECC_CURVE_INVALID;
    }
}

static enum signature_result verify_point(const struct job *job, ecc_key *key)
{
    uint8_t hash[SIGNATURE_HASH_MAX];
    size_t len;
    int is_good = 0;

    if (!make_hash(job, hash, &len) ||
        wc_ecc_import_x963_ex(job->key->number.data, (word32)job->key->number.len, key,
                              curve_id(job->key->bits)) != 0 ||
        wc_ecc_check_key(key) != 0) {
        return SIGNATURE_BAD;
    }
    if (wc_ecc_verify_hash(job->signature.data, (word32)job->signature.len, hash, (word32)len,
                           &is_good, key) != 0) {
        return SIGNATURE_BAD;
    }
    return is_good == 1 ? SIGNATURE_GOOD : SIGNATURE_BAD;
}

static enum signature_result verify_ec(const struct job *job)
{
    enum signature_result result;
    ecc_key key;

    if (curve_id(job->key->bits) == ECC_CURVE_INVALID) {
        return SIGNATURE_UNSUPPORTED;
    }
    if (!is_ec_signature(job->signature) || wc_ecc_init(&key) != 0) {
        return SIGNATURE_BAD;
    }
    result = verify_point(job, &key);
    (void)wc_ecc_free(&key); /* cannot fail on a key that was initialised */
    return result;
}

static enum signature_result verify_ed25519(const struct job *job)
{
    enum signature_result result = SIGNATURE_BAD;
    int is_good = 0;
    ed25519_key key;

    if (job->key->number.len != ED25519_KEY_BYTES ||
        job->signature.len != ED25519_SIGNATURE_BYTES || job->signed_bytes.len > UINT32_MAX ||
        wc_ed25519_init(&key) != 0) {
        return SIGNATURE_BAD;
    }
    if (wc_ed25519_import_public(job->key->number.data, ED25519_KEY_BYTES, &key) == 0 &&
        wc_ed25519_verify_msg(job->signature.data, (word32)job->signature.len,
                              job->signed_bytes.data, (word32)job->signed_bytes.len, &is_good,
                              &key) == 0 &&
        is_good == 1) {
        result = SIGNATURE_GOOD;
    }
    wc_ed25519_free(&key);
    return result;
}

/* Does a key of that kind make signatures of this algorithm? */
static bool fits(const struct signature_algorithm *algorithm, const struct signature_key *key)
{
    switch (algorithm->kind) {
    case SIGNATURE_RSA_PKCS1:
        return key->kind == SIGNATURE_KEY_RSA;
    case SIGNATURE_RSA_PSS:
        /* RFC 4055 3.1: parameters in the key bind the signature to themselves. */
        return key->kind == SIGNATURE_KEY_RSA ||
               (key->kind == SIGNATURE_KEY_RSA_PSS &&
                (key->parameters.len == 0 || span_equal(key->parameters, algorithm->parameters)));
    case SIGNATURE_ECDSA:
        return key->kind == SIGNATURE_KEY_EC;
    case SIGNATURE_ED25519:
        return key->kind == SIGNATURE_KEY_ED25519;
    }
    return false;
}

enum signature_result signature_verify(struct span algorithm, struct span signed_bytes,
                                       struct span signature, struct span key_info, bool *weak)
{
    struct signature_algorithm a;
    struct signature_key key;
    struct job job = {&a, &key, signed_bytes, signature};

    *weak = signature_algorithm_is_weak(algorithm);
    if (!signature_algorithm_read(algorithm, &a) || !signature_key_read(key_info, &key) ||
        !fits(&a, &key)) {
        return SIGNATURE_UNSUPPORTED;
    }
    switch (a.kind) {
    case SIGNATURE_RSA_PKCS1:
    case SIGNATURE_RSA_PSS:
        return verify_rsa(&job);
    case SIGNATURE_ECDSA:
        return verify_ec(&job);
    case SIGNATURE_ED25519:
        return verify_ed25519(&job);
    }
    return SIGNATURE_UNSUPPORTED;
}

bool signature_key_is_strong(struct span key_info, unsigned allows)
{
    unsigned rsa_min = (allows & (unsigned)SIGNATURE_ALLOWS_RSA_1024) != 0 ? 1024 : 2048;
    struct signature_key key;

    if (!signature_key_read(key_info, &key)) {
        return false;
    }
    switch (key.kind) {
    case SIGNATURE_KEY_RSA:
    case SIGNATURE_KEY_RSA_PSS:
        /* Whole bytes: no sound generator makes a modulus of 2052 bits (CA/B BR 6.1.5). */
        return key.bits >= rsa_min && key.bits % 8 == 0;
    case SIGNATURE_KEY_EC:
        return key.bits >= 256;
    case SIGNATURE_KEY_ED25519:
        return true;
    }
    return false;
}

bool signature_is_strong(bool weak, struct span key_info, unsigned allows)
{
    /* `weak` and GOOD is SHA-1: nothing else that is weak is ever verified. */
    return (!weak || (allows & (unsigned)SIGNATURE_ALLOWS_SHA1) != 0) &&
           signature_key_is_strong(key_info, allows);
}

const char *signature_allows_text(unsigned allows)
{
    bool allows_sha1 = (allows & (unsigned)SIGNATURE_ALLOWS_SHA1) != 0;

    if ((allows & (unsigned)SIGNATURE_ALLOWS_RSA_1024) == 0) {
        return allows_sha1 ? "SHA-1" : "";
    }
    return allows_sha1 ? "RSA-1024 and SHA-1" : "RSA-1024";
}
