/*
 * The inside of a TLS engine, shared by the files that make it up: tls_engine.c (bytes in, bytes
 * out), tls_verify.c (is this the right peer?), tls_fault.c (what went wrong, in words).
 *
 * Floor 1, private to certs/.
 */
#ifndef WARDGATE_TLS_ENGINE_H
#define WARDGATE_TLS_ENGINE_H

#include "certs/tls.h"

/* wolfSSL's own tags */
struct WOLFSSL;
struct WOLFSSL_X509_STORE_CTX;

/* What only the handshake needs; freed when it is over. */
struct tls_handshake {
    struct name_rule *allow;
    size_t allow_count;
    struct fault refusal; /* why the verify callback refused the peer, if it did */
    bool has_peer_ca;     /* the peer sent a CA, which wolfSSL has put into the shared manager */
    bool has_heard;       /* the peer has said something */
    size_t answer_len;    /* bytes that we sent since */
};

struct tls_engine {
    struct WOLFSSL *ssl;
    struct identity *identity;
    struct trust *trust;
    enum tls_role role;
    struct tls_handshake *handshake; /* NULL once it is done */
    struct span *in;                 /* the caller's, during a call only */
    struct room *out;
    struct tls_peer peer;
    uint8_t *chain;   /* the memory behind peer.chain */
    bool has_read;    /* a first byte of data has come: the peer has accepted us */
    bool is_closed;   /* the peer's close_notify has come */
    bool is_shut;     /* ours has gone */
    bool is_overfull; /* something of ours did not fit into `out` */
    bool is_broken;   /* TLS_FAILED was returned */
};

/* wolfSSL's verify callback (tls_verify.c): may only turn "good" into "refused". */
int tls_verify_peer(int is_good, struct WOLFSSL_X509_STORE_CTX *store);

/* wolfSSL's I/O callbacks (tls_engine.c); `engine` is a struct tls_engine. */
int tls_engine_receive(struct WOLFSSL *ssl, char *to, int len, void *engine);
int tls_engine_send(struct WOLFSSL *ssl, char *from, int len, void *engine);

/* What wolfSSL's error of the call just made means (tls_fault.c). Returns the fault's code. */
int tls_fault_fill(const struct tls_engine *e, int error, struct fault *f);

#endif
