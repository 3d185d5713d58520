#include <string.h>

#include <criterion/criterion.h>

#include "certs/signature_algorithm.h"

#define SPAN_OF(bytes) span_of((bytes), sizeof(bytes))
#define RSA_OID        0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1

static bool reads(const uint8_t *bytes, size_t len)
{
    struct signature_algorithm a;

    return signature_algorithm_read(span_of(bytes, len), &a);
}

Test(signature_algorithm, rsa_has_null_or_no_parameters)
{
    static const uint8_t null[] = {0x30, 13, 6, 9, RSA_OID, 11, 5, 0};
    static const uint8_t none[] = {0x30, 11, 6, 9, RSA_OID, 11};
    static const uint8_t text[] = {0x30, 14, 6, 9, RSA_OID, 11, 0x0C, 1, 'x'};
    static const uint8_t twice[] = {0x30, 15, 6, 9, RSA_OID, 11, 5, 0, 5, 0};

    cr_assert(reads(null, sizeof(null)));
    cr_assert(reads(none, sizeof(none)));
    cr_assert_not(reads(text, sizeof(text)));
    cr_assert_not(reads(twice, sizeof(twice)));
}

Test(signature_algorithm, ecdsa_and_ed25519_have_no_parameters)
{
    static const uint8_t ec[] = {0x30, 10, 6, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 2};
    static const uint8_t ec_null[] = {0x30, 12, 6, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 2, 5, 0};
    static const uint8_t ed[] = {0x30, 5, 6, 3, 0x2B, 0x65, 0x70};
    static const uint8_t ed_null[] = {0x30, 7, 6, 3, 0x2B, 0x65, 0x70, 5, 0};

    cr_assert(reads(ec, sizeof(ec)));
    cr_assert_not(reads(ec_null, sizeof(ec_null)));
    cr_assert(reads(ed, sizeof(ed)));
    cr_assert_not(reads(ed_null, sizeof(ed_null)));
}

Test(signature_algorithm, pss_without_parameters_is_sha1)
{
    static const uint8_t empty[] = {0x30, 13, 6, 9, RSA_OID, 10, 0x30, 0};
    static const uint8_t missing[] = {0x30, 11, 6, 9, RSA_OID, 10};
    struct signature_algorithm a;

    cr_assert(signature_algorithm_read(SPAN_OF(empty), &a));
    cr_assert(a.kind == SIGNATURE_RSA_PSS && a.hash == SIGNATURE_SHA1 && a.salt_len == 20);
    cr_assert(signature_algorithm_is_weak(SPAN_OF(empty)));
    cr_assert_not(reads(missing, sizeof(missing)));
}

/* The hash and the mask's hash must be the same: here SHA-256 without a mask (SHA-1). */
Test(signature_algorithm, pss_refuses_two_hashes)
{
    static const uint8_t mixed[] = {0x30, 28, 6,    9,    RSA_OID, 10, 0x30, 15, 0xA0, 13, 0x30, 11,
                                    6,    9,  0x60, 0x86, 0x48,    1,  0x65, 3,  4,    2,  1};

    cr_assert_not(reads(mixed, sizeof(mixed)));
}

Test(signature_algorithm, positive_numbers_are_in_their_shortest_form)
{
    static const struct {
        uint8_t bytes[3];
        size_t len;
        bool positive;
    } rows[] = {
        {{1}, 1, true},     {{0x7F}, 1, true},     {{0, 0x80}, 2, true}, {{0}, 1, false},
        {{0, 1}, 2, false}, {{0, 0x7F}, 2, false}, {{0x80}, 1, false},   {{0xFF, 1}, 2, false},
        {{0, 0}, 2, false}, {{0}, 0, false},       {{1, 0, 0}, 3, true},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cr_expect_eq(signature_is_positive(span_of(rows[i].bytes, rows[i].len)), rows[i].positive,
                     "row %zu", i);
    }
}

/* RSA keys of 8 bits: this reader takes them, the strength rules do not. */
static bool reads_rsa(uint8_t modulus, uint8_t exponent)
{
    const uint8_t whole[] = {0x30, 26, 0x30, 13, 6, 9, RSA_OID, 1, 5, 0,       3,
                             9,    0,  0x30, 6,  2, 1, modulus, 2, 1, exponent};
    struct signature_key key;

    return signature_key_read(SPAN_OF(whole), &key);
}

Test(signature_algorithm, rsa_exponents_are_odd_and_not_one)
{
    cr_assert(reads_rsa(0x7F, 3));
    cr_assert_not(reads_rsa(0x7F, 1), "everybody's signature would be good");
    cr_assert_not(reads_rsa(0x7F, 4));
    cr_assert_not(reads_rsa(0x7F, 0x83), "negative");
    cr_assert_not(reads_rsa(0, 3), "no modulus");
}

Test(signature_algorithm, outputs_are_untouched_when_it_is_broken)
{
    static const uint8_t broken[] = {0x30, 0};
    struct signature_algorithm a = {.salt_len = 99};
    struct signature_key k = {.bits = 99};

    cr_assert_not(signature_algorithm_read(SPAN_OF(broken), &a));
    cr_assert_not(signature_key_read(SPAN_OF(broken), &k));
    cr_assert(a.salt_len == 99 && k.bits == 99);
}

Test(signature_algorithm, ec_points_are_whole_and_not_compressed)
{
    uint8_t info[2 + 21 + 4 + 65] = {0x30, 89,   0x30, 19, 6, 7, 0x2A, 0x86, 0x48,
                                     0xCE, 0x3D, 2,    1,  6, 8, 0x2A, 0x86, 0x48,
                                     0xCE, 0x3D, 3,    1,  7, 3, 66,   0,    4};
    struct signature_key key;

    cr_assert(signature_key_read(span_of(info, 91), &key));
    cr_assert(key.kind == SIGNATURE_KEY_EC && key.bits == 256);
    info[26] = 2; /* compressed form, but of the other's length */
    cr_assert_not(signature_key_read(span_of(info, 91), &key));
    info[26] = 4;
    info[25] = 1; /* unused bits */
    cr_assert_not(signature_key_read(span_of(info, 91), &key));
}

/* MD5 and MD2 have no way in; SHA-256 needs none. */
Test(signature_algorithm, sha1_is_told_from_what_is_weaker)
{
    static const uint8_t rsa[] = {0x30, 13,   6, 9, 0x2A, 0x86, 0x48, 0x86,
                                  0xF7, 0x0D, 1, 1, 5,    5,    0};
    static const uint8_t ec[] = {0x30, 9, 6, 7, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 1};
    static const uint8_t md5[] = {0x30, 13,   6, 9, 0x2A, 0x86, 0x48, 0x86,
                                  0xF7, 0x0D, 1, 1, 4,    5,    0};
    static const uint8_t sha256[] = {0x30, 13,   6, 9, 0x2A, 0x86, 0x48, 0x86,
                                     0xF7, 0x0D, 1, 1, 11,   5,    0};
    static const uint8_t ed25519[] = {0x30, 5, 6, 3, 0x2B, 0x65, 0x70};

    cr_expect(signature_algorithm_is_sha1(SPAN_OF(rsa)));
    cr_expect(signature_algorithm_is_sha1(SPAN_OF(ec)));
    cr_expect_not(signature_algorithm_is_sha1(SPAN_OF(md5)));
    cr_expect_not(signature_algorithm_is_sha1(SPAN_OF(sha256)));
    cr_expect_not(signature_algorithm_is_sha1(SPAN_OF(ed25519)));
}
