/*
 * Tests only: a whole gateway in a child process, with a configuration of one device that dials a
 * server which is not there. Needs build/pki. Nothing but a temporary folder is touched.
 */
#ifndef WARDGATE_TEST_INSTANCE_H
#define WARDGATE_TEST_INSTANCE_H

#include <stdbool.h>
#include <sys/types.h>

struct instance {
    char folder[64], conf[96], control[96], log[96];
    pid_t pid;
};

/* Make the folder and a good configuration in it. */
void instance_prepare(struct instance *i);

/* Write the configuration anew; `extra` goes to the end of its device section. */
void instance_configure(const struct instance *i, const char *extra);

/* The same, but the hospital dials in at 127.0.0.1:PORT. */
void instance_listen(const struct instance *i, const char *port);

/* Run `wardgate run` in a child, its log in the file; returns when the control socket answers or
 * the child has ended. */
void instance_start(struct instance *i);

/* Wait for its end: the exit code; -1 when a signal ended it. */
int instance_wait(struct instance *i);

/* Does the log hold this text? Waits for it for 5 s at most. */
bool instance_logs(const struct instance *i, const char *text);

/* Remove the folder; a socket that was left behind makes the test red. */
void instance_clean(const struct instance *i);

#endif
