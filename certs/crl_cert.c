#include "certs/crl_cert.h"

#include "certs/der.h"

enum extension {
    KEY_USAGE,
    KEY_ID,
    POINTS,
    BASIC_CONSTRAINTS, /* from here on: cert_view_read has read it, or it limits nothing here */
    ALT_NAME,
    EXT_KEY_USAGE,
    POLICIES,
    EXTENSION_COUNT,
    UNKNOWN = EXTENSION_COUNT,
};

/* The last byte of 2.5.29.x, in the order of enum extension. */
static const uint8_t last_bytes[EXTENSION_COUNT] = {0x0F, 0x0E, 0x1F, 0x13, 0x11, 0x25, 0x20};

static enum extension extension_of(struct span oid)
{
    for (unsigned i = 0; i < EXTENSION_COUNT; i++) {
        const uint8_t bytes[] = {0x55, 0x1D, last_bytes[i]};
        if (span_equal(oid, span_of(bytes, sizeof(bytes)))) {
            return (enum extension)i;
        }
    }
    return UNKNOWN;
}

/* The seventh bit of KeyUsage is cRLSign; cert_view_read has looked at the form. */
static bool read_key_usage(struct span value, struct crl_cert *c)
{
    struct span bits;
    uint8_t first = 0;

    if (!der_take_tag(&value, DER_BIT_STRING, &bits)) {
        return false;
    }
    (void)span_at(bits, 1, &first); /* an empty string grants nothing */
    c->may_sign_crls = (first & 0x02) != 0;
    return true;
}

static bool read_value(enum extension which, struct span value, struct crl_cert *c)
{
    switch (which) {
    case KEY_USAGE:
        return read_key_usage(value, c);
    case KEY_ID:
        return der_take_tag(&value, DER_OCTET_STRING, &c->key_id) && value.len == 0;
    case POINTS:
        return der_take_tag(&value, DER_SEQUENCE, &c->points) && value.len == 0 &&
               c->points.len > 0;
    case BASIC_CONSTRAINTS:
    case ALT_NAME:
    case EXT_KEY_USAGE:
    case POLICIES:
    case UNKNOWN:
        break;
    }
    return true;
}

static bool read_extension(struct span extension, unsigned *seen, struct crl_cert *c)
{
    struct span oid;
    struct span value;
    bool is_critical = false;
    enum extension which;
    uint8_t tag;

    if (!der_take_tag(&extension, DER_OID, &oid)) {
        return false;
    }
    if (span_at(extension, 0, &tag) && tag == DER_BOOLEAN &&
        !der_take_bool(&extension, &is_critical)) {
        return false;
    }
    if (!der_take_tag(&extension, DER_OCTET_STRING, &value) || extension.len != 0) {
        return false;
    }
    which = extension_of(oid);
    if (which == UNKNOWN) {
        c->has_unknown_critical = c->has_unknown_critical || is_critical;
        return true;
    }
    /* A second one could speak of another distribution point, or grant what the first does not. */
    if ((*seen & (1U << (unsigned)which)) != 0) {
        return false;
    }
    *seen |= 1U << (unsigned)which;
    return read_value(which, value, c);
}

/* cert_view_read has been through the whole body: what is left of it behind the key is sound. */
static bool read_extensions(struct span body, struct crl_cert *c)
{
    struct span wrapped = span_of(NULL, 0);
    struct span list;
    struct span value;
    unsigned seen = 0;
    uint8_t tag;

    while (der_take(&body, &tag, &value)) {
        if (tag == DER_CONTEXT_CONSTRUCTED(3)) {
            wrapped = value;
        }
    }
    if (wrapped.len == 0) {
        return true;
    }
    if (!der_take_tag(&wrapped, DER_SEQUENCE, &list)) {
        return false;
    }
    while (list.len > 0) {
        struct span extension;
        if (!der_take_tag(&list, DER_SEQUENCE, &extension) ||
            !read_extension(extension, &seen, c)) {
            return false;
        }
    }
    return true;
}

bool crl_cert_read(struct span der, struct crl_cert *out)
{
    struct crl_cert c = {0};
    struct span certificate;
    struct span tbs;
    struct span body;
    uint8_t unused;

    if (!cert_view_read(der, &c.view) || !der_take_tag(&der, DER_SEQUENCE, &certificate) ||
        !der_take_whole(&certificate, &c.tbs) || !der_take_whole(&certificate, &c.algorithm) ||
        !der_take_tag(&certificate, DER_BIT_STRING, &c.signature) || certificate.len != 0 ||
        !span_take_u8(&c.signature, &unused) || unused != 0) {
        return false;
    }
    tbs = c.tbs;
    if (!der_take_tag(&tbs, DER_SEQUENCE, &body) || !read_extensions(body, &c)) {
        return false;
    }
    *out = c;
    return true;
}
