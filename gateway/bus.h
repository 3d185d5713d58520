/*
 * Bus: one Modbus line (serial, RTU or ASCII) or one Modbus/TCP device, shared by devices and
 * masters.
 *
 * Floor 3, loop thread only. One bus for each port text, owned by the gateway; devices with the
 * same port attach to the same bus (multi-drop). Masters are secure links: each submits requests
 * as MBAP ADUs and gets exactly one MBAP ADU back for each (unless it detaches first).
 *
 * One request is on the wire at a time; masters are served in turn. On a serial line it goes out
 * when the line has been silent for t3.5 since its last byte was read or, where nobody answered,
 * since ours had left: 3.5 characters of 11 bits, above 19,200 bit/s 1.75 ms. Never earlier, and to
 * the microsecond, so that short requests need no more of the line than they must.
 *
 * A write goes on the wire at most once. Exceptions as in the truth table:
 *
 *   01  denied, or an unknown function                                           not sent
 *   03  malformed                                                                not sent
 *   06  the queue is full, request_timeout is over, another master may write     not sent
 *   0A  port closed, unit not mapped, unit silent; a write on a line that echoes not sent
 *   0B  sent, and no valid answer came                                           unknown
 *
 * so that a master can tell "not done" from "unknown".
 *
 * Late answers. An answer on a serial line does not say to which request it belongs. After a
 * failure the line is kept quiet for the timeout once more, in which a late answer is dropped (it
 * makes the unit "slow", noted once, and doubles its timeout, up to 10 s). It may come even later.
 * So before anything is sent to that unit which the late answer could be mistaken for, also before
 * an equal read or write, a barrier goes first: a read of another length, or a loop-back, and what
 * comes before its answer is dropped. protocols/modbus_debt.h says why that holds at any delay.
 * Modbus/TCP has transactions and needs none of this.
 *
 * Silent units. A unit that missed three answers in a row is "silent": what waits for it and what
 * comes for it gets 0A at once, and nothing is sent. After 1 s the next read of a master is sent
 * to see whether it is back (never a write: that would find out by doing); if not, after 2 s, then
 * 4 s, up to 60 s. Each such try costs the line two timeouts. Where other units answer, the waits
 * are also so long that all silent units together cost at most a tenth of the line's time.
 *
 * Echoes. On a two-wire line whose adapter hears itself (`echo = discard`) exactly the bytes that
 * were sent are expected first, and dropped; anything else is a collision: counted, told once for
 * each time that the port is open, 0B. On a line that echoes without being said to, no write is
 * sent (0A): the echo of a write is what its answer looks like. It is found out by a read that
 * comes back; a write before the first one can not be told from an answered one. It holds until a
 * request is answered with something else than itself.
 *
 * Writes. The outcome of each is counted and told (bus_device_on_write). One writer at a time: the
 * first write of a master makes the device its own for write_lease (10 s unless configured), and
 * each further one begins that anew; writes of masters with another certificate get 06 meanwhile,
 * their reads pass. Two masters that set a therapy device in turn each believe in values that the
 * other has changed, and a sequence of writes is safe only in one piece: so the lease is on unless
 * it is turned off. Whoever writes alone never notices it; a stand-in with another certificate can
 * write after 10 s; a pair with one certificate shares the lease.
 *
 * Notes: slow-device, line-collision, line-echo, unit-silent, unit-back,
 * identity-doubted.
 */
#ifndef WARDGATE_BUS_H
#define WARDGATE_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "gateway/io.h"
#include "protocols/bytes.h"
#include "protocols/fault.h"
#include "protocols/modbus_pdu.h"

struct bus;
struct bus_device;
struct bus_client;

/* Counters of one device on the bus, for status. Wrap-free (64 bit). */
struct bus_counters {
    uint64_t requests, answers;           /* sent on the wire; answered validly */
    uint64_t barriers;                    /* sent besides, to be rid of late answers */
    uint64_t request_bytes, answer_bytes; /* on the wire */
    uint64_t denied, malformed, busy, unavailable, no_answer; /* exceptions 01, 03, 06, 0A, 0B */
    uint64_t writes_sent, writes_confirmed; /* on the wire; done, as the device says */
    uint64_t writes_refused;                /* the device says that it did not: its exception */
    uint64_t writes_unknown;                /* sent, and no valid answer came */
    uint64_t writes_unsent;                 /* 01, 03, 06, 0A, or their master went */
    uint64_t collisions; /* echo = discard: what came back was not what was sent */
    uint64_t late, crc, mismatch, junk_bytes; /* what the line brought and was dropped */
    uint64_t line_errors;
    uint64_t last_answer_ms; /* loop clock; 0: never */
    uint64_t dropped;        /* never sent because their master went away */
};

/* A request was answered with this exception. MODBUS_FINE counts nothing. */
void bus_count_exception(struct bus_counters *n, enum modbus_exception code);

/* A bus for this device's port; it opens (and re-opens) its port by itself. NULL: no memory. */
struct bus *bus_new(struct io *io, const struct conf_device *first, void (*on_closed)(void *owner),
                    void *owner);

/* End: clients get 0A for what waits; then on_closed(owner) from the loop; then bus_free. */
void bus_close(struct bus *b);
void bus_free(struct bus *b);

/* Do both devices use the same port text and line? */
bool bus_fits(const struct bus *b, const struct conf_device *d);

/* Attach a device. conf is borrowed until bus_detach. on_port (may be NULL) tells when the port
 * came or went: f is NULL when it is up. on_note (may be NULL): something the device's log should
 * tell, e.g. {"write-outcome-unknown", "unit 1 function 6"}. NULL: no memory. */
struct bus_device *bus_attach(struct bus *b, const struct conf_device *conf,
                              void (*on_port)(void *owner, const struct fault *f),
                              void (*on_note)(void *owner, const char *event, const char *note),
                              void *owner);

/* A device with `expect` is held until somebody found out who it is: its requests get 0A, but for
 * those of who asks that. Held from the start, again whenever the port was away, and again (note
 * identity-doubted) when a unit of it missed several answers in a row. */
void bus_device_hold(struct bus_device *d, bool held);

/* Detach; every client of the device must be detached before. */
void bus_detach(struct bus_device *d);

/* How many devices are attached. */
size_t bus_device_count(const struct bus *b);

const struct bus_counters *bus_device_counters(struct bus_device *d);

/* Is the port open; NULL when it is, else why not. */
const struct fault *bus_device_fault(const struct bus_device *d);

/* What roles may do with the device from now on; NULL: `writes` alone counts. As attached, it is
 * the configuration's. Borrowed until the next call or bus_detach. What waits and is not allowed
 * any more is refused with 01 (on_answer, from inside). */
void bus_device_use_access(struct bus_device *d, const struct conf_access *access);

/* Who tells the minute of the week (weektime.h), or MODBUS_POLICY_NO_TIME while the clock is not
 * trusted. Without it rules with a time do not hold. */
void bus_device_use_time(struct bus_device *d, int32_t (*minute)(void *owner), void *owner);

/* A request that was denied (01). Texts live as long as the call; none holds a value. */
struct bus_denial {
    const char *roles; /* role sections that the master belongs to, "Service, Operator"; or "" */
    const char *form;  /* why its certificate says no role, or ""; the role that it says is: */
    const char *role;  /* "" for none */
    uint8_t unit;      /* as the master wrote it */
    uint8_t function;
    const char *range; /* "holding 40-41" */
    const char *rule;  /* "FILE:LINE" of the rule that all but allows it, or "" */
    const char *why;
    uint64_t untold; /* denials of the same kind (read or write) that were not told before it */
};

/* A master's certificate. */
struct bus_peer {
    struct span cert; /* DER; copied. Empty: none is known */
    bool is_client;   /* only a client's certificate has a role; names count for both */
    /* Of each kind five are told in a minute, with the number of those that were not. From inside
     * bus_client_submit and where waiting requests are refused; at the master's end once more with
     * function 0 when some were not told. May be NULL. */
    void (*on_denied)(void *owner, const struct bus_denial *denial);
};

enum { BUS_ROLES_MAX = 256 };

/* What status shows of a master. Texts as in bus_denial; they live until the loop runs on. */
struct bus_look {
    bool has_rules; /* on its device only roles may do anything */
    char roles[BUS_ROLES_MAX];
    const char *role, *form;
    uint64_t requests;       /* that it made */
    uint64_t denied, failed; /* what the gateway answered: 01; another exception */
};

/* A unit that does not answer, as it is on the bus, and when a read may go to it again. */
struct bus_silent {
    uint8_t unit;
    uint64_t again_in_ms; /* 0: with the next read */
};

/* Which units of the device do not answer: writes at most `most` of them, returns how many there
 * are. */
size_t bus_device_silent(const struct bus_device *d, struct bus_silent *out, size_t most);

/* What became of a write. Sent ones are confirmed, refused or unknown. */
enum bus_outcome { BUS_WRITE_CONFIRMED, BUS_WRITE_REFUSED, BUS_WRITE_UNKNOWN, BUS_WRITE_UNSENT };

/* One write, without its values. */
struct bus_write {
    enum bus_outcome outcome;
    uint8_t unit, function;
    uint8_t exception;       /* what the master was told; 0: confirmed, or the master is gone */
    uint16_t address, count; /* 0: no range, or malformed */
    const char *peer;        /* the master's name, borrowed */
};

/* Who hears of each write, once, when its outcome is known; owner as in bus_attach. */
void bus_device_on_write(struct bus_device *d,
                         void (*on_write)(void *owner, const struct bus_write *w));

/* Who alone may write now: a name, borrowed until the loop runs on, and how long that holds
 * (left_ms). NULL: nobody, and *left_ms is unchanged. */
const char *bus_device_lease(const struct bus_device *d, uint64_t *left_ms);

/* A master. on_answer gets one whole MBAP ADU, from the loop or from inside bus_client_submit (an
 * exception that needs no wire). NULL: no memory. */
struct bus_client *bus_client_new(struct bus_device *d,
                                  void (*on_answer)(void *owner, struct span adu), void *owner);

/* Who the master is; without it, it has no role. Once, before the first request. False: no memory.
 */
bool bus_client_use_peer(struct bus_client *c, const struct bus_peer *peer);

/* Who the master is: `name` for people, `key` to compare (at most 64 characters, e.g. a
 * certificate's fingerprint). Both are copied. Without this all masters are the same one. */
void bus_client_set_peer(struct bus_client *c, const char *name, const char *key);

/* Hand in one whole MBAP ADU (7 + 1..253 bytes; framing already checked). Copied. */
void bus_client_submit(struct bus_client *c, struct span adu);

/* May this master write, as far as its certificate's verdict goes? At first yes. From yes to no the
 * writes that wait are refused with 01 (on_answer, from inside). */
void bus_client_allow_writes(struct bus_client *c, bool allowed);

/* This client asks who the device is, so a device that is held answers it. */
void bus_client_ask_identity(struct bus_client *c);

/* Who the master is and what it asked so far. */
void bus_client_look(const struct bus_client *c, struct bus_look *out);

/* Requests waiting or on the wire. */
size_t bus_client_pending(const struct bus_client *c);

/* The master is gone: what waits is dropped unsent (a write among it is counted and noted); what
 * is on the wire is finished and its answer dropped. Frees the client. */
void bus_client_free(struct bus_client *c);

#endif
