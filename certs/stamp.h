/*
 * Stamp: what a file was when it was read, so that whether it is still that can be told without
 * reading it.
 *
 * Floor 1. A value; any thread.
 */
#ifndef WARDGATE_STAMP_H
#define WARDGATE_STAMP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

struct stamp {
    dev_t device;
    ino_t inode;
    mode_t mode;
    off_t size;
    struct timespec modified;
    struct timespec changed; /* no user can set it; a write and a chmod do */
};

/* Of an open file it must be taken before the first byte is read: what is written meanwhile then
 * shows. */
struct stamp stamp_of(const struct stat *st);

/* The file at the path (of a symbolic link: the one it leads to) has this stamp: it is the file
 * that was read. Who might read it then still may, unless the rules of the folders above changed.
 */
bool stamp_is_at(const struct stamp *s, const char *path);

bool stamp_is_same(const struct stamp *a, const struct stamp *b);

/* Was the file at rest when the reading began, at `began_s` of the wall clock? File systems keep
 * times in steps of up to two seconds: a file that is written within the step in which it was read
 * keeps its stamp, and says nothing by it. Nor does one whose times lie ahead of the clock. */
bool stamp_is_settled(const struct stamp *s, int64_t began_s);

#endif
