
#include "certs/mem.h"
#include "gateway/fetcher_private.h"
#include "gateway/libcurl.h"

/* A socket of libcurl's that the loop watches. */
struct watched {
    uv_poll_t poll;
    struct fetcher *fetcher;
    curl_socket_t fd;
    int events;
};

static void watched_on_closed(uv_handle_t *handle)
{
    struct watched *w = handle->data;
    struct fetcher *fr = w->fetcher;
    mem_free(w);
    fetcher_on_handle_closed(fr);
}

static void watched_on_event(uv_poll_t *poll, int status, int events)
{
    struct watched *w = poll->data;
    struct fetcher *fr = w->fetcher;
    if (uv_is_closing((uv_handle_t *)poll)) {
        return;
    }
    int what = 0; /* after an error of the socket: libcurl looks for itself, and learns which */
    if (status == 0) {
        what |= (events & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0;
        what |= (events & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0;
    }
    int running = 0;
    (void)libcurl.multi_socket_action(fr->multi, w->fd, what, &running); /* each transfer tells */
    if (status != 0 && !uv_is_closing((uv_handle_t *)poll)) {
        /* libuv has stopped watching; libcurl still wants to know. */
        (void)uv_poll_start(poll, w->events, watched_on_event);
    }
    fetcher_collect(fr);
}

static struct watched *watched_new(struct fetcher *fr, curl_socket_t fd)
{
    struct watched *w = mem_new(1, sizeof(*w));
    if (w == NULL || uv_poll_init_socket(&fr->io->loop, &w->poll, fd) != 0) {
        mem_free(w);
        return NULL;
    }
    w->poll.data = w;
    w->fetcher = fr;
    w->fd = fd;
    fr->handles++;
    (void)libcurl.multi_assign(fr->multi, fd,
                               w); /* fails only for a socket libcurl does not have */
    return w;
}

static void watched_close(struct fetcher *fr, struct watched *w)
{
    (void)libcurl.multi_assign(fr->multi, w->fd, NULL); /* as above */
    /* At once, not with the handle: libcurl closes the descriptor next, and its number comes back
     * with another socket. */
    (void)uv_poll_stop(&w->poll);
    uv_close((uv_handle_t *)&w->poll, watched_on_closed);
}

/* Without its socket in the loop a transfer would only wait for its end. */
static void fail_transfer(CURL *easy)
{
    struct fetch *f = NULL;
    if (libcurl.easy_getinfo(easy, CURLINFO_PRIVATE, &f) == CURLE_OK && f != NULL) {
        fetcher_fail(f, FAULT_MEMORY, FAULT_SIDE_SELF, ": no memory to watch its socket");
    }
}

/* libcurl wants a socket to be watched, or not any more. Never an error back: that would end all
 * transfers at once. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *owner, void *assigned)
{
    struct fetcher *fr = owner;
    struct watched *w = assigned;
    if (what == CURL_POLL_REMOVE) {
        if (w != NULL) {
            watched_close(fr, w);
        }
        return 0;
    }
    if (w == NULL) {
        w = watched_new(fr, fd);
    }
    if (w != NULL) {
        w->events = ((what & CURL_POLL_IN) != 0 ? UV_READABLE : 0) |
                    ((what & CURL_POLL_OUT) != 0 ? UV_WRITABLE : 0);
    }
    if (w == NULL || uv_poll_start(&w->poll, w->events, watched_on_event) != 0) {
        fail_transfer(easy);
    }
    return 0;
}

static void on_curl_timer(uv_timer_t *timer)
{
    struct fetcher *fr = timer->data;
    if (fr->closing) {
        return;
    }
    int running = 0;
    (void)libcurl.multi_socket_action(fr->multi, CURL_SOCKET_TIMEOUT, 0, &running); /* as above */
    fetcher_collect(fr);
}

static int on_timer_wish(CURLM *multi, long timeout_ms, void *owner)
{
    struct fetcher *fr = owner;
    (void)multi;
    if (timeout_ms < 0) {
        (void)uv_timer_stop(&fr->curl_timer); /* can not fail */
    } else {
        /* 0 means soon, not from within this call: libcurl would be entered twice. */
        (void)uv_timer_start(&fr->curl_timer, on_curl_timer, (uint64_t)timeout_ms, 0);
    }
    return 0;
}

bool fetcher_loop_open(struct fetcher *fr)
{
    if (fr->multi != NULL) {
        return true;
    }
    fr->multi = libcurl.multi_init();
    if (fr->multi == NULL || libcurl.multi_setopt(fr->multi, CURLMOPT_SOCKETFUNCTION, on_socket) ||
        libcurl.multi_setopt(fr->multi, CURLMOPT_SOCKETDATA, fr) ||
        libcurl.multi_setopt(fr->multi, CURLMOPT_TIMERFUNCTION, on_timer_wish) ||
        libcurl.multi_setopt(fr->multi, CURLMOPT_TIMERDATA, fr)) {
        (void)libcurl.multi_cleanup(fr->multi); /* NULL: harmless */
        fr->multi = NULL;
        return false;
    }
    return true;
}

void fetcher_loop_init(struct fetcher *fr)
{
    (void)uv_timer_init(&fr->io->loop, &fr->curl_timer); /* can not fail (libuv 1.44) */
    fr->curl_timer.data = fr;
    fr->handles++;
}

static void on_timer_closed(uv_handle_t *handle)
{
    fetcher_on_handle_closed(handle->data);
}

void fetcher_loop_close(struct fetcher *fr)
{
    if (fr->multi != NULL) {
        (void)libcurl.multi_cleanup(fr->multi); /* fails only for what is no multi handle */
        fr->multi = NULL;
    }
    uv_close((uv_handle_t *)&fr->curl_timer, on_timer_closed);
}

struct fetch *fetcher_loop_next_done(struct fetcher *fr, int *code)
{
    int left = 0;
    struct fetch *f = NULL;
    CURLMsg *message = libcurl.multi_info_read(fr->multi, &left);
    while (message != NULL && message->msg != CURLMSG_DONE) {
        message = libcurl.multi_info_read(fr->multi, &left);
    }
    if (message == NULL ||
        libcurl.easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &f) != CURLE_OK) {
        return NULL;
    }
    *code = (int)message->data.result;
    return f;
}
