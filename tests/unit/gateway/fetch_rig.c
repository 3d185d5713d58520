#include "tests/unit/gateway/fetch_rig.h"

#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

static void on_closed(void *owner)
{
    struct fetch_rig *r = owner;
    fetcher_free(r->fetcher);
    r->fetcher = NULL;
    r->closed++;
}

void fetch_rig_open(struct fetch_rig *r, bool is_proxy)
{
    memset(r, 0, sizeof(*r));
    bench_init(&r->bench);
    http_peer_open(&r->peer, &r->bench);
    r->fetcher = fetcher_new(&r->bench.io, is_proxy ? fetch_rig_url(r, "") : NULL, on_closed, r);
    cr_assert_not_null(r->fetcher);
}

void fetch_rig_close(struct fetch_rig *r)
{
    fetcher_close(r->fetcher);
    cr_assert_eq(r->closed, 0, "on_closed came from within fetcher_close");
    bench_run_until(&r->bench, &r->closed, 1);
    http_peer_close(&r->peer);
    bench_end(&r->bench);
    cr_assert_eq(r->closed, 1);
}

const char *fetch_rig_url(struct fetch_rig *r, const char *path)
{
    (void)snprintf(r->url, sizeof(r->url), "http://127.0.0.1:%u%s", (unsigned)r->peer.port, path);
    return r->url;
}

struct fetch_request fetch_rig_request(struct fetch_rig *r)
{
    return (struct fetch_request){
        .url = fetch_rig_url(r, "/crl"), .max_bytes = FETCHER_OCSP_MAX, .deadline_ms = 20000};
}

static void on_done(void *owner, struct fetch *f, struct fetch_result *result)
{
    struct fetch_ear *ear = owner;
    cr_assert_eq(f, ear->fetch, "on_done came from within fetcher_start, or for another fetch");
    ear->fetch = NULL;
    ear->done++;
    ear->result = *result;
    ear->len = result->body.len;
    if (ear->len > 0) {
        size_t kept = ear->len < FETCH_EAR_BODY_MAX ? ear->len : FETCH_EAR_BODY_MAX - 1;
        memcpy(ear->body, result->body.data, kept);
        ear->body[kept] = '\0';
    }
    if (ear->hook != NULL) {
        ear->hook(ear, result);
    }
}

void fetch_rig_start(struct fetch_rig *r, const struct fetch_request *request,
                     struct fetch_ear *ear)
{
    ear->done = 0;
    ear->fetch = NULL;
    ear->fetch = fetcher_start(r->fetcher, request, on_done, ear);
    cr_assert_not_null(ear->fetch);
}

void fetch_rig_run(struct fetch_rig *r, const struct fetch_request *request, struct fetch_ear *ear)
{
    fetch_rig_start(r, request, ear);
    bench_run_until(&r->bench, &ear->done, 1);
}
