#include "gateway/safetext.h"

#include <assert.h>
#include <stdint.h>

enum { ASCII_MAX = 0x7f, CODE_MAX = 0x10ffff, CUT_MIN = 16 };

/* How long a sequence is that starts with this byte; 0 for a byte that starts none. */
static size_t sequence_len(uint8_t first)
{
    if (first <= ASCII_MAX) {
        return 1;
    }
    /* C0, C1 and F5 up would only encode what is shorter otherwise, or nothing (RFC 3629, 3). */
    if (first >= 0xc2 && first <= 0xdf) {
        return 2;
    }
    if (first >= 0xe0 && first <= 0xef) {
        return 3;
    }
    return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

/* The character at the front: its sequence in *raw, its code. False when it is not UTF-8. */
static bool decode_front(struct span from, struct span *raw, uint32_t *code)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    static const uint8_t lead_mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint8_t byte = 0;
    if (!span_take_u8(&(struct span){from.data, from.len}, &byte)) {
        return false;
    }
    size_t len = sequence_len(byte);
    if (len == 0 || !span_take(&from, len, raw)) {
        return false;
    }
    uint32_t value = byte & lead_mask[len];
    for (size_t i = 1; i < len; i++) {
        (void)span_at(*raw, i, &byte); /* inside: the length was just taken */
        if ((byte & 0xc0) != 0x80) {
            return false;
        }
        value = (value << 6) | (byte & 0x3fu);
    }
    if (value < smallest[len] || value > CODE_MAX || (value >= 0xd800 && value <= 0xdfff)) {
        return false;
    }
    *code = value;
    return true;
}

/* Harmless on a terminal and in a log: neither C0, C1 nor DEL, and none of the characters that end
 * a line or turn the direction of writing (they let a name look like another). */
static bool is_showable(uint32_t code)
{
    if (code < 0x20 || (code >= ASCII_MAX && code < 0xa0)) {
        return false;
    }
    bool is_turning = (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
                      (code >= 0x2060 && code <= 0x2069) || code == 0xfeff;
    return !is_turning;
}

static bool put_escape(struct room *to, struct span raw)
{
    static const char digits[] = "0123456789abcdef";
    if (room_left(to) < 4 * raw.len) {
        return false;
    }
    uint8_t byte = 0;
    while (span_take_u8(&raw, &byte)) {
        char text[4] = {'\\', 'x', digits[byte >> 4], digits[byte & 0x0f]};
        (void)room_put(to, span_of(text, sizeof(text))); /* the room was just asked for */
    }
    return true;
}

/* One character off the front of *from, shown or escaped. */
static bool put_next(struct room *to, struct span *from, bool is_quoted)
{
    struct span raw = span_first(*from, 1);
    uint32_t code = 0;
    bool is_done = false;
    if (!decode_front(*from, &raw, &code)) {
        raw = span_first(*from, 1);
        is_done = put_escape(to, raw);
    } else if (!is_showable(code)) {
        is_done = put_escape(to, raw);
    } else if (is_quoted && (code == '"' || code == '\\')) {
        uint8_t pair[2] = {'\\', (uint8_t)code};
        is_done = room_put(to, span_of(pair, sizeof(pair)));
    } else {
        is_done = room_put(to, raw);
    }
    *from = span_after(*from, raw.len);
    return is_done;
}

static bool put_all(struct room *to, const char *text, bool is_quoted)
{
    struct span rest = span_of_text(text);
    while (rest.len > 0) {
        if (!put_next(to, &rest, is_quoted)) {
            return false;
        }
    }
    return true;
}

bool safetext_put(struct room *to, const char *text)
{
    return put_all(to, text, false);
}

static bool needs_quotes(struct span text)
{
    static const uint8_t special[] = {' ', '"', '\\', '='};
    if (text.len == 0) {
        return true;
    }
    for (size_t i = 0; i < sizeof(special); i++) {
        if (span_find(text, special[i]) < text.len) {
            return true;
        }
    }
    return false;
}

bool safetext_put_value(struct room *to, const char *text)
{
    if (!needs_quotes(span_of_text(text))) {
        struct room try_it = *to;
        if (!put_all(&try_it, text, false)) {
            return false;
        }
        *to = try_it;
        return true;
    }
    struct room try_it = *to;
    if (!room_put_u8(&try_it, '"') || !put_all(&try_it, text, true) || !room_put_u8(&try_it, '"')) {
        return false;
    }
    *to = try_it;
    return true;
}

void safetext_cut(char *out, size_t cap, const char *text)
{
    static const char dots[] = "...";
    assert(cap >= CUT_MIN);
    struct room to = room_of(out, cap - sizeof(dots));
    bool is_whole = safetext_put(&to, text);
    to.cap = cap;
    (void)room_put(&to, is_whole ? span_of_text("") : span_of_text(dots)); /* kept free above */
    (void)room_put_u8(&to, '\0');
}

size_t safetext_columns(const char *text)
{
    size_t columns = 0;
    struct span rest = span_of_text(text);
    uint8_t byte = 0;
    while (span_take_u8(&rest, &byte)) {
        columns += (byte & 0xc0) != 0x80; /* a continuation byte takes no column */
    }
    return columns;
}
