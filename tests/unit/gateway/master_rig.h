/*
 * Tests only: a device that is a Modbus master, at the far end of a pseudo-terminal or of a TCP
 * connection, and a link that writes down what it is to carry. Nothing sleeps.
 */
#ifndef WARDGATE_TEST_MASTER_RIG_H
#define WARDGATE_TEST_MASTER_RIG_H

#include "gateway/master_private.h"
#include "tests/unit/gateway/bench.h"

enum { MASTER_RIG_SENT_MAX = 64, MASTER_RIG_EARS = 4 };

struct master_rig {
    struct bench bench;
    struct conf_unit_map units; /* conf's */
    struct conf_device conf; /* 115200 8E1 RTU, or TCP; unit 11 is 17 there; writes are allowed */
    char port_text[80];
    struct master *master;
    int fd; /* the master's end; -1: none */
    struct ear ears[MASTER_RIG_EARS];
    unsigned ear_count;

    struct {
        size_t len;
        uint8_t bytes[MODBUS_MBAP_MAX];
    } sent[MASTER_RIG_SENT_MAX]; /* by the link */

    unsigned sent_count;
    bool is_jammed; /* the link takes nothing */
    unsigned idle, ups, downs, closed, notes;
    char note[96]; /* the last one */
};

/* Make it; change r->conf before master_rig_start. */
void master_rig_init(struct master_rig *r, enum conf_protocol protocol);

/* The master alone; its port is not up yet. */
void master_rig_make(struct master_rig *r);

/* Make it. The port is up, or one master is connected, when it returns; the link is up too. */
void master_rig_start(struct master_rig *r);
void master_rig_end(struct master_rig *r);

void master_rig_link_up(struct master_rig *r);

/* One more TCP master: its end, or -1 when it was not taken. */
int master_rig_dial(struct master_rig *r);

/* The master says, or must hear, these bytes (hexadecimal; ':' first: an ASCII line). */
void master_rig_says(struct master_rig *r, int fd, const char *text);
bool master_rig_hears(struct master_rig *r, int fd, const char *text);

/* Run the loop until the link has sent so many. Was the last one this unit and PDU? */
bool master_rig_sends(struct master_rig *r, unsigned count, const char *hex);

/* The server answers request number `at` (0..) with this unit and PDU. */
void master_rig_answers(struct master_rig *r, unsigned at, const char *hex);

/* Run the loop for so long, or until this counter is at least `least`. */
void master_rig_wait(struct master_rig *r, uint64_t ms);
void master_rig_until(struct master_rig *r, const uint64_t *counter, uint64_t least);

#endif
