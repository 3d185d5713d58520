#include "tests/unit/gateway/link_stage.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "gateway/log.h"

static void stage_on_change(struct session_host *host, struct session *s)
{
    struct stage *st = (struct stage *)(void *)host;
    if (st->changes < STAGE_TRACE_MAX) {
        st->trace[st->changes] = session_state(s);
    }
    st->changes++;
    if (session_state(s) == SESSION_STATE_WAITING && st->waits < STAGE_TRACE_MAX) {
        st->waits_ms[st->waits++] = session_wait_left_ms(s);
    }
    if (st->hook != NULL) {
        st->hook(st);
    }
}

static bool stage_wants_dial(struct session_host *host, struct session *s)
{
    struct stage *st = (struct stage *)(void *)host;
    (void)s;
    return st->wants_dial;
}

static void stage_on_local_back(struct session_host *host, struct session *s, bool was_up)
{
    struct stage *st = (struct stage *)(void *)host;
    (void)s;
    st->local_back++;
    st->local_was_up = was_up;
}

static void stage_on_ended(struct session_host *host, struct session *s)
{
    struct stage *st = (struct stage *)(void *)host;
    st->ended++;
    session_free(s);
    st->session = NULL;
}

static void stage_init_conf(struct stage *st)
{
    static char name[] = "pump-12";
    static char server_name[] = "hl7.hospital.example";
    static char host[] = "127.0.0.1";
    for (size_t i = 0; i < STAGE_SERVERS; i++) {
        st->servers[i] = (struct conf_address){.host = host, .port = st->hospitals[i].port};
    }
    st->conf = (struct conf_device){
        .name = name,
        .port.kind = CONF_PORT_TCP_LISTEN,
        .protocol = CONF_PROTOCOL_MLLP,
        .connect = st->servers,
        .connect_count = 1,
        .server_name = server_name,
        .start = CONF_START_ALWAYS,
        .while_down = CONF_DOWN_BLOCK,
        .gap_ms = 20,
        .max_frame = 1 << 20,
        .max_links = 4,
        .dial_timeout_ms = 5000,
        .handshake_timeout_ms = 5000,
        .drain_timeout_ms = 5000,
        .retry_min_ms = 20,
        .retry_max_ms = 80,
    };
}

void stage_init(struct stage *st)
{
    memset(st, 0, sizeof(*st));
    log_setup(CONF_LOG_TEXT, CONF_LOG_ERROR);
    capture_start(&st->errors, STDERR_FILENO);
    bench_init(&st->bench);
    gate_init(&st->gate, 32);
    for (size_t i = 0; i < STAGE_SERVERS; i++) {
        hospital_init(&st->hospitals[i], &st->bench, "hl7");
        st->hospitals[i].finishes = true;
        hospital_listen(&st->hospitals[i]);
    }
    stage_init_conf(st);
    st->wants_dial = true;
    st->host = (struct session_host){
        .io = &st->bench.io,
        .gate = &st->gate,
        .conf = &st->conf,
        .identity = fixture_identity("pump-12"),
        .trust = fixture_trust(REVOCATION_OFF),
        .on_change = stage_on_change,
        .wants_dial = stage_wants_dial,
        .on_local_back = stage_on_local_back,
        .on_ended = stage_on_ended,
    };
    ward_open(&st->ward, &st->bench, st->host.trust);
    st->host.revocation = st->ward.revocation;
    st->conf.trust_section = &st->ward.section;
    st->conf.revocation = CONF_REVOCATION_OFF;
}

void stage_end(struct stage *st)
{
    st->hook = NULL;
    if (st->session != NULL) {
        session_stop(st->session, true);
        bench_run_until(&st->bench, &st->ended, 1);
    }
    for (size_t i = 0; i < STAGE_SERVERS; i++) {
        hospital_end(&st->hospitals[i]);
    }
    cr_expect_eq(gate_inside(&st->gate), 0);
    cr_expect_eq(gate_waiting(&st->gate), 0);
    ward_close(&st->ward);
    identity_release(st->host.identity);
    trust_release(st->host.trust);
    bench_end(&st->bench);
    cr_expect_null(strstr(capture_end(&st->errors), "internal-error"), "%s", st->errors.text);
}

void stage_make(struct stage *st, bool redials)
{
    framer_init(&st->host.idle_framer,
                st->conf.protocol == CONF_PROTOCOL_LINE  ? FRAMER_LINE
                : st->conf.protocol == CONF_PROTOCOL_GAP ? FRAMER_GAP
                                                         : FRAMER_MLLP,
                st->conf.max_frame);
    st->session = session_new(&st->host, redials);
    cr_assert_not_null(st->session);
}

unsigned stage_count(const struct stage *st, enum session_state state)
{
    unsigned count = 0;
    for (unsigned i = 0; i < st->changes && i < STAGE_TRACE_MAX; i++) {
        count += st->trace[i] == state ? 1 : 0;
    }
    return count;
}

struct awaited {
    struct stage *stage;
    enum session_state state;
    unsigned before;
};

static bool awaited_is_there(void *arg)
{
    const struct awaited *a = arg;
    /* One turn of the loop may pass through several states. */
    return a->stage->session == NULL || session_state(a->stage->session) == a->state ||
           stage_count(a->stage, a->state) > a->before;
}

void stage_until(struct stage *st, enum session_state state)
{
    struct awaited a = {st, state, stage_count(st, state)};
    bench_run_while_not(&st->bench, awaited_is_there, &a);
    cr_assert(st->session != NULL || state == SESSION_STATE_ENDED, "it has ended");
}

int stage_attach(struct stage *st)
{
    ear_init(&st->device, FAULT_SIDE_DEVICE);
    int fd = bench_pair(&st->bench, &st->device);
    session_attach_local(st->session, st->device.ep);
    return fd;
}

struct hospital_link *stage_link_up(struct stage *st)
{
    struct hospital *h = &st->hospitals[0];
    unsigned before = h->secured;
    session_start(st->session);
    stage_until(st, SESSION_STATE_UP);
    bench_run_until(&st->bench, &h->secured, before + 1);
    return hospital_last(h);
}

void stage_device_says(int fd, const char *text)
{
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

bool stage_device_hears(struct stage *st, int fd, const char *text)
{
    char got[512] = "";
    cr_assert_lt(strlen(text), sizeof(got));
    size_t len = bench_read(&st->bench, fd, got, strlen(text));
    return len == strlen(text) && memcmp(got, text, len) == 0;
}

static void stage_on_dialled(struct ear *ear, enum ear_event event, struct span data)
{
    struct stage *st = ear->arg;
    if (event == EAR_DATA && st->session != NULL &&
        session_state(st->session) == SESSION_STATE_DOWN) {
        /* A ClientHello on loopback is one read. */
        endpoint_read_stop(ear->ep);
        session_accept(st->session, ear->ep, data);
        ear->opened = 1;
    } else if (event == EAR_DATA || event == EAR_EOF) {
        endpoint_close(ear->ep, NULL);
    } else if (event == EAR_CLOSED) {
        endpoint_free(ear->ep);
        ear->opened = 1;
    }
}

struct hospital_link *stage_accept(struct stage *st, struct hospital *h)
{
    static struct ear waiting;
    ear_init(&waiting, FAULT_SIDE_SERVER);
    waiting.hook = stage_on_dialled;
    waiting.arg = st;
    if (!st->bench.has_listener) {
        bench_listen(&st->bench);
    }
    unsigned before = st->bench.connections;
    st->bench.next = &waiting;
    struct hospital_link *at = hospital_dial(h, st->bench.port, NULL);
    bench_run_until(&st->bench, &st->bench.connections, before + 1);
    endpoint_read_start(waiting.ep);
    bench_run_until(&st->bench, &waiting.opened, 1);
    return at;
}
