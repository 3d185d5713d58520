#include <assert.h>
#include <string.h>

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/hash.h>

#include "certs/cert.h"
#include "certs/der.h"
#include "certs/dn.h"
#include "certs/ocsp.h"
#include "certs/ocsp_inside.h"

/* AlgorithmIdentifiers with the NULL that every responder writes, too. */
static const uint8_t algorithm_sha1[] = {0x30, 9, 6, 5, 0x2B, 0x0E, 3, 2, 0x1A, 5, 0};
static const uint8_t algorithm_sha256[] = {0x30, 13, 6, 9, 0x60, 0x86, 0x48, 1,
                                           0x65, 3,  4, 2, 1,    5,    0};
static const uint8_t oid_nonce[] = {0x2B, 6, 1, 5, 5, 7, 0x30, 1, 2};

static bool make_hash(enum ocsp_hash hash, struct span in, uint8_t out[OCSP_HASH_MAX], size_t *len)
{
    enum wc_HashType type = hash == OCSP_SHA256 ? WC_HASH_TYPE_SHA256 : WC_HASH_TYPE_SHA;

    *len = hash == OCSP_SHA256 ? 32 : 20;
    return in.len > 0 && in.len <= UINT32_MAX &&
           wc_Hash(type, in.data, (word32)in.len, out, (word32)*len) == 0;
}

bool ocsp_id_key(struct span key_info, enum ocsp_hash hash, uint8_t out[OCSP_HASH_MAX], size_t *len)
{
    struct span info;
    struct span algorithm;
    struct span bits;
    uint8_t unused;

    return der_take_tag(&key_info, DER_SEQUENCE, &info) && der_take_whole(&info, &algorithm) &&
           der_take_tag(&info, DER_BIT_STRING, &bits) && info.len == 0 &&
           span_take_u8(&bits, &unused) && unused == 0 && make_hash(hash, bits, out, len);
}

bool ocsp_id_make(const struct cert_view *cert, const struct cert_view *issuer, enum ocsp_hash hash,
                  struct ocsp_id *out)
{
    return make_hash(hash, cert->issuer, out->name, &out->hash_len) &&
           ocsp_id_key(issuer->key_info, hash, out->key, &out->hash_len);
}

/* Lengths up to 65535: more does not fit in a request anyway. */
static bool put_length(struct room *to, size_t len)
{
    if (len < 0x80) {
        return room_put_u8(to, (uint8_t)len);
    }
    if (len <= UINT8_MAX) {
        return room_put_u8(to, 0x81) && room_put_u8(to, (uint8_t)len);
    }
    return len <= UINT16_MAX && room_put_u8(to, 0x82) && room_put_u16(to, (uint16_t)len);
}

static bool put_element(struct room *to, uint8_t tag, struct span content)
{
    return room_put_u8(to, tag) && put_length(to, content.len) && room_put(to, content);
}

/* Make all that is in the room the content of one element. DER is written from the inside out,
 * because a header has to know how long its content is. */
static bool wrap(struct room *r, uint8_t tag)
{
    uint8_t copy[OCSP_REQUEST_MAX];
    size_t len = r->len;

    if (len > sizeof(copy)) {
        return false;
    }
    memcpy(copy, r->data, len);
    r->len = 0;
    return put_element(r, tag, span_of(copy, len));
}

/* requestList of one Request of one CertID. */
static bool put_list(struct room *to, const struct ocsp_id *id, enum ocsp_hash hash,
                     struct span serial)
{
    struct span algorithm = hash == OCSP_SHA256
                                ? span_of(algorithm_sha256, sizeof(algorithm_sha256))
                                : span_of(algorithm_sha1, sizeof(algorithm_sha1));

    return room_put(to, algorithm) &&
           put_element(to, DER_OCTET_STRING, span_of(id->name, id->hash_len)) &&
           put_element(to, DER_OCTET_STRING, span_of(id->key, id->hash_len)) &&
           put_element(to, DER_INTEGER, serial) && wrap(to, DER_SEQUENCE) &&
           wrap(to, DER_SEQUENCE) && wrap(to, DER_SEQUENCE);
}

/* requestExtensions: the nonce is an OCTET STRING inside of the extension's (RFC 9654 2.1). */
static bool put_extensions(struct room *to, struct span nonce)
{
    uint8_t bytes[OCSP_NONCE_LEN + 8];
    struct room value = room_of(bytes, sizeof(bytes));

    return put_element(&value, DER_OCTET_STRING, nonce) &&
           put_element(to, DER_OID, span_of(oid_nonce, sizeof(oid_nonce))) &&
           put_element(to, DER_OCTET_STRING, room_span(&value)) && wrap(to, DER_SEQUENCE) &&
           wrap(to, DER_SEQUENCE) && wrap(to, DER_CONTEXT_CONSTRUCTED(2));
}

bool ocsp_request(struct span cert, struct span issuer, enum ocsp_hash hash, struct span nonce,
                  struct room *out)
{
    uint8_t list_bytes[OCSP_REQUEST_MAX];
    uint8_t extension_bytes[OCSP_REQUEST_MAX];
    struct room all = room_of(list_bytes, sizeof(list_bytes));
    struct room extensions = room_of(extension_bytes, sizeof(extension_bytes));
    struct cert_view view;
    struct cert_view by;
    struct ocsp_id id;

    assert(nonce.len == 0 || nonce.len == OCSP_NONCE_LEN);
    if (!cert_view_read(cert, &view) || !cert_view_read(issuer, &by) ||
        !dn_equal(view.issuer, by.subject) || !ocsp_id_make(&view, &by, hash, &id) ||
        !put_list(&all, &id, hash, view.serial)) {
        return false;
    }
    if (nonce.len > 0 && !put_extensions(&extensions, nonce)) {
        return false;
    }
    return room_put(&all, room_span(&extensions)) && wrap(&all, DER_SEQUENCE) &&
           wrap(&all, DER_SEQUENCE) && room_put(out, room_span(&all));
}
