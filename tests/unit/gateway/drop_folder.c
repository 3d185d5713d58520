#include "tests/unit/gateway/drop_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>

void drop_folder_make(struct drop_folder *d)
{
    (void)snprintf(d->path, sizeof(d->path), "/tmp/wardgate-test-XXXXXX");
    cr_assert_not_null(mkdtemp(d->path));
}

void drop_folder_remove(struct drop_folder *d)
{
    DIR *folder = opendir(d->path);
    const struct dirent *entry = NULL;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            const char *path = drop_folder_path(d, entry->d_name);
            (void)(unlink(path) == 0 || rmdir(path) == 0);
        }
    }
    if (folder != NULL) {
        (void)closedir(folder);
        (void)rmdir(d->path);
    }
}

const char *drop_folder_path(struct drop_folder *d, const char *name)
{
    (void)snprintf(d->file, sizeof(d->file), "%s/%s", d->path, name);
    return d->file;
}

void drop_folder_put(struct drop_folder *d, const char *name, const void *bytes, size_t len,
                     unsigned age_s)
{
    struct timespec times[2];
    const char *path = drop_folder_path(d, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    cr_assert_geq(fd, 0, "%s", path);
    cr_assert_eq(write(fd, bytes, len), (ssize_t)len);
    (void)clock_gettime(CLOCK_REALTIME, &times[0]);
    times[0].tv_sec -= (time_t)age_s;
    times[1] = times[0];
    cr_assert_eq(futimens(fd, times), 0);
    close(fd);
}
