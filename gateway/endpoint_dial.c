#include <assert.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "certs/mem.h"
#include "gateway/endpoint_private.h"

enum { NAME_MAX_LEN = 256 + 10 }; /* a host name, brackets, colon, port, NUL */

static void endpoint_dial_try_next(struct endpoint *ep);

void endpoint_dial_free(struct endpoint *ep)
{
    if (ep->dial == NULL) {
        return;
    }
    assert(!ep->dial->resolving);
    uv_freeaddrinfo(ep->dial->list);
    mem_free(ep->dial);
    ep->dial = NULL;
}

/* The handle of a failed attempt is closed: a socket cannot be connected twice. */
static void endpoint_dial_on_attempt_closed(uv_handle_t *handle)
{
    struct endpoint *ep = handle->data;
    if (ep->phase != ENDPOINT_DIALING) {
        endpoint_count_down(ep);
        return;
    }
    ep->open_count--;
    endpoint_dial_try_next(ep);
}

static void endpoint_dial_give_up_attempt(struct endpoint *ep, int status)
{
    ep->dial->status = status;
    ep->has_stream = false;
    uv_close(&ep->u.handle, endpoint_dial_on_attempt_closed);
}

static void endpoint_dial_on_connected(uv_connect_t *request, int status)
{
    struct endpoint *ep = request->handle->data;
    /* Cancelled: the attempt was given up, and its close callback goes on. */
    if (ep->phase != ENDPOINT_DIALING || status == UV_ECANCELED) {
        return;
    }
    if (status < 0) {
        endpoint_dial_give_up_attempt(ep, status);
        return;
    }
    (void)uv_timer_stop(&ep->timer);
    endpoint_set_up_tcp(ep);
    endpoint_dial_free(ep);
    if (ep->owner.events->on_open != NULL) {
        ep->owner.events->on_open(ep->owner.self);
    }
}

/* One address that swallows packets must not eat the time of the others: each gets its share. */
static uint64_t endpoint_dial_share(const struct endpoint *ep, uint64_t left_ms)
{
    uint64_t count = 0;
    for (const struct addrinfo *a = ep->dial->next; a != NULL; a = a->ai_next) {
        count++;
    }
    return count == 0 ? left_ms : left_ms / count;
}

static void endpoint_dial_try_next(struct endpoint *ep)
{
    struct endpoint_dial *d = ep->dial;
    io_refresh(ep->io);
    uint64_t now = io_now_ms(ep->io);
    if (d->next == NULL || now >= d->deadline_ms) {
        endpoint_fail(ep, d->next == NULL ? d->status : UV_ETIMEDOUT, "connecting");
        return;
    }
    endpoint_start_timer(ep, endpoint_dial_share(ep, d->deadline_ms - now), 0);
    const struct sockaddr *to = d->next->ai_addr;
    d->next = d->next->ai_next;
    (void)uv_tcp_init(&ep->io->loop, &ep->u.tcp); /* cannot fail without a socket */
    ep->u.handle.data = ep;
    ep->has_stream = true;
    ep->open_count++;
    int status = uv_tcp_connect(&d->connect, &ep->u.tcp, to, endpoint_dial_on_connected);
    if (status < 0) {
        endpoint_dial_give_up_attempt(ep, status);
    }
}

void endpoint_dial_on_deadline(struct endpoint *ep)
{
    if (ep->dial->resolving) {
        endpoint_fail(ep, UV_ETIMEDOUT, "looking up the name");
    } else if (ep->has_stream) {
        endpoint_dial_give_up_attempt(ep, UV_ETIMEDOUT);
    }
}

static void endpoint_dial_fail_name(struct endpoint *ep, int status)
{
    struct fault f;
    if (status == UV_ENOMEM || status == UV_EAI_MEMORY) {
        endpoint_fail(ep, UV_ENOMEM, "looking up the name");
        return;
    }
    fault_set(&f, FAULT_RESOLVE, ep->owner.side, endpoint_peer(ep), ": no address for this name: ");
    fault_add(&f, uv_strerror(status));
    endpoint_close(ep, &f);
}

static void endpoint_dial_on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *list)
{
    struct endpoint *ep = request->data;
    ep->dial->resolving = false;
    ep->dial->list = list;
    if (ep->phase != ENDPOINT_DIALING) {
        endpoint_count_down(ep);
        return;
    }
    ep->open_count--;
    if (status < 0) {
        endpoint_dial_fail_name(ep, status);
        return;
    }
    ep->dial->next = list;
    endpoint_dial_try_next(ep);
}

static void endpoint_dial_resolve(struct endpoint *ep, const char *host)
{
    struct endpoint_dial *d = ep->dial;
    struct addrinfo hints = {0};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    /* An address needs no resolver, and so does not wait behind slow names for a thread. */
    if (getaddrinfo(host, d->service, &hints, &d->list) == 0) {
        d->next = d->list;
        endpoint_dial_try_next(ep);
        return;
    }
    d->list = NULL;
    hints.ai_flags = AI_NUMERICSERV;
    d->resolve.data = ep;
    int status = uv_getaddrinfo(&ep->io->loop, &d->resolve, endpoint_dial_on_resolved, host,
                                d->service, &hints);
    if (status < 0) {
        endpoint_dial_fail_name(ep, status);
        return;
    }
    d->resolving = true;
    ep->open_count++;
}

struct endpoint *endpoint_dial(struct io *io, const struct conf_address *to, uint32_t timeout_ms,
                               const struct endpoint_owner *owner, struct fault *f)
{
    char name[NAME_MAX_LEN];
    bool is_v6 = strchr(to->host, ':') != NULL;
    (void)snprintf(name, sizeof(name), is_v6 ? "[%.255s]:%u" : "%.255s:%u", to->host,
                   (unsigned)to->port);
    struct endpoint *ep = endpoint_new(io, ENDPOINT_TCP, name, owner, f);
    if (ep == NULL) {
        return NULL;
    }
    ep->phase = ENDPOINT_DIALING;
    ep->dial = mem_new(1, sizeof(*ep->dial));
    if (ep->dial == NULL) {
        fault_set(f, FAULT_MEMORY, FAULT_SIDE_SELF, name, ": no memory to connect");
        endpoint_abandon(ep);
        return NULL;
    }
    (void)snprintf(ep->dial->service, sizeof(ep->dial->service), "%u", (unsigned)to->port);
    endpoint_start_timer(ep, timeout_ms, 0); /* also brings the loop's clock up to date */
    ep->dial->deadline_ms = io_now_ms(io) + timeout_ms;
    endpoint_dial_resolve(ep, to->host);
    return ep;
}
