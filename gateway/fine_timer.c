#include "gateway/fine_timer.h"

#include <assert.h>
#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum {
    NS_PER_S = 1000000000,
    /* Also the longest that the loop waits actively. */
    LEAD_MAX_NS = 100000,
    /* Up with each wake-up that was later than the lead, down with each that was not: it settles
     * where nine of ten come too soon. */
    LEAD_UP_NS = 9000,
    LEAD_DOWN_NS = 1000,
    /* After an active wait the loop makes none for so many times its length. */
    CALM_TIMES = 15,
};

/* at_ns 0: never. */
static void set_kernel(struct fine_timer *t, uint64_t at_ns)
{
    struct itimerspec at = {
        .it_value = {.tv_sec = (time_t)(at_ns / NS_PER_S), .tv_nsec = (long)(at_ns % NS_PER_S)}};
    int status = timerfd_settime(t->fd, TFD_TIMER_ABSTIME, &at, NULL);

    assert(status == 0); /* it is a timer, and the time is one */
    (void)status;
    t->set_ns = at_ns;
}

/* This wake-up was late: by more than the lead? How much more says little: the loop may have been
 * busy. */
static void learn_lead(struct fine_timer *t, uint64_t now_ns)
{
    uint64_t late_ns = now_ns > t->set_ns ? now_ns - t->set_ns : 0;

    if (late_ns < t->lead_ns) {
        t->lead_ns -= t->lead_ns < LEAD_DOWN_NS ? t->lead_ns : LEAD_DOWN_NS;
    } else {
        t->lead_ns = t->lead_ns < LEAD_MAX_NS - LEAD_UP_NS ? t->lead_ns + LEAD_UP_NS : LEAD_MAX_NS;
    }
}

/* The kernel would wake us up late again, so what is left is waited for actively, where the loop
 * has not just done so. False: it is not over. */
static bool wait_actively(struct fine_timer *t, uint64_t now_ns)
{
    uint64_t rest_ns = t->due_ns > now_ns ? t->due_ns - now_ns : 0;

    if (rest_ns == 0) {
        return true;
    }
    if (rest_ns > LEAD_MAX_NS || now_ns < t->io->calm_until_ns) {
        return false;
    }
    t->io->calm_until_ns = t->due_ns + CALM_TIMES * rest_ns;
    while (uv_hrtime() < t->due_ns) {
    }
    return true;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct fine_timer *t = poll->data;
    uint64_t times = 0;
    uint64_t now_ns = 0;

    (void)status; /* what counts is whether it is read */
    (void)events;
    /* Setting the timer anew takes an expiry back, but not an event that the loop has already
     * fetched: then there is nothing to read. */
    if (t->closing || read(t->fd, &times, sizeof times) != (ssize_t)sizeof times) {
        return;
    }
    now_ns = uv_hrtime();
    learn_lead(t, now_ns);
    if (!wait_actively(t, now_ns)) {
        set_kernel(t, t->due_ns);
        return;
    }
    t->due_ns = 0;
    t->owner.on_due(t->owner.self);
}

int fine_timer_open(struct fine_timer *t, struct io *io, const struct fine_timer_owner *owner,
                    struct fault *f)
{
    int status = 0;

    /* The clock of uv_hrtime. */
    *t = (struct fine_timer){.fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC),
                             .io = io,
                             .owner = *owner};
    status = t->fd < 0 ? uv_translate_sys_error(errno) : uv_poll_init(&io->loop, &t->poll, t->fd);
    if (status < 0) {
        if (t->fd >= 0) {
            (void)close(t->fd);
        }
        return fault_set(f, FAULT_IO, FAULT_SIDE_SELF,
                         "cannot make a timer: ", uv_strerror(status));
    }
    t->poll.data = t;
    (void)uv_poll_start(&t->poll, UV_READABLE, on_poll); /* cannot fail after its init */
    return 0;
}

static void set_due(struct fine_timer *t, uint64_t due_ns)
{
    if (t->closing || t->due_ns == due_ns) {
        return;
    }
    t->due_ns = due_ns;
    set_kernel(t, due_ns > t->lead_ns ? due_ns - t->lead_ns : due_ns);
}

void fine_timer_start(struct fine_timer *t, uint64_t due_ns)
{
    assert(due_ns > 0);
    set_due(t, due_ns);
}

void fine_timer_stop(struct fine_timer *t)
{
    set_due(t, 0);
}

static void on_poll_closed(uv_handle_t *poll)
{
    struct fine_timer *t = poll->data;

    t->owner.on_closed(t->owner.self);
}

void fine_timer_close(struct fine_timer *t)
{
    if (t->closing) {
        return;
    }
    t->closing = true;
    uv_close((uv_handle_t *)&t->poll, on_poll_closed);
    (void)close(t->fd); /* libuv has let go of it */
}
