#include "tests/unit/gateway/http_peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "certs/mem.h"

enum { DRIP_MS = 10, FLOOD_TAIL = 1000 };

struct http_guest {
    struct http_peer *peer;
    uv_tcp_t tcp;
    uv_timer_t timer;
    uv_write_t write;
    struct http_guest *next, **slot;
    unsigned handles;
    bool has_asked;
    size_t dripped;
};

static void guest_on_closed(uv_handle_t *handle)
{
    struct http_guest *g = handle->data;
    g->handles--;
    if (g->handles == 0) {
        *g->slot = g->next;
        if (g->next != NULL) {
            g->next->slot = g->slot;
        }
        g->peer->open--;
        mem_free(g);
    }
}

static void guest_close(struct http_guest *g, bool is_reset)
{
    if (uv_is_closing((uv_handle_t *)&g->timer)) {
        return;
    }
    uv_close((uv_handle_t *)&g->timer, guest_on_closed);
    if (!is_reset || uv_tcp_close_reset(&g->tcp, guest_on_closed) != 0) {
        uv_close((uv_handle_t *)&g->tcp, guest_on_closed);
    }
}

static uv_buf_t answer_of(const struct http_guest *g, size_t from, size_t len)
{
    char *text = NULL;
    memcpy(&text, &g->peer->answer, sizeof(text)); /* libuv takes it without const */
    return uv_buf_init(text + from, (unsigned)len);
}

static size_t answer_len(const struct http_peer *p)
{
    return p->answer_len > 0 ? p->answer_len : strlen(p->answer);
}

static void guest_write(struct http_guest *g, size_t from, size_t len);

static void guest_on_drip(uv_timer_t *timer)
{
    struct http_guest *g = timer->data;
    if (g->dripped < answer_len(g->peer)) {
        g->dripped++;
        guest_write(g, g->dripped - 1, 1);
    }
}

static void guest_on_written(uv_write_t *write, int status)
{
    struct http_guest *g = write->data;
    if (uv_is_closing((uv_handle_t *)&g->tcp)) {
        return;
    }
    size_t len = answer_len(g->peer);
    if (status < 0) {
        guest_close(g, false);
    } else if (g->peer->manner == HTTP_ANSWER || g->peer->manner == HTTP_RESET) {
        guest_close(g, g->peer->manner == HTTP_RESET);
    } else if (g->peer->manner == HTTP_FLOOD) {
        g->peer->sent += FLOOD_TAIL;
        guest_write(g, len - FLOOD_TAIL, FLOOD_TAIL);
    }
}

static void guest_write(struct http_guest *g, size_t from, size_t len)
{
    uv_buf_t buf = answer_of(g, from, len);
    g->write.data = g;
    cr_assert_eq(uv_write(&g->write, (uv_stream_t *)&g->tcp, &buf, 1, guest_on_written), 0);
}

static void guest_answer(struct http_guest *g)
{
    struct http_peer *p = g->peer;
    g->has_asked = true;
    p->requests++;
    switch (p->manner) {
    case HTTP_ANSWER:
    case HTTP_KEEP:
    case HTTP_RESET:
    case HTTP_FLOOD:
        guest_write(g, 0, answer_len(p));
        return;
    case HTTP_DRIP:
        uv_timer_start(&g->timer, guest_on_drip, DRIP_MS, DRIP_MS);
        return;
    case HTTP_SILENT:
    case HTTP_LEAVE:
        return;
    }
}

/* The head, and as much of a body as it announces. */
static bool is_whole(const struct http_peer *p)
{
    const char *end = strstr(p->heard, "\r\n\r\n");
    const char *length = strstr(p->heard, "Content-Length: ");
    if (end == NULL) {
        return false;
    }
    size_t body = length != NULL && length < end ? strtoul(length + 16, NULL, 10) : 0;
    return (size_t)(p->heard + p->heard_len - end) >= body + 4;
}

static void guest_on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
    struct http_guest *g = handle->data;
    struct http_peer *p = g->peer;
    (void)size;
    *buf = uv_buf_init(p->heard + p->heard_len, (unsigned)(sizeof(p->heard) - 1 - p->heard_len));
}

static void guest_on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf)
{
    struct http_guest *g = stream->data;
    struct http_peer *p = g->peer;
    (void)buf;
    if (uv_is_closing((uv_handle_t *)stream)) {
        return;
    }
    if (len < 0) {
        guest_close(g, false);
        return;
    }
    p->heard_len += (size_t)len;
    p->heard[p->heard_len] = '\0';
    if (!g->has_asked && is_whole(p)) {
        guest_answer(g);
        p->heard_len = 0; /* the text stays until the next one begins */
    }
}

static void peer_on_connection(uv_stream_t *listener, int status)
{
    struct http_peer *p = listener->data;
    cr_assert_eq(status, 0);
    struct http_guest *g = mem_new(1, sizeof(*g));
    g->peer = p;
    uv_tcp_init(&p->bench->io.loop, &g->tcp);
    uv_timer_init(&p->bench->io.loop, &g->timer);
    g->tcp.data = g;
    g->timer.data = g;
    g->handles = 2;
    g->next = p->guests;
    g->slot = &p->guests;
    if (g->next != NULL) {
        g->next->slot = &g->next;
    }
    p->guests = g;
    p->connections++;
    p->open++;
    p->most_open = p->open > p->most_open ? p->open : p->most_open;
    cr_assert_eq(uv_accept(listener, (uv_stream_t *)&g->tcp), 0);
    if (p->manner == HTTP_LEAVE) {
        guest_close(g, false);
        return;
    }
    uv_read_start((uv_stream_t *)&g->tcp, guest_on_alloc, guest_on_read);
}

void http_peer_open(struct http_peer *p, struct bench *b)
{
    struct sockaddr_in at;
    int len = sizeof(at);
    memset(p, 0, sizeof(*p));
    p->bench = b;
    p->answer = "";
    uv_tcp_init(&b->io.loop, &p->listener);
    p->listener.data = p;
    uv_ip4_addr("127.0.0.1", 0, &at);
    cr_assert_eq(uv_tcp_bind(&p->listener, (struct sockaddr *)&at, 0), 0);
    cr_assert_eq(uv_listen((uv_stream_t *)&p->listener, 64, peer_on_connection), 0);
    cr_assert_eq(uv_tcp_getsockname(&p->listener, (struct sockaddr *)&at, &len), 0);
    p->port = ntohs(at.sin_port);
}

void http_peer_close(struct http_peer *p)
{
    for (struct http_guest *g = p->guests; g != NULL; g = g->next) {
        guest_close(g, false);
    }
    uv_close((uv_handle_t *)&p->listener, NULL);
}

void http_peer_says(struct http_peer *p, enum http_manner manner, const char *answer)
{
    p->manner = manner;
    p->answer = answer;
    p->answer_len = 0;
}

bool http_peer_heard(const struct http_peer *p, const char *line)
{
    char whole[512];
    (void)snprintf(whole, sizeof(whole), "%s\r\n", line);
    return strstr(p->heard, whole) != NULL;
}
