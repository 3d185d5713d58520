#include "gateway/crl_reading.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certs/mem.h"

static void reading_fail(struct fault *f, enum fault_code code, const char *path, const char *why)
{
    (void)fault_set(f, code, FAULT_SIDE_CONFIGURATION, path, ": ");
    fault_add(f, why);
}

static void reading_drop_intake(struct crl_file *file)
{
    if (file->intake != NULL) {
        crl_intake_clear(file->intake);
        mem_free(file->intake);
        file->intake = NULL;
    }
}

/* ---- one file ---- */

/* Bytes of a regular file, or NULL with *f. Caller frees. */
static uint8_t *reading_load(int fd, const char *path, size_t size, struct fault *f)
{
    uint8_t *bytes = mem_new(size + 1, 1);
    size_t len = 0;
    if (bytes == NULL) {
        reading_fail(f, FAULT_MEMORY, path, "no memory");
        return NULL;
    }
    while (len < size) {
        ssize_t n = read(fd, bytes + len, size - len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            reading_fail(f, FAULT_IO, path,
                         n < 0 ? strerror(errno) : "became shorter while it was read");
            mem_free(bytes);
            return NULL;
        }
        len += (size_t)n;
    }
    return bytes;
}

static void reading_parse(const struct crl_reading *r, struct crl_file *file, struct span bytes)
{
    struct fault f = {0};
    struct crl_intake *in = mem_new(1, sizeof *in);
    if (in == NULL || crl_intake_read(bytes, r->trust, r->now_s, in, &f) != 0) {
        reading_fail(&file->fault, in == NULL ? FAULT_MEMORY : f.code, file->path,
                     in == NULL ? "no memory" : f.note);
        mem_free(in);
        return;
    }
    file->intake = in;
}

/* Has it changed? Then it is read. */
static void reading_open(const struct crl_reading *r, struct crl_file *file, int fd,
                         const struct stat *st)
{
    bool is_same = file->inode == st->st_ino && file->size == st->st_size &&
                   file->mtime_s == st->st_mtim.tv_sec && file->mtime_ns == st->st_mtim.tv_nsec;
    if (is_same) {
        return;
    }
    file->inode = st->st_ino;
    file->size = st->st_size;
    file->mtime_s = st->st_mtim.tv_sec;
    file->mtime_ns = st->st_mtim.tv_nsec;
    file->is_new = true;
    fault_clear(&file->fault);
    if (!S_ISREG(st->st_mode)) {
        reading_fail(&file->fault, FAULT_OPEN, file->path, "is no file");
    } else if (st->st_size > CRL_READING_FILE_MAX) {
        reading_fail(&file->fault, FAULT_TOO_LONG, file->path, "is longer than 64 MiB");
    } else {
        uint8_t *bytes = reading_load(fd, file->path, (size_t)st->st_size, &file->fault);
        if (bytes != NULL) {
            reading_parse(r, file, span_of(bytes, (size_t)st->st_size));
            mem_free(bytes);
        }
    }
}

static void reading_look(const struct crl_reading *r, struct crl_file *file)
{
    struct stat st;
    /* O_NONBLOCK: a pipe in the folder must not hold the worker. */
    int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    file->is_new = false;
    if (fd < 0 || fstat(fd, &st) != 0) {
        struct fault now = {0};
        reading_fail(&now, FAULT_OPEN, file->path, strerror(errno));
        file->is_new = strcmp(now.note, file->fault.note) != 0;
        file->fault = now;
        file->inode = 0; /* whatever comes there is read */
        file->is_there = errno != ENOENT;
        if (fd >= 0) {
            (void)close(fd); /* nothing was written */
        }
        return;
    }
    file->is_there = true;
    reading_open(r, file, fd, &st);
    (void)close(fd);
}

/* The file of that path, a new one when it was not there before. NULL: no memory. */
static struct crl_file *reading_get(struct crl_reading *r, const char *path)
{
    for (size_t i = 0; i < r->count; i++) {
        if (strcmp(r->files[i].path, path) == 0) {
            return &r->files[i];
        }
    }
    struct crl_file *files = mem_grow(r->files, r->count, r->count + 1, sizeof *files);
    if (files == NULL) {
        return NULL;
    }
    r->files = files;
    files[r->count] = (struct crl_file){.path = mem_text(path), .size = -1};
    return files[r->count].path != NULL ? &files[r->count++] : NULL;
}

/* ---- a folder ---- */

static int reading_choose(const struct dirent *entry)
{
    static const char *const endings[] = {".crl", ".pem", ".der"};
    size_t len = strlen(entry->d_name);
    for (size_t i = 0; entry->d_name[0] != '.' && i < sizeof endings / sizeof endings[0]; i++) {
        if (len > 4 && strcmp(entry->d_name + len - 4, endings[i]) == 0) {
            return 1;
        }
    }
    return 0;
}

static void reading_look_at_entry(struct crl_reading *r, const char *name)
{
    char path[4096];
    int len = snprintf(path, sizeof path, "%s/%s", r->place, name);
    struct crl_file *file = NULL;
    if (len > 0 && (size_t)len < sizeof path) {
        file = reading_get(r, path);
    }
    if (file == NULL) {
        reading_fail(&r->fault, FAULT_MEMORY, r->place, "no memory, or a name that is too long");
        return;
    }
    reading_look(r, file);
}

static void reading_run_folder(struct crl_reading *r)
{
    struct dirent **entries = NULL;
    int count = scandir(r->place, &entries, reading_choose, alphasort);
    for (size_t i = 0; i < r->count; i++) {
        /* What cannot be looked at is not gone. */
        r->files[i].is_there = count < 0;
        r->files[i].is_new = false;
    }
    if (count < 0) {
        reading_fail(&r->fault, FAULT_OPEN, r->place, strerror(errno));
        return;
    }
    if (count > CRL_SOURCE_FILES_MAX) {
        reading_fail(&r->fault, FAULT_LIMIT, r->place,
                     "holds more than 256 files; the first 256 are read");
    }
    for (int i = 0; i < count; i++) {
        if (i < CRL_SOURCE_FILES_MAX) {
            reading_look_at_entry(r, entries[i]->d_name);
        }
        free(entries[i]); /* scandir's own */
    }
    free(entries);
}

/* ---- all kinds ---- */

void crl_reading_run(struct crl_reading *r)
{
    struct crl_file *file = NULL;
    fault_clear(&r->fault);
    if (r->kind == CRL_SOURCE_FOLDER) {
        reading_run_folder(r);
        return;
    }
    file = reading_get(r, r->place);
    if (file == NULL) {
        reading_fail(&r->fault, FAULT_MEMORY, r->place, "no memory");
    } else if (r->kind == CRL_SOURCE_FILE) {
        reading_look(r, file);
        file->is_there = true; /* one that is missing is a fault, and looked for again */
    } else {
        fault_clear(&file->fault);
        file->is_there = true;
        file->is_new = true;
        reading_parse(r, file, span_of(r->body, r->body_len));
    }
}

void crl_reading_tidy(struct crl_reading *r)
{
    size_t kept = 0;
    for (size_t i = 0; i < r->count; i++) {
        struct crl_file *file = &r->files[i];
        reading_drop_intake(file);
        file->is_new = false;
        if (file->is_there) {
            r->files[kept++] = *file;
        } else {
            mem_free(file->path);
        }
    }
    r->count = kept;
    mem_free(r->body);
    r->body = NULL;
    r->body_len = 0;
}

void crl_reading_clear(struct crl_reading *r)
{
    for (size_t i = 0; i < r->count; i++) {
        reading_drop_intake(&r->files[i]);
        mem_free(r->files[i].path);
    }
    mem_free(r->files);
    mem_free(r->body);
    mem_free(r->place);
    *r = (struct crl_reading){.kind = r->kind};
}
