#include "certs/signature_algorithm.h"

#include "certs/der.h"

enum { SALT_DEFAULT = 20, SALT_MAX = 64, DER_NULL = 0x05 };

/* Object identifiers as DER content. */
static const uint8_t oid_rsa[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 1};
static const uint8_t oid_mgf1[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 8};
static const uint8_t oid_pss[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 10};
static const uint8_t oid_rsa_md2[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 2};
static const uint8_t oid_rsa_md5[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 4};
static const uint8_t oid_rsa_sha1[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 5};
static const uint8_t oid_rsa_sha256[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 11};
static const uint8_t oid_rsa_sha384[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 12};
static const uint8_t oid_rsa_sha512[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 13};
static const uint8_t oid_dsa_sha1[] = {0x2A, 0x86, 0x48, 0xCE, 0x38, 4, 3};
static const uint8_t oid_ec[] = {0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1};
static const uint8_t oid_p256[] = {0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7};
static const uint8_t oid_p384[] = {0x2B, 0x81, 0x04, 0, 0x22};
static const uint8_t oid_p521[] = {0x2B, 0x81, 0x04, 0, 0x23};
static const uint8_t oid_ec_sha1[] = {0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 1};
static const uint8_t oid_ec_sha256[] = {0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 2};
static const uint8_t oid_ec_sha384[] = {0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 3};
static const uint8_t oid_ec_sha512[] = {0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 4};
static const uint8_t oid_ed25519[] = {0x2B, 0x65, 0x70};
static const uint8_t oid_sha1[] = {0x2B, 14, 3, 2, 26};
static const uint8_t oid_sha256[] = {0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1};
static const uint8_t oid_sha384[] = {0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2};
static const uint8_t oid_sha512[] = {0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3};

/* DigestInfo up to the hash, RFC 8017 9.2 note 1. */
static const uint8_t prefix_sha1[] = {0x30, 0x21, 0x30, 9, 6, 5, 0x2B, 14, 3, 2, 26, 5, 0, 4, 20};
static const uint8_t prefix_sha256[] = {0x30, 0x31, 0x30, 13, 6, 9, 0x60, 0x86, 0x48, 1,
                                        0x65, 3,    4,    2,  1, 5, 0,    4,    32};
static const uint8_t prefix_sha384[] = {0x30, 0x41, 0x30, 13, 6, 9, 0x60, 0x86, 0x48, 1,
                                        0x65, 3,    4,    2,  2, 5, 0,    4,    48};
static const uint8_t prefix_sha512[] = {0x30, 0x51, 0x30, 13, 6, 9, 0x60, 0x86, 0x48, 1,
                                        0x65, 3,    4,    2,  3, 5, 0,    4,    64};

#define SPAN_OF(bytes)     span_of((bytes), sizeof(bytes))
#define IS_OID(value, oid) span_equal((value), SPAN_OF(oid))

/* AlgorithmIdentifier ::= SEQUENCE { algorithm OID, parameters ANY OPTIONAL } */
static bool open_algorithm(struct span whole, struct span *oid, struct span *parameters)
{
    struct span content;

    if (!der_take_tag(&whole, DER_SEQUENCE, &content) || whole.len != 0 ||
        !der_take_tag(&content, DER_OID, oid)) {
        return false;
    }
    *parameters = content;
    return true;
}

/* NULL, or nothing: RFC 4055 2.1 and 5 want both to be understood for RSA. */
static bool is_null_or_none(struct span parameters)
{
    struct span value;

    return parameters.len == 0 ||
           (der_take_tag(&parameters, DER_NULL, &value) && value.len == 0 && parameters.len == 0);
}

size_t signature_hash_len(enum signature_hash hash)
{
    switch (hash) {
    case SIGNATURE_SHA1:
        return 20;
    case SIGNATURE_SHA256:
        return 32;
    case SIGNATURE_SHA384:
        return 48;
    case SIGNATURE_SHA512:
        return 64;
    }
    return 0;
}

struct span signature_digest_prefix(enum signature_hash hash)
{
    switch (hash) {
    case SIGNATURE_SHA1:
        return SPAN_OF(prefix_sha1);
    case SIGNATURE_SHA256:
        return SPAN_OF(prefix_sha256);
    case SIGNATURE_SHA384:
        return SPAN_OF(prefix_sha384);
    case SIGNATURE_SHA512:
        return SPAN_OF(prefix_sha512);
    }
    return span_of(NULL, 0);
}

bool signature_is_positive(struct span integer)
{
    uint8_t first;
    uint8_t second;

    if (!span_at(integer, 0, &first) || first >= 0x80) {
        return false;
    }
    if (first != 0) {
        return true;
    }
    /* A leading zero belongs there only to keep the sign bit clear; 00 alone is zero. */
    return span_at(integer, 1, &second) && second >= 0x80;
}

/* A hash's AlgorithmIdentifier. */
static bool read_hash(struct span algorithm, enum signature_hash *out)
{
    const struct {
        struct span oid;
        enum signature_hash hash;
    } hashes[] = {
        {SPAN_OF(oid_sha1), SIGNATURE_SHA1},
        {SPAN_OF(oid_sha256), SIGNATURE_SHA256},
        {SPAN_OF(oid_sha384), SIGNATURE_SHA384},
        {SPAN_OF(oid_sha512), SIGNATURE_SHA512},
    };
    struct span oid;
    struct span parameters;

    if (!open_algorithm(algorithm, &oid, &parameters) || !is_null_or_none(parameters)) {
        return false;
    }
    for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
        if (span_equal(oid, hashes[i].oid)) {
            *out = hashes[i].hash;
            return true;
        }
    }
    return false;
}

/* maskGenAlgorithm: MGF1 with the same hash as the message (RFC 4055 3.1 recommends it, and nothing
 * else is in use). */
static bool is_same_mask(struct span algorithm, enum signature_hash hash)
{
    struct span oid;
    struct span parameters;
    enum signature_hash mask;

    return open_algorithm(algorithm, &oid, &parameters) && IS_OID(oid, oid_mgf1) &&
           read_hash(parameters, &mask) && mask == hash;
}

static bool read_salt_len(struct span field, uint8_t *out)
{
    struct span value;
    uint8_t byte;

    if (!der_take_tag(&field, DER_INTEGER, &value) || field.len != 0 || value.len != 1 ||
        !span_at(value, 0, &byte) || byte > SALT_MAX) {
        return false;
    }
    *out = byte;
    return true;
}

/* trailerField: 1 is the only one there is. */
static bool is_trailer_one(struct span field)
{
    struct span value;
    uint8_t byte;

    return der_take_tag(&field, DER_INTEGER, &value) && field.len == 0 && value.len == 1 &&
           span_at(value, 0, &byte) && byte == 1;
}

/* RSASSA-PSS-params, RFC 4055 3.1; what is missing has SHA-1, MGF1 with SHA-1, 20 bytes, 1. */
static bool read_pss(struct span whole, struct signature_algorithm *out)
{
    struct span content;
    struct span field[4];
    bool is_there[4];

    out->hash = SIGNATURE_SHA1;
    out->salt_len = SALT_DEFAULT;
    out->parameters = whole;
    if (!der_take_tag(&whole, DER_SEQUENCE, &content) || whole.len != 0) {
        return false;
    }
    for (uint8_t i = 0; i < 4; i++) {
        if (!der_take_optional(&content, DER_CONTEXT_CONSTRUCTED(i), &field[i], &is_there[i])) {
            return false;
        }
    }
    if (content.len != 0 || (is_there[0] && !read_hash(field[0], &out->hash))) {
        return false;
    }
    if (is_there[1] ? !is_same_mask(field[1], out->hash) : out->hash != SIGNATURE_SHA1) {
        return false;
    }
    return (!is_there[2] || read_salt_len(field[2], &out->salt_len)) &&
           (!is_there[3] || is_trailer_one(field[3]));
}

/* One algorithm without parameters of its own. */
struct known {
    struct span oid;
    enum signature_kind kind;
    enum signature_hash hash;
};

bool signature_algorithm_read(struct span algorithm, struct signature_algorithm *out)
{
    const struct known known[] = {
        {SPAN_OF(oid_rsa_sha1), SIGNATURE_RSA_PKCS1, SIGNATURE_SHA1},
        {SPAN_OF(oid_rsa_sha256), SIGNATURE_RSA_PKCS1, SIGNATURE_SHA256},
        {SPAN_OF(oid_rsa_sha384), SIGNATURE_RSA_PKCS1, SIGNATURE_SHA384},
        {SPAN_OF(oid_rsa_sha512), SIGNATURE_RSA_PKCS1, SIGNATURE_SHA512},
        {SPAN_OF(oid_ec_sha1), SIGNATURE_ECDSA, SIGNATURE_SHA1},
        {SPAN_OF(oid_ec_sha256), SIGNATURE_ECDSA, SIGNATURE_SHA256},
        {SPAN_OF(oid_ec_sha384), SIGNATURE_ECDSA, SIGNATURE_SHA384},
        {SPAN_OF(oid_ec_sha512), SIGNATURE_ECDSA, SIGNATURE_SHA512},
        {SPAN_OF(oid_ed25519), SIGNATURE_ED25519, SIGNATURE_SHA512},
    };
    struct signature_algorithm found = {.kind = SIGNATURE_RSA_PSS};
    struct span oid;
    struct span parameters;

    if (!open_algorithm(algorithm, &oid, &parameters)) {
        return false;
    }
    if (IS_OID(oid, oid_pss)) {
        if (!read_pss(parameters, &found)) {
            return false;
        }
        *out = found;
        return true;
    }
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        bool is_rsa = known[i].kind == SIGNATURE_RSA_PKCS1;
        if (span_equal(oid, known[i].oid) &&
            (is_rsa ? is_null_or_none(parameters) : parameters.len == 0)) {
            found.kind = known[i].kind;
            found.hash = known[i].hash;
            *out = found;
            return true;
        }
    }
    return false;
}

bool signature_algorithm_is_weak(struct span algorithm)
{
    struct signature_algorithm pss;
    struct span oid;
    struct span parameters;

    if (!open_algorithm(algorithm, &oid, &parameters)) {
        return false;
    }
    if (IS_OID(oid, oid_pss)) {
        return !read_pss(parameters, &pss) || pss.hash == SIGNATURE_SHA1;
    }
    return IS_OID(oid, oid_rsa_md2) || IS_OID(oid, oid_rsa_md5) || IS_OID(oid, oid_rsa_sha1) ||
           IS_OID(oid, oid_ec_sha1) || IS_OID(oid, oid_dsa_sha1);
}

bool signature_algorithm_is_sha1(struct span algorithm)
{
    struct signature_algorithm a;

    return signature_algorithm_read(algorithm, &a) && a.kind != SIGNATURE_ED25519 &&
           a.hash == SIGNATURE_SHA1;
}

/* Bits of a number without leading zeros. */
static unsigned count_bits(struct span number)
{
    uint8_t top = 0;
    unsigned bits;

    /* Longer than any key; the cap keeps the product small. */
    if (!span_at(number, 0, &top) || number.len > 8192) {
        return 0;
    }
    bits = (unsigned)(number.len - 1) * 8;
    for (; top != 0; top >>= 1) {
        bits++;
    }
    return bits;
}

/* A positive INTEGER without the zero that keeps its sign. */
static bool take_positive(struct span *from, struct span *out)
{
    uint8_t first;

    if (!der_take_tag(from, DER_INTEGER, out) || !signature_is_positive(*out)) {
        return false;
    }
    if (span_at(*out, 0, &first) && first == 0) {
        *out = span_after(*out, 1);
    }
    return true;
}

/* RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER } */
static bool read_rsa(struct span bits, struct signature_key *out)
{
    struct span both;
    uint8_t last;

    if (!der_take_tag(&bits, DER_SEQUENCE, &both) || bits.len != 0 ||
        !take_positive(&both, &out->number) || !take_positive(&both, &out->exponent) ||
        both.len != 0) {
        return false;
    }
    out->bits = count_bits(out->number);
    /* An exponent of 1 would make everybody's signature good; even ones are none. */
    return span_at(out->exponent, out->exponent.len - 1, &last) && last % 2 == 1 &&
           (out->exponent.len > 1 || last >= 3);
}

/* A named curve and an uncompressed point on it (RFC 5480 2.1.1 and 2.2). Explicit parameters are
 * what CVE-2020-0601 was made of. */
static bool read_ec(struct span parameters, struct span bits, struct signature_key *out)
{
    struct span curve;
    uint8_t form;

    if (!der_take_tag(&parameters, DER_OID, &curve) || parameters.len != 0) {
        return false;
    }
    if (IS_OID(curve, oid_p256)) {
        out->bits = 256;
    } else if (IS_OID(curve, oid_p384)) {
        out->bits = 384;
    } else if (IS_OID(curve, oid_p521)) {
        out->bits = 521;
    } else {
        return false;
    }
    out->number = bits;
    return bits.len == 1 + 2 * (((size_t)out->bits + 7) / 8) && span_at(bits, 0, &form) &&
           form == 4;
}

/* By the key's algorithm. */
static bool read_by_oid(struct span oid, struct span parameters, struct span bits,
                        struct signature_key *out)
{
    if (IS_OID(oid, oid_rsa)) {
        out->kind = SIGNATURE_KEY_RSA;
        return is_null_or_none(parameters) && read_rsa(bits, out);
    }
    if (IS_OID(oid, oid_pss)) {
        out->kind = SIGNATURE_KEY_RSA_PSS;
        out->parameters = parameters;
        return read_rsa(bits, out);
    }
    if (IS_OID(oid, oid_ec)) {
        out->kind = SIGNATURE_KEY_EC;
        return read_ec(parameters, bits, out);
    }
    if (IS_OID(oid, oid_ed25519)) {
        out->kind = SIGNATURE_KEY_ED25519;
        out->bits = 256;
        out->number = bits;
        return parameters.len == 0 && bits.len == 32;
    }
    return false;
}

bool signature_key_read(struct span key_info, struct signature_key *out)
{
    struct signature_key key = {.bits = 0};
    struct span info;
    struct span algorithm;
    struct span oid;
    struct span parameters;
    struct span bits;
    uint8_t unused;

    if (!der_take_tag(&key_info, DER_SEQUENCE, &info) || key_info.len != 0 ||
        !der_take_whole(&info, &algorithm) || !open_algorithm(algorithm, &oid, &parameters) ||
        !der_take_tag(&info, DER_BIT_STRING, &bits) || info.len != 0 ||
        !span_take_u8(&bits, &unused) || unused != 0 || !read_by_oid(oid, parameters, bits, &key)) {
        return false;
    }
    *out = key;
    return true;
}
