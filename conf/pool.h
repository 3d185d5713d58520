/*
 * Pool: many small pieces of memory with one end, for what a configuration owns.
 *
 * Floor 2. Whoever makes the pool frees it, and with it everything that came out of it. One thread
 * takes from it; any thread holds and frees.
 */
#ifndef WARDGATE_POOL_H
#define WARDGATE_POOL_H

#include <stddef.h>

struct pool;

/* NULL when there is no memory. */
struct pool *pool_new(void);

/* One more holder: pool_free is to be called once more. Returns p. */
struct pool *pool_hold(struct pool *p);

/* One holder fewer; the last one frees everything taken from it. NULL is fine. */
void pool_free(struct pool *p);

/* How many bytes it has from the heap; 0 when nothing was taken yet. */
size_t pool_size(const struct pool *p);

/* `count` items of `size` bytes, zeroed and aligned for anything; they live as long as the pool.
 * NULL when there is no memory, when the product overflows, or when either is 0. */
void *pool_take(struct pool *p, size_t count, size_t size);

/* Like pool_take(count, size) with the first old_count items of `old` copied (old may be NULL when
 * old_count is 0). The old memory stays until the pool's end: let arrays double. */
void *pool_grow(struct pool *p, const void *old, size_t old_count, size_t count, size_t size);

/* A copy of a NUL-terminated text, or of its first `len` bytes. NULL when there is no memory. */
char *pool_text(struct pool *p, const char *text);
char *pool_text_len(struct pool *p, const char *text, size_t len);

#endif
