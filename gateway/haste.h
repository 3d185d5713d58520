/*
 * Haste: while peers wait for a place to shake hands, the loop looks again for a moment before it
 * sleeps. The next step of one that has a place is near then, and to be woken for each of them
 * costs, where that is dear (in a virtual machine, or with the other end on the same computer),
 * more than to look. A processor that would be idle pays for it, for as long as the crowd waits.
 *
 * Floor 3, loop thread only. Pure.
 */
#ifndef WARDGATE_HASTE_H
#define WARDGATE_HASTE_H

#include <stdbool.h>
#include <stdint.h>

enum { HASTE_NS = 1000000 }; /* after the last reading; for who takes longer the loop sleeps */

/* Private to haste.c; begins as zeros. */
struct haste {
    uint64_t until_ns; /* clock of uv_hrtime */
};

/* At the end of a turn, once: shall the next poll come back at once? now_ns: clock of uv_hrtime.
 * is_crowd: somebody waits at the gate. has_read: this turn read from a link. */
bool haste_wants(struct haste *h, uint64_t now_ns, bool is_crowd, bool has_read);

#endif
