/*
 * Wire bytes: borrowed bytes (span), borrowed space (room), bounded owned bytes (buf).
 *
 * Floor 0. These are the only way to touch wire bytes: every other file takes and puts through
 * them, so that no parser does pointer arithmetic of its own. Nothing here allocates; whoever
 * hands memory in keeps owning it. All functions may be called from any thread on their own data.
 */
#ifndef WARDGATE_BYTES_H
#define WARDGATE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed bytes, read only. The lender keeps them alive while the span is used. */
struct span {
    const uint8_t *data;
    size_t len;
};

/* Borrowed space: `len` of `cap` bytes are filled. */
struct room {
    uint8_t *data;
    size_t cap;
    size_t len;
};

/* Bounded bytes with a front and a back: bytes are put at `end`, dropped from `start`. */
struct buf {
    uint8_t *data;
    size_t cap;
    size_t start;
    size_t end;
};

/* A span over `len` bytes at `data`; data may be NULL when len is 0. */
struct span span_of(const void *data, size_t len);

/* A span over the characters of a NUL-terminated string, without the NUL. */
struct span span_of_text(const char *text);

/* True when both spans hold the same bytes (lengths compared first). */
bool span_equal(struct span a, struct span b);

/* Take one byte, or two as a big-endian number, from the front. False when too few are left; the
 * span and *out are then unchanged. */
bool span_take_u8(struct span *from, uint8_t *out);
bool span_take_u16(struct span *from, uint16_t *out);

/* Take `len` bytes from the front as a span of their own (borrowed from the same lender).
 * False when too few are left; *from and *out are then unchanged. */
bool span_take(struct span *from, size_t len, struct span *out);

/* The byte at `at`; false when `at` is outside. */
bool span_at(struct span from, size_t at, uint8_t *out);

/* Where the first byte of that value is; in.len when there is none. */
size_t span_find(struct span in, uint8_t value);

/* The first `len` bytes, or all when there are fewer. */
struct span span_first(struct span from, size_t len);

/* What is left after the first `len` bytes, empty when there are fewer. */
struct span span_after(struct span from, size_t len);

/* A room over `cap` bytes at `data`, empty. */
struct room room_of(void *data, size_t cap);

/* Bytes that still fit. */
size_t room_left(const struct room *to);

/* Append; false when it does not fit as a whole, the room is then unchanged. The bytes may lie in
 * the room's own memory. */
bool room_put_u8(struct room *to, uint8_t value);
bool room_put_u16(struct room *to, uint16_t value);
bool room_put(struct room *to, struct span bytes);

/* What was put so far. Valid while the room's memory is. */
struct span room_span(const struct room *from);

/* A buf over `cap` bytes at `data`, empty. */
struct buf buf_of(void *data, size_t cap);

/* Append; moves the content to the front first when that makes it fit. False when it does not fit
 * as a whole; the content is then unchanged. The bytes must not lie in the buf's own memory. */
bool buf_put(struct buf *to, struct span bytes);

/* What is inside. Valid until the next buf_put. */
struct span buf_span(const struct buf *from);

/* Drop `len` bytes from the front (all when there are fewer); an emptied buf starts at 0 again. */
void buf_drop(struct buf *from, size_t len);

#endif
