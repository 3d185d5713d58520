/*
 * Tests only: engines with the certificates of build/pki, and a far end that is a plain socket with
 * an engine driven by hand, so that it can do what no polite peer does.
 */
#ifndef WARDGATE_TEST_BENCH_TLS_H
#define WARDGATE_TEST_BENCH_TLS_H

#include "certs/tls.h"
#include "tests/unit/gateway/bench.h"

/* What both sides of a test's links are made of. */
struct bench_tls {
    struct identity *client; /* pump-12 */
    struct identity *server; /* hl7 */
    struct trust *trust;     /* root */
    struct span staple;      /* what engines are given to send; borrowed */
};

void bench_tls_init(struct bench_tls *t);
void bench_tls_deinit(struct bench_tls *t);

/* An engine that allows the other side's usual name, or the rule in `allow` when not NULL. */
struct tls_engine *bench_tls_engine(const struct bench_tls *t, enum tls_role role,
                                    const char *allow);

struct far {
    int fd; /* non-blocking */
    struct tls_engine *engine;
    bool is_secure, saw_notify, saw_fin, saw_error;
    struct fault fault; /* of its engine */
    uint8_t plain[65536];
    size_t len;
    uint8_t out[TLS_HANDSHAKE_ROOM]; /* what its engine made and nobody sent yet */
    size_t out_len;
    bool holds; /* far_step keeps `out` back */
};

void far_init(struct far *far, int fd, struct tls_engine *engine);
void far_deinit(struct far *far);

/* Read what came, let the engine work, send what it made. */
void far_step(struct far *far);

/* Step, turning the loop, until secure. */
void far_shake(struct bench *b, struct far *far);

/* Append one record to `out`, or our close_notify; far_send sends. */
void far_put(struct far *far, const char *text);
void far_put_notify(struct far *far);
void far_send(struct far *far);

/* Step, turning the loop, until `*flag` is true. */
void far_until(struct bench *b, struct far *far, const bool *flag);

#endif
