#include "gateway/bus.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "certs/mem.h"
#include "gateway/bus_private.h"

/* ---- telling the devices ---- */

void bus_note(struct bus_device *d, const char *event, uint8_t unit, uint8_t function)
{
    char note[64];

    if (d == NULL || d->on_note == NULL) {
        return;
    }
    (void)snprintf(note, sizeof note, "unit %u function %u", (unsigned)unit,
                   (unsigned)function); /* always fits */
    d->on_note(d->owner, event, note);
}

void bus_count_exception(struct bus_counters *n, enum modbus_exception code)
{
    switch (code) {
    case MODBUS_FINE:
        break;
    case MODBUS_ILLEGAL_FUNCTION:
        n->denied++;
        break;
    case MODBUS_ILLEGAL_VALUE:
        n->malformed++;
        break;
    case MODBUS_BUSY:
        n->busy++;
        break;
    case MODBUS_NO_PATH:
        n->unavailable++;
        break;
    case MODBUS_NO_ANSWER:
        n->no_answer++;
        break;
    }
}

struct bus_counters *bus_junk_counters(struct bus *b)
{
    if (b->wire.device != NULL) {
        return &b->wire.device->counters;
    }
    return b->devices != NULL ? &b->devices->counters : NULL;
}

/* Each device hears of each change at most once, also when its owner attaches or detaches devices
 * from inside the call, and when the port changes again meanwhile. */
static void tell_port(struct bus *b)
{
    struct bus_device *d = b->devices;

    b->changes++;
    while (d != NULL) {
        if (d->told == b->changes || d->on_port == NULL) {
            d = d->next;
            continue;
        }
        d->told = b->changes;
        d->on_port(d->owner, b->state == BUS_DOWN ? &b->fault : NULL);
        d = b->devices;
    }
}

/* ---- the port's events ---- */

static void on_port_down(void *owner, const struct fault *f)
{
    struct bus *b = owner;

    if (b->closing) {
        return;
    }
    for (struct bus_device *d = b->devices; d != NULL; d = d->next) {
        bus_device_hold(d, d->conf->expect_count > 0); /* who comes back is not known */
    }
    b->fault = *f;
    bus_line_down(b);
    tell_port(b);
}

/* The port goes back and is opened anew in a while. That it is the same as last time is not told
 * again. */
static void lose_without_timer(struct bus *b, const struct fault *f)
{
    bool is_told = b->fault.code == f->code && b->fault.side == f->side;

    port_reset(b->port, false);
    if (!is_told) {
        on_port_down(b, f);
    }
}

static void on_port_up(void *owner)
{
    struct bus *b = owner;
    struct fault f;

    if (b->closing) {
        return;
    }
    if (bus_line_open(b, &f) != 0) {
        lose_without_timer(b, &f);
        return;
    }
    fault_clear(&b->fault);
    bus_line_up(b);
    tell_port(b);
}

void bus_lose_port(struct bus *b, const struct fault *f, bool at_once)
{
    port_reset(b->port, at_once);
    on_port_down(b, f);
}

static void on_port_data(void *owner, struct span data)
{
    struct bus *b = owner;

    if (b->closing) {
        return;
    }
    if (bus_is_tcp(b)) {
        bus_tcp_data(b, data);
    } else {
        bus_rtu_data(b, data);
    }
}

/* Many devices close a link that was idle for a while: dial again at once, but not in a circle
 * when the device closes each link without a word. */
static void on_port_eof(void *owner)
{
    struct bus *b = owner;
    struct fault f;

    if (b->closing) {
        return;
    }
    (void)fault_set(&f, FAULT_CLOSED, FAULT_SIDE_DEVICE, "device closed the connection", NULL);
    bus_lose_port(b, &f, b->tcp_was_answered);
}

void bus_count_closed(struct bus *b)
{
    b->open--;
    if (b->open == 0) {
        b->on_closed(b->owner);
    }
}

static void on_port_closed(void *owner)
{
    bus_count_closed(owner);
}

static void on_timer_closed(uv_handle_t *timer)
{
    bus_count_closed(timer->data);
}

static const struct port_events port_events = {
    .on_up = on_port_up,
    .on_data = on_port_data,
    .on_eof = on_port_eof,
    .on_down = on_port_down,
    .on_closed = on_port_closed,
};

/* ---- life ---- */

static bool copy_text(char **to, const char *from)
{
    *to = from == NULL ? NULL : mem_text(from);
    return from == NULL || *to != NULL;
}

/* The first device may be taken away while others stay on the bus. */
static bool copy_port(struct conf_port *to, const struct conf_port *from)
{
    to->kind = from->kind;
    to->address.port = from->address.port;
    return copy_text(&to->path, from->path) && copy_text(&to->text, from->text) &&
           copy_text(&to->address.host, from->address.host);
}

static void release(struct bus *b)
{
    mem_free(b->port_conf.path);
    mem_free(b->port_conf.text);
    mem_free(b->port_conf.address.host);
    mem_wipe_free(b, sizeof *b);
}

struct bus *bus_new(struct io *io, const struct conf_device *first, void (*on_closed)(void *owner),
                    void *owner)
{
    struct bus *b = mem_new(1, sizeof *b);
    struct port_settings settings = {.dial_timeout_ms = first->dial_timeout_ms};

    if (b == NULL) {
        return NULL;
    }
    b->io = io;
    b->line = first->line;
    b->protocol = first->protocol;
    b->on_closed = on_closed;
    b->owner = owner;
    if (!bus_is_tcp(b)) {
        /* One more millisecond, because the loop's clock cuts fractions off. */
        b->silence_us = modbus_rtu_silence_us(b->line.rate);
        b->silence_ms = (b->silence_us + 999) / 1000 + 1;
        b->byte_gap_ms = b->silence_ms > BUS_BYTE_GAP_MS ? b->silence_ms : BUS_BYTE_GAP_MS;
        b->byte_gap_ms = bus_is_ascii(b) ? first->char_timeout_ms : b->byte_gap_ms;
    }
    (void)fault_set(&b->fault, FAULT_OPEN, FAULT_SIDE_DEVICE, "not open yet", NULL);
    settings.port = &b->port_conf;
    settings.line = &b->line;
    if (!copy_port(&b->port_conf, &first->port)) {
        release(b);
        return NULL;
    }
    b->port = port_new(io, &settings, &port_events, b);
    if (b->port == NULL) {
        release(b);
        return NULL;
    }
    (void)uv_timer_init(&io->loop, &b->timer); /* never fails */
    b->timer.data = b;
    b->open = 2;
    port_start(b->port);
    return b;
}

void bus_close(struct bus *b)
{
    if (b->closing) {
        return;
    }
    b->closing = true;
    (void)fault_set(&b->fault, FAULT_STOPPED, FAULT_SIDE_SELF, "closed", NULL);
    bus_line_down(b);
    uv_close((uv_handle_t *)&b->timer, on_timer_closed);
    bus_line_close(b);
    port_close(b->port);
}

void bus_free(struct bus *b)
{
    if (b == NULL) {
        return;
    }
    assert(b->open == 0 && b->devices == NULL);
    port_free(b->port);
    release(b);
}

/* ---- devices ---- */

bool bus_fits(const struct bus *b, const struct conf_device *d)
{
    return b->protocol == d->protocol && strcmp(b->port_conf.text, d->port.text) == 0 &&
           b->line.rate == d->line.rate && b->line.data_bits == d->line.data_bits &&
           b->line.parity == d->line.parity && b->line.stop_bits == d->line.stop_bits &&
           b->line.flow == d->line.flow && b->line.has_echo == d->line.has_echo;
}

struct bus_device *bus_attach(struct bus *b, const struct conf_device *conf,
                              void (*on_port)(void *owner, const struct fault *f),
                              void (*on_note)(void *owner, const char *event, const char *note),
                              void *owner)
{
    struct bus_device *d = mem_new(1, sizeof *d);

    if (d == NULL) {
        return NULL;
    }
    d->bus = b;
    d->conf = conf;
    d->access = conf->access;
    d->on_port = on_port;
    d->on_note = on_note;
    d->owner = owner;
    d->told = b->changes;
    d->is_held = conf->expect_count > 0;
    d->next = b->devices;
    b->devices = d;
    return d;
}

void bus_detach(struct bus_device *d)
{
    struct bus_device **at = &d->bus->devices;

    assert(d->clients == 0);
    while (*at != d) {
        at = &(*at)->next;
    }
    *at = d->next;
    if (d->bus->wire.device == d) {
        bus_write_abandoned(d->bus);
        d->bus->wire.device = NULL;
    }
    mem_free(d);
}

void bus_device_hold(struct bus_device *d, bool held)
{
    d->is_held = held;
}

void bus_device_doubt(struct bus_device *d, const struct bus_request *q)
{
    if (d != NULL && !d->is_held && d->conf->expect_count > 0) {
        d->is_held = true;
        bus_note(d, "identity-doubted", q->bus_unit, q->pdu[0]);
    }
}

size_t bus_device_count(const struct bus *b)
{
    size_t count = 0;

    for (const struct bus_device *d = b->devices; d != NULL; d = d->next) {
        count++;
    }
    return count;
}

const struct bus_counters *bus_device_counters(struct bus_device *d)
{
    d->counters.line_errors = port_line_errors(d->bus->port);
    return &d->counters;
}

const struct fault *bus_device_fault(const struct bus_device *d)
{
    return d->bus->state == BUS_DOWN ? &d->bus->fault : NULL;
}
