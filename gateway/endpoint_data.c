#include <assert.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "certs/mem.h"
#include "gateway/endpoint_private.h"
#include "gateway/serial.h"

/* What the kernel would not take: one allocation holds request and bytes until it did. */
struct endpoint_parked {
    uv_write_t request;
    size_t len;
    uint8_t data[];
};

static void endpoint_on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct endpoint *ep = handle->data;
    (void)suggested;
    /* A handshake, or the end of a link, costs many times what a message costs. When a thousand of
     * them come at once the others are not to wait: the poll shows again what was not read. (Serial
     * lines are few, and live by the time of each byte.) */
    if (ep->kind == ENDPOINT_TCP) {
        if (io_turn_is_long(ep->io)) {
            ep->io->has_put_off = true;
            *out = uv_buf_init(NULL, 0);
            return;
        }
        lull_note(&ep->io->lull, &ep->lull_seen);
    }
    /* One buffer for all: the loop reads one handle at a time and we are done with the bytes when
     * the read callback returns. An idle link owns no buffer. */
    *out = uv_buf_init((char *)ep->io->scratch->read, sizeof(ep->io->scratch->read));
}

static void endpoint_on_fin(struct endpoint *ep)
{
    if (ep->kind == ENDPOINT_SERIAL) {
        endpoint_fail(ep, UV_EOF, "reading");
        return;
    }
    if (ep->tls_phase != ENDPOINT_TLS_NONE) {
        endpoint_tls_on_fin(ep);
        return;
    }
    ep->got_fin = true;
    endpoint_update_reading(ep);
    if (ep->owner.events->on_eof != NULL) {
        ep->owner.events->on_eof(ep->owner.self);
    }
}

static void endpoint_take_input(struct endpoint *ep, size_t len)
{
    struct room in = room_of(ep->io->scratch->read, sizeof(ep->io->scratch->read));
    in.len = len;
    if (ep->tls_phase != ENDPOINT_TLS_NONE) {
        endpoint_tls_feed(ep, room_span(&in));
        return;
    }
    if (ep->kind == ENDPOINT_SERIAL) {
        parmrk_decode(&ep->marks, &in);
    }
    if (in.len > 0 && ep->owner.events->on_data != NULL) {
        ep->owner.events->on_data(ep->owner.self, room_span(&in));
    }
}

static void endpoint_on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *into)
{
    struct endpoint *ep = stream->data;
    if (len == UV_ENOBUFS && into->len == 0) {
        return; /* not now, see endpoint_on_room; an end of file may have no room either */
    }
    if (ep->phase == ENDPOINT_LINGERING && len < 0) {
        endpoint_close(ep, NULL); /* the peer has gone: the alert arrived, or never will */
    }
    if (ep->phase != ENDPOINT_OPEN || len == 0) {
        return;
    }
    if (len == UV_EOF) {
        endpoint_on_fin(ep);
    } else if (len < 0) {
        endpoint_fail(ep, (int)len, "reading");
    } else {
        endpoint_take_input(ep, (size_t)len);
    }
}

static bool endpoint_wants_network(const struct endpoint *ep)
{
    if (ep->got_fin || ep->phase == ENDPOINT_DIALING || ep->phase == ENDPOINT_CLOSING) {
        return false;
    }
    if (ep->phase == ENDPOINT_LINGERING) {
        return ep->kind == ENDPOINT_TCP;
    }
    switch (ep->tls_phase) {
    case ENDPOINT_TLS_NONE:
        return ep->reading;
    case ENDPOINT_TLS_HANDSHAKE:
        return ep->held_cipher == NULL;
    case ENDPOINT_TLS_SECURE:
        if (ep->held_plain != NULL || ep->held_cipher != NULL || ep->tls_has_more) {
            return false;
        }
        /* Before the owner's first read_start one record is read ahead, so that an alert is heard;
         * after close_notify only the end of TCP can come. */
        return ep->reading || ep->got_notify || !ep->was_reading;
    case ENDPOINT_TLS_OVER:
        return false;
    }
    return false;
}

static void endpoint_update_timer(struct endpoint *ep)
{
    if (ep->phase != ENDPOINT_OPEN || ep->write_error != 0) {
        return; /* the timer has another task */
    }
    if (ep->kind == ENDPOINT_SERIAL && !ep->reading) {
        /* Without a read nobody would hear that the adapter was pulled, and its name would stay
         * taken. */
        endpoint_start_timer(ep, ENDPOINT_WATCH_MS, ENDPOINT_WATCH_MS);
    } else if (ep->kind == ENDPOINT_TCP && endpoint_tls_can_resume(ep)) {
        endpoint_start_timer(ep, 0, 0);
    } else {
        (void)uv_timer_stop(&ep->timer);
    }
}

void endpoint_update_reading(struct endpoint *ep)
{
    if (!ep->has_stream) {
        return;
    }
    endpoint_update_timer(ep);
    if (!endpoint_wants_network(ep)) {
        (void)uv_read_stop(&ep->u.stream);
        return;
    }
    int status = uv_read_start(&ep->u.stream, endpoint_on_room, endpoint_on_read);
    if (status < 0 && status != UV_EALREADY) {
        endpoint_fail(ep, status, "reading");
    }
}

void endpoint_on_tick(struct endpoint *ep)
{
    uv_os_fd_t fd = -1;
    if (ep->write_error != 0 && endpoint_tls_can_resume(ep)) {
        endpoint_tls_resume(ep);
        if (ep->phase == ENDPOINT_OPEN) {
            endpoint_start_timer(ep, ENDPOINT_LAST_READ_MS, 0);
        }
    } else if (ep->write_error != 0) {
        endpoint_fail(ep, ep->write_error, "sending");
    } else if (ep->kind == ENDPOINT_TCP) {
        endpoint_tls_resume(ep);
    } else if (uv_fileno(&ep->u.handle, &fd) == 0 && serial_is_gone(fd)) {
        endpoint_fail(ep, UV_EOF, "watching");
    }
}

void endpoint_read_start(struct endpoint *ep)
{
    /* Owners say so behind every message; whatever else changes looks at the reading by itself. */
    if (ep->phase != ENDPOINT_OPEN || ep->reading) {
        return;
    }
    ep->reading = true;
    ep->was_reading = true;
    endpoint_update_reading(ep);
}

void endpoint_read_stop(struct endpoint *ep)
{
    if (ep->phase != ENDPOINT_OPEN) {
        return;
    }
    ep->reading = false;
    endpoint_update_reading(ep);
}

struct endpoint_held *endpoint_hold(struct endpoint *ep, struct span bytes)
{
    if (bytes.len == 0) {
        return NULL;
    }
    struct endpoint_held *h = mem_new(1, sizeof(*h) + bytes.len);
    if (h == NULL) {
        endpoint_fail(ep, UV_ENOMEM, "keeping what was read");
        return NULL;
    }
    h->len = bytes.len;
    memcpy(h->data, bytes.data, bytes.len);
    return h;
}

/* A write failed. What the peer said before it left may still be unread (an alert that says why, a
 * last answer): when the owner is reading, that gets a moment to come in first. */
static void endpoint_fail_writing(struct endpoint *ep, int status)
{
    bool is_held = endpoint_tls_can_resume(ep);
    if (ep->kind == ENDPOINT_SERIAL || (!endpoint_wants_network(ep) && !is_held)) {
        endpoint_fail(ep, status, "sending");
        return;
    }
    ep->write_error = status;
    endpoint_start_timer(ep, is_held ? 0 : ENDPOINT_LAST_READ_MS, 0);
}

static void endpoint_on_written(uv_write_t *request, int status)
{
    struct endpoint *ep = request->handle->data;
    struct endpoint_parked *p = request->data;
    ep->parked -= p->len;
    mem_wipe_free(p, sizeof(*p) + p->len);
    if (ep->phase != ENDPOINT_OPEN || ep->write_error != 0) {
        return;
    }
    if (status < 0) {
        endpoint_fail_writing(ep, status);
    } else if (ep->parked == 0 && ep->owner.events->on_drained != NULL) {
        ep->owner.events->on_drained(ep->owner.self);
    }
}

static bool endpoint_park(struct endpoint *ep, struct span bytes)
{
    struct fault f;
    if (bytes.len > ENDPOINT_PARKED_MAX - ep->parked) {
        fault_set(&f, FAULT_INTERNAL, FAULT_SIDE_SELF, endpoint_peer(ep),
                  ": too much waits to be sent");
        endpoint_close(ep, &f);
        return false;
    }
    struct endpoint_parked *p = mem_new(1, sizeof(*p) + bytes.len);
    if (p == NULL) {
        endpoint_fail(ep, UV_ENOMEM, "keeping what is to be sent");
        return false;
    }
    p->len = bytes.len;
    memcpy(p->data, bytes.data, bytes.len);
    p->request.data = p;
    uv_buf_t one = uv_buf_init((char *)p->data, (unsigned)p->len);
    int status = uv_write(&p->request, &ep->u.stream, &one, 1, endpoint_on_written);
    if (status < 0) {
        mem_wipe_free(p, sizeof(*p) + p->len);
        endpoint_fail_writing(ep, status);
        return false;
    }
    ep->parked += bytes.len;
    return true;
}

static int endpoint_try_write(struct endpoint *ep, struct span bytes)
{
    uv_buf_t one = {.base = NULL, .len = bytes.len};
    /* uv_buf_t knows no const; a write changes nothing. */
    memcpy(&one.base, &bytes.data, sizeof(one.base));
    return uv_try_write(&ep->u.stream, &one, 1);
}

bool endpoint_send(struct endpoint *ep, struct span bytes)
{
    if (ep->write_error != 0) {
        return false;
    }
    if (bytes.len > 0 && ep->parked == 0) {
        int taken = endpoint_try_write(ep, bytes);
        if (taken < 0 && taken != UV_EAGAIN) {
            endpoint_fail_writing(ep, taken);
            return false;
        }
        bytes = span_after(bytes, taken < 0 ? 0 : (size_t)taken);
    }
    return bytes.len == 0 || endpoint_park(ep, bytes);
}

void endpoint_send_last(struct endpoint *ep, struct span bytes)
{
    if (bytes.len > 0 && ep->has_stream) {
        (void)endpoint_try_write(ep, bytes);
    }
}

void endpoint_write(struct endpoint *ep, struct span bytes)
{
    assert(ep->phase != ENDPOINT_DIALING && ep->tls_phase != ENDPOINT_TLS_HANDSHAKE);
    if (ep->phase != ENDPOINT_OPEN || ep->finishing || bytes.len == 0) {
        return;
    }
    if (ep->tls_phase == ENDPOINT_TLS_NONE) {
        (void)endpoint_send(ep, bytes); /* a failure is heard by on_closed */
    } else {
        endpoint_tls_write(ep, bytes);
    }
}

bool endpoint_is_clear(const struct endpoint *ep)
{
    return ep->phase == ENDPOINT_OPEN && ep->parked == 0 && ep->write_error == 0;
}

size_t endpoint_parked(const struct endpoint *ep)
{
    return ep->parked;
}

size_t endpoint_unsent(const struct endpoint *ep)
{
    return ep->unsent;
}

size_t endpoint_undelivered(const struct endpoint *ep)
{
    return ep->held_plain != NULL ? ep->held_plain->len : 0;
}

static void endpoint_on_shutdown(uv_shutdown_t *request, int status)
{
    struct endpoint *ep = request->handle->data;
    if (ep->phase != ENDPOINT_OPEN) {
        return;
    }
    if (status < 0) {
        endpoint_fail(ep, status, "finishing");
        return;
    }
    ep->finished = true;
}

void endpoint_finish(struct endpoint *ep)
{
    if (ep->phase != ENDPOINT_OPEN || ep->finishing || ep->kind == ENDPOINT_SERIAL) {
        return;
    }
    ep->finishing = true;
    if (!endpoint_send(ep, endpoint_tls_goodbye(ep))) {
        return;
    }
    int status = uv_shutdown(&ep->shutdown, &ep->u.stream, endpoint_on_shutdown);
    if (status < 0) {
        endpoint_fail(ep, status, "finishing");
    }
}

size_t endpoint_discard_input(struct endpoint *ep)
{
    enum { STEPS = 64 }; /* a line that babbles faster than that is never silent anyway */

    uint8_t scratch[1024];
    uv_os_fd_t fd = -1;
    size_t count = 0;
    if (ep->kind != ENDPOINT_SERIAL || ep->phase != ENDPOINT_OPEN ||
        uv_fileno(&ep->u.handle, &fd) != 0) {
        return 0;
    }
    for (int i = 0; i < STEPS; i++) {
        ssize_t got = read(fd, scratch, sizeof(scratch));
        if (got <= 0) {
            break; /* empty; or gone, which the loop finds out */
        }
        struct room in = room_of(scratch, sizeof(scratch));
        in.len = (size_t)got;
        parmrk_decode(&ep->marks, &in);
        count += in.len;
    }
    return count;
}
