/*
 * Source: the files that a configuration is read from, and where relative paths in them start.
 *
 * Floor 2. Strings that are returned belong to the pool.
 */
#ifndef WARDGATE_SOURCE_H
#define WARDGATE_SOURCE_H

#include <stddef.h>

#include "conf/pool.h"
#include "conf/reader.h"

/* Paths of 4,095 bytes are the longest that the kernel takes. */
enum { SOURCE_PATH_SIZE = 4096 };

/* `path` if it is absolute, else `path` below the absolute folder `dir`; a leading "./" is taken
 * off. NULL when there is no memory or the result is too long. */
char *source_absolute(struct pool *pool, const char *dir, const char *path);

/* The absolute form of a path as given on a command line. NULL as above, or when the working
 * folder is gone. */
char *source_from_here(struct pool *pool, const char *path);

/* The folder of an absolute path. NULL: no memory. */
char *source_folder(struct pool *pool, const char *path);

/* Read the file at the absolute path into the reader. shown: its name in problems (lives as long as
 * what is made of the sections). Only regular files are read. Returns 0; -1 when the file cannot be
 * opened or read, or when memory ran out (a problem against `shown` says so). */
int source_read(struct reader *r, const char *path, const char *shown);

/* Every *.conf of an absolute folder, in lexical order of their bytes, those that begin with a dot
 * left out. Returns 0 with names (not paths), or an errno value. */
int source_list(struct pool *pool, const char *dir, char ***names, size_t *count);

#endif
