#include "certs/dn.h"

#include <stdint.h>

#include "certs/der.h"

enum {
    AVAS_MAX = 16, /* attributes in one RDN; real ones have one or two */
    DER_TELETEX_STRING = 0x14,
    DER_VISIBLE_STRING = 0x1A,
    DER_UNIVERSAL_STRING = 0x1C,
    DER_BMP_STRING = 0x1E,
};

/* AttributeTypeAndValue */
struct ava {
    struct span type;
    uint8_t tag;
    struct span value;
};

/* A string of characters that is read from the front. */
struct reader {
    uint8_t tag;
    struct span rest;
    bool is_broken;
};

/* Take `count` bytes as a big-endian number. */
static bool take_number(struct span *from, unsigned count, uint32_t *out)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < count; i++) {
        uint8_t byte;
        if (!span_take_u8(from, &byte)) {
            return false;
        }
        value = (value << 8) | byte;
    }
    *out = value;
    return true;
}

static bool take_char(struct reader *r, uint32_t *out)
{
    switch (r->tag) {
    case DER_UTF8_STRING:
        return der_take_utf8(&r->rest, out);
    case DER_BMP_STRING:
        return take_number(&r->rest, 2, out);
    case DER_UNIVERSAL_STRING:
        return take_number(&r->rest, 4, out);
    default:
        return take_number(&r->rest, 1, out);
    }
}

static void skip_blanks(struct reader *r)
{
    struct reader ahead = *r;
    uint32_t c;

    while (ahead.rest.len > 0 && take_char(&ahead, &c) && c == ' ') {
        *r = ahead;
    }
}

/* The next character of the prepared string (RFC 4518 as far as RFC 5280 7.1 asks for it): capitals
 * as small letters, a run of blanks as one, none at the end. 0 at the end. */
static uint32_t next_prepared(struct reader *r)
{
    uint32_t c;

    if (r->rest.len == 0) {
        return 0;
    }
    if (!take_char(r, &c) || c == 0) {
        r->is_broken = true;
        return 0;
    }
    if (c == ' ') {
        skip_blanks(r);
        return r->rest.len == 0 ? 0 : ' ';
    }
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static bool is_text(uint8_t tag)
{
    switch (tag) {
    case DER_UTF8_STRING:
    case DER_PRINTABLE_STRING:
    case DER_IA5_STRING:
    case DER_TELETEX_STRING:
    case DER_VISIBLE_STRING:
    case DER_UNIVERSAL_STRING:
    case DER_BMP_STRING:
        return true;
    default:
        return false;
    }
}

static bool same_text(const struct ava *a, const struct ava *b)
{
    struct reader left = {.tag = a->tag, .rest = a->value};
    struct reader right = {.tag = b->tag, .rest = b->value};
    uint32_t c;
    uint32_t d;

    skip_blanks(&left);
    skip_blanks(&right);
    do {
        c = next_prepared(&left);
        d = next_prepared(&right);
    } while (c == d && c != 0);
    return c == d && !left.is_broken && !right.is_broken;
}

static bool same_ava(const struct ava *a, const struct ava *b)
{
    if (!span_equal(a->type, b->type)) {
        return false;
    }
    if (a->tag == b->tag && span_equal(a->value, b->value)) {
        return true;
    }
    return is_text(a->tag) && is_text(b->tag) && same_text(a, b);
}

/* The attributes of a RelativeDistinguishedName; 0 when it is broken or too large. */
static size_t read_rdn(struct span rdn, struct ava out[AVAS_MAX])
{
    size_t count = 0;

    while (rdn.len > 0) {
        struct span pair;
        struct ava *ava = &out[count];
        if (count == AVAS_MAX || !der_take_tag(&rdn, DER_SEQUENCE, &pair) ||
            !der_take_tag(&pair, DER_OID, &ava->type) || ava->type.len == 0 ||
            !der_take(&pair, &ava->tag, &ava->value) || pair.len != 0) {
            return 0;
        }
        count++;
    }
    return count;
}

/* The attributes of an RDN are a set: order does not count, and each fits one partner only. */
static bool same_rdn(struct span a, struct span b)
{
    struct ava left[AVAS_MAX];
    struct ava right[AVAS_MAX];
    size_t count = read_rdn(a, left);
    uint32_t taken = 0;

    if (count == 0 || read_rdn(b, right) != count) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        size_t j = 0;
        while (j < count && ((taken & (1U << j)) != 0 || !same_ava(&left[i], &right[j]))) {
            j++;
        }
        if (j == count) {
            return false;
        }
        taken |= 1U << j;
    }
    return true;
}

/* The RDNs of a Name. */
static bool open_name(struct span name, struct span *rdns)
{
    return der_take_tag(&name, DER_SEQUENCE, rdns) && name.len == 0;
}

/* Are the rest of the RDNs at least sound? */
static bool is_sound(struct span rdns)
{
    struct ava avas[AVAS_MAX];

    while (rdns.len > 0) {
        struct span rdn;
        if (!der_take_tag(&rdns, DER_SET, &rdn) || read_rdn(rdn, avas) == 0) {
            return false;
        }
    }
    return true;
}

bool dn_is_within(struct span name, struct span base)
{
    struct span names;
    struct span bases;

    if (!open_name(name, &names) || !open_name(base, &bases)) {
        return false;
    }
    while (bases.len > 0) {
        struct span a;
        struct span b;
        if (!der_take_tag(&names, DER_SET, &a) || !der_take_tag(&bases, DER_SET, &b) ||
            !same_rdn(a, b)) {
            return false;
        }
    }
    return is_sound(names);
}

bool dn_equal(struct span a, struct span b)
{
    return dn_is_within(a, b) && dn_is_within(b, a);
}

bool dn_is_empty(struct span name)
{
    struct span rdns;

    return open_name(name, &rdns) && rdns.len == 0;
}
