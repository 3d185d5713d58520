#include "gateway/io.h"

#include <signal.h>
#include <time.h>

#include "certs/mem.h"

enum { NS_PER_MS = 1000000 };

int io_init(struct io *io, struct fault *f)
{
    io->polled_ms = 0;
    io->is_refreshed = false;
    io->has_turns = false;
    io->turn_count = 0;
    io->calm_until_ns = 0;
    io->has_put_off = false;
    io->lull = (struct lull){0};
    (void)signal(SIGPIPE, SIG_IGN);
    io->scratch = mem_new(1, sizeof(*io->scratch));
    if (io->scratch == NULL) {
        return fault_set(f, FAULT_MEMORY, FAULT_SIDE_SELF, "no memory for an event loop", NULL);
    }
    int status = uv_loop_init(&io->loop);
    if (status < 0) {
        mem_free(io->scratch);
        io->scratch = NULL;
        return fault_set(f, FAULT_IO, FAULT_SIDE_SELF,
                         "cannot make an event loop: ", uv_strerror(status));
    }
    return 0;
}

int io_deinit(struct io *io)
{
    /* What the last links carried is patient data: it does not outlive them. */
    mem_wipe_free(io->scratch, sizeof(*io->scratch));
    io->scratch = NULL;
    return uv_loop_close(&io->loop) == 0 ? 0 : FAULT_INTERNAL;
}

uint64_t io_now_ms(const struct io *io)
{
    return uv_now(&io->loop);
}

void io_refresh(struct io *io)
{
    if (!io->is_refreshed) {
        io->polled_ms = uv_now(&io->loop);
        io->is_refreshed = true;
    }
    uv_update_time(&io->loop);
}

bool io_turn_is_long(struct io *io)
{
    io->turn_count++;
    if (!io->has_turns || io->turn_count <= IO_TURN_FREE) {
        return false;
    }
    uint64_t began_ms = io->is_refreshed ? io->polled_ms : uv_now(&io->loop);
    uint64_t now_ms = uv_hrtime() / NS_PER_MS;
    return now_ms > began_ms && now_ms - began_ms >= IO_TURN_MS;
}

int64_t io_wall_s(void)
{
    return (int64_t)time(NULL);
}
