#include "gateway/crl_source.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "certs/mem.h"
#include "gateway/crl_reading.h"
#include "gateway/fetch_plan.h"

struct crl_source {
    struct crl_source_settings settings;
    char *place;
    struct crl_reading reading; /* the worker's while `is_working` */
    uv_work_t work;
    uv_timer_t timer;
    struct fetch *fetch;
    struct trust *trust;         /* held */
    struct trust *reading_trust; /* held for the worker */
    unsigned open;               /* the timer, the work */
    bool closing, is_working;
    bool is_asked;      /* on_read is owed */
    bool must_go_again; /* asked for while a reading was under way */
    bool must_forget;   /* other anchors: what is known of files counts no more */
    unsigned failures;
    int64_t max_age_s; /* of the last answer; -1: none */
    int64_t until_s;   /* 0: not known */
    int64_t last_good_s, next_s;
    char etag[FETCHER_TAG_MAX];
    char last_modified[FETCHER_TAG_MAX];
};

static void crl_source_on_timer(uv_timer_t *timer);

/* ---- closing ---- */

static void crl_source_one_closed(struct crl_source *s)
{
    assert(s->open > 0);
    s->open--;
    if (s->open == 0 && s->closing) {
        s->settings.on_closed(s->settings.owner, s);
    }
}

static void crl_source_on_timer_closed(uv_handle_t *handle)
{
    crl_source_one_closed(handle->data);
}

void crl_source_close(struct crl_source *s)
{
    if (s->closing) {
        return;
    }
    s->closing = true;
    if (s->fetch != NULL) {
        fetcher_cancel(s->fetch);
        s->fetch = NULL;
    }
    uv_close((uv_handle_t *)&s->timer, crl_source_on_timer_closed);
}

void crl_source_free(struct crl_source *s)
{
    if (s != NULL) {
        assert(s->open == 0);
        crl_reading_clear(&s->reading);
        trust_release(s->trust);
        mem_free(s->place);
        mem_free(s);
    }
}

/* ---- the end of a reading ---- */

static void crl_source_wait(struct crl_source *s, uint64_t wait_ms)
{
    s->next_s = s->settings.kind == CRL_SOURCE_URL ? io_wall_s() + (int64_t)(wait_ms / 1000) : 0;
    (void)uv_timer_start(&s->timer, crl_source_on_timer, wait_ms, 0); /* fails only when closing */
}

/* f: NULL when all is well. */
static void crl_source_finish(struct crl_source *s, const struct fault *f, bool has_changed)
{
    if (s->must_go_again) {
        s->must_go_again = false;
        crl_source_wait(s, 0);
        return;
    }
    s->failures = f == NULL ? 0 : s->failures + (s->failures < UINT32_MAX ? 1 : 0);
    if (f == NULL) {
        s->last_good_s = io_wall_s();
    }
    if (s->is_asked || has_changed) {
        s->is_asked = false;
        s->settings.on_read(s->settings.owner, s, f);
    }
    if (s->closing || s->must_go_again) {
        s->must_go_again = false;
        if (!s->closing) {
            crl_source_wait(s, 0);
        }
        return;
    }
    const struct fetch_plan plan = {.now_s = io_wall_s(),
                                    .until_s = s->until_s,
                                    .max_age_s = s->max_age_s,
                                    .failures = s->failures,
                                    .random = fetch_plan_random()};
    crl_source_wait(s, s->settings.kind == CRL_SOURCE_URL ? fetch_plan_wait_ms(&plan)
                                                          : CRL_SOURCE_LOOK_MS);
}

/* ---- the worker ---- */

static void crl_source_on_work(uv_work_t *work)
{
    struct crl_source *s = work->data; /* only `reading` is touched on this thread */
    crl_reading_run(&s->reading);
}

/* Hand over what was brought. Returns the first fault, NULL when there is none. */
static const struct fault *crl_source_deliver(struct crl_source *s, bool *has_changed)
{
    struct crl_reading *r = &s->reading;
    const struct fault *first = r->fault.code != FAULT_NONE ? &r->fault : NULL;
    for (size_t i = 0; i < r->count; i++) {
        struct crl_file *file = &r->files[i];
        *has_changed = *has_changed || file->is_new || !file->is_there;
        if (!file->is_there) {
            s->settings.on_gone(s->settings.owner, s, file->path);
        } else if (file->intake != NULL) {
            s->settings.on_intake(s->settings.owner, s, file->path, file->intake);
        }
        if (file->is_there && file->fault.code != FAULT_NONE && first == NULL) {
            first = &file->fault;
        }
    }
    return first;
}

static void crl_source_on_worked(uv_work_t *work, int status)
{
    struct crl_source *s = work->data;
    bool has_changed = false;
    struct fault kept = {0};
    (void)status; /* it is never cancelled */
    s->is_working = false;
    trust_release(s->reading_trust);
    s->reading_trust = NULL;
    if (s->closing) {
        crl_source_one_closed(s);
        return;
    }
    s->open--;
    if (s->must_forget) {
        /* It was judged by anchors that are not in force any more. */
        s->must_go_again = true;
    } else {
        const struct fault *first = crl_source_deliver(s, &has_changed);
        kept = first != NULL ? *first : kept;
    }
    crl_reading_tidy(&s->reading);
    if (kept.code != FAULT_NONE) {
        s->etag[0] = '\0'; /* what it stands for was not taken */
        s->last_modified[0] = '\0';
    }
    crl_source_finish(s, kept.code != FAULT_NONE ? &kept : NULL, has_changed);
}

static void crl_source_start_work(struct crl_source *s)
{
    struct fault f = {0};
    if (s->must_forget) {
        s->must_forget = false;
        crl_reading_clear(&s->reading);
    }
    if (s->reading.place == NULL) {
        s->reading.kind = s->settings.kind;
        s->reading.place = mem_text(s->settings.place);
    }
    s->reading.trust = s->trust;
    s->reading.now_s = io_wall_s();
    s->work.data = s;
    if (s->reading.place == NULL || uv_queue_work(&s->settings.io->loop, &s->work,
                                                  crl_source_on_work, crl_source_on_worked) != 0) {
        fault_set(&f, FAULT_MEMORY, FAULT_SIDE_SELF, s->settings.place, ": no memory");
        crl_source_finish(s, &f, false);
        return;
    }
    s->reading_trust = trust_hold(s->trust);
    s->is_working = true;
    s->open++;
}

/* ---- downloads ---- */

static void crl_source_on_fetched(void *owner, struct fetch *fetch, struct fetch_result *result)
{
    struct crl_source *s = owner;
    (void)fetch; /* it is s->fetch, and over */
    s->fetch = NULL;
    if (result->fault.code != FAULT_NONE || result->is_unchanged) {
        s->max_age_s = result->max_age_s;
        crl_source_finish(s, result->fault.code != FAULT_NONE ? &result->fault : NULL, false);
        return;
    }
    memcpy(s->etag, result->etag, sizeof s->etag);
    memcpy(s->last_modified, result->last_modified, sizeof s->last_modified);
    s->max_age_s = result->max_age_s;
    s->until_s = 0;
    size_t len = 0;
    uint8_t *body = fetcher_take_body(result, &len);
    if (s->must_forget) {
        s->must_forget = false;
        crl_reading_clear(&s->reading);
    }
    mem_free(s->reading.body);
    s->reading.body = body;
    s->reading.body_len = len;
    crl_source_start_work(s);
}

static void crl_source_start_fetch(struct crl_source *s)
{
    struct fault f = {0};
    const struct fetch_request request = {
        .url = s->settings.place,
        .max_bytes = FETCHER_CRL_MAX,
        .deadline_ms = CRL_SOURCE_FETCH_MS,
        .etag = s->must_forget ? "" : s->etag,
        .last_modified = s->must_forget ? "" : s->last_modified,
    };
    s->fetch = s->settings.fetcher != NULL
                   ? fetcher_start(s->settings.fetcher, &request, crl_source_on_fetched, s)
                   : NULL;
    if (s->fetch == NULL) {
        fault_set(&f, FAULT_MEMORY, FAULT_SIDE_SELF, s->settings.place, ": no memory");
        crl_source_finish(s, &f, false);
    }
}

/* ---- what starts a reading ---- */

static void crl_source_on_timer(uv_timer_t *timer)
{
    struct crl_source *s = timer->data;
    if (s->closing || s->is_working || s->fetch != NULL) {
        return;
    }
    if (s->settings.kind == CRL_SOURCE_URL) {
        crl_source_start_fetch(s);
    } else {
        crl_source_start_work(s);
    }
}

struct crl_source *crl_source_new(const struct crl_source_settings *settings)
{
    struct crl_source *s = mem_new(1, sizeof *s);
    char *place = mem_text(settings->place);
    if (s == NULL || place == NULL) {
        mem_free(s);
        mem_free(place);
        return NULL;
    }
    s->settings = *settings;
    s->place = place;
    s->settings.place = place;
    s->trust = trust_hold(settings->trust);
    s->max_age_s = -1;
    s->is_asked = true;
    (void)uv_timer_init(&settings->io->loop, &s->timer); /* can not fail (libuv 1.44) */
    s->timer.data = s;
    s->open = 1;
    crl_source_wait(s, 0);
    return s;
}

void crl_source_refresh(struct crl_source *s)
{
    if (s->closing) {
        return;
    }
    s->is_asked = true;
    if (s->is_working || s->fetch != NULL) {
        s->must_go_again = true;
    } else {
        crl_source_wait(s, 0);
    }
}

void crl_source_set_life(struct crl_source *s, int64_t until_s)
{
    s->until_s = until_s;
}

void crl_source_use_trust(struct crl_source *s, struct trust *trust)
{
    trust_hold(trust);
    trust_release(s->trust);
    s->trust = trust;
    s->must_forget = true;
    s->etag[0] = '\0';
    s->last_modified[0] = '\0';
    crl_source_refresh(s);
}

void crl_source_tell(const struct crl_source *s, struct crl_source_facts *out)
{
    *out = (struct crl_source_facts){.last_good_s = s->last_good_s, .next_s = s->next_s};
}
