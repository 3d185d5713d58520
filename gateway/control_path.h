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

enum { CONTROL_PATH_MAX = sizeof(((struct sockaddr_un *)NULL)->sun_path) };

struct control_path {
    int fd;      /* the listening socket; -1 when its user took it over */
    int lock_fd; /* held while the gateway lives */
    bool is_bound;
    char path[CONTROL_PATH_MAX];
};

/* Lock PATH.lock and make a listening socket of mode 0660 at PATH. A socket that a dead gateway
 * left is replaced; a living one is refused. The lock file stays for ever, because removing one is
 * a race. Sets the umask for a moment: no other thread may run. 0, or a fault code with *f:
 * FAULT_BUSY (another gateway uses this path; side self), FAULT_OPEN (folder missing, no
 * permission, a file that is no socket stands there, path too long; side configuration). */
int control_path_take(struct control_path *p, const char *path, struct fault *f);

/* Remove the socket's name, before the lock is let go. Idempotent. */
void control_path_remove(struct control_path *p);

/* Let the lock go, after the socket's name was removed; close the socket if it is still here. */
void control_path_release(struct control_path *p);

#endif
