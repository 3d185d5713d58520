/* The hospital's side of a session: dialling, handshake, verdict, what to do after a failure. */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "certs/mem.h"
#include "gateway/session_private.h"

enum {
    SESSION_HEALTH_MS = 5 * 60 * 1000, /* up that long: the next dial begins at the first server */
    SESSION_DOUBLINGS_MAX = 16,
    SESSION_QUEUE_MS = 60 * 1000, /* longest wait for a place among the handshakes */
};

static void session_secure_on_open(void *owner);
static void session_secure_on_secure(void *owner);
static void session_secure_on_data(void *owner, struct span data);
static void session_secure_on_eof(void *owner);
static void session_secure_on_drained(void *owner);
static void session_secure_on_closed(void *owner, const struct fault *cause);

static const struct endpoint_events secure_events = {
    .on_open = session_secure_on_open,
    .on_secure = session_secure_on_secure,
    .on_data = session_secure_on_data,
    .on_eof = session_secure_on_eof,
    .on_drained = session_secure_on_drained,
    .on_closed = session_secure_on_closed,
};

/* The server in use, or next: the index may lie past the end after a reload. */
static const struct conf_address *session_secure_address(const struct session *s)
{
    const struct conf_device *conf = s->host->conf;
    return &conf->connect[s->server < conf->connect_count ? s->server : 0];
}

void session_secure_update_server_text(struct session *s)
{
    s->server_text[0] = '\0';
    if (s->host->conf->listens || s->host->conf->connect_count == 0) {
        return;
    }
    const struct conf_address *to = session_secure_address(s);
    char port[8];
    size_t at = sizeof port;
    port[--at] = '\0';
    for (unsigned value = to->port; value > 0; value /= 10) {
        port[--at] = (char)('0' + value % 10);
    }
    struct room text = room_of(s->server_text, sizeof s->server_text - 1);
    (void)room_put(&text, span_first(span_of_text(to->host), 253));
    (void)room_put_u8(&text, ':');
    (void)room_put(&text, span_of_text(port + at));
    s->server_text[text.len] = '\0';
}

const char *session_server(const struct session *s)
{
    return s->server_text;
}

static void session_secure_copy_text(char *to, const char *from)
{
    size_t len = strnlen(from, SESSION_PEER_TEXT_MAX - 1);
    memcpy(to, from, len);
    to[len] = '\0';
}

void session_secure_dial(struct session *s)
{
    struct endpoint_owner owner = {&secure_events, s, FAULT_SIDE_SERVER};
    struct fault f = {0};
    session_secure_update_server_text(s);
    s->secure = endpoint_dial(s->host->io, session_secure_address(s),
                              s->host->conf->dial_timeout_ms, &owner, &f);
    if (s->secure == NULL) {
        session_break(s, &f);
    }
}

void session_accept(struct session *s, struct endpoint *secure, struct span hello)
{
    s->secure = secure;
    endpoint_adopt(secure, &secure_events, s);
    session_secure_copy_text(s->peer_text, endpoint_peer(secure));
    uint8_t *memory = mem_new(1, hello.len);
    if (memory == NULL) {
        struct fault f = {0};
        fault_set(&f, FAULT_MEMORY, FAULT_SIDE_SELF, "no memory for a handshake", NULL);
        session_break(s, &f);
        return;
    }
    s->hello = buf_of(memory, hello.len);
    (void)buf_put(&s->hello, hello); /* made to fit */
    session_event(s, SESSION_EVENT_ACCEPTED);
}

static void session_secure_on_open(void *owner)
{
    struct session *s = owner;
    session_secure_copy_text(s->peer_text, endpoint_peer(s->secure));
    session_event(s, SESSION_EVENT_CONNECTED);
}

/* What the peer may be called: `allow`, and where the gateway dials and none is written, the
 * server's own name. */
static struct tls_engine *session_secure_new_engine(struct session *s, struct fault *f)
{
    const struct conf_device *conf = s->host->conf;
    struct tls_settings settings = {
        .role = conf->listens ? TLS_SERVER : TLS_CLIENT,
        .identity = s->host->identity,
        .trust = s->host->trust,
        .allow = conf->allow,
        .allow_count = conf->allow_count,
        /* The Modbus security profile wants both ends to do with 512 bytes; an ADU is shorter. */
        .wants_short = conf_is_modbus(conf->protocol),
    };
    if (conf->listens) {
        settings.staple = inquiry_staple(s->host->own_seat);
        return tls_engine_new(&settings, f);
    }
    const char *name = conf->server_name != NULL ? conf->server_name
                                                 : session_secure_address(s)->host;
    struct name_rule own_name;
    if (name_rule_of_host(name, &own_name, f) != 0) {
        return NULL;
    }
    settings.server_name = own_name.kind == NAME_DNS ? name : NULL;
    if (conf->allow_count == 0) {
        settings.allow = &own_name;
        settings.allow_count = 1;
    }
    return tls_engine_new(&settings, f);
}

/* A place at the gate is ours: start TLS, with the whole time for it. */
static void session_secure_on_turn(void *owner)
{
    struct session *s = owner;
    struct fault f = {0};
    struct tls_engine *engine = session_secure_new_engine(s, &f);
    if (engine == NULL) {
        session_break(s, &f);
        return;
    }
    session_arm(s, s->host->conf->handshake_timeout_ms);
    endpoint_start_tls(s->secure, engine, buf_span(&s->hello));
    mem_wipe_free(s->hello.data, s->hello.cap);
    s->hello = (struct buf){0};
}

void session_secure_handshake(struct session *s)
{
    bool inbound = s->host->conf->listens;
    const struct gate_guest guest = {.inbound = inbound,
                                     .who = inbound ? endpoint_peer_host(s->secure)
                                                    : s->server_text,
                                     .on_turn = session_secure_on_turn,
                                     .owner = s};
    if (gate_enter(s->host->gate, &s->ticket, &guest)) {
        session_secure_on_turn(s);
    } else {
        /* Waiting is not the peer's fault: its own time runs from its turn on. */
        session_arm(s, SESSION_QUEUE_MS);
    }
}

static void session_secure_on_secure(void *owner)
{
    struct session *s = owner;
    gate_note_success(s->host->gate, &s->ticket);
    gate_leave(s->host->gate, &s->ticket);
    const struct tls_peer *peer = session_secure_peer(s);
    session_secure_copy_text(s->peer_serial, peer != NULL ? peer->leaf.serial : "");
    session_event(s, SESSION_EVENT_SECURED);
}

const struct tls_peer *session_secure_peer(const struct session *s)
{
    if (s->secure == NULL || endpoint_tls(s->secure) == NULL) {
        return NULL;
    }
    return tls_engine_peer(endpoint_tls(s->secure));
}

static void session_secure_on_data(void *owner, struct span data)
{
    struct session *s = owner;
    if (!s->peer_spoke) {
        s->peer_spoke = true; /* so it has accepted our certificate: the back-off starts anew */
        s->failures = 0;
        s->round = 0;
    }
    session_local_from_secure(s, data);
}

static void session_secure_on_eof(void *owner)
{
    session_local_secure_eof(owner);
}

static void session_secure_on_drained(void *owner)
{
    session_local_secure_drained(owner);
}

static void session_secure_on_closed(void *owner, const struct fault *cause)
{
    struct session *s = owner;
    session_keep_fault(s, cause);
    gate_leave(s->host->gate, &s->ticket);
    session_local_close_flows(s); /* they must not write to what is about to be freed */
    session_count_lost(s, endpoint_unsent(s->secure), endpoint_undelivered(s->secure));
    endpoint_free(s->secure);
    s->secure = NULL;
    mem_wipe_free(s->hello.data, s->hello.cap);
    s->hello = (struct buf){0};
    session_event(s, SESSION_EVENT_FAULT);
    session_check_closed(s);
}

/* A link that ended well or lived long says nothing against its server. */
void session_secure_pick_server(struct session *s)
{
    size_t count = s->host->conf->connect_count;
    uint64_t up_ms = s->was_up ? io_now_ms(s->host->io) - s->up_at_ms : 0;
    if (up_ms >= SESSION_HEALTH_MS) {
        s->server = 0;
        s->round = 0;
        s->failures = 0;
    } else if (s->server_failed) {
        s->server = count > 0 ? (s->server + 1) % count : 0;
        s->round++;
        if (s->round >= count) {
            s->round = 0;
            s->failures += s->failures < SESSION_DOUBLINGS_MAX ? 1U : 0U;
        }
    } else if (s->was_up) {
        s->round = 0;
        s->failures = 0;
    }
    session_secure_update_server_text(s);
}

static uint64_t session_secure_random(uint64_t from, uint64_t to)
{
    uint64_t value = 0;
    if (to <= from || getrandom(&value, sizeof value, 0) != (ssize_t)sizeof value) {
        return from;
    }
    return from + value % (to - from + 1);
}

/* The next server of the list is tried at once; after a whole round the wait is drawn between
 * retry_min and a ceiling that doubles up to retry_max, so that a ward does not come back in step.
 * A server that refused our certificate will do so again: only a person changes that. */
uint64_t session_secure_backoff_ms(struct session *s)
{
    const struct conf_device *conf = s->host->conf;
    uint64_t min_ms = conf->retry_min_ms;
    uint64_t max_ms = conf->retry_max_ms;
    if (s->server_failed && s->round > 0) {
        return 0;
    }
    if (s->own_refused) {
        return session_secure_random((min_ms + max_ms) / 2, max_ms);
    }
    uint64_t ceiling_ms = min_ms;
    for (unsigned i = 1; i < s->failures && ceiling_ms < max_ms; i++) {
        ceiling_ms *= 2;
    }
    return session_secure_random(min_ms, ceiling_ms < max_ms ? ceiling_ms : max_ms);
}

const char *session_peer_fingerprint(const struct session *s)
{
    const struct tls_peer *peer = session_secure_peer(s);
    return peer != NULL ? peer->leaf.fingerprint : "";
}

void session_secure_name_master(struct session *s)
{
    const struct tls_peer *peer = session_secure_peer(s);
    char name[200];
    /* A long subject is cut, a serial never. */
    (void)snprintf(name, sizeof name, "%.120s serial %s", peer != NULL ? peer->leaf.subject : "",
                   s->peer_serial);
    modbus_link_set_peer(s->modbus, name, session_peer_fingerprint(s));
}

static void session_secure_snapshot_peer(const struct session *s, struct snapshot_link *out)
{
    const struct tls_peer *peer = session_secure_peer(s);
    if (peer == NULL) {
        return;
    }
    memcpy(out->peer_subject, peer->leaf.subject, sizeof out->peer_subject);
    memcpy(out->peer_serial, peer->leaf.serial, sizeof out->peer_serial);
    const char *version = peer->version == TLS_VERSION_1_3 ? "TLSv1.3" : "TLSv1.2";
    memcpy(out->tls, version, strlen(version) + 1);
    struct room suite = room_of(out->suite, sizeof out->suite - 1);
    (void)room_put(&suite, span_first(span_of_text(peer->suite), sizeof out->suite - 1));
}

void session_snapshot(const struct session *s, struct snapshot_link *out)
{
    *out = (struct snapshot_link){.since_s = s->since_s};
    struct room state = room_of(out->state, sizeof out->state - 1);
    (void)room_put(&state, span_of_text(session_table_state_name(s->state)));
    const char *peer = s->peer_text[0] != '\0' ? s->peer_text : s->server_text;
    struct room text = room_of(out->peer, sizeof out->peer - 1);
    (void)room_put(&text, span_first(span_of_text(peer), sizeof out->peer - 1));
    session_verdict_snapshot(s, out);
    session_modbus_snapshot(s, out);
    session_secure_snapshot_peer(s, out);
}
