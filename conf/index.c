#include "conf/index.h"

enum {
    CAP_MIN = 64,
    CAP_EXPECTED_MAX = 1 << 20, /* more than any configuration has; it still grows */
};

void index_init(struct index *ix, struct pool *pool, size_t expected)
{
    *ix = (struct index){.pool = pool, .cap_first = CAP_MIN};
    while (ix->cap_first / 2 < expected && ix->cap_first < CAP_EXPECTED_MAX) {
        ix->cap_first *= 2;
    }
}

/* Where the search for a hash begins. The product's upper half depends on all of its bits. */
static size_t index_home(const struct index *ix, uint64_t hash)
{
    return (size_t)((hash * 0x9e3779b97f4a7c15U) >> 32) & (ix->cap - 1);
}

static void index_put(struct index *ix, struct index_slot slot)
{
    size_t at = index_home(ix, slot.hash);
    while (ix->slots[at].number != 0) {
        at = (at + 1) & (ix->cap - 1);
    }
    ix->slots[at] = slot;
}

/* Half of the slots stay empty, so that a search ends soon. */
static bool index_make_room(struct index *ix)
{
    if (ix->count < ix->cap / 2) {
        return true;
    }
    struct index old = *ix;
    size_t cap = old.cap == 0 ? old.cap_first : old.cap * 2;
    struct index_slot *slots = pool_take(ix->pool, cap, sizeof(*slots));
    if (slots == NULL) {
        return false;
    }
    ix->slots = slots;
    ix->cap = cap;
    for (size_t i = 0; i < old.cap; i++) {
        if (old.slots[i].number != 0) {
            index_put(ix, old.slots[i]);
        }
    }
    return true;
}

bool index_add(struct index *ix, uint64_t hash)
{
    if (!index_make_room(ix)) {
        return false;
    }
    ix->count++;
    index_put(ix, (struct index_slot){.hash = hash, .number = ix->count});
    return true;
}

bool index_next(const struct index *ix, uint64_t hash, size_t *at, size_t *number)
{
    if (ix->count == 0) {
        return false;
    }
    for (size_t n = *at;; n++) {
        const struct index_slot *slot = &ix->slots[(index_home(ix, hash) + n) & (ix->cap - 1)];
        if (slot->number == 0) {
            return false;
        }
        if (slot->hash == hash) {
            *at = n + 1;
            *number = slot->number - 1;
            return true;
        }
    }
}
