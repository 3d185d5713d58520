/*
 * Tests only: the two clocks that nobody can wait for, moved by hand. They stand in for the C
 * library's and libuv's functions in this one program.
 */
#ifndef WARDGATE_TEST_WALL_H
#define WARDGATE_TEST_WALL_H

#include <stdint.h>

/* time() is so far ahead from now on (not the clocks that gateway/clock.h looks at). */
void wall_shift(int64_t seconds);

/* Each call of uv_hrtime is `ns` later than the one before; 0: the true clock again. */
void wall_step(uint64_t ns);

#endif
