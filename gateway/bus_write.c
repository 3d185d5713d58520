/* Writes: what became of each, and who may write now. */
#include <stdio.h>
#include <string.h>

#include "gateway/bus_private.h"
#include "protocols/modbus_policy.h"

/* Which items it writes; count 0: a function without a range, or a malformed request. */
static void fill_range(struct bus_write *w, const struct bus_request *q)
{
    struct span pdu = span_of(q->pdu, q->len);
    struct modbus_range ranges[2];
    size_t count = modbus_pdu_check(pdu) == MODBUS_FINE ? modbus_policy_ranges(pdu, ranges) : 0;

    for (size_t i = 0; i < count; i++) {
        if (ranges[i].writes && ranges[i].kind != MODBUS_KIND_FUNCTION) {
            w->address = ranges[i].first;
            w->count = (uint16_t)(ranges[i].last - ranges[i].first + 1);
        }
    }
}

static void count_write(struct bus_counters *n, enum bus_outcome outcome)
{
    switch (outcome) {
    case BUS_WRITE_CONFIRMED:
        n->writes_confirmed++;
        break;
    case BUS_WRITE_REFUSED:
        n->writes_refused++;
        break;
    case BUS_WRITE_UNKNOWN:
        n->writes_unknown++;
        break;
    case BUS_WRITE_UNSENT:
        n->writes_unsent++;
        break;
    }
}

static void tell(struct bus_device *d, const struct bus_request *q, const char *peer,
                 struct bus_write *w)
{
    w->unit = q->bus_unit != 0 ? q->bus_unit : q->unit; /* not mapped: as the master wrote it */
    w->function = q->pdu[0];
    w->peer = peer;
    fill_range(w, q);
    count_write(&d->counters, w->outcome);
    if (d->on_write != NULL) {
        d->on_write(d->owner, w);
    }
}

void bus_write_sent(struct bus *b)
{
    struct bus_wire *w = &b->wire;

    if (w->request.is_write) {
        w->device->counters.writes_sent++;
        (void)snprintf(w->peer, sizeof w->peer, "%s", w->client->peer);
    }
}

void bus_write_ended(struct bus *b, enum bus_outcome outcome, uint8_t exception)
{
    struct bus_wire *w = &b->wire;
    struct bus_write write = {.outcome = outcome, .exception = exception};

    if (w->request.is_write && w->device != NULL) {
        tell(w->device, &w->request, w->peer, &write);
    }
}

void bus_write_abandoned(struct bus *b)
{
    if (b->state == BUS_ASKING) {
        bus_write_ended(b, BUS_WRITE_UNKNOWN, 0);
    }
}

void bus_write_unsent(struct bus_client *c, const struct bus_request *q, uint8_t exception)
{
    struct bus_write write = {.outcome = BUS_WRITE_UNSENT, .exception = exception};

    if (q->is_write) {
        tell(c->device, q, c->peer, &write);
    }
}

void bus_device_on_write(struct bus_device *d,
                         void (*on_write)(void *owner, const struct bus_write *w))
{
    d->on_write = on_write;
}

/* ---- the lease ---- */

void bus_client_set_peer(struct bus_client *c, const char *name, const char *key)
{
    (void)snprintf(c->peer, sizeof c->peer, "%s", name); /* cut when longer: for people */
    (void)snprintf(c->key, sizeof c->key, "%s", key);    /* a fingerprint fits */
}

/* Is it somebody else's turn to write? */
static bool is_leased_to_other(const struct bus_client *c)
{
    const struct bus_lease *l = &c->device->lease;

    return io_now_ms(c->device->bus->io) < l->until_ms && strcmp(l->key, c->key) != 0;
}

bool bus_lease_take(const struct bus_client *c)
{
    struct bus_device *d = c->device;
    uint64_t now = io_now_ms(d->bus->io);

    if (d->conf->write_lease_ms == 0) {
        return true;
    }
    if (is_leased_to_other(c)) {
        return false;
    }
    if (now >= d->lease.until_ms || strcmp(d->lease.key, c->key) != 0) {
        d->lease.since_ms = now;
    }
    d->lease.until_ms = now + d->conf->write_lease_ms;
    (void)snprintf(d->lease.key, sizeof d->lease.key, "%s", c->key);
    (void)snprintf(d->lease.peer, sizeof d->lease.peer, "%s", c->peer);
    return true;
}

const char *bus_device_lease(const struct bus_device *d, uint64_t *left_ms)
{
    uint64_t now = io_now_ms(d->bus->io);

    if (now >= d->lease.until_ms) {
        return NULL;
    }
    *left_ms = d->lease.until_ms - now;
    return d->lease.peer;
}
