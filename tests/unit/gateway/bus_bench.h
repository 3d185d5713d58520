/*
 * Tests only: a bus with a scripted device at its far end (a pseudo-terminal or a TCP socket) and
 * masters that write down what they are told. Device and bus share one loop; nothing sleeps.
 */
#ifndef WARDGATE_TEST_BUS_BENCH_H
#define WARDGATE_TEST_BUS_BENCH_H

#include "gateway/bus.h"
#include "tests/unit/gateway/bench.h"

enum { SLAVE_REQUESTS = 256, SLAVE_PLAN = 64, MASTER_ANSWERS = 64, RIG_NOTES = 64 };

struct slave_request {
    uint64_t at_ms;
    size_t len;
    uint8_t bytes[300];
};

/* The device. `script` is called for each request; without one it answers as it should. */
struct slave {
    struct bench *bench;
    bool is_tcp;
    bool is_ascii; /* a serial device that speaks ASCII: its frames are text */
    int fd;        /* pty master or connection; -1: none */
    int listener;  /* TCP */
    bool has_fd, has_listener;
    uv_poll_t poll, knock;
    uv_timer_t timer;
    struct slave_request part;
    struct slave_request requests[SLAVE_REQUESTS]; /* whole frames, as they came */
    unsigned count;
    unsigned connections;
    struct slave_request plan[SLAVE_PLAN]; /* what it is going to say, sorted by time */
    size_t planned;
    void (*script)(struct slave *s, struct span frame);
    void *arg; /* the script's own */
};

/* Say these bytes (hexadecimal) after a while. */
void slave_say(struct slave *s, uint64_t after_ms, const char *hex);
void slave_say_bytes(struct slave *s, uint64_t after_ms, struct span bytes);

/* Answer a request as a device should: registers hold their own address, coils are all on. */
void slave_answer(struct slave *s, struct span frame, uint64_t after_ms);

/* A script that says nothing. */
void slave_be_silent(struct slave *s, struct span frame);

/* Hang up. */
void slave_leave(struct slave *s);

struct rig {
    struct bench bench;
    uv_timer_t tick; /* uv_run(ONCE) waits for the next event after a timer: there is always one */
    struct slave slave;
    struct conf_device conf;
    struct conf_unit_map units; /* conf's */
    char port_text[80];
    struct bus *bus;
    struct bus_device *device;
    unsigned ups, downs, closed;
    struct fault fault; /* of the last down */
    char notes[RIG_NOTES][128];
    unsigned note_count;
    bool notes_writes; /* each write is noted, not only those that matter to most tests */
};

/* Masters name their requests: transaction 1, 2, 3 … */
struct master {
    struct rig *rig;
    struct bus_client *client;
    uint16_t asked;
    unsigned count;
    struct slave_request answers[MASTER_ANSWERS];
    void (*hook)(struct master *m); /* at the end of each answer; may be NULL */
};

/* A serial bus at 115200 8E1, unit 0x11 mapped to itself, writes allowed, response timeout 100 ms.
 * rig_open_tcp: the same with a TCP device. The port is up when they return. */
void rig_open(struct rig *r);
void rig_open_tcp(struct rig *r);

/* The same in two steps, to change r->conf in between. */
void rig_prepare(struct rig *r, bool is_tcp);
void rig_run(struct rig *r);

/* The second step without waiting for the port. */
void rig_begin(struct rig *r);

/* Detach, close, and check that the loop is empty. Masters must be gone. */
void rig_close(struct rig *r);

/* Run the loop for so long. */
void rig_wait(struct rig *r, uint64_t ms);

/* How often a note with these words came. */
unsigned rig_notes(const struct rig *r, const char *event);

void master_join(struct master *m, struct rig *r);
void master_leave(struct master *m);

/* Ask: unit and PDU in hexadecimal, "11 03 0010 0001". */
void master_ask(struct master *m, const char *hex);

/* Run the loop until `count` answers came in all. */
void master_wait(struct master *m, unsigned count);

/* Is the answer number `at` (0..) exactly this: transaction, unit and PDU in hexadecimal? */
bool master_heard(const struct master *m, unsigned at, uint16_t transaction, const char *hex);

/* Ask, wait, compare. */
void master_expect(struct master *m, const char *ask, const char *answer);

#endif
