/*
 * Fine timer: one shot, at a moment of the monotonic clock, to some microseconds.
 *
 * Floor 3, loop thread only. The struct belongs to its user. libuv's own timers count whole
 * milliseconds on a clock that is read once in a turn; the pause before a request on a serial line
 * is 1.75 ms at most rates, and what is rounded up there is lost with each request.
 *
 * Each is a descriptor (timerfd) that the loop polls: while it is stopped nothing wakes up. A
 * processor that sleeps needs its time to wake up, often 50 us and more: the timer learns how much
 * that is nine times out of ten, and has itself woken up so much sooner. It never fires early: what
 * is left then it waits for actively.
 *
 * That keeps the loop from its other work for 0.1 ms at most, and the processor busy. All timers of
 * a loop together do so for a sixteenth of the time at most, however many lines are polled: one
 * that may not has itself woken up once more, and is as late as the kernel is. Moments are those of
 * uv_hrtime(), in nanoseconds.
 */
#ifndef WARDGATE_FINE_TIMER_H
#define WARDGATE_FINE_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "gateway/io.h"
#include "protocols/fault.h"

/* Who owns it. Copied. Both are called from the loop, never from inside a call below. */
struct fine_timer_owner {
    void (*on_due)(void *self);
    void (*on_closed)(void *self); /* after fine_timer_close; last call */
    void *self;
};

/* Private to fine_timer.c. */
struct fine_timer {
    struct io *io;
    uv_poll_t poll;
    int fd;
    uint64_t due_ns;  /* 0: stopped */
    uint64_t set_ns;  /* what the kernel was told: due_ns, or a lead before it */
    uint64_t lead_ns; /* how late the kernel is, nine times out of ten */
    struct fine_timer_owner owner;
    bool closing;
};

/* Make, stopped. 0; or FAULT_IO with *f (side self) when the kernel gives no descriptor: there is
 * then nothing to close. */
int fine_timer_open(struct fine_timer *t, struct io *io, const struct fine_timer_owner *owner,
                    struct fault *f);

/* Fire once at due_ns (1..), or at once (from the loop) when that is over; instead of what was set
 * before. */
void fine_timer_start(struct fine_timer *t, uint64_t due_ns);

/* on_due is not called any more until the next start, also when the time is over already. */
void fine_timer_stop(struct fine_timer *t);

/* End; on_closed follows. Idempotent. */
void fine_timer_close(struct fine_timer *t);

#endif
