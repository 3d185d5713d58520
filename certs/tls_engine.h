/*
 * The inside of a TLS engine, shared by the files that make it up: tls_engine.c (bytes in, bytes
 * out), tls_verify.c (is this the right peer?), tls_staple.c (OCSP answers on their way),
 * tls_fault.c (what went wrong, in words).
 *
 * Floor 1, private to certs/.
 */
#ifndef WARDGATE_TLS_ENGINE_H
#define WARDGATE_TLS_ENGINE_H

#include "certs/tls.h"

/* wolfSSL's own tags */
struct WOLFSSL;
struct WOLFSSL_CTX;
struct WOLFSSL_X509_STORE_CTX;

/* What only the handshake needs; freed when it is over. */
struct tls_handshake {
    struct name_rule *allow;
    size_t allow_count;
    struct fault refusal; /* why the verify callback refused the peer, if it did */
    bool has_peer_ca;     /* the peer sent a CA, which wolfSSL has put into the shared manager */
    bool has_heard;       /* the peer has said something */
    size_t answer_len;    /* bytes that we sent since */
    uint8_t *staple;      /* ours, for a peer that asks; NULL: none */
    size_t staple_len;
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
    uint8_t *staple;  /* the memory behind peer.staple */
    bool has_read;    /* a first byte of data has come: the peer has accepted us */
    bool is_closed;   /* the peer's close_notify has come */
    bool is_shut;     /* ours has gone */
    bool is_overfull; /* something of ours did not fit into `out` */
    bool is_broken;   /* TLS_FAILED was returned */
};

/* wolfSSL's verify callback (tls_verify.c): may only turn "good" into "refused". */
int tls_verify_peer(int is_good, struct WOLFSSL_X509_STORE_CTX *store);

/* Forget peer.chain alone (tls_engine.c). */
void tls_engine_drop_chain(struct tls_engine *e);

/* Keep a copy of our staple for the handshake. False: no memory. */
bool tls_staple_load(struct tls_engine *e, struct span staple);

/* Let this connection's staples go through the engine, and ask for one as client. True on success,
 * and where the library cannot. */
bool tls_staple_connect(struct tls_engine *e);

/* Before the first connection of a context: the library looks up nothing by itself. True on
 * success, and where the library cannot. */
bool tls_staple_prepare(struct WOLFSSL_CTX *ctx);

/* wolfSSL's callback, in the two meanings that certs/wolfssl-staple.patch gives it: to == NULL
 * brings the peer's staple; else it asks for ours, of which *to gets the address and the result is
 * the length, or -1 for none. What else the library may want (a URL to be fetched) is refused. */
int tls_staple_exchange(void *engine, const char *url, int url_len, unsigned char *from, int len,
                        unsigned char **to);

/* wolfSSL's I/O callbacks (tls_engine.c); `engine` is a struct tls_engine. */
int tls_engine_receive(struct WOLFSSL *ssl, char *to, int len, void *engine);
int tls_engine_send(struct WOLFSSL *ssl, char *from, int len, void *engine);

/* What wolfSSL's error of the call just made means (tls_fault.c). Returns the fault's code. */
int tls_fault_fill(const struct tls_engine *e, int error, struct fault *f);

#endif
