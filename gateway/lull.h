/*
 * Lull: a moment's sleep before the poll while many links talk at once, so that one turn of the
 * loop serves several of them. Woken for each message by itself, the process pays for going to
 * sleep and waking up again about what the message itself costs; network cards hold interrupts back
 * for the same reason.
 *
 * Floor 3, loop thread only. Nobody is made to wait for somebody who does not talk: with fewer
 * than LULL_LINKS links that talk within a millisecond, there is none. What it adds to a message
 * is LULL_NS and the kernel's timer slack (prctl(2), 50 us) each way, at most.
 */
#ifndef WARDGATE_LULL_H
#define WARDGATE_LULL_H

#include <stdbool.h>
#include <stdint.h>

enum {
    LULL_LINKS = 16,        /* that talk in a millisecond, for a lull to pay */
    LULL_READS_PER_MS = 16, /* and how much */
    LULL_FEW = 4,           /* reads in a turn; with more, turns are worth their price as it is */
    LULL_NS = 20000,
};

/* Private to lull.c; begins as zeros. */
struct lull {
    uint64_t since_ns;   /* when the counting began, clock of uv_hrtime */
    uint32_t window;     /* number of this counting */
    uint32_t links;      /* that were read in it */
    uint32_t reads;      /* in it */
    uint32_t turn_reads; /* in this turn of the loop */
    bool is_crowded;     /* what the last counting said */
};

/* A link is read. *seen is the link's own, 0 at first: the counting that knows it. */
void lull_note(struct lull *l, uint32_t *seen);

/* At the end of a turn, once: is a lull wanted before the next poll? now_ns: clock of uv_hrtime.
 * can_wait: the poll would wait, too. */
bool lull_wants(struct lull *l, uint64_t now_ns, bool can_wait);

#endif
