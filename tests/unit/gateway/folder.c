#include "tests/unit/gateway/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <fts.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

void folder_make(struct folder *d)
{
    (void)snprintf(d->path, sizeof(d->path), "/tmp/wardgate-folder-XXXXXX");
    cr_assert_not_null(mkdtemp(d->path));
    d->fd = open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_geq(d->fd, 0);
}

void folder_remove_tree(const char *path)
{
    char root[512];
    char *const roots[] = {root, NULL};
    (void)snprintf(root, sizeof(root), "%s", path);
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    cr_assert_not_null(tree);
    for (const FTSENT *e = fts_read(tree); e != NULL; e = fts_read(tree)) {
        if (e->fts_info != FTS_D && e->fts_info != FTS_NS) { /* a folder after what is in it */
            cr_expect_eq(remove(e->fts_path), 0, "%s", e->fts_path);
        }
    }
    (void)fts_close(tree);
}

void folder_remove(struct folder *d)
{
    (void)close(d->fd);
    folder_remove_tree(d->path);
}

void folder_put(const struct folder *d, const char *name, const void *data, size_t len)
{
    int fd = openat(d->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    cr_assert_geq(fd, 0, "%s", name);
    cr_assert_eq(write(fd, data, len), (ssize_t)len);
    (void)close(fd);
}

size_t folder_get(const struct folder *d, const char *name, void *into, size_t cap)
{
    int fd = openat(d->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return SIZE_MAX;
    }
    ssize_t got = read(fd, into, cap);
    (void)close(fd);
    cr_assert_geq(got, 0);
    return (size_t)got;
}

int folder_has(const struct folder *d, const char *name)
{
    struct stat st;
    return fstatat(d->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

size_t folder_count(const struct folder *d, const char *sub)
{
    int fd = openat(d->fd, sub, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fdopendir(fd);
    size_t count = 0;
    cr_assert_not_null(dir);
    for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        count += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    }
    (void)closedir(dir);
    return count;
}
