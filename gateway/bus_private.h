/*
 * What the files of the bus share: its structs, and who does what.
 *
 * Floor 3, loop thread only; included by bus*.c and nobody else.
 *
 *   bus.c         life of the bus, its port and its devices
 *   bus_client.c  masters: what they ask is judged here, and answered
 *   bus_policy.c  what a master may do, and who is told of what it may not
 *   bus_queue.c   what waits, whose turn it is, deadlines
 *   bus_unit.c    what is known of a unit: is it silent, what does it still owe
 *   bus_write.c   what became of writes; who may write now
 *   bus_line.c    the one exchange: send, succeed, fail, the timers
 *   bus_rtu.c     what comes in on a serial line, silence, the quarantine after a failure
 *   bus_ascii.c   the reader of answers and the frames of a serial line: RTU or ASCII
 *   bus_tcp.c     what comes in from a Modbus/TCP device
 *
 * Two timers. `pause` has microseconds and serves one thing: a request that waits until a serial
 * line has been silent for t3.5. `timer` has milliseconds and serves all the rest: a request that
 * has nothing to wait for, deadlines, the quarantine.
 *
 * Only the timers' callbacks, which have one body, send. So nothing that a master does from inside
 * its callback can change the exchange under the feet of the code that called it.
 */
#ifndef WARDGATE_BUS_PRIVATE_H
#define WARDGATE_BUS_PRIVATE_H

#include <uv.h>

#include "gateway/bus.h"
#include "gateway/fine_timer.h"
#include "gateway/port.h"
#include "protocols/modbus_ascii.h"
#include "protocols/modbus_debt.h"
#include "protocols/modbus_mbap.h"
#include "protocols/modbus_rtu.h"

enum {
    BUS_WAITING_MAX = 16,      /* requests that may wait, per master */
    BUS_BYTE_GAP_MS = 20,      /* USB adapters deliver an answer in pieces */
    BUS_SLOW_CAP_MS = 10000,   /* a slow unit's doubled timeout stops there */
    BUS_SILENT_AFTER = 3,      /* missing answers in a row that make a unit "silent" */
    BUS_AGAIN_FIRST_MS = 1000, /* a silent unit is asked again after that, then after 2 s, 4 s … */
    BUS_AGAIN_MOST_MS = 60000, /* … up to that */
    BUS_AGAIN_SHARE = 10,      /* silent units together: one part of so many of a shared line */
    BUS_SHARED_MS = 60000,     /* a line is shared when another unit answered so lately */
    BUS_TCP_MISSES = 3,        /* silence in a row after which a TCP link is dialled anew */
};

/* One request of a master. */
struct bus_request {
    uint64_t deadline_ms; /* of waiting; loop clock */
    uint16_t transaction; /* the master's */
    uint8_t unit;         /* as the master wrote it */
    uint8_t bus_unit;     /* as it is on the bus */
    bool is_write;
    uint8_t len; /* of pdu, 1.. */
    uint8_t pdu[MODBUS_PDU_MAX];
};

enum { BUS_PEER_MAX = 200, BUS_KEY_MAX = 65 };

/* Who alone may write. */
struct bus_lease {
    uint64_t since_ms, until_ms;
    char key[BUS_KEY_MAX];
    char peer[BUS_PEER_MAX];
};

struct bus_device {
    struct bus *bus;
    struct bus_device *next;
    const struct conf_device *conf;
    void (*on_port)(void *owner, const struct fault *f);
    void (*on_note)(void *owner, const char *event, const char *note);
    void (*on_write)(void *owner, const struct bus_write *w);
    void *owner;
    struct bus_lease lease;
    uint64_t told;                    /* the port's change that on_port was called for */
    bool is_held;                     /* nobody knows yet who it is: see bus_device_hold */
    const struct conf_access *access; /* what roles may do; NULL: no rules */
    int32_t (*minute)(void *owner);
    void *minute_owner;
    size_t clients;
    struct bus_counters counters;
};

struct bus_client {
    struct bus_device *device;
    struct bus_client *next, *prev; /* the bus's order of turns */
    void (*on_answer)(void *owner, struct span adu);
    void *owner;
    struct bus_request *ring; /* BUS_WAITING_MAX; NULL while nothing waits */
    size_t first, count;
    bool asks_identity;        /* it may ask while the device is held */
    bool writes_denied;        /* besides what the device allows: by the verdict on this master */
    struct bus_master *master; /* who it is, once that is known */
    uint64_t requests, denied, failed; /* see bus_look */
    char key[BUS_KEY_MAX];             /* who writes: see bus_lease_take */
    char peer[BUS_PEER_MAX];
};

/* Which barrier (protocols/modbus_debt.h) a unit answers. */
enum bus_barrier_taste {
    BUS_TASTE_UNKNOWN, /* both are tried in turn */
    BUS_TASTE_LOOPBACK,
    BUS_TASTE_READ,
};

/* What the bus knows about a unit. */
struct bus_unit {
    uint64_t again_ms;    /* silent: it may be asked again then */
    uint64_t answered_ms; /* when it answered last; 0: never */
    uint8_t misses;       /* missing answers in a row, up to BUS_SILENT_AFTER */
    uint8_t tries;        /* silent: how often it was asked again in vain */
    bool is_slow;         /* answered late once: its timeout is doubled */
    bool is_refusing;     /* just found silent: what waits for it is refused next */
    bool tried_read;      /* as the last barrier; else a loop-back */
    enum bus_barrier_taste taste;
    struct modbus_debt debt; /* serial */
};

enum bus_state {
    BUS_DOWN,     /* no port */
    BUS_FREE,     /* nothing on the wire */
    BUS_ASKING,   /* a request is on the wire */
    BUS_DRAINING, /* it failed on a serial line: kept quiet until a late answer would be through */
};

/* Why an exchange gave no answer. */
enum bus_failure { BUS_SILENT, BUS_SHORT, BUS_CRC, BUS_MISMATCH, BUS_COLLISION, BUS_GONE };

/* The exchange; `request` stays until the next one, for the quarantine. */
struct bus_wire {
    struct bus_request request;
    struct bus_client *client; /* NULL: answered, or gone */
    struct bus_device *device; /* NULL: gone */
    char peer[BUS_PEER_MAX];   /* who sent this write */
    bool is_barrier;           /* nobody's request: asked to be rid of late answers */
    uint32_t timeout_ms;       /* for this request */
    uint64_t answer_by_ms;     /* an answer must have begun by then */
    uint64_t whole_by_ms;      /* and ended by then */
    uint64_t drain_until_ms;
    uint64_t out_by_ns;   /* serial: when its last bit has left; clock of uv_hrtime */
    uint16_t transaction; /* ours, on TCP */
    size_t echo_len;      /* bytes of `sent` that are to come back; 0: this line has no echo */
    size_t echoed;        /* how many of them did */
    uint8_t sent[MODBUS_ASCII_MAX];
    bool has_lost; /* a request timed out, and its answer may still come: */
    uint8_t lost_unit, lost_function;
    uint16_t lost_transaction; /* on TCP */
};

struct bus {
    struct io *io;
    struct port *port;
    struct conf_port port_conf; /* own copy: devices come and go */
    struct conf_line line;
    enum conf_protocol protocol;
    void (*on_closed)(void *owner);
    void *owner;
    uv_timer_t timer;
    struct fine_timer pause;
    bool has_pause; /* it is open: serial, since the port came up first */
    int open;       /* port, timer and pause, until each is closed */
    bool closing;
    enum bus_state state;
    struct fault fault; /* why it is DOWN */
    uint64_t changes;   /* how often the port came or went */
    struct bus_device *devices;
    struct bus_client *first, *last; /* masters, next turn first */
    struct bus_unit units[256];
    uint16_t barriers; /* how many were sent: the mark of the next one */
    struct bus_wire wire;
    uint64_t quiet_at_ns; /* serial: not to send before; clock of uv_hrtime */
    uint64_t heard_ns;    /* serial: when bytes came last, on that clock */
    uint64_t heard_ms;    /* when bytes came last; loop clock */
    uint64_t grace_ms;    /* a deadline passed, but the loop shall look for input once more; or 0 */
    uint32_t silence_us;  /* t3.5 */
    uint32_t silence_ms;  /* t3.5 on the loop's clock, which cuts fractions off: never shorter */
    uint32_t byte_gap_ms; /* longest pause inside an answer */
    bool is_refusing;     /* a unit is */
    bool has_collided;    /* since the port came up: told once */
    bool is_echoing; /* serial: the adapter hears itself, so an echo passes for a write's answer */
    uint8_t tcp_misses;
    bool tcp_was_answered; /* since the link came up */
    struct modbus_rtu_reader rtu;
    struct modbus_ascii_reader ascii; /* in place of rtu */
    struct modbus_mbap_reader mbap;
};

/* A due time that never comes. */
#define BUS_NEVER UINT64_MAX

static inline bool bus_is_ascii(const struct bus *b)
{
    return b->protocol == CONF_PROTOCOL_MODBUS_ASCII;
}

static inline bool bus_is_tcp(const struct bus *b)
{
    return b->protocol == CONF_PROTOCOL_MODBUS_TCP;
}

/* ---- bus.c ---- */

/* Tell the device's owner. d may be NULL (the device is gone: nobody to tell). */
void bus_note(struct bus_device *d, const char *event, uint8_t unit, uint8_t function);

/* The port goes down by our own decision, and comes again. */
void bus_lose_port(struct bus *b, const struct fault *f, bool at_once);

/* One of what `open` counts is closed. The last one calls the owner. */
void bus_count_closed(struct bus *b);

/* Where bytes are counted that belong to no exchange. NULL: no device is attached. */
struct bus_counters *bus_junk_counters(struct bus *b);

/* A unit of the device missed so many answers that another device may be there: hold it. d may be
 * NULL. */
void bus_device_doubt(struct bus_device *d, const struct bus_request *q);

/* ---- bus_client.c ---- */

/* Its device is held, and it is not who asks for the identity. */
bool bus_client_is_held(const struct bus_client *c);

/* Hand the answer to its master; the client may be gone afterwards. */
void bus_client_answer(struct bus_client *c, const struct bus_request *q, struct span pdu);

/* The same with an exception, which is counted. */
void bus_client_refuse(struct bus_client *c, const struct bus_request *q,
                       enum modbus_exception code);

/* ---- bus_policy.c ---- */

/* A master that has no role on a device with rules is answered 01 whatever it asks. MODBUS_FINE, or
 * that, and it is told. */
enum modbus_exception bus_policy_judge_master(struct bus_client *c, const struct bus_request *q);

/* May it be sent? Sets is_write. bus_unit is known. What is denied is told. */
enum modbus_exception bus_policy_judge(struct bus_client *c, struct bus_request *q);

/* The master is gone. */
void bus_policy_forget(struct bus_client *c);

/* ---- bus_queue.c ---- */

/* Copy a request to the end of the master's queue. False: full, or no memory. */
bool bus_queue_put(struct bus_client *c, const struct bus_request *q);

/* Take its first request. False: none. */
bool bus_queue_take(struct bus_client *c, struct bus_request *q);

/* Its first request, which stays; NULL: none. */
const struct bus_request *bus_queue_head(const struct bus_client *c);

/* Take its first request that is a write; the others keep their order. False: none. */
bool bus_queue_take_write(struct bus_client *c, struct bus_request *q);

/* Does a request for this unit wait? */
bool bus_queue_has_unit(const struct bus *b, uint8_t unit);

/* Refuse what waits for units that were just found silent with 0A (calls masters). */
void bus_queue_refuse_silent(struct bus *b);

/* Is it (still) one of this bus's masters? `c` may be gone. */
bool bus_queue_has(const struct bus *b, const struct bus_client *c);

/* Into and out of the order of turns. */
void bus_queue_join(struct bus *b, struct bus_client *c);
void bus_queue_leave(struct bus *b, struct bus_client *c);

/* Whose turn it is, or NULL. The turn is used up by bus_queue_served. */
struct bus_client *bus_queue_next(const struct bus *b, uint64_t now_ms);
void bus_queue_served(struct bus *b, struct bus_client *c);

/* Does anything wait; when does the first deadline pass (or BUS_NEVER)? */
bool bus_queue_is_waiting(const struct bus *b);
uint64_t bus_queue_due(const struct bus *b);

/* Refuse what waited too long with 06 (calls masters). */
void bus_queue_expire(struct bus *b, uint64_t now_ms);

/* Refuse all that waits (calls masters). */
void bus_queue_refuse_all(struct bus *b, enum modbus_exception code);

/* ---- bus_unit.c ---- */

/* Did it miss so many answers that it is asked only now and then? */
bool bus_unit_is_silent(const struct bus *b, uint8_t unit);

/* May the request not even wait? A silent unit is asked again by the first read that comes when
 * its time has come: never by a write, and by one request at a time. */
bool bus_unit_refuses(const struct bus *b, const struct bus_request *q);

/* The exchange on the wire was answered by `pdu`, or was not. */
void bus_unit_answered(struct bus *b, struct span pdu);
void bus_unit_missed(struct bus *b);

/* A late answer came while nothing was asked. */
void bus_unit_paid(struct bus *b, struct span pdu);

/* A frame came that is no answer to the request on the wire: may it be a late one? */
bool bus_unit_owes(const struct bus *b, uint8_t unit, uint8_t function);

/* What has to go before `q`. False: nothing; *barrier is then unchanged. */
bool bus_unit_barrier(struct bus *b, const struct bus_request *q, struct bus_request *barrier);

/* The port came: a new chance for all. */
void bus_unit_reset_all(struct bus *b);

/* ---- bus_write.c ---- */

/* The request on the wire was just sent; it ended (exception: what the master is told). Each does
 * nothing where it is no write. */
void bus_write_sent(struct bus *b);
void bus_write_ended(struct bus *b, enum bus_outcome outcome, uint8_t exception);

/* The device of the request on the wire goes before the answer came. */
void bus_write_abandoned(struct bus *b);

/* A request of this master will never be sent; exception 0: its master went. */
void bus_write_unsent(struct bus_client *c, const struct bus_request *q, uint8_t exception);

/* May this master write now? Then the device is leased to it from now on. */
bool bus_lease_take(const struct bus_client *c);

/* ---- bus_line.c ---- */

/* Before the port is used first: the timer that a serial line needs. 0, or FAULT_IO with *f. */
int bus_line_open(struct bus *b, struct fault *f);

/* Its end: bus_close. */
void bus_line_close(struct bus *b);

/* Serial: the line was in use until then (clock of uv_hrtime): t3.5 from there on it is quiet. */
void bus_line_pause(struct bus *b, uint64_t since_ns);

/* The port came, or went: what is on the wire ends with 0B, what waits with 0A. */
void bus_line_up(struct bus *b);
void bus_line_down(struct bus *b);

/* Set the timers for what comes next. */
void bus_line_wake(struct bus *b);

/* The exchange ended well: pdu is the answer. Calls the master last. */
void bus_line_answered(struct bus *b, struct span pdu);

/* The exchange failed: 0B. Calls the master last. */
void bus_line_failed(struct bus *b, enum bus_failure why);

/* A late answer came. Notes it when it is the answer to the request that timed out last. */
void bus_line_late(struct bus *b);

/* ---- bus_rtu.c ---- */

/* A request goes out, of which these are the bytes: wait for its answer. */
void bus_rtu_start(struct bus *b, struct span frame);
void bus_rtu_data(struct bus *b, struct span data);
void bus_rtu_drain(struct bus *b, enum bus_failure why);

/* When something is due in ASKING or DRAINING; and it is. */
uint64_t bus_rtu_due(const struct bus *b);
void bus_rtu_expired(struct bus *b);

/* ---- bus_ascii.c. The functions of the reader are those of modbus_rtu.h ---- */

void bus_reader_start(struct bus *b);
void bus_reader_skip(struct bus *b);
enum modbus_rtu_verdict bus_reader_feed(struct bus *b, struct span data);
enum modbus_rtu_verdict bus_reader_silence(struct bus *b);
bool bus_reader_in_frame(const struct bus *b);
bool bus_reader_is_skipping(const struct bus *b);
size_t bus_reader_dropped(const struct bus *b);
bool bus_reader_is_echo(const struct bus *b);
struct span bus_reader_pdu(const struct bus *b);
uint8_t bus_reader_function(const struct bus *b);

/* Append a frame of this serial line. False as modbus_rtu_put. */
bool bus_frame_put(const struct bus *b, struct room *to, uint8_t unit, struct span pdu);

/* How long a frame with a PDU of `len` bytes is on this serial line. */
size_t bus_frame_length(const struct bus *b, size_t len);

/* A request that would make the rest of the talk on this line unreadable. */
bool bus_frame_is_harmful(const struct bus *b, struct span pdu);

/* ---- bus_tcp.c ---- */

void bus_tcp_data(struct bus *b, struct span data);

#endif
