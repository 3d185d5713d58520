#include "gateway/status_desk.h"

#include <assert.h>

#include "certs/mem.h"

static struct control_client *desk_next_client(struct status_queue *q)
{
    assert(q->count > 0);
    q->count--;
    return q->clients[q->count];
}

/* There is no text for them. */
static void desk_refuse(struct status_queue *q)
{
    while (q->count > 0) {
        control_answer(desk_next_client(q), NULL);
    }
}

/* One of those who wait for the text gets it; the last one without a copy. */
static void desk_hand_out(struct status_desk *d)
{
    struct control_client *client = desk_next_client(&d->served);
    if (d->served.count > 0) {
        control_answer(client, d->made);
        return;
    }
    char *text = d->made;
    d->made = NULL;
    control_answer_owned(client, text);
}

static void desk_begin_text(struct status_desk *d)
{
    struct snapshot s;
    if (gateway_snapshot(d->gateway, &s) == 0) {
        s.stall_ms = stall_longest_ms(d->stall);
        status_begin(&d->text, &s);
    } else {
        d->text.has_failed = true;
    }
    snapshot_free(&s); /* also what a failure left */
}

/* One device more. False: there is none, or no memory. */
static bool desk_add_device(struct status_desk *d)
{
    struct snapshot s;
    bool is_made = gateway_snapshot_devices(d->gateway, 1, &s) == 0;
    bool is_last = s.device_count == 0;
    if (is_made) {
        status_add_devices(&d->text, &s);
    } else {
        d->text.has_failed = true;
    }
    snapshot_free(&s); /* also what a failure left */
    return !is_last && !d->text.has_failed;
}

static void desk_make_text(struct status_desk *d)
{
    if (d->served.count == 0) {
        d->served = d->waiting;
        d->waiting.count = 0;
        desk_begin_text(d);
    } else if (!gateway_walk_holds(d->gateway)) {
        desk_begin_text(d);
    }
    bool is_whole = false;
    do { /* at least one in each turn, however long that was before */
        is_whole = !desk_add_device(d);
    } while (!is_whole && !io_turn_is_long(d->io));
    if (is_whole) {
        d->made = status_take(&d->text);
        if (d->made == NULL) {
            desk_refuse(&d->served);
        }
    }
}

static void desk_on_turn(uv_idle_t *turn)
{
    struct status_desk *d = turn->data;
    if (d->made != NULL) {
        desk_hand_out(d);
    } else {
        desk_make_text(d);
    }
    if (d->served.count == 0 && d->waiting.count == 0) {
        (void)uv_idle_stop(turn); /* always succeeds */
    }
}

void status_desk_open(struct status_desk *d, struct io *io, struct gateway *gateway,
                      const struct stall *stall)
{
    *d = (struct status_desk){.io = io, .gateway = gateway, .stall = stall};
    (void)uv_idle_init(&io->loop, &d->turn); /* cannot fail */
    d->turn.data = d;
}

void status_desk_ask(struct status_desk *d, struct control_client *client)
{
    assert(!d->closing);
    assert(d->served.count + d->waiting.count < CONTROL_CLIENTS_MAX);
    d->waiting.clients[d->waiting.count++] = client;
    (void)uv_idle_start(&d->turn, desk_on_turn); /* cannot fail with a callback */
}

void status_desk_close(struct status_desk *d)
{
    if (d->closing) {
        return;
    }
    d->closing = true;
    status_forget(&d->text);
    mem_free(d->made);
    d->made = NULL;
    desk_refuse(&d->served);
    desk_refuse(&d->waiting);
    uv_close((uv_handle_t *)&d->turn, NULL);
}
