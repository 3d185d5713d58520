#include "tests/unit/gateway/source_rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "tests/unit/gateway/link_fixture.h"

static bool is_closing;

static void called(struct source_rig *r)
{
    r->is_late = r->is_late || is_closing;
    if (r->hook != NULL) {
        r->hook(r);
    }
}

static void on_intake(void *owner, struct crl_source *s, const char *place, struct crl_intake *in)
{
    struct source_rig *r = owner;
    r->intakes++;
    r->crls = in->count;
    (void)snprintf(r->place, sizeof(r->place), "%s", place);
    if (r->life_s != 0) {
        crl_source_set_life(s, io_wall_s() + r->life_s);
    }
    called(r);
}

static void on_gone(void *owner, struct crl_source *s, const char *place)
{
    struct source_rig *r = owner;
    (void)s;
    r->gone++;
    (void)snprintf(r->went, sizeof(r->went), "%s", place);
    called(r);
}

static void on_read(void *owner, struct crl_source *s, const struct fault *f)
{
    struct source_rig *r = owner;
    (void)s;
    r->reads++;
    fault_clear(&r->fault);
    if (f != NULL) {
        r->fault = *f;
    }
    called(r);
}

static void on_closed(void *owner, struct crl_source *s)
{
    struct source_rig *r = owner;
    r->closed++;
    crl_source_free(s);
    r->source = NULL;
}

void source_rig_open(struct source_rig *r)
{
    memset(r, 0, sizeof(*r));
    is_closing = false;
    fetch_rig_open(&r->net, false);
    drop_folder_make(&r->folder);
    r->trust = fixture_trust(REVOCATION_OFF);
}

void source_rig_close(struct source_rig *r)
{
    if (r->source != NULL) {
        r->hook = NULL;
        crl_source_close(r->source);
        crl_source_close(r->source);
        is_closing = true;
        bench_run_until(&r->net.bench, &r->closed, 1);
    }
    trust_release(r->trust);
    drop_folder_remove(&r->folder);
    fetch_rig_close(&r->net);
    cr_assert_not(r->is_late);
}

void source_rig_start(struct source_rig *r, enum crl_source_kind kind, const char *place)
{
    struct crl_source_settings settings = {
        .io = &r->net.bench.io,
        .fetcher = r->net.fetcher,
        .place = place,
        .kind = kind,
        .trust = r->trust,
        .look_ms = 10,
        .on_intake = on_intake,
        .on_gone = on_gone,
        .on_read = on_read,
        .on_closed = on_closed,
        .owner = r,
    };
    r->source = crl_source_new(&settings);
    cr_assert_not_null(r->source);
    cr_assert_eq(r->reads + r->intakes, 0, "a call from within crl_source_new");
}

void source_rig_wait(struct source_rig *r, unsigned reads)
{
    bench_run_until(&r->net.bench, &r->reads, reads);
    r->reads = 0;
}

/* The fuzzer's corpus has a CRL and what is asked about it, with lengths before: the CRL alone. */
static struct span read_first(const char *file)
{
    static uint8_t bytes[32768];
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    cr_assert_geq(fd, 0, "%s", file);
    ssize_t len = read(fd, bytes, sizeof(bytes));
    close(fd);
    cr_assert_gt(len, 8);
    if (bytes[0] == 0 && bytes[4] == 0x30) {
        return span_of(bytes + 4, (size_t)bytes[1]);
    }
    return span_of(bytes, (size_t)len);
}

void source_rig_put(struct source_rig *r, const char *name, const char *file, unsigned age_s)
{
    struct span bytes = read_first(file);
    drop_folder_put(&r->folder, name, bytes.data, bytes.len, age_s);
}

void source_rig_serve(struct source_rig *r, const char *fields, const char *file)
{
    static char answer[65536];
    struct span bytes = read_first(file);
    int head = snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\n%sContent-Length: %zu\r\n\r\n",
                        fields, bytes.len);
    memcpy(answer + head, bytes.data, bytes.len);
    http_peer_says(&r->net.peer, HTTP_KEEP, answer);
    r->net.peer.answer_len = (size_t)head + bytes.len;
}
