#include "gateway/haste.h"

bool haste_wants(struct haste *h, uint64_t now_ns, const struct haste_signs *signs)
{
    if (signs->moves != h->moves) {
        h->moves = signs->moves;
        h->moved_ns = now_ns;
    }
    if (signs->has_read) {
        h->read_ns = now_ns;
    }
    bool is_moving = now_ns - h->moved_ns < HASTE_STUCK_NS;
    bool is_near = now_ns - h->read_ns < HASTE_NS;
    return signs->is_crowd && is_moving && is_near;
}
