#include "tests/unit/gateway/link_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "certs/tls.h"

struct identity *fixture_identity(const char *name)
{
    char cert[128];
    char key[128];
    struct fault f;
    (void)snprintf(cert, sizeof(cert), "build/pki/%s.pem", name);
    (void)snprintf(key, sizeof(key), "build/pki/%s.key", name);
    struct identity *id = identity_load(cert, key, io_wall_s(), &f);
    cr_assert_not_null(id, "%s", f.note);
    return id;
}

struct trust *fixture_trust(enum revocation_mode revocation)
{
    struct trust_settings settings = {
        .name = "hospital",
        .anchors = "build/pki/root.pem",
        .tls_min = TLS_VERSION_1_3,
        .revocation = revocation,
    };
    struct fault f;
    struct trust *t = trust_load(&settings, io_wall_s(), &f);
    cr_assert_not_null(t, "%s", f.note);
    return t;
}

static void hospital_start_tls(struct hospital_link *at, enum tls_role role)
{
    struct hospital *h = at->hospital;
    struct fault f;
    struct tls_settings settings = {
        .role = role,
        .identity = h->identity,
        .trust = h->trust,
        .allow = &h->allow,
        .allow_count = 1,
        .server_name = at->server_name[0] != '\0' ? at->server_name : NULL,
    };
    struct tls_engine *engine = tls_engine_new(&settings, &f);
    if (engine == NULL) {
        endpoint_close(at->ear.ep, NULL); /* a test that takes memory away hits us too */
        return;
    }
    endpoint_start_tls(at->ear.ep, engine, span_of(NULL, 0));
}

static void hospital_on_secure(struct hospital_link *at)
{
    struct hospital *h = at->hospital;
    h->secured++;
    at->device = tls_engine_peer(endpoint_tls(at->ear.ep))->leaf;
    if (h->mood != HOSPITAL_IS_DEAF) {
        endpoint_read_start(at->ear.ep);
    }
}

static void hospital_on_event(struct ear *ear, enum ear_event event, struct span data)
{
    struct hospital_link *at = ear->arg;
    struct hospital *h = at->hospital;
    h->events++;
    switch (event) {
    case EAR_OPEN:
        hospital_start_tls(at, TLS_CLIENT);
        break;
    case EAR_SECURE:
        hospital_on_secure(at);
        break;
    case EAR_DATA:
        if (at->record_count < HOSPITAL_RECORDS_MAX) {
            at->records[at->record_count] = data.len;
        }
        at->record_count++;
        break;
    case EAR_EOF:
        if (h->finishes) {
            endpoint_finish(ear->ep);
        }
        break;
    case EAR_DRAINED:
        break;
    case EAR_CLOSED:
        h->closed++;
        endpoint_free(ear->ep);
        ear->ep = NULL;
        break;
    }
    if (h->hook != NULL) {
        h->hook(h, at, event);
    }
}

void hospital_init(struct hospital *h, struct bench *b, const char *identity_name)
{
    struct fault f;
    memset(h, 0, sizeof(*h));
    h->bench = b;
    h->identity = fixture_identity(identity_name);
    h->trust = fixture_trust(REVOCATION_OFF);
    h->mood = HOSPITAL_TALKS;
    cr_assert_eq(name_rule_parse("dns:pump-12.ward.example", &h->allow, &f), 0);
}

void hospital_leave(struct hospital *h)
{
    if (h->is_listening) {
        h->is_listening = false;
        uv_close((uv_handle_t *)&h->tcp, NULL);
        bench_turn(h->bench);
    }
}

static bool hospital_is_empty(void *arg)
{
    struct hospital *h = arg;
    return h->closed == h->count;
}

void hospital_end(struct hospital *h)
{
    hospital_leave(h);
    h->hook = NULL;
    for (unsigned i = 0; i < h->count; i++) {
        if (h->links[i].ear.ep != NULL) {
            endpoint_close(h->links[i].ear.ep, NULL);
        }
    }
    bench_run_while_not(h->bench, hospital_is_empty, h);
    for (unsigned i = 0; i < h->count; i++) {
        cr_expect_eq(h->links[i].ear.closed, 1);
        cr_expect_not(h->links[i].ear.is_late);
    }
    identity_release(h->identity);
    trust_release(h->trust);
}

static struct hospital_link *hospital_new_link(struct hospital *h)
{
    cr_assert_lt(h->count, (unsigned)HOSPITAL_LINKS_MAX);
    struct hospital_link *at = &h->links[h->count++];
    ear_init(&at->ear, FAULT_SIDE_SERVER);
    at->hospital = h;
    at->ear.hook = hospital_on_event;
    at->ear.arg = at;
    return at;
}

static void hospital_on_connection(uv_stream_t *listener, int status)
{
    struct hospital *h = listener->data;
    struct fault f;
    cr_assert_eq(status, 0);
    struct hospital_link *at = hospital_new_link(h);
    at->ear.ep = endpoint_accept(&h->bench->io, listener, &at->ear.owner, &f);
    if (at->ear.ep == NULL) {
        h->count--;
        return;
    }
    if (h->mood == HOSPITAL_HANGS_UP) {
        endpoint_close(at->ear.ep, NULL);
    } else if (h->mood != HOSPITAL_IS_MUTE) {
        hospital_start_tls(at, TLS_SERVER);
    }
}

void hospital_listen(struct hospital *h)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int len = sizeof(at);
    at.sin_port = htons(h->port);
    uv_tcp_init(&h->bench->io.loop, &h->tcp);
    h->tcp.data = h;
    cr_assert_eq(uv_tcp_bind(&h->tcp, (const struct sockaddr *)&at, 0), 0);
    cr_assert_eq(uv_listen((uv_stream_t *)&h->tcp, 16, hospital_on_connection), 0);
    cr_assert_eq(uv_tcp_getsockname(&h->tcp, (struct sockaddr *)&at, &len), 0);
    h->port = ntohs(at.sin_port);
    h->is_listening = true;
}

struct hospital_link *hospital_dial(struct hospital *h, uint16_t port, const char *server_name)
{
    struct hospital_link *at = hospital_new_link(h);
    (void)snprintf(at->server_name, sizeof(at->server_name), "%s",
                   server_name != NULL ? server_name : "");
    bench_dial(h->bench, &at->ear, port);
    return at;
}

struct hospital_link *hospital_last(struct hospital *h)
{
    cr_assert_gt(h->count, 0U);
    return &h->links[h->count - 1];
}

struct expected {
    const struct ear *ear;
    size_t len;
};

static bool expected_is_there(void *arg)
{
    const struct expected *e = arg;
    return e->ear->len >= e->len || e->ear->closed > 0;
}

bool hospital_hears(struct hospital *h, struct hospital_link *at, const char *text)
{
    struct expected e = {&at->ear, strlen(text)};
    bench_run_while_not(h->bench, expected_is_there, &e);
    return ear_heard(&at->ear, text);
}

void hospital_say(struct hospital_link *at, const char *text)
{
    cr_assert_not_null(at->ear.ep);
    endpoint_write(at->ear.ep, span_of_text(text));
}

static void join_on_event(struct ear *ear, enum ear_event event, struct span data)
{
    (void)data;
    if (event != EAR_OPEN) {
        return;
    }
    struct name_rule allow;
    struct fault f;
    cr_assert_eq(name_rule_parse("dns:hl7.hospital.example", &allow, &f), 0);
    struct tls_settings settings = {.role = TLS_CLIENT,
                                    .identity = fixture_identity("pump-12"),
                                    .trust = fixture_trust(REVOCATION_OFF),
                                    .allow = &allow,
                                    .allow_count = 1};
    struct tls_engine *engine = tls_engine_new(&settings, &f);
    cr_assert_not_null(engine);
    endpoint_start_tls(ear->ep, engine, span_of(NULL, 0));
    identity_release(settings.identity);
    trust_release(settings.trust);
}

struct hospital_link *hospital_join(struct hospital *h, struct ear *ear)
{
    unsigned before = h->secured;
    ear->hook = join_on_event;
    bench_dial(h->bench, ear, h->port);
    bench_run_until(h->bench, &ear->secured, 1);
    bench_run_until(h->bench, &h->secured, before + 1);
    return hospital_last(h);
}

static bool is_free(uint16_t port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is = bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0;
    close(fd);
    return is;
}

uint16_t fixture_dead_port(void)
{
    /* Below the range that the kernel gives to connections, and by process: tests run side by side,
     * and a port that was free must not be somebody's a moment later. */
    enum { FIRST = 12000, COUNT = 20000, STRIDE = 97 };

    static unsigned calls;
    for (;;) {
        unsigned at = ((unsigned)getpid() * STRIDE + calls++) % COUNT;
        if (is_free((uint16_t)(FIRST + at))) {
            return (uint16_t)(FIRST + at);
        }
    }
}

void fixture_reset(int fd)
{
    struct linger hard = {.l_onoff = 1, .l_linger = 0};
    cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)), 0);
    close(fd);
}
