#include <limits.h>
#include <string.h>

#include "certs/mem.h"
#include "gateway/crl_source_private.h"

static void fail(struct crl_source *s, const struct fault *f)
{
    s->failures += s->failures < UINT_MAX;
    s->must_tell = true;
    crl_source_end(s, f);
}

static void on_done(void *owner, struct fetch *f, struct fetch_result *result)
{
    struct crl_source *s = owner;
    (void)f;
    s->fetch = NULL;
    if (result->fault.code != FAULT_NONE) {
        fail(s, &result->fault);
        return;
    }
    s->life.max_age_s = result->max_age_s;
    if (result->is_unchanged) {
        s->failures = 0; /* the same life, and not a second more */
        s->must_tell = true;
        crl_source_end(s, NULL);
        return;
    }
    /* Tags of an answer that nobody has taken yet: they are of no use before. */
    s->is_taken = false;
    memcpy(s->etag, result->etag, sizeof(s->etag));
    memcpy(s->last_modified, result->last_modified, sizeof(s->last_modified));
    s->job.bytes = fetcher_take_body(result, &s->job.len);
    crl_source_work(s, CRL_JOB_PARSE, s->set.place);
}

void crl_source_url_begin(struct crl_source *s)
{
    struct fetch_request request = {
        .url = s->set.place,
        .max_bytes = FETCHER_CRL_MAX,
        .deadline_ms = CRL_SOURCE_DEADLINE_MS,
        .etag = s->is_taken ? s->etag : NULL,
        .last_modified = s->is_taken ? s->last_modified : NULL,
    };
    s->fetch = fetcher_start(s->set.fetcher, &request, on_done, s);
    if (s->fetch == NULL) {
        struct fault f;
        fault_set(&f, FAULT_MEMORY, FAULT_SIDE_SELF, "no memory to download a CRL", NULL);
        fail(s, &f);
    }
}

void crl_source_url_back(struct crl_source *s)
{
    struct fault f = s->job.fault;
    if (f.code == FAULT_NONE) {
        /* As long as nobody says how long it is good (crl_source_set_life) it is as if none had
         * come. */
        s->failures += s->failures < UINT_MAX;
        if (crl_source_hand_over(s, s->set.place)) {
            crl_source_end(s, NULL);
        }
        return;
    }
    crl_source_clear_job(s);
    if (crl_source_may_go_on(s)) {
        fail(s, &f);
    }
}

uint64_t crl_source_url_wait(const struct crl_source *s)
{
    uint32_t random = 0;
    /* Without it all wait as long: no harm. */
    (void)uv_random(NULL, NULL, &random, sizeof(random), 0, NULL);
    unsigned jitter = random % (FETCH_SCHEDULE_JITTER_MAX + 1);
    int64_t wait_s = s->failures > 0
                         ? fetch_schedule_failed(&s->life, io_wall_s(), s->failures, jitter)
                         : fetch_schedule_good(&s->life, io_wall_s(), jitter);
    return (uint64_t)wait_s * 1000;
}
