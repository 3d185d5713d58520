#include "gateway/master.h"

#include <assert.h>
#include <stdio.h>

#include "certs/mem.h"
#include "gateway/master_private.h"

void master_note(struct master *m, const char *event, uint8_t unit, uint8_t function)
{
    char note[64];

    (void)snprintf(note, sizeof note, "unit %u function %u", (unsigned)unit,
                   (unsigned)function); /* always fits */
    m->events->on_note(m->owner, event, note);
}

/* ---- the timer ---- */

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* libuv runs timers before it looks for input. When the loop was held up, the server's answer may
 * be there already: look once more before believing that it is not. */
static bool desk_is_due(struct master *m, uint64_t now_ms)
{
    if (now_ms < master_desk_due(m)) {
        return false;
    }
    if (m->grace_ms == 0) {
        m->grace_ms = now_ms + 1;
    }
    return now_ms >= m->grace_ms;
}

static void master_on_timer(uv_timer_t *timer)
{
    struct master *m = timer->data;
    uint64_t now_ms = io_now_ms(m->io);

    if (m->closing) {
        return;
    }
    if (master_is_serial(m)) {
        master_line_expire(m, now_ms);
    }
    if (desk_is_due(m, now_ms)) {
        master_desk_expire(m, now_ms);
        m->grace_ms = 0;
    }
    master_wake(m);
    if (m->is_up && m->is_finishing && m->order_count == 0) {
        m->link.on_idle(m->link.self);
    }
}

void master_wake(struct master *m)
{
    uint64_t now_ms = io_now_ms(m->io);
    uint64_t due = master_desk_due(m);

    if (m->closing) {
        return;
    }
    due = m->grace_ms > due && due != MASTER_NEVER ? m->grace_ms : due;
    if (master_is_serial(m)) {
        due = min_u64(due, master_line_due(m));
        master_line_wake(m);
    }
    if (due == MASTER_NEVER) {
        (void)uv_timer_stop(&m->timer); /* never fails */
        return;
    }
    (void)uv_timer_start(&m->timer, master_on_timer, due > now_ms ? due - now_ms : 0,
                         0); /* not closing */
}

/* ---- life ---- */

void master_count_closed(struct master *m)
{
    m->open--;
    if (m->open == 0) {
        m->events->on_closed(m->owner);
    }
}

static void master_on_timer_closed(uv_handle_t *timer)
{
    master_count_closed(timer->data);
}

struct master *master_new(struct io *io, const struct conf_device *conf,
                          const struct master_events *events, void *owner)
{
    struct master *m = mem_new(1, sizeof *m);

    if (m == NULL) {
        return NULL;
    }
    m->io = io;
    m->conf = conf;
    m->events = events;
    m->owner = owner;
    if (master_is_serial(m) && !master_line_open(m)) {
        mem_free(m);
        return NULL;
    }
    (void)uv_timer_init(&io->loop, &m->timer); /* never fails */
    m->timer.data = m;
    m->open++;
    return m;
}

void master_close(struct master *m)
{
    if (m->closing) {
        return;
    }
    assert(!m->is_up);
    m->closing = true;
    uv_close((uv_handle_t *)&m->timer, master_on_timer_closed);
    if (m->line.port != NULL) {
        master_line_close(m);
    }
    master_tcp_close(m);
}

void master_free(struct master *m)
{
    if (m == NULL) {
        return;
    }
    assert(m->open == 0 && m->orders == NULL);
    port_free(m->line.port);
    mem_wipe_free(m, sizeof *m);
}

const struct fault *master_fault(const struct master *m)
{
    return m->line.port != NULL && port_endpoint(m->line.port) == NULL ? &m->fault : NULL;
}

bool master_is_there(const struct master *m)
{
    return master_count(m) > 0;
}

size_t master_count(const struct master *m)
{
    size_t at_port = master_fault(m) == NULL ? 1 : 0;

    return master_is_serial(m) ? at_port : m->mouth_count;
}

const struct bus_counters *master_counters(struct master *m)
{
    m->counters.line_errors = m->line.port != NULL ? port_line_errors(m->line.port) : 0;
    return &m->counters;
}

/* ---- the link ---- */

void master_link_up(struct master *m, const struct master_link *to)
{
    assert(!m->is_up && m->order_count == 0);
    m->link = *to;
    m->is_up = true;
    m->is_finishing = false;
    m->writes_denied = false;
}

void master_link_answer(struct master *m, struct span adu)
{
    m->grace_ms = 0;
    master_desk_answer(m, adu);
    master_wake(m);
}

void master_link_finish(struct master *m)
{
    m->is_finishing = true;
}

void master_link_down(struct master *m)
{
    m->is_up = false;
    /* They were sent, and what became of them nobody knows. */
    master_desk_expire(m, MASTER_NEVER);
    master_wake(m);
}

size_t master_pending(const struct master *m)
{
    return m->order_count;
}

void master_allow_writes(struct master *m, bool allowed)
{
    m->writes_denied = !allowed;
}
