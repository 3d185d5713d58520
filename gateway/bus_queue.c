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

bool bus_queue_take_write(struct bus_client *c, struct bus_request *q)
{
    size_t at = 0;
    while (at < c->count && !c->ring[(c->first + at) % BUS_WAITING_MAX].is_write) {
        at++;
    }
    if (at == c->count) {
        return false;
    }
    /* What was before it moves up, so that it is the first. */
    struct bus_request found = c->ring[(c->first + at) % BUS_WAITING_MAX];
    for (; at > 0; at--) {
        c->ring[(c->first + at) % BUS_WAITING_MAX] = c->ring[(c->first + at - 1) % BUS_WAITING_MAX];
    }
    c->ring[c->first] = found;
    return bus_queue_take(c, q);
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

/* A unit that does not answer holds the line for two timeouts each time. While others ask, it gets
 * a turn only now and then. */
static bool unit_has_turn(const struct bus *b, uint8_t unit, uint64_t now_ms)
{
    const struct bus_unit *u = &b->units[unit];

    return u->misses < BUS_SILENT_AFTER || now_ms >= u->probe_ms;
}

struct bus_client *bus_queue_next(const struct bus *b, uint64_t now_ms)
{
    struct bus_client *silent = NULL;

    for (struct bus_client *c = b->first; c != NULL; c = c->next) {
        if (c->count == 0 || c->ring[c->first].deadline_ms <= now_ms) {
            continue; /* what is too late is never sent */
        }
        if (unit_has_turn(b, c->ring[c->first].bus_unit, now_ms)) {
            return c;
        }
        if (silent == NULL) {
            silent = c;
        }
    }
    return silent;
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
