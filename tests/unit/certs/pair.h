/*
 * Two TLS engines joined by memory, for the tests of floor 1: a client and a server with any
 * certificates of build/pki (tests/pki.sh lists them).
 */
#ifndef WARDGATE_TESTS_PAIR_H
#define WARDGATE_TESTS_PAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certs/pem.h"
#include "certs/tls.h"

/* Everything that can differ from one link to the next; NULL fields get the usual ones. */
struct pair_setup {
    const char *client; /* identity of the client, "bms" */
    const char *server; /* of the server, "hl7" */
    const char
        *client_allow; /* what the client demands of the server: "dns:hl7.hospital.example" */
    const char *server_allow;   /* and the server of the client: "dns:bms.hospital.example" */
    struct trust *client_trust; /* borrowed; NULL: a new one over root.pem */
    struct trust *server_trust;
    const char *server_name; /* SNI */
    bool allows_tls12;       /* a trust that is made here */
    bool client_is_old;      /* this end speaks TLS 1.2 and nothing else */
    bool server_is_old;
    bool client_is_bare;    /* this client has no certificate */
    const char *client_raw; /* files that identity_load refuses, given straight to wolfSSL */
    const char *server_raw;
    struct span client_staple; /* OCSP answers to send */
    struct span server_staple;
    bool client_is_incurious; /* this client does not ask for a staple */
    bool client_wants_short;  /* this client asks for short records */
    size_t cut;               /* bytes handed over at once; 0: all */
};

/* One end with what it has received and not yet used. */
struct pair_end {
    struct tls_engine *engine;
    enum tls_result result;
    struct fault fault;
    uint8_t *inbox;
    size_t start;
    size_t end;
    uint8_t *plain; /* what was read, TLS_PLAIN_MAX each time */
    size_t plain_len;
};

struct pair {
    struct pair_end client;
    struct pair_end server;
    size_t cut;
};

enum { PAIR_INBOX_MAX = 1024 * 1024 };

/* A path in build/pki; constant memory for up to eight at a time. */
const char *pair_path(const char *name, const char *suffix);

/* A trust over PEM files of build/pki ("root"; intermediates may be NULL). */
struct trust *pair_trust(const char *anchors, const char *intermediates, enum tls_version min);

struct identity *pair_identity(const char *name);

/* The first certificate of a PEM file of build/pki, as DER; the test frees it (pem_block_free). */
struct pem_block pair_certificate(const char *name);

/* Make both ends; the handshake has not begun. */
void pair_open(struct pair *p, const struct pair_setup *setup);

/* Run the handshake until both ends are done or nothing moves any more. */
void pair_handshake(struct pair *p);

/* pair_open and pair_handshake. */
void pair_link(struct pair *p, const struct pair_setup *setup);

void pair_close(struct pair *p);

/* One write of `from`, handed to `to`; the fault code. */
int pair_write(struct pair *p, struct pair_end *from, struct pair_end *to, struct span plain);

/* Read what has come until more is needed; answers go to `from`. The last result. */
enum tls_result pair_read(struct pair *p, struct pair_end *to, struct pair_end *from);

/* Send close_notify from one end to the other. */
int pair_shutdown(struct pair_end *from, struct pair_end *to);

/* What an end has received and not used. */
struct span pair_inbox(const struct pair_end *end);

/* Three kinds of link for tests that must hold in all: TLS 1.3, an old client, an old server. */
enum { PAIR_FLAVOURS = 3 };

struct pair_setup pair_flavour(size_t number);

/* pair_link, and both ends must be up. */
void pair_link_up(struct pair *p, const struct pair_setup *setup);

/* `len` bytes (up to TLS_PLAIN_MAX) that show where they belong. */
struct span pair_message(size_t len);

/* The end has received pair_message(len) and nothing else. */
void pair_check_received(const struct pair_end *end, size_t len);

/* pair_message(len) from each end to the other. */
void pair_write_both_ways(struct pair *p, size_t len);

#endif
