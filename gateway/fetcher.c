#include "gateway/fetcher.h"

#include <assert.h>
#include <string.h>

#include "certs/mem.h"
#include "gateway/fetcher_private.h"
#include "gateway/libcurl.h"

/* ---- lists ---- */

static void list_init(struct fetch_list *list)
{
    list->first = NULL;
    list->end = &list->first;
    list->count = 0;
}

static void list_append(struct fetch_list *list, struct fetch *f)
{
    f->next = NULL;
    f->slot = list->end;
    *list->end = f;
    list->end = &f->next;
    list->count++;
}

static void list_remove(struct fetch_list *list, struct fetch *f)
{
    *f->slot = f->next;
    if (f->next != NULL) {
        f->next->slot = f->slot;
    } else {
        list->end = f->slot;
    }
    list->count--;
}

static struct fetch_list *list_of(struct fetch *f)
{
    return f->easy != NULL ? &f->fetcher->running : &f->fetcher->queue;
}

/* ---- deadlines: one timer for all ---- */

static void on_deadline(uv_timer_t *timer);

static void watch_deadline(struct fetcher *fr, uint64_t due_ms)
{
    if (due_ms >= fr->deadline_ms) {
        return;
    }
    uint64_t now_ms = io_now_ms(fr->io);
    fr->deadline_ms = due_ms;
    /* Can not fail: there is a callback, and the handle is not closing. */
    (void)uv_timer_start(&fr->deadline_timer, on_deadline, due_ms > now_ms ? due_ms - now_ms : 0,
                         0);
}

/* Later than whatever is told in this turn of the loop, so that one who tries again at once does
 * not keep it from turning. */
static uint64_t soon_ms(const struct fetcher *fr)
{
    return io_now_ms(fr->io) + 1;
}

void fetcher_fail(struct fetch *f, enum fault_code code, enum fault_side side, const char *why)
{
    if (f->fault.code == FAULT_NONE) {
        fault_set(&f->fault, code, side, f->at.name, why);
    }
    f->due_ms = soon_ms(f->fetcher);
    watch_deadline(f->fetcher, f->due_ms);
}

/* ---- the end of a fetch ---- */

/* Out of libcurl and out of its list; only its memory is left. */
static void fetch_take_out(struct fetch *f)
{
    list_remove(list_of(f), f);
    fetcher_curl_end(f);
}

static void fetch_free(struct fetch *f)
{
    fetcher_curl_free_fields(f->fields);
    mem_free(f->at.url);
    mem_free(f->post);
    mem_free(f->answer_type);
    mem_free(f->body);
    mem_free(f);
}

static void fetch_tell(struct fetch *f, struct fetch_result *result)
{
    fetch_take_out(f);
    f->on_done(f->owner, f, result);
    fetch_free(f);
}

/* ---- turns ---- */

static bool has_turn(const struct fetcher *fr, const struct fetch *f)
{
    unsigned at_host = 0;
    for (const struct fetch *other = fr->running.first; other != NULL; other = other->next) {
        at_host += other->at.port == f->at.port && strcmp(other->at.host, f->at.host) == 0;
    }
    return at_host < FETCHER_HOST_ONCE;
}

static void give_turn(struct fetcher *fr, struct fetch *f)
{
    list_remove(&fr->queue, f);
    if (fetcher_curl_begin(f)) {
        list_append(&fr->running, f);
    } else {
        list_append(&fr->queue, f);
        fetcher_fail(f, FAULT_MEMORY, FAULT_SIDE_SELF, ": no memory to fetch it");
    }
}

/* Who waits longest goes first, but for those whose host is busy. */
static void give_turns(struct fetcher *fr)
{
    struct fetch *f = fr->queue.first;
    size_t waiting = fr->queue.count;
    for (; waiting > 0 && fr->running.count < FETCHER_AT_ONCE; waiting--) {
        struct fetch *next = f->next;
        if (f->fault.code == FAULT_NONE && has_turn(fr, f)) {
            give_turn(fr, f);
        }
        f = next;
    }
}

/* ---- the loop calls ---- */

static struct fetch *find_due(struct fetch_list *list, uint64_t now_ms)
{
    struct fetch *f = list->first;
    while (f != NULL && f->due_ms > now_ms) {
        f = f->next;
    }
    return f;
}

static void tell_due(struct fetch *f)
{
    struct fetch_result result = {.max_age_s = -1, .fetch = f};
    if (f->fault.code == FAULT_NONE) {
        fault_set(&f->fault, FAULT_TIMEOUT, FAULT_SIDE_SERVER, f->at.name,
                  f->easy != NULL ? " did not answer in time"
                                  : ": other downloads took all the time there was");
    }
    result.fault = f->fault;
    fetch_tell(f, &result);
}

static void watch_all(struct fetcher *fr)
{
    const struct fetch_list *const lists[] = {&fr->running, &fr->queue};
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        for (const struct fetch *f = lists[i]->first; f != NULL; f = f->next) {
            watch_deadline(fr, f->due_ms);
        }
    }
}

static void on_deadline(uv_timer_t *timer)
{
    struct fetcher *fr = timer->data;
    if (fr->closing) {
        return;
    }
    uint64_t now_ms = io_now_ms(fr->io);
    struct fetch *due = NULL;
    fr->deadline_ms = UINT64_MAX;
    /* From the start each time: what is told may cancel others. */
    do {
        due = find_due(&fr->running, now_ms);
        due = due != NULL ? due : find_due(&fr->queue, now_ms);
        if (due != NULL) {
            tell_due(due);
        }
    } while (due != NULL && !fr->closing);
    if (!fr->closing) {
        give_turns(fr);
        watch_all(fr);
    }
}

void fetcher_collect(struct fetcher *fr)
{
    struct fetch_result result;
    int code = 0;
    while (!fr->closing) {
        struct fetch *f = fetcher_loop_next_done(fr, &code);
        if (f == NULL) {
            give_turns(fr);
            return;
        }
        fetcher_curl_judge(f, code, &result);
        fetch_tell(f, &result);
    }
}

/* ---- what users call ---- */

static bool copy_request(struct fetch *f, const struct fetch_request *request)
{
    f->max_bytes = request->max_bytes;
    if (request->answer_type != NULL) {
        f->answer_type = mem_text(request->answer_type);
        if (f->answer_type == NULL) {
            return false;
        }
    }
    if (request->body.len > 0) {
        f->post = mem_new(request->body.len, 1);
        if (f->post == NULL) {
            return false;
        }
        memcpy(f->post, request->body.data, request->body.len);
        f->post_len = request->body.len;
    }
    return fetcher_curl_fields(request, &f->fields, &f->is_conditional);
}

struct fetch *fetcher_start(struct fetcher *fr, const struct fetch_request *request,
                            fetch_done_fn on_done, void *owner)
{
    assert(request->max_bytes > 0);
    struct fetch *f = fr->closing ? NULL : mem_new(1, sizeof(*f));
    if (f == NULL) {
        return NULL;
    }
    f->fetcher = fr;
    f->on_done = on_done;
    f->owner = owner;
    int rc = fetcher_url_read(request->url, &f->at, &f->fault);
    /* What can not be read is told by on_done, like all else that a fetch can meet. */
    if (rc == FAULT_MEMORY || (rc == 0 && (!copy_request(f, request) || !fetcher_loop_open(fr)))) {
        fetch_free(f);
        return NULL;
    }
    bool has_time = rc == 0 && request->deadline_ms > 0;
    f->due_ms = has_time ? io_now_ms(fr->io) + request->deadline_ms : soon_ms(fr);
    list_append(&fr->queue, f);
    watch_deadline(fr, f->due_ms);
    give_turns(fr);
    return f;
}

void fetcher_cancel(struct fetch *f)
{
    struct fetcher *fr = f->fetcher;
    fetch_take_out(f);
    fetch_free(f);
    give_turns(fr);
}

uint8_t *fetcher_take_body(struct fetch_result *result, size_t *len)
{
    struct fetch *f = result->fetch;
    uint8_t *body = result->body.len > 0 ? f->body : NULL;
    *len = result->body.len;
    if (body != NULL) {
        f->body = NULL;
        result->body = span_of(NULL, 0);
    }
    return body;
}

bool fetcher_use_proxy(struct fetcher *fr, const char *proxy)
{
    char *copy = mem_text(proxy != NULL ? proxy : "");
    if (copy == NULL) {
        return false;
    }
    mem_free(fr->proxy);
    fr->proxy = copy;
    return true;
}

struct fetcher *fetcher_new(struct io *io, const char *proxy, void (*on_closed)(void *owner),
                            void *owner)
{
    struct fetcher *fr = mem_new(1, sizeof(*fr));
    if (fr == NULL) {
        return NULL;
    }
    fr->io = io;
    fr->on_closed = on_closed;
    fr->owner = owner;
    fr->deadline_ms = UINT64_MAX;
    list_init(&fr->queue);
    list_init(&fr->running);
    if (!fetcher_use_proxy(fr, proxy)) {
        mem_free(fr);
        return NULL;
    }
    fetcher_loop_init(fr);
    (void)uv_timer_init(&io->loop, &fr->deadline_timer); /* can not fail (libuv 1.44) */
    fr->deadline_timer.data = fr;
    fr->handles++;
    return fr;
}

void fetcher_on_handle_closed(struct fetcher *fr)
{
    fr->handles--;
    if (fr->handles == 0) {
        fr->on_closed(fr->owner);
    }
}

static void on_timer_closed(uv_handle_t *handle)
{
    fetcher_on_handle_closed(handle->data);
}

static void drop_all(struct fetch_list *list)
{
    while (list->first != NULL) {
        struct fetch *f = list->first;
        fetch_take_out(f);
        fetch_free(f);
    }
}

void fetcher_close(struct fetcher *fr)
{
    if (fr->closing) {
        return;
    }
    fr->closing = true;
    drop_all(&fr->running);
    drop_all(&fr->queue);
    fetcher_loop_close(fr);
    uv_close((uv_handle_t *)&fr->deadline_timer, on_timer_closed);
}

void fetcher_free(struct fetcher *fr)
{
    if (fr != NULL) {
        assert(fr->handles == 0);
        mem_free(fr->proxy);
        mem_free(fr);
    }
}

const char *fetcher_library_version(void)
{
    return libcurl_load(LIBCURL_SONAME, NULL) == 0 ? libcurl.version_info(CURLVERSION_NOW)->version
                                                   : NULL;
}
