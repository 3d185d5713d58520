/*
 * One file of the state folder: how it looks, and how it is read and written so that a power cut
 * leaves the old or the new one.
 *
 * Floor 3. Blocks; any thread, but one at a time for one folder. `folder_fd` is the open folder,
 * and `name` a name in it (store_file_is_name), both borrowed for the call.
 *
 * The file is one line for people and for us, then the content as it is:
 *     wardgate 1 sha256=<64 hexadecimal digits> length=<bytes>
 */
#ifndef WARDGATE_STORE_FILE_H
#define WARDGATE_STORE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocols/bytes.h"
#include "protocols/fault.h"

/* Of a name, with its NUL; of a content, in bytes. */
enum { STORE_NAME_MAX = 128, STORE_FILE_CONTENT_MAX = 80 * 1024 * 1024 };

/* Names are of [a-z0-9._-] with at most one '/', for a subfolder; no part begins with '.', and none
 * ends in ".tmp" or ".damaged". */
bool store_file_is_name(const char *name);

/* NAME.tmp, which a write that was cut off has left. */
bool store_file_is_leftover(const char *name);

/* Write under the name: a subfolder is made (0700) when it is missing. When it returns 0, the
 * content is on the disk. FAULT_IO with *f: the old file is intact (the new one is there when only
 * the last step failed: the sync of the folder), and no temporary file is left. */
int store_file_write(int folder_fd, const char *name, struct span content, struct fault *f);

/* Remove it, so that it is gone also after a power cut. One that is not there is success. FAULT_IO
 * with *f. Leftovers, too. */
int store_file_remove(int folder_fd, const char *name, struct fault *f);

/* What the `why` of a file says with which nothing is wrong: there was no memory. */
extern const char store_file_no_memory[];

enum store_file_state {
    STORE_FILE_GOOD,
    STORE_FILE_NONE,       /* no such file; a symbolic link, a folder or a device is none */
    STORE_FILE_DAMAGED,    /* the content is not what was written */
    STORE_FILE_UNREADABLE, /* the system did not let us read it; no memory */
};

struct store_file {
    uint8_t *bytes;      /* caller frees with mem_free; NULL unless STORE_FILE_GOOD */
    struct span content; /* within bytes */
    char why[120];       /* DAMAGED, UNREADABLE: a sentence without the name */
};

enum store_file_state store_file_read(int folder_fd, const char *name, struct store_file *out);

/* Is this the whole of a file? *content is then what follows its first line; else (DAMAGED, or
 * UNREADABLE: no memory) *why, constant memory, says what is wrong. Pure. */
enum store_file_state store_file_check(struct span whole, struct span *content, const char **why);

/* Rename it to NAME.damaged, in the place of an older one. False: it stays. */
bool store_file_set_aside(int folder_fd, const char *name);

#endif
