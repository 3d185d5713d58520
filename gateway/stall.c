#include "gateway/stall.h"

#include <time.h>
#include <unistd.h>

enum { NS_PER_MS = 1000000 };

/* That it is active is all: libuv's poll does not wait then. */
static void on_haste(uv_idle_t *idle)
{
    (void)idle;
}

static bool hurries(const struct stall *s, uint64_t now_ns)
{
    const struct gate *gate = s->io->gate;
    if (!s->may_hurry || gate == NULL) {
        return false;
    }
    const struct haste_signs signs = {.is_crowd = gate_is_crowded(gate),
                                      .has_read = s->io->lull.turn_reads > 0,
                                      .moves = gate_moves(gate)};
    return haste_wants(&s->io->haste, now_ns, &signs);
}

/* The loop is about to poll: all callbacks of this turn have run. */
static void on_prepare(uv_prepare_t *prepare)
{
    struct stall *s = prepare->data;
    if (s->closing) {
        return;
    }
    uint64_t now_ns = uv_hrtime();
    uint64_t polled_ns = s->polled_ms * NS_PER_MS;
    /* What came before the first poll, the start of the program, nobody waited for. */
    if (polled_ns != 0 && now_ns > polled_ns && now_ns - polled_ns > s->longest_ns) {
        s->longest_ns = now_ns - polled_ns;
    }
    s->io->is_refreshed = false;
    s->io->turn_count = 0;
    s->io->has_put_off = false;
    if (hurries(s, now_ns)) {
        (void)uv_idle_start(&s->haste, on_haste); /* cannot fail with a callback */
    } else {
        (void)uv_idle_stop(&s->haste); /* always succeeds */
    }
    /* Something that is due, or closes, lets the poll return at once. */
    bool can_wait = uv_backend_timeout(&s->io->loop) != 0;
    if (lull_wants(&s->io->lull, now_ns, can_wait)) {
        (void)nanosleep(&(const struct timespec){.tv_nsec = LULL_NS}, NULL);
    }
}

/* The poll and what it brought are done; timers and closing handles are still to come. */
static void on_check(uv_check_t *check)
{
    struct stall *s = check->data;
    if (!s->closing) {
        s->polled_ms = s->io->is_refreshed ? s->io->polled_ms : uv_now(check->loop);
    }
}

void stall_open(struct stall *s, struct io *io, void (*on_closed)(void *owner), void *owner)
{
    *s = (struct stall){.io = io, .on_closed = on_closed, .owner = owner, .handles = 3};
    s->may_hurry = sysconf(_SC_NPROCESSORS_ONLN) > 1;
    (void)uv_prepare_init(&io->loop, &s->prepare); /* cannot fail */
    (void)uv_check_init(&io->loop, &s->check);     /* cannot fail */
    (void)uv_idle_init(&io->loop, &s->haste);      /* cannot fail */
    s->prepare.data = s;
    s->haste.data = s;
    s->check.data = s;
    (void)uv_prepare_start(&s->prepare, on_prepare); /* cannot fail with a callback */
    (void)uv_check_start(&s->check, on_check);       /* cannot fail with a callback */
    io->has_turns = true;
    uv_unref((uv_handle_t *)&s->prepare);
    uv_unref((uv_handle_t *)&s->check);
    uv_unref((uv_handle_t *)&s->haste);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct stall *s = handle->data;
    s->handles--;
    if (s->handles == 0 && s->on_closed != NULL) {
        s->on_closed(s->owner);
    }
}

void stall_close(struct stall *s)
{
    if (!s->closing) {
        s->closing = true;
        s->io->has_turns = false;
        s->io->has_put_off = false; /* nobody would take it back */
        uv_close((uv_handle_t *)&s->prepare, on_handle_closed);
        uv_close((uv_handle_t *)&s->check, on_handle_closed);
        uv_close((uv_handle_t *)&s->haste, on_handle_closed);
    }
}

uint64_t stall_longest_ms(const struct stall *s)
{
    return s->longest_ns / NS_PER_MS;
}
