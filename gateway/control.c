#include "gateway/control.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include <uv.h>

#include "certs/mem.h"

/* One of a fixed number of places: a client costs no allocation. */
struct control_client {
    struct control *control;
    uv_pipe_t pipe;
    uv_timer_t timer;
    uv_write_t write;
    char *answer;
    size_t left; /* of the answer, when the timer was started */
    char request[CONTROL_REQUEST_MAX];
    size_t request_len;
    unsigned open; /* handles not closed yet */
    bool in_use;
    bool closing;
    bool asked; /* the owner has the request and has not answered */
};

struct control {
    struct io *io;
    struct control_events events;
    void *owner;
    uv_pipe_t listener;
    struct control_path path;
    struct control_client clients[CONTROL_CLIENTS_MAX];
    bool is_listening; /* the listener's handle is open */
    bool closing;
    bool one_waits; /* libuv holds an accepted connection for us: it says so only once */
};

static void accept_client(struct control *c, struct control_client *cl);

static bool has_clients(const struct control *c)
{
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        if (c->clients[i].in_use) {
            return true;
        }
    }
    return false;
}

static void tell_when_closed(struct control *c)
{
    if (c->closing && !c->is_listening && !has_clients(c)) {
        c->events.on_closed(c->owner);
    }
}

/* Both handles are closed and the owner will not answer any more. */
static void free_client(struct control_client *cl)
{
    struct control *c = cl->control;
    mem_free(cl->answer);
    cl->in_use = false;
    if (!c->closing && c->one_waits) {
        c->one_waits = false;
        accept_client(c, cl);
    }
    tell_when_closed(c);
}

static void on_client_handle_closed(uv_handle_t *handle)
{
    struct control_client *cl = handle->data;
    assert(cl->open > 0);
    cl->open--;
    if (cl->open == 0 && !cl->asked) {
        free_client(cl);
    }
}

static void close_client(struct control_client *cl)
{
    if (cl->closing) {
        return;
    }
    cl->closing = true;
    uv_close((uv_handle_t *)&cl->pipe, on_client_handle_closed);
    uv_close((uv_handle_t *)&cl->timer, on_client_handle_closed);
}

static void on_time_out(uv_timer_t *timer)
{
    struct control_client *cl = timer->data;
    size_t left = uv_stream_get_write_queue_size((uv_stream_t *)&cl->pipe);
    if (left < cl->left) {
        cl->left = left; /* it reads: a long answer may take its time */
        (void)uv_timer_start(timer, on_time_out, CONTROL_CLIENT_MS, 0); /* not closing */
        return;
    }
    close_client(cl);
}

static void on_written(uv_write_t *request, int status)
{
    struct control_client *cl = request->data;
    (void)status; /* gone or served: it ends either way */
    close_client(cl);
}

/* Takes the answer over. */
static void send_answer(struct control_client *cl, char *answer)
{
    cl->answer = answer;
    cl->left = strlen(answer);
    cl->write.data = cl;
    /* A client that does not read must not stay. Its time begins now, not when this turn of the
     * loop began: to make the answer took some. */
    io_refresh(cl->control->io);
    (void)uv_timer_start(&cl->timer, on_time_out, CONTROL_CLIENT_MS,
                         0); /* fails only when closing */
    uv_buf_t bytes = uv_buf_init(cl->answer, (unsigned)cl->left);
    if (uv_write(&cl->write, (uv_stream_t *)&cl->pipe, &bytes, 1, on_written) != 0) {
        close_client(cl);
    }
}

static void answer_here(struct control_client *cl, const char *text)
{
    char *copy = mem_text(text);
    if (copy == NULL) {
        close_client(cl);
        return;
    }
    send_answer(cl, copy);
}

/* The owner answers. False: nobody hears it any more. */
static bool take_answer(struct control_client *client)
{
    assert(client->asked);
    client->asked = false;
    if (client->closing && client->open == 0) {
        free_client(client);
        return false;
    }
    return !client->closing;
}

void control_answer(struct control_client *client, const char *text)
{
    if (take_answer(client)) {
        answer_here(client, text != NULL ? text : "{\"ok\":false,\"error\":\"out of memory\"}\n");
    }
}

void control_answer_owned(struct control_client *client, char *text)
{
    if (text == NULL) {
        control_answer(client, NULL);
    } else if (take_answer(client)) {
        send_answer(client, text);
    } else {
        mem_free(text);
    }
}

static const struct {
    const char *word;
    bool takes_arguments;
} words[] = {
    [CONTROL_STATUS] = {"status", false},   [CONTROL_RELOAD] = {"reload", false},
    [CONTROL_REFRESH] = {"refresh", false}, [CONTROL_BLOCK] = {"block", true},
    [CONTROL_UNBLOCK] = {"unblock", true},  [CONTROL_BREAK_GLASS] = {"break-glass", true},
};

enum { WORDS = sizeof(words) / sizeof(words[0]) };

const char *control_word(enum control_request what)
{
    return words[what].word;
}

/* The line is whole. */
static void handle_request(struct control_client *cl, size_t len)
{
    struct span line = span_of(cl->request, len);
    size_t blank = span_find(line, ' ');
    bool has_arguments = blank < len;
    struct span word = span_first(line, blank);
    struct span arguments = has_arguments ? span_after(line, blank + 1) : span_of(NULL, 0);

    (void)uv_read_stop((uv_stream_t *)&cl->pipe); /* always succeeds */
    (void)uv_timer_stop(&cl->timer);              /* the owner takes the time that it needs */
    for (size_t i = 0; i < WORDS; i++) {
        if (span_equal(word, span_of_text(words[i].word)) &&
            (!has_arguments || words[i].takes_arguments)) {
            cl->asked = true;
            cl->control->events.on_request(cl->control->owner, cl, (enum control_request)i,
                                           arguments);
            return;
        }
    }
    answer_here(cl, "{\"ok\":false,\"error\":\"unknown request\"}\n");
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *room)
{
    struct control_client *cl = handle->data;
    (void)suggested;
    *room = uv_buf_init(cl->request + cl->request_len,
                        (unsigned)(sizeof(cl->request) - cl->request_len));
}

static void on_request_bytes(uv_stream_t *stream, ssize_t n, const uv_buf_t *bytes)
{
    struct control_client *cl = stream->data;
    (void)bytes;
    if (cl->closing || n == 0) {
        return;
    }
    if (n < 0) {
        close_client(cl);
        return;
    }
    cl->request_len += (size_t)n;
    const char *end = memchr(cl->request, '\n', cl->request_len);
    if (end != NULL) {
        handle_request(cl, (size_t)(end - cl->request));
    } else if (cl->request_len == sizeof(cl->request)) {
        (void)uv_read_stop(stream); /* always succeeds */
        answer_here(cl, "{\"ok\":false,\"error\":\"request too long\"}\n");
    }
}

/* Take the connection that waits at the listener. */
static void accept_client(struct control *c, struct control_client *cl)
{
    *cl = (struct control_client){.control = c, .in_use = true};
    cl->pipe.data = cl;
    cl->timer.data = cl;
    (void)uv_pipe_init(&c->io->loop, &cl->pipe, 0); /* cannot fail */
    (void)uv_timer_init(&c->io->loop, &cl->timer);  /* cannot fail */
    cl->open = 2;
    if (uv_accept((uv_stream_t *)&c->listener, (uv_stream_t *)&cl->pipe) != 0 ||
        uv_timer_start(&cl->timer, on_time_out, CONTROL_CLIENT_MS, 0) != 0 ||
        uv_read_start((uv_stream_t *)&cl->pipe, on_room, on_request_bytes) != 0) {
        close_client(cl);
    }
}

static void on_connection(uv_stream_t *stream, int status)
{
    struct control *c = stream->data;
    if (c->closing || status != 0) {
        return;
    }
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        if (!c->clients[i].in_use) {
            accept_client(c, &c->clients[i]);
            return;
        }
    }
    c->one_waits = true;
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct control *c = handle->data;
    c->is_listening = false;
    tell_when_closed(c);
}

struct control *control_open(struct io *io, struct control_path *path,
                             const struct control_events *events, void *owner)
{
    struct control *c = mem_new(1, sizeof(*c));
    if (c == NULL) {
        control_path_remove(path);
        control_path_release(path);
        return NULL;
    }
    c->path = *path;
    c->io = io;
    c->events = *events;
    c->owner = owner;
    (void)uv_pipe_init(&io->loop, &c->listener, 0); /* cannot fail */
    c->listener.data = c;
    c->is_listening = true;
    /* The socket listens already; libuv only learns of it. Neither call can fail on such a
     * descriptor, and the descriptor is the handle's from here on. */
    int error = uv_pipe_open(&c->listener, c->path.fd);
    assert(error == 0);
    error = uv_listen((uv_stream_t *)&c->listener, CONTROL_CLIENTS_MAX, on_connection);
    assert(error == 0);
    c->path.fd = -1;
    return c;
}

void control_close(struct control *c)
{
    if (c->closing) {
        return;
    }
    c->closing = true;
    control_path_remove(&c->path);
    uv_close((uv_handle_t *)&c->listener, on_listener_closed);
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        if (c->clients[i].in_use) {
            close_client(&c->clients[i]);
        }
    }
}

void control_free(struct control *c)
{
    if (c != NULL) {
        assert(!c->is_listening && !has_clients(c));
        control_path_release(&c->path);
        mem_free(c);
    }
}
