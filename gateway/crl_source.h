/*
 * CRL source: one `crl =` value at work: a file, a drop folder or a URL, read again when it has
 * changed or is due.
 *
 * Floor 3, loop thread only. Reading files, parsing and checking signatures run on a worker
 * (uv_queue_work, crl_intake_read): the loop never waits for a disk or a million entries. Files and
 * folders are looked at every CRL_SOURCE_LOOK_MS; a change is seen by time, size and inode.
 */
#ifndef WARDGATE_CRL_SOURCE_H
#define WARDGATE_CRL_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "certs/crl_intake.h"
#include "certs/trust.h"
#include "gateway/fetcher.h"
#include "gateway/io.h"
#include "protocols/fault.h"

struct crl_source;

enum crl_source_kind { CRL_SOURCE_FILE, CRL_SOURCE_FOLDER, CRL_SOURCE_URL };

enum {
    CRL_SOURCE_LOOK_MS = 2000,
    CRL_SOURCE_FILES_MAX = 256, /* of one folder, in the order of their names */
    CRL_SOURCE_FETCH_MS = 60 * 1000,
};

struct crl_source_settings {
    struct io *io;
    struct fetcher *fetcher; /* CRL_SOURCE_URL; outlives the source */
    const char *place;       /* absolute path, or URL; copied */
    enum crl_source_kind kind;
    struct trust *trust; /* held */
    /* What a reading brought: one file, or one download. The source clears the intake afterwards.
     * `place` is the file or the URL. */
    void (*on_intake)(void *owner, struct crl_source *s, const char *place, struct crl_intake *in);
    /* A file of a folder is gone. */
    void (*on_gone)(void *owner, struct crl_source *s, const char *place);
    /* The first reading ended, or one that was asked for (crl_source_refresh), or one that found a
     * change. f: the first file or the download that failed, NULL when none did. */
    void (*on_read)(void *owner, struct crl_source *s, const struct fault *f);
    void (*on_closed)(void *owner, struct crl_source *s);
    void *owner;
};

/* Make; the first reading begins in the loop's next turn. None of the callbacks fires before this
 * returns. NULL: no memory. */
struct crl_source *crl_source_new(const struct crl_source_settings *settings);

/* Read now; on_read follows. When a reading is under way another one follows it, and on_read comes
 * at the end of that. */
void crl_source_refresh(struct crl_source *s);

/* From within on_read: how long what was brought is good, in seconds since 1970 (a URL is asked
 * again at half of what is left). */
void crl_source_set_life(struct crl_source *s, int64_t until_s);

/* Other anchors: everything is read anew. */
void crl_source_use_trust(struct crl_source *s, struct trust *trust);

/* on_closed follows from the loop; nothing else does. Idempotent. */
void crl_source_close(struct crl_source *s);

/* Only after on_closed. NULL is fine. */
void crl_source_free(struct crl_source *s);

struct crl_source_facts {
    int64_t last_good_s; /* 0: never */
    int64_t next_s;      /* when a URL is asked again; 0: files are looked at all the time */
};

void crl_source_tell(const struct crl_source *s, struct crl_source_facts *out);

#endif
