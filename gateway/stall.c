#include "gateway/stall.h"

enum { NS_PER_MS = 1000000 };

/* The loop is about to poll: all callbacks of this turn have run. */
static void on_prepare(uv_prepare_t *prepare)
{
    struct stall *s = prepare->data;
    if (s->closing) {
        return;
    }
    /* The idle time first: what libuv adds to it lies before our look at the clock, so that busy
     * time never comes out negative. */
    uint64_t idle_ns = uv_metrics_idle_time(prepare->loop);
    uint64_t now_ns = uv_hrtime();
    uint64_t passed_ns = now_ns - s->seen_ns;
    uint64_t waited_ns = idle_ns - s->idle_ns;
    if (passed_ns > waited_ns && passed_ns - waited_ns > s->longest_ns) {
        s->longest_ns = passed_ns - waited_ns;
    }
    s->seen_ns = now_ns;
    s->idle_ns = idle_ns;
}

static void on_first(uv_prepare_t *prepare)
{
    struct stall *s = prepare->data;
    if (s->closing) {
        return;
    }
    /* What came before this poll, the start of the program, nobody waited for. */
    s->idle_ns = uv_metrics_idle_time(prepare->loop);
    s->seen_ns = uv_hrtime();
    (void)uv_prepare_stop(prepare);              /* always succeeds */
    (void)uv_prepare_start(prepare, on_prepare); /* cannot fail with a callback */
}

void stall_open(struct stall *s, struct io *io, void (*on_closed)(void *owner), void *owner)
{
    *s = (struct stall){.on_closed = on_closed, .owner = owner};
    (void)uv_loop_configure(&io->loop, UV_METRICS_IDLE_TIME); /* an option that 1.44 knows */
    (void)uv_prepare_init(&io->loop, &s->prepare);            /* cannot fail */
    s->prepare.data = s;
    (void)uv_prepare_start(&s->prepare, on_first); /* cannot fail with a callback */
    uv_unref((uv_handle_t *)&s->prepare);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct stall *s = handle->data;
    if (s->on_closed != NULL) {
        s->on_closed(s->owner);
    }
}

void stall_close(struct stall *s)
{
    if (!s->closing) {
        s->closing = true;
        uv_close((uv_handle_t *)&s->prepare, on_handle_closed);
    }
}

uint64_t stall_longest_ms(const struct stall *s)
{
    return s->longest_ns / NS_PER_MS;
}
