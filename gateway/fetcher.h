/*
 * Fetcher: HTTP on the loop, through libcurl's multi interface (the only room where libcurl is
 * used). It is loaded with the first URL (libcurl.h).
 *
 * Floor 3, loop thread only; never blocks: names are resolved on threads of libcurl. http and https
 * only, no redirect, no cookies, no netrc, no proxy from the environment. What it brings is
 * hostile: size and total time are bounded, and nothing is believed but bytes. It must outlive
 * whoever started a fetch, and is owned by who made it.
 */
#ifndef WARDGATE_FETCHER_H
#define WARDGATE_FETCHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/io.h"
#include "protocols/bytes.h"
#include "protocols/fault.h"

enum {
    FETCHER_CRL_MAX = 64 * 1024 * 1024,
    FETCHER_OCSP_MAX = 16 * 1024,
    FETCHER_TAG_MAX = 256,
    FETCHER_HOST_MAX = 256,
    FETCHER_AT_ONCE = 16,  /* more wait their turn */
    FETCHER_HOST_ONCE = 4, /* at one host: a silent one can not take all places */
};

struct fetcher;
struct fetch;

struct fetch_request {
    const char *url;           /* copied; without a user name and password in it */
    struct span body;          /* not empty: POST; copied */
    const char *body_type;     /* "application/ocsp-request"; copied; POST only */
    const char *answer_type;   /* copied; a Content-Type that is demanded; NULL: any */
    size_t max_bytes;          /* of the answer's body */
    uint32_t deadline_ms;      /* from start to the last byte, waiting for a turn included */
    const char *etag;          /* "" or NULL: none; If-None-Match; copied */
    const char *last_modified; /* If-Modified-Since, likewise */
};

struct fetch_result {
    /* code FAULT_NONE: it worked, with status 200 or 304. Else FAULT_TIMEOUT, FAULT_RESOLVE,
     * FAULT_REFUSED, FAULT_UNREACHABLE, FAULT_RESET, FAULT_CLOSED, FAULT_TRUNCATED, FAULT_TOO_LONG,
     * FAULT_FRAME (not HTTP, another status, a redirect, another type, compressed), FAULT_TLS,
     * FAULT_UNTRUSTED, FAULT_CONFIG (the URL), FAULT_MEMORY, FAULT_IO. The note names the URL and
     * what happened, without any byte of the body; the same failure has the same note. */
    struct fault fault;
    bool is_unchanged;          /* 304; body is empty */
    struct span body;           /* borrowed until on_done returns; or fetcher_take_body */
    char etag[FETCHER_TAG_MAX]; /* "" none */
    char last_modified[FETCHER_TAG_MAX];
    int64_t max_age_s;   /* Cache-Control: max-age (0: no-cache); -1: none */
    struct fetch *fetch; /* private to fetcher.c */
};

/* The end of a fetch; `f` is gone when this returns. It may start others, cancel others, and close
 * the fetcher. */
typedef void (*fetch_done_fn)(void *owner, struct fetch *f, struct fetch_result *result);

/* `proxy`: URL of an HTTP proxy for everything, or NULL: none; copied. on_closed is the last call
 * after fetcher_close, from the loop. NULL: no memory. */
struct fetcher *fetcher_new(struct io *io, const char *proxy, void (*on_closed)(void *owner),
                            void *owner);

/* Another proxy, or none (NULL), for what is fetched from now on. False: no memory, all stays. */
bool fetcher_use_proxy(struct fetcher *fr, const char *proxy);

/* Start. on_done comes exactly once, from the loop, never from within this call, unless it is
 * cancelled or the fetcher is closed. NULL: no memory, or the fetcher is closing. */
struct fetch *fetcher_start(struct fetcher *fr, const struct fetch_request *request,
                            fetch_done_fn on_done, void *owner);

/* on_done will not come and `f` is gone. Not from within its own on_done. */
void fetcher_cancel(struct fetch *f);

/* From within on_done: the body's memory is the caller's now (mem_free). NULL with *len 0 when
 * there is none. result->body is empty afterwards. */
uint8_t *fetcher_take_body(struct fetch_result *result, size_t *len);

/* Cancels all (their on_done does not come); on_closed follows from the loop. Again: harmless. */
void fetcher_close(struct fetcher *fr);

/* Only after on_closed. NULL is fine. */
void fetcher_free(struct fetcher *fr);

/* The host of a URL, in lower case and without brackets, and its port (the scheme's own when it has
 * none), as a fetch would read them: whoever allows hosts must ask here, not a parser of its own.
 * 0, or FAULT_CONFIG (not http or https, broken, with a user name or password), FAULT_MEMORY or
 * FAULT_IO (there is no libcurl) with *f, which may be NULL. */
int fetcher_url_host(const char *url, char host[FETCHER_HOST_MAX], uint16_t *port, struct fault *f);

/* "7.88.1"; NULL: there is no libcurl. */
const char *fetcher_library_version(void);

#endif
