#include "tests/unit/gateway/link_rig.h"

#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

static void rig_on_stopped(void *owner, struct device *d)
{
    struct rig *r = owner;
    cr_assert_eq(d, r->device);
    r->stopped++;
}

void rig_init(struct rig *r)
{
    memset(r, 0, sizeof(*r));
    stage_init(&r->stage);
}

void rig_start(struct rig *r)
{
    struct device_settings settings = {
        .io = &r->stage.bench.io,
        .gate = &r->stage.gate,
        .revocation = r->stage.ward.revocation,
        .conf = &r->stage.conf,
        .sysfs = r->sysfs,
        .on_stopped = rig_on_stopped,
        .owner = r,
    };
    r->stage.conf.identity = r->stage.host.identity;
    r->stage.conf.trust = r->stage.host.trust;
    r->device = device_new(&settings);
    cr_assert_not_null(r->device);
    device_start(r->device);
}

void rig_stop(struct rig *r, bool now)
{
    device_stop(r->device, now);
    bench_run_until(&r->stage.bench, &r->stopped, 1);
    cr_expect_eq(r->stopped, 1);
    device_free(r->device);
    r->device = NULL;
}

void rig_end(struct rig *r)
{
    if (r->device != NULL) {
        rig_stop(r, true);
    }
    stage_end(&r->stage);
}

int rig_use_serial(struct rig *r)
{
    struct conf_device *c = &r->stage.conf;
    int master = bench_open_pty(r->port_path, sizeof(r->port_path));
    c->port.kind = CONF_PORT_SERIAL;
    c->port.path = r->port_path;
    c->port.text = r->port_path;
    c->line = (struct conf_line){
        .rate = 9600, .data_bits = 8, .parity = CONF_PARITY_NONE, .stop_bits = 1};
    return master;
}

void rig_listen(struct rig *r)
{
    struct stage *st = &r->stage;
    struct fault f;
    st->conf.listens = true;
    st->conf.server_name = NULL;
    st->conf.allow = &st->allow;
    st->conf.allow_count = 1;
    cr_assert_eq(name_rule_parse("uri:urn:hospital:bms", &st->allow, &f), 0);
    identity_release(st->hospitals[0].identity);
    st->hospitals[0].identity = fixture_identity("bms");
}

const struct snapshot_device *rig_look(struct rig *r)
{
    memset(r->links, 0, sizeof(r->links));
    device_snapshot(r->device, &r->shown, r->links);
    return &r->shown;
}

void rig_until_state(struct rig *r, const char *state)
{
    while (strcmp(rig_look(r)->state, state) != 0) {
        bench_turn(&r->stage.bench);
    }
}

void rig_until_words(struct rig *r, const char *words)
{
    while (strncmp(rig_look(r)->words, words, strlen(words)) != 0) {
        bench_turn(&r->stage.bench);
    }
}

static struct ear *rig_next_ear(struct rig *r)
{
    cr_assert_lt(r->ear_count, (unsigned)RIG_LINKS_MAX);
    struct ear *ear = &r->ears[r->ear_count++];
    ear_init(ear, FAULT_SIDE_DEVICE);
    ear->arg = r;
    return ear;
}

int rig_device_dials(struct rig *r)
{
    struct ear *ear = rig_next_ear(r);
    int fd = bench_pair(&r->stage.bench, ear);
    if (!device_take_local(r->device, ear->ep)) {
        r->refused++;
        bench_close(&r->stage.bench, ear);
    }
    return fd;
}

static void rig_on_hello(struct ear *ear, enum ear_event event, struct span data)
{
    struct rig *r = ear->arg;
    if (event == EAR_DATA) {
        endpoint_read_stop(ear->ep);
        ear->opened = 1; /* taken or not: the hello was there */
        if (!device_take_link(r->device, ear->ep, data)) {
            r->refused++;
            endpoint_close(ear->ep, NULL);
        }
    } else if (event == EAR_CLOSED) {
        endpoint_free(ear->ep);
    }
}

struct hospital_link *rig_hospital_dials(struct rig *r, struct hospital *h)
{
    struct bench *b = &r->stage.bench;
    struct ear *ear = rig_next_ear(r);
    if (!b->has_listener) {
        bench_listen(b);
    }
    ear->hook = rig_on_hello;
    unsigned before = b->connections;
    b->next = ear;
    struct hospital_link *at = hospital_dial(h, b->port, NULL);
    bench_run_until(b, &b->connections, before + 1);
    endpoint_read_start(ear->ep);
    bench_run_until(b, &ear->opened, 1);
    return at;
}

struct session *rig_session(struct rig *r, size_t at)
{
    struct session *s = r->device->sessions;
    for (size_t i = 0; i < at && s != NULL; i++) {
        s = *session_next_slot(s);
    }
    return s;
}
