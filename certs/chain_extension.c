#include "certs/chain_extension.h"

#include "certs/constraints.h"
#include "certs/der.h"
#include "certs/modbus_role.h"

enum {
    EXTENSIONS_MAX = 64,
    IP4_LEN = 4,
    IP6_LEN = 16,
    SAN_KIND_MAX = 8,
    SAN_CONSTRUCTED = 0x39, /* bits: [0] [3] [4] [5] are constructed */
    FEATURE_STATUS_REQUEST = 5,
};

typedef bool (*extension_reader)(struct span value, struct chain_cert *c);

/* A SEQUENCE that is the whole value. */
static bool open_sequence(struct span value, struct span *content)
{
    return der_take_tag(&value, DER_SEQUENCE, content) && value.len == 0;
}

/* An INTEGER of 0 or more; what does not fit is cut to the largest number: no path is that long. */
static bool read_count(struct span integer, uint32_t *out)
{
    uint32_t value = 0;
    uint8_t byte;

    if (!span_at(integer, 0, &byte) || byte >= 0x80) {
        return false;
    }
    if (byte == 0 && integer.len > 1 && span_at(integer, 1, &byte) && byte < 0x80) {
        return false; /* not the shortest form */
    }
    if (integer.len > 3) {
        *out = INT32_MAX;
        return true;
    }
    while (span_take_u8(&integer, &byte)) {
        value = (value << 8) | byte;
    }
    *out = value;
    return true;
}

/* BasicConstraints ::= SEQUENCE { cA BOOLEAN DEFAULT FALSE, pathLenConstraint INTEGER OPTIONAL };
 * view.is_ca is known already. */
static bool read_basic_constraints(struct span value, struct chain_cert *c)
{
    struct span content;
    struct span ca;
    struct span path_len;
    bool has_ca;

    if (!open_sequence(value, &content) ||
        !der_take_optional(&content, DER_BOOLEAN, &ca, &has_ca) ||
        !der_take_optional(&content, DER_INTEGER, &path_len, &c->has_path_len) ||
        content.len != 0) {
        return false;
    }
    return !c->has_path_len || read_count(path_len, &c->path_len);
}

/* At least one bit must be set (RFC 5280 4.2.1.3), and unused bits are zero (DER). */
static bool read_key_usage(struct span value, struct chain_cert *c)
{
    struct span bits;
    uint8_t unused;
    uint8_t byte = 0;
    bool has_one = false;

    (void)c; /* cert_view_read has taken the bits that matter */
    if (!der_take_tag(&value, DER_BIT_STRING, &bits) || !span_take_u8(&bits, &unused) ||
        unused > 7) {
        return false;
    }
    while (span_take_u8(&bits, &byte)) {
        has_one = has_one || byte != 0;
    }
    return has_one && (byte & ((1U << unused) - 1U)) == 0;
}

/* A list of OIDs that is not empty; cert_view_read has read it. */
static bool read_ext_key_usage(struct span value, struct chain_cert *c)
{
    struct span content;

    (void)c;
    return open_sequence(value, &content) && content.len > 0;
}

/* One GeneralName: its kind, its form, and addresses of the right length. */
static bool take_general_name(struct span *names)
{
    struct span value;
    uint8_t tag = 0;
    unsigned kind;
    bool is_constructed;

    if (!span_at(*names, 0, &tag) || !cert_san_take(names, &kind, &value) || kind > SAN_KIND_MAX) {
        return false;
    }
    is_constructed = (tag & 0x20) != 0;
    if (is_constructed != ((SAN_CONSTRUCTED & (1U << kind)) != 0)) {
        return false;
    }
    return kind != CERT_SAN_IP || value.len == IP4_LEN || value.len == IP6_LEN;
}

static bool read_alt_names(struct span value, struct chain_cert *c)
{
    struct span names;

    (void)c;
    if (!open_sequence(value, &names) || names.len == 0) {
        return false;
    }
    while (names.len > 0) {
        if (!take_general_name(&names)) {
            return false;
        }
    }
    return true;
}

static bool read_name_constraints(struct span value, struct chain_cert *c)
{
    return open_sequence(value, &c->name_constraints) && constraints_are_sound(c->name_constraints);
}

static bool read_policies(struct span value, struct chain_cert *c)
{
    return open_sequence(value, &c->policies.policies) && policies_are_sound(c->policies.policies);
}

static bool read_mappings(struct span value, struct chain_cert *c)
{
    return open_sequence(value, &c->policies.mappings) &&
           policies_mappings_are_sound(c->policies.mappings);
}

/* PolicyConstraints ::= SEQUENCE { [0] requireExplicitPolicy, [1] inhibitPolicyMapping }, one of
 * them at least. Mapping is always inhibited here. */
static bool read_policy_constraints(struct span value, struct chain_cert *c)
{
    struct span content;
    struct span require;
    struct span inhibit;
    bool has_require;
    bool has_inhibit;
    uint32_t count = 0;

    if (!open_sequence(value, &content) ||
        !der_take_optional(&content, DER_CONTEXT(0), &require, &has_require) ||
        !der_take_optional(&content, DER_CONTEXT(1), &inhibit, &has_inhibit) || content.len != 0 ||
        (!has_require && !has_inhibit)) {
        return false;
    }
    if ((has_inhibit && !read_count(inhibit, &count)) ||
        (has_require && !read_count(require, &count))) {
        return false;
    }
    if (has_require) {
        c->policies.require_explicit = (int32_t)count;
    }
    return true;
}

static bool read_inhibit_any(struct span value, struct chain_cert *c)
{
    struct span integer;
    uint32_t count;

    if (!der_take_tag(&value, DER_INTEGER, &integer) || value.len != 0 ||
        !read_count(integer, &count)) {
        return false;
    }
    c->policies.inhibit_any = (int32_t)count;
    return true;
}

/* AuthorityKeyIdentifier ::= SEQUENCE { [0] keyIdentifier, [1] issuer, [2] serial }; issuer and
 * serial come together or not at all. */
static bool read_authority_key(struct span value, struct chain_cert *c)
{
    struct span content;
    struct span issuer;
    struct span serial;
    bool has_key;
    bool has_issuer;
    bool has_serial;

    if (!open_sequence(value, &content) ||
        !der_take_optional(&content, DER_CONTEXT(0), &c->authority_key, &has_key) ||
        !der_take_optional(&content, DER_CONTEXT_CONSTRUCTED(1), &issuer, &has_issuer) ||
        !der_take_optional(&content, DER_CONTEXT(2), &serial, &has_serial) || content.len != 0) {
        return false;
    }
    c->has_authority_issuer = has_issuer;
    return has_issuer == has_serial;
}

static bool read_subject_key(struct span value, struct chain_cert *c)
{
    return der_take_tag(&value, DER_OCTET_STRING, &c->subject_key) && value.len == 0 &&
           c->subject_key.len > 0;
}

/* AuthorityInfoAccessSyntax ::= SEQUENCE SIZE (1..MAX) OF SEQUENCE { method OID, GeneralName } */
static bool read_authority_info(struct span value, struct chain_cert *c)
{
    struct span list;

    if (!open_sequence(value, &list) || list.len == 0) {
        return false;
    }
    c->authority_info = list;
    while (list.len > 0) {
        struct span description;
        struct span method;
        if (!der_take_tag(&list, DER_SEQUENCE, &description) ||
            !der_take_tag(&description, DER_OID, &method) || !take_general_name(&description) ||
            description.len != 0) {
            return false;
        }
    }
    return true;
}

/* CRLDistributionPoints: whoever looks for CRLs reads the rest. */
static bool take_points(struct span value, struct span *out)
{
    struct span list;

    if (!open_sequence(value, &list) || list.len == 0) {
        return false;
    }
    *out = list;
    while (list.len > 0) {
        struct span point;
        if (!der_take_tag(&list, DER_SEQUENCE, &point)) {
            return false;
        }
    }
    return true;
}

static bool read_crl_points(struct span value, struct chain_cert *c)
{
    return take_points(value, &c->crl_points);
}

static bool read_freshest(struct span value, struct chain_cert *c)
{
    return take_points(value, &c->freshest_points);
}

/* Features ::= SEQUENCE OF INTEGER (RFC 7633 4.1) */
static bool read_features(struct span value, struct chain_cert *c)
{
    struct span list;

    if (!open_sequence(value, &list)) {
        return false;
    }
    while (list.len > 0) {
        struct span feature;
        uint32_t number;
        if (!der_take_tag(&list, DER_INTEGER, &feature) || !read_count(feature, &number)) {
            return false;
        }
        c->must_staple = c->must_staple || number == FEATURE_STATUS_REQUEST;
    }
    return true;
}

/* What is known, in the order of enum chain_extension. */
struct known {
    uint8_t oid[8];
    uint8_t oid_len;
    extension_reader read;
    const char *broken;
};

static const struct known known[CHAIN_EXTENSION_COUNT] = {
    {{0x55, 0x1D, 0x13}, 3, read_basic_constraints, "basicConstraints are malformed"},
    {{0x55, 0x1D, 0x0F}, 3, read_key_usage, "keyUsage is malformed or grants nothing"},
    {{0x55, 0x1D, 0x25}, 3, read_ext_key_usage, "extendedKeyUsage is malformed"},
    {{0x55, 0x1D, 0x11}, 3, read_alt_names, "subjectAltName is malformed or empty"},
    {{0x55, 0x1D, 0x1E}, 3, read_name_constraints, "nameConstraints are malformed or empty"},
    {{0x55, 0x1D, 0x20}, 3, read_policies, "certificatePolicies are malformed"},
    {{0x55, 0x1D, 0x21}, 3, read_mappings, "policyMappings are malformed"},
    {{0x55, 0x1D, 0x24}, 3, read_policy_constraints, "policyConstraints are malformed"},
    {{0x55, 0x1D, 0x36}, 3, read_inhibit_any, "inhibitAnyPolicy is malformed"},
    {{0x55, 0x1D, 0x23}, 3, read_authority_key, "authorityKeyIdentifier is malformed"},
    {{0x55, 0x1D, 0x0E}, 3, read_subject_key, "subjectKeyIdentifier is malformed"},
    {{0x2B, 6, 1, 5, 5, 7, 1, 1}, 8, read_authority_info, "authorityInfoAccess is malformed"},
    {{0x55, 0x1D, 0x1F}, 3, read_crl_points, "cRLDistributionPoints are malformed"},
    {{0x55, 0x1D, 0x2E}, 3, read_freshest, "freshestCRL is malformed"},
    {{0x2B, 6, 1, 5, 5, 7, 1, 24}, 8, read_features, "the TLS feature extension is malformed"},
};

static const char *read_known(struct span oid, struct span value, bool is_critical,
                              struct chain_cert *c)
{
    for (unsigned i = 0; i < CHAIN_EXTENSION_COUNT; i++) {
        if (!span_equal(oid, span_of(known[i].oid, known[i].oid_len))) {
            continue;
        }
        /* RFC 7633 4.2.2 wants more of a path than must-staple, and that is not checked here. */
        if (is_critical && i == CHAIN_TLS_FEATURE) {
            break;
        }
        c->present |= 1U << i;
        if (is_critical) {
            c->critical |= 1U << i;
        }
        return known[i].read(value, c) ? NULL : known[i].broken;
    }
    return is_critical ? "an unknown critical extension" : NULL;
}

bool chain_extension_take(struct span *list, struct span *oid, bool *is_critical,
                          struct span *value)
{
    struct span extension;
    uint8_t tag;

    *is_critical = false;
    if (!der_take_tag(list, DER_SEQUENCE, &extension) || !der_take_tag(&extension, DER_OID, oid)) {
        return false;
    }
    if (span_at(extension, 0, &tag) && tag == DER_BOOLEAN &&
        !der_take_bool(&extension, is_critical)) {
        return false;
    }
    return der_take_tag(&extension, DER_OCTET_STRING, value) && extension.len == 0;
}

static bool is_repeated(const struct span *seen, size_t count, struct span oid)
{
    if (modbus_role_is_oid(oid)) {
        return false; /* Modbus/TCP Security: two roles are no role, and the link stays up */
    }
    for (size_t i = 0; i < count; i++) {
        if (span_equal(seen[i], oid)) {
            return true;
        }
    }
    return false;
}

const char *chain_extension_read_all(struct span wrapped, struct chain_cert *c)
{
    struct span seen[EXTENSIONS_MAX];
    size_t count = 0;
    struct span list;
    const char *why = NULL;

    if (!open_sequence(wrapped, &list) || list.len == 0) {
        return "the list of extensions is broken or empty";
    }
    while (list.len > 0 && why == NULL) {
        struct span value;
        bool is_critical;
        if (count == EXTENSIONS_MAX) {
            return "too many extensions";
        }
        if (!chain_extension_take(&list, &seen[count], &is_critical, &value)) {
            return "the list of extensions is broken or empty";
        }
        /* RFC 5280 4.2 */
        if (is_repeated(seen, count, seen[count])) {
            return "an extension stands there twice";
        }
        why = read_known(seen[count], value, is_critical, c);
        count++;
    }
    return why;
}
