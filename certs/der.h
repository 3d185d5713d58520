/*
 * DER (X.690): take one element after the other off the front of a span.
 *
 * Floor 1, pure, fuzzed through cert.h. Everything is checked: definite lengths only, in their
 * shortest form, one-byte tags only, no element longer than what is there.
 */
#ifndef WARDGATE_DER_H
#define WARDGATE_DER_H

#include <stdbool.h>
#include <stdint.h>

#include "protocols/bytes.h"

/* The tags that certificates use. */
enum {
    DER_BOOLEAN = 0x01,
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OCTET_STRING = 0x04,
    DER_OID = 0x06,
    DER_UTF8_STRING = 0x0C,
    DER_PRINTABLE_STRING = 0x13,
    DER_IA5_STRING = 0x16,
    DER_UTC_TIME = 0x17,
    DER_GENERALIZED_TIME = 0x18,
    DER_SEQUENCE = 0x30,
    DER_SET = 0x31,
};

/* Context tags: [n] IMPLICIT over a primitive type, and [n] over a constructed one. */
#define DER_CONTEXT(n)             (0x80 | (n))
#define DER_CONTEXT_CONSTRUCTED(n) (0xA0 | (n))

/* Take the next element: its tag and its content. False when there is none or it is broken; the
 * outputs and *from are then unchanged. */
bool der_take(struct span *from, uint8_t *tag, struct span *value);

/* The same, and the tag must be this one. */
bool der_take_tag(struct span *from, uint8_t tag, struct span *value);

/* Take an element that may be missing: true with *present telling whether it was there; false
 * when it is there and broken. */
bool der_take_optional(struct span *from, uint8_t tag, struct span *value, bool *present);

/* Take an element with its header. */
bool der_take_whole(struct span *from, struct span *whole);

/* Take a UTCTime or GeneralizedTime as RFC 5280 4.1.2.5 allows them (with seconds, "Z"): seconds
 * since 1970. */
bool der_take_time(struct span *from, int64_t *out_s);

/* Take a BOOLEAN: 00 or FF. */
bool der_take_bool(struct span *from, bool *out);

/* One character of UTF-8 (RFC 3629), up to U+10FFFF; surrogates are not looked for. False: none is
 * there, or it is broken or over-long (that would make two spellings); *from is then of no use. */
bool der_take_utf8(struct span *from, uint32_t *out);

#endif
