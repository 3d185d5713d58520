/*
 * Shared: the memory of device sections, which a configuration and its successors hold together.
 *
 * Floor 2. A reload takes over what a section became when its text is the same, strings and all,
 * and so holds the pools that it came from; only what changed is made anew, in a pool of its own.
 * What nobody uses any more stays in them until so much of it has gathered that shared_begin
 * begins afresh.
 */
#ifndef WARDGATE_SHARED_H
#define WARDGATE_SHARED_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/pool.h"

enum { SHARED_POOLS_MAX = 16 };

struct shared {
    struct pool *pools[SHARED_POOLS_MAX]; /* each held once */
    size_t count;
};

/* Hold what `before` (NULL: nothing) holds, if that is not too much, and add an empty pool for what
 * is new. *has_taken_over tells whether it was. False: no memory, nothing is held. */
bool shared_begin(struct shared *s, const struct shared *before, bool *has_taken_over);

/* The pool for what is new; it lives until the last configuration that holds it has ended. Only
 * until shared_begin has been called for a successor may more be taken from it. */
struct pool *shared_new(const struct shared *s);

/* Hold nothing any more. */
void shared_end(struct shared *s);

#endif
