#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "certs/der.h"
#include "certs/mem.h"
#include "certs/pem.h"
#include "certs/signature.h"

/* A self-signed certificate of build/pki-path, taken apart. */
struct parts {
    struct pem_file file;
    struct span tbs;
    struct span algorithm;
    struct span signature;
    struct span key_info;
};

static void take_key(struct parts *p)
{
    struct span body = p->tbs;
    struct span skipped;

    cr_assert(der_take_tag(&body, DER_SEQUENCE, &skipped));
    body = skipped;
    for (int i = 0; i < 6; i++) {
        cr_assert(der_take_whole(&body, &skipped));
    }
    cr_assert(der_take_whole(&body, &p->key_info));
}

static struct parts open_parts(const char *name)
{
    struct parts p;
    struct fault f = {0};
    char path[128];
    struct span all;
    struct span certificate;

    (void)snprintf(path, sizeof(path), "build/pki-path/%s.der", name);
    cr_assert_eq(pem_file_read(path, &p.file, &f), 0, "%s", f.note);
    all = span_of(p.file.data, p.file.len);
    cr_assert(der_take_tag(&all, DER_SEQUENCE, &certificate));
    cr_assert(der_take_whole(&certificate, &p.tbs));
    cr_assert(der_take_whole(&certificate, &p.algorithm));
    cr_assert(der_take_tag(&certificate, DER_BIT_STRING, &p.signature));
    p.signature = span_after(p.signature, 1);
    take_key(&p);
    return p;
}

static enum signature_result verify(const struct parts *p)
{
    bool weak;

    return signature_verify(p->algorithm, p->tbs, p->signature, p->key_info, &weak);
}

Test(signature, verifies_every_known_algorithm)
{
    static const struct {
        const char *name;
        bool weak;
    } rows[] = {
        {"rsa-sha1", true},     {"rsa-sha256", false},  {"rsa-sha384", false},
        {"rsa-sha512", false},  {"rsa-1024", false},    {"pss-sha1", true},
        {"pss-sha256", false},  {"pss-sha384", false},  {"pss-sha512", false},
        {"pss-salt0", false},   {"pss-salt64", false},  {"psskey", false},
        {"p256-sha1", true},    {"p256-sha256", false}, {"p256-sha512", false},
        {"p384-sha384", false}, {"p521-sha512", false}, {"ed25519", false},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct parts p = open_parts(rows[i].name);
        bool weak = !rows[i].weak;
        cr_expect_eq(signature_verify(p.algorithm, p.tbs, p.signature, p.key_info, &weak),
                     SIGNATURE_GOOD, "%s", rows[i].name);
        cr_expect_eq(weak, rows[i].weak, "%s", rows[i].name);
        pem_file_free(&p.file);
    }
}

Test(signature, refuses_what_it_does_not_know)
{
    static const char *const names[] = {"ed448", "secp256k1", "p224", "explicit", "rsa-sha224"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct parts p = open_parts(names[i]);
        cr_expect_eq(verify(&p), SIGNATURE_UNSUPPORTED, "%s", names[i]);
        pem_file_free(&p.file);
    }
}

/* Every byte of the signature and some of the signed bytes count. */
Test(signature, refuses_one_changed_bit)
{
    static const char *const names[] = {"rsa-sha256",  "pss-sha256",  "p256-sha256",
                                        "p384-sha384", "p521-sha512", "ed25519"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct parts p = open_parts(names[i]);
        size_t sign_at = (size_t)(p.signature.data - p.file.data);
        size_t tbs_at = (size_t)(p.tbs.data - p.file.data);
        for (size_t at = 0; at < p.signature.len; at += 7) {
            p.file.data[sign_at + at] ^= 1;
            cr_expect_neq(verify(&p), SIGNATURE_GOOD, "%s %zu", names[i], at);
            p.file.data[sign_at + at] ^= 1;
        }
        p.file.data[tbs_at + p.tbs.len - 1] ^= 1;
        cr_expect_eq(verify(&p), SIGNATURE_BAD, "%s", names[i]);
        pem_file_free(&p.file);
    }
}

Test(signature, refuses_a_signature_that_is_cut_or_longer)
{
    static const char *const names[] = {"rsa-sha256", "pss-sha256", "p256-sha256", "ed25519"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct parts p = open_parts(names[i]);
        struct span whole = p.signature;
        uint8_t longer[520] = {0};
        memcpy(longer, whole.data, whole.len);
        p.signature = span_of(longer, whole.len + 1);
        cr_expect_eq(verify(&p), SIGNATURE_BAD, "%s longer", names[i]);
        for (size_t len = 0; len < whole.len; len += 5) {
            p.signature = span_first(whole, len);
            cr_expect_eq(verify(&p), SIGNATURE_BAD, "%s %zu", names[i], len);
        }
        pem_file_free(&p.file);
    }
}

Test(signature, refuses_another_key)
{
    struct parts a = open_parts("p256-sha256");
    struct parts b = open_parts("rsa-1024");
    struct parts c = open_parts("rsa-sha256");
    struct parts d = open_parts("psskey");

    a.key_info = b.key_info;
    cr_assert_eq(verify(&a), SIGNATURE_UNSUPPORTED, "ECDSA with an RSA key");
    b.key_info = c.key_info;
    cr_assert_eq(verify(&b), SIGNATURE_BAD, "RSA with another RSA key");
    c.key_info = d.key_info;
    cr_assert_eq(verify(&c), SIGNATURE_UNSUPPORTED, "PKCS#1 with a key that is for PSS only");
    pem_file_free(&a.file);
    pem_file_free(&b.file);
    pem_file_free(&c.file);
    pem_file_free(&d.file);
}

Test(signature, a_pss_key_binds_its_parameters)
{
    struct parts a = open_parts("pss-salt0");
    struct parts b = open_parts("psskey");

    a.key_info = b.key_info;
    cr_assert_eq(verify(&a), SIGNATURE_UNSUPPORTED);
    pem_file_free(&a.file);
    pem_file_free(&b.file);
}

Test(signature, md5_is_weak_and_never_verified)
{
    static const uint8_t md5[] = {0x30, 13,   6, 9, 0x2A, 0x86, 0x48, 0x86,
                                  0xF7, 0x0D, 1, 1, 4,    5,    0};
    struct parts p = open_parts("rsa-sha256");
    bool weak = false;

    p.algorithm = span_of(md5, sizeof(md5));
    cr_assert_eq(signature_verify(p.algorithm, p.tbs, p.signature, p.key_info, &weak),
                 SIGNATURE_UNSUPPORTED);
    cr_assert(weak);
    pem_file_free(&p.file);
}

Test(signature, knows_strong_keys)
{
    static const struct {
        const char *name;
        bool strong;
    } rows[] = {
        {"rsa-sha256", true},  {"psskey", true},    {"p256-sha256", true}, {"p384-sha384", true},
        {"p521-sha512", true}, {"ed25519", true},   {"rsa-1024", false},   {"p224", false},
        {"secp256k1", false},  {"explicit", false}, {"ed448", false},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct parts p = open_parts(rows[i].name);
        bool is_small_rsa = strcmp(rows[i].name, "rsa-1024") == 0;
        cr_expect_eq(signature_key_is_strong(p.key_info, UINT_MAX), rows[i].strong || is_small_rsa,
                     "%s", rows[i].name);
        cr_expect_eq(signature_key_is_strong(p.key_info, 0), rows[i].strong, "%s", rows[i].name);
        pem_file_free(&p.file);
    }
    cr_assert_not(signature_key_is_strong(span_of(NULL, 0), 0));
}

/* What the library would have to allocate and cannot. */
Test(signature, no_memory_is_never_good)
{
    static const char *const names[] = {"rsa-sha256", "pss-sha256", "p256-sha256", "ed25519"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct parts p = open_parts(names[i]);
        struct span nothing = span_of(NULL, 0);
        p.tbs = nothing;
        cr_expect_neq(verify(&p), SIGNATURE_GOOD, "%s", names[i]);
        pem_file_free(&p.file);
    }
}

/* Each bit lets in what it names, and nothing else does. */
Test(signature, lets_in_what_is_allowed_and_nothing_else)
{
    struct parts small = open_parts("rsa-1024");
    struct parts good = open_parts("rsa-sha256");
    const unsigned rsa = SIGNATURE_ALLOWS_RSA_1024;
    const unsigned sha1 = SIGNATURE_ALLOWS_SHA1;

    cr_expect_not(signature_key_is_strong(small.key_info, 0));
    cr_expect_not(signature_key_is_strong(small.key_info, sha1));
    cr_expect(signature_key_is_strong(small.key_info, rsa));
    cr_expect(signature_key_is_strong(good.key_info, 0));
    cr_expect(signature_is_strong(false, good.key_info, 0));
    cr_expect_not(signature_is_strong(true, good.key_info, rsa));
    cr_expect(signature_is_strong(true, good.key_info, sha1));
    cr_expect_not(signature_is_strong(true, small.key_info, sha1));
    cr_expect_not(signature_is_strong(false, small.key_info, 0));
    cr_expect(signature_is_strong(true, small.key_info, rsa | sha1));
    pem_file_free(&small.file);
    pem_file_free(&good.file);
}

Test(signature, names_what_is_allowed)
{
    cr_expect_str_eq(signature_allows_text(0), "");
    cr_expect_str_eq(signature_allows_text(SIGNATURE_ALLOWS_RSA_1024), "RSA-1024");
    cr_expect_str_eq(signature_allows_text(SIGNATURE_ALLOWS_SHA1), "SHA-1");
    cr_expect_str_eq(signature_allows_text(3), "RSA-1024 and SHA-1");
}
