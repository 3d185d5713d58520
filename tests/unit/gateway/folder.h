/*
 * Tests only: a folder of the test's own that goes with it.
 */
#ifndef WARDGATE_TEST_FOLDER_H
#define WARDGATE_TEST_FOLDER_H

#include <stddef.h>

struct folder {
    char path[64];
    int fd;
};

void folder_make(struct folder *d);

/* Removes it with all that is in it. */
void folder_remove(struct folder *d);

/* The same by its path, for a folder that something else made; one that is not there is fine. */
void folder_remove_tree(const char *path);

/* Write a file as it is; read one: how many bytes there were, SIZE_MAX when there is none. */
void folder_put(const struct folder *d, const char *name, const void *data, size_t len);
size_t folder_get(const struct folder *d, const char *name, void *into, size_t cap);

/* Is there something of that name, whatever it is? How many entries does the folder have? */
int folder_has(const struct folder *d, const char *name);
size_t folder_count(const struct folder *d, const char *sub);

#endif
