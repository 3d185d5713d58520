#include "certs/cert_urls.h"

#include <string.h>
#include <strings.h>

#include "certs/cert.h"
#include "certs/chain_cert.h"
#include "certs/der.h"

static const uint8_t oid_ocsp[] = {0x2B, 6, 1, 5, 5, 7, 0x30, 1};

/* Printable and no blank: nothing that could end a request line or fake a log line. */
static bool is_printable(struct span text)
{
    uint8_t byte;

    while (span_take_u8(&text, &byte)) {
        if (byte <= 0x20 || byte >= 0x7F) {
            return false;
        }
    }
    return true;
}

static bool begins_with(struct span text, const char *scheme)
{
    size_t len = strlen(scheme);

    return text.len > len && strncasecmp((const char *)text.data, scheme, len) == 0;
}

static bool is_known(const struct cert_urls_list *list, struct span url)
{
    for (size_t i = 0; i < list->count; i++) {
        if (span_equal(span_of_text(list->urls[i]), url)) {
            return true;
        }
    }
    return false;
}

static void add(struct cert_urls_list *list, struct span url)
{
    if (list->count == CERT_URLS_MAX || url.len > CERT_URLS_LEN_MAX || !is_printable(url) ||
        (!begins_with(url, "http://") && !begins_with(url, "https://")) || is_known(list, url)) {
        return;
    }
    memcpy(list->urls[list->count], url.data, url.len);
    list->urls[list->count][url.len] = '\0';
    list->count++;
}

/* AccessDescription ::= SEQUENCE { accessMethod OID, accessLocation GeneralName } */
static bool read_access(struct span list, struct cert_urls_list *out)
{
    while (list.len > 0) {
        struct span description;
        struct span method;
        struct span name;
        unsigned kind;
        if (!der_take_tag(&list, DER_SEQUENCE, &description) ||
            !der_take_tag(&description, DER_OID, &method) ||
            !cert_san_take(&description, &kind, &name) || description.len != 0) {
            return false;
        }
        if (kind == CERT_SAN_URI && span_equal(method, span_of(oid_ocsp, sizeof(oid_ocsp)))) {
            add(out, name);
        }
    }
    return true;
}

/* GeneralNames: other kinds of name than URLs are no place to ask. */
static bool read_names(struct span names, struct cert_urls_list *out)
{
    if (names.len == 0) {
        return false;
    }
    while (names.len > 0) {
        struct span name;
        uint8_t tag;
        if (!der_take(&names, &tag, &name) || (tag & 0xC0) != 0x80 ||
            tag == DER_CONTEXT_CONSTRUCTED(CERT_SAN_URI)) {
            return false;
        }
        if (tag == DER_CONTEXT(CERT_SAN_URI)) {
            add(out, name);
        }
    }
    return true;
}

/* DistributionPointName ::= CHOICE { fullName [0] GeneralNames, nameRelativeToCRLIssuer [1] RDN }
 */
static bool read_point_name(struct span wrapped, struct cert_urls_list *out)
{
    struct span full;
    struct span relative;
    bool is_full;
    bool is_relative;

    if (!der_take_optional(&wrapped, DER_CONTEXT_CONSTRUCTED(0), &full, &is_full) ||
        !der_take_optional(&wrapped, DER_CONTEXT_CONSTRUCTED(1), &relative, &is_relative) ||
        wrapped.len != 0 || is_full == is_relative) {
        return false;
    }
    return !is_full || read_names(full, out);
}

/* DistributionPoint ::= SEQUENCE { distributionPoint [0] EXPLICIT OPTIONAL, reasons [1] OPTIONAL,
 * cRLIssuer [2] GeneralNames OPTIONAL } (RFC 5280 4.2.1.13) */
static bool read_points(struct span list, struct cert_urls_list *out)
{
    while (list.len > 0) {
        struct span point;
        struct span name;
        struct span skipped;
        bool has_name;
        bool has_reasons;
        bool has_issuer;
        if (!der_take_tag(&list, DER_SEQUENCE, &point) ||
            !der_take_optional(&point, DER_CONTEXT_CONSTRUCTED(0), &name, &has_name) ||
            !der_take_optional(&point, DER_CONTEXT(1), &skipped, &has_reasons) ||
            !der_take_optional(&point, DER_CONTEXT_CONSTRUCTED(2), &skipped, &has_issuer) ||
            point.len != 0 || (has_name && !read_point_name(name, out))) {
            return false;
        }
    }
    return true;
}

bool cert_urls_read(struct span cert, struct cert_urls *out)
{
    struct chain_cert c;

    memset(out, 0, sizeof(*out));
    if (chain_cert_read(cert, &c) && c.defect == NULL &&
        read_access(c.authority_info, &out->ocsp) && read_points(c.crl_points, &out->crls) &&
        read_points(c.freshest_points, &out->deltas)) {
        return true;
    }
    memset(out, 0, sizeof(*out));
    return false;
}
