#include <assert.h>
#include <string.h>

#include "certs/mem.h"
#include "gateway/bus_private.h"

bool bus_queue_put(struct bus_client *c, const struct bus_request *q)
{
    if (c->count >= BUS_WAITING_MAX) {
        return false;
    }
    if (c->ring == NULL) {
        c->ring = mem_new(BUS_WAITING_MAX, sizeof *c->ring);
        if (c->ring == NULL) {
            return false;
        }
    }
    c->ring[(c->first + c->count) % BUS_WAITING_MAX] = *q;
    c->count++;
    return true;
}

bool bus_queue_take(struct bus_client *c, struct bus_request *q)
{
    if (c->count == 0) {
        return false;
    }
    *q = c->ring[c->first];
    c->first = (c->first + 1) % BUS_WAITING_MAX;
    c->count--;
    if (c->count == 0) {
        /* A master that asks nothing holds no buffer, and what it asked is wiped. */
        mem_wipe_free(c->ring, BUS_WAITING_MAX * sizeof *c->ring);
        c->ring = NULL;
        c->first = 0;
    }
    return true;
}

const struct bus_request *bus_queue_head(const struct bus_client *c)
{
    return c->count > 0 ? &c->ring[c->first] : NULL;
}

static const struct bus_request *waiting_at(const struct bus_client *c, size_t at)
{
    return &c->ring[(c->first + at) % BUS_WAITING_MAX];
}

/* Take the one at this place of the queue; the others keep their order. False: it is behind the
 * end. */
static bool take_at(struct bus_client *c, size_t at, struct bus_request *q)
{
    struct bus_request found;

    if (at >= c->count) {
        return false;
    }
    /* What was before it moves up, so that it is the first. */
    found = *waiting_at(c, at);
    for (; at > 0; at--) {
        c->ring[(c->first + at) % BUS_WAITING_MAX] = *waiting_at(c, at - 1);
    }
    c->ring[c->first] = found;
    return bus_queue_take(c, q);
}

bool bus_queue_take_write(struct bus_client *c, struct bus_request *q)
{
    size_t at = 0;

    while (at < c->count && !waiting_at(c, at)->is_write) {
        at++;
    }
    return take_at(c, at, q);
}

bool bus_queue_has(const struct bus *b, const struct bus_client *c)
{
    const struct bus_client *at = b->first;
    while (at != NULL && at != c) {
        at = at->next;
    }
    return at != NULL;
}

void bus_queue_join(struct bus *b, struct bus_client *c)
{
    c->prev = b->last;
    c->next = NULL;
    if (b->last != NULL) {
        b->last->next = c;
    } else {
        b->first = c;
    }
    b->last = c;
}

void bus_queue_leave(struct bus *b, struct bus_client *c)
{
    if (c->prev != NULL) {
        c->prev->next = c->next;
    } else {
        b->first = c->next;
    }
    if (c->next != NULL) {
        c->next->prev = c->prev;
    } else {
        b->last = c->prev;
    }
    c->next = NULL;
    c->prev = NULL;
}

struct bus_client *bus_queue_next(const struct bus *b, uint64_t now_ms)
{
    for (struct bus_client *c = b->first; c != NULL; c = c->next) {
        /* What is too late is never sent. */
        if (c->count > 0 && c->ring[c->first].deadline_ms > now_ms) {
            return c;
        }
    }
    return NULL;
}

void bus_queue_served(struct bus *b, struct bus_client *c)
{
    bus_queue_leave(b, c);
    bus_queue_join(b, c);
}

bool bus_queue_is_waiting(const struct bus *b)
{
    for (const struct bus_client *c = b->first; c != NULL; c = c->next) {
        if (c->count > 0) {
            return true;
        }
    }
    return false;
}

uint64_t bus_queue_due(const struct bus *b)
{
    uint64_t due = BUS_NEVER;

    /* All requests of a master wait equally long: its first one is due first. */
    for (const struct bus_client *c = b->first; c != NULL; c = c->next) {
        if (c->count > 0 && c->ring[c->first].deadline_ms < due) {
            due = c->ring[c->first].deadline_ms;
        }
    }
    return due;
}

/* The first master whose first request is due at now_ms or before. */
static struct bus_client *find_due(const struct bus *b, uint64_t now_ms)
{
    for (struct bus_client *c = b->first; c != NULL; c = c->next) {
        if (c->count > 0 && c->ring[c->first].deadline_ms <= now_ms) {
            return c;
        }
    }
    return NULL;
}

/* Each refusal may change the list of masters: search anew after each. */
static void refuse_due(struct bus *b, uint64_t now_ms, enum modbus_exception code)
{
    struct bus_client *c = find_due(b, now_ms);

    while (c != NULL) {
        struct bus_request q;

        if (bus_queue_take(c, &q)) {
            bus_client_refuse(c, &q, code);
        }
        c = find_due(b, now_ms);
    }
}

void bus_queue_expire(struct bus *b, uint64_t now_ms)
{
    refuse_due(b, now_ms, MODBUS_BUSY);
}

void bus_queue_refuse_all(struct bus *b, enum modbus_exception code)
{
    /* New requests are refused at once while the bus is down, so that this comes to an end. */
    assert(b->state == BUS_DOWN);
    refuse_due(b, BUS_NEVER, code);
}

/* ---- units ---- */

static bool asks_unit(const struct bus_client *c, uint8_t unit)
{
    size_t at = 0;

    while (at < c->count && waiting_at(c, at)->bus_unit != unit) {
        at++;
    }
    return at < c->count;
}

bool bus_queue_has_unit(const struct bus *b, uint8_t unit)
{
    const struct bus_client *c = b->first;

    while (c != NULL && !asks_unit(c, unit)) {
        c = c->next;
    }
    return c != NULL;
}

static bool take_refused(struct bus *b, struct bus_client *c, struct bus_request *q)
{
    size_t at = 0;

    while (at < c->count && !b->units[waiting_at(c, at)->bus_unit].is_refusing) {
        at++;
    }
    return take_at(c, at, q);
}

/* The first master that has such a request, which is taken. */
static struct bus_client *find_refused(struct bus *b, struct bus_request *q)
{
    struct bus_client *c = b->first;

    while (c != NULL && !take_refused(b, c, q)) {
        c = c->next;
    }
    return c;
}

void bus_queue_refuse_silent(struct bus *b)
{
    struct bus_request q;
    struct bus_client *c = NULL;

    if (!b->is_refusing) {
        return;
    }
    /* A silent unit takes no new requests, so that this comes to an end. */
    c = find_refused(b, &q);
    while (c != NULL) {
        bus_client_refuse(c, &q, MODBUS_NO_PATH);
        c = find_refused(b, &q);
    }
    b->is_refusing = false;
    for (size_t i = 0; i < 256; i++) {
        b->units[i].is_refusing = false;
    }
}
