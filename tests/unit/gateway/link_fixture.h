/*
 * Tests only: the hospital's ends of secure links, on the loop of a bench, with identities from
 * build/pki. They use our own engine: ends that are not ours are in the scenarios.
 */
#ifndef WARDGATE_TEST_LINK_FIXTURE_H
#define WARDGATE_TEST_LINK_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certs/identity.h"
#include "certs/names.h"
#include "certs/trust.h"
#include "tests/unit/gateway/bench.h"

/* build/pki/NAME.pem with its key; the caller releases. */
struct identity *fixture_identity(const char *name);

/* Another mode than REVOCATION_OFF: a trust that wants checking, which nobody can do yet. */
enum { FIXTURE_REVOCATION_WANTED = REVOCATION_OFF + 1 };

/* The anchor root.pem. */
struct trust *fixture_trust(enum revocation_mode revocation);

enum { HOSPITAL_LINKS_MAX = 10, HOSPITAL_RECORDS_MAX = 64 };

/* What it does with a connection. */
enum hospital_mood {
    HOSPITAL_TALKS,    /* TLS, then reads all */
    HOSPITAL_IS_MUTE,  /* takes TCP and says nothing */
    HOSPITAL_HANGS_UP, /* takes TCP and closes it */
    HOSPITAL_IS_DEAF,  /* TLS, but reads nothing */
};

struct hospital;

struct hospital_link {
    struct ear ear;
    struct hospital *hospital;
    char server_name[64];                 /* what it asks for when it dials; "" for none */
    size_t records[HOSPITAL_RECORDS_MAX]; /* length of each record with data */
    unsigned record_count;
    struct cert_facts device; /* who the gateway says it is */
};

struct hospital {
    struct bench *bench;
    struct identity *identity;
    struct trust *trust;
    struct name_rule allow;
    enum hospital_mood mood;
    bool finishes; /* answers the end of the other side with its own */
    uv_tcp_t tcp;
    bool is_listening;
    uint16_t port;
    struct hospital_link links[HOSPITAL_LINKS_MAX];
    unsigned count;   /* connections so far */
    unsigned secured; /* handshakes so far */
    unsigned events;  /* of all links */
    unsigned closed;
    /* Runs after each event; may be NULL. */
    void (*hook)(struct hospital *h, struct hospital_link *at, enum ear_event event);
    void *arg;
};

/* With the identity of that name in the PKI; it takes any device of the PKI. */
void hospital_init(struct hospital *h, struct bench *b, const char *identity_name);

/* Closes what is open and runs the loop until it is. */
void hospital_end(struct hospital *h);

/* Listen on a port of the kernel's choice; the same port again after hospital_leave. */
void hospital_listen(struct hospital *h);
void hospital_leave(struct hospital *h);

/* Dial 127.0.0.1:port and begin TLS with this server name (NULL: none). */
struct hospital_link *hospital_dial(struct hospital *h, uint16_t port, const char *server_name);

/* The newest link. */
struct hospital_link *hospital_last(struct hospital *h);

/* Did exactly this text arrive on the link? Runs the loop until enough did. */
bool hospital_hears(struct hospital *h, struct hospital_link *at, const char *text);

void hospital_say(struct hospital_link *at, const char *text);

/* Dial a listening hospital as the device pump-12 and wait until both ends are up: `ear` has then a
 * secure endpoint. */
struct hospital_link *hospital_join(struct hospital *h, struct ear *ear);

/* A TCP port at which nobody listens. */
uint16_t fixture_dead_port(void);

/* Close a plain socket so that the other side gets a reset. */
void fixture_reset(int fd);

#endif
