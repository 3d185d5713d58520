#include "certs/cert.h"

#include "certs/der.h"
#include "certs/signature.h"

/* Object identifiers as DER content. */
static const uint8_t oid_basic_constraints[] = {0x55, 0x1D, 0x13};
static const uint8_t oid_key_usage[] = {0x55, 0x1D, 0x0F};
static const uint8_t oid_ext_key_usage[] = {0x55, 0x1D, 0x25};
static const uint8_t oid_subject_alt_name[] = {0x55, 0x1D, 0x11};
static const uint8_t oid_name_constraints[] = {0x55, 0x1D, 0x1E};
static const uint8_t oid_ocsp_nocheck[] = {0x2B, 6, 1, 5, 5, 7, 0x30, 1, 5};
static const uint8_t oid_eku_server[] = {0x2B, 6, 1, 5, 5, 7, 3, 1};
static const uint8_t oid_eku_client[] = {0x2B, 6, 1, 5, 5, 7, 3, 2};
static const uint8_t oid_eku_ocsp[] = {0x2B, 6, 1, 5, 5, 7, 3, 9};
static const uint8_t oid_eku_any[] = {0x55, 0x1D, 0x25, 0x00};
static const uint8_t oid_rsa[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 1};
static const uint8_t oid_ec[] = {0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1};
static const uint8_t oid_p256[] = {0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7};
static const uint8_t oid_p384[] = {0x2B, 0x81, 0x04, 0, 0x22};
static const uint8_t oid_p521[] = {0x2B, 0x81, 0x04, 0, 0x23};
static const uint8_t oid_rsa_sha1[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 5};
static const uint8_t oid_rsa_sha256[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 11};
static const uint8_t oid_rsa_sha384[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 12};
static const uint8_t oid_rsa_sha512[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 13};
static const uint8_t oid_rsa_pss[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 10};
static const uint8_t oid_ec_sha1[] = {0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 1};
static const uint8_t oid_ec_sha256[] = {0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 2};
static const uint8_t oid_ec_sha384[] = {0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 3};
static const uint8_t oid_ec_sha512[] = {0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 4};
static const uint8_t oid_ed25519[] = {0x2B, 0x65, 0x70};

#define IS_OID(value, oid) span_equal((value), span_of((oid), sizeof(oid)))

/* Signature algorithms with SHA-256 or better (RSA-PSS: wolfSSL checks its parameters). */
static bool is_hash_strong(struct span oid)
{
    return IS_OID(oid, oid_rsa_sha256) || IS_OID(oid, oid_rsa_sha384) ||
           IS_OID(oid, oid_rsa_sha512) || IS_OID(oid, oid_rsa_pss) || IS_OID(oid, oid_ec_sha256) ||
           IS_OID(oid, oid_ec_sha384) || IS_OID(oid, oid_ec_sha512) || IS_OID(oid, oid_ed25519);
}

static bool is_hash_sha1(struct span oid)
{
    return IS_OID(oid, oid_rsa_sha1) || IS_OID(oid, oid_ec_sha1);
}

/* Bits of a positive INTEGER's content. */
static unsigned integer_bits(struct span value)
{
    uint8_t top = 0;
    unsigned bits;

    while (span_at(value, 0, &top) && top == 0) {
        value = span_after(value, 1);
    }
    /* No key that anybody uses is longer; the cap keeps the product small. */
    if (value.len == 0 || value.len > 4096) {
        return 0;
    }
    bits = (unsigned)(value.len - 1) * 8;
    while (top != 0) {
        bits++;
        top >>= 1;
    }
    return bits;
}

/* The modulus in the BIT STRING of an RSA key. */
static unsigned rsa_bits(struct span bit_string)
{
    struct span key = span_after(bit_string, 1); /* the count of unused bits: 0 */
    struct span sequence;
    struct span modulus;

    if (!der_take_tag(&key, DER_SEQUENCE, &sequence) ||
        !der_take_tag(&sequence, DER_INTEGER, &modulus)) {
        return 0;
    }
    return integer_bits(modulus);
}

static unsigned ec_bits(struct span curve)
{
    if (IS_OID(curve, oid_p256)) {
        return 256;
    }
    if (IS_OID(curve, oid_p384)) {
        return 384;
    }
    if (IS_OID(curve, oid_p521)) {
        return 521;
    }
    return 0;
}

/* SubjectPublicKeyInfo. */
static bool read_key(struct span whole, struct cert_view *out)
{
    struct span info;
    struct span algorithm;
    struct span oid;
    struct span bits;
    struct span curve;

    out->key_info = whole;
    if (!der_take_tag(&whole, DER_SEQUENCE, &info) ||
        !der_take_tag(&info, DER_SEQUENCE, &algorithm) ||
        !der_take_tag(&algorithm, DER_OID, &oid) || !der_take_tag(&info, DER_BIT_STRING, &bits)) {
        return false;
    }
    if (IS_OID(oid, oid_rsa)) {
        out->key = CERT_KEY_RSA;
        out->key_bits = rsa_bits(bits);
    } else if (IS_OID(oid, oid_ec) && der_take_tag(&algorithm, DER_OID, &curve)) {
        out->key = CERT_KEY_EC;
        out->key_bits = ec_bits(curve);
    }
    return true;
}

/* BasicConstraints ::= SEQUENCE { cA BOOLEAN DEFAULT FALSE, pathLenConstraint INTEGER OPTIONAL } */
static bool read_basic_constraints(struct span value, struct cert_view *out)
{
    struct span sequence;
    uint8_t tag;

    if (!der_take_tag(&value, DER_SEQUENCE, &sequence) || value.len != 0) {
        return false;
    }
    if (span_at(sequence, 0, &tag) && tag == DER_BOOLEAN) {
        return der_take_bool(&sequence, &out->is_ca);
    }
    return true;
}

/* KeyUsage ::= BIT STRING: the first bit is digitalSignature, the sixth keyCertSign. */
static bool read_key_usage(struct span value, struct cert_view *out)
{
    struct span bits;
    uint8_t unused;
    uint8_t first = 0;

    if (!der_take_tag(&value, DER_BIT_STRING, &bits) || value.len != 0 ||
        !span_take_u8(&bits, &unused) || unused > 7) {
        return false;
    }
    (void)span_take_u8(&bits, &first); /* an empty string grants nothing */
    out->has_key_usage = true;
    out->may_sign = (first & 0x80) != 0;
    out->may_sign_certs = (first & 0x04) != 0;
    return true;
}

static bool read_ext_key_usage(struct span value, struct cert_view *out)
{
    struct span list;

    if (!der_take_tag(&value, DER_SEQUENCE, &list) || value.len != 0) {
        return false;
    }
    out->has_eku = true;
    while (list.len > 0) {
        struct span oid;
        if (!der_take_tag(&list, DER_OID, &oid)) {
            return false;
        }
        if (IS_OID(oid, oid_eku_server)) {
            out->eku |= CERT_EKU_SERVER;
        } else if (IS_OID(oid, oid_eku_client)) {
            out->eku |= CERT_EKU_CLIENT;
        } else if (IS_OID(oid, oid_eku_ocsp)) {
            out->eku |= CERT_EKU_OCSP;
        } else if (IS_OID(oid, oid_eku_any)) {
            out->eku |= CERT_EKU_ANY;
        }
    }
    return true;
}

/* GeneralSubtrees: the kinds of name that are limited. */
static bool read_subtrees(struct span trees, struct cert_view *out)
{
    while (trees.len > 0) {
        struct span tree;
        struct span base;
        uint8_t tag;
        if (!der_take_tag(&trees, DER_SEQUENCE, &tree) || !der_take(&tree, &tag, &base)) {
            return false;
        }
        if (tag != DER_CONTEXT(1) && tag != DER_CONTEXT(2) && tag != DER_CONTEXT_CONSTRUCTED(4)) {
            out->limits_other_names = true;
        }
    }
    return true;
}

/* NameConstraints. wolfSSL checks dNSName [2], rfc822Name [1] and directoryName [4]; it lets
 * constraints on URIs and IP addresses pass unread, and those are names that we match. */
static bool read_name_constraints(struct span value, struct cert_view *out)
{
    struct span both;

    if (!der_take_tag(&value, DER_SEQUENCE, &both) || value.len != 0) {
        return false;
    }
    while (both.len > 0) {
        struct span trees;
        uint8_t side;
        if (!der_take(&both, &side, &trees) || !read_subtrees(trees, out)) {
            return false;
        }
    }
    return true;
}

static bool read_alt_names(struct span value, struct cert_view *out)
{
    return der_take_tag(&value, DER_SEQUENCE, &out->san) && value.len == 0;
}

/* RFC 6960 4.2.2.2.1: NULL. Anything else is not that promise, and grants nothing. */
static bool read_ocsp_nocheck(struct span value, struct cert_view *out)
{
    static const uint8_t der_null[] = {0x05, 0x00};

    out->is_ocsp_nocheck = span_equal(value, span_of(der_null, sizeof(der_null)));
    return true;
}

typedef bool (*extension_reader)(struct span value, struct cert_view *out);

struct extension_rule {
    struct span oid;
    extension_reader read;
};

/* One Extension; `seen` has a bit for each known one, because RFC 5280 4.2 forbids a second. */
static bool read_extension(struct span extension, unsigned *seen, struct cert_view *out)
{
    const struct extension_rule rules[] = {
        {span_of(oid_basic_constraints, sizeof(oid_basic_constraints)), read_basic_constraints},
        {span_of(oid_key_usage, sizeof(oid_key_usage)), read_key_usage},
        {span_of(oid_ext_key_usage, sizeof(oid_ext_key_usage)), read_ext_key_usage},
        {span_of(oid_subject_alt_name, sizeof(oid_subject_alt_name)), read_alt_names},
        {span_of(oid_name_constraints, sizeof(oid_name_constraints)), read_name_constraints},
        {span_of(oid_ocsp_nocheck, sizeof(oid_ocsp_nocheck)), read_ocsp_nocheck},
    };
    struct span oid;
    struct span critical;
    struct span value;
    bool present;

    if (!der_take_tag(&extension, DER_OID, &oid) ||
        !der_take_optional(&extension, DER_BOOLEAN, &critical, &present) ||
        !der_take_tag(&extension, DER_OCTET_STRING, &value) || extension.len != 0) {
        return false;
    }
    for (unsigned i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (!span_equal(oid, rules[i].oid)) {
            continue;
        }
        if ((*seen & (1U << i)) != 0) {
            return false;
        }
        *seen |= 1U << i;
        return rules[i].read(value, out);
    }
    return true; /* wolfSSL refuses unknown critical ones */
}

/* What comes after the public key: unique ids (skipped), then [3] Extensions. */
static bool read_tail(struct span tail, struct cert_view *out)
{
    struct span skipped;
    struct span wrapped;
    struct span list;
    unsigned seen = 0;
    bool present;

    for (uint8_t id = 1; id <= 2; id++) {
        if (!der_take_optional(&tail, DER_CONTEXT(id), &skipped, &present)) {
            return false;
        }
    }
    if (!der_take_optional(&tail, DER_CONTEXT_CONSTRUCTED(3), &wrapped, &present) ||
        tail.len != 0) {
        return false;
    }
    if (!present) {
        return true;
    }
    if (!der_take_tag(&wrapped, DER_SEQUENCE, &list) || wrapped.len != 0) {
        return false;
    }
    while (list.len > 0) {
        struct span extension;
        if (!der_take_tag(&list, DER_SEQUENCE, &extension) ||
            !read_extension(extension, &seen, out)) {
            return false;
        }
    }
    return true;
}

static bool read_validity(struct span *body, struct cert_view *out)
{
    struct span validity;

    return der_take_tag(body, DER_SEQUENCE, &validity) &&
           der_take_time(&validity, &out->not_before_s) &&
           der_take_time(&validity, &out->not_after_s) && validity.len == 0;
}

/* TBSCertificate, RFC 5280 4.1. */
static bool read_body(struct span body, struct cert_view *out)
{
    struct span version;
    struct span algorithm;
    struct span key;
    bool present;

    if (!der_take_optional(&body, DER_CONTEXT_CONSTRUCTED(0), &version, &present) ||
        !der_take_tag(&body, DER_INTEGER, &out->serial) ||
        !der_take_tag(&body, DER_SEQUENCE, &algorithm) || !der_take_whole(&body, &out->issuer) ||
        !read_validity(&body, out) || !der_take_whole(&body, &out->subject) ||
        !der_take_whole(&body, &key)) {
        return false;
    }
    return read_key(key, out) && read_tail(body, out);
}

bool cert_view_read(struct span der, struct cert_view *out)
{
    struct cert_view view = {0};
    struct span at = der;
    struct span certificate;
    struct span body;
    struct span algorithm;
    struct span oid;

    view.der = der;
    if (!der_take_tag(&at, DER_SEQUENCE, &certificate) || at.len != 0) {
        return false;
    }
    if (!der_take_tag(&certificate, DER_SEQUENCE, &body) ||
        !der_take_tag(&certificate, DER_SEQUENCE, &algorithm) ||
        !der_take_tag(&algorithm, DER_OID, &oid)) {
        return false;
    }
    view.is_hash_weak = !is_hash_strong(oid);
    view.is_hash_sha1 = is_hash_sha1(oid);
    if (!read_body(body, &view)) {
        return false;
    }
    *out = view;
    return true;
}

bool cert_view_is_strong(const struct cert_view *view, unsigned allows)
{
    unsigned rsa_min = (allows & (unsigned)SIGNATURE_ALLOWS_RSA_1024) != 0 ? 1024 : 2048;

    switch (view->key) {
    case CERT_KEY_RSA:
        return view->key_bits >= rsa_min;
    case CERT_KEY_EC:
        return view->key_bits >= 256;
    case CERT_KEY_OTHER:
        return false;
    }
    return false;
}

bool cert_view_is_hash_strong(const struct cert_view *view, unsigned allows)
{
    return !view->is_hash_weak ||
           (view->is_hash_sha1 && (allows & (unsigned)SIGNATURE_ALLOWS_SHA1) != 0);
}

bool cert_san_take(struct span *san, unsigned *kind, struct span *value)
{
    struct span at = *san;
    struct span content;
    uint8_t tag;

    if (!der_take(&at, &tag, &content) || (tag & 0xC0) != 0x80) {
        return false;
    }
    *san = at;
    *kind = tag & 0x1FU;
    *value = content;
    return true;
}
