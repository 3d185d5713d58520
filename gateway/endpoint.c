#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "certs/mem.h"
#include "gateway/endpoint_private.h"
#include "gateway/serial.h"

enum {
    KEEPALIVE_IDLE_S = 15,
    KEEPALIVE_INTERVAL_S = 5,
    KEEPALIVE_PROBES = 3,
    USER_TIMEOUT_MS = 30000, /* RFC 5482: a pulled cable is noticed while data waits for its ACK */
    DISCARD_STEP = 1 << 20,
    DISCARD_STEPS = 8,
};

static void endpoint_look_at_drain(struct endpoint *ep);

static void endpoint_on_timer(uv_timer_t *timer)
{
    struct endpoint *ep = timer->data;
    switch (ep->phase) {
    case ENDPOINT_DIALING:
        endpoint_dial_on_deadline(ep);
        break;
    case ENDPOINT_OPEN:
        endpoint_on_tick(ep);
        break;
    case ENDPOINT_LINGERING:
        if (ep->kind == ENDPOINT_SERIAL) {
            endpoint_look_at_drain(ep);
        } else {
            endpoint_close(ep, NULL);
        }
        break;
    case ENDPOINT_CLOSING:
        break;
    }
}

void endpoint_start_timer(struct endpoint *ep, uint64_t after_ms, uint64_t repeat_ms)
{
    /* Counted from now, not from when this turn of the loop began. */
    io_refresh(ep->io);
    (void)uv_timer_start(&ep->timer, endpoint_on_timer, after_ms, repeat_ms);
}

struct endpoint *endpoint_new(struct io *io, enum endpoint_kind kind, const char *name,
                              const struct endpoint_owner *owner, struct fault *f)
{
    assert(owner->events != NULL && owner->events->on_closed != NULL);
    struct endpoint *ep = mem_new(1, sizeof(*ep));
    if (ep == NULL) {
        fault_set(f, FAULT_MEMORY, FAULT_SIDE_SELF, "no memory for a link", NULL);
        return NULL;
    }
    ep->name = name == NULL ? NULL : mem_text(name);
    if (name != NULL && ep->name == NULL) {
        fault_set(f, FAULT_MEMORY, FAULT_SIDE_SELF, "no memory for a link", NULL);
        mem_free(ep);
        return NULL;
    }
    ep->io = io;
    ep->kind = kind;
    ep->owner = *owner;
    ep->phase = ENDPOINT_OPEN;
    (void)uv_timer_init(&io->loop, &ep->timer); /* cannot fail */
    ep->timer.data = ep;
    ep->open_count = 1;
    return ep;
}

struct endpoint *endpoint_open_serial(struct io *io, const char *path, const struct conf_line *line,
                                      const struct endpoint_owner *owner, struct fault *f)
{
    int fd = serial_open(path, line, f);
    if (fd < 0) {
        return NULL;
    }
    struct endpoint *ep = endpoint_new(io, ENDPOINT_SERIAL, path, owner, f);
    if (ep == NULL) {
        goto close_port;
    }
    (void)uv_pipe_init(&io->loop, &ep->u.tty, 0); /* cannot fail */
    ep->u.handle.data = ep;
    ep->has_stream = true;
    ep->open_count++;
    /* Not uv_tty_t: it opens the device a second time, behind our lock (style.md, finding 3). */
    int status = uv_pipe_open(&ep->u.tty, fd);
    if (status < 0) {
        fault_set(f, FAULT_IO, owner->side, path, ": ");
        fault_add(f, uv_strerror(status));
        endpoint_abandon(ep);
        goto close_port;
    }
    parmrk_init(&ep->marks);
    ep->has_count = serial_take_count(fd, &ep->count_base);
    endpoint_update_reading(ep);
    return ep;

close_port:
    serial_release(fd);
    (void)close(fd);
    return NULL;
}

/* libuv would keep the connection and stop listening for good until uv_accept is called, which
 * needs a handle, which needs memory. Both fields are part of libuv's frozen 1.x ABI; inside the
 * connection callback this is what its uv__server_io looks at next. */
void endpoint_drop_connection(uv_stream_t *listener)
{
    if (listener->accepted_fd >= 0) {
        (void)close(listener->accepted_fd);
        listener->accepted_fd = -1;
    }
}

struct endpoint *endpoint_accept(struct io *io, uv_stream_t *listener,
                                 const struct endpoint_owner *owner, struct fault *f)
{
    struct endpoint *ep = endpoint_new(io, ENDPOINT_TCP, NULL, owner, f);
    if (ep == NULL) {
        endpoint_drop_connection(listener);
        return NULL;
    }
    (void)uv_tcp_init(&io->loop, &ep->u.tcp); /* cannot fail without a socket */
    ep->u.handle.data = ep;
    ep->has_stream = true;
    ep->open_count++;
    int status = uv_accept(listener, &ep->u.stream);
    if (status < 0) {
        fault_set(f, FAULT_IO, FAULT_SIDE_SELF,
                  "cannot accept a connection: ", uv_strerror(status));
        endpoint_abandon(ep);
        return NULL;
    }
    endpoint_set_up_tcp(ep);
    return ep;
}

static void endpoint_set_peer(struct endpoint *ep, const struct sockaddr *from)
{
    uint16_t port = 0;
    bool is_v6 = false;
    if (from->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)from;
        (void)inet_ntop(AF_INET, &v4->sin_addr, ep->host, sizeof(ep->host));
        port = ntohs(v4->sin_port);
    } else {
        const struct sockaddr_in6 *v6 = (const void *)from;
        port = ntohs(v6->sin6_port);
        if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
            /* A dual-stack listener shows IPv4 peers so; `from` in the configuration does not. */
            (void)inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], ep->host, sizeof(ep->host));
        } else {
            (void)inet_ntop(AF_INET6, &v6->sin6_addr, ep->host, sizeof(ep->host));
            is_v6 = true;
        }
    }
    (void)snprintf(ep->peer, sizeof(ep->peer), is_v6 ? "[%s]:%u" : "%s:%u", ep->host,
                   (unsigned)port);
}

void endpoint_set_up_tcp(struct endpoint *ep)
{
    static const struct {
        int level, name, value;
    } options[] = {
        {IPPROTO_TCP, TCP_NODELAY, 1},
        {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S},
        {IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S},
        {IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES},
        {IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS},
    };

    uv_os_fd_t fd = -1;
    struct sockaddr_storage from = {0};
    int len = sizeof(from);
    ep->phase = ENDPOINT_OPEN;
    if (uv_fileno(&ep->u.handle, &fd) == 0) {
        for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
            /* A link without keep-alive is still a link: the next write finds out. */
            (void)setsockopt(fd, options[i].level, options[i].name, &options[i].value,
                             sizeof(options[i].value));
        }
    }
    if (uv_tcp_getpeername(&ep->u.tcp, (struct sockaddr *)&from, &len) == 0) {
        endpoint_set_peer(ep, (const struct sockaddr *)&from);
    }
}

void endpoint_count_down(struct endpoint *ep)
{
    assert(ep->open_count > 0 && ep->phase == ENDPOINT_CLOSING);
    ep->open_count--;
    if (ep->open_count > 0) {
        return;
    }
    endpoint_dial_free(ep);
    if (ep->is_orphan) {
        endpoint_free(ep);
        return;
    }
    ep->owner.events->on_closed(ep->owner.self, &ep->cause);
}

static void endpoint_on_handle_closed(uv_handle_t *handle)
{
    endpoint_count_down(handle->data);
}

/* Say goodbye on a TCP socket and throw away what is unread: closing with unread input makes the
 * kernel answer RST, which can overtake and destroy what we sent last. */
static void endpoint_part_tcp(int fd)
{
    (void)shutdown(fd, SHUT_WR);
    for (int i = 0; i < DISCARD_STEPS; i++) {
        /* MSG_TRUNC: Linux throws TCP bytes away without copying (tcp(7)). The scratch buffers are
         * not free here: a callback further up the stack may be working on them. */
        if (recv(fd, NULL, DISCARD_STEP, MSG_DONTWAIT | MSG_TRUNC) <= 0) {
            break;
        }
    }
}

static void endpoint_end(struct endpoint *ep)
{
    uv_os_fd_t fd = -1;
    size_t unsent = 0;
    bool has_fd = ep->has_stream && uv_fileno(&ep->u.handle, &fd) == 0;
    if (has_fd && ep->kind == ENDPOINT_SERIAL) {
        (void)endpoint_line_errors(ep); /* the last chance to ask the driver */
        unsent = serial_count_unsent(fd);
        serial_release(fd);
    } else if (has_fd && ep->phase != ENDPOINT_DIALING) {
        endpoint_part_tcp(fd);
    }
    ep->phase = ENDPOINT_CLOSING;
    if (ep->has_stream) {
        ep->has_stream = false;
        ep->unsent = uv_stream_get_write_queue_size(&ep->u.stream) + unsent;
        uv_close(&ep->u.handle, endpoint_on_handle_closed);
    }
    if (ep->dial != NULL && ep->dial->resolving) {
        /* Fails when it runs already: its callback comes in either case. */
        (void)uv_cancel((uv_req_t *)&ep->dial->resolve);
    }
    uv_close((uv_handle_t *)&ep->timer, endpoint_on_handle_closed);
}

static size_t endpoint_count_drain(struct endpoint *ep)
{
    uv_os_fd_t fd = -1;
    if (uv_fileno(&ep->u.handle, &fd) != 0 || serial_is_gone(fd)) {
        return 0;
    }
    return uv_stream_get_write_queue_size(&ep->u.stream) + serial_count_unsent(fd);
}

static void endpoint_look_at_drain(struct endpoint *ep)
{
    uint64_t now = io_now_ms(ep->io);
    size_t left = endpoint_count_drain(ep);
    if (left != ep->drain_left) {
        ep->drain_left = left;
        ep->drain_moved_ms = now;
    }
    if (left == 0 || now >= ep->drain_until_ms ||
        now - ep->drain_moved_ms >= ENDPOINT_DRAIN_STUCK_MS) {
        endpoint_end(ep);
    }
}

/* At 9600 bit/s what the kernel has taken needs seconds to leave, and half a message is worse for a
 * device than none. close(2) would wait for it, but would hold up every other link. */
static bool endpoint_drain(struct endpoint *ep)
{
    if (ep->kind != ENDPOINT_SERIAL || ep->phase != ENDPOINT_OPEN || !ep->has_stream) {
        return false;
    }
    ep->drain_left = endpoint_count_drain(ep);
    if (ep->drain_left == 0) {
        return false;
    }
    ep->phase = ENDPOINT_LINGERING;
    endpoint_start_timer(ep, ENDPOINT_DRAIN_LOOK_MS, ENDPOINT_DRAIN_LOOK_MS);
    ep->drain_moved_ms = io_now_ms(ep->io);
    ep->drain_until_ms = ep->drain_moved_ms + ENDPOINT_DRAIN_MAX_MS;
    endpoint_update_reading(ep);
    return true;
}

void endpoint_close(struct endpoint *ep, const struct fault *f)
{
    if (ep->phase == ENDPOINT_CLOSING) {
        return;
    }
    if (f != NULL && ep->cause.code == FAULT_NONE) {
        ep->cause = *f;
    }
    if (endpoint_drain(ep)) {
        return;
    }
    /* In the middle of parked cipher text a close_notify would only be a broken record. */
    if (ep->phase == ENDPOINT_OPEN && !ep->finishing && ep->parked == 0) {
        endpoint_send_last(ep, endpoint_tls_goodbye(ep));
    }
    endpoint_end(ep);
}

void endpoint_abandon(struct endpoint *ep)
{
    ep->is_orphan = true;
    endpoint_close(ep, NULL);
}

void endpoint_linger(struct endpoint *ep, const struct fault *f)
{
    assert(ep->phase == ENDPOINT_OPEN && ep->kind == ENDPOINT_TCP);
    ep->cause = *f;
    endpoint_finish(ep);
    if (ep->phase != ENDPOINT_OPEN || ep->got_fin || ep->write_error != 0) {
        endpoint_close(ep, f);
        return;
    }
    ep->phase = ENDPOINT_LINGERING;
    endpoint_start_timer(ep, ENDPOINT_LINGER_MS, 0);
    endpoint_update_reading(ep);
}

static enum fault_code endpoint_map_error(int status, enum endpoint_kind kind)
{
    switch (status) {
    case UV_ENOMEM:
    case UV_ENOBUFS:
        return FAULT_MEMORY;
    case UV_EOF:
    case UV_EIO:
    case UV_EBADF:
    case UV_ENXIO:
    case UV_ENODEV:
        return kind == ENDPOINT_SERIAL ? FAULT_GONE : FAULT_IO;
    case UV_ECONNRESET:
    case UV_EPIPE:
    case UV_ECONNABORTED:
    case UV_ENOTCONN:
        return FAULT_RESET;
    case UV_ECONNREFUSED:
        return FAULT_REFUSED;
    case UV_ETIMEDOUT:
        return FAULT_TIMEOUT;
    case UV_EHOSTUNREACH:
    case UV_ENETUNREACH:
    case UV_EHOSTDOWN:
    case UV_ENETDOWN:
    case UV_EADDRNOTAVAIL:
        return FAULT_UNREACHABLE;
    default:
        return FAULT_IO;
    }
}

void endpoint_fail(struct endpoint *ep, int status, const char *doing)
{
    enum fault_code code = endpoint_map_error(status, ep->kind);
    bool is_ours = code == FAULT_MEMORY || status == UV_EMFILE || status == UV_ENFILE;
    struct fault f;
    if (code == FAULT_RESET && ep->finished && (ep->got_notify || ep->got_fin)) {
        /* Both sides had said all they had to say; some peers end with RST to skip TIME_WAIT. */
        code = FAULT_CLOSED;
    }
    fault_set(&f, code, is_ours ? FAULT_SIDE_SELF : ep->owner.side, endpoint_peer(ep), ": ");
    if (code == FAULT_GONE) {
        fault_add(&f, "device unplugged");
    } else {
        fault_add(&f, doing);
        fault_add(&f, ": ");
        fault_add(&f, uv_strerror(status));
    }
    endpoint_close(ep, &f);
}

void endpoint_free(struct endpoint *ep)
{
    if (ep == NULL) {
        return;
    }
    assert(ep->phase == ENDPOINT_CLOSING && ep->open_count == 0);
    tls_engine_free(ep->engine);
    if (ep->held_plain != NULL) {
        mem_wipe_free(ep->held_plain, sizeof(*ep->held_plain) + ep->held_plain->len);
    }
    mem_free(ep->held_cipher);
    mem_free(ep->name);
    mem_free(ep);
}

void endpoint_adopt(struct endpoint *ep, const struct endpoint_events *events, void *owner)
{
    assert(events->on_closed != NULL);
    ep->owner.events = events;
    ep->owner.self = owner;
}

const char *endpoint_peer(const struct endpoint *ep)
{
    if (ep->peer[0] != '\0') {
        return ep->peer;
    }
    return ep->name == NULL ? "" : ep->name;
}

const char *endpoint_peer_host(const struct endpoint *ep)
{
    return ep->host;
}

uint64_t endpoint_line_errors(struct endpoint *ep)
{
    uv_os_fd_t fd = -1;
    uint32_t now = 0;
    if (ep->has_count && ep->has_stream && uv_fileno(&ep->u.handle, &fd) == 0 &&
        serial_take_count(fd, &now)) {
        ep->count_since = now - ep->count_base;
    }
    /* The driver also counts overruns, the marks are there without a counting driver; parity and
     * framing are in both. */
    uint64_t marked = ep->marks.errors + ep->marks.breaks;
    return marked > ep->count_since ? marked : ep->count_since;
}
