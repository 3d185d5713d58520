#include "certs/chain_cert.h"

#include "certs/chain_extension.h"
#include "certs/der.h"
#include "certs/dn.h"

/* 2050-01-01T00:00:00Z: dates before it are UTCTime (RFC 5280 4.1.2.5). */
static const int64_t first_general_s = INT64_C(2524608000);

bool chain_cert_has(const struct chain_cert *c, enum chain_extension which)
{
    return (c->present & (1U << (unsigned)which)) != 0;
}

bool chain_cert_has_critical(const struct chain_cert *c, enum chain_extension which)
{
    return (c->critical & (1U << (unsigned)which)) != 0;
}

bool chain_cert_is_self_issued(const struct chain_cert *c)
{
    return dn_equal(c->view.subject, c->view.issuer);
}

/* Version ::= [0] EXPLICIT INTEGER DEFAULT v1: 1 and 2 may be written, 0 may not (DER). */
static bool take_version(struct span *body, unsigned *out)
{
    struct span wrapped;
    struct span value;
    uint8_t number;
    bool present;

    if (!der_take_optional(body, DER_CONTEXT_CONSTRUCTED(0), &wrapped, &present)) {
        return false;
    }
    *out = 1;
    if (!present) {
        return true;
    }
    if (!der_take_tag(&wrapped, DER_INTEGER, &value) || wrapped.len != 0 || value.len != 1 ||
        !span_at(value, 0, &number) || number < 1 || number > 2) {
        return false;
    }
    *out = number + 1U;
    return true;
}

/* A date, and whether it is one in the wrong form. */
static bool take_date(struct span *validity, bool *is_old_general)
{
    int64_t when_s;
    uint8_t tag;

    if (!span_at(*validity, 0, &tag) || !der_take_time(validity, &when_s)) {
        return false;
    }
    if (tag == DER_GENERALIZED_TIME && when_s < first_general_s) {
        *is_old_general = true;
    }
    return true;
}

/* The body once more, for what cert_view_read passes over. `tail` gets what follows the key. */
static bool read_body(struct span body, struct chain_cert *c, struct span *inner_algorithm,
                      struct span *tail)
{
    struct span serial;
    struct span validity;
    struct span skipped;

    if (!take_version(&body, &c->version) || !der_take_tag(&body, DER_INTEGER, &serial) ||
        !der_take_whole(&body, inner_algorithm) || !der_take_whole(&body, &skipped) ||
        !der_take_tag(&body, DER_SEQUENCE, &validity) ||
        !take_date(&validity, &c->is_old_time_general) ||
        !take_date(&validity, &c->is_old_time_general) || !der_take_whole(&body, &skipped) ||
        !der_take_whole(&body, &skipped)) {
        return false;
    }
    *tail = body;
    return true;
}

/* Certificate ::= SEQUENCE { tbs, signatureAlgorithm, signature BIT STRING } */
static bool open_certificate(struct span der, struct chain_cert *c)
{
    struct span certificate;
    uint8_t unused;

    return der_take_tag(&der, DER_SEQUENCE, &certificate) && der.len == 0 &&
           der_take_whole(&certificate, &c->tbs) && der_take_whole(&certificate, &c->algorithm) &&
           der_take_tag(&certificate, DER_BIT_STRING, &c->signature) && certificate.len == 0 &&
           span_take_u8(&c->signature, &unused) && unused == 0;
}

/* Unique ids need version 2, extensions version 3 (RFC 5280 4.1.2.1 and 4.1.2.8). */
static const char *find_tail_defect(struct span tail, struct chain_cert *c)
{
    struct span skipped;
    struct span wrapped = span_of(NULL, 0);
    bool has_first = false;
    bool has_second = false;
    bool has_extensions = false;

    if (!der_take_optional(&tail, DER_CONTEXT(1), &skipped, &has_first) ||
        !der_take_optional(&tail, DER_CONTEXT(2), &skipped, &has_second) ||
        !der_take_optional(&tail, DER_CONTEXT_CONSTRUCTED(3), &wrapped, &has_extensions)) {
        return "the certificate is broken";
    }
    if ((has_first || has_second) && c->version < 2) {
        return "unique identifiers in a certificate of version 1";
    }
    if (!has_extensions) {
        return NULL;
    }
    return c->version < 3 ? "extensions in a certificate that is not of version 3"
                          : chain_extension_read_all(wrapped, c);
}

static const char *find_name_defect(const struct chain_cert *c)
{
    /* Names are compared, so they must be readable. */
    if (!dn_equal(c->view.issuer, c->view.issuer) || !dn_equal(c->view.subject, c->view.subject)) {
        return "a name cannot be read";
    }
    if (dn_is_empty(c->view.issuer)) {
        return "the issuer's name is empty";
    }
    if (c->view.is_ca && dn_is_empty(c->view.subject)) {
        return "a CA without a name";
    }
    return NULL;
}

bool chain_cert_read(struct span der, struct chain_cert *out)
{
    struct chain_cert c = {
        .policies = {.require_explicit = POLICIES_NONE, .inhibit_any = POLICIES_NONE}};
    struct span tbs;
    struct span body;
    struct span inner_algorithm;
    struct span tail;

    if (!cert_view_read(der, &c.view) || !open_certificate(der, &c)) {
        return false;
    }
    tbs = c.tbs;
    if (!der_take_tag(&tbs, DER_SEQUENCE, &body) || !read_body(body, &c, &inner_algorithm, &tail)) {
        return false;
    }
    c.defect = find_tail_defect(tail, &c);
    if (c.defect == NULL) {
        c.defect = find_name_defect(&c);
    }
    /* RFC 5280 4.1.1.2: what is not signed must not say other than what is. */
    if (c.defect == NULL && !span_equal(inner_algorithm, c.algorithm)) {
        c.defect = "the signature algorithm differs inside and outside of the signed part";
    }
    *out = c;
    return true;
}
