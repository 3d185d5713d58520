#include "gateway/device.h"

#include <assert.h>
#include <string.h>

#include "certs/mem.h"
#include "gateway/device_private.h"
#include "gateway/log.h"
#include "gateway/weektime.h"

static void device_on_change(struct session_host *host, struct session *s);
static bool device_wants_dial(struct session_host *host, struct session *s);
static void device_on_ended(struct session_host *host, struct session *s);

/* ---- making and ending ---- */

/* A port of its own: a serial line, or a TCP device that is to be there before the server is
 * dialled. A TCP device behind a listener is dialled by each link instead. */
static bool device_needs_port(const struct conf_device *conf)
{
    return !conf->is_master && (conf->port.kind == CONF_PORT_SERIAL ||
                                (conf->port.kind == CONF_PORT_TCP && !conf->listens));
}

struct device *device_new(const struct device_settings *settings)
{
    struct device *d = mem_new(1, sizeof *d);
    if (d == NULL) {
        return NULL;
    }
    const struct conf_device *conf = settings->conf;
    d->settings = *settings;
    d->host = (struct session_host){
        .io = settings->io,
        .gate = settings->gate,
        .revocation = settings->revocation,
        .conf = conf,
        .identity = identity_hold(conf->identity),
        .trust = trust_hold(conf->trust),
        .dials_device = settings->bus == NULL && conf->port.kind == CONF_PORT_TCP && conf->listens,
        .own_seat = &d->own_seat,
        .on_change = device_on_change,
        .wants_dial = device_wants_dial,
        .on_local_back = device_port_on_local_back,
        .on_ended = device_on_ended,
    };
    framer_init(&d->host.idle_framer, session_framer_up(conf), conf->max_frame);
    d->host.is_unbound = conf->expect_count > 0;
    d->port_closed = true;
    d->port_since_s = io_wall_s();
    return d;
}

void device_free(struct device *d)
{
    if (d == NULL) {
        return;
    }
    assert(d->sessions == NULL);
    inquiry_leave(&d->own_seat);
    binding_free(d->binding);
    port_free(d->port);
    master_free(d->host.master);
    identity_release(d->host.identity);
    trust_release(d->host.trust);
    mem_free(d);
}

static struct session *device_add_session(struct device *d, bool redials)
{
    struct session *s = session_new(&d->host, redials);
    if (s == NULL) {
        struct fault f = {0};
        fault_set(&f, FAULT_MEMORY, FAULT_SIDE_SELF, "no memory for a link", NULL);
        log_fault(CONF_LOG_ERROR, d->host.conf->name, "link-refused", &f);
        return NULL;
    }
    *session_next_slot(s) = d->sessions;
    d->sessions = s;
    d->session_count++;
    return s;
}

void device_note_fault(struct device *d, const struct fault *f)
{
    d->host.last_fault = *f;
    d->host.last_fault_at_s = io_wall_s();
}

void device_tell_port(struct device *d, const struct fault *f)
{
    d->port_since_s = io_wall_s();
    if (f == NULL) {
        log_event(CONF_LOG_INFO, d->host.conf->name, "device-there", NULL, 0);
        device_binding_on_port(d, true);
        return;
    }
    struct fault copy = *f;
    device_note_fault(d, &copy);
    log_fault(CONF_LOG_WARNING, d->host.conf->name, "device-gone", &copy);
    device_binding_on_port(d, false);
}

static void device_bus_on_port(void *owner, const struct fault *f)
{
    device_tell_port(owner, f);
}

void device_tell_note(struct device *d, const char *event, const char *note)
{
    struct log_field field = LOG_TEXT("note", note);
    log_event(CONF_LOG_WARNING, d->host.conf->name, event, &field, 1);
    if (strcmp(event, "identity-doubted") == 0) {
        device_binding_doubt(d);
    }
}

static void device_bus_on_note(void *owner, const char *event, const char *note)
{
    device_tell_note(owner, event, note);
}

/* Without its port or bus a link would carry the hospital's bytes to nobody. */
static void device_tell_broken(struct device *d)
{
    struct fault f = {0};
    fault_set(&f, FAULT_MEMORY, FAULT_SIDE_SELF, "no memory for the device's port", NULL);
    device_note_fault(d, &f);
    log_fault(CONF_LOG_ERROR, d->host.conf->name, "device-failed", &f);
}

/* For rules that hold at certain times. */
static int32_t device_minute(void *owner)
{
    const struct device *d = owner;
    return revocation_trusts_clock(d->settings.revocation) ? weektime_minute(io_wall_s())
                                                           : MODBUS_POLICY_NO_TIME;
}

void device_start(struct device *d)
{
    const struct conf_device *conf = d->host.conf;
    d->started = true;
    d->started_ms = io_now_ms(d->settings.io);
    if (d->settings.bus != NULL) {
        d->host.bus = bus_attach(d->settings.bus, conf, device_bus_on_port, device_bus_on_note, d);
        d->broken = d->host.bus == NULL;
        if (!d->broken) {
            bus_device_use_time(d->host.bus, device_minute, d);
            bus_device_on_write(d->host.bus, device_bus_on_write);
        }
    } else if (conf->is_master) {
        d->broken = !device_master_start(d);
    } else if (device_needs_port(conf)) {
        device_port_start(d);
        d->broken = d->port == NULL;
    }
    d->broken = d->broken || !device_binding_start(d);
    if (d->broken) {
        device_tell_broken(d);
        return;
    }
    device_own_ask(d);
    bool waits_for_device = conf->port.kind == CONF_PORT_TCP_LISTEN &&
                            conf->start == CONF_START_DATA;
    if (conf->listens || waits_for_device) {
        return;
    }
    struct session *s = device_add_session(d, true);
    if (s != NULL && d->port == NULL) {
        session_start(s);
    }
}

void device_check_stopped(struct device *d)
{
    if (!d->stopping || d->stopped_told || d->sessions != NULL || !d->port_closed ||
        d->binding_open) {
        return;
    }
    d->stopped_told = true;
    inquiry_leave(&d->own_seat);
    if (d->host.bus != NULL) {
        bus_detach(d->host.bus);
        d->host.bus = NULL;
    }
    d->settings.on_stopped(d->settings.owner, d);
}

/* Every session has ended: nobody uses the device's side any more. */
static void device_close_side(struct device *d)
{
    if (d->sessions != NULL || d->port_closed) {
        return;
    }
    if (d->port != NULL) {
        port_close(d->port);
    } else if (d->host.master != NULL) {
        master_close(d->host.master);
    }
}

void device_stop(struct device *d, bool now)
{
    d->stopping = true;
    if (d->binding != NULL) {
        binding_close(d->binding);
    }
    struct session *next = NULL;
    for (struct session *s = d->sessions; s != NULL; s = next) {
        next = *session_next_slot(s);
        session_stop(s, now);
    }
    device_close_side(d);
    device_check_stopped(d);
}

void device_use(struct device *d, struct identity *identity, struct trust *trust)
{
    if (identity == d->host.identity && trust == d->host.trust) {
        return; /* nothing is new: what was found out about them holds */
    }
    identity_hold(identity);
    trust_hold(trust);
    identity_release(d->host.identity);
    trust_release(d->host.trust);
    d->host.identity = identity;
    d->host.trust = trust;
    if (d->started && !d->stopping) {
        device_own_ask(d);
    }
}

void device_use_access(struct device *d, const struct conf_access *access)
{
    if (d->host.bus != NULL) {
        bus_device_use_access(d->host.bus, access);
    }
}

/* ---- the sessions' events ---- */

static bool device_wants_dial(struct session_host *host, struct session *s)
{
    struct device *d = (struct device *)(void *)host;
    if (d->stopping || d->host.is_withdrawn || d->host.is_unbound) {
        return false; /* device_own.c and device_binding.c start it when all is good again */
    }
    if (d->port != NULL && !session_has_local(s)) {
        return false; /* device_port_on_up starts it */
    }
    if (d->host.conf->start == CONF_START_ALWAYS || d->settings.bus != NULL) {
        return true;
    }
    bool wanted = d->port != NULL ? d->data_waits : session_has_local(s);
    return wanted;
}

/* Is there another session that goes on? */
static bool device_has_other(const struct device *d, const struct session *than)
{
    for (struct session *s = d->sessions; s != NULL; s = *session_next_slot(s)) {
        enum session_state state = session_state(s);
        if (s != than && state != SESSION_STATE_STOPPING && state != SESSION_STATE_ENDED) {
            return true;
        }
    }
    return false;
}

/* A session that dials for a device which is not there: one stays ready when start = always. */
static bool device_is_spare(const struct device *d, const struct session *s)
{
    const struct conf_device *conf = d->host.conf;
    if (conf->port.kind != CONF_PORT_TCP_LISTEN || conf->listens || session_has_local(s)) {
        return false;
    }
    return conf->start == CONF_START_DATA || device_has_other(d, s);
}

static void device_on_change(struct session_host *host, struct session *s)
{
    struct device *d = (struct device *)(void *)host;
    enum session_state state = session_state(s);
    if (state == SESSION_STATE_UP) {
        d->data_waits = false; /* not before: what is held wants to be dialled for again */
    }
    if (d->stopping) {
        return;
    }
    if (state == SESSION_STATE_WAITING && device_is_spare(d, s)) {
        session_stop(s, true);
    } else if (state == SESSION_STATE_UP && d->host.conf->listens && d->port != NULL) {
        device_port_claim(d, s);
    }
}

static void device_on_ended(struct session_host *host, struct session *s)
{
    struct device *d = (struct device *)(void *)host;
    struct session **slot = &d->sessions;
    while (*slot != s) {
        slot = session_next_slot(*slot);
    }
    *slot = *session_next_slot(s);
    d->session_count--;
    if (d->port_user == s) {
        d->port_user = NULL;
    }
    session_free(s);
    if (!d->stopping) {
        return;
    }
    device_close_side(d);
    device_check_stopped(d);
}

/* ---- newcomers ---- */

void device_log_refused(struct device *d, const char *peer, enum fault_code code,
                        enum fault_side side, const char *note)
{
    struct fault f = {0};
    fault_set(&f, code, side, note, NULL);
    device_note_fault(d, &f);
    struct log_field fields[] = {
        LOG_TEXT("peer", peer),
        LOG_TEXT("cause", fault_code_name(code)),
        LOG_TEXT("side", fault_side_name(side)),
        LOG_TEXT("note", note),
    };
    log_event(CONF_LOG_WARNING, d->host.conf->name, "link-refused", fields, 4);
}

/* Nobody knows who a peer is whose handshake stalls: a stranger must not keep others out with it.
 * False: nobody stalls. */
static bool device_end_stalled(struct device *d)
{
    struct session *slowest = NULL;
    for (struct session *s = d->sessions; s != NULL; s = *session_next_slot(s)) {
        if (session_handshake_ms(s) >= DEVICE_STALLED_MS &&
            (slowest == NULL || session_handshake_ms(s) > session_handshake_ms(slowest))) {
            slowest = s;
        }
    }
    if (slowest == NULL) {
        return false;
    }
    struct fault f = {0};
    fault_set(&f, FAULT_TIMEOUT, FAULT_SIDE_SERVER,
              "its handshake stalled, and another peer needed the place (max_links)", NULL);
    session_break(slowest, &f);
    return true;
}

bool device_take_link(struct device *d, struct endpoint *secure, struct span hello)
{
    const char *why = NULL;
    enum fault_code code = FAULT_LIMIT;
    enum fault_side side = FAULT_SIDE_SERVER;
    if (d->broken) {
        why = "the device could not be started: no memory";
        code = FAULT_MEMORY;
    } else if (d->session_count >= d->host.conf->max_links && !device_end_stalled(d)) {
        why = "max_links is reached";
    } else if (d->host.is_withdrawn) {
        why = "the device is blocked, or its own certificate is revoked or over";
        code = FAULT_BLOCKED;
    } else if (d->port != NULL && port_endpoint(d->port) == NULL) {
        why = "the device is not there";
        code = FAULT_GONE;
        side = FAULT_SIDE_DEVICE;
    } else if (d->host.is_unbound) {
        why = device_binding_fault(d)->note;
        code = device_binding_fault(d)->code;
        side = FAULT_SIDE_DEVICE;
    }
    struct session *s = why == NULL && !d->stopping ? device_add_session(d, false) : NULL;
    if (s == NULL) {
        if (why != NULL) {
            d->host.refusals++;
            device_log_refused(d, endpoint_peer(secure), code, side, why);
        }
        return false;
    }
    session_accept(s, secure, hello);
    return true;
}

/* The session that a device's new connection goes to: one that is ready, or a new one. */
static struct session *device_session_for_local(struct device *d)
{
    struct session *best = NULL;
    for (struct session *s = d->sessions; s != NULL; s = *session_next_slot(s)) {
        /* A peer that dialled in and has not shown who it is gets no device's connection. */
        bool usable = d->host.conf->listens
                          ? session_state(s) == SESSION_STATE_UP
                          : session_is_alive(s) || session_state(s) == SESSION_STATE_WAITING;
        if (!session_has_local(s) && usable &&
            (best == NULL || session_state(s) == SESSION_STATE_UP)) {
            best = s;
        }
    }
    if (best == NULL && !d->host.conf->listens && d->session_count < d->host.conf->max_links) {
        best = device_add_session(d, true);
    }
    return best;
}

bool device_take_local(struct device *d, struct endpoint *local)
{
    if (d->host.conf->is_master) {
        return device_master_take(d, local);
    }
    struct session *s = d->stopping ? NULL : device_session_for_local(d);
    if (s == NULL) {
        bool alone = d->host.conf->listens;
        device_log_refused(d, endpoint_peer(local), alone ? FAULT_CLOSED : FAULT_LIMIT,
                           alone ? FAULT_SIDE_SERVER : FAULT_SIDE_DEVICE,
                           alone ? "no hospital is connected yet" : "max_links is reached");
        return false;
    }
    session_attach_local(s, local);
    /* Dial now; but a server that refused our certificate is not asked again for every knock. */
    bool cooling = session_own_refused(s) && session_wait_left_ms(s) > 0;
    enum session_state state = session_state(s);
    if (state == SESSION_STATE_DOWN || (state == SESSION_STATE_WAITING && !cooling)) {
        session_start(s);
    }
    return true;
}

/* ---- questions ---- */

const struct conf_device *device_conf(const struct device *d)
{
    return d->host.conf;
}

bool device_is_stopping(const struct device *d)
{
    return d->stopping;
}

bool device_has_name(const struct device *d, const char *server_name)
{
    const char *own = d->host.conf->server_name;
    if (own != NULL && name_dns_matches(own, server_name)) {
        return true;
    }
    for (size_t i = 0; identity_dns_name(d->host.identity, i) != NULL; i++) {
        if (name_dns_matches(identity_dns_name(d->host.identity, i), server_name)) {
            return true;
        }
    }
    return false;
}
