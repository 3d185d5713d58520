#include "protocols/parmrk.h"

enum { MARK = 0xff, MARK_ERROR = 0x00 };

enum { PARMRK_PLAIN, PARMRK_MARKED, PARMRK_ERROR };

/* One byte in the midst of a mark; true when it stands for itself and is kept. */
static bool finish_mark(struct parmrk *pm, uint8_t value)
{
    bool in_error = pm->state == PARMRK_ERROR;
    if (!in_error && value == MARK_ERROR) {
        pm->state = PARMRK_ERROR;
        return false;
    }
    pm->state = PARMRK_PLAIN;
    if (in_error && value == 0) {
        pm->breaks++;
        return false;
    }
    /* FF and then neither FF nor 00 is no mark. Putting both out could need more room than the
     * input had, so the byte is kept, the FF counts as damage. */
    if (in_error || value != MARK) {
        pm->errors++;
    }
    return true;
}

void parmrk_init(struct parmrk *pm)
{
    *pm = (struct parmrk){.state = PARMRK_PLAIN};
}

void parmrk_reset(struct parmrk *pm)
{
    pm->state = PARMRK_PLAIN;
}

void parmrk_decode(struct parmrk *pm, struct room *raw)
{
    struct span rest = room_span(raw);
    /* Marks are rare: without one the bytes need not move. */
    size_t clean = pm->state == PARMRK_PLAIN ? span_find(rest, MARK) : 0;
    raw->len = clean;
    rest = span_after(rest, clean);

    uint8_t value = 0;
    while (span_take_u8(&rest, &value)) {
        bool keep = true;
        if (pm->state != PARMRK_PLAIN) {
            keep = finish_mark(pm, value);
        } else if (value == MARK) {
            pm->state = PARMRK_MARKED;
            keep = false;
        }
        if (keep) {
            /* Never ahead of what is read, so it always fits. */
            (void)room_put_u8(raw, value);
        }
    }
}
