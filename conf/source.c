#include "conf/source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SAY_MAX = 512 };

char *source_absolute(struct pool *pool, const char *dir, const char *path)
{
    char joined[SOURCE_PATH_SIZE];
    while (path[0] == '.' && path[1] == '/') {
        path += 2;
    }
    int len = 0;
    if (path[0] == '/') {
        len = snprintf(joined, sizeof(joined), "%s", path);
    } else {
        /* The root folder ends with a slash already. */
        len = snprintf(joined, sizeof(joined), "%s%s%s", dir, strcmp(dir, "/") == 0 ? "" : "/",
                       path);
    }
    if (len < 0 || (size_t)len >= sizeof(joined)) {
        return NULL;
    }
    return pool_text(pool, joined);
}

char *source_from_here(struct pool *pool, const char *path)
{
    char here[SOURCE_PATH_SIZE] = "/";
    if (path[0] != '/' && getcwd(here, sizeof(here)) == NULL) {
        return NULL;
    }
    return source_absolute(pool, here, path);
}

char *source_folder(struct pool *pool, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path) {
        return pool_text(pool, "/");
    }
    return pool_text_len(pool, path, (size_t)(slash - path));
}

struct open_file {
    int fd;
    int error; /* errno of a read that failed; 0: none did */
};

static size_t read_some(void *from, char *to, size_t cap)
{
    struct open_file *file = from;
    for (;;) {
        ssize_t got = read(file->fd, to, cap);
        if (got >= 0) {
            return (size_t)got;
        }
        if (errno != EINTR) {
            file->error = errno;
            return 0;
        }
    }
}

static void refuse(struct reader *r, const char *shown, int error)
{
    char wrong[SAY_MAX];
    (void)snprintf(wrong, sizeof(wrong), "cannot be read: %s", strerror(error));
    problems_add(r->problems, shown, 0, wrong, "a file that this user may read");
}

/* Open a regular file; a FIFO would make us wait for ever. Returns the descriptor and its length
 * in bytes, or -1 with errno. */
static int open_regular(const char *path, size_t *len)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return -1;
    }
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
        *len = (size_t)status.st_size;
        return fd;
    }
    (void)close(fd); /* nothing was written */
    errno = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
    return -1;
}

int source_read(struct reader *r, const char *path, const char *shown)
{
    size_t len = 0;
    struct open_file file = {.fd = open_regular(path, &len)};
    if (file.fd < 0) {
        refuse(r, shown, errno);
        return -1;
    }
    struct reader_source source = {.read = read_some,
                                   .from = &file,
                                   .file = shown,
                                   .dir = source_folder(r->pool, path),
                                   .len = len};
    int result = source.dir != NULL ? reader_read(r, &source) : -1;
    (void)close(file.fd); /* nothing was written */
    if (source.dir == NULL) {
        refuse(r, shown, ENOMEM);
    }
    if (file.error != 0) {
        refuse(r, shown, file.error);
        return -1;
    }
    return result;
}

static int is_conf(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return entry->d_name[0] != '.' && len > strlen(".conf") &&
           strcmp(&entry->d_name[len - strlen(".conf")], ".conf") == 0;
}

/* By bytes and not by locale, so that the order is the same everywhere. */
static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

int source_list(struct pool *pool, const char *dir, char ***names, size_t *count)
{
    struct dirent **found = NULL;
    int n = scandir(dir, &found, is_conf, by_bytes);
    if (n < 0) {
        return errno;
    }
    /* One more than needed: an empty folder is no lack of memory. */
    char **list = pool_take(pool, (size_t)n + 1, sizeof(*list));
    int error = list == NULL ? ENOMEM : 0;
    for (int i = 0; i < n; i++) {
        if (error == 0) {
            list[i] = pool_text(pool, found[i]->d_name);
            error = list[i] == NULL ? ENOMEM : 0;
        }
        free(found[i]); /* scandir's memory, not ours */
    }
    free(found);
    if (error == 0) {
        *names = list;
        *count = (size_t)n;
    }
    return error;
}
