#include "certs/stamp.h"

#include <fcntl.h>
#include <unistd.h>

enum { STEP_S = 2 }; /* of the coarsest file system (FAT) */

struct stamp stamp_of(const struct stat *st)
{
    return (struct stamp){
        .device = st->st_dev,
        .inode = st->st_ino,
        .mode = st->st_mode,
        .size = st->st_size,
        .modified = st->st_mtim,
        .changed = st->st_ctim,
    };
}

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool stamp_is_same(const struct stamp *a, const struct stamp *b)
{
    return a->device == b->device && a->inode == b->inode && a->mode == b->mode &&
           a->size == b->size && is_same_time(&a->modified, &b->modified) &&
           is_same_time(&a->changed, &b->changed);
}

bool stamp_is_at(const struct stamp *s, const char *path)
{
    /* As one who will read it: the kernel then asks a file server anew, which for stat(2) it need
     * not do for up to a minute, and looks whether we still may. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat st;
    bool is_same = false;

    if (fd < 0) {
        return false;
    }
    if (fstat(fd, &st) == 0) {
        const struct stamp now = stamp_of(&st);
        is_same = stamp_is_same(s, &now);
    }
    (void)close(fd); /* nothing was written */
    return is_same;
}

bool stamp_is_settled(const struct stamp *s, int64_t began_s)
{
    return (int64_t)s->modified.tv_sec < began_s - STEP_S &&
           (int64_t)s->changed.tv_sec < began_s - STEP_S;
}
