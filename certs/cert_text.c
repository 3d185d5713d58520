#include <string.h>

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/hash.h>
#include <wolfssl/wolfcrypt/sha256.h>

#include "certs/cert.h"
#include "certs/der.h"

/* Attribute types that people know by a short name (RFC 4514 section 3, and common others). */
struct attribute_name {
    uint8_t oid[10];
    uint8_t len;
    char name[13];
};

static const struct attribute_name attribute_names[] = {
    {{0x55, 4, 3}, 3, "CN"},
    {{0x55, 4, 5}, 3, "serialNumber"},
    {{0x55, 4, 6}, 3, "C"},
    {{0x55, 4, 7}, 3, "L"},
    {{0x55, 4, 8}, 3, "ST"},
    {{0x55, 4, 10}, 3, "O"},
    {{0x55, 4, 11}, 3, "OU"},
    {{0x09, 0x92, 0x26, 0x89, 0x93, 0xF2, 0x2C, 0x64, 1, 1}, 10, "UID"},
    {{0x09, 0x92, 0x26, 0x89, 0x93, 0xF2, 0x2C, 0x64, 1, 25}, 10, "DC"},
    {{0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 9, 1}, 9, "emailAddress"},
};

static const char hex_lower[] = "0123456789abcdef";
static const char hex_upper[] = "0123456789ABCDEF";

/* A line of text that grows up to its cap and is then cut, never within a character. */
struct line {
    char *text;
    size_t cap; /* with the NUL */
    size_t len;
    bool is_full;
};

static void line_put(struct line *to, const char *bytes, size_t len)
{
    if (to->is_full || len >= to->cap - to->len) {
        to->is_full = true;
        return;
    }
    memcpy(to->text + to->len, bytes, len);
    to->len += len;
    to->text[to->len] = '\0';
}

/* "\XX": how RFC 4514 writes a byte that is no character. */
static void line_put_hex(struct line *to, uint8_t byte)
{
    char pair[3] = {'\\', hex_upper[byte >> 4], hex_upper[byte & 15]};

    line_put(to, pair, sizeof(pair));
}

static void line_put_number(struct line *to, uint32_t value)
{
    char digits[10];
    size_t at = sizeof(digits);

    do {
        at--;
        digits[at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0 && at > 0);
    line_put(to, digits + at, sizeof(digits) - at);
}

/* Length of the well-formed UTF-8 sequence of two or three bytes at the front, or 0. Names need
 * no more, and a log or JSON line must never get a broken one. U+0080..009F are control codes and
 * U+2028.. and U+202A..E steer the direction of text: written as hex. */
static size_t utf8_len(struct span at)
{
    uint8_t a = 0;
    uint8_t b = 0;
    uint8_t c = 0;

    (void)span_at(at, 0, &a);
    if (!span_at(at, 1, &b) || (b & 0xC0) != 0x80) {
        return 0;
    }
    if (a >= 0xC2 && a <= 0xDF) {
        return a == 0xC2 && b < 0xA0 ? 0 : 2;
    }
    if (a < 0xE1 || a > 0xEC || (a == 0xE2 && (b == 0x80 || b == 0x81))) {
        return 0;
    }
    return span_at(at, 2, &c) && (c & 0xC0) == 0x80 ? 3 : 0;
}

/* The value of an attribute, escaped so that it cannot pretend to be another one (RFC 4514 2.4),
 * break a log line, or steer a terminal. */
static void put_value(struct line *to, struct span value, uint8_t tag)
{
    while (value.len > 0) {
        uint8_t byte = 0;
        size_t len = 1;
        (void)span_at(value, 0, &byte);
        if (byte >= 0x80 && tag == DER_UTF8_STRING && utf8_len(value) > 0) {
            len = utf8_len(value);
            line_put(to, (const char *)value.data, len);
        } else if (byte < 0x20 || byte >= 0x7F) {
            line_put_hex(to, byte);
        } else if (strchr(",+\"\\<>;=#", byte) != NULL) {
            line_put(to, "\\", 1);
            line_put(to, (const char *)&byte, 1);
        } else {
            line_put(to, (const char *)&byte, 1);
        }
        value = span_after(value, len);
    }
}

/* An OID that has no short name, in dots. */
static void put_dotted(struct line *to, struct span oid)
{
    uint32_t arc = 0;
    uint8_t byte;
    bool is_first = true;

    while (span_take_u8(&oid, &byte)) {
        arc = (arc << 7) | (byte & 0x7FU);
        if ((byte & 0x80) != 0) {
            continue;
        }
        if (is_first) {
            uint32_t top = arc < 80 ? arc / 40 : 2;
            line_put_number(to, top);
            arc -= top * 40;
            is_first = false;
        }
        line_put(to, ".", 1);
        line_put_number(to, arc);
        arc = 0;
    }
}

static void put_type(struct line *to, struct span oid)
{
    for (size_t i = 0; i < sizeof(attribute_names) / sizeof(attribute_names[0]); i++) {
        const struct attribute_name *known = &attribute_names[i];
        if (span_equal(oid, span_of(known->oid, known->len))) {
            line_put(to, known->name, strlen(known->name));
            return;
        }
    }
    put_dotted(to, oid);
}

/* One RelativeDistinguishedName: mostly one attribute, else joined by '+'. */
static void put_rdn(struct line *to, struct span rdn)
{
    bool is_first = true;

    while (rdn.len > 0) {
        struct span pair;
        struct span oid;
        struct span value;
        uint8_t tag;
        if (!der_take_tag(&rdn, DER_SEQUENCE, &pair) || !der_take_tag(&pair, DER_OID, &oid) ||
            !der_take(&pair, &tag, &value)) {
            return;
        }
        if (!is_first) {
            line_put(to, "+", 1);
        }
        is_first = false;
        put_type(to, oid);
        line_put(to, "=", 1);
        put_value(to, value, tag);
    }
}

enum { RDN_MAX = 16 };

/* A Name, most specific part first as RFC 4514 2.1 wants it. */
void cert_name_text(struct span name, char *out, size_t cap)
{
    struct line to = {out, cap, 0, false};
    struct span parts[RDN_MAX];
    struct span list;
    size_t count = 0;

    out[0] = '\0';
    if (!der_take_tag(&name, DER_SEQUENCE, &list)) {
        return;
    }
    while (count < RDN_MAX && der_take_tag(&list, DER_SET, &parts[count])) {
        count++;
    }
    for (size_t i = count; i > 0; i--) {
        put_rdn(&to, parts[i - 1]);
        if (i > 1) {
            line_put(&to, ",", 1);
        }
    }
}

static void put_hex(struct span bytes, const char *digits, char *out, size_t cap)
{
    struct line to = {out, cap, 0, false};
    uint8_t byte;

    out[0] = '\0';
    while (span_take_u8(&bytes, &byte)) {
        char pair[2] = {digits[byte >> 4], digits[byte & 15]};
        line_put(&to, pair, sizeof(pair));
    }
}

void cert_view_facts(const struct cert_view *view, struct cert_facts *out)
{
    uint8_t digest[WC_SHA256_DIGEST_SIZE] = {0};
    struct span serial = view->serial;
    uint8_t top = 1;

    memset(out, 0, sizeof(*out));
    cert_name_text(view->subject, out->subject, sizeof(out->subject));
    cert_name_text(view->issuer, out->issuer, sizeof(out->issuer));
    /* The zero byte that only keeps a big number positive is no part of it. */
    if (serial.len > 1 && span_at(serial, 0, &top) && top == 0) {
        serial = span_after(serial, 1);
    }
    put_hex(serial, hex_upper, out->serial, sizeof(out->serial));
    /* No fingerprint at all is better than a wrong one. */
    if (wc_Sha256Hash(view->der.data, (word32)view->der.len, digest) == 0) {
        put_hex(span_of(digest, sizeof(digest)), hex_lower, out->fingerprint,
                sizeof(out->fingerprint));
    }
    out->not_before_s = view->not_before_s;
    out->not_after_s = view->not_after_s;
}
