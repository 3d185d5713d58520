#include "certs/crl_scope.h"

#include "certs/crl.h"
#include "certs/der.h"
#include "certs/dn.h"

enum {
    NAME_DIRECTORY = 4,
    FULL_NAME = 0,     /* DistributionPointName ::= CHOICE { fullName [0], */
    RELATIVE_NAME = 1, /* nameRelativeToCRLIssuer [1] } */
    DN_MAX = 2048,
    POINTS_MAX = 64, /* of a certificate; real ones have a few */
};

/* DistributionPoint of a certificate. */
struct point {
    struct span name; /* content of [0]; empty: none */
    unsigned reasons;
    struct span issuers; /* content of [2] cRLIssuer; empty: none */
    bool has_issuers;
};

struct crl_scope crl_scope_all(void)
{
    struct crl_scope scope = {.reasons = CRL_ALL_REASONS};

    return scope;
}

/* ReasonFlags: bits 1 to 8 have a meaning; at least one must be there, or nothing is covered. */
static bool read_reasons(struct span bits, unsigned *out)
{
    unsigned value = 0;
    uint8_t unused;
    uint8_t byte;

    if (!span_take_u8(&bits, &unused) || unused > 7 || bits.len == 0 || bits.len > 2) {
        return false;
    }
    for (unsigned at = 0; span_take_u8(&bits, &byte); at += 8) {
        for (unsigned i = 0; i < 8; i++) {
            value |= (byte & (0x80U >> i)) != 0 ? 1U << (at + i) : 0U;
        }
    }
    *out = value & (unsigned)CRL_ALL_REASONS;
    return true;
}

/* [n] IMPLICIT BOOLEAN DEFAULT FALSE. */
static bool take_flag(struct span *from, uint8_t n, bool *out)
{
    struct span value;
    uint8_t byte = 0;
    bool present;

    if (!der_take_optional(from, DER_CONTEXT(n), &value, &present)) {
        return false;
    }
    if (present && (value.len != 1 || !span_at(value, 0, &byte) || (byte != 0 && byte != 0xFF))) {
        return false;
    }
    *out = byte != 0;
    return true;
}

/* [n] IMPLICIT ReasonFlags OPTIONAL. */
static bool take_reasons(struct span *from, uint8_t n, unsigned *out)
{
    struct span bits;
    bool present;

    *out = CRL_ALL_REASONS;
    return der_take_optional(from, DER_CONTEXT(n), &bits, &present) &&
           (!present || read_reasons(bits, out));
}

/* [0] DistributionPointName OPTIONAL: there means one name at least. */
static bool take_point_name(struct span *from, struct span *out)
{
    bool present;
    struct span choice;
    struct span content;
    uint8_t tag;

    *out = span_of(NULL, 0);
    if (!der_take_optional(from, DER_CONTEXT_CONSTRUCTED(0), out, &present)) {
        return false;
    }
    if (!present) {
        return true;
    }
    choice = *out;
    return der_take(&choice, &tag, &content) && choice.len == 0 && content.len > 0 &&
           (tag == DER_CONTEXT_CONSTRUCTED(FULL_NAME) ||
            tag == DER_CONTEXT_CONSTRUCTED(RELATIVE_NAME));
}

bool crl_scope_read(struct span value, struct crl_scope *out)
{
    struct crl_scope s = crl_scope_all();
    struct span content;

    /* An empty one would say nothing and must not be there (RFC 5280 5.2.5). */
    if (!der_take_tag(&value, DER_SEQUENCE, &content) || value.len != 0 || content.len == 0) {
        return false;
    }
    if (!take_point_name(&content, &s.point) || !take_flag(&content, 1, &s.has_only_users) ||
        !take_flag(&content, 2, &s.has_only_cas) || !take_reasons(&content, 3, &s.reasons) ||
        !take_flag(&content, 4, &s.is_indirect) ||
        !take_flag(&content, 5, &s.has_only_attributes) || content.len != 0) {
        return false;
    }
    if ((int)s.has_only_users + (int)s.has_only_cas + (int)s.has_only_attributes > 1) {
        return false;
    }
    *out = s;
    return true;
}

static bool take_point(struct span *points, struct point *out)
{
    struct span content;

    return der_take_tag(points, DER_SEQUENCE, &content) && take_point_name(&content, &out->name) &&
           take_reasons(&content, 1, &out->reasons) &&
           der_take_optional(&content, DER_CONTEXT_CONSTRUCTED(2), &out->issuers,
                             &out->has_issuers) &&
           content.len == 0;
}

/* The next directoryName [4] of GeneralNames; others are passed over. */
static bool take_directory(struct span *names, struct span *name)
{
    struct span value;
    uint8_t tag;

    while (der_take(names, &tag, &value)) {
        if (tag == DER_CONTEXT_CONSTRUCTED(NAME_DIRECTORY)) {
            *name = value;
            return true;
        }
    }
    return false;
}

bool crl_scope_has_directory(struct span names)
{
    struct span name;

    return take_directory(&names, &name);
}

bool crl_scope_lists(struct span names, struct span name)
{
    struct span candidate;

    while (take_directory(&names, &candidate)) {
        if (dn_equal(candidate, name)) {
            return true;
        }
    }
    return false;
}

/* Length octets of up to 65535 (X.690 8.1.3). */
static bool put_header(struct room *to, uint8_t tag, size_t len)
{
    if (len < 0x80) {
        return room_put_u8(to, tag) && room_put_u8(to, (uint8_t)len);
    }
    if (len < 0x100) {
        return room_put_u8(to, tag) && room_put_u8(to, 0x81) && room_put_u8(to, (uint8_t)len);
    }
    return len < 0x10000 && room_put_u8(to, tag) && room_put_u8(to, 0x82) &&
           room_put_u16(to, (uint16_t)len);
}

/* GeneralNames for a DistributionPointName: as they are, or the one directory name that the
 * issuer's name and the relative RDN make together, put into `to`. */
static bool full_names(struct span point, struct span issuer, struct room *to, struct span *out)
{
    uint8_t bytes[DN_MAX];
    struct room rdns = room_of(bytes, sizeof(bytes));
    struct room name = room_of(to->data, to->cap);
    struct span content;
    struct span base;
    uint8_t tag;

    if (!der_take(&point, &tag, &content)) {
        return false;
    }
    if (tag == DER_CONTEXT_CONSTRUCTED(FULL_NAME)) {
        *out = content;
        return true;
    }
    if (!der_take_tag(&issuer, DER_SEQUENCE, &base) || !room_put(&rdns, base) ||
        !put_header(&rdns, DER_SET, content.len) || !room_put(&rdns, content) ||
        !put_header(&name, DER_SEQUENCE, rdns.len) || !room_put(&name, room_span(&rdns))) {
        return false;
    }
    /* From the inside out: the name is known now, and moves behind its [4] header. */
    rdns = room_of(bytes, sizeof(bytes));
    if (!put_header(&rdns, DER_CONTEXT_CONSTRUCTED(NAME_DIRECTORY), name.len) ||
        !room_put(&rdns, room_span(&name))) {
        return false;
    }
    *to = room_of(to->data, to->cap);
    if (!room_put(to, room_span(&rdns))) {
        return false;
    }
    *out = room_span(to);
    return true;
}

static bool has_element(struct span list, struct span wanted)
{
    struct span one;

    while (der_take_whole(&list, &one)) {
        if (span_equal(one, wanted)) {
            return true;
        }
    }
    return false;
}

/* One name in both lists: directory names as names, all others byte by byte with their kind. */
static bool names_meet(struct span a, struct span b)
{
    struct span at = a;
    struct span one;

    while (der_take_whole(&at, &one)) {
        if (has_element(b, one)) {
            return true;
        }
    }
    while (take_directory(&a, &one)) {
        if (crl_scope_lists(b, one)) {
            return true;
        }
    }
    return false;
}

/* RFC 5280 6.3.3 (b)(2)(i). A relative name of a point is relative to its cRLIssuer, or else to the
 * certificate's issuer. */
static bool point_meets(const struct crl_scope *scope, struct span crl_issuer,
                        const struct point *point, struct span cert_issuer)
{
    uint8_t ours_bytes[DN_MAX];
    uint8_t theirs_bytes[DN_MAX];
    struct room ours_room = room_of(ours_bytes, sizeof(ours_bytes));
    struct room theirs_room = room_of(theirs_bytes, sizeof(theirs_bytes));
    struct span ours;
    struct span theirs;

    if (scope->point.len == 0) {
        return true;
    }
    if (!full_names(scope->point, crl_issuer, &ours_room, &ours)) {
        return false;
    }
    if (point->name.len == 0) {
        return point->has_issuers && names_meet(ours, point->issuers);
    }
    return full_names(point->name, point->has_issuers ? crl_issuer : cert_issuer, &theirs_room,
                      &theirs) &&
           names_meet(ours, theirs);
}

/* RFC 5280 6.3.3 (b)(1): another issuer only where the certificate names it. */
static bool issuer_fits(const struct crl_scope *scope, struct span crl_issuer,
                        const struct point *point, struct span cert_issuer)
{
    if (point->has_issuers) {
        return scope->is_indirect && crl_scope_lists(point->issuers, crl_issuer);
    }
    return dn_equal(crl_issuer, cert_issuer);
}

/* RFC 5280 6.3.3, last paragraph: a CRL that no point names is judged as if there were one with the
 * name of the certificate's issuer. */
static bool fits_without_point(const struct crl_scope *scope, struct span crl_issuer,
                               struct span cert_issuer)
{
    uint8_t bytes[DN_MAX];
    struct room room = room_of(bytes, sizeof(bytes));
    struct span names;

    if (!dn_equal(crl_issuer, cert_issuer)) {
        return false;
    }
    return scope->point.len == 0 || (full_names(scope->point, crl_issuer, &room, &names) &&
                                     crl_scope_lists(names, cert_issuer));
}

static bool kind_fits(const struct crl_scope *scope, bool is_ca)
{
    return !scope->has_only_attributes && !(scope->has_only_users && is_ca) &&
           !(scope->has_only_cas && !is_ca);
}

unsigned crl_scope_reasons(const struct crl_scope *scope, struct span crl_issuer,
                           const struct crl_cert *cert, const char **why)
{
    struct span points = cert->points;
    struct span issuer = cert->view.issuer;
    unsigned reasons = 0;

    *why = "is for another kind of certificates";
    if (!kind_fits(scope, cert->view.is_ca)) {
        return 0;
    }
    *why = "is for other certificates of its issuer, or of another issuer";
    if (fits_without_point(scope, crl_issuer, issuer)) {
        return scope->reasons;
    }
    for (unsigned i = 0; i < POINTS_MAX && points.len > 0; i++) {
        struct point point;
        if (!take_point(&points, &point)) {
            *why = "does not help: the certificate's cRLDistributionPoints are malformed";
            return 0;
        }
        if (issuer_fits(scope, crl_issuer, &point, issuer) &&
            point_meets(scope, crl_issuer, &point, issuer)) {
            reasons |= point.reasons & scope->reasons;
        }
    }
    return reasons;
}
