/*
 * CRL reading: the part of a CRL source that blocks, for a worker thread: look at a file or a
 * folder, read what has changed, parse and verify it; or parse and verify what was downloaded.
 *
 * Floor 3. Pure but for the files; touches nothing but its own struct, and of the trust only what
 * crl_intake_read does.
 */
#ifndef WARDGATE_CRL_READING_H
#define WARDGATE_CRL_READING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/crl_source.h"

enum { CRL_READING_FILE_MAX = 64 * 1024 * 1024 };

/* One file as it was when it was looked at, and what came of it. */
struct crl_file {
    char *path;
    int64_t mtime_s, mtime_ns, size;
    uint64_t inode;
    bool is_there;             /* found by this look */
    bool is_new;               /* it has changed since the look before, and was read */
    struct crl_intake *intake; /* is_new, and it could be read */
    struct fault fault;        /* of its last reading; FAULT_NONE: it was fine */
};

struct crl_reading {
    /* in: */
    enum crl_source_kind kind;
    char *place;         /* owned */
    struct trust *trust; /* borrowed while it runs; the loop's thread holds it */
    int64_t now_s;
    uint8_t *body; /* CRL_SOURCE_URL: what was downloaded; owned */
    size_t body_len;
    /* in and out: */
    struct crl_file *files; /* owned; of the look before. A download has one */
    size_t count;
    /* out: */
    struct fault fault; /* of the folder itself; no memory */
};

/* Do it. */
void crl_reading_run(struct crl_reading *r);

/* Forget the files that are gone (is_there false), and what was brought. */
void crl_reading_tidy(struct crl_reading *r);

/* Everything inside. */
void crl_reading_clear(struct crl_reading *r);

#endif
