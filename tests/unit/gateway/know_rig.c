#include "tests/unit/gateway/know_rig.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

static void on_closed(void *owner)
{
    struct know_rig *r = owner;
    r->closed++;
}

void know_rig_open(struct know_rig *r)
{
    static char name[] = "hospital";
    static char host[] = "127.0.0.1";
    memset(r, 0, sizeof(*r));
    bench_init(&r->bench);
    http_peer_open(&r->peer, &r->bench);
    folder_make(&r->drop);
    folder_make(&r->state);
    r->trust = papers_trust(PAPERS_ROOT);
    (void)snprintf(r->url, sizeof(r->url), "http://127.0.0.1:%u/ocsp", (unsigned)r->peer.port);
    r->host = (struct conf_fetch_host){.host = host};
    r->section = (struct conf_trust){.name = name,
                                     .trust = r->trust,
                                     .check_timeout_ms = 20000,
                                     .canonical = "as it is",
                                     .crls = r->crls,
                                     .ocsp = CONF_OCSP_OFF,
                                     .ocsp_url = r->url,
                                     .fetch_hosts = &r->host};
    r->conf = (struct conf){
        .gateway = {.state_dir = r->state.path}, .trusts = &r->section, .trust_count = 1};
    capture_start(&r->log, STDERR_FILENO);
}

void know_rig_close(struct know_rig *r)
{
    if (r->revocation != NULL) {
        know_rig_stop(r);
    }
    (void)capture_end(&r->log);
    http_peer_close(&r->peer);
    bench_end(&r->bench);
    trust_release(r->trust);
    folder_remove(&r->drop);
    folder_remove(&r->state);
}

void know_rig_add(struct know_rig *r, enum conf_crl_kind kind, const char *name)
{
    size_t at = r->section.crl_count++;
    cr_assert_lt(at, KNOW_RIG_CRLS);
    if (kind == CONF_CRL_URL) {
        (void)snprintf(r->places[at], sizeof(r->places[at]), "http://127.0.0.1:%u%s",
                       (unsigned)r->peer.port, name);
    } else {
        (void)snprintf(r->places[at], sizeof(r->places[at]), "%s%s%s", r->drop.path,
                       name[0] != '\0' ? "/" : "", name);
    }
    r->crls[at] = (struct conf_crl){.kind = kind, .text = r->places[at]};
}

void know_rig_start(struct know_rig *r)
{
    struct fault f = {0};
    const struct revocation_settings settings = {
        .io = &r->bench.io, .conf = &r->conf, .on_closed = on_closed, .owner = r};
    r->closed = 0;
    r->revocation = revocation_new(&settings, &f);
    cr_assert_not_null(r->revocation, "%s", f.note);
    revocation_start(r->revocation);
    r->knowledge = knowledge_find(r->revocation, r->section.name);
    cr_assert_not_null(r->knowledge);
}

void know_rig_stop(struct know_rig *r)
{
    revocation_close(r->revocation);
    bench_run_until(&r->bench, &r->closed, 1);
    revocation_free(r->revocation);
    r->revocation = NULL;
    r->knowledge = NULL;
}

static bool is_settled(void *arg)
{
    const struct know_rig *r = arg;
    const struct store *store = r->revocation->store;
    return !knowledge_is_busy(r->knowledge) && (store == NULL || !store_is_busy(store));
}

void know_rig_settle(struct know_rig *r)
{
    bench_run_while_not(&r->bench, is_settled, r);
}

void know_rig_refresh(struct know_rig *r)
{
    knowledge_refresh(r->knowledge);
    know_rig_settle(r);
}

unsigned know_rig_said(struct know_rig *r, const char *text)
{
    unsigned count = 0;
    cr_assert_neq(text[0], '\0');
    for (const char *at = strstr(capture_end(&r->log), text); at != NULL;
         at = strstr(at + 1, text)) {
        count++;
    }
    capture_start(&r->log, STDERR_FILENO);
    return count;
}

void know_rig_put(struct know_rig *r, const char *name, unsigned number)
{
    struct span crl = papers_crl(&(struct papers_crl){.number = number});
    folder_put(&r->drop, name, crl.data, crl.len);
}

void know_rig_answer(struct know_rig *r, struct span body, const char *type)
{
    int len = snprintf(r->answer, sizeof(r->answer),
                       "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n", type,
                       body.len);
    cr_assert(len > 0 && (size_t)len + body.len < sizeof(r->answer));
    memcpy(r->answer + len, body.data, body.len);
    http_peer_says(&r->peer, HTTP_ANSWER, r->answer);
    r->peer.answer_len = (size_t)len + body.len;
}

unsigned know_rig_number(const struct know_rig *r, unsigned *waiting)
{
    const struct evidence_crl *crls = NULL;
    size_t count = evidence_crls(r->knowledge->evidence, &crls);
    unsigned number = 0;
    unsigned pending = 0;
    for (size_t i = 0; i < count; i++) {
        uint8_t byte = 0;
        cr_assert(span_at(crl_number(crls[i].crl), 0, &byte));
        pending += crls[i].is_verified ? 0 : 1;
        number = crls[i].is_verified && byte > number ? byte : number;
    }
    if (waiting != NULL) {
        *waiting = pending;
    }
    return number;
}
