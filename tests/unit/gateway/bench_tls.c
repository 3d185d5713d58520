#include "tests/unit/gateway/bench_tls.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "certs/mem.h"

void bench_tls_init(struct bench_tls *t)
{
    static const struct trust_settings hospital = {.name = "hospital",
                                                   .anchors = "build/pki/root.pem",
                                                   .tls_min = TLS_VERSION_1_2,
                                                   .revocation = REVOCATION_OFF};
    struct fault f;
    memset(&f, 0, sizeof(f));
    t->staple = span_of(NULL, 0);
    cr_assert_eq(tls_init(&f), 0, "%s", f.note);
    t->client = identity_load("build/pki/pump-12.pem", "build/pki/pump-12.key", io_wall_s(), &f);
    cr_assert_not_null(t->client, "%s", f.note);
    t->server = identity_load("build/pki/hl7.pem", "build/pki/hl7.key", io_wall_s(), &f);
    cr_assert_not_null(t->server, "%s", f.note);
    t->trust = trust_load(&hospital, io_wall_s(), &f);
    cr_assert_not_null(t->trust, "%s", f.note);
}

void bench_tls_deinit(struct bench_tls *t)
{
    identity_release(t->client);
    identity_release(t->server);
    trust_release(t->trust);
    tls_deinit();
}

struct tls_engine *bench_tls_engine(const struct bench_tls *t, enum tls_role role,
                                    const char *allow)
{
    struct name_rule rule;
    struct fault f;
    const char *usual = role == TLS_CLIENT ? "dns:hl7.hospital.example"
                                           : "dns:pump-12.ward.example";
    cr_assert_eq(name_rule_parse(allow == NULL ? usual : allow, &rule, &f), 0);
    const struct tls_settings settings = {
        .role = role,
        .identity = role == TLS_CLIENT ? t->client : t->server,
        .trust = t->trust,
        .allow = &rule,
        .allow_count = 1,
        .server_name = role == TLS_CLIENT ? "hl7.hospital.example" : NULL,
        .staple = t->staple,
    };
    return tls_engine_new(&settings, &f);
}

void far_init(struct far *far, int fd, struct tls_engine *engine)
{
    memset(far, 0, sizeof(*far));
    far->fd = fd;
    far->engine = engine;
}

void far_deinit(struct far *far)
{
    tls_engine_free(far->engine);
    if (far->fd >= 0) {
        close(far->fd);
    }
}

static void far_keep(struct far *far, struct room *out)
{
    far->out_len += out->len;
    cr_assert_leq(far->out_len, sizeof(far->out));
}

static struct room far_room(struct far *far)
{
    return room_of(far->out + far->out_len, sizeof(far->out) - far->out_len);
}

static void far_read_records(struct far *far, struct span in)
{
    enum tls_result result = TLS_DONE;
    while (result == TLS_DONE) {
        struct room plain = room_of(far->plain + far->len, sizeof(far->plain) - far->len);
        struct room out = far_room(far);
        result = tls_engine_read(far->engine, &in, &plain, &out, &far->fault);
        far->len += plain.len;
        far_keep(far, &out);
    }
    far->saw_notify = far->saw_notify || result == TLS_CLOSED;
    far->saw_error = far->saw_error || result == TLS_FAILED;
}

static void far_take(struct far *far, struct span in)
{
    if (far->saw_error) {
        return;
    }
    if (!far->is_secure) {
        struct room out = far_room(far);
        enum tls_result result = tls_engine_handshake(far->engine, &in, &out, &far->fault);
        far_keep(far, &out);
        far->is_secure = result == TLS_DONE;
        far->saw_error = result == TLS_FAILED;
    }
    if (far->is_secure && in.len > 0) {
        far_read_records(far, in);
    }
}

void far_send(struct far *far)
{
    if (far->out_len == 0) {
        return;
    }
    ssize_t put = send(far->fd, far->out, far->out_len, MSG_NOSIGNAL);
    if (put > 0) {
        far->out_len -= (size_t)put;
        memmove(far->out, far->out + put, far->out_len);
    } else if (put < 0 && errno != EAGAIN) {
        far->saw_error = true;
        far->out_len = 0;
    }
}

void far_step(struct far *far)
{
    static uint8_t in[16384];
    ssize_t got = recv(far->fd, in, sizeof(in), 0);
    if (got > 0) {
        far_take(far, span_of(in, (size_t)got));
    } else if (got == 0) {
        far->saw_fin = true;
    } else if (errno != EAGAIN) {
        far->saw_error = true;
    } else if (!far->is_secure && !far->saw_error) {
        far_take(far, span_of(NULL, 0)); /* a client begins */
    }
    if (!far->holds) {
        far_send(far);
    }
}

void far_until(struct bench *b, struct far *far, const bool *flag)
{
    far_step(far);
    while (!*flag) {
        struct pollfd p = {.fd = far->fd, .events = POLLIN};
        (void)poll(&p, 1, 1);
        bench_turn(b);
        far_step(far);
    }
}

void far_shake(struct bench *b, struct far *far)
{
    far_until(b, far, &far->is_secure);
}

void far_put(struct far *far, const char *text)
{
    struct room out = far_room(far);
    cr_assert_eq(tls_engine_write(far->engine, span_of_text(text), &out, &far->fault), 0);
    far_keep(far, &out);
}

void far_put_notify(struct far *far)
{
    struct room out = far_room(far);
    cr_assert_eq(tls_engine_shutdown(far->engine, &out, &far->fault), 0);
    far_keep(far, &out);
}
