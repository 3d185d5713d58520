#include "protocols/pattern.h"

enum { FIRST_PLAIN = 0x20, LAST_PLAIN = 0x7E, ANY = '*', ESCAPE = '\\', FILLER = ' ' };

static struct span trim(struct span bytes)
{
    uint8_t last = 0;

    while (span_at(bytes, bytes.len - 1, &last) && (last == 0 || last == FILLER)) {
        bytes = span_first(bytes, bytes.len - 1);
    }
    return bytes;
}

static bool put_escape(struct room *to, uint8_t value)
{
    static const char digits[] = "0123456789abcdef";

    return room_put(to, span_of_text("\\x")) && room_put_u8(to, (uint8_t)digits[value >> 4]) &&
           room_put_u8(to, (uint8_t)digits[value & 0x0F]);
}

bool pattern_put_plain(struct room *to, struct span bytes)
{
    struct room before = *to;
    struct span rest = trim(bytes);
    uint8_t value = 0;

    while (span_take_u8(&rest, &value)) {
        bool is_plain = value >= FIRST_PLAIN && value <= LAST_PLAIN && value != ESCAPE;

        if (!(is_plain ? room_put_u8(to, value) : put_escape(to, value))) {
            *to = before;
            return false;
        }
    }
    return true;
}

/* One step back at most: what an earlier '*' could still take, a later one can, too. So the time is
 * the product of the lengths, whatever the device says. */
bool pattern_matches(struct span pattern, struct span text)
{
    struct span retry_pattern = {0};
    struct span retry_text = {0};
    bool can_retry = false;
    uint8_t want = 0;
    uint8_t have = 0;

    while (text.len > 0 || pattern.len > 0) {
        if (span_at(pattern, 0, &want) && want == ANY) {
            pattern = span_after(pattern, 1);
            retry_pattern = pattern;
            retry_text = text;
            can_retry = true;
        } else if (span_at(pattern, 0, &want) && span_at(text, 0, &have) && want == have) {
            pattern = span_after(pattern, 1);
            text = span_after(text, 1);
        } else if (can_retry && retry_text.len > 0) {
            retry_text = span_after(retry_text, 1);
            text = retry_text;
            pattern = retry_pattern;
        } else {
            return false;
        }
    }
    return true;
}

bool pattern_is_idle(struct span pattern)
{
    uint8_t value = 0;

    while (span_take_u8(&pattern, &value)) {
        if (value != ANY) {
            return false;
        }
    }
    return true;
}
