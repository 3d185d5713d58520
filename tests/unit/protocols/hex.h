/*
 * Test helper: bytes written as hexadecimal text, with blanks where they help the reader.
 */
#ifndef WARDGATE_TEST_HEX_H
#define WARDGATE_TEST_HEX_H

#include <criterion/criterion.h>

#include "protocols/bytes.h"

struct hex {
    uint8_t data[600];
    size_t len;
};

static inline int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static inline struct hex hex_of(const char *text)
{
    struct hex out = {.len = 0};

    for (const char *c = text; *c != '\0'; c++) {
        if (*c == ' ') {
            continue;
        }
        cr_assert(hex_digit(c[0]) >= 0 && hex_digit(c[1]) >= 0, "bad hex in %s", text);
        cr_assert_lt(out.len, sizeof out.data);
        out.data[out.len] = (uint8_t)(hex_digit(c[0]) * 16 + hex_digit(c[1]));
        out.len++;
        c++;
    }
    return out;
}

static inline struct span hex_span(const struct hex *h)
{
    return span_of(h->data, h->len);
}

#endif
