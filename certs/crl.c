#include "certs/crl.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "certs/crl_inside.h"
#include "certs/der.h"
#include "certs/dn.h"
#include "certs/mem.h"

static const uint8_t oid_key_id[] = {0x55, 0x1D, 0x23};
static const uint8_t oid_number[] = {0x55, 0x1D, 0x14};
static const uint8_t oid_delta[] = {0x55, 0x1D, 0x1B};
static const uint8_t oid_scope[] = {0x55, 0x1D, 0x1C};

static const char broken[] = "it is no CRL, or broken";
static const char broken_extensions[] = "its extensions are broken";

#define IS_OID(value, oid) span_equal((value), span_of((oid), sizeof(oid)))

/* The number of a CRL: not negative, at most 20 bytes (RFC 5280 5.2.3). */
static bool read_number(struct span value, struct span *out)
{
    uint8_t first;

    return der_take_tag(&value, DER_INTEGER, out) && value.len == 0 && crl_table_is_integer(*out) &&
           out->len <= CRL_SERIAL_MAX && span_at(*out, 0, &first) && first < 0x80;
}

/* AuthorityKeyIdentifier ::= SEQUENCE { [0] keyIdentifier, [1] issuer, [2] serial }; the last two
 * come together or not at all. */
static bool read_key_id(struct span value, struct crl_head *head)
{
    struct span content;
    bool has_key;
    bool has_issuer;
    bool has_serial;

    return der_take_tag(&value, DER_SEQUENCE, &content) && value.len == 0 &&
           der_take_optional(&content, DER_CONTEXT(0), &head->key_id, &has_key) &&
           der_take_optional(&content, DER_CONTEXT_CONSTRUCTED(1), &head->key_issuer,
                             &has_issuer) &&
           der_take_optional(&content, DER_CONTEXT(2), &head->key_serial, &has_serial) &&
           content.len == 0 && has_issuer == has_serial;
}

static bool read_extension(const struct crl_extension *e, unsigned *seen, struct crl *c)
{
    unsigned bit = 0;
    bool is_sound = true;

    if (IS_OID(e->oid, oid_key_id)) {
        bit = 1;
        is_sound = read_key_id(e->value, &c->head);
    } else if (IS_OID(e->oid, oid_number)) {
        bit = 2;
        is_sound = read_number(e->value, &c->head.number);
        if (e->is_critical) {
            c->defect = "has a critical crlNumber"; /* RFC 5280 5.2.3: never */
        }
    } else if (IS_OID(e->oid, oid_delta)) {
        bit = 4;
        c->is_delta = true;
        is_sound = read_number(e->value, &c->head.base_number);
    } else if (IS_OID(e->oid, oid_scope)) {
        bit = 8;
        c->head.scope_bytes = e->value;
        is_sound = crl_scope_read(e->value, &c->scope);
    } else if (e->is_critical) {
        c->defect = "has an unknown critical extension";
    }
    if (!is_sound || (*seen & bit) != 0) {
        return false;
    }
    *seen |= bit;
    return true;
}

/* [0] EXPLICIT Extensions, the rest of the body. */
static bool read_extensions(struct span tail, bool is_v2, struct crl *c)
{
    struct span wrapped;
    struct span list;
    unsigned seen = 0;

    if (tail.len == 0) {
        return true;
    }
    if (!is_v2 || !der_take_tag(&tail, DER_CONTEXT_CONSTRUCTED(0), &wrapped) || tail.len != 0 ||
        !der_take_tag(&wrapped, DER_SEQUENCE, &list) || wrapped.len != 0 || list.len == 0) {
        return false;
    }
    while (list.len > 0) {
        struct crl_extension e;
        if (!crl_table_take_extension(&list, &e) || !read_extension(&e, &seen, c)) {
            return false;
        }
    }
    return true;
}

/* Version: v1 is not written, v2 is 1; nothing else exists (RFC 5280 5.1.2.1). */
static bool take_version(struct span *body, bool *is_v2)
{
    struct span number;
    uint8_t value = 0;

    if (!der_take_optional(body, DER_INTEGER, &number, is_v2)) {
        return false;
    }
    return !*is_v2 || (number.len == 1 && span_at(number, 0, &value) && value == 1);
}

static bool take_times(struct span *body, struct crl *c)
{
    uint8_t tag;

    if (!der_take_time(body, &c->this_update_s)) {
        return false;
    }
    c->has_next_update = span_at(*body, 0, &tag) &&
                         (tag == DER_UTC_TIME || tag == DER_GENERALIZED_TIME);
    return !c->has_next_update || der_take_time(body, &c->next_update_s);
}

/* TBSCertList, RFC 5280 5.1. */
static const char *read_body(struct span body, struct crl *c)
{
    struct span algorithm;
    struct span revoked;
    bool is_v2;
    bool has_revoked;
    const char *why = NULL;

    if (!take_version(&body, &is_v2) || !der_take_whole(&body, &algorithm) ||
        !der_take_whole(&body, &c->head.issuer) || !take_times(&body, c) ||
        !der_take_optional(&body, DER_SEQUENCE, &revoked, &has_revoked)) {
        return broken;
    }
    /* RFC 5280 5.1.1.2: what is not signed must not say other than what is. */
    if (!span_equal(algorithm, c->algorithm)) {
        return "its signature algorithm differs inside and outside of the signed part";
    }
    /* Names are compared, so the issuer's must be readable. */
    if (!dn_equal(c->head.issuer, c->head.issuer) || dn_is_empty(c->head.issuer)) {
        return "its issuer's name is empty or broken";
    }
    if (!read_extensions(body, is_v2, c)) {
        return broken_extensions;
    }
    if (has_revoked) {
        why = crl_table_read(c, revoked, is_v2);
    }
    if (why == NULL && c->head.number.len == 0 && c->defect == NULL) {
        c->defect = "has no crlNumber";
    }
    if (why == NULL && c->issuer_count > 1 && !c->scope.is_indirect) {
        why = "it names another issuer's certificates without being indirect";
    }
    return why;
}

/* CertificateList ::= SEQUENCE { tbsCertList, signatureAlgorithm, signature BIT STRING } */
static const char *read_list(struct span der, struct crl *c)
{
    struct span list;
    struct span tbs;
    struct span body;
    uint8_t unused;

    if (!der_take_tag(&der, DER_SEQUENCE, &list) || der.len != 0 ||
        !der_take_whole(&list, &c->tbs) || !der_take_whole(&list, &c->algorithm) ||
        !der_take_tag(&list, DER_BIT_STRING, &c->signature) || list.len != 0 ||
        !span_take_u8(&c->signature, &unused) || unused != 0) {
        return broken;
    }
    tbs = c->tbs;
    return der_take_tag(&tbs, DER_SEQUENCE, &body) ? read_body(body, c) : broken;
}

struct crl *crl_new(struct span der, struct fault *f)
{
    struct crl *c = mem_new(1, sizeof(*c));
    const char *why = crl_table_memory;

    if (c != NULL) {
        c->holders = 1;
        c->scope = crl_scope_all();
        c->memo = mem_new(1, sizeof(*c->memo));
        c->source = mem_new(der.len == 0 ? 1 : der.len, 1);
    }
    if (c != NULL && c->memo != NULL && c->source != NULL) {
        c->source_len = der.len;
        if (der.len > 0) {
            memcpy(c->source, der.data, der.len);
        }
        why = read_list(span_of(c->source, der.len), c);
    }
    if (why == NULL) {
        return c;
    }
    (void)fault_set(f, why == crl_table_memory ? FAULT_MEMORY : FAULT_BAD_CERT,
                    FAULT_SIDE_CERTIFICATE, "CRL: ", why);
    crl_release(c);
    return NULL;
}

struct crl *crl_hold(struct crl *c)
{
    assert(c->holders > 0 && c->holders < UINT32_MAX);
    c->holders++;
    return c;
}

void crl_release(struct crl *c)
{
    if (c == NULL) {
        return;
    }
    assert(c->holders > 0);
    c->holders--;
    if (c->holders > 0) {
        return;
    }
    if (c->memo != NULL) {
        mem_free(c->memo->key_info);
    }
    mem_free(c->memo);
    crl_table_free(c);
    mem_free(c->source);
    mem_free(c->kept);
    mem_free(c);
}

/* Move what a span borrows behind what is kept already. With a room of no bytes: only count. */
static void keep(struct room *kept, size_t *total, struct span *s)
{
    bool fits;

    *total += s->len;
    if (kept->data == NULL || s->len == 0) {
        return;
    }
    fits = room_put(kept, *s);
    assert(fits); /* the room was made from the same spans, counted */
    *s = span_after(room_span(kept), kept->len - s->len);
}

static size_t keep_all(struct crl *c, struct room *kept)
{
    struct span *heads[] = {&c->head.issuer,     &c->head.number,     &c->head.base_number,
                            &c->head.key_id,     &c->head.key_issuer, &c->head.key_serial,
                            &c->head.scope_bytes};
    size_t total = 0;

    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        keep(kept, &total, heads[i]);
    }
    for (size_t i = 0; i < c->issuer_count; i++) {
        keep(kept, &total, &c->issuers[i]);
    }
    return total;
}

bool crl_forget_source(struct crl *c)
{
    struct room kept = room_of(NULL, 0);
    size_t total;

    if (c->source == NULL) {
        return true;
    }
    total = keep_all(c, &kept);
    c->kept = mem_new(total, 1); /* an issuer is always there: never 0 */
    if (c->kept == NULL) {
        return false;
    }
    kept = room_of(c->kept, total);
    (void)keep_all(c, &kept);
    if (c->head.scope_bytes.len > 0) {
        /* The scope's spans move along; it was read before. */
        (void)crl_scope_read(c->head.scope_bytes, &c->scope);
    }
    c->tbs = span_of(NULL, 0);
    c->algorithm = span_of(NULL, 0);
    c->signature = span_of(NULL, 0);
    mem_free(c->source);
    c->source = NULL;
    c->source_len = 0;
    return true;
}

struct span crl_issuer(const struct crl *c)
{
    return c->head.issuer;
}

int64_t crl_this_update_s(const struct crl *c)
{
    return c->this_update_s;
}

bool crl_next_update_s(const struct crl *c, int64_t *out_s)
{
    if (c->has_next_update) {
        *out_s = c->next_update_s;
    }
    return c->has_next_update;
}

struct span crl_number(const struct crl *c)
{
    return c->head.number;
}

bool crl_is_delta(const struct crl *c)
{
    return c->is_delta;
}

bool crl_is_indirect(const struct crl *c)
{
    return c->scope.is_indirect;
}

size_t crl_entry_count(const struct crl *c)
{
    return c->listed;
}

struct span crl_scope_value(const struct crl *c)
{
    return c->head.scope_bytes;
}

struct span crl_key_id(const struct crl *c)
{
    return c->head.key_id;
}

struct span crl_der(const struct crl *c)
{
    return span_of(c->source, c->source_len);
}

const char *crl_defect(const struct crl *c)
{
    return c->defect;
}

size_t crl_memory(const struct crl *c)
{
    return sizeof(*c) + c->source_len + c->table.count * sizeof(*c->table.entries) +
           c->table.part_count * sizeof(*c->table.firsts);
}

void crl_label(const struct crl *c, char out[CRL_LABEL_MAX])
{
    struct span number = c->head.number;
    char digits[2 * CRL_SERIAL_MAX + 1];
    size_t len = 0;
    uint8_t byte;

    while (span_take_u8(&number, &byte)) {
        len += (size_t)snprintf(digits + len, sizeof(digits) - len, "%02x", byte);
    }
    digits[len] = '\0';
    (void)snprintf(out, CRL_LABEL_MAX, "%sCRL %s ", c->is_delta ? "delta " : "",
                   len > 0 ? digits : "without number");
}
