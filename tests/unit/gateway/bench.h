/*
 * Tests only: a loop with a deadline, an endpoint's owner that writes down what it hears, a
 * listener, plain sockets and pseudo-terminals for the far ends. Nothing here sleeps.
 */
#ifndef WARDGATE_TEST_BENCH_H
#define WARDGATE_TEST_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "gateway/endpoint.h"
#include "gateway/io.h"

enum { EAR_DATA_MAX = 256 * 1024 };

enum ear_event { EAR_OPEN, EAR_SECURE, EAR_DATA, EAR_EOF, EAR_DRAINED, EAR_CLOSED };

/* An owner. `hook` (may be NULL) runs at the end of each event. */
struct ear {
    struct endpoint *ep;
    struct endpoint_owner owner;
    unsigned opened, secured, eofs, drained, closed, events;
    struct fault cause;
    uint8_t *data; /* the first EAR_DATA_MAX bytes; NULL: none came yet */
    size_t len;    /* of all bytes */
    bool is_late;  /* an event came after on_closed: never right */
    void (*hook)(struct ear *ear, enum ear_event event, struct span data);
    void *arg; /* the hook's own */
};

void ear_init(struct ear *ear, enum fault_side side);

/* Do the bytes so far equal this text? */
bool ear_heard(const struct ear *ear, const char *text);

struct bench {
    struct io io;
    uv_timer_t deadline;
    bool is_late;
    uv_tcp_t listener;
    bool has_listener;
    uint16_t port;             /* of the listener */
    struct ear *next;          /* who gets the next connection */
    struct fault accept_fault; /* why the last one could not be taken */
    unsigned connections;
};

void bench_init(struct bench *b);

/* Closes what the bench opened; the loop must then be empty. */
void bench_end(struct bench *b);

/* Run the loop until *flag is at least `least`; a test fails after 50 s. */
void bench_run_until(struct bench *b, const unsigned *flag, unsigned least);

/* Run the loop until `is_so(arg)`. */
void bench_run_while_not(struct bench *b, bool (*is_so)(void *arg), void *arg);

/* One turn of the loop that does not wait. */
void bench_turn(struct bench *b);

/* Close, wait for on_closed, free. */
void bench_close(struct bench *b, struct ear *ear);

/* Listen on a port of the kernel's choice; connections become endpoints of b->next. */
void bench_listen(struct bench *b);

/* The same for IPv6 and IPv4 together; false where there is no IPv6. */
bool bench_listen_dual(struct bench *b);

/* A plain socket that is connected to the listener, non-blocking. */
int bench_connect(struct bench *b);

/* A plain listening socket of the kernel's choice, and what it accepts (waits for it). */
int bench_listen_plain(uint16_t *port);
int bench_accept_plain(struct bench *b, int listener);

/* Dial 127.0.0.1:port as `ear`. */
void bench_dial(struct bench *b, struct ear *ear, uint16_t port);

/* A pair: an accepted endpoint and the plain socket at its other end. */
int bench_pair(struct bench *b, struct ear *ear);

/* Read from a non-blocking descriptor, turning the loop, until `len` bytes came or it ended.
 * Returns how many came. */
size_t bench_read(struct bench *b, int fd, void *into, size_t len);

/* Does the descriptor say end-of-file within the deadline? False on an error such as a reset. */
bool bench_sees_end(struct bench *b, int fd);

/* A pseudo-terminal: the master, non-blocking; `path` gets the slave's path. */
int bench_open_pty(char *path, size_t cap);

/* Have `most` descriptors at most, and take all of them but one, which is left for a port. Returns
 * how many were taken, in `taken`: the caller's to close. */
size_t bench_take_descriptors(int *taken, size_t most);

#endif
