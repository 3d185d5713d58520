/*
 * Haste: while a crowd comes through the gate, the loop looks again for a moment before it sleeps.
 * The next step of a handshake is near then, and to be woken for each of them costs, where that is
 * dear (in a virtual machine, or with the other end on the same computer), more than to look. A
 * processor that would be idle pays for it, for as long as the crowd moves: a server that hangs, or
 * strangers who keep their places and say nothing, do not keep the processor busy.
 *
 * Floor 3, loop thread only. Pure.
 */
#ifndef WARDGATE_HASTE_H
#define WARDGATE_HASTE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    HASTE_NS = 1000000,        /* after the last reading; for who takes longer the loop sleeps */
    HASTE_STUCK_NS = 50000000, /* after somebody left the gate: longer, and the crowd is stuck */
};

/* Private to haste.c; begins as zeros. Clock of uv_hrtime, which begins with the
 * machine: 0 is long ago. */
struct haste {
    uint64_t read_ns, moved_ns;
    uint32_t moves; /* when it was last asked */
};

/* What the turn showed. */
struct haste_signs {
    bool is_crowd;  /* somebody waits at the gate */
    bool has_read;  /* this turn read from a link */
    uint32_t moves; /* how many have left the gate so far; 0 at first */
};

/* At the end of a turn, once: shall the next poll come back at once? now_ns: clock of uv_hrtime. */
bool haste_wants(struct haste *h, uint64_t now_ns, const struct haste_signs *signs);

#endif
