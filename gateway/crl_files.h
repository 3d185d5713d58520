/*
 * CRL files: what lies at a path or in a drop folder, and the bytes of a file.
 *
 * Floor 3. Blocks, on a dead network folder for ever: for worker threads only. Touches nothing but
 * its arguments.
 */
#ifndef WARDGATE_CRL_FILES_H
#define WARDGATE_CRL_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocols/bytes.h"
#include "protocols/fault.h"

enum {
    CRL_FILES_MAX = 256,                    /* of a folder */
    CRL_FILES_BYTES_MAX = 64 * 1024 * 1024, /* of one file */
    CRL_FILES_NAME_MAX = 80,                /* of a path in a note */
};

/* What tells one content of a file from another. */
struct crl_mark {
    uint64_t dev, ino, size;
    int64_t mtime_ns;
};

struct crl_file {
    char *path;
    struct crl_mark seen; /* at the last look */
    struct crl_mark read; /* of the content that was read */
    bool is_read;         /* and needs no reading again until it changes */
    struct fault fault;   /* of its last reading */
};

struct crl_listing {
    struct crl_file *files; /* by path; only path and seen are filled */
    size_t count;
};

/* What lies at `place`: the file itself, or those of a folder that end in .crl, .pem or .der (in
 * any case) and do not begin with a dot; the first CRL_FILES_MAX by name. 0, FAULT_LIMIT (there are
 * more: *out has the first ones), or with *out empty FAULT_OPEN, FAULT_IO, FAULT_MEMORY. */
int crl_files_list(const char *place, bool is_folder, struct crl_listing *out, struct fault *f);
void crl_files_free(struct crl_listing *listing);

/* The whole content of a regular file (mem_free). `mark` is what it had when it was opened;
 * *is_settled false: it was written a moment ago, and might be again without a later time on it.
 * NULL with *f: FAULT_OPEN, FAULT_IO (no regular file, it changes while it is read),
 * FAULT_TOO_LONG, FAULT_MEMORY. The note names the path. */
uint8_t *crl_files_load(const char *path, size_t *len, struct crl_mark *mark, bool *is_settled,
                        struct fault *f);

bool crl_files_is_same(const struct crl_mark *a, const struct crl_mark *b);

/* *f about this path: its note becomes "path: note". */
void crl_files_name_fault(struct fault *f, const char *path);

#endif
