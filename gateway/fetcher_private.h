/*
 * What the files of the fetcher share: fetcher.c has turns and deadlines, fetcher_curl.c one
 * transfer, fetcher_loop.c libcurl's sockets and timer on the loop, fetcher_url.c the URL.
 *
 * Floor 3. No type of libcurl here, so that its headers stay in these files.
 */
#ifndef WARDGATE_FETCHER_PRIVATE_H
#define WARDGATE_FETCHER_PRIVATE_H

#include "gateway/fetcher.h"

enum {
    FETCHER_NAME_MAX = 100,       /* of a URL in a note: what went wrong must fit behind it */
    FETCHER_HEAD_MAX = 64 * 1024, /* all header lines of an answer, 1xx included */
    FETCHER_FIRST_BYTES = 16 * 1024,
    FETCHER_BYTES_A_S = 16 * 1024 * 1024, /* 64 MB in 4 s: less than 100 KB in a turn of the loop */
};

struct curl_slist;

/* A URL that was read. */
struct fetcher_url {
    char *url;                   /* as it will be asked for; mem_free */
    char name[FETCHER_NAME_MAX]; /* of it, for people */
    char host[FETCHER_HOST_MAX];
    uint16_t port;
};

/* Filled from request, through queue, turn and answer, to on_done. */
struct fetch {
    struct fetcher *fetcher;
    fetch_done_fn on_done;
    void *owner;
    struct fetch *next, **slot; /* of the queue or of those who have their turn */
    struct fetcher_url at;
    uint8_t *post; /* NULL: GET */
    size_t post_len;
    char *answer_type;         /* NULL: any */
    struct curl_slist *fields; /* our header lines */
    size_t max_bytes;
    uint64_t due_ms;
    bool is_conditional; /* 304 may be the answer */
    void *easy;          /* CURL; NULL: not its turn yet */
    uint8_t *body;
    size_t body_len, body_cap;
    size_t head_len;
    struct fault fault; /* what we found wrong ourselves; FAULT_NONE so far */
};

/* First in, first out. */
struct fetch_list {
    struct fetch *first, **end;
    size_t count;
};

struct fetcher {
    struct io *io;
    char *proxy; /* "" none */
    void *multi; /* CURLM; NULL: nothing was fetched yet, or closed */
    uv_timer_t curl_timer, deadline_timer;
    unsigned handles; /* not closed yet */
    bool closing;
    uint64_t deadline_ms; /* when deadline_timer fires; UINT64_MAX: not at all */
    struct fetch_list queue, running;
    void (*on_closed)(void *owner);
    void *owner;
};

/* ---- fetcher.c ---- */

/* Take note of what is over after libcurl has worked. The last thing a callback does. */
void fetcher_collect(struct fetcher *fr);

/* The fetch ends with this fault as soon as the loop turns. */
void fetcher_fail(struct fetch *f, enum fault_code code, enum fault_side side, const char *why);

/* One of fr's handles is closed; at zero the owner hears so. */
void fetcher_on_handle_closed(struct fetcher *fr);

/* ---- fetcher_url.c ---- */

/* Loads libcurl. 0, or FAULT_CONFIG, FAULT_MEMORY or FAULT_IO (no libcurl) with *f. */
int fetcher_url_read(const char *url, struct fetcher_url *out, struct fault *f);

/* The host that a redirect of `base` to `location` names. False: none that could be fetched. */
bool fetcher_url_target(const char *base, const char *location, char host[FETCHER_HOST_MAX]);

/* ---- fetcher_loop.c ---- */

/* The timer, which is there from the start. */
void fetcher_loop_init(struct fetcher *fr);

/* libcurl's side, once the first URL has been read. Again: harmless. False: no memory. */
bool fetcher_loop_open(struct fetcher *fr);

/* Closes libcurl's side; no transfer may be left in it. */
void fetcher_loop_close(struct fetcher *fr);

/* Next transfer that ended, its CURLcode in *code; NULL: none. */
struct fetch *fetcher_loop_next_done(struct fetcher *fr, int *code);

/* ---- fetcher_curl.c ---- */

/* The header lines of the request. False: no memory; *fields is then empty. */
bool fetcher_curl_fields(const struct fetch_request *request, struct curl_slist **fields,
                         bool *is_conditional);
void fetcher_curl_free_fields(struct curl_slist *fields);

/* Its turn: hand it to libcurl. False: no memory. */
bool fetcher_curl_begin(struct fetch *f);

/* Take it back from libcurl, at any time. */
void fetcher_curl_end(struct fetch *f);

/* What came of a transfer that ended with `code`. */
void fetcher_curl_judge(struct fetch *f, int code, struct fetch_result *out);

#endif
