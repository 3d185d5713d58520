#include <assert.h>

#include "gateway/bus_private.h"

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static struct bus_unit *wire_unit(struct bus *b)
{
    return &b->units[b->wire.request.bus_unit];
}

static struct span wire_pdu(const struct bus *b)
{
    return span_of(b->wire.request.pdu, b->wire.request.len);
}

static bool is_exception(struct span pdu)
{
    uint8_t code = 0;

    return span_at(pdu, 0, &code) && (code & MODBUS_EXCEPTION_FLAG) != 0;
}

/* ---- silent units ---- */

bool bus_unit_is_silent(const struct bus *b, uint8_t unit)
{
    return b->units[unit].misses >= BUS_SILENT_AFTER;
}

bool bus_unit_refuses(const struct bus *b, const struct bus_request *q)
{
    const struct bus_unit *u = &b->units[q->bus_unit];

    if (!bus_unit_is_silent(b, q->bus_unit)) {
        return false;
    }
    /* Whether a write got through must not be found out by writing. */
    return q->is_write || io_now_ms(b->io) < u->again_ms ||
           (b->state == BUS_ASKING && b->wire.request.bus_unit == q->bus_unit) ||
           bus_queue_has_unit(b, q->bus_unit);
}

static unsigned count_silent(const struct bus *b)
{
    unsigned count = 0;

    for (size_t i = 0; i < 256; i++) {
        count += bus_unit_is_silent(b, (uint8_t)i) ? 1 : 0;
    }
    return count;
}

/* Does another unit of this line answer these days? */
static bool is_shared(const struct bus *b, const struct bus_unit *but)
{
    uint64_t now = io_now_ms(b->io);

    for (size_t i = 0; i < 256; i++) {
        const struct bus_unit *u = &b->units[i];

        if (u != but && u->answered_ms != 0 && now - u->answered_ms < BUS_SHARED_MS) {
            return true;
        }
    }
    return false;
}

/* How long a silent unit is left alone. The wait doubles from try to try. Each try holds the line
 * for its timeout and as long again behind it: where others need the line, all silent units
 * together get a tenth of its time, so that the others keep nine tenths of their pace. */
static uint64_t again_wait(const struct bus *b, const struct bus_unit *u)
{
    uint64_t wait = BUS_AGAIN_FIRST_MS;
    uint64_t cost = (bus_is_tcp(b) ? 1U : 2U) * (uint64_t)b->wire.timeout_ms;

    for (uint8_t i = 0; i < u->tries && wait < BUS_AGAIN_MOST_MS; i++) {
        wait *= 2;
    }
    wait = wait > BUS_AGAIN_MOST_MS ? BUS_AGAIN_MOST_MS : wait;
    return is_shared(b, u) ? max_u64(wait, BUS_AGAIN_SHARE * cost * count_silent(b)) : wait;
}

void bus_unit_missed(struct bus *b)
{
    struct bus_unit *u = wire_unit(b);
    bool was_silent = u->misses >= BUS_SILENT_AFTER;

    if (!bus_is_tcp(b)) {
        modbus_debt_add(&u->debt, wire_pdu(b), b->wire.is_barrier);
    }
    if (!was_silent) {
        u->misses++;
    } else if (u->tries < UINT8_MAX) {
        u->tries++;
    }
    if (u->misses >= BUS_SILENT_AFTER) {
        u->again_ms = io_now_ms(b->io) + again_wait(b, u);
        u->is_refusing = true;
        b->is_refusing = true;
    }
    if (!was_silent && u->misses >= BUS_SILENT_AFTER) {
        bus_note(b->wire.device, "unit-silent", b->wire.request.bus_unit, b->wire.request.pdu[0]);
    }
}

static void end_silence(struct bus *b, struct bus_unit *u)
{
    bool was_silent = u->misses >= BUS_SILENT_AFTER;

    u->misses = 0;
    u->tries = 0;
    if (was_silent) {
        bus_note(b->wire.device, "unit-back", b->wire.request.bus_unit, b->wire.request.pdu[0]);
    }
}

void bus_unit_answered(struct bus *b, struct span pdu)
{
    struct bus_unit *u = wire_unit(b);

    u->answered_ms = io_now_ms(b->io);
    if (!bus_is_tcp(b)) {
        modbus_debt_settle(&u->debt, wire_pdu(b), b->wire.is_barrier, pdu);
    }
    /* A read that is refused tells less than a loop-back that is: perhaps that is better. */
    if (b->wire.is_barrier && !(u->tried_read && is_exception(pdu))) {
        u->taste = u->tried_read ? BUS_TASTE_READ : BUS_TASTE_LOOPBACK;
    }
    end_silence(b, u);
}

void bus_unit_reset_all(struct bus *b)
{
    for (size_t i = 0; i < 256; i++) {
        b->units[i].misses = 0;
        b->units[i].tries = 0;
    }
}

size_t bus_device_silent(const struct bus_device *d, struct bus_silent *out, size_t most)
{
    uint64_t now = io_now_ms(d->bus->io);
    size_t count = 0;

    for (unsigned i = 0; i < CONF_UNITS; i++) {
        int unit = conf_unit(d->conf, i);

        /* Two names of one unit are one unit. */
        for (unsigned j = 0; j < i && unit >= 0; j++) {
            unit = conf_unit(d->conf, j) == unit ? -1 : unit;
        }
        if (unit < 0 || !bus_unit_is_silent(d->bus, (uint8_t)unit)) {
            continue;
        }
        if (count < most) {
            uint64_t again = d->bus->units[unit].again_ms;

            out[count].unit = (uint8_t)unit;
            out[count].again_in_ms = again > now ? again - now : 0;
        }
        count++;
    }
    return count;
}

/* ---- late answers ---- */

void bus_unit_paid(struct bus *b, struct span pdu)
{
    (void)modbus_debt_pay(&wire_unit(b)->debt, pdu); /* all that it could settle is settled */
}

bool bus_unit_owes(const struct bus *b, uint8_t unit, uint8_t function)
{
    return modbus_debt_owes(&b->units[unit].debt, function);
}

/* The kind that this unit answers; one after the other while nobody knows. The read first: a unit
 * that lacks function 08 may be slow to say so (libmodbus's server takes 500 ms). A line that
 * echoes would bring any loop-back back. */
static enum modbus_barrier next_barrier(const struct bus *b, struct bus_unit *u)
{
    if (b->is_echoing) {
        u->tried_read = true;
    } else if (u->taste == BUS_TASTE_UNKNOWN) {
        u->tried_read = !u->tried_read;
    } else {
        u->tried_read = u->taste == BUS_TASTE_READ;
    }
    return u->tried_read ? MODBUS_BARRIER_READ : MODBUS_BARRIER_LOOPBACK;
}

bool bus_unit_barrier(struct bus *b, const struct bus_request *q, struct bus_request *barrier)
{
    struct bus_unit *u = &b->units[q->bus_unit];
    struct span next = span_of(q->pdu, q->len);
    struct bus_request made = {.unit = q->unit, .bus_unit = q->bus_unit};
    struct room out = room_of(made.pdu, sizeof made.pdu);

    if (bus_is_tcp(b) || !modbus_debt_confuses(&u->debt, next)) {
        return false;
    }
    b->barriers++;
    if (!modbus_debt_put_barrier(&u->debt, next_barrier(b, u), next, b->barriers, &out)) {
        /* There is no such read; a loop-back there always is. */
        bool is_made = modbus_debt_put_barrier(&u->debt, MODBUS_BARRIER_LOOPBACK, next, b->barriers,
                                               &out);
        assert(is_made);
        u->tried_read = false;
    }
    made.len = (uint8_t)room_span(&out).len;
    *barrier = made;
    return true;
}
