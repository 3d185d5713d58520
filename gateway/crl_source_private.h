/*
 * What the files of a CRL source share: crl_source.c has life and clock, crl_source_files.c what
 * goes on with files and folders, crl_source_url.c with a URL.
 *
 * Floor 3.
 */
#ifndef WARDGATE_CRL_SOURCE_PRIVATE_H
#define WARDGATE_CRL_SOURCE_PRIVATE_H

#include "gateway/crl_files.h"
#include "gateway/crl_source.h"
#include "gateway/fetch_schedule.h"

enum crl_job_kind { CRL_JOB_LOOK, CRL_JOB_READ, CRL_JOB_PARSE };

/* What a worker thread has in hands; nobody else touches it until it comes back. */
struct crl_job {
    uv_work_t work;
    enum crl_job_kind kind;
    struct trust *trust; /* held */
    int64_t now_s;
    const char *path; /* borrowed from the source, which leaves its files alone meanwhile */
    bool is_folder;
    uint8_t *bytes; /* CRL_JOB_PARSE: what was downloaded */
    size_t len;
    struct crl_listing listing; /* CRL_JOB_LOOK */
    struct crl_mark mark;       /* CRL_JOB_READ */
    bool is_settled;
    struct crl_intake intake;
    struct fault fault; /* FAULT_NONE: it worked */
};

struct crl_source {
    struct crl_source_settings set; /* place is ours, trust is held */
    uv_timer_t timer;
    bool closing, is_timer_closed;
    bool is_reading;  /* from the timer to crl_source_end */
    bool is_working;  /* the job is with a worker */
    bool is_outdated; /* ... and what it brings is of no use: the trust is another one now */
    bool is_again;    /* start from the beginning as soon as that can be */
    bool must_tell;   /* on_read comes at the end of this reading */
    struct crl_job job;
    struct fault fault;
    int64_t last_good_s, next_s;
    /* files */
    bool is_forced; /* the next look takes every file as changed */
    struct crl_listing known;
    size_t at; /* which one is read now */
    struct fault look_fault;
    /* URL */
    struct fetch *fetch;
    struct fetch_life life;
    unsigned failures;
    bool is_taken; /* the answer that the tags belong to */
    char etag[FETCHER_TAG_MAX], last_modified[FETCHER_TAG_MAX];
};

/* ---- crl_source.c ---- */

/* Give the job to a worker; crl_source_files_back or crl_source_url_back follows. */
void crl_source_work(struct crl_source *s, enum crl_job_kind kind, const char *path);

/* The owner gets what the job has brought, from `place`. False: see crl_source_may_go_on. */
bool crl_source_hand_over(struct crl_source *s, const char *place);

/* After a call of the owner. False: it has closed the source, or wants all to be read anew (that
 * begins soon): whoever asked must return. */
bool crl_source_may_go_on(struct crl_source *s);

/* Give back what the job holds. */
void crl_source_clear_job(struct crl_source *s);

/* The reading is over; f NULL: it worked. Sets the clock for the next one, then tells. The last
 * thing a callback does. */
void crl_source_end(struct crl_source *s, const struct fault *f);

/* ---- crl_source_files.c ---- */

void crl_source_files_begin(struct crl_source *s);

/* The worker is back. */
void crl_source_files_back(struct crl_source *s);

/* ---- crl_source_url.c ---- */

void crl_source_url_begin(struct crl_source *s);
void crl_source_url_back(struct crl_source *s);

/* Milliseconds to the next download. */
uint64_t crl_source_url_wait(const struct crl_source *s);

#endif
