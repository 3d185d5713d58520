/*
 * Master: a legacy device that asks instead of being asked, on a serial line (RTU, ASCII) or over
 * plain TCP; the gateway carries its requests to a Modbus/TCP Security server.
 *
 * Floor 3, loop thread only; owned by a device, and the mirror of bus.h: there many links ask one
 * line, here one link serves one line or the TCP masters of one device. It lives as long as the
 * device and not as long as a link, because somebody has to answer 0A while there is none; so
 * nothing that was said then can reach a link that comes later. All masters of a device share its
 * one link: a server sees one certificate and one connection, and a master that dials waits for no
 * handshake.
 *
 * Each request goes out at once or not at all, once, as one ADU in one write, with a transaction of
 * our own; at most 16 are open, and none waits in a queue. Answers are matched by transaction,
 * unit, function and length; what comes after response_timeout is dropped. Exceptions as in bus.h:
 * 01 denied or unknown function; 03 malformed; 06 not sent (too many are open, or the server takes
 * no bytes); 0A not sent (no link, or over TCP a unit that is not mapped); 0B sent, no valid
 * answer.
 *
 * A serial line may have other slaves: units that are not mapped are passed over in silence, and so
 * is a broadcast (it is refused, and nobody may answer it). A master that asks again has given its
 * request up: the answer is late and is not sent. Two-wire adapters that hear themselves bring our
 * own answers back, and that of a write looks like the same write: the first one on a line of which
 * that is not known yet is passed over (the master asks again), see master_line.c.
 *
 * Notes: write-outcome-unknown, line-echo.
 */
#ifndef WARDGATE_MASTER_H
#define WARDGATE_MASTER_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"
#include "gateway/bus.h"
#include "gateway/endpoint.h"
#include "gateway/io.h"
#include "protocols/bytes.h"
#include "protocols/fault.h"

struct master;

/* Called from the loop. All are needed. */
struct master_events {
    /* Serial: the port came (f is NULL) or went. */
    void (*on_port)(void *owner, const struct fault *f);
    /* Something that the device's log should tell, as in bus.h. */
    void (*on_note)(void *owner, const char *event, const char *note);
    /* After master_close; last call. */
    void (*on_closed)(void *owner);
};

/* What carries the requests. Copied. */
struct master_link {
    /* One whole ADU, in one record. */
    void (*send)(void *self, struct span adu);
    /* May a request be sent: nothing of an earlier one waits to go out? */
    bool (*is_clear)(const void *self);
    /* After master_link_finish, from the loop: no answer is waited for any more. */
    void (*on_idle)(void *self);
    void *self;
};

/* A device whose side is master; a serial port opens (and re-opens) by itself. conf is borrowed
 * while the master lives, `events` too. NULL: no memory. */
struct master *master_new(struct io *io, const struct conf_device *conf,
                          const struct master_events *events, void *owner);

/* End: on_closed follows from the loop, then master_free. No link may be up. Idempotent. */
void master_close(struct master *m);
void master_free(struct master *m);

/* TCP: a connection of a master. True: taken over; false: too many (max_links) or no memory. */
bool master_take(struct master *m, struct endpoint *ep);

/* Serial: why the port is not open; NULL when it is, and with TCP. */
const struct fault *master_fault(const struct master *m);

/* Is there a master: the serial port is open, or one is connected? */
bool master_is_there(const struct master *m);

/* requests and answers are those of the link; last_answer_ms is when a master asked last. */
const struct bus_counters *master_counters(struct master *m);

/* How many are connected; an open serial port counts as one. */
size_t master_count(const struct master *m);

/* The link is up (there is one at a time), brought one whole ADU, begins no more requests (they
 * get 0A), is gone (what is open gets 0B). */
void master_link_up(struct master *m, const struct master_link *to);
void master_link_answer(struct master *m, struct span adu);
void master_link_finish(struct master *m);
void master_link_down(struct master *m);

/* Requests that the link has not answered yet. */
size_t master_pending(const struct master *m);

/* May writes pass, as far as the verdict on the server's certificate goes? At first yes, and again
 * with each link. */
void master_allow_writes(struct master *m, bool allowed);

#endif
