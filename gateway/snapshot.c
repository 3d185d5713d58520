#include "gateway/snapshot.h"

#include "certs/mem.h"

void snapshot_free(struct snapshot *s)
{
    for (size_t i = 0; i < s->trust_count; i++) {
        mem_free(s->trusts[i].crls);
        mem_free(s->trusts[i].sources);
    }
    mem_free(s->trusts);
    mem_free(s->devices);
    mem_free(s->links);
    mem_free(s->blocks);
    mem_free(s->grants);
    *s = (struct snapshot){.name = NULL};
}
