/*
 * Tests only: a session on a stage. A made-up device is its host and writes down what it hears;
 * two hospital servers can be dialled.
 */
#ifndef WARDGATE_TEST_LINK_STAGE_H
#define WARDGATE_TEST_LINK_STAGE_H

#include "gateway/session_private.h"
#include "tests/unit/gateway/capture.h"
#include "tests/unit/gateway/link_fixture.h"
#include "tests/unit/gateway/link_ward.h"

enum { STAGE_TRACE_MAX = 64, STAGE_SERVERS = 2 };

struct stage {
    struct session_host host; /* first: what the session gives back */
    struct bench bench;
    struct gate gate;
    struct ward ward;
    struct hospital hospitals[STAGE_SERVERS];
    struct conf_address servers[STAGE_SERVERS];
    struct conf_device conf; /* a device of MLLP over TCP that dials one server */
    struct name_rule allow;
    struct session *session;
    struct ear device; /* whose endpoint the session gets */
    enum session_state trace[STAGE_TRACE_MAX];
    unsigned changes;
    uint64_t waits_ms[STAGE_TRACE_MAX]; /* of each WAITING */
    unsigned waits;
    unsigned ended;
    unsigned local_back;
    bool local_was_up;
    bool wants_dial;
    /* Runs after each change; may be NULL. */
    void (*hook)(struct stage *stage);
    struct capture errors; /* what was logged as an error: must not be our own mistake */
};

/* Both hospitals listen; conf is the default. Change conf before stage_make. */
void stage_init(struct stage *st);

/* Ends the session and all else; the loop must then be empty. */
void stage_end(struct stage *st);

/* Make the session. */
void stage_make(struct stage *st, bool redials);

/* Run the loop until the session is in this state, or was in it once more. */
void stage_until(struct stage *st, enum session_state state);

/* How often it was in this state. */
unsigned stage_count(const struct stage *st, enum session_state state);

/* Give the session a TCP connection of the device; returns the device's end. */
int stage_attach(struct stage *st);

/* Start, and wait until both ends are up. The hospital's end of it. */
struct hospital_link *stage_link_up(struct stage *st);

/* Write all of it to a device's end. */
void stage_device_says(int fd, const char *text);

/* Read exactly this from it? */
bool stage_device_hears(struct stage *st, int fd, const char *text);

/* A hospital dials the session, which is made to accept it. */
struct hospital_link *stage_accept(struct stage *st, struct hospital *h);

#endif
