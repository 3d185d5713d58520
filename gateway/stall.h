/*
 * Stall: how long the loop was busy in one turn, at the longest. What blocks it blocks every link.
 *
 * Floor 3, loop thread only. The struct belongs to its user. A turn's busy time is what passed
 * between two polls less what libuv waited in the poll between them; a program that the kernel does
 * not let run counts as busy too, because the links wait just the same.
 * Cost: 0.1 us of the 1.3 us that an empty turn takes (a clock, a mutex that nobody else holds),
 * measured over 2 million turns. A turn that sleeps has one more epoll call that does not wait; of
 * its 35 us of processor time nothing is seen.
 */
#ifndef WARDGATE_STALL_H
#define WARDGATE_STALL_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/io.h"

/* Private to stall.c. */
struct stall {
    uv_prepare_t prepare;
    uint64_t seen_ns, idle_ns; /* at the poll before */
    uint64_t longest_ns;
    void (*on_closed)(void *owner);
    void *owner;
    bool closing;
};

/* Begin to measure; best before the loop's first turn, because libuv counts only then on. Does not
 * keep the loop running. on_closed(owner) comes after stall_close, from the loop, as the last call;
 * NULL: nobody asks. io is borrowed until then. Cannot fail. */
void stall_open(struct stall *s, struct io *io, void (*on_closed)(void *owner), void *owner);

/* End. Idempotent. The longest stall can still be asked for. */
void stall_close(struct stall *s);

/* The longest busy time of a whole turn so far, in milliseconds, rounded down. */
uint64_t stall_longest_ms(const struct stall *s);

#endif
