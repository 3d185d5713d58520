/*
 * Closes are injected after each of the first events of a link, on either side and by ourselves:
 * each end closes once, the session ends once, the loop is empty. The sanitizers see the rest.
 */
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "tests/unit/gateway/link_stage.h"

#define MESSAGE "\x0bMSH|1\x1c\x0d"
#define ACK     "\x0bMSA|1\x1c\x0d"

enum { EVENTS = 60, EXCHANGES = 40 };

enum blow {
    BLOW_HOSPITAL,     /* the hospital closes */
    BLOW_DEVICE,       /* the device closes */
    BLOW_STOP,         /* told to stop */
    BLOW_STOP_NOW,     /* told to stop at once */
    BLOW_BREAK,        /* another part of the gateway breaks the link */
    BLOW_SECURE_FAILS, /* our end of the hospital's connection fails */
    BLOW_LOCAL_FAILS,  /* our end of the device's connection fails */
};

static struct stage stage;
static struct ear device; /* the device's own end */
static enum blow blow;
static unsigned countdown; /* events until the blow; 0: it has come */
static unsigned exchanges;

static void close_end(struct endpoint *ep)
{
    struct fault f;
    fault_set(&f, FAULT_RESET, FAULT_SIDE_SELF, "injected", NULL);
    if (ep != NULL) {
        endpoint_close(ep, &f);
    }
}

static void strike_session(struct session *s)
{
    struct fault f;
    fault_set(&f, FAULT_RESET, FAULT_SIDE_SELF, "injected", NULL);
    switch (blow) {
    case BLOW_STOP:
        session_stop(s, false);
        break;
    case BLOW_STOP_NOW:
        session_stop(s, true);
        break;
    case BLOW_BREAK:
        session_break(s, &f);
        break;
    case BLOW_SECURE_FAILS:
        close_end(s->secure);
        break;
    case BLOW_LOCAL_FAILS:
        close_end(s->local);
        break;
    case BLOW_HOSPITAL:
    case BLOW_DEVICE:
        break;
    }
}

static void count_event(void)
{
    if (countdown == 0 || --countdown > 0) {
        return;
    }
    if (blow == BLOW_HOSPITAL && stage.hospitals[0].count > 0) {
        close_end(hospital_last(&stage.hospitals[0])->ear.ep);
    } else if (blow == BLOW_DEVICE) {
        close_end(device.closed == 0 ? device.ep : NULL);
    } else if (stage.session != NULL) {
        strike_session(stage.session);
    }
}

static void on_state(struct stage *st)
{
    (void)st;
    count_event();
}

static void on_hospital(struct hospital *h, struct hospital_link *at, enum ear_event event)
{
    (void)h;
    if (event == EAR_DATA && at->ear.ep != NULL) {
        endpoint_write(at->ear.ep, span_of_text(ACK));
    }
    count_event();
}

static void on_device(struct ear *ear, enum ear_event event, struct span data)
{
    (void)data;
    if (event == EAR_OPEN) {
        endpoint_read_start(ear->ep);
    }
    if (event == EAR_OPEN || event == EAR_DATA) {
        exchanges++;
        if (exchanges < EXCHANGES) {
            endpoint_write(ear->ep, span_of_text(MESSAGE));
        } else {
            endpoint_finish(ear->ep);
        }
    } else if (event == EAR_EOF) {
        endpoint_close(ear->ep, NULL);
    }
    count_event();
}

static void prepare(bool is_server)
{
    struct fault f;
    stage_init(&stage);
    stage.hospitals[0].hook = on_hospital;
    stage.wants_dial = false;
    if (is_server) {
        stage.conf.listens = true;
        stage.conf.allow = &stage.allow;
        stage.conf.allow_count = 1;
        cr_assert_eq(name_rule_parse("uri:urn:hospital:bms", &stage.allow, &f), 0);
        identity_release(stage.hospitals[0].identity);
        stage.hospitals[0].identity = fixture_identity("bms");
    }
    stage_make(&stage, !is_server);
    bench_listen(&stage.bench);
    ear_init(&stage.device, FAULT_SIDE_DEVICE);
    ear_init(&device, FAULT_SIDE_DEVICE);
    exchanges = 0;
    unsigned before = stage.bench.connections;
    stage.bench.next = &stage.device;
    bench_dial(&stage.bench, &device, stage.bench.port);
    bench_run_until(&stage.bench, &stage.bench.connections, before + 1);
    session_attach_local(stage.session, stage.device.ep);
    device.hook = on_device;
}

static void go(bool is_server)
{
    stage.hook = on_state;
    if (is_server) {
        (void)stage_accept(&stage, &stage.hospitals[0]);
    } else {
        session_start(stage.session);
    }
    if (device.opened > 0) {
        on_device(&device, EAR_OPEN, span_of(NULL, 0));
    }
}

static void finish(void)
{
    while (stage.session != NULL) {
        bench_turn(&stage.bench);
        enum session_state state = stage.session != NULL ? session_state(stage.session)
                                                         : SESSION_STATE_ENDED;
        if (state == SESSION_STATE_WAITING || state == SESSION_STATE_DOWN) {
            session_stop(stage.session, false);
        }
    }
    cr_expect_eq(stage.ended, 1);
    countdown = 0;
    bench_close(&stage.bench, &device);
    stage_end(&stage);
}

/* True when there were so many events. */
static bool run_once(bool is_server, unsigned at)
{
    prepare(is_server);
    countdown = at;
    go(is_server);
    finish();
    cr_assert_eq(stage.ended, 1, "blow %d after %u", (int)blow, at);
    return exchanges >= EXCHANGES;
}

static void run_all(enum blow what)
{
    blow = what;
    for (unsigned at = 1; at <= EVENTS; at++) {
        (void)run_once(false, at);
        (void)run_once(true, at);
    }
}

TestSuite(session_closing, .timeout = 120);

Test(session_closing, an_undisturbed_link_has_more_events_than_are_tried)
{
    blow = BLOW_BREAK;
    cr_expect(run_once(false, 10000));
    cr_expect(run_once(true, 10000));
    cr_expect_geq(stage.hospitals[0].events + device.events, EVENTS + 10U);
}

Test(session_closing, the_hospital_closes)
{
    run_all(BLOW_HOSPITAL);
}

Test(session_closing, the_device_closes)
{
    run_all(BLOW_DEVICE);
}

Test(session_closing, told_to_stop)
{
    run_all(BLOW_STOP);
}

Test(session_closing, told_to_stop_at_once)
{
    run_all(BLOW_STOP_NOW);
}

Test(session_closing, broken_from_inside)
{
    run_all(BLOW_BREAK);
}

Test(session_closing, our_secure_end_fails)
{
    run_all(BLOW_SECURE_FAILS);
}

Test(session_closing, our_local_end_fails)
{
    run_all(BLOW_LOCAL_FAILS);
}

/* A message may be lost for want of memory, and is then counted: nobody answers it. */
static bool goes_on(void)
{
    return stage.session != NULL && session_state(stage.session) != SESSION_STATE_WAITING &&
           exchanges < EXCHANGES && device.closed == 0 &&
           stage.host.up.lost + stage.host.down.lost == 0;
}

/* Each of the first allocations fails in turn, then every few of them. */
Test(session_closing, any_allocation_may_fail)
{
    for (uint32_t nth = 1; nth < 1500; nth += nth < 80 ? 1 : 17) {
        prepare(false);
        countdown = 0;
        mem_fail_nth(nth);
        go(false);
        while (goes_on()) {
            bench_turn(&stage.bench);
        }
        mem_fail_nth(0);
        if (stage.session != NULL) {
            session_stop(stage.session, true);
        }
        finish();
    }
}
