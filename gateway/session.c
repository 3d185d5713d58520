#include "gateway/session.h"

#include <assert.h>
#include <string.h>

#include "certs/mem.h"
#include "gateway/log.h"
#include "gateway/session_private.h"

enum {
    SESSION_CHECK_SLACK_MS = 1000, /* the inquiry has its own deadline; this one is the last */
    SESSION_HALF_OPEN_MS = 60 * 1000,
};

static void session_on_timer(uv_timer_t *timer);

enum framer_kind session_framer_up(const struct conf_device *conf)
{
    switch (conf->protocol) {
    case CONF_PROTOCOL_GAP:
        return FRAMER_GAP;
    case CONF_PROTOCOL_LINE:
        return FRAMER_LINE;
    case CONF_PROTOCOL_MLLP:
        return FRAMER_MLLP;
    case CONF_PROTOCOL_RAW:
    case CONF_PROTOCOL_MODBUS_RTU:
    case CONF_PROTOCOL_MODBUS_TCP:
    case CONF_PROTOCOL_MODBUS_ASCII:
        break;
    }
    return FRAMER_RAW; /* Modbus has no flow: a bus stands in its place */
}

/* Only MLLP frames both ways. Where silence or line ends mark the device's messages, what the
 * server sends is taken as it comes: holding it back could only delay it. */
static enum framer_kind session_framer_down(const struct conf_device *conf)
{
    return conf->protocol == CONF_PROTOCOL_MLLP ? FRAMER_MLLP : FRAMER_RAW;
}

struct session *session_new(struct session_host *host, bool redials)
{
    struct session *s = mem_new(1, sizeof *s);
    if (s == NULL) {
        return NULL;
    }
    s->host = host;
    s->redials = redials;
    s->state = SESSION_STATE_DOWN;
    s->since_s = io_wall_s();
    flow_init(&s->up, session_framer_up(host->conf), host->conf->max_frame, &host->up);
    flow_init(&s->down, session_framer_down(host->conf), host->conf->max_frame, &host->down);
    if (uv_timer_init(&host->io->loop, &s->timer) == 0) {
        s->timer.data = s;
        s->handles++;
    }
    if (uv_timer_init(&host->io->loop, &s->silence) == 0) {
        s->silence.data = s;
        s->handles++;
    }
    session_secure_update_server_text(s);
    return s;
}

void session_free(struct session *s)
{
    if (s == NULL) {
        return;
    }
    assert(s->freeable);
    mem_wipe_free(s->hello.data, s->hello.cap);
    mem_free(s);
}

void session_handle_gone(struct session *s)
{
    s->handles--;
    if (s->handles == 0) {
        s->freeable = true;
        s->host->on_ended(s->host, s);
    }
}

static void session_on_handle_closed(uv_handle_t *handle)
{
    session_handle_gone(handle->data);
}

static void session_do_end(struct session *s)
{
    inquiry_leave(&s->seat);
    session_local_end(s);
    flow_deinit(&s->up);
    flow_deinit(&s->down);
    uv_close((uv_handle_t *)&s->timer, session_on_handle_closed);
    uv_close((uv_handle_t *)&s->silence, session_on_handle_closed);
}

void session_arm(struct session *s, uint64_t ms)
{
    uv_timer_start(&s->timer, session_on_timer, ms, 0);
}

void session_keep_fault(struct session *s, const struct fault *f)
{
    if (s->cause.code == FAULT_NONE && f != NULL && f->code != FAULT_NONE) {
        s->cause = *f;
    }
}

static void session_note_fault(struct session *s)
{
    /* A peer that dialled in may go when it likes; a server that goes is worth a note. */
    if (session_ended_well(s->cause.code) && !(s->redials && s->cause.code == FAULT_CLOSED)) {
        return;
    }
    s->host->last_fault = s->cause;
    s->host->last_fault_at_s = io_wall_s();
}

/* The link is over: say so once, learn from it for the next. */
static void session_conclude(struct session *s)
{
    inquiry_leave(&s->seat);
    session_log_end(s);
    session_note_fault(s);
    if (s->was_up) {
        s->host->lost_told += s->up.here.lost + s->down.here.lost; /* in the line above */
    }
    s->own_refused = s->cause.code == FAULT_OWN_REFUSED;
    s->server_failed = s->cause.code != FAULT_NONE && s->cause.side != FAULT_SIDE_DEVICE &&
                       s->cause.code != FAULT_STOPPED && s->cause.code != FAULT_IDLE;
    if (!s->was_up && s->cause.side == FAULT_SIDE_CERTIFICATE && !s->own_refused) {
        s->host->refusals++;
    }
    if (s->redials) {
        session_secure_pick_server(s);
    }
}

void session_count_lost(struct session *s, size_t up, size_t down)
{
    s->up.here.lost += up;
    s->down.here.lost += down;
    s->host->up.lost += up;
    s->host->down.lost += down;
}

static void session_do_close(struct session *s)
{
    if (s->cause.code == FAULT_TIMEOUT) {
        gate_note_stalled(s->host->gate, &s->ticket);
    }
    gate_leave(s->host->gate, &s->ticket);
    inquiry_leave(&s->seat);
    session_local_close(s);
    if (s->secure != NULL) {
        endpoint_close(s->secure, NULL);
    }
    if (s->secure == NULL && (s->local == NULL || session_local_may_stay(s))) {
        s->closed_due = true; /* nobody will call: let the loop do it */
        session_arm(s, 0);
    }
}

static void session_do_wait(struct session *s)
{
    uint64_t wait_ms = session_secure_backoff_ms(s);
    s->wake_ms = io_now_ms(s->host->io) + wait_ms;
    session_arm(s, wait_ms);
}

/* A new attempt begins with a clean slate. */
static void session_begin_link(struct session *s)
{
    fault_clear(&s->cause);
    s->was_up = false;
    s->peer_spoke = false;
    s->up_done = false;
    s->down_done = false;
    s->peer_text[0] = '\0';
    s->peer_serial[0] = '\0';
    s->up.here = (struct flow_counters){0};
    s->down.here = (struct flow_counters){0};
    framer_reset(&s->down.framer);
}

static void session_enter(struct session *s, enum session_state next)
{
    uv_timer_stop(&s->timer);
    s->closed_due = false;
    s->drained = false; /* a port that stays is read again, to hold or to drop */
    s->wake_ms = 0;
    if (next == SESSION_STATE_DIALING) {
        session_begin_link(s);
    }
    s->state = next;
    s->since_s = io_wall_s();
    session_log_state(s);
    if (next == SESSION_STATE_HANDSHAKE) {
        session_arm(s, s->host->conf->handshake_timeout_ms);
    } else if (next == SESSION_STATE_CHECKING) {
        session_arm(s, s->host->conf->trust_section->check_timeout_ms + SESSION_CHECK_SLACK_MS);
    } else if (next == SESSION_STATE_DRAINING || next == SESSION_STATE_STOPPING) {
        session_arm(s, s->host->conf->drain_timeout_ms);
    }
}

static void session_do_open_flows(struct session *s)
{
    s->was_up = true;
    s->up_at_ms = io_now_ms(s->host->io);
    s->last_data_ms = s->up_at_ms;
    s->host->sessions++;
    session_tell_lost(s);
    s->up.here.lost = 0;
    s->down.here.lost = 0;
    session_arm_idle(s);
    session_local_open_flows(s);
}

static void session_act(struct session *s, unsigned actions)
{
    if ((actions & SESSION_DO_DIAL) != 0) {
        session_secure_dial(s);
    }
    if ((actions & SESSION_DO_HANDSHAKE) != 0) {
        session_secure_handshake(s);
    }
    if ((actions & SESSION_DO_OPEN_FLOWS) != 0) {
        session_do_open_flows(s);
    }
    if ((actions & SESSION_DO_DRAIN) != 0) {
        session_local_drain(s);
    }
    if ((actions & SESSION_DO_CLOSE) != 0) {
        session_do_close(s);
    }
    if ((actions & SESSION_DO_WAIT) != 0) {
        session_do_wait(s);
    }
    if ((actions & SESSION_DO_ASK) != 0) {
        session_verdict_ask(s);
    }
    if ((actions & SESSION_DO_END) != 0) {
        session_do_end(s);
    }
}

void session_event(struct session *s, enum session_event event)
{
    struct session_step step = session_table_step(s->state, event, s->redials);
    if ((step.actions & SESSION_DO_BUG) != 0) {
        struct log_field fields[] = {
            LOG_TEXT("state", session_table_state_name(s->state)),
            LOG_TEXT("event_name", session_table_event_name(event)),
        };
        log_event(CONF_LOG_ERROR, s->host->conf->name, "internal-error", fields, 2);
        return;
    }
    if ((step.actions & SESSION_DO_IGNORE) != 0) {
        return;
    }
    bool began = s->state != SESSION_STATE_DOWN && s->state != SESSION_STATE_WAITING;
    bool over = began && (step.next == SESSION_STATE_WAITING || step.next == SESSION_STATE_ENDED);
    bool changed = step.next != s->state;
    if (over) {
        session_conclude(s);
    }
    if (changed) {
        session_enter(s, step.next);
    }
    session_act(s, step.actions);
    if (changed && s->host->on_change != NULL && step.next == s->state) {
        s->host->on_change(s->host, s);
    }
}

void session_check_closed(struct session *s)
{
    bool local_gone = s->local == NULL || session_local_may_stay(s);
    bool alive = s->state == SESSION_STATE_DOWN || s->state == SESSION_STATE_WAITING ||
                 s->state == SESSION_STATE_ENDED;
    if (s->secure == NULL && local_gone && !alive) {
        session_event(s, SESSION_EVENT_CLOSED);
    }
}

static bool session_all_out(const struct session *s)
{
    bool secure_out = s->secure == NULL || endpoint_is_clear(s->secure);
    bool local_out = s->local == NULL || endpoint_is_clear(s->local);
    return secure_out && local_out && (s->modbus == NULL || modbus_link_pending(s->modbus) == 0);
}

void session_check_finished(struct session *s)
{
    bool ready = false;
    if (s->state == SESSION_STATE_UP) {
        ready = s->up_done && s->down_done;
    } else if (s->state == SESSION_STATE_DRAINING || s->state == SESSION_STATE_STOPPING) {
        ready = s->drained && session_all_out(s);
    }
    if (ready) {
        session_event(s, SESSION_EVENT_FINISHED);
    }
}

/* A link of which one direction has ended may not stay for ever when nothing comes the other way.
 */
static uint64_t session_idle_ms(const struct session *s)
{
    if (s->host->conf->idle_timeout_ms > 0) {
        return s->host->conf->idle_timeout_ms;
    }
    return s->up_done || s->down_done ? SESSION_HALF_OPEN_MS : 0;
}

void session_arm_idle(struct session *s)
{
    /* Elsewhere the one timer bounds something shorter: a stop must not wait for an idle limit. */
    if (s->state == SESSION_STATE_UP && session_idle_ms(s) > 0) {
        session_arm(s, session_idle_ms(s));
    }
}

/* idle_timeout without a timer per message: when the timer fires, look how long it was silent. */
static bool session_rearm_idle(struct session *s)
{
    uint64_t silent_ms = io_now_ms(s->host->io) - s->last_data_ms;
    uint64_t idle_ms = session_idle_ms(s);
    if (silent_ms >= idle_ms) {
        return false;
    }
    session_arm(s, idle_ms - silent_ms);
    return true;
}

static void session_note_deadline(struct session *s)
{
    struct fault f = {0};
    if (s->state == SESSION_STATE_UP) {
        fault_set(&f, FAULT_IDLE, FAULT_SIDE_NONE, "no data within idle_timeout", NULL);
    } else if (s->ticket.place == GATE_WAITING) {
        fault_set(&f, FAULT_LIMIT, FAULT_SIDE_SELF, "no place among the handshakes in time", NULL);
    } else if (s->state == SESSION_STATE_HANDSHAKE) {
        fault_set(&f, FAULT_TIMEOUT, FAULT_SIDE_SERVER, "no TLS handshake within handshake_timeout",
                  NULL);
    } else if (s->state == SESSION_STATE_CHECKING) {
        fault_set(&f, FAULT_NO_VERDICT, FAULT_SIDE_CERTIFICATE, "no verdict in time", NULL);
    } else {
        fault_set(&f, FAULT_TIMEOUT, FAULT_SIDE_NONE, "not all data was out within drain_timeout",
                  NULL);
    }
    session_keep_fault(s, &f);
}

static void session_on_timer(uv_timer_t *timer)
{
    struct session *s = timer->data;
    if (s->closed_due) {
        s->closed_due = false;
        session_check_closed(s);
        return;
    }
    if (s->state == SESSION_STATE_UP && session_rearm_idle(s)) {
        return;
    }
    if (s->state == SESSION_STATE_WAITING) {
        s->wake_ms = 0;
        if (s->host->wants_dial == NULL || s->host->wants_dial(s->host, s)) {
            session_event(s, SESSION_EVENT_DEADLINE);
        }
        return;
    }
    session_note_deadline(s);
    session_event(s, SESSION_EVENT_DEADLINE);
}

void session_on_silence(uv_timer_t *timer)
{
    struct session *s = timer->data;
    struct fault f = {0};
    if (flow_silence(&s->up, &f) != 0) {
        session_break(s, &f);
        return;
    }
    session_local_drain_on(s);
}

void session_start(struct session *s)
{
    if (!s->host->is_withdrawn && !s->host->is_unbound) {
        session_event(s, SESSION_EVENT_START);
    }
}

void session_stop(struct session *s, bool now)
{
    struct fault f = {0};
    fault_set(&f, FAULT_STOPPED, FAULT_SIDE_SELF, "told to stop", NULL);
    session_keep_fault(s, &f);
    if (s->state != SESSION_STATE_STOPPING) {
        session_event(s, SESSION_EVENT_STOP);
    }
    if (now && s->state == SESSION_STATE_STOPPING) {
        session_event(s, SESSION_EVENT_DEADLINE);
    }
}

void session_break(struct session *s, const struct fault *f)
{
    session_keep_fault(s, f);
    session_event(s, SESSION_EVENT_FAULT);
}

enum session_state session_state(const struct session *s)
{
    return s->state;
}

uint64_t session_wait_left_ms(const struct session *s)
{
    uint64_t now_ms = io_now_ms(s->host->io);
    return s->wake_ms > now_ms ? s->wake_ms - now_ms : 0;
}

uint64_t session_handshake_ms(const struct session *s)
{
    if (s->state != SESSION_STATE_HANDSHAKE || !gate_is_inside(&s->ticket)) {
        return 0;
    }
    uint64_t whole_ms = s->host->conf->handshake_timeout_ms;
    uint64_t left_ms = uv_timer_get_due_in(&s->timer);
    return left_ms < whole_ms ? whole_ms - left_ms : 0;
}

bool session_is_alive(const struct session *s)
{
    return s->state == SESSION_STATE_DIALING || s->state == SESSION_STATE_HANDSHAKE ||
           s->state == SESSION_STATE_CHECKING || s->state == SESSION_STATE_UP;
}

bool session_own_refused(const struct session *s)
{
    return s->own_refused;
}

struct session **session_next_slot(struct session *s)
{
    return &s->next;
}
