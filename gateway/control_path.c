#include "gateway/control_path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BACKLOG = 8 };

static int fail(struct fault *f, const char *what, const char *path, int error)
{
    (void)fault_set(f, FAULT_OPEN, FAULT_SIDE_CONFIGURATION, "control socket: ", what);
    fault_add(f, " ");
    fault_add(f, path);
    fault_add(f, ": ");
    fault_add(f, strerror(error));
    return FAULT_OPEN;
}

/* Two programs that find the same dead socket would both replace it: only the holder may. */
static int take_lock(struct control_path *p, struct fault *f)
{
    char name[sizeof(p->path) + sizeof(".lock")];
    (void)snprintf(name, sizeof(name), "%s.lock", p->path);
    p->lock_fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (p->lock_fd < 0) {
        return fail(f, "cannot open", name, errno);
    }
    if (flock(p->lock_fd, LOCK_EX | LOCK_NB) == 0) {
        return 0;
    }
    int error = errno;
    (void)close(p->lock_fd); /* nothing was written */
    if (error != EWOULDBLOCK) {
        return fail(f, "cannot lock", name, error);
    }
    return fault_set(f, FAULT_BUSY, FAULT_SIDE_SELF,
                     "another wardgate runs with this control socket: ", p->path);
}

/* A path that somebody wrote wrong must not cost him a file. */
static int refuse_other_file(const struct control_path *p, struct fault *f)
{
    struct stat st;
    if (lstat(p->path, &st) == 0 && !S_ISSOCK(st.st_mode)) {
        return fault_set(f, FAULT_OPEN, FAULT_SIDE_CONFIGURATION,
                         "control socket: there is a file that is no socket: ", p->path);
    }
    return 0;
}

static int bind_and_listen(int fd, const struct sockaddr_un *at)
{
    /* The mode must be right from the first moment on: a later chmod leaves a gap. */
    mode_t before = umask(0117);
    int error = bind(fd, (const struct sockaddr *)at, sizeof(*at)) != 0 ? errno : 0;
    (void)umask(before); /* cannot fail */
    if (error == 0 && listen(fd, BACKLOG) != 0) {
        error = errno;
    }
    return error;
}

static int make_socket(struct control_path *p, struct fault *f)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    memcpy(at.sun_path, p->path, sizeof(at.sun_path));
    p->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (p->fd < 0) {
        return fail(f, "cannot make", p->path, errno);
    }
    (void)unlink(p->path); /* of one that died: we hold the lock */
    int error = bind_and_listen(p->fd, &at);
    p->is_bound = error == 0;
    return error == 0 ? 0 : fail(f, "cannot bind", p->path, error);
}

int control_path_take(struct control_path *p, const char *path, struct fault *f)
{
    struct control_path mine = {.fd = -1, .lock_fd = -1};
    if (strlen(path) >= sizeof(mine.path)) {
        return fail(f, "path too long", path, ENAMETOOLONG);
    }
    (void)snprintf(mine.path, sizeof(mine.path), "%s", path);
    int code = take_lock(&mine, f);
    if (code != 0) {
        return code;
    }
    code = refuse_other_file(&mine, f);
    if (code == 0) {
        code = make_socket(&mine, f);
    }
    if (code != 0) {
        control_path_release(&mine);
        return code;
    }
    *p = mine;
    return 0;
}

void control_path_remove(struct control_path *p)
{
    if (p->is_bound) {
        p->is_bound = false;
        (void)unlink(p->path); /* it may be gone already */
    }
}

void control_path_release(struct control_path *p)
{
    if (p->fd >= 0) {
        (void)close(p->fd); /* nothing was written */
        p->fd = -1;
    }
    if (p->lock_fd >= 0) {
        (void)close(p->lock_fd); /* nothing was written */
        p->lock_fd = -1;
    }
}
