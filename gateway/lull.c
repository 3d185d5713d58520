#include "gateway/lull.h"

enum { NS_PER_MS = 1000000 };

void lull_note(struct lull *l, uint32_t *seen)
{
    l->reads++;
    l->turn_reads++;
    if (*seen != l->window) {
        *seen = l->window;
        l->links++;
    }
}

/* A millisecond, or as long as the loop slept, is over: what was it like? */
static void lull_judge(struct lull *l, uint64_t now_ns)
{
    uint64_t passed_ms = (now_ns - l->since_ns) / NS_PER_MS;
    l->is_crowded = l->links >= LULL_LINKS && l->reads >= passed_ms * LULL_READS_PER_MS;
    l->since_ns = now_ns;
    l->links = 0;
    l->reads = 0;
    l->window++;
    l->window += l->window == 0 ? 1 : 0; /* 0 is for who was never seen */
}

bool lull_wants(struct lull *l, uint64_t now_ns, bool can_wait)
{
    bool is_thin = l->turn_reads <= LULL_FEW;
    l->turn_reads = 0;
    if (now_ns - l->since_ns >= NS_PER_MS) {
        lull_judge(l, now_ns);
    }
    return l->is_crowded && is_thin && can_wait;
}
