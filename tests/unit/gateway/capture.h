/*
 * Tests only: what a test writes to a descriptor is read back. Criterion runs each test in a
 * process of its own, so moving its stdout or stderr harms nobody.
 */
#ifndef WARDGATE_TEST_CAPTURE_H
#define WARDGATE_TEST_CAPTURE_H

#include <stddef.h>

enum { CAPTURE_MAX = 65536 };

struct capture {
    int reader, saved, fd;
    char text[CAPTURE_MAX]; /* valid after capture_end */
    size_t len;
};

/* From now on what goes to `fd` (1 or 2) goes to a pipe. At most what a pipe holds (64 KiB). */
void capture_start(struct capture *c, int fd);

/* Put the descriptor back and return what came, NUL-terminated. */
const char *capture_end(struct capture *c);

#endif
