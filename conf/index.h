/*
 * Index: which of many things has that name, without looking at each of them.
 *
 * Floor 2. A table of the names' hashes; the things are numbers in the caller's own array, in
 * the order in which they were added. Different names may have one hash: the caller compares.
 */
#ifndef WARDGATE_INDEX_H
#define WARDGATE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/pool.h"

struct index_slot {
    uint64_t hash;
    size_t number; /* and one: 0 is an empty slot */
};

/* Private to index.c. */
struct index {
    struct pool *pool; /* borrowed */
    struct index_slot *slots;
    size_t cap; /* a power of two, or 0 */
    size_t count;
    size_t cap_first; /* a power of two: with the first thing */
};

/* Start with nothing. `expected`: so many things will come, as far as is known. */
void index_init(struct index *ix, struct pool *pool, size_t expected);

/* The next thing gets the number that is the count of those before it. False: no memory, and it
 * was not added. */
bool index_add(struct index *ix, uint64_t hash);

/* The next number with that hash; false: there is none left. *at is private, 0 for the first. */
bool index_next(const struct index *ix, uint64_t hash, size_t *at, size_t *number);

#endif
