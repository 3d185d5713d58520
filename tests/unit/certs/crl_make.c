#include "tests/unit/certs/crl_make.h"

#include <string.h>

#include <criterion/criterion.h>
#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/ed25519.h>

#include "tests/unit/pages.h"

enum { ARENA = 1 << 24 };

static uint8_t *arena;
static size_t used;

static const uint8_t ed25519_algorithm[] = {0x30, 5, 6, 3, 0x2B, 0x65, 0x70};

struct span crl_make_bytes(const void *data, size_t len)
{
    uint8_t *place;

    arena = arena != NULL ? arena : pages_take(ARENA);
    place = &arena[used];
    cr_assert(len <= ARENA - used);
    if (len > 0) {
        memcpy(place, data, len);
    }
    used += len;
    return span_of(place, len);
}

struct span crl_make_join(struct span a, struct span b)
{
    struct span first = crl_make_bytes(a.data, a.len);

    (void)crl_make_bytes(b.data, b.len);
    return span_of(first.data, a.len + b.len);
}

struct span crl_make_der(uint8_t tag, struct span content)
{
    size_t len = content.len;

    if (len < 0x80) {
        return crl_make_join(CRL_BYTES(tag, (uint8_t)len), content);
    }
    cr_assert(len < 0x10000);
    if (len < 0x100) {
        return crl_make_join(CRL_BYTES(tag, 0x81, (uint8_t)len), content);
    }
    return crl_make_join(CRL_BYTES(tag, 0x82, (uint8_t)(len >> 8), (uint8_t)len), content);
}

static struct span text(const char *t)
{
    return crl_make_bytes(t, strlen(t));
}

struct span crl_make_name(const char *common_name)
{
    struct span pair = crl_make_join(CRL_BYTES(6, 3, 0x55, 4, 3),
                                     crl_make_der(0x0C, text(common_name)));

    return crl_make_der(0x30, crl_make_der(0x31, crl_make_der(0x30, pair)));
}

struct span crl_make_directory(struct span name)
{
    return crl_make_der(0xA4, name);
}

struct span crl_make_uri(const char *uri)
{
    return crl_make_der(0x86, text(uri));
}

struct span crl_make_extension(uint8_t last, bool is_critical, struct span value)
{
    struct span oid = CRL_BYTES(6, 3, 0x55, 0x1D, last);

    if (is_critical) {
        oid = crl_make_join(oid, CRL_BYTES(1, 1, 0xFF));
    }
    return crl_make_der(0x30, crl_make_join(oid, crl_make_der(4, value)));
}

static void open_key(unsigned number, ed25519_key *key, uint8_t public_key[32])
{
    uint8_t private_key[32];

    memset(private_key, (int)number, sizeof(private_key));
    cr_assert_eq(wc_ed25519_init(key), 0);
    cr_assert_eq(wc_ed25519_import_private_only(private_key, sizeof(private_key), key), 0);
    cr_assert_eq(wc_ed25519_make_public(key, public_key, 32), 0);
    cr_assert_eq(wc_ed25519_import_private_key(private_key, 32, public_key, 32, key), 0);
}

static struct span key_info(unsigned number)
{
    ed25519_key key;
    uint8_t public_key[32];

    open_key(number, &key, public_key);
    wc_ed25519_free(&key);
    return crl_make_der(
        0x30, crl_make_join(
                  crl_make_bytes(ed25519_algorithm, sizeof(ed25519_algorithm)),
                  crl_make_der(3, crl_make_join(CRL_BYTES(0), crl_make_bytes(public_key, 32)))));
}

/* SIGNED { tbs } */
static struct span sign(struct span tbs, unsigned number, struct span algorithm, bool is_broken)
{
    ed25519_key key;
    uint8_t public_key[32];
    uint8_t signature[64];
    word32 len = sizeof(signature);

    open_key(number, &key, public_key);
    cr_assert_eq(wc_ed25519_sign_msg(tbs.data, (word32)tbs.len, signature, &len, &key), 0);
    wc_ed25519_free(&key);
    signature[0] ^= (uint8_t)is_broken;
    return crl_make_der(
        0x30, crl_make_join(
                  crl_make_join(tbs, algorithm),
                  crl_make_der(3, crl_make_join(CRL_BYTES(0), crl_make_bytes(signature, len)))));
}

static struct span time_of(const char *t)
{
    return crl_make_der(0x18, text(t));
}

struct span crl_make_signed(struct span tbs, unsigned key)
{
    return sign(tbs, key, crl_make_bytes(ed25519_algorithm, sizeof(ed25519_algorithm)), false);
}

struct span crl_make_certificate(const struct crl_make_cert *spec)
{
    struct span algorithm = crl_make_bytes(ed25519_algorithm, sizeof(ed25519_algorithm));
    struct span serial = spec->serial.len > 0 ? spec->serial : CRL_BYTES(1);
    struct span extensions = spec->extensions;
    struct span body = CRL_BYTES(0xA0, 3, 2, 1, 2);

    body = crl_make_join(body, crl_make_der(2, serial));
    body = crl_make_join(body, algorithm);
    body = crl_make_join(body, crl_make_name(spec->issuer));
    body = crl_make_join(body, crl_make_der(0x30, crl_make_join(time_of("20200101000000Z"),
                                                                time_of(spec->not_after != NULL
                                                                            ? spec->not_after
                                                                            : "20490101000000Z"))));
    body = crl_make_join(body, crl_make_name(spec->subject));
    body = crl_make_join(body, key_info(spec->key));
    extensions = crl_make_join(
        extensions,
        crl_make_extension(0x0E, false, crl_make_der(4, CRL_BYTES((uint8_t)spec->key))));
    if (spec->is_ca) {
        extensions = crl_make_join(extensions,
                                   crl_make_extension(0x13, true, CRL_BYTES(0x30, 3, 1, 1, 0xFF)));
    }
    if (spec->usage >= 0) {
        extensions = crl_make_join(
            extensions, crl_make_extension(0x0F, true, CRL_BYTES(3, 2, 0, (uint8_t)spec->usage)));
    }
    body = crl_make_join(body, crl_make_der(0xA3, crl_make_der(0x30, extensions)));
    return sign(crl_make_der(0x30, body), spec->issuer_key, algorithm, false);
}

struct span crl_make_crl(const struct crl_make_list *spec)
{
    struct span algorithm = crl_make_bytes(ed25519_algorithm, sizeof(ed25519_algorithm));
    struct span body = span_of(NULL, 0);

    if (spec->version >= 0) {
        body = CRL_BYTES(2, 1, (uint8_t)spec->version);
    }
    body = crl_make_join(body, algorithm);
    body = crl_make_join(body, crl_make_name(spec->issuer));
    body = crl_make_join(body, time_of(spec->this_update));
    if (spec->next_update != NULL) {
        body = crl_make_join(body, time_of(spec->next_update));
    }
    if (spec->revoked.len > 0 || spec->has_empty_list) {
        body = crl_make_join(body, crl_make_der(0x30, spec->revoked));
    }
    if (spec->extensions.len > 0) {
        body = crl_make_join(body, crl_make_der(0xA0, crl_make_der(0x30, spec->extensions)));
    }
    return sign(crl_make_der(0x30, body), spec->key,
                spec->is_algorithm_torn ? CRL_BYTES(0x30, 5, 6, 3, 0x2B, 0x65, 0x71) : algorithm,
                spec->is_signature_broken);
}

struct span crl_make_entry(struct span serial, struct span extensions)
{
    struct span entry = crl_make_join(crl_make_der(2, serial), time_of("20250102030405Z"));

    if (extensions.len > 0) {
        entry = crl_make_join(entry, crl_make_der(0x30, extensions));
    }
    return crl_make_der(0x30, entry);
}

struct span crl_make_reason(uint8_t reason)
{
    return crl_make_extension(0x15, false, CRL_BYTES(0x0A, 1, reason));
}

struct span crl_make_number(uint8_t number)
{
    return crl_make_extension(0x14, false, CRL_BYTES(2, 1, number));
}

struct span crl_make_key_id(unsigned key)
{
    return crl_make_extension(0x23, false,
                              crl_make_der(0x30, crl_make_der(0x80, CRL_BYTES((uint8_t)key))));
}
