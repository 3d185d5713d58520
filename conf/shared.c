#include "conf/shared.h"

#include <assert.h>

/* The first pool has every section as of then: more than as much again is mostly out of use. */
static bool is_worth_it(const struct shared *s)
{
    size_t all = 0;
    for (size_t i = 0; i < s->count; i++) {
        all += pool_size(s->pools[i]);
    }
    return s->count > 0 && s->count < SHARED_POOLS_MAX && all <= 2 * pool_size(s->pools[0]);
}

bool shared_begin(struct shared *s, const struct shared *before, bool *has_taken_over)
{
    *s = (struct shared){.count = 0};
    *has_taken_over = before != NULL && is_worth_it(before);
    for (size_t i = 0; *has_taken_over && i < before->count; i++) {
        /* Of a reload without changes nothing came. */
        if (i == 0 || pool_size(before->pools[i]) > 0) {
            s->pools[s->count] = pool_hold(before->pools[i]);
            s->count++;
        }
    }
    struct pool *fresh = pool_new();
    if (fresh == NULL) {
        shared_end(s);
        return false;
    }
    s->pools[s->count] = fresh;
    s->count++;
    return true;
}

struct pool *shared_new(const struct shared *s)
{
    assert(s->count > 0);
    return s->pools[s->count - 1];
}

void shared_end(struct shared *s)
{
    for (size_t i = 0; i < s->count; i++) {
        pool_free(s->pools[i]);
    }
    s->count = 0;
}
