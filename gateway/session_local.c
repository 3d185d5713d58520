/* The device's side of a session and the flows between the two sides. */
#include <assert.h>

#include "gateway/log.h"
#include "gateway/session_private.h"

static void session_local_on_open(void *owner);
static void session_local_on_data(void *owner, struct span data);
static void session_local_on_eof(void *owner);
static void session_local_on_drained(void *owner);
static void session_local_on_closed(void *owner, const struct fault *cause);

static const struct endpoint_events local_events = {
    .on_open = session_local_on_open,
    .on_data = session_local_on_data,
    .on_eof = session_local_on_eof,
    .on_drained = session_local_on_drained,
    .on_closed = session_local_on_closed,
};

static bool session_local_may_read(const struct session *s)
{
    if (s->up.sink == NULL) {
        bool hold = s->host->conf->while_down == CONF_DOWN_BLOCK;
        return !hold || flow_held(&s->up) == 0; /* read to throw away, or until one read is held */
    }
    /* Told to stop: read on to the end of a message, begin none. */
    bool begins = s->state == SESSION_STATE_STOPPING && framer_pending(&s->up.framer) == 0;
    return flow_is_clear(&s->up) && !begins;
}

/* Read each side only while the other has room: the whole brake. */
static void session_local_balance(struct session *s)
{
    if (s->drained) {
        return;
    }
    if (s->local != NULL && !s->local_ended && !s->local_opening) {
        if (session_local_may_read(s)) {
            endpoint_read_start(s->local);
        } else {
            endpoint_read_stop(s->local);
        }
    }
    bool flows = s->state == SESSION_STATE_UP || s->state == SESSION_STATE_STOPPING;
    if (s->secure == NULL || !flows || s->down_done) {
        return;
    }
    bool may_read = s->modbus != NULL      ? endpoint_is_clear(s->secure)
                    : s->down.sink != NULL ? flow_is_clear(&s->down)
                                           : flow_held(&s->down) == 0;
    if (may_read) {
        endpoint_read_start(s->secure);
    } else {
        endpoint_read_stop(s->secure);
    }
}

/* A flow blames the device's side for bad bytes; what came from the server is the server's. */
static void session_local_break(struct session *s, struct fault *f, enum fault_side side)
{
    if (f->side == FAULT_SIDE_DEVICE) {
        f->side = side;
    }
    session_break(s, f);
}

/* The server sends no more: tell the device, behind what it gets. */
static void session_local_end_down(struct session *s)
{
    struct fault f = {0};
    (void)flow_end(&s->down, &f);
    endpoint_finish(s->down.sink);
}

static void session_local_open_down(struct session *s)
{
    struct fault f = {0};
    if (s->local_opening) {
        return;
    }
    if (flow_open(&s->down, s->local, &f) != 0) {
        session_local_break(s, &f, FAULT_SIDE_SERVER);
        return;
    }
    if (s->down_done) {
        session_local_end_down(s); /* it ended before the device was reached */
    }
}

static void session_local_time_silence(struct session *s)
{
    if (flow_wants_silence(&s->up)) {
        uv_timer_start(&s->silence, session_on_silence, s->host->conf->gap_ms, 0);
    }
}

/* Nobody timed the device's silence while it had no link: was it long enough to end a message? */
static void session_local_settle(const struct session *s, struct framer *framer)
{
    if (io_now_ms(s->host->io) - s->host->device_data_ms >= s->host->conf->gap_ms) {
        (void)framer_silence(framer); /* the message itself was dropped */
    }
}

/* The device sends no more. The server hears so when all before it is out. */
static void session_local_end_up(struct session *s)
{
    struct fault f = {0};
    s->up_done = true;
    uv_timer_stop(&s->silence);
    (void)flow_end(&s->up, &f);
    if (s->secure != NULL) {
        endpoint_finish(s->secure);
    }
    session_arm_idle(s);
}

/* Each hospital link has its own connection to the device, dialled when the peer is known. */
static void session_local_dial(struct session *s)
{
    struct endpoint_owner owner = {&local_events, s, FAULT_SIDE_DEVICE};
    struct fault f = {0};
    s->local_ended = false;
    s->local = endpoint_dial(s->host->io, &s->host->conf->port.address,
                             s->host->conf->dial_timeout_ms, &owner, &f);
    s->local_opening = s->local != NULL;
    if (s->local == NULL) {
        session_break(s, &f);
    }
}

static void session_local_on_open(void *owner)
{
    struct session *s = owner;
    s->local_opening = false;
    if (s->state == SESSION_STATE_UP) {
        session_local_open_down(s);
        session_local_balance(s);
    }
}

/* UP: from here on, and from nowhere else, data passes. */
void session_local_open_flows(struct session *s)
{
    if (session_modbus_is(s)) {
        session_modbus_open(s);
        session_local_balance(s);
        return;
    }
    struct fault f = {0};
    if (flow_held(&s->up) == 0) {
        session_local_settle(s, &s->up.framer);
    }
    if (flow_open(&s->up, s->secure, &f) != 0) {
        session_local_break(s, &f, FAULT_SIDE_DEVICE);
        return;
    }
    session_local_time_silence(s); /* of what was held */
    if (s->local != NULL) {
        session_local_open_down(s);
    } else if (s->host->dials_device) {
        session_local_dial(s);
    }
    if (s->local_ended) {
        session_local_end_up(s); /* it ended while the link was still coming up */
    }
    session_local_balance(s);
}

void session_local_close_flows(struct session *s)
{
    uv_timer_stop(&s->silence);
    if (s->modbus != NULL) {
        modbus_link_counters(s->modbus, &s->up.here, &s->down.here);
        modbus_link_free(s->modbus);
        s->modbus = NULL;
    }
    flow_close(&s->up);
    flow_close(&s->down);
    flow_drop_held(&s->down);
}

/* Is a message on its way whose end, or whose answer, is still to come? A side that has ended sends
 * neither. */
static bool session_local_in_flight(const struct session *s)
{
    if (s->modbus != NULL) {
        return session_modbus_drain(s);
    }
    if (s->state != SESSION_STATE_STOPPING) {
        return false;
    }
    bool owed = s->host->conf->protocol == CONF_PROTOCOL_MLLP &&
                s->up.here.messages > s->down.here.messages;
    bool from_server = owed || framer_pending(&s->down.framer) > 0;
    bool from_device = framer_pending(&s->up.framer) > 0;
    return (from_server && !s->down_done) || (from_device && !s->local_ended);
}

/* Told to stop in the middle of a message: read on to its end, and for MLLP to its ACK, but begin
 * nothing new. The drain_timeout bounds it. */
void session_local_drain_on(struct session *s)
{
    if (s->drained || (s->state != SESSION_STATE_STOPPING && s->state != SESSION_STATE_DRAINING)) {
        return;
    }
    if (s->local != NULL && framer_pending(&s->up.framer) == 0) {
        endpoint_read_stop(s->local);
    }
    if (session_local_in_flight(s)) {
        return;
    }
    s->drained = true;
    if (s->local != NULL) {
        endpoint_read_stop(s->local);
    }
    if (s->secure != NULL) {
        endpoint_read_stop(s->secure);
    }
    session_check_finished(s);
}

void session_local_drain(struct session *s)
{
    s->drained = false;
    session_local_drain_on(s);
}

static bool session_local_port_stays(const struct session *s)
{
    return s->redials && s->state != SESSION_STATE_STOPPING && s->state != SESSION_STATE_ENDED &&
           !(s->was_up && s->host->conf->port.kind == CONF_PORT_TCP);
}

/* A port that is lent stays until the session ends; but a TCP device must learn from a close that
 * its link is over. A device that dialled in while no server can be had waits with us: braked, or
 * read to throw away, as while_down says. */
bool session_local_may_stay(const struct session *s)
{
    if (s->local_lent) {
        return session_local_port_stays(s);
    }
    if (s->state == SESSION_STATE_WAITING) {
        return true; /* it came after the last link had ended */
    }
    return s->redials && !s->was_up && s->state != SESSION_STATE_STOPPING &&
           s->state != SESSION_STATE_ENDED;
}

static void session_local_give_back(struct session *s)
{
    s->local = NULL;
    s->local_lent = false;
    flow_drop_held(&s->up);
    s->host->idle_framer = s->up.framer;
    s->host->on_local_back(s->host, s, s->was_up);
}

void session_local_close(struct session *s)
{
    session_local_close_flows(s);
    if (s->local == NULL) {
        return;
    }
    if (session_local_may_stay(s)) {
        session_local_balance(s);
    } else if (s->local_lent) {
        session_local_give_back(s);
    } else {
        endpoint_close(s->local, NULL);
    }
}

void session_local_end(struct session *s)
{
    if (s->local == NULL) {
        return;
    }
    if (s->local_lent) {
        session_local_give_back(s);
        return;
    }
    s->handles++; /* session_local_on_closed gives it back */
    endpoint_close(s->local, NULL);
}

bool session_has_local(const struct session *s)
{
    return s->local != NULL;
}

static void session_local_join(struct session *s)
{
    if (s->state == SESSION_STATE_UP) {
        session_local_open_down(s);
    }
    session_local_balance(s);
}

void session_attach_local(struct session *s, struct endpoint *local)
{
    assert(s->local == NULL);
    s->local = local;
    s->local_lent = false;
    s->local_opening = false;
    s->local_ended = false;
    endpoint_adopt(local, &local_events, s);
    struct framer fresh = s->up.framer;
    framer_reset(&fresh);
    flow_follow(&s->up, &fresh);
    session_local_join(s);
}

void session_lend_port(struct session *s, struct endpoint *port)
{
    assert(s->local == NULL);
    s->local = port;
    s->local_lent = true;
    s->local_opening = false;
    s->local_ended = false;
    struct framer framer = s->host->idle_framer;
    session_local_settle(s, &framer);
    flow_follow(&s->up, &framer);
    session_local_join(s);
}

static void session_local_take(struct session *s, struct span data)
{
    struct fault f = {0};
    s->host->device_data_ms = io_now_ms(s->host->io);
    if (s->up.sink != NULL) {
        s->last_data_ms = s->host->device_data_ms;
        if (flow_feed(&s->up, data, &f) != 0) {
            session_local_break(s, &f, FAULT_SIDE_DEVICE);
            return;
        }
    } else if (s->host->conf->while_down == CONF_DOWN_BLOCK) {
        (void)flow_hold(&s->up, data); /* without memory it is counted as lost */
    } else {
        session_tell_drop(s->host);
        flow_drop(&s->up, data);
    }
    session_local_time_silence(s);
    session_local_balance(s);
    session_local_drain_on(s);
}

void session_port_data(struct session *s, struct span data)
{
    session_local_take(s, data);
}

static void session_local_on_data(void *owner, struct span data)
{
    session_local_take(owner, data);
}

static bool session_local_comes_up(const struct session *s)
{
    return s->state == SESSION_STATE_DOWN || s->state == SESSION_STATE_WAITING ||
           (session_is_alive(s) && s->state != SESSION_STATE_UP);
}

bool session_port_eof(struct session *s)
{
    s->local_ended = true;
    if (s->state == SESSION_STATE_UP) {
        session_local_end_up(s);
        session_check_finished(s);
        return true;
    }
    session_local_drain_on(s);
    /* What it said is delivered once the link is up, and then its end. */
    return !session_local_comes_up(s) || flow_held(&s->up) > 0;
}

static void session_local_on_eof(void *owner)
{
    struct session *s = owner;
    if (!session_port_eof(s)) {
        struct fault f = {0};
        fault_set(&f, FAULT_CLOSED, FAULT_SIDE_DEVICE, "the device left before a link was up",
                  NULL);
        endpoint_close(s->local, &f);
    }
}

void session_port_drained(struct session *s)
{
    session_local_balance(s);
    session_check_finished(s);
}

static void session_local_on_drained(void *owner)
{
    session_port_drained(owner);
}

void session_port_gone(struct session *s, const struct fault *f)
{
    s->local = NULL;
    s->local_lent = false;
    session_local_close_flows(s);
    flow_drop_held(&s->up);
    framer_reset(&s->up.framer);
    if (s->state != SESSION_STATE_DOWN && s->state != SESSION_STATE_WAITING) {
        session_break(s, f);
        session_check_closed(s);
    }
}

static void session_local_on_closed(void *owner, const struct fault *cause)
{
    struct session *s = owner;
    struct endpoint *local = s->local;
    struct fault copy = *cause;
    session_count_lost(s, 0, endpoint_unsent(local));
    session_local_close_flows(s);
    flow_drop_held(&s->up);
    s->local = NULL;
    s->local_opening = false;
    s->local_ended = false;
    endpoint_free(local);
    if (s->state == SESSION_STATE_ENDED) {
        session_handle_gone(s);
        return;
    }
    session_break(s, &copy);
    session_check_closed(s);
    if (s->state == SESSION_STATE_WAITING && s->host->on_change != NULL) {
        s->host->on_change(s->host, s);
    }
}

void session_local_from_secure(struct session *s, struct span data)
{
    struct fault f = {0};
    int rc = 0;
    s->last_data_ms = io_now_ms(s->host->io);
    if (s->modbus != NULL) {
        rc = modbus_link_feed(s->modbus, data, &f);
    } else if (s->down.sink != NULL) {
        rc = flow_feed(&s->down, data, &f);
    } else {
        rc = flow_hold(&s->down, data);
    }
    if (rc != 0) {
        session_local_break(s, &f, FAULT_SIDE_SERVER);
        return;
    }
    session_local_balance(s);
    session_local_drain_on(s);
}

/* The server sends no more. A serial line has no half-close, a master without requests has no
 * use for answers: there the link is over. A TCP device is told, and may still send. */
void session_local_secure_eof(struct session *s)
{
    struct fault f = {0};
    s->down_done = true;
    bool device_may_go_on = s->local != NULL && s->host->conf->port.kind != CONF_PORT_SERIAL &&
                            s->modbus == NULL;
    if (s->down.sink != NULL) {
        session_local_end_down(s);
    }
    session_arm_idle(s);
    if (!device_may_go_on) {
        fault_set(&f, FAULT_CLOSED, FAULT_SIDE_SERVER, "the peer ended the link", NULL);
        session_keep_fault(s, &f);
        s->up_done = true;
    }
    session_check_finished(s);
    session_local_drain_on(s);
}

void session_local_secure_drained(struct session *s)
{
    session_local_balance(s);
    session_check_finished(s);
}
