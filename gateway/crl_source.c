#include "gateway/crl_source.h"

#include <assert.h>
#include <string.h>

#include "certs/mem.h"
#include "gateway/crl_source_private.h"

static void check_closed(struct crl_source *s)
{
    if (s->closing && s->is_timer_closed && !s->is_working) {
        s->set.on_closed(s->set.owner, s);
    }
}

/* ---- the clock ---- */

static void on_timer(uv_timer_t *timer)
{
    struct crl_source *s = timer->data;
    if (s->closing) {
        return;
    }
    s->next_s = 0;
    s->is_reading = true;
    s->is_again = false;
    if (s->set.kind == CRL_SOURCE_URL) {
        crl_source_url_begin(s);
    } else {
        crl_source_files_begin(s);
    }
}

static void begin_in(struct crl_source *s, uint64_t wait_ms)
{
    s->is_reading = false;
    /* Can not fail: there is a callback, and the handle is not closing. */
    (void)uv_timer_start(&s->timer, on_timer, wait_ms, 0);
}

static void begin_when_due(struct crl_source *s)
{
    if (s->set.kind != CRL_SOURCE_URL) {
        begin_in(s, s->set.look_ms);
        return;
    }
    uint64_t wait_ms = crl_source_url_wait(s);
    s->next_s = io_wall_s() + (int64_t)(wait_ms / 1000);
    begin_in(s, wait_ms);
}

bool crl_source_may_go_on(struct crl_source *s)
{
    if (!s->closing && s->is_again) {
        begin_in(s, 0);
    }
    return s->is_reading && !s->closing;
}

static bool is_same_fault(const struct fault *a, const struct fault *b)
{
    return a->code == b->code && strcmp(a->note, b->note) == 0;
}

void crl_source_end(struct crl_source *s, const struct fault *f)
{
    const struct fault none = {.code = FAULT_NONE};
    const struct fault now = f != NULL ? *f : none;
    bool must_tell = s->must_tell || !is_same_fault(&now, &s->fault);
    s->must_tell = false;
    s->fault = now;
    if (f == NULL) {
        s->last_good_s = io_wall_s();
    }
    begin_when_due(s);
    if (must_tell) {
        s->set.on_read(s->set.owner, s, f);
    }
}

/* ---- the worker ---- */

static void work_read(struct crl_job *job)
{
    job->bytes = crl_files_load(job->path, &job->len, &job->mark, &job->is_settled, &job->fault);
}

static void work_parse(struct crl_job *job)
{
    int rc = crl_intake_read(span_of(job->bytes, job->len), job->trust, job->now_s, &job->intake,
                             &job->fault);
    if (rc != 0) {
        crl_files_name_fault(&job->fault, job->path);
    }
}

/* On a thread of the pool: touches only the job. */
static void on_work(uv_work_t *work)
{
    struct crl_source *s = work->data;
    struct crl_job *job = &s->job;
    switch (job->kind) {
    case CRL_JOB_LOOK:
        /* What is wrong comes back in the job. */
        (void)crl_files_list(job->path, job->is_folder, &job->listing, &job->fault);
        return;
    case CRL_JOB_READ:
        work_read(job);
        break;
    case CRL_JOB_PARSE:
        break;
    }
    if (job->fault.code == FAULT_NONE) {
        work_parse(job);
    }
    /* Here and not on the loop: 64 MB are many pages to give back. */
    mem_free(job->bytes);
    job->bytes = NULL;
}

void crl_source_clear_job(struct crl_source *s)
{
    struct crl_job *job = &s->job;
    crl_intake_clear(&job->intake);
    crl_files_free(&job->listing);
    trust_release(job->trust);
    job->trust = NULL;
}

static void on_worked(uv_work_t *work, int status)
{
    struct crl_source *s = work->data;
    (void)status; /* never cancelled */
    bool is_useless = s->closing || s->is_outdated;
    s->is_working = false;
    s->is_outdated = false;
    if (is_useless) {
        crl_source_clear_job(s);
        (void)crl_source_may_go_on(s); /* it begins anew, or is closing */
        check_closed(s);
    } else if (s->set.kind == CRL_SOURCE_URL) {
        crl_source_url_back(s);
    } else {
        crl_source_files_back(s);
    }
}

void crl_source_work(struct crl_source *s, enum crl_job_kind kind, const char *path)
{
    struct crl_job *job = &s->job;
    job->kind = kind;
    job->path = path;
    job->is_folder = s->set.kind == CRL_SOURCE_FOLDER;
    job->trust = trust_hold(s->set.trust);
    job->now_s = io_wall_s();
    fault_clear(&job->fault);
    job->work.data = s;
    s->is_working = true;
    /* Fails only without a function to call. */
    int rc = uv_queue_work(&s->set.io->loop, &job->work, on_work, on_worked);
    assert(rc == 0);
}

bool crl_source_hand_over(struct crl_source *s, const char *place)
{
    s->must_tell = true;
    s->set.on_intake(s->set.owner, s, place, &s->job.intake);
    crl_source_clear_job(s);
    return crl_source_may_go_on(s);
}

/* ---- what users call ---- */

struct crl_source *crl_source_new(const struct crl_source_settings *settings)
{
    struct crl_source *s = mem_new(1, sizeof(*s));
    char *place = mem_text(settings->place);
    if (s == NULL || place == NULL) {
        mem_free(s);
        mem_free(place);
        return NULL;
    }
    s->set = *settings;
    s->set.place = place;
    s->set.trust = trust_hold(settings->trust);
    s->set.look_ms = settings->look_ms > 0 ? settings->look_ms : CRL_SOURCE_LOOK_MS;
    s->life.max_age_s = -1;
    s->must_tell = true;
    (void)uv_timer_init(&s->set.io->loop, &s->timer); /* can not fail (libuv 1.44) */
    s->timer.data = s;
    begin_in(s, 0);
    return s;
}

void crl_source_refresh(struct crl_source *s)
{
    if (s->closing) {
        return;
    }
    s->is_forced = true;
    s->must_tell = true;
    if (s->fetch != NULL) {
        /* What it brings may be older than the order. */
        fetcher_cancel(s->fetch);
        s->fetch = NULL;
        begin_in(s, 0);
    } else if (s->is_reading) {
        s->is_again = true;
    } else {
        begin_in(s, 0);
    }
}

void crl_source_set_life(struct crl_source *s, int64_t next_update_s)
{
    s->life.next_update_s = next_update_s;
    s->is_taken = true;
    s->failures = 0;
    if (s->set.kind == CRL_SOURCE_URL && !s->is_reading && !s->closing) {
        begin_when_due(s);
    }
}

void crl_source_use_trust(struct crl_source *s, struct trust *trust)
{
    struct trust *old = s->set.trust;
    s->set.trust = trust_hold(trust);
    trust_release(old);
    s->is_taken = false;
    s->is_outdated = s->is_working;
    crl_source_refresh(s);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct crl_source *s = handle->data;
    s->is_timer_closed = true;
    check_closed(s);
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
    uv_close((uv_handle_t *)&s->timer, on_timer_closed);
}

void crl_source_free(struct crl_source *s)
{
    if (s != NULL) {
        assert(s->is_timer_closed && !s->is_working);
        char *place = NULL;
        memcpy(&place, &s->set.place, sizeof(place)); /* our copy, shown without const nowhere */
        crl_files_free(&s->known);
        trust_release(s->set.trust);
        mem_free(place);
        mem_free(s);
    }
}

void crl_source_tell(const struct crl_source *s, struct crl_source_facts *out)
{
    *out = (struct crl_source_facts){
        .place = s->set.place,
        .kind = s->set.kind,
        .is_busy = s->is_reading,
        .last_good_s = s->last_good_s,
        .next_s = s->next_s,
        .fault = s->fault,
    };
}
