/*
 * CRL source: one `crl =` value at work: a file, a drop folder or a URL, read again when it changes
 * or is due.
 *
 * Floor 3, loop thread only. Looking, reading, parsing and checking signatures run on a worker
 * (uv_queue_work, crl_intake_read): the loop never waits for a disk or a million entries. Owned by
 * who made it. One reading at a time; a dead network folder holds one worker thread.
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
    CRL_SOURCE_LOOK_MS = 2000,              /* files and folders: has something changed? */
    CRL_SOURCE_DEADLINE_MS = 2 * 60 * 1000, /* of a download: 64 MB at 5 Mbit/s */
};

struct crl_source_settings {
    struct io *io;
    struct fetcher *fetcher; /* CRL_SOURCE_URL only; outlives the source */
    const char *place;       /* absolute path or URL; copied */
    enum crl_source_kind kind;
    struct trust *trust; /* held */
    uint32_t look_ms;    /* 0: CRL_SOURCE_LOOK_MS */
    /* What a reading brought, for each file; the source clears the intake afterwards. `place` is
     * the file or the URL. The same content may come again. */
    void (*on_intake)(void *owner, struct crl_source *s, const char *place, struct crl_intake *in);
    /* A file of a folder is gone. May be NULL. */
    void (*on_gone)(void *owner, struct crl_source *s, const char *place);
    /* A reading ended: of all files, or a download. *f is NULL when it worked, else what is wrong
     * with the first file or the folder, or with the download; the same failure has the same note.
     * A look at files that found nothing new is no reading, unless it was asked for or what is
     * wrong is something else now. */
    void (*on_read)(void *owner, struct crl_source *s, const struct fault *f);
    /* Over, after crl_source_close; last call. */
    void (*on_closed)(void *owner, struct crl_source *s);
    void *owner;
};

/* The first reading begins at once, from the loop: no callback comes before this has returned. All
 * callbacks but on_closed may refresh and close the source. NULL: no memory. */
struct crl_source *crl_source_new(const struct crl_source_settings *settings);

/* Read everything now, whether or not it is due or has changed; a download is conditional only when
 * the last answer was taken (crl_source_set_life). on_read follows once it is done; it does not
 * come for a reading that began before. */
void crl_source_refresh(struct crl_source *s);

/* The owner's word that it has taken what a download brought, within on_intake or later, and how
 * long it is good: to `next_update_s` (since 1970; 0: does not say), the earliest when there are
 * several. The next download is due at half of what is left of it, see fetch_schedule.h; without
 * this word the source tries again as after a failure. Nothing to do for files. */
void crl_source_set_life(struct crl_source *s, int64_t next_update_s);

/* Other CAs: everything is read anew and without condition, also what is being read. Holds the new
 * one and lets go of the old. */
void crl_source_use_trust(struct crl_source *s, struct trust *trust);

/* Only on_closed follows, from the loop: as soon as the worker has come back. Again: harmless. */
void crl_source_close(struct crl_source *s);

/* Only after on_closed. NULL is fine. */
void crl_source_free(struct crl_source *s);

struct crl_source_facts {
    const char *place; /* lives as long as the source */
    enum crl_source_kind kind;
    bool is_busy;
    int64_t last_good_s; /* last reading, or look, without a fault; 0: never */
    int64_t next_s;      /* the next download; 0: a file or folder, or busy */
    struct fault fault;  /* of the last reading; FAULT_NONE: it worked, or there was none yet */
};

void crl_source_tell(const struct crl_source *s, struct crl_source_facts *out);

#endif
