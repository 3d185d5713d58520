#include "gateway/listener.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "certs/hello.h"
#include "certs/mem.h"
#include "gateway/log.h"

enum {
    LISTENER_BACKLOG = 4096, /* that a ward may dial at once: what has no place dials after 1 s */
    LISTENER_GREETINGS_MAX = 256, /* strangers at once who have not said hello */
    LISTENER_TEXT_MAX = 300,
    LISTENER_LATER_MS = 1,
};

/* A device's connection until it is known whether somebody takes it. */
struct unwanted {
    struct endpoint *ep;
};

/* A hospital's connection whose ClientHello is not whole yet. */
struct greeting {
    struct listener *listener;
    struct endpoint *ep; /* NULL: handed on */
    struct greeting *next;
    uv_timer_t timer;
    struct buf hello; /* memory only when the hello came in pieces */
    bool timer_closed;
    bool ep_closed;
};

struct listener {
    struct io *io;
    uv_tcp_t tcp;
    const struct listener_events *events;
    void *owner;
    uv_timer_t later; /* a connection that is not taken in this turn of the loop */
    bool secure, closing;
    int open; /* tcp and later, until each is closed */
    uint32_t hello_timeout_ms;
    uint16_t port;
    char *host;
    char text[LISTENER_TEXT_MAX];
    struct greeting *greetings;
    size_t greeting_count;
};

static void greeting_on_data(void *owner, struct span data);
static void greeting_on_eof(void *owner);
static void greeting_on_closed(void *owner, const struct fault *cause);
static void listener_local_closed(void *owner, const struct fault *cause);

static const struct endpoint_events greeting_events = {
    .on_data = greeting_on_data,
    .on_eof = greeting_on_eof,
    .on_closed = greeting_on_closed,
};

/* ---- greetings ---- */

static void listener_check_closed(struct listener *l)
{
    if (l->closing && l->open == 0 && l->greetings == NULL) {
        l->events->on_closed(l->owner, l);
    }
}

static void greeting_check_over(struct greeting *g)
{
    if (!g->timer_closed || !g->ep_closed) {
        return;
    }
    struct listener *l = g->listener;
    struct greeting **slot = &l->greetings;
    while (*slot != g) {
        slot = &(*slot)->next;
    }
    *slot = g->next;
    l->greeting_count--;
    mem_free(g->hello.data);
    mem_free(g);
    listener_check_closed(l);
}

static void greeting_on_timer_closed(uv_handle_t *handle)
{
    struct greeting *g = handle->data;
    g->timer_closed = true;
    greeting_check_over(g);
}

static void greeting_stop_timer(struct greeting *g)
{
    if (!uv_is_closing((uv_handle_t *)&g->timer)) {
        uv_close((uv_handle_t *)&g->timer, greeting_on_timer_closed);
    }
}

static void greeting_log(const struct greeting *g, enum fault_code code, const char *note)
{
    struct log_field fields[] = {
        LOG_TEXT("listen", g->listener->text),
        LOG_TEXT("peer", endpoint_peer(g->ep)),
        LOG_TEXT("cause", fault_code_name(code)),
        LOG_TEXT("side", fault_side_name(FAULT_SIDE_SERVER)),
        LOG_TEXT("note", note),
    };
    log_event(CONF_LOG_WARNING, NULL, "link-refused", fields, 5);
}

static void greeting_refuse(struct greeting *g, enum fault_code code, const char *note)
{
    greeting_log(g, code, note);
    endpoint_read_stop(g->ep);
    endpoint_close(g->ep, NULL);
    greeting_stop_timer(g);
}

static void greeting_on_timer(uv_timer_t *timer)
{
    greeting_refuse(timer->data, FAULT_TIMEOUT, "no TLS ClientHello within 10 s");
}

static void greeting_hand_on(struct greeting *g, const char *name, struct span hello)
{
    struct listener *l = g->listener;
    struct endpoint *ep = g->ep;
    endpoint_read_stop(ep);
    struct listener_hello what = {.ep = ep, .name = name, .bytes = hello};
    switch (l->events->on_hello(l->owner, l, &what)) {
    case LISTENER_TAKEN:
        g->ep = NULL;
        g->ep_closed = true;
        greeting_stop_timer(g);
        return;
    case LISTENER_REFUSED:
        endpoint_close(ep, NULL);
        greeting_stop_timer(g);
        return;
    case LISTENER_UNKNOWN:
        break;
    }
    endpoint_write(ep, span_of(HELLO_ALERT_UNRECOGNIZED_NAME, HELLO_ALERT_LEN));
    endpoint_finish(ep);
    greeting_refuse(g, FAULT_NO_DEVICE,
                    name != NULL ? "the server name (SNI) names no device here"
                                 : "several devices listen here and the peer sent no server name");
}

/* Keep what came so far, for a hello in pieces. */
static bool greeting_keep(struct greeting *g, struct span data)
{
    if (g->hello.data == NULL) {
        uint8_t *memory = mem_new(1, HELLO_MAX);
        if (memory == NULL) {
            return false;
        }
        g->hello = buf_of(memory, HELLO_MAX);
    }
    return buf_put(&g->hello, data);
}

static void greeting_on_data(void *owner, struct span data)
{
    struct greeting *g = owner;
    if (g->hello.data != NULL) {
        if (!greeting_keep(g, data)) {
            greeting_refuse(g, FAULT_TLS, "the ClientHello is too long");
            return;
        }
        data = buf_span(&g->hello);
    }
    char name[HELLO_NAME_MAX];
    switch (hello_server_name(data, name)) {
    case HELLO_MORE:
        if (g->hello.data == NULL && !greeting_keep(g, data)) {
            greeting_refuse(g, FAULT_TLS, "the ClientHello is too long");
        }
        return;
    case HELLO_NAME:
        greeting_hand_on(g, name, data);
        return;
    case HELLO_NONE:
        greeting_hand_on(g, NULL, data);
        return;
    case HELLO_BAD:
        greeting_refuse(g, FAULT_TLS, "this is not TLS");
        return;
    }
}

static void greeting_on_eof(void *owner)
{
    greeting_refuse(owner, FAULT_CLOSED, "the peer went away before its ClientHello");
}

static void greeting_on_closed(void *owner, const struct fault *cause)
{
    struct greeting *g = owner;
    (void)cause; /* told when it was refused; a reset of a stranger is no news */
    endpoint_free(g->ep);
    g->ep = NULL;
    g->ep_closed = true;
    greeting_stop_timer(g);
    greeting_check_over(g);
}

static void listener_greet(struct listener *l)
{
    struct greeting *g = mem_new(1, sizeof *g);
    if (g == NULL) {
        endpoint_drop_connection((uv_stream_t *)&l->tcp);
        return;
    }
    g->listener = l;
    struct endpoint_owner owner = {&greeting_events, g, FAULT_SIDE_SERVER};
    g->ep = endpoint_accept(l->io, (uv_stream_t *)&l->tcp, &owner, NULL);
    if (g->ep == NULL) {
        mem_free(g);
        return;
    }
    g->next = l->greetings;
    l->greetings = g;
    l->greeting_count++;
    (void)uv_timer_init(&l->io->loop, &g->timer); /* can not fail (libuv 1.44) */
    g->timer.data = g;
    if (l->greeting_count > LISTENER_GREETINGS_MAX) {
        greeting_refuse(g, FAULT_LIMIT, "too many connections at once without a ClientHello");
        return;
    }
    uv_timer_start(&g->timer, greeting_on_timer, l->hello_timeout_ms, 0);
    endpoint_read_start(g->ep);
}

/* ---- the listener ---- */

/* A device's connection that nobody took has ended. */
static void listener_local_closed(void *owner, const struct fault *cause)
{
    (void)cause;
    struct unwanted *u = owner;
    endpoint_free(u->ep);
    mem_free(u);
}

static const struct endpoint_events local_events = {
    .on_closed = listener_local_closed,
};

static void listener_take_local(struct listener *l)
{
    struct unwanted *u = mem_new(1, sizeof *u);
    if (u == NULL) {
        endpoint_drop_connection((uv_stream_t *)&l->tcp);
        return;
    }
    struct endpoint_owner owner = {&local_events, u, FAULT_SIDE_DEVICE};
    struct endpoint *ep = endpoint_accept(l->io, (uv_stream_t *)&l->tcp, &owner, NULL);
    if (ep == NULL) {
        mem_free(u);
        return;
    }
    u->ep = ep;
    if (l->events->on_local(l->owner, l, ep) == LISTENER_TAKEN) {
        mem_free(u); /* it has a new owner */
    } else {
        endpoint_close(ep, NULL);
    }
}

static void listener_take(struct listener *l)
{
    if (l->secure) {
        listener_greet(l);
    } else {
        listener_take_local(l);
    }
}

static void listener_on_connection(uv_stream_t *stream, int status);
static void listener_on_later(uv_timer_t *timer);

/* Not accepted, so libuv does not look for more until it is. False: take it now. */
static bool listener_put_off(struct listener *l)
{
    if (!io_turn_is_long(l->io)) {
        return false;
    }
    (void)uv_timer_start(&l->later, listener_on_later, LISTENER_LATER_MS, 0); /* not closing */
    return true;
}

static void listener_on_later(uv_timer_t *timer)
{
    struct listener *l = timer->data;
    if (l->closing || listener_put_off(l)) {
        return;
    }
    listener_take(l);
    /* libuv listens on by itself, but not when there was no memory for the connection. */
    (void)uv_listen((uv_stream_t *)&l->tcp, LISTENER_BACKLOG, listener_on_connection);
}

static void listener_on_connection(uv_stream_t *stream, int status)
{
    struct listener *l = stream->data;
    if (l->closing || status < 0 || listener_put_off(l)) {
        return;
    }
    listener_take(l);
}

static int listener_address(const struct conf_address *from, struct sockaddr_storage *to,
                            struct fault *f)
{
    if (uv_ip4_addr(from->host, from->port, (struct sockaddr_in *)(void *)to) == 0 ||
        uv_ip6_addr(from->host, from->port, (struct sockaddr_in6 *)(void *)to) == 0) {
        return 0;
    }
    return fault_set(f, FAULT_CONFIG, FAULT_SIDE_CONFIGURATION,
                     "an address to listen on must be numeric, not ", from->host);
}

static int listener_bind(struct listener *l, const struct conf_address *address, struct fault *f)
{
    struct sockaddr_storage where = {0};
    int rc = listener_address(address, &where, f);
    if (rc != 0) {
        return rc;
    }
    /* libuv sets SO_REUSEADDR; an address in use is told by listen. */
    int error = uv_tcp_bind(&l->tcp, (const struct sockaddr *)&where, 0);
    if (error == 0) {
        error = uv_listen((uv_stream_t *)&l->tcp, LISTENER_BACKLOG, listener_on_connection);
    }
    if (error != 0) {
        rc = fault_set(f, FAULT_OPEN, FAULT_SIDE_SELF, "cannot listen on ", l->text);
        fault_add(f, ": ");
        fault_add(f, uv_strerror(error));
    }
    return rc;
}

static void listener_on_handle_closed(uv_handle_t *handle)
{
    struct listener *l = handle->data;
    l->open--;
    listener_check_closed(l);
}

static void listener_on_failed_closed(uv_handle_t *handle)
{
    struct listener *l = handle->data;
    l->open--;
    if (l->open == 0) {
        listener_free(l);
    }
}

static void listener_close_handles(struct listener *l, uv_close_cb on_closed)
{
    uv_close((uv_handle_t *)&l->tcp, on_closed);
    uv_close((uv_handle_t *)&l->later, on_closed);
}

struct listener *listener_new(struct io *io, const struct listener_settings *settings,
                              struct fault *f)
{
    struct listener *l = mem_new(1, sizeof *l);
    char *host = mem_text(settings->address->host);
    if (l == NULL || host == NULL) {
        mem_free(l);
        mem_free(host);
        fault_set(f, FAULT_MEMORY, FAULT_SIDE_SELF, "no memory for a listener", NULL);
        return NULL;
    }
    l->io = io;
    l->events = settings->events;
    l->owner = settings->owner;
    l->secure = settings->secure;
    l->hello_timeout_ms = settings->hello_timeout_ms;
    l->host = host;
    l->port = settings->address->port;
    bool v6 = strchr(host, ':') != NULL;
    (void)snprintf(l->text, sizeof l->text, "%s%s%s:%u", v6 ? "[" : "", host, v6 ? "]" : "",
                   (unsigned)l->port);
    (void)uv_tcp_init(&io->loop, &l->tcp);     /* makes no socket yet: can not fail */
    (void)uv_timer_init(&io->loop, &l->later); /* can not fail */
    l->tcp.data = l;
    l->later.data = l;
    l->open = 2;
    if (listener_bind(l, settings->address, f) != 0) {
        listener_close_handles(l, listener_on_failed_closed);
        return NULL;
    }
    return l;
}

void listener_close(struct listener *l)
{
    if (l->closing) {
        return;
    }
    l->closing = true;
    for (struct greeting *g = l->greetings; g != NULL; g = g->next) {
        if (g->ep != NULL) {
            endpoint_close(g->ep, NULL);
        }
        greeting_stop_timer(g);
    }
    listener_close_handles(l, listener_on_handle_closed);
}

void listener_free(struct listener *l)
{
    if (l != NULL) {
        mem_free(l->host);
        mem_free(l);
    }
}

bool listener_is_secure(const struct listener *l)
{
    return l->secure;
}

bool listener_is_at(const struct listener *l, const struct conf_address *address)
{
    return l->port == address->port && strcmp(l->host, address->host) == 0;
}

const char *listener_text(const struct listener *l)
{
    return l->text;
}
