#include "gateway/crl_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "certs/mem.h"
#include "gateway/safetext.h"

enum { SETTLED_NS = 50 * 1000 * 1000, SECOND_NS = 1000 * 1000 * 1000 };

void crl_files_name_fault(struct fault *f, const char *path)
{
    char name[CRL_FILES_NAME_MAX];
    struct fault inner = *f;
    safetext_cut(name, sizeof(name), path);
    fault_set(f, inner.code, inner.side, name, ": ");
    fault_add(f, inner.note);
}

static int fail(struct fault *f, enum fault_code code, const char *path, const char *why)
{
    fault_set(f, code, FAULT_SIDE_CERTIFICATE, why, NULL);
    crl_files_name_fault(f, path);
    return code;
}

static int fail_memory(struct fault *f)
{
    return fault_set(f, FAULT_MEMORY, FAULT_SIDE_SELF, "no memory for a CRL", NULL);
}

/* Not strerror: it is not made for threads. */
static int fail_errno(struct fault *f, const char *path, int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return fail(f, FAULT_OPEN, path, "does not exist");
    case EACCES:
    case EPERM:
        return fail(f, FAULT_OPEN, path, "may not be read by this user");
    case ELOOP:
        return fail(f, FAULT_OPEN, path, "is a link without an end");
    case ENOMEM:
        return fail_memory(f);
    default: { /* of the system: there are many */
        char text[40];
        (void)snprintf(text, sizeof(text), "can not be read (errno %d)", error);
        return fail(f, FAULT_IO, path, text);
    }
    }
}

static struct crl_mark mark_of(const struct stat *st)
{
    return (struct crl_mark){
        .dev = (uint64_t)st->st_dev,
        .ino = (uint64_t)st->st_ino,
        .size = (uint64_t)st->st_size,
        .mtime_ns = (int64_t)st->st_mtim.tv_sec * SECOND_NS + st->st_mtim.tv_nsec,
    };
}

bool crl_files_is_same(const struct crl_mark *a, const struct crl_mark *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->size == b->size && a->mtime_ns == b->mtime_ns;
}

/* ---- a folder ---- */

static bool is_wanted(const char *name)
{
    static const char *const ends[] = {".crl", ".pem", ".der"};
    size_t len = strlen(name);
    if (name[0] == '.' || len < 5) {
        return false;
    }
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        if (strcasecmp(name + len - 4, ends[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* The first names in order; whatever the folder holds, no more than these are kept. */
struct names {
    char *sorted[CRL_FILES_MAX];
    size_t count;
    bool has_more;
};

static int names_put(struct names *names, const char *name, struct fault *f)
{
    size_t at = names->count;
    while (at > 0 && strcmp(names->sorted[at - 1], name) > 0) {
        at--;
    }
    if (names->count == CRL_FILES_MAX) {
        names->has_more = true;
        if (at == CRL_FILES_MAX) {
            return 0;
        }
    }
    char *copy = mem_text(name);
    if (copy == NULL) {
        return fail_memory(f);
    }
    if (names->count == CRL_FILES_MAX) {
        names->count--;
        mem_free(names->sorted[names->count]);
    }
    memmove(&names->sorted[at + 1], &names->sorted[at],
            (names->count - at) * sizeof(names->sorted[0]));
    names->sorted[at] = copy;
    names->count++;
    return 0;
}

static int names_read(struct names *names, const char *place, struct fault *f)
{
    DIR *folder = opendir(place);
    if (folder == NULL) {
        return fail_errno(f, place, errno);
    }
    int rc = 0;
    errno = 0;
    const struct dirent *entry = readdir(folder);
    while (entry != NULL && rc == 0) {
        rc = is_wanted(entry->d_name) ? names_put(names, entry->d_name, f) : 0;
        errno = 0;
        entry = readdir(folder);
    }
    if (rc == 0 && errno != 0) {
        rc = fail_errno(f, place, errno);
    }
    (void)closedir(folder); /* nothing was written */
    return rc;
}

static void names_free(struct names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        mem_free(names->sorted[i]);
    }
    mem_free(names);
}

static char *join(const char *folder, const char *name)
{
    size_t len = strlen(folder) + strlen(name) + 2;
    char *path = mem_new(len, 1);
    if (path != NULL) {
        (void)snprintf(path, len, "%s/%s", folder, name);
    }
    return path;
}

/* A file that went since its name was read is as if it had never been there. Takes path over. */
static int put_file(struct crl_listing *out, char *path, struct fault *f)
{
    struct stat st;
    if (path == NULL || out->files == NULL) {
        mem_free(path);
        return fail_memory(f);
    }
    if (stat(path, &st) != 0) {
        int rc = errno == ENOENT ? 0 : fail_errno(f, path, errno);
        mem_free(path);
        return rc;
    }
    out->files[out->count] = (struct crl_file){.path = path, .seen = mark_of(&st)};
    out->count++;
    return 0;
}

void crl_files_free(struct crl_listing *listing)
{
    for (size_t i = 0; i < listing->count; i++) {
        mem_free(listing->files[i].path);
    }
    mem_free(listing->files);
    *listing = (struct crl_listing){.files = NULL};
}

static int list_folder(const char *place, struct crl_listing *made, struct fault *f)
{
    struct names *names = mem_new(1, sizeof(*names));
    if (names == NULL) {
        return fail_memory(f);
    }
    int rc = names_read(names, place, f);
    if (rc == 0 && names->count > 0) {
        made->files = mem_new(names->count, sizeof(made->files[0]));
        rc = made->files == NULL ? fail_memory(f) : 0;
    }
    for (size_t i = 0; i < names->count && rc == 0; i++) {
        rc = put_file(made, join(place, names->sorted[i]), f);
    }
    if (rc == 0 && names->has_more) {
        rc = fail(f, FAULT_LIMIT, place, "more than 256 files; only the first of them are read");
    }
    names_free(names);
    return rc;
}

static int list_file(const char *place, struct crl_listing *made, struct fault *f)
{
    made->files = mem_new(1, sizeof(made->files[0]));
    int rc = made->files == NULL ? fail_memory(f) : put_file(made, mem_text(place), f);
    if (rc == 0 && made->count == 0) {
        rc = fail_errno(f, place, ENOENT);
    }
    return rc;
}

int crl_files_list(const char *place, bool is_folder, struct crl_listing *out, struct fault *f)
{
    struct crl_listing made = {.files = NULL};
    int rc = is_folder ? list_folder(place, &made, f) : list_file(place, &made, f);
    if (rc != 0 && rc != FAULT_LIMIT) {
        crl_files_free(&made);
    }
    *out = made;
    return rc;
}

/* ---- a file ---- */

static uint8_t *read_all(int fd, const char *path, size_t size, struct fault *f)
{
    /* One byte more than it should have: a file that grows is seen. */
    uint8_t *bytes = mem_new(size + 1, 1);
    if (bytes == NULL) {
        (void)fail_memory(f);
        return NULL;
    }
    struct room to = room_of(bytes, size + 1);
    ssize_t got = 1;
    while (got > 0 && room_left(&to) > 0) {
        got = read(fd, bytes + to.len, room_left(&to));
        if (got < 0 && errno == EINTR) {
            got = 1;
            continue;
        }
        to.len += got > 0 ? (size_t)got : 0;
    }
    if (got >= 0 && to.len == size) {
        return bytes;
    }
    if (got < 0) {
        (void)fail_errno(f, path, errno);
    } else {
        (void)fail(f, FAULT_IO, path, "changes while it is read");
    }
    mem_free(bytes);
    return NULL;
}

static bool is_old_enough(const struct stat *st)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now); /* this clock is always there */
    int64_t age_ns = (int64_t)now.tv_sec * SECOND_NS + now.tv_nsec - mark_of(st).mtime_ns;
    return age_ns < 0 || age_ns > SETTLED_NS; /* a time that lies ahead would never be old */
}

static uint8_t *load_open(int fd, const char *path, struct stat *st, struct fault *f)
{
    if (fstat(fd, st) != 0) {
        (void)fail_errno(f, path, errno);
        return NULL;
    }
    if (!S_ISREG(st->st_mode)) {
        (void)fail(f, FAULT_IO, path, "is not a file");
        return NULL;
    }
    if (st->st_size > CRL_FILES_BYTES_MAX) {
        (void)fail(f, FAULT_TOO_LONG, path, "is longer than 64 MB");
        return NULL;
    }
    return read_all(fd, path, (size_t)st->st_size, f);
}

uint8_t *crl_files_load(const char *path, size_t *len, struct crl_mark *mark, bool *is_settled,
                        struct fault *f)
{
    struct stat st;
    /* O_NONBLOCK: somebody may have put a named pipe there. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        (void)fail_errno(f, path, errno);
        return NULL;
    }
    uint8_t *bytes = load_open(fd, path, &st, f);
    (void)close(fd); /* nothing was written */
    if (bytes != NULL) {
        *len = (size_t)st.st_size;
        *mark = mark_of(&st);
        *is_settled = is_old_enough(&st);
    }
    return bytes;
}
