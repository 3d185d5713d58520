/*
 * Tests only: revocation with one trust on a loop, whose sources are a drop folder and an HTTP
 * server, and that can be started again over the same state folder.
 */
#ifndef WARDGATE_TEST_KNOW_RIG_H
#define WARDGATE_TEST_KNOW_RIG_H

#include "gateway/revocation_private.h"
#include "tests/unit/gateway/capture.h"
#include "tests/unit/gateway/folder.h"
#include "tests/unit/gateway/http_peer.h"
#include "tests/unit/gateway/papers.h"

enum { KNOW_RIG_CRLS = 4 };

struct know_rig {
    struct bench bench;
    struct http_peer peer;
    struct folder drop, state;
    struct trust *trust;
    struct conf conf;
    struct conf_trust section; /* "hospital" */
    struct conf_crl crls[KNOW_RIG_CRLS];
    char places[KNOW_RIG_CRLS][128];
    struct conf_fetch_host host; /* the server's; section.fetch_host_count is 0 */
    struct revocation *revocation;
    struct knowledge *knowledge; /* the section's */
    unsigned closed;
    char url[64]; /* of the server */
    char answer[32768];
    struct capture log;
};

/* All but the revocation; the log is captured from now on. */
void know_rig_open(struct know_rig *r);

/* Stops, if need be; the loop must be empty then. */
void know_rig_close(struct know_rig *r);

/* A source more: a file of the drop folder, the folder (name ""), or a path of the server ("/crl").
 * Counts at the next start or use. */
void know_rig_add(struct know_rig *r, enum conf_crl_kind kind, const char *name);

void know_rig_start(struct know_rig *r);
void know_rig_stop(struct know_rig *r);

/* Wait until nothing is being read, asked or stored. */
void know_rig_settle(struct know_rig *r);

/* The same after knowledge_refresh. */
void know_rig_refresh(struct know_rig *r);

/* How often the log said this since the last time. */
unsigned know_rig_said(struct know_rig *r, const char *text);

/* A CRL of Root into the drop folder. */
void know_rig_put(struct know_rig *r, const char *name, unsigned number);

/* The server answers with these bytes of this type. */
void know_rig_answer(struct know_rig *r, struct span body, const char *type);

/* crlNumber of the newest verified CRL; 0: none is held. Those that wait are counted in *waiting
 * (may be NULL). */
unsigned know_rig_number(const struct know_rig *r, unsigned *waiting);

#endif
