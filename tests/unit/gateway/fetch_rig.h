/*
 * Tests only: a loop, a fetcher and an HTTP server, and an owner that writes down what it hears.
 */
#ifndef WARDGATE_TEST_FETCH_RIG_H
#define WARDGATE_TEST_FETCH_RIG_H

#include "gateway/fetcher.h"
#include "tests/unit/gateway/http_peer.h"

enum { FETCH_EAR_BODY_MAX = 65536 };

/* Who asked. `hook` (may be NULL) runs at the end of on_done. */
struct fetch_ear {
    struct fetch *fetch;
    unsigned done;
    struct fetch_result result;
    char body[FETCH_EAR_BODY_MAX]; /* the first bytes, a text */
    size_t len;
    void (*hook)(struct fetch_ear *ear, struct fetch_result *result);
    void *arg;
};

struct fetch_rig {
    struct bench bench;
    struct http_peer peer;
    struct fetcher *fetcher;
    unsigned closed;
    char url[256];
};

/* is_proxy: everything goes to the server, as to a proxy. */
void fetch_rig_open(struct fetch_rig *r, bool is_proxy);

/* Closes all; the loop must be empty then. */
void fetch_rig_close(struct fetch_rig *r);

/* http://127.0.0.1:PORT/path of the server; lives until the next call. */
const char *fetch_rig_url(struct fetch_rig *r, const char *path);

/* A plain GET of the server's /crl, at most 16 KB within 20 s. */
struct fetch_request fetch_rig_request(struct fetch_rig *r);

/* Start, and wait for the end. */
void fetch_rig_start(struct fetch_rig *r, const struct fetch_request *request,
                     struct fetch_ear *ear);
void fetch_rig_run(struct fetch_rig *r, const struct fetch_request *request, struct fetch_ear *ear);

#endif
