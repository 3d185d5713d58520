#include "gateway/haste.h"

bool haste_wants(struct haste *h, uint64_t now_ns, bool is_crowd, bool has_read)
{
    if (has_read) {
        h->until_ns = now_ns + HASTE_NS;
    }
    return is_crowd && now_ns < h->until_ns;
}
