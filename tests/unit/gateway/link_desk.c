#include "tests/unit/gateway/link_desk.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "certs/crl_intake.h"
#include "certs/der.h"
#include "gateway/log.h"
#include "tests/unit/gateway/link_fixture.h"

static char pump_name[] = "pump-12";
static char monitor_name[] = "monitor-7";
static struct conf_device devices[] = {{.name = pump_name}, {.name = monitor_name}};

void desk_open(struct desk *d)
{
    memset(d, 0, sizeof(*d));
    log_setup(CONF_LOG_TEXT, CONF_LOG_WARNING);
    capture_start(&d->log, STDERR_FILENO);
    bench_init(&d->bench);
    d->trust = fixture_trust(REVOCATION_CHECKED);
    ward_open(&d->ward, &d->bench, d->trust);
    ward_use_devices(&d->ward, devices, sizeof(devices) / sizeof(devices[0]));
    press_open(&d->press);
}

const char *desk_close(struct desk *d)
{
    wall_step(0);
    ward_close(&d->ward);
    press_close(&d->press);
    trust_release(d->trust);
    bench_end(&d->bench);
    const char *said = capture_end(&d->log);
    cr_expect_null(strstr(said, "internal-error"), "%s", said);
    return said;
}

struct knowledge *desk_knowledge(struct desk *d)
{
    struct knowledge *k = knowledge_find(d->ward.revocation, "hospital");
    cr_assert_not_null(k);
    return k;
}

/* ---- evidence ---- */

void ward_learn(struct ward *w, struct press *p, const struct press_list *list)
{
    static struct crl_intake in;
    struct knowledge *k = knowledge_find(w->revocation, "hospital");
    struct fault f = {0};
    struct evidence_id id;
    cr_assert_eq(crl_intake_read(press_crl(p, list), k->trust, io_wall_s(), &in, &f), 0, "%s",
                 f.note);
    enum evidence_taken taken = evidence_put_crl(k->evidence, &in.arrivals[0], "a test", &id, &f);
    cr_assert(taken == EVIDENCE_NEW || taken == EVIDENCE_PENDING, "%s", f.note);
    crl_intake_clear(&in);
    inquiry_mark_due(w->revocation, k);
}

void desk_learn(struct desk *d, const struct press_list *list)
{
    ward_learn(&d->ward, &d->press, list);
}

void desk_learn_good(struct desk *d)
{
    desk_learn(d, &(struct press_list){.ca = "root", .number = 1});
    desk_learn(d, &(struct press_list){.ca = "int", .number = 1});
}

void ward_use_source(struct ward *w, struct conf_crl *crl)
{
    w->section.crls = crl;
    w->section.crl_count = crl != NULL ? 1 : 0;
    revocation_use(w->revocation, &w->conf);
}

void desk_use_source(struct desk *d, enum conf_crl_kind kind, char *place)
{
    d->crl = (struct conf_crl){.kind = kind, .text = place};
    ward_use_source(&d->ward, &d->crl);
}

void desk_silent_url(char *url, size_t cap)
{
    uint16_t port = 0;
    (void)bench_listen_plain(&port); /* it goes with the process */
    (void)snprintf(url, cap, "http://127.0.0.1:%u/ca.crl", port);
}

static bool ward_is_settled(void *arg)
{
    const struct ward *w = arg;
    const struct revocation *r = w->revocation;
    return r->due == NULL && r->to_tell == NULL &&
           uv_is_active((const uv_handle_t *)&r->sweep) == 0;
}

void ward_settle(struct ward *w)
{
    bench_run_while_not(w->bench, ward_is_settled, w);
}

void desk_settle(struct desk *d)
{
    ward_settle(&d->ward);
}

void ward_tick(struct ward *w)
{
    uv_timer_t *tick = &w->revocation->tick;
    uv_update_time(&w->bench->io.loop);
    cr_assert_eq(uv_timer_start(tick, tick->timer_cb, 0, 1000), 0);
    bench_turn(w->bench);
    ward_settle(w);
}

void desk_tick(struct desk *d)
{
    ward_tick(&d->ward);
}

/* ---- orders ---- */

static void order_on_done(void *owner, const struct revocation_report *report)
{
    struct desk_order *o = owner;
    o->done++;
    o->failed = report->error != NULL;
    o->count = report->count;
    (void)snprintf(o->error, sizeof(o->error), "%s", o->failed ? report->error : "");
    if (o->hook != NULL) {
        o->hook(o);
    }
}

void desk_order_init(struct desk_order *o, struct ward *w)
{
    *o = (struct desk_order){.order = {order_on_done, o}, .ward = w};
}

void desk_order_wait(struct desk_order *o)
{
    bench_run_until(o->ward->bench, &o->done, 1);
    cr_expect_eq(o->done, 1);
}

static void ward_expect_done(struct desk_order *o, int code, const struct fault *f)
{
    cr_assert_eq(code, 0, "%s", f->note);
    desk_order_wait(o);
    cr_assert_not(o->failed, "%s", o->error);
}

void ward_block(struct ward *w, const char *what)
{
    struct desk_order o;
    struct fault f = {0};
    desk_order_init(&o, w);
    ward_expect_done(&o, revocation_block(w->revocation, what, "it was lost", &o.order, &f), &f);
}

void ward_unblock(struct ward *w, const char *what)
{
    struct desk_order o;
    struct fault f = {0};
    desk_order_init(&o, w);
    ward_expect_done(&o, revocation_unblock(w->revocation, what, &o.order, &f), &f);
}

void ward_grant(struct ward *w, const char *device, int64_t for_s)
{
    struct desk_order o;
    struct fault f = {0};
    const struct revocation_grant grant = {device, "an emergency", for_s};
    desk_order_init(&o, w);
    ward_expect_done(&o, revocation_break_glass(w->revocation, &grant, &o.order, &f), &f);
}

void desk_block(struct desk *d, const char *what)
{
    ward_block(&d->ward, what);
}

void desk_unblock(struct desk *d, const char *what)
{
    ward_unblock(&d->ward, what);
}

void desk_grant(struct desk *d, const char *device, int64_t for_s)
{
    ward_grant(&d->ward, device, for_s);
}

/* ---- chairs ---- */

static void chair_on_verdict(void *owner)
{
    struct chair *c = owner;
    c->told++;
    inquiry_look(&c->seat, &c->now);
    if (c->hook != NULL) {
        c->hook(c);
    }
}

void chair_init(struct chair *c, struct desk *d, const char *device, enum conf_revocation mode)
{
    memset(c, 0, sizeof(*c));
    c->desk = d;
    c->conf.name = strcmp(device, pump_name) == 0 ? pump_name : monitor_name;
    c->conf.revocation = mode;
    c->seat.on_verdict = chair_on_verdict;
    c->seat.owner = c;
}

bool chair_ask(struct chair *c, enum inquiry_who who, const char *name, struct span staple)
{
    struct identity *id = fixture_identity(name);
    struct span chain[TLS_CHAIN_MAX];
    struct span rest = identity_chain_der(id);
    size_t count = 0;
    while (count < TLS_CHAIN_MAX && der_take_whole(&rest, &chain[count])) {
        count++;
    }
    const struct inquiry_question question = {.trust = c->desk->trust,
                                              .device = &c->conf,
                                              .who = who,
                                              .chain = chain,
                                              .count = count,
                                              .staple = staple};
    bool is_taken = inquiry_join(c->desk->ward.revocation, &c->seat, &question);
    identity_release(id);
    inquiry_look(&c->seat, &c->now);
    return is_taken;
}

const struct inquiry_state *chair_sit(struct chair *c, const char *name)
{
    cr_assert(chair_ask(c, INQUIRY_PEER_SERVER, name, span_of(NULL, 0)));
    return &c->now;
}

const struct inquiry_state *chair_look(struct chair *c)
{
    inquiry_look(&c->seat, &c->now);
    return &c->now;
}
