/*
 * Tests only: a program of somebody else's as the peer, its input and output on one socket.
 */
#ifndef WARDGATE_TEST_CHILD_H
#define WARDGATE_TEST_CHILD_H

#include <stddef.h>
#include <sys/types.h>

#include "tests/unit/gateway/bench.h"

struct child {
    pid_t pid;
    int fd; /* its stdin, stdout and stderr; non-blocking */
    char text[65536];
    size_t len;
};

/* Start argv[0] from PATH. It dies with the test. */
void child_start(struct child *c, const char *const *argv);

/* Turn the loop until the child has printed `text`. */
void child_until(struct bench *b, struct child *c, const char *text);

void child_put(const struct child *c, const char *text);

/* No more input; it is ended if it does not end by itself when the test closes. */
void child_stop(struct child *c);

#endif
