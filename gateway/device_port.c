/* A device's own port: who it is lent to, and what becomes of its bytes while nobody has it. */
#include <string.h>

#include "gateway/device_private.h"
#include "gateway/log.h"

static void device_port_on_up(void *owner);
static void device_port_on_data(void *owner, struct span data);
static void device_port_on_eof(void *owner);
static void device_port_on_drained(void *owner);
static void device_port_on_down(void *owner, const struct fault *f);
static void device_port_on_closed(void *owner);

static const struct port_events port_events = {
    .on_up = device_port_on_up,
    .on_data = device_port_on_data,
    .on_eof = device_port_on_eof,
    .on_drained = device_port_on_drained,
    .on_down = device_port_on_down,
    .on_closed = device_port_on_closed,
};

void device_port_start(struct device *d)
{
    struct port_settings settings = {
        .port = &d->host.conf->port,
        .line = &d->host.conf->line,
        .dial_timeout_ms = d->host.conf->dial_timeout_ms,
    };
    d->port = port_new(d->settings.io, &settings, &port_events, d);
    if (d->port != NULL) {
        d->port_closed = false;
        port_start(d->port);
    }
}

static void device_lend(struct device *d, struct session *s)
{
    d->port_user = s;
    session_lend_port(s, port_endpoint(d->port));
}

/* Nobody has the port: what the device says meanwhile is thrown away and counted, or it is braked.
 */
static void device_idle_port(struct device *d)
{
    struct endpoint *ep = d->port != NULL ? port_endpoint(d->port) : NULL;
    if (ep == NULL || d->port_user != NULL) {
        return;
    }
    if (d->host.conf->while_down == CONF_DOWN_BLOCK) {
        endpoint_read_stop(ep);
    } else {
        endpoint_read_start(ep);
    }
}

static void device_refuse(struct device *d, struct session *s, enum fault_code code,
                          const char *note)
{
    struct fault f = {0};
    fault_set(&f, code, FAULT_SIDE_SERVER, note, NULL);
    d->host.refusals++;
    session_break(s, &f);
}

/* An accepted link came up. The port goes to one link at a time; a newer link of the same peer
 * takes over, because the old one is then a connection that died without a word. */
void device_port_claim(struct device *d, struct session *s)
{
    struct session *user = d->port_user;
    if (port_endpoint(d->port) == NULL || d->host.is_unbound) {
        device_refuse(d, s, FAULT_GONE, "the device is not there");
    } else if (user == NULL) {
        device_lend(d, s);
    } else if (strcmp(session_peer_fingerprint(user), session_peer_fingerprint(s)) == 0) {
        struct fault f = {0};
        fault_set(&f, FAULT_REPLACED, FAULT_SIDE_SERVER, "a newer link of the same peer took over",
                  NULL);
        session_break(user, &f); /* gives the port back: device_port_on_local_back lends it on */
    } else {
        device_refuse(d, s, FAULT_BUSY, "another peer holds the device");
    }
}

/* A link that waits for the port. */
static struct session *device_port_heir(const struct device *d)
{
    for (struct session *s = d->sessions; s != NULL; s = *session_next_slot(s)) {
        if (!session_has_local(s) &&
            (!d->host.conf->listens || session_state(s) == SESSION_STATE_UP)) {
            return s;
        }
    }
    return NULL;
}

void device_port_on_local_back(struct session_host *host, struct session *s, bool was_up)
{
    struct device *d = (struct device *)(void *)host;
    (void)s; /* it is d->port_user */
    d->port_user = NULL;
    if (d->stopping) {
        return;
    }
    if (was_up && d->host.conf->port.kind == CONF_PORT_TCP) {
        port_reset(d->port, true);
        return;
    }
    struct session *heir = device_port_heir(d);
    if (heir != NULL && port_endpoint(d->port) != NULL) {
        device_lend(d, heir);
    } else {
        device_idle_port(d);
    }
}

static void device_port_on_up(void *owner)
{
    struct device *d = owner;
    d->port_since_s = io_wall_s();
    struct log_field field = LOG_TEXT("port", d->host.conf->port.text);
    log_event(CONF_LOG_INFO, d->host.conf->name, "device-there", &field, 1);
    framer_reset(&d->host.idle_framer);
    device_binding_on_port(d, true);
    device_port_use(d);
}

void device_port_use(struct device *d)
{
    if (d->host.is_unbound || d->port_user != NULL || port_endpoint(d->port) == NULL) {
        return; /* nobody reads it: what a stranger says is not this device's */
    }
    struct session *heir = device_port_heir(d);
    if (heir == NULL) {
        device_idle_port(d);
        return;
    }
    device_lend(d, heir);
    bool waits_out = session_state(heir) == SESSION_STATE_WAITING && session_wait_left_ms(heir) > 0;
    if (!d->host.conf->listens && d->host.conf->start == CONF_START_ALWAYS && !waits_out) {
        session_start(heir);
    }
}

/* start = data: the device spoke. A back-off that runs is waited out. */
static void device_wake(struct device *d, struct session *s)
{
    enum session_state state = session_state(s);
    d->data_waits = state != SESSION_STATE_UP;
    if (state == SESSION_STATE_DOWN ||
        (state == SESSION_STATE_WAITING && session_wait_left_ms(s) == 0)) {
        session_start(s);
    }
}

static void device_port_on_data(void *owner, struct span data)
{
    struct device *d = owner;
    if (d->port_user != NULL) {
        session_port_data(d->port_user, data);
        if (!d->host.conf->listens && d->port_user != NULL) {
            device_wake(d, d->port_user);
        }
        return;
    }
    d->host.device_data_ms = io_now_ms(d->settings.io);
    d->host.up.lost += data.len;
    session_tell_drop(&d->host);
    while (data.len > 0) { /* follow the framing, so that a new link starts at a message's edge */
        struct framer_cut cut = framer_step(&d->host.idle_framer, data);
        data = span_after(data, cut.len);
    }
}

static void device_port_on_eof(void *owner)
{
    struct device *d = owner;
    struct session *user = d->port_user;
    if (user != NULL && session_port_eof(user)) {
        return;
    }
    if (user != NULL) {
        struct fault f = {0};
        fault_set(&f, FAULT_CLOSED, FAULT_SIDE_DEVICE, "the device left before a link was up",
                  NULL);
        d->port_user = NULL;
        session_port_gone(user, &f);
    }
    port_reset(d->port, false);
}

static void device_port_on_drained(void *owner)
{
    struct device *d = owner;
    if (d->port_user != NULL) {
        session_port_drained(d->port_user);
    }
}

static void device_port_on_down(void *owner, const struct fault *f)
{
    struct device *d = owner;
    struct session *user = d->port_user;
    struct fault copy = *f;
    d->port_since_s = io_wall_s();
    device_note_fault(d, &copy);
    log_fault(CONF_LOG_WARNING, d->host.conf->name, "device-gone", &copy);
    d->port_user = NULL;
    device_binding_on_port(d, false);
    if (user != NULL) {
        session_port_gone(user, &copy);
    }
}

static void device_port_on_closed(void *owner)
{
    struct device *d = owner;
    d->port_closed = true;
    device_check_stopped(d);
}
