#include "conf/pool.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "certs/mem.h"

enum {
    POOL_BLOCK = 16384, /* a thousand devices then cost some dozens of blocks, not 30,000 pieces */
    POOL_ALIGN = 16,    /* enough for every type that a configuration holds */
};

/* The bytes that are handed out follow this header. */
struct pool_block {
    struct pool_block *next;
    size_t used;
    size_t cap;
    size_t unused_alignment; /* keeps the header a multiple of POOL_ALIGN */
};

_Static_assert(sizeof(struct pool_block) % POOL_ALIGN == 0, "pieces would not be aligned");
_Static_assert(_Alignof(max_align_t) <= POOL_ALIGN, "pieces would not be aligned");

struct pool {
    struct pool_block *first; /* the one that is being filled */
    size_t size;              /* of all blocks */
    _Atomic uint32_t holders;
};

struct pool *pool_new(void)
{
    struct pool *p = mem_new(1, sizeof(*p));
    if (p != NULL) {
        p->holders = 1;
    }
    return p;
}

struct pool *pool_hold(struct pool *p)
{
    assert(p->holders > 0 && p->holders < UINT32_MAX);
    p->holders++;
    return p;
}

size_t pool_size(const struct pool *p)
{
    return p->size;
}

void pool_free(struct pool *p)
{
    if (p == NULL || atomic_fetch_sub(&p->holders, 1) > 1) {
        return;
    }
    struct pool_block *block = p->first;
    while (block != NULL) {
        struct pool_block *next = block->next;
        mem_free(block);
        block = next;
    }
    mem_free(p);
}

/* A fresh block with room for `len` bytes becomes the one that is filled. */
static struct pool_block *add_block(struct pool *p, size_t len)
{
    size_t cap = len > POOL_BLOCK ? len : (size_t)POOL_BLOCK;
    struct pool_block *block = mem_new(1, sizeof(*block) + cap);
    if (block == NULL) {
        return NULL;
    }
    block->cap = cap;
    p->size += sizeof(*block) + cap;
    block->next = p->first;
    p->first = block;
    return block;
}

void *pool_take(struct pool *p, size_t count, size_t size)
{
    /* Half of the address space is more than any configuration: the sums below cannot wrap. */
    if (count == 0 || size == 0 || count > SIZE_MAX / 2 / size) {
        return NULL;
    }
    size_t len = (count * size + POOL_ALIGN - 1) / POOL_ALIGN * POOL_ALIGN;
    struct pool_block *block = p->first;
    if (block == NULL || len > block->cap - block->used) {
        block = add_block(p, len);
    }
    if (block == NULL) {
        return NULL;
    }
    unsigned char *bytes = (unsigned char *)(block + 1);
    void *piece = &bytes[block->used];
    block->used += len;
    return piece;
}

void *pool_grow(struct pool *p, const void *old, size_t old_count, size_t count, size_t size)
{
    void *piece = pool_take(p, count, size);
    if (piece != NULL && old_count > 0) {
        memcpy(piece, old, old_count * size);
    }
    return piece;
}

char *pool_text(struct pool *p, const char *text)
{
    return pool_text_len(p, text, strlen(text));
}

char *pool_text_len(struct pool *p, const char *text, size_t len)
{
    char *copy = pool_take(p, len + 1, 1);
    if (copy != NULL) {
        memcpy(copy, text, len);
    }
    return copy;
}
