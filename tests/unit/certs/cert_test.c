#include <limits.h>
#include <string.h>

#include <criterion/criterion.h>

#include "certs/cert.h"
#include "certs/mem.h"
#include "certs/signature.h"
#include "pair.h"

/* A view over a certificate that lives as long as the test. */
static struct cert_view view_of(const char *name, struct pem_block *block)
{
    struct cert_view view;

    *block = pair_certificate(name);
    cr_assert(cert_view_read(span_of(block->der, block->len), &view), "%s", name);
    return view;
}

Test(cert, reads_a_device)
{
    struct pem_block block;
    struct cert_view v = view_of("pump-12", &block);

    cr_assert_not(v.is_ca);
    cr_assert(v.has_eku && v.eku == (CERT_EKU_SERVER | CERT_EKU_CLIENT));
    cr_assert(v.has_key_usage && v.may_sign && !v.may_sign_certs);
    cr_assert(v.key == CERT_KEY_EC && v.key_bits == 256);
    cr_assert(cert_view_is_strong(&v, 0));
    cr_assert_not(v.is_hash_weak);
    cr_assert_not(v.limits_other_names);
    cr_assert_eq(v.not_after_s - v.not_before_s, INT64_C(301) * 86400);
    pem_block_free(&block);
}

Test(cert, reads_a_ca)
{
    struct pem_block block;
    struct cert_view v = view_of("root", &block);

    cr_assert(v.is_ca && v.may_sign_certs && !v.may_sign);
    cr_assert_not(v.has_eku);
    cr_assert(span_equal(v.issuer, v.subject));
    pem_block_free(&block);
}

Test(cert, knows_who_issued_whom)
{
    struct pem_block blocks[2];
    struct cert_view leaf = view_of("pump-12", &blocks[0]);
    struct cert_view ca = view_of("int", &blocks[1]);

    cr_assert(span_equal(leaf.issuer, ca.subject));
    cr_assert_not(span_equal(leaf.subject, ca.subject));
    pem_block_free(&blocks[0]);
    pem_block_free(&blocks[1]);
}

Test(cert, reads_what_each_variant_differs_in)
{
    struct pem_block block;
    struct cert_view v = view_of("hl7-rsa", &block);

    cr_assert(v.key == CERT_KEY_RSA && v.key_bits == 2048);
    pem_block_free(&block);
    v = view_of("weak-rsa", &block);
    cr_assert(v.key_bits == 1024 && !cert_view_is_strong(&v, SIGNATURE_ALLOWS_SHA1));
    cr_assert(cert_view_is_strong(&v, SIGNATURE_ALLOWS_RSA_1024));
    pem_block_free(&block);
    v = view_of("weak-ec", &block);
    cr_assert(v.key == CERT_KEY_EC && !cert_view_is_strong(&v, UINT_MAX));
    pem_block_free(&block);
    v = view_of("hl7-sha1", &block);
    cr_assert(v.is_hash_weak && v.is_hash_sha1);
    cr_assert_not(cert_view_is_hash_strong(&v, SIGNATURE_ALLOWS_RSA_1024));
    cr_assert(cert_view_is_hash_strong(&v, SIGNATURE_ALLOWS_SHA1));
    v.is_hash_sha1 = false; /* as if it were MD5 */
    cr_assert_not(cert_view_is_hash_strong(&v, UINT_MAX));
    pem_block_free(&block);
    v = view_of("hl7-noeku", &block);
    cr_assert_not(v.has_eku);
    pem_block_free(&block);
    v = view_of("hl7-nosign", &block);
    cr_assert(v.has_key_usage && !v.may_sign);
    pem_block_free(&block);
    v = view_of("hl7-ca", &block);
    cr_assert(v.is_ca);
    pem_block_free(&block);
    v = view_of("int-limited", &block);
    cr_assert(v.limits_other_names);
    pem_block_free(&block);
}

Test(cert, gives_alternative_names_with_their_types)
{
    struct pem_block block;
    struct cert_view v = view_of("bms", &block);
    struct span value;
    unsigned kind;

    cr_assert(cert_san_take(&v.san, &kind, &value));
    cr_assert(kind == CERT_SAN_DNS && span_equal(value, span_of_text("bms.hospital.example")));
    cr_assert(cert_san_take(&v.san, &kind, &value));
    cr_assert(kind == CERT_SAN_URI && span_equal(value, span_of_text("urn:hospital:bms")));
    cr_assert_not(cert_san_take(&v.san, &kind, &value));
    pem_block_free(&block);
}

Test(cert, refuses_every_cut)
{
    struct pem_block block = pair_certificate("bms");

    for (size_t len = 0; len < block.len; len++) {
        struct cert_view v = {.key_bits = 99};
        cr_assert_not(cert_view_read(span_of(block.der, len), &v), "%zu bytes", len);
        cr_assert_eq(v.key_bits, 99, "the output is untouched");
    }
    pem_block_free(&block);
}

Test(cert, refuses_bytes_behind_the_end)
{
    struct pem_block block = pair_certificate("bms");
    uint8_t *longer = mem_new(block.len + 1, 1);
    struct cert_view v;

    cr_assert_not_null(longer);
    memcpy(longer, block.der, block.len);
    cr_assert_not(cert_view_read(span_of(longer, block.len + 1), &v));
    mem_free(longer);
    pem_block_free(&block);
}

/* Where `pattern` stands in the certificate; the test writes there. */
static uint8_t *find(struct pem_block *block, const uint8_t *pattern, size_t len)
{
    for (size_t i = 0; i + len <= block->len; i++) {
        if (memcmp(block->der + i, pattern, len) == 0) {
            return block->der + i;
        }
    }
    cr_assert_fail("pattern not found");
    return NULL;
}

/* RFC 5280 4.2: no extension twice. Two readers could each believe another one of two SANs. Here
 * the EKU, a SEQUENCE like it, is named subjectAltName too. */
Test(cert, refuses_an_extension_twice)
{
    struct pem_block block = pair_certificate("bms");
    static const uint8_t EKU[] = {0x06, 3, 0x55, 0x1D, 0x25};
    struct cert_view v;

    find(&block, EKU, sizeof(EKU))[4] = 0x11;
    cr_assert_not(cert_view_read(span_of(block.der, block.len), &v));
    pem_block_free(&block);
}

Test(cert, refuses_a_boolean_that_is_neither)
{
    struct pem_block block = pair_certificate("root");
    static const uint8_t CA_TRUE[] = {0x30, 3, 0x01, 1, 0xFF};
    struct cert_view v;

    find(&block, CA_TRUE, sizeof(CA_TRUE))[4] = 1;
    cr_assert_not(cert_view_read(span_of(block.der, block.len), &v));
    pem_block_free(&block);
}
