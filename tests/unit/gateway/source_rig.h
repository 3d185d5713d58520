/*
 * Tests only: a CRL source with an owner that writes down what it hears, a folder for its files and
 * an HTTP server for its downloads.
 */
#ifndef WARDGATE_TEST_SOURCE_RIG_H
#define WARDGATE_TEST_SOURCE_RIG_H

#include "gateway/crl_source.h"
#include "tests/unit/gateway/drop_folder.h"
#include "tests/unit/gateway/fetch_rig.h"

/* CRLs that the fuzzer's corpus has, too. */
#define SOURCE_CRL   "tests/fuzz/corpus/crl/own"
#define SOURCE_OTHER "tests/fuzz/corpus/crl/revoked"

struct source_rig {
    struct fetch_rig net;
    struct drop_folder folder;
    struct trust *trust;
    struct crl_source *source;
    unsigned intakes, gone, reads, closed;
    size_t crls;        /* of the last intake */
    char place[512];    /* of the last intake */
    char went[512];     /* the last file that is gone */
    struct fault fault; /* of the last on_read */
    bool is_late;       /* a call after crl_source_close: never right */
    int64_t life_s;     /* not 0: the owner takes what comes for so long */
    /* May be NULL; runs at the end of each call of the source but on_closed. */
    void (*hook)(struct source_rig *r);
};

void source_rig_open(struct source_rig *r);

/* Closes all; the loop must be empty then. */
void source_rig_close(struct source_rig *r);

/* Files are looked at every 10 ms here. */
void source_rig_start(struct source_rig *r, enum crl_source_kind kind, const char *place);

/* Wait for so many calls of on_read since the last time. */
void source_rig_wait(struct source_rig *r, unsigned reads);

/* Put the CRL of `file` into the folder, its time so many seconds before now. */
void source_rig_put(struct source_rig *r, const char *name, const char *file, unsigned age_s);

/* The server answers with it. */
void source_rig_serve(struct source_rig *r, const char *fields, const char *file);

#endif
