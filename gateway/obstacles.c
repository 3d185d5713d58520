#include "gateway/obstacles.h"

#include <assert.h>
#include <string.h>

#include "conf/text.h"

static size_t obstacles_list(const char *what)
{
    return text_hash(what, 0) % OBSTACLES_LISTS;
}

void obstacles_put(struct obstacles *all, struct obstacle *o, const char *what)
{
    assert(o->slot == NULL);
    struct obstacle **slot = &all->lists[obstacles_list(what)];
    *o = (struct obstacle){.slot = slot, .next = *slot, .what = what};
    if (o->next != NULL) {
        o->next->slot = &o->next;
    }
    *slot = o;
}

bool obstacles_remove(struct obstacle *o)
{
    if (o->slot == NULL) {
        return false;
    }
    *o->slot = o->next;
    if (o->next != NULL) {
        o->next->slot = o->slot;
    }
    *o = (struct obstacle){.slot = NULL};
    return true;
}

bool obstacles_has(const struct obstacles *all, const char *what)
{
    const struct obstacle *o = all->lists[obstacles_list(what)];
    while (o != NULL && strcmp(o->what, what) != 0) {
        o = o->next;
    }
    return o != NULL;
}
