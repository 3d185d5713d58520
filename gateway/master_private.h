/*
 * What the files of the master share. Floor 3; included by master*.c and nobody else.
 *
 *   master.c       life, the link, the timer of all that has milliseconds
 *   master_desk.c  each request: judged, sent, answered or given up
 *   master_line.c  a serial line: frames, silence, when an answer may be sent, echoes
 *   master_tcp.c   masters that dial
 *
 * Nothing here is called back from inside a call that it makes but the owner's on_note.
 */
#ifndef WARDGATE_MASTER_PRIVATE_H
#define WARDGATE_MASTER_PRIVATE_H

#include <uv.h>

#include "gateway/fine_timer.h"
#include "gateway/master.h"
#include "gateway/port.h"
#include "protocols/modbus_request.h"

enum {
    MASTER_ORDERS_MAX = 16,  /* open at once, as the TCP guide has it */
    MASTER_BYTE_GAP_MS = 20, /* USB adapters deliver a request in pieces */
    MASTER_ECHO_MS = 100,    /* and an echo late */
};

/* A due time that never comes. */
#define MASTER_NEVER UINT64_MAX

/* One way by which requests come: the serial line, or a connection. */
struct master_mouth {
    struct master *master;
    struct endpoint *ep; /* of a connection; NULL: the serial line */
    struct master_mouth *next;
    struct modbus_request_reader reader;
};

/* A request that the server has. */
struct master_order {
    bool is_open;
    bool is_write;
    struct master_mouth *mouth; /* NULL: nobody waits for the answer any more */
    uint16_t transaction;       /* ours */
    uint16_t asked_transaction; /* the master's */
    uint8_t unit;               /* as the server has it */
    uint8_t asked_unit;         /* as the master wrote it */
    uint64_t answer_by_ms;
    uint8_t len; /* of pdu, 1.. */
    uint8_t pdu[MODBUS_PDU_MAX];
};

/* Does the line's adapter hear itself? */
enum master_echo { MASTER_ECHO_UNKNOWN, MASTER_ECHO_NO, MASTER_ECHO_YES };

/* The serial line. */
struct master_line {
    struct port *port;
    struct master_mouth mouth;
    struct fine_timer pause; /* for an answer that waits until the line is quiet */
    bool has_pause;          /* it is open: since the port came up first */
    uint32_t silence_us;     /* t3.5 */
    uint32_t byte_gap_ms;    /* a pause that ends a frame */
    uint64_t heard_ms;       /* when bytes came last */
    uint64_t quiet_at_ns;    /* not to answer before; clock of uv_hrtime */
    bool has_answer;         /* `said` waits until the line is quiet */
    bool awaits_echo;        /* `said` went out, and no frame came since */
    enum master_echo echo;
    uint64_t said_ms;
    size_t said_len;
    uint8_t said[MODBUS_ASCII_MAX]; /* our last answer, as a frame */
};

struct master {
    struct io *io;
    const struct conf_device *conf;
    const struct master_events *events;
    void *owner;
    uv_timer_t timer;
    unsigned open; /* timer, port, the line's pause, connections: until each is closed */
    bool closing;
    struct fault fault; /* serial: why the port is down */
    struct master_link link;
    bool is_up;
    bool is_finishing;
    bool writes_denied;
    struct master_order *orders; /* MASTER_ORDERS_MAX; NULL while none is open */
    size_t order_count;
    uint16_t transaction; /* the last one */
    uint64_t grace_ms;    /* a deadline passed, but the loop shall look for input once more; or 0 */
    struct bus_counters counters;
    struct master_line line;
    struct master_mouth *mouths; /* connections */
    size_t mouth_count;
};

static inline bool master_is_serial(const struct master *m)
{
    return m->conf->port.kind == CONF_PORT_SERIAL;
}

/* master.c */
void master_wake(struct master *m); /* set the timer for what comes next */
void master_note(struct master *m, const char *event, uint8_t unit, uint8_t function);
void master_count_closed(struct master *m);

/* master_desk.c */
/* A request of a unit: it is answered now or later, at its mouth. */
void master_desk_ask(struct master_mouth *mouth, const struct modbus_mbap *request);
void master_desk_answer(struct master *m, struct span adu);
/* Nobody waits at this mouth any more. How many did. */
size_t master_desk_forget(const struct master_mouth *mouth);
/* 0B for what is due, or for all. */
void master_desk_expire(struct master *m, uint64_t now_ms);
uint64_t master_desk_due(const struct master *m);

/* master_line.c */
bool master_line_open(struct master *m); /* false: no memory */
void master_line_say(struct master *m, const struct modbus_mbap *answer);
void master_line_close(struct master *m);
uint64_t master_line_due(const struct master *m);
void master_line_expire(struct master *m, uint64_t now_ms);
void master_line_wake(struct master *m); /* set the pause for what comes next */

/* master_tcp.c */
void master_tcp_say(const struct master_mouth *mouth, const struct modbus_mbap *answer);
void master_tcp_close(struct master *m);

#endif
