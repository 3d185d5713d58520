#include "gateway/port.h"

#include <assert.h>

#include <uv.h>

#include "certs/mem.h"

enum {
    SERIAL_LOOK_MS = 1000, /* a node that returns is open within 2 s */
    DIAL_MIN_MS = 500,
    DIAL_FIRST_MAX_MS = 1000, /* doubles with each failure in a row, up to */
    DIAL_MAX_MS = 5000,
    STEADY_MS = 5000, /* a connection that lasted so long was a good one */
};

struct port {
    struct io *io;
    struct port_settings settings;
    struct port_events events;
    void *owner;
    uv_timer_t timer;    /* the next try */
    struct endpoint *ep; /* up, dialing, or closing */
    bool started;
    bool is_up;
    bool told_down; /* on_down was called since the last on_up */
    bool resetting; /* the owner asked for a new endpoint */
    bool at_once;   /* and does not want to wait for it */
    bool closing;
    bool timer_open;
    unsigned failures; /* in a row */
    uint64_t up_since_ms;
    struct fault fault;
    uint64_t past_line_errors; /* of endpoints that are gone */
};

static void port_on_timer(uv_timer_t *timer);

static uint64_t port_pick_wait(const struct port *p)
{
    uint64_t most = DIAL_FIRST_MAX_MS;
    uint32_t dice = 0;
    if (p->settings.port->kind == CONF_PORT_SERIAL) {
        return SERIAL_LOOK_MS;
    }
    for (unsigned i = 1; i < p->failures && most < DIAL_MAX_MS; i++) {
        most *= 2;
    }
    most = most > DIAL_MAX_MS ? DIAL_MAX_MS : most;
    /* Many devices behind one switch come back together; jitter keeps us from dialling them so. */
    (void)uv_random(NULL, NULL, &dice, sizeof(dice), 0, NULL);
    return DIAL_MIN_MS + dice % (most - DIAL_MIN_MS + 1);
}

static void port_try_later(struct port *p, uint64_t wait_ms)
{
    io_refresh(p->io);
    (void)uv_timer_start(&p->timer, port_on_timer, wait_ms, 0);
}

static void port_on_up(struct port *p)
{
    p->is_up = true;
    p->told_down = false;
    p->up_since_ms = io_now_ms(p->io);
    fault_clear(&p->fault);
    if (p->events.on_up != NULL) {
        p->events.on_up(p->owner);
    }
}

/* There is no endpoint any more, or there never was one. */
static void port_on_failed(struct port *p, const struct fault *f)
{
    bool tell = p->is_up || !p->told_down;
    p->failures++;
    if (p->is_up && io_now_ms(p->io) - p->up_since_ms >= STEADY_MS) {
        p->failures = 1;
    }
    p->is_up = false;
    p->told_down = true;
    p->fault = *f;
    port_try_later(p, port_pick_wait(p));
    if (tell && p->events.on_down != NULL) {
        p->events.on_down(p->owner, &p->fault);
    }
}

static void port_tell_closed(struct port *p)
{
    if (p->ep == NULL && !p->timer_open) {
        p->events.on_closed(p->owner);
    }
}

static void port_on_timer_closed(uv_handle_t *handle)
{
    struct port *p = handle->data;
    p->timer_open = false;
    port_tell_closed(p);
}

static void port_on_open(void *owner)
{
    struct port *p = owner;
    if (!p->closing && !p->resetting) {
        port_on_up(p);
    }
}

static void port_on_data(void *owner, struct span data)
{
    struct port *p = owner;
    if (!p->closing && !p->resetting && p->events.on_data != NULL) {
        p->events.on_data(p->owner, data);
    }
}

static void port_on_eof(void *owner)
{
    struct port *p = owner;
    if (!p->closing && !p->resetting && p->events.on_eof != NULL) {
        p->events.on_eof(p->owner);
    }
}

static void port_on_drained(void *owner)
{
    struct port *p = owner;
    if (!p->closing && !p->resetting && p->events.on_drained != NULL) {
        p->events.on_drained(p->owner);
    }
}

static void port_on_endpoint_closed(void *owner, const struct fault *cause)
{
    struct port *p = owner;
    struct fault why = *cause; /* it lives in the endpoint */
    p->past_line_errors += endpoint_line_errors(p->ep);
    endpoint_free(p->ep);
    p->ep = NULL;
    if (p->closing) {
        port_tell_closed(p);
    } else if (p->resetting) {
        p->resetting = false;
        port_try_later(p, p->at_once ? 0 : port_pick_wait(p));
    } else {
        port_on_failed(p, &why);
    }
}

static const struct endpoint_events port_endpoint_events = {
    .on_open = port_on_open,
    .on_data = port_on_data,
    .on_eof = port_on_eof,
    .on_drained = port_on_drained,
    .on_closed = port_on_endpoint_closed,
};

static void port_on_timer(uv_timer_t *timer)
{
    struct port *p = timer->data;
    struct fault f;
    if (p->closing || p->ep != NULL) {
        return;
    }
    const struct conf_port *to = p->settings.port;
    const struct endpoint_owner owner = {
        .events = &port_endpoint_events, .self = p, .side = FAULT_SIDE_DEVICE};
    fault_clear(&f);
    if (to->kind == CONF_PORT_SERIAL) {
        p->ep = endpoint_open_serial(p->io, to->path, p->settings.line, &owner, &f);
    } else {
        p->ep = endpoint_dial(p->io, &to->address, p->settings.dial_timeout_ms, &owner, &f);
    }
    if (p->ep == NULL) {
        port_on_failed(p, &f);
    } else if (to->kind == CONF_PORT_SERIAL) {
        port_on_up(p); /* a serial port is open at once */
    }
}

struct port *port_new(struct io *io, const struct port_settings *settings,
                      const struct port_events *events, void *owner)
{
    assert(events->on_closed != NULL && settings->port->kind != CONF_PORT_TCP_LISTEN);
    struct port *p = mem_new(1, sizeof(*p));
    if (p == NULL) {
        return NULL;
    }
    p->io = io;
    p->settings = *settings;
    p->events = *events;
    p->owner = owner;
    (void)uv_timer_init(&io->loop, &p->timer); /* cannot fail */
    p->timer.data = p;
    p->timer_open = true;
    return p;
}

void port_start(struct port *p)
{
    if (!p->started && !p->closing) {
        p->started = true;
        port_try_later(p, 0);
    }
}

struct endpoint *port_endpoint(struct port *p)
{
    return p->is_up && !p->closing && !p->resetting ? p->ep : NULL;
}

void port_reset(struct port *p, bool at_once)
{
    if (!p->started || p->closing) {
        return;
    }
    p->at_once = at_once;
    if (p->ep == NULL) {
        /* It waits for its next try. */
        if (at_once) {
            port_try_later(p, 0);
        }
        return;
    }
    if (p->is_up) {
        /* A device that ends each connection is not dialled in a storm. */
        p->failures = io_now_ms(p->io) - p->up_since_ms >= STEADY_MS ? 0 : p->failures + 1;
    }
    p->is_up = false;
    p->resetting = true;
    endpoint_close(p->ep, NULL);
}

void port_close(struct port *p)
{
    if (p->closing) {
        return;
    }
    p->closing = true;
    p->is_up = false;
    if (p->ep != NULL) {
        endpoint_close(p->ep, NULL);
    }
    uv_close((uv_handle_t *)&p->timer, port_on_timer_closed);
}

void port_free(struct port *p)
{
    if (p != NULL) {
        assert(p->closing && p->ep == NULL && !p->timer_open);
        mem_free(p);
    }
}

uint64_t port_line_errors(const struct port *p)
{
    return p->past_line_errors + (p->ep != NULL ? endpoint_line_errors(p->ep) : 0);
}

const struct fault *port_fault(const struct port *p)
{
    return &p->fault;
}
