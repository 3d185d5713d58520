#include "tests/unit/certs/forge.h"

#include <string.h>

#include <criterion/criterion.h>
#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/random.h>
#include <wolfssl/wolfcrypt/sha256.h>

#include "tests/unit/pages.h"

enum { ARENA = 4 * 1024 * 1024, POINT_LEN = 65, SCALAR_LEN = 32 };

static uint8_t *arena;
static size_t used;

static uint8_t *take(size_t len)
{
    uint8_t *at;

    arena = arena != NULL ? arena : pages_take(ARENA);
    at = &arena[used];
    cr_assert(len <= ARENA - used, "the forge is full");
    used += len;
    return at;
}

struct span forge_tlv(uint8_t tag, struct span content)
{
    uint8_t head[5] = {tag, (uint8_t)content.len};
    size_t head_len = 2;
    uint8_t *out;

    if (content.len > 0xFFFF) {
        head[1] = 0x83;
        head[2] = (uint8_t)(content.len >> 16);
        head[3] = (uint8_t)(content.len >> 8);
        head[4] = (uint8_t)content.len;
        head_len = 5;
    } else if (content.len > 0xFF) {
        head[1] = 0x82;
        head[2] = (uint8_t)(content.len >> 8);
        head[3] = (uint8_t)content.len;
        head_len = 4;
    } else if (content.len > 0x7F) {
        head[1] = 0x81;
        head[2] = (uint8_t)content.len;
        head_len = 3;
    }
    out = take(head_len + content.len);
    memcpy(out, head, head_len);
    if (content.len > 0) {
        memcpy(out + head_len, content.data, content.len);
    }
    return span_of(out, head_len + content.len);
}

struct span forge_join(const struct span *parts, size_t count)
{
    size_t len = 0;
    uint8_t *out;
    uint8_t *at;

    for (size_t i = 0; i < count; i++) {
        len += parts[i].len;
    }
    out = take(len);
    at = out;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len > 0) {
            memcpy(at, parts[i].data, parts[i].len);
            at += parts[i].len;
        }
    }
    return span_of(out, len);
}

struct span forge_text(uint8_t tag, const char *text)
{
    return forge_tlv(tag, span_of_text(text));
}

static uint8_t digit(char c)
{
    return (uint8_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

struct span forge_hex(const char *digits)
{
    size_t len = strlen(digits) / 2;
    uint8_t *out = take(len);

    for (size_t i = 0; i < len; i++) {
        out[i] = (uint8_t)(digit(digits[2 * i]) << 4 | digit(digits[2 * i + 1]));
    }
    return span_of(out, len);
}

struct span forge_extension(const char *oid, bool is_critical, struct span value)
{
    return FORGE_SEQUENCE(forge_tlv(6, forge_hex(oid)), forge_hex(is_critical ? "0101FF" : ""),
                          forge_tlv(4, value));
}

struct span forge_name(const char *cn)
{
    if (cn == NULL) {
        return forge_hex("3000");
    }
    return FORGE_SEQUENCE(
        forge_tlv(0x31, FORGE_SEQUENCE(forge_hex("0603550403"), forge_text(0x0C, cn))));
}

struct span forge_san(struct span names)
{
    return forge_extension("551D11", false, FORGE_SEQUENCE(names));
}

struct span forge_subtree(struct span name)
{
    return FORGE_SEQUENCE(name);
}

struct span forge_constraints(struct span permitted, struct span excluded)
{
    struct span none = span_of(NULL, 0);

    return forge_extension("551D1E", true,
                           FORGE_SEQUENCE(permitted.len > 0 ? forge_tlv(0xA0, permitted) : none,
                                          excluded.len > 0 ? forge_tlv(0xA1, excluded) : none));
}

/* Key number n has the private scalar n + 1: not secret, and always the same. */
static void open_key(unsigned number, ecc_key *key)
{
    uint8_t scalar[SCALAR_LEN] = {0};

    cr_assert(number < FORGE_KEYS);
    scalar[SCALAR_LEN - 1] = (uint8_t)(number + 1);
    cr_assert_eq(wc_ecc_init(key), 0);
    cr_assert_eq(wc_ecc_import_private_key_ex(scalar, sizeof(scalar), NULL, 0, key, ECC_SECP256R1),
                 0);
    cr_assert_eq(wc_ecc_make_pub(key, NULL), 0);
}

static struct span key_info(unsigned number)
{
    ecc_key key;
    uint8_t *point = take(POINT_LEN + 1);
    word32 len = POINT_LEN;

    open_key(number, &key);
    point[0] = 0; /* no unused bits */
    cr_assert_eq(wc_ecc_export_x963(&key, point + 1, &len), 0);
    (void)wc_ecc_free(&key);
    return FORGE_SEQUENCE(forge_hex("301306072A8648CE3D020106082A8648CE3D030107"),
                          forge_tlv(3, span_of(point, POINT_LEN + 1)));
}

/* A key identifier that shows the number. */
static struct span key_id(unsigned number)
{
    uint8_t *id = take(4);

    memset(id, 0x55, 3);
    id[3] = (uint8_t)number;
    return span_of(id, 4);
}

static struct span sign(struct span tbs, const struct forge *f)
{
    uint8_t hash[WC_SHA256_DIGEST_SIZE];
    uint8_t *out = take(ECC_MAX_SIG_SIZE + 1);
    word32 len = ECC_MAX_SIG_SIZE;
    WC_RNG rng;
    ecc_key key;

    open_key(f->signer, &key);
    cr_assert_eq(wc_InitRng(&rng), 0);
    cr_assert_eq(wc_Sha256Hash(tbs.data, (word32)tbs.len, hash), 0);
    if (f->breaks_signature) {
        hash[0] ^= 1;
    }
    out[0] = 0;
    cr_assert_eq(wc_ecc_sign_hash(hash, sizeof(hash), out + 1, &len, &rng, &key), 0);
    (void)wc_ecc_free(&key);
    (void)wc_FreeRng(&rng);
    return forge_tlv(3, span_of(out, len + 1));
}

static struct span basic_constraints(const struct forge *f)
{
    uint8_t *len = take(1);

    len[0] = (uint8_t)(f->path_len - 1);
    return forge_extension(
        "551D13", true,
        FORGE_SEQUENCE(forge_hex(f->is_ca ? "0101FF" : ""),
                       f->path_len > 0 ? forge_tlv(2, span_of(len, 1)) : span_of(NULL, 0)));
}

/* The extensions that every certificate of its kind has. */
static struct span standard(const struct forge *f, unsigned which)
{
    if ((f->leave_out & which) != 0) {
        return span_of(NULL, 0);
    }
    switch (which) {
    case FORGE_NO_BASIC:
        return f->is_ca ? basic_constraints(f) : span_of(NULL, 0);
    case FORGE_NO_USAGE:
        return forge_extension("551D0F", true, forge_hex(f->is_ca ? "03020106" : "03020780"));
    case FORGE_NO_SKI:
        return forge_extension("551D0E", false, forge_tlv(4, key_id(f->key)));
    case FORGE_NO_AKI:
        return forge_extension("551D23", false, FORGE_SEQUENCE(forge_tlv(0x80, key_id(f->signer))));
    case FORGE_NO_EKU:
        return f->is_ca ? span_of(NULL, 0)
                        : forge_extension("551D25", false, forge_hex("300A06082B06010505070301"));
    case FORGE_NO_SAN:
        return f->is_ca ? span_of(NULL, 0) : forge_san(forge_text(0x82, "pump.example"));
    default:
        return span_of(NULL, 0);
    }
}

static struct span extensions(const struct forge *f)
{
    struct span list;

    if ((f->leave_out & FORGE_NOTHING) != 0) {
        return span_of(NULL, 0);
    }
    list = FORGE_JOIN(standard(f, FORGE_NO_BASIC), standard(f, FORGE_NO_USAGE),
                      standard(f, FORGE_NO_SKI), standard(f, FORGE_NO_AKI),
                      standard(f, FORGE_NO_EKU), standard(f, FORGE_NO_SAN),
                      forge_join(f->extra, FORGE_EXTRA_MAX));
    return forge_tlv(0xA3, FORGE_SEQUENCE(list));
}

static struct span date(const char *text)
{
    return forge_text(strlen(text) == 13 ? 0x17 : 0x18, text);
}

static struct span version(const struct forge *f)
{
    switch (f->version) {
    case 1:
        return span_of(NULL, 0);
    case 2:
        return forge_hex("A003020101");
    default:
        return forge_hex("A003020102");
    }
}

struct span forge_cert(const struct forge *f)
{
    struct span algorithm = forge_hex("300A06082A8648CE3D040302");
    struct span tbs = FORGE_SEQUENCE(
        version(f), forge_tlv(2, f->serial.len > 0 ? f->serial : forge_hex("01")),
        f->inner.len > 0 ? f->inner : algorithm, forge_name(f->issuer),
        FORGE_SEQUENCE(date(f->from != NULL ? f->from : "200101000000Z"),
                       date(f->until != NULL ? f->until : "491231235959Z")),
        f->subject_der.len > 0 ? f->subject_der : forge_name(f->subject), key_info(f->key), f->ids,
        extensions(f));

    return FORGE_SEQUENCE(tbs, algorithm, sign(tbs, f));
}

struct span forge_signed(struct span tbs, unsigned signer)
{
    const struct forge f = {.signer = signer};

    return FORGE_SEQUENCE(tbs, forge_hex("300A06082A8648CE3D040302"), sign(tbs, &f));
}
