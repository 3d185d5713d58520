/*
 * Tests only: a folder of its own that goes with the test, and files in it.
 */
#ifndef WARDGATE_TEST_DROP_FOLDER_H
#define WARDGATE_TEST_DROP_FOLDER_H

#include <stddef.h>

struct drop_folder {
    char path[64];
    char file[400]; /* of the last drop_folder_path */
};

void drop_folder_make(struct drop_folder *d);
void drop_folder_remove(struct drop_folder *d);

const char *drop_folder_path(struct drop_folder *d, const char *name);

/* Write a file, and make its time so many seconds older than now. */
void drop_folder_put(struct drop_folder *d, const char *name, const void *bytes, size_t len,
                     unsigned age_s);

#endif
