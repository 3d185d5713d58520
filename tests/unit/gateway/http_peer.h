/*
 * Tests only: an HTTP server on the test's own loop that answers as it is told, well or badly, and
 * writes down what it was asked.
 */
#ifndef WARDGATE_TEST_HTTP_PEER_H
#define WARDGATE_TEST_HTTP_PEER_H

#include "tests/unit/gateway/bench.h"

enum http_manner {
    HTTP_ANSWER, /* `answer`, then the end */
    HTTP_KEEP,   /* `answer`, and then nothing more */
    HTTP_SILENT, /* takes the request and says nothing */
    HTTP_LEAVE,  /* closes at once, unread */
    HTTP_RESET,  /* `answer`, then a reset */
    HTTP_DRIP,   /* `answer` byte by byte, 10 ms each */
    HTTP_FLOOD,  /* `answer`, then its last 1000 bytes again and again */
};

enum { HTTP_HEARD_MAX = 16384 };

struct http_peer {
    struct bench *bench;
    uv_tcp_t listener;
    uint16_t port;
    enum http_manner manner;
    const char *answer;
    size_t answer_len; /* 0: a text */
    unsigned requests, connections, open, most_open;
    char heard[HTTP_HEARD_MAX]; /* the last request */
    size_t heard_len;
    size_t sent; /* of all floods */
    struct http_guest *guests;
};

/* Listen on a port of the kernel's choice. */
void http_peer_open(struct http_peer *p, struct bench *b);
void http_peer_close(struct http_peer *p);

/* How it answers from now on. */
void http_peer_says(struct http_peer *p, enum http_manner manner, const char *answer);

/* Does the last request have this line? */
bool http_peer_heard(const struct http_peer *p, const char *line);

#endif
