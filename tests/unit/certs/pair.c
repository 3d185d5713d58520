#include "tests/unit/certs/pair.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <criterion/criterion.h>
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

#include "certs/identity_der.h"
#include "certs/mem.h"
#include "certs/tls_engine.h"

const char *pair_path(const char *name, const char *suffix)
{
    static char paths[8][256];
    static unsigned next;
    char *path = paths[next++ % 8];

    (void)snprintf(path, sizeof(paths[0]), "build/pki/%s%s", name, suffix);
    return path;
}

struct trust *pair_trust(const char *anchors, const char *intermediates, enum tls_version min)
{
    struct fault f = {0};
    struct trust_settings settings = {
        .name = "hospital",
        .anchors = pair_path(anchors, ".pem"),
        .intermediates = intermediates == NULL ? NULL : pair_path(intermediates, ".pem"),
        .tls_min = min,
        .revocation = REVOCATION_OFF,
    };
    struct trust *t = trust_load(&settings, (int64_t)time(NULL), &f);

    cr_assert_not_null(t, "trust %s: %s", anchors, f.note);
    return t;
}

/* A bad certificate must be sent too: the time that it is loaded at is one that it likes. */
struct identity *pair_identity(const char *name)
{
    struct fault f = {0};
    int64_t now_s = (int64_t)time(NULL);
    struct identity *id;

    if (strstr(name, "-expired") != NULL) {
        now_s -= INT64_C(10) * 86400;
    } else if (strstr(name, "-notyet") != NULL) {
        now_s += INT64_C(10) * 86400;
    }
    id = identity_load(pair_path(name, ".pem"), pair_path(name, ".key"), now_s, &f);
    cr_assert_not_null(id, "identity %s: %s", name, f.note);
    return id;
}

struct pem_block pair_certificate(const char *name)
{
    struct pem_file file;
    struct pem_block block;
    struct span text;
    struct fault f = {0};

    cr_assert_eq(pem_file_read(pair_path(name, ".pem"), &file, &f), 0, "%s", f.note);
    text = span_of(file.data, file.len);
    cr_assert_eq(pem_block_take(&text, &block), PEM_BLOCK);
    pem_file_free(&file);
    return block;
}

struct end_setup {
    enum tls_role role;
    const char *identity;
    const char *allow;
    struct trust *trust;
    enum tls_version min;
    const char *server_name;
    struct span staple;
    bool wants_short;
};

static void open_end(struct pair_end *end, const struct end_setup *setup)
{
    struct name_rule allow;
    struct fault f = {0};
    struct identity *id = pair_identity(setup->identity);
    struct trust *t = setup->trust != NULL ? trust_hold(setup->trust)
                                           : pair_trust("root", NULL, setup->min);
    struct tls_settings settings = {
        .role = setup->role,
        .identity = id,
        .trust = t,
        .allow = &allow,
        .allow_count = 1,
        .server_name = setup->server_name,
        .staple = setup->staple,
        .wants_short = setup->wants_short,
    };

    cr_assert_eq(name_rule_parse(setup->allow, &allow, &f), 0, "%s", f.note);
    memset(end, 0, sizeof(*end));
    end->engine = tls_engine_new(&settings, &f);
    cr_assert_not_null(end->engine, "%s", f.note);
    end->result = TLS_MORE;
    end->inbox = mem_new(PAIR_INBOX_MAX, 1);
    end->plain = mem_new(PAIR_INBOX_MAX, 1);
    cr_assert(end->inbox != NULL && end->plain != NULL);
    identity_release(id);
    trust_release(t);
}

/* What an odd peer shows: the engine's identity, other files, or nothing. */
struct odd_peer {
    WOLFSSL_METHOD *method;
    const char *raw;
    bool is_bare;
    bool is_incurious;
};

static void show_identity(WOLFSSL_CTX *ctx, const struct tls_engine *e, const struct odd_peer *odd)
{
    struct span chain = identity_chain_der(e->identity);
    struct span key = identity_key_der(e->identity);
    int done[2] = {WOLFSSL_SUCCESS, WOLFSSL_SUCCESS};

    if (odd->raw != NULL) {
        done[0] = wolfSSL_CTX_use_certificate_chain_file(ctx, pair_path(odd->raw, ".pem"));
        done[1] = wolfSSL_CTX_use_PrivateKey_file(ctx, pair_path(odd->raw, ".key"),
                                                  WOLFSSL_FILETYPE_PEM);
    } else if (!odd->is_bare) {
        done[0] = wolfSSL_CTX_use_certificate_chain_buffer_format(ctx, chain.data, (long)chain.len,
                                                                  WOLFSSL_FILETYPE_ASN1);
        done[1] = wolfSSL_CTX_use_PrivateKey_buffer(ctx, key.data, (long)key.len,
                                                    WOLFSSL_FILETYPE_ASN1);
    }
    cr_assert(done[0] == WOLFSSL_SUCCESS && done[1] == WOLFSSL_SUCCESS, "%s",
              odd->raw != NULL ? odd->raw : "identity");
}

/* Give an engine another WOLFSSL below: a peer that our own engine would never be. It verifies like
 * ours, over root.pem. */
static void become_odd(struct tls_engine *e, const struct odd_peer *odd)
{
    WOLFSSL_CTX *ctx = wolfSSL_CTX_new(odd->method);

    cr_assert_not_null(ctx);
    cr_assert_eq(wolfSSL_CTX_load_verify_locations(ctx, pair_path("root", ".pem"), NULL),
                 WOLFSSL_SUCCESS);
    wolfSSL_CTX_set_verify(ctx, WOLFSSL_VERIFY_PEER, tls_verify_peer);
    wolfSSL_CTX_SetIORecv(ctx, tls_engine_receive);
    wolfSSL_CTX_SetIOSend(ctx, tls_engine_send);
    cr_assert(tls_staple_prepare(ctx));
    cr_assert_eq(wolfSSL_CTX_SetMinRsaKey_Sz(ctx, 1024), WOLFSSL_SUCCESS); /* it shows weak ones */
    show_identity(ctx, e, odd);
    wolfSSL_free(e->ssl);
    e->ssl = wolfSSL_new(ctx);
    cr_assert_not_null(e->ssl);
    wolfSSL_CTX_free(ctx); /* the WOLFSSL holds it */
    wolfSSL_SetIOReadCtx(e->ssl, e);
    wolfSSL_SetIOWriteCtx(e->ssl, e);
    wolfSSL_SetCertCbCtx(e->ssl, e);
    cr_assert(odd->is_incurious || tls_staple_connect(e));
}

static void make_odd_ends(struct pair *p, const struct pair_setup *setup)
{
    struct odd_peer client = {
        .raw = setup->client_raw,
        .is_bare = setup->client_is_bare,
        .is_incurious = setup->client_is_incurious,
    };
    struct odd_peer server = {.raw = setup->server_raw};

    if (setup->client_is_old || setup->client_is_bare || setup->client_is_incurious ||
        setup->client_raw != NULL) {
        client.method = setup->client_is_old ? wolfTLSv1_2_client_method()
                                             : wolfTLSv1_3_client_method();
        become_odd(p->client.engine, &client);
    }
    if (setup->server_is_old || setup->server_raw != NULL) {
        server.method = setup->server_is_old ? wolfTLSv1_2_server_method()
                                             : wolfTLSv1_3_server_method();
        become_odd(p->server.engine, &server);
    }
}

static const char *or_else(const char *text, const char *usual)
{
    return text != NULL ? text : usual;
}

void pair_open(struct pair *p, const struct pair_setup *setup)
{
    struct end_setup client = {
        .role = TLS_CLIENT,
        .identity = or_else(setup->client, "bms"),
        .allow = or_else(setup->client_allow, "dns:hl7.hospital.example"),
        .trust = setup->client_trust,
        .min = setup->allows_tls12 ? TLS_VERSION_1_2 : TLS_VERSION_1_3,
        .server_name = setup->server_name,
        .staple = setup->client_staple,
        .wants_short = setup->client_wants_short,
    };
    struct end_setup server = {
        .role = TLS_SERVER,
        .identity = or_else(setup->server, "hl7"),
        .allow = or_else(setup->server_allow, "dns:bms.hospital.example"),
        .trust = setup->server_trust,
        .min = setup->allows_tls12 ? TLS_VERSION_1_2 : TLS_VERSION_1_3,
        .staple = setup->server_staple,
        .wants_short = setup->client_wants_short, /* means nothing to a server */
    };

    open_end(&p->client, &client);
    open_end(&p->server, &server);
    p->cut = setup->cut;
    make_odd_ends(p, setup);
}

/* What was appended goes into the other's inbox. */
static void deliver(struct room *out, struct pair_end *to)
{
    cr_assert(out->len <= PAIR_INBOX_MAX - to->end, "the test's inbox is full");
    memcpy(to->inbox + to->end, out->data, out->len);
    to->end += out->len;
}

struct span pair_inbox(const struct pair_end *end)
{
    return span_of(end->inbox + end->start, end->end - end->start);
}

/* At most `cut` bytes of it, and the rest for later. */
static struct span next_input(const struct pair *p, const struct pair_end *end)
{
    struct span all = pair_inbox(end);

    return p->cut > 0 ? span_first(all, p->cut) : all;
}

/* One step of one end; true when something moved. */
static bool step(struct pair *p, struct pair_end *end, struct pair_end *other)
{
    static uint8_t memory[TLS_HANDSHAKE_ROOM];
    struct room out = room_of(memory, sizeof(memory));
    struct span in = next_input(p, end);
    size_t before = in.len;

    if (end->result != TLS_MORE) {
        return false;
    }
    end->result = tls_engine_handshake(end->engine, &in, &out, &end->fault);
    end->start += before - in.len;
    cr_assert(end->result != TLS_MORE || in.len == 0, "TLS_MORE with input left");
    deliver(&out, other);
    return before != in.len || out.len > 0 || end->result != TLS_MORE;
}

void pair_handshake(struct pair *p)
{
    bool moved = true;

    while (moved) {
        moved = step(p, &p->client, &p->server);
        moved = step(p, &p->server, &p->client) || moved;
    }
}

void pair_link(struct pair *p, const struct pair_setup *setup)
{
    pair_open(p, setup);
    pair_handshake(p);
}

void pair_close(struct pair *p)
{
    struct pair_end *ends[] = {&p->client, &p->server};

    for (size_t i = 0; i < 2; i++) {
        tls_engine_free(ends[i]->engine);
        mem_free(ends[i]->inbox);
        mem_free(ends[i]->plain);
    }
}

int pair_write(struct pair *p, struct pair_end *from, struct pair_end *to, struct span plain)
{
    static uint8_t memory[TLS_CIPHER_MAX];
    struct room out = room_of(memory, sizeof(memory));
    int code = tls_engine_write(from->engine, plain, &out, &from->fault);

    (void)p;
    deliver(&out, to);
    return code;
}

enum tls_result pair_read(struct pair *p, struct pair_end *to, struct pair_end *from)
{
    static uint8_t memory[TLS_CIPHER_MAX];
    enum tls_result result;

    do {
        struct room out = room_of(memory, sizeof(memory));
        struct room plain = room_of(to->plain + to->plain_len, PAIR_INBOX_MAX - to->plain_len);
        struct span in = next_input(p, to);
        size_t before = in.len;
        result = tls_engine_read(to->engine, &in, &plain, &out, &to->fault);
        to->start += before - in.len;
        to->plain_len += plain.len;
        deliver(&out, from);
        cr_assert(result != TLS_MORE || in.len == 0, "TLS_MORE with input left");
    } while (result == TLS_DONE || (result == TLS_MORE && pair_inbox(to).len > 0));
    to->result = result;
    return result;
}

int pair_shutdown(struct pair_end *from, struct pair_end *to)
{
    static uint8_t memory[TLS_CIPHER_MAX];
    struct room out = room_of(memory, sizeof(memory));
    int code = tls_engine_shutdown(from->engine, &out, &from->fault);

    deliver(&out, to);
    return code;
}

struct pair_setup pair_flavour(size_t number)
{
    struct pair_setup s = {
        .allows_tls12 = number != 0,
        .client_is_old = number == 1,
        .server_is_old = number == 2,
        .server_name = "hl7.hospital.example",
    };

    return s;
}

void pair_link_up(struct pair *p, const struct pair_setup *setup)
{
    pair_link(p, setup);
    cr_assert_eq(p->client.result, TLS_DONE, "%s", p->client.fault.note);
    cr_assert_eq(p->server.result, TLS_DONE, "%s", p->server.fault.note);
}

static uint8_t message[TLS_PLAIN_MAX];

/* Bytes that show where they belong. */
struct span pair_message(size_t len)
{
    for (size_t i = 0; i < len; i++) {
        message[i] = (uint8_t)(i * 7 + (i >> 8));
    }
    return span_of(message, len);
}

void pair_check_received(const struct pair_end *end, size_t len)
{
    cr_assert_eq(end->plain_len, len);
    cr_assert_eq(memcmp(end->plain, message, len), 0);
}

void pair_write_both_ways(struct pair *p, size_t len)
{
    struct span text = pair_message(len);

    p->client.plain_len = 0;
    p->server.plain_len = 0;
    cr_assert_eq(pair_write(p, &p->client, &p->server, text), 0);
    cr_assert_eq(pair_write(p, &p->server, &p->client, text), 0);
    cr_assert_eq(pair_read(p, &p->server, &p->client), TLS_MORE, "%s", p->server.fault.note);
    cr_assert_eq(pair_read(p, &p->client, &p->server), TLS_MORE, "%s", p->client.fault.note);
    pair_check_received(&p->server, len);
    pair_check_received(&p->client, len);
}
