/*
 * Stall: how long the loop was busy in one turn, at the longest. What blocks it blocks every link.
 *
 * Floor 3, loop thread only. The struct belongs to its user. A turn's busy time is what passed
 * from the moment when the poll returned, which libuv notes as the loop's clock before it calls
 * anybody, to the next poll; a program that the kernel does not let run counts as busy too, because
 * the links wait just the same. Where more than 1,024 descriptors are ready at once, libuv polls
 * again within the turn, and only what came after that is seen.
 * What a turn is worth is decided here, too: it is where lull.h and haste.h are asked.
 * Cost: two clocks in a turn and no system call. (libuv's own UV_METRICS_IDLE_TIME polls twice in
 * each turn that waits.)
 */
#ifndef WARDGATE_STALL_H
#define WARDGATE_STALL_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/io.h"

/* Private to stall.c. */
struct stall {
    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t haste; /* runs while the poll must not wait */
    bool may_hurry;  /* there is another processor for those who are waited for */
    struct io *io;
    uint64_t polled_ms; /* loop clock: the last poll returned; 0: there was none yet */
    uint64_t longest_ns;
    unsigned handles; /* open ones */
    void (*on_closed)(void *owner);
    void *owner;
    bool closing;
};

/* Begin to measure: what comes before the first poll, the start of the program, does not count.
 * Does not keep the loop running. on_closed(owner) comes after stall_close, from the loop, as the
 * last call; NULL: nobody asks. io is borrowed until then, and io_turn_is_long
 * works, and io->gate, while it is set, may make the loop hurry. Cannot fail. */
void stall_open(struct stall *s, struct io *io, void (*on_closed)(void *owner), void *owner);

/* End. Idempotent. The longest stall can still be asked for. */
void stall_close(struct stall *s);

/* The longest busy time of a whole turn so far, in milliseconds, rounded down. */
uint64_t stall_longest_ms(const struct stall *s);

#endif
