/*
 * The control socket's place in the file system: one living gateway for each path.
 *
 * Floor 3. The struct belongs to its user.
 */
#ifndef WARDGATE_CONTROL_PATH_H
#define WARDGATE_CONTROL_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/un.h>

#include "protocols/fault.h"

/* What fits into a socket's address with ".new" behind it. */
enum { CONTROL_PATH_MAX = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 4 };

struct control_path {
    int fd;      /* the listening socket; its user takes it over */
    int lock_fd; /* held while the gateway lives */
    bool is_bound;
    char path[CONTROL_PATH_MAX];
};

/* Lock PATH.lock, bind a socket of mode 0660 beside PATH and move it there: who connects finds
 * the old one, none, or one that listens. 0, or a fault code as in control_open. */
int control_path_take(struct control_path *p, const char *path, struct fault *f);

/* Remove the socket's name, before the lock is let go. Idempotent. */
void control_path_remove(struct control_path *p);

/* Let the lock go. The listening socket is not closed here. */
void control_path_release(struct control_path *p);

#endif
