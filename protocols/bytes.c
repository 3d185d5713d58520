#include "protocols/bytes.h"

#include <assert.h>
#include <string.h>

/* memcpy and its like may not be given NULL, not even for 0 bytes (C11 7.24.1p2); an empty span may
 * well hold NULL. So every call here is behind a check of the length. */

struct span span_of(const void *data, size_t len)
{
    assert(data != NULL || len == 0);
    return (struct span){data, len};
}

struct span span_of_text(const char *text)
{
    return span_of(text, strlen(text));
}

bool span_equal(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool span_take_u8(struct span *from, uint8_t *out)
{
    if (from->len < 1) {
        return false;
    }
    *out = from->data[0];
    *from = span_after(*from, 1);
    return true;
}

bool span_take_u16(struct span *from, uint16_t *out)
{
    if (from->len < 2) {
        return false;
    }
    *out = (uint16_t)((unsigned)from->data[0] << 8 | from->data[1]);
    *from = span_after(*from, 2);
    return true;
}

bool span_take(struct span *from, size_t len, struct span *out)
{
    if (from->len < len) {
        return false;
    }
    *out = span_first(*from, len);
    *from = span_after(*from, len);
    return true;
}

bool span_at(struct span from, size_t at, uint8_t *out)
{
    if (at >= from.len) {
        return false;
    }
    *out = from.data[at];
    return true;
}

size_t span_find(struct span in, uint8_t value)
{
    const uint8_t *hit = in.len == 0 ? NULL : memchr(in.data, value, in.len);
    return hit == NULL ? in.len : (size_t)(hit - in.data);
}

struct span span_first(struct span from, size_t len)
{
    return (struct span){from.data, len < from.len ? len : from.len};
}

struct span span_after(struct span from, size_t len)
{
    if (len == 0) {
        return from; /* NULL + 0 is undefined in C11, too */
    }
    size_t skip = len < from.len ? len : from.len;
    return (struct span){skip == 0 ? from.data : from.data + skip, from.len - skip};
}

struct room room_of(void *data, size_t cap)
{
    assert(data != NULL || cap == 0);
    return (struct room){data, cap, 0};
}

size_t room_left(const struct room *to)
{
    assert(to->len <= to->cap);
    return to->cap - to->len;
}

bool room_put_u8(struct room *to, uint8_t value)
{
    return room_put(to, span_of(&value, 1));
}

bool room_put_u16(struct room *to, uint16_t value)
{
    const uint8_t wire[2] = {(uint8_t)(value >> 8), (uint8_t)(value & 0xffU)};
    return room_put(to, span_of(wire, sizeof wire));
}

bool room_put(struct room *to, struct span bytes)
{
    if (bytes.len > room_left(to)) {
        return false;
    }
    if (bytes.len > 0) {
        /* memmove: a caller may well put a part of the same memory, an answer echoes a request. */
        memmove(to->data + to->len, bytes.data, bytes.len);
        to->len += bytes.len;
    }
    return true;
}

struct span room_span(const struct room *from)
{
    return span_of(from->data, from->len);
}

struct buf buf_of(void *data, size_t cap)
{
    assert(data != NULL || cap == 0);
    return (struct buf){data, cap, 0, 0};
}

bool buf_put(struct buf *to, struct span bytes)
{
    assert(to->start <= to->end && to->end <= to->cap);
    size_t used = to->end - to->start;
    if (bytes.len > to->cap - used) {
        return false;
    }
    if (bytes.len == 0) {
        return true;
    }
    if (bytes.len > to->cap - to->end) {
        memmove(to->data, to->data + to->start, used);
        to->start = 0;
        to->end = used;
    }
    memcpy(to->data + to->end, bytes.data, bytes.len);
    to->end += bytes.len;
    return true;
}

struct span buf_span(const struct buf *from)
{
    return span_after((struct span){from->data, from->end}, from->start);
}

void buf_drop(struct buf *from, size_t len)
{
    assert(from->start <= from->end);
    if (len >= from->end - from->start) {
        from->start = 0;
        from->end = 0;
    } else {
        from->start += len;
    }
}
