#include "certs/der.h"
#include "certs/ocsp_inside.h"

enum {
    DER_ENUMERATED = 0x0A,
    STATUS_SUCCESSFUL = 0,
    EXTENSIONS_MAX = 16, /* in one list; real ones have one or two */
};

static const uint8_t oid_basic[] = {0x2B, 6, 1, 5, 5, 7, 0x30, 1, 1};
static const uint8_t oid_nonce[] = {0x2B, 6, 1, 5, 5, 7, 0x30, 1, 2};
static const uint8_t oid_sha1[] = {0x2B, 0x0E, 3, 2, 0x1A};
static const uint8_t oid_sha256[] = {0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1};

#define IS_OID(value, oid) span_equal((value), span_of((oid), sizeof(oid)))

/* One Extension. FALSE is the default of `critical`, so DER has it never written. */
struct extension {
    struct span oid;
    bool is_critical;
    struct span value;
};

static bool take_extension(struct span *from, struct extension *out)
{
    struct span body;
    uint8_t tag;

    if (!der_take_tag(from, DER_SEQUENCE, &body) || !der_take_tag(&body, DER_OID, &out->oid)) {
        return false;
    }
    out->is_critical = false;
    if (span_at(body, 0, &tag) && tag == DER_BOOLEAN &&
        (!der_take_bool(&body, &out->is_critical) || !out->is_critical)) {
        return false;
    }
    return der_take_tag(&body, DER_OCTET_STRING, &out->value) && body.len == 0;
}

static bool is_among(const struct span *seen, size_t count, struct span oid)
{
    for (size_t i = 0; i < count; i++) {
        if (span_equal(seen[i], oid)) {
            return true;
        }
    }
    return false;
}

/* The content of [1] Extensions. Only a nonce is known, and only where one may stand (`nonce` is
 * not NULL). False when broken or an extension is there twice: which of them counts? */
static bool read_extensions(struct span wrapped, struct span *nonce, bool *has_unknown_critical)
{
    struct span seen[EXTENSIONS_MAX];
    size_t count = 0;
    struct span list;

    if (!der_take_tag(&wrapped, DER_SEQUENCE, &list) || wrapped.len != 0 || list.len == 0) {
        return false;
    }
    while (list.len > 0) {
        struct extension e;
        if (count == EXTENSIONS_MAX || !take_extension(&list, &e)) {
            return false;
        }
        if (is_among(seen, count, e.oid)) {
            return false;
        }
        seen[count] = e.oid;
        count++;
        if (nonce != NULL && IS_OID(e.oid, oid_nonce)) {
            *nonce = e.value;
        } else if (e.is_critical) {
            *has_unknown_critical = true;
        }
    }
    return true;
}

/* GeneralizedTime and no other (RFC 6960 4.2.1). */
static bool take_time(struct span *from, int64_t *out_s)
{
    uint8_t tag;

    return span_at(*from, 0, &tag) && tag == DER_GENERALIZED_TIME && der_take_time(from, out_s);
}

/* ResponderID ::= CHOICE { byName [1] EXPLICIT Name, byKey [2] EXPLICIT OCTET STRING } */
static bool take_responder(struct span *body, struct ocsp_basic *out)
{
    struct span wrapped;
    struct span name;
    bool by_name;

    if (!der_take_optional(body, DER_CONTEXT_CONSTRUCTED(1), &wrapped, &by_name)) {
        return false;
    }
    if (by_name) {
        out->responder_name = wrapped;
        return der_take_tag(&wrapped, DER_SEQUENCE, &name) && wrapped.len == 0;
    }
    return der_take_tag(body, DER_CONTEXT_CONSTRUCTED(2), &wrapped) &&
           der_take_tag(&wrapped, DER_OCTET_STRING, &out->responder_key) && wrapped.len == 0 &&
           out->responder_key.len > 0;
}

/* ResponseData ::= SEQUENCE { version [0] DEFAULT v1, responderID, producedAt, responses,
 * responseExtensions [1] OPTIONAL }. The default is never written in DER, and there is no v2. */
static const char *read_data(struct span tbs, struct ocsp_basic *out)
{
    static const char broken[] = "its ResponseData is broken";
    struct span body;
    struct span extensions;
    struct span nonce = span_of(NULL, 0);
    bool has_extensions;
    bool has_unknown_critical = false;

    if (!der_take_tag(&tbs, DER_SEQUENCE, &body) || !take_responder(&body, out) ||
        !take_time(&body, &out->produced_at_s) ||
        !der_take_tag(&body, DER_SEQUENCE, &out->singles) ||
        !der_take_optional(&body, DER_CONTEXT_CONSTRUCTED(1), &extensions, &has_extensions) ||
        body.len != 0) {
        return broken;
    }
    if (has_extensions && !read_extensions(extensions, &nonce, &has_unknown_critical)) {
        return broken;
    }
    if (nonce.len > 0 && (!der_take_tag(&nonce, DER_OCTET_STRING, &out->nonce) || nonce.len != 0)) {
        return "its nonce is broken";
    }
    return has_unknown_critical ? "it has a critical extension that is not known here" : NULL;
}

/* BasicOCSPResponse ::= SEQUENCE { tbsResponseData, signatureAlgorithm, signature BIT STRING,
 * certs [0] EXPLICIT SEQUENCE OF Certificate OPTIONAL } */
static const char *read_basic(struct span der, struct ocsp_basic *out)
{
    struct span basic;
    struct span wrapped;
    bool has_certs;
    uint8_t unused;

    if (!der_take_tag(&der, DER_SEQUENCE, &basic) || der.len != 0 ||
        !der_take_whole(&basic, &out->tbs) || !der_take_whole(&basic, &out->algorithm) ||
        !der_take_tag(&basic, DER_BIT_STRING, &out->signature) ||
        !der_take_optional(&basic, DER_CONTEXT_CONSTRUCTED(0), &wrapped, &has_certs) ||
        basic.len != 0) {
        return "its BasicOCSPResponse is broken";
    }
    if (!span_take_u8(&out->signature, &unused) || unused != 0) {
        return "its signature is not whole bytes";
    }
    if (has_certs && (!der_take_tag(&wrapped, DER_SEQUENCE, &out->certs) || wrapped.len != 0)) {
        return "its list of certificates is broken";
    }
    return read_data(out->tbs, out);
}

/* An error says nothing about the certificate, whoever says it: it is not even signed. */
static const char *name_error(uint8_t status)
{
    switch (status) {
    case 1:
        return "the responder says malformedRequest";
    case 2:
        return "the responder says internalError";
    case 3:
        return "the responder says tryLater";
    case 5:
        return "the responder says sigRequired";
    case 6:
        return "the responder says unauthorized";
    default:
        return "the responder gives a status that nobody knows";
    }
}

const char *ocsp_parse_response(struct span der, struct ocsp_basic *out)
{
    struct span response;
    struct span value;
    struct span wrapped;
    struct span bytes;
    struct span type;
    uint8_t status;

    *out = (struct ocsp_basic){.produced_at_s = 0};
    if (!der_take_tag(&der, DER_SEQUENCE, &response) || der.len != 0 ||
        !der_take_tag(&response, DER_ENUMERATED, &value) || value.len != 1 ||
        !span_at(value, 0, &status)) {
        return "it is not an OCSPResponse";
    }
    if (status != STATUS_SUCCESSFUL) {
        return name_error(status);
    }
    if (!der_take_tag(&response, DER_CONTEXT_CONSTRUCTED(0), &wrapped) || response.len != 0 ||
        !der_take_tag(&wrapped, DER_SEQUENCE, &bytes) || wrapped.len != 0 ||
        !der_take_tag(&bytes, DER_OID, &type) || !der_take_tag(&bytes, DER_OCTET_STRING, &value) ||
        bytes.len != 0) {
        return "its ResponseBytes are broken";
    }
    if (!IS_OID(type, oid_basic)) {
        return "its type is not id-pkix-ocsp-basic";
    }
    return read_basic(value, out);
}

/* AlgorithmIdentifier of the CertID: parameters NULL or left out. */
static bool read_hash(struct span algorithm, struct ocsp_single *out)
{
    struct span oid;
    struct span parameters;

    if (!der_take_tag(&algorithm, DER_OID, &oid)) {
        return false;
    }
    if (algorithm.len > 0 && !der_take_tag(&algorithm, 0x05, &parameters)) {
        return true; /* some other algorithm; that one is not known */
    }
    out->hash = IS_OID(oid, oid_sha256) ? OCSP_SHA256 : OCSP_SHA1;
    out->is_hash_known = (IS_OID(oid, oid_sha1) || IS_OID(oid, oid_sha256)) && algorithm.len == 0;
    return true;
}

static bool read_id(struct span id, struct ocsp_single *out)
{
    struct span algorithm;

    return der_take_tag(&id, DER_SEQUENCE, &algorithm) && read_hash(algorithm, out) &&
           der_take_tag(&id, DER_OCTET_STRING, &out->name_hash) &&
           der_take_tag(&id, DER_OCTET_STRING, &out->key_hash) &&
           der_take_tag(&id, DER_INTEGER, &out->serial) && id.len == 0;
}

/* RevokedInfo ::= SEQUENCE { revocationTime, revocationReason [0] EXPLICIT CRLReason OPTIONAL }.
 * The reason decides nothing: certificateHold is revoked, too. */
static bool read_revoked_info(struct span info, struct ocsp_single *out)
{
    struct span wrapped;
    struct span reason;
    bool has_reason;

    if (!take_time(&info, &out->revoked_at_s) ||
        !der_take_optional(&info, DER_CONTEXT_CONSTRUCTED(0), &wrapped, &has_reason) ||
        info.len != 0) {
        return false;
    }
    return !has_reason || (der_take_tag(&wrapped, DER_ENUMERATED, &reason) && wrapped.len == 0 &&
                           reason.len == 1 && span_at(reason, 0, &out->reason));
}

/* CertStatus ::= CHOICE { good [0] IMPLICIT NULL, revoked [1] IMPLICIT RevokedInfo,
 * unknown [2] IMPLICIT NULL } */
static bool take_status(struct span *body, struct ocsp_single *out)
{
    struct span value;
    uint8_t tag;

    if (!der_take(body, &tag, &value)) {
        return false;
    }
    switch (tag) {
    case DER_CONTEXT(0):
        out->status = OCSP_GOOD;
        return value.len == 0;
    case DER_CONTEXT_CONSTRUCTED(1):
        out->status = OCSP_REVOKED;
        return read_revoked_info(value, out);
    case DER_CONTEXT(2):
        out->status = OCSP_UNKNOWN;
        return value.len == 0;
    default:
        return false;
    }
}

/* nextUpdate [0] EXPLICIT GeneralizedTime OPTIONAL */
static bool take_next_update(struct span *body, struct ocsp_single *out)
{
    struct span wrapped;

    if (!der_take_optional(body, DER_CONTEXT_CONSTRUCTED(0), &wrapped, &out->has_next_update)) {
        return false;
    }
    return !out->has_next_update || (take_time(&wrapped, &out->next_update_s) && wrapped.len == 0);
}

bool ocsp_parse_single(struct span *singles, struct ocsp_single *out)
{
    struct span at = *singles;
    struct span body;
    struct span id;
    struct span extensions;
    bool has_extensions;

    *out = (struct ocsp_single){.status = OCSP_NOTHING};
    if (!der_take_tag(&at, DER_SEQUENCE, &body) || !der_take_tag(&body, DER_SEQUENCE, &id) ||
        !read_id(id, out) || !take_status(&body, out) || !take_time(&body, &out->this_update_s) ||
        !take_next_update(&body, out) ||
        !der_take_optional(&body, DER_CONTEXT_CONSTRUCTED(1), &extensions, &has_extensions) ||
        body.len != 0) {
        return false;
    }
    if (has_extensions && !read_extensions(extensions, NULL, &out->has_unknown_critical)) {
        return false;
    }
    *singles = at;
    return true;
}
