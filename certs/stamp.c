/* statx, in place of three calls; what POSIX has asks no file server. */
#ifndef _GNU_SOURCE
/* NOLINTNEXTLINE(readability-identifier-naming): the C library's own word */
#    define _GNU_SOURCE
#endif

#include "certs/stamp.h"

#include <fcntl.h>
#include <sys/sysmacros.h>

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

static struct timespec time_of(const struct statx_timestamp *t)
{
    return (struct timespec){.tv_sec = t->tv_sec, .tv_nsec = (long)t->tv_nsec};
}

bool stamp_is_at(const struct stamp *s, const char *path)
{
    enum { WANTED = STATX_TYPE | STATX_MODE | STATX_INO | STATX_SIZE | STATX_MTIME | STATX_CTIME };

    struct statx st;

    /* A file server is asked anew, which for stat(2) the kernel need not do for up to a minute. Of
     * a file system that does not tell all of this nothing is known. */
    if (statx(AT_FDCWD, path, AT_STATX_FORCE_SYNC, WANTED, &st) != 0 ||
        (st.stx_mask & WANTED) != WANTED) {
        return false;
    }
    const struct stamp now = {
        .device = makedev(st.stx_dev_major, st.stx_dev_minor),
        .inode = st.stx_ino,
        .mode = st.stx_mode,
        .size = (off_t)st.stx_size,
        .modified = time_of(&st.stx_mtime),
        .changed = time_of(&st.stx_ctime),
    };
    return stamp_is_same(s, &now);
}

bool stamp_is_settled(const struct stamp *s, int64_t began_s)
{
    return (int64_t)s->modified.tv_sec < began_s - STEP_S &&
           (int64_t)s->changed.tv_sec < began_s - STEP_S;
}
