#include "gateway/binding.h"

#include <assert.h>
#include <string.h>

#include "certs/mem.h"
#include "gateway/binding_private.h"

enum {
    BINDING_TRIES = 3, /* in a row, before a device that may have been disturbed is called silent */
    BINDING_FIRST_MS = 1000, /* then asked again; doubles up to */
    BINDING_LAST_MS = 30 * 1000,
    BINDING_AGAIN_MS = 60 * 1000, /* while it is bound */
    BINDING_NO_UNIT = -1,
};

struct binding {
    struct binding_settings settings;
    uv_timer_t timer; /* the next round, or an answer to judge */
    bool closing, timer_open;
    enum binding_state state;
    struct fault fault;
    struct bus_client *client; /* NULL: nothing to ask on a line, or away */
    size_t at;                 /* the question in hand */
    bool is_asking;            /* its answer is due */
    unsigned misses;           /* rounds in a row without an answer */
    uint64_t wait_ms;          /* before the next round */
    struct binding_question question;
    uint8_t answer[MODBUS_PDU_MAX];
    size_t answer_len; /* 0: none came */
};

static void binding_on_timer(uv_timer_t *timer);

static void binding_wake(struct binding *b, uint64_t ms)
{
    uv_timer_start(&b->timer, binding_on_timer, ms, 0);
}

static bool binding_has_questions(const struct conf_device *conf)
{
    for (size_t i = 0; i < conf->expect_count; i++) {
        if (conf->expect[i].kind != CONF_EXPECT_USB_SERIAL) {
            return true;
        }
    }
    return false;
}

/* The first unit that the device has, as its masters number it; the map makes the bus's of it. */
static int binding_unit(const struct conf_device *conf)
{
    for (unsigned unit = 0; unit < CONF_UNITS; unit++) {
        if (conf_unit(conf, unit) >= 0) {
            return (int)unit;
        }
    }
    return BINDING_NO_UNIT;
}

/* ---- what a round comes to ---- */

static void binding_enter(struct binding *b, enum binding_state state, const struct fault *f)
{
    bool changed = state != b->state || strcmp(f->note, b->fault.note) != 0;
    b->state = state;
    b->fault = *f;
    if (changed) {
        b->settings.on_change(b->settings.owner);
    }
}

static void binding_later(struct binding *b)
{
    b->wait_ms = b->wait_ms == 0 ? BINDING_FIRST_MS : 2 * b->wait_ms;
    b->wait_ms = b->wait_ms > BINDING_LAST_MS ? BINDING_LAST_MS : b->wait_ms;
    binding_wake(b, b->wait_ms);
}

static void binding_set_silent(struct fault *f, const struct conf_expect *e)
{
    fault_set(f, FAULT_NO_IDENTITY, FAULT_SIDE_DEVICE, "no answer; expected ", e->text);
}

static void binding_end_silent(struct binding *b)
{
    struct fault f;
    b->misses++;
    if (b->state == BINDING_BOUND) {
        binding_wake(b, BINDING_AGAIN_MS); /* one lost answer is no other device: binding_doubt */
        return;
    }
    if (b->state == BINDING_ASKING && b->misses < BINDING_TRIES) {
        binding_wake(b, 0);
        return;
    }
    binding_set_silent(&f, &b->settings.conf->expect[b->at]);
    binding_later(b);
    binding_enter(b, BINDING_SILENT, &f);
}

static void binding_end_bound(struct binding *b)
{
    struct fault none;
    fault_clear(&none);
    b->misses = 0;
    b->wait_ms = 0;
    if (binding_has_questions(b->settings.conf)) {
        binding_wake(b, BINDING_AGAIN_MS);
    }
    binding_enter(b, BINDING_BOUND, &none);
}

static void binding_end_stranger(struct binding *b, const struct fault *f)
{
    b->misses = 0;
    binding_later(b);
    binding_enter(b, BINDING_STRANGER, f);
}

/* ---- a round ---- */

static void binding_send(struct binding *b)
{
    uint8_t memory[MODBUS_PDU_MAX];
    uint8_t wire[MODBUS_MBAP_MAX];
    struct room pdu = room_of(memory, sizeof(memory));
    struct room out = room_of(wire, sizeof(wire));
    binding_ask_put(&b->question, &pdu);
    struct modbus_mbap adu = {.unit = (uint8_t)binding_unit(b->settings.conf),
                              .pdu = room_span(&pdu)};
    bool fits = modbus_mbap_put(&out, &adu);
    assert(fits);
    b->is_asking = true;
    b->answer_len = 0;
    bus_client_submit(b->client, room_span(&out)); /* may answer from inside: judged in the timer */
}

/* True: the round goes on with the next question. */
static bool binding_take(struct binding *b, enum binding_finding finding, const struct fault *f)
{
    switch (finding) {
    case BINDING_HOLDS:
        b->at++;
        return true;
    case BINDING_ASK_ON:
        binding_send(b);
        return false;
    case BINDING_NO_ANSWER:
        binding_end_silent(b);
        return false;
    case BINDING_DIFFERS:
        binding_end_stranger(b, f);
        return false;
    }
    return false;
}

static void binding_ask_device(struct binding *b, const struct conf_expect *e)
{
    binding_ask_start(&b->question, e);
    if (b->client != NULL) {
        binding_send(b);
    } else {
        binding_end_silent(b); /* out of memory, or no unit: nobody can be asked */
    }
}

/* From question b->at on. */
static void binding_ask(struct binding *b)
{
    const struct conf_device *conf = b->settings.conf;
    while (b->at < conf->expect_count) {
        const struct conf_expect *e = &conf->expect[b->at];
        if (e->kind != CONF_EXPECT_USB_SERIAL) {
            binding_ask_device(b, e);
            return;
        }
        struct fault f = {0};
        enum binding_finding finding = binding_ask_adapter(e, b->settings.sysfs, conf->port.path,
                                                           &f);
        if (!binding_take(b, finding, &f)) {
            return;
        }
    }
    binding_end_bound(b);
}

static void binding_on_answer(void *owner, struct span adu)
{
    struct binding *b = owner;
    struct modbus_mbap parts;
    if (!b->is_asking || b->closing || !modbus_mbap_parse(adu, &parts)) {
        return;
    }
    memcpy(b->answer, parts.pdu.data, parts.pdu.len);
    b->answer_len = parts.pdu.len;
    binding_wake(b, 0); /* not from inside the bus: what follows may end links */
}

/* The only place that decides. */
static void binding_on_timer(uv_timer_t *timer)
{
    struct binding *b = timer->data;
    if (b->closing || b->state == BINDING_AWAY) {
        return;
    }
    if (!b->is_asking) {
        b->at = 0;
        binding_ask(b);
        return;
    }
    struct fault f = {0};
    struct span pdu = span_of(b->answer, b->answer_len);
    b->is_asking = false;
    if (binding_take(b, binding_ask_judge(&b->question, pdu, &f), &f)) {
        binding_ask(b);
    }
}

/* ---- from outside ---- */

static void binding_leave_bus(struct binding *b)
{
    bus_client_free(b->client);
    b->client = NULL;
    b->is_asking = false;
    b->answer_len = 0;
}

static void binding_set_asking(struct binding *b)
{
    b->state = BINDING_ASKING;
    fault_set(&b->fault, FAULT_NO_IDENTITY, FAULT_SIDE_DEVICE, "it is being asked; expected ",
              b->settings.conf->expect[0].text);
}

static void binding_restart(struct binding *b)
{
    binding_set_asking(b);
    b->misses = 0;
    b->wait_ms = 0;
    binding_wake(b, 0);
}

void binding_port_up(struct binding *b)
{
    if (b->closing) {
        return;
    }
    binding_leave_bus(b); /* an answer from before the port was away is no answer now */
    if (b->settings.bus != NULL && binding_has_questions(b->settings.conf) &&
        binding_unit(b->settings.conf) != BINDING_NO_UNIT) {
        b->client = bus_client_new(b->settings.bus, binding_on_answer, b);
        if (b->client != NULL) {
            bus_client_ask_identity(b->client);
        }
    }
    binding_restart(b);
}

void binding_port_down(struct binding *b)
{
    if (b->closing) {
        return;
    }
    binding_leave_bus(b);
    (void)uv_timer_stop(&b->timer);
    b->state = BINDING_AWAY;
    fault_clear(&b->fault);
}

void binding_doubt(struct binding *b)
{
    if (!b->closing && b->state == BINDING_BOUND && !b->is_asking) {
        binding_restart(b);
    } else if (b->state == BINDING_BOUND) {
        binding_set_asking(b); /* the question that is on its way decides */
    }
}

enum binding_state binding_state(const struct binding *b)
{
    return b->state;
}

const char *binding_state_name(enum binding_state state)
{
    switch (state) {
    case BINDING_AWAY:
        return "away";
    case BINDING_ASKING:
        return "asking";
    case BINDING_SILENT:
        return "silent";
    case BINDING_STRANGER:
        return "stranger";
    case BINDING_BOUND:
        return "bound";
    }
    return "unknown";
}

const struct fault *binding_fault(const struct binding *b)
{
    return &b->fault;
}

struct binding *binding_new(const struct binding_settings *settings)
{
    struct binding *b = mem_new(1, sizeof(*b));
    if (b == NULL) {
        return NULL;
    }
    assert(settings->conf->expect_count > 0);
    b->settings = *settings;
    b->state = BINDING_AWAY;
    (void)uv_timer_init(&settings->io->loop, &b->timer); /* cannot fail */
    b->timer.data = b;
    b->timer_open = true;
    return b;
}

static void binding_on_timer_closed(uv_handle_t *handle)
{
    struct binding *b = handle->data;
    b->timer_open = false;
    b->settings.on_closed(b->settings.owner);
}

void binding_close(struct binding *b)
{
    if (b->closing) {
        return;
    }
    b->closing = true;
    binding_leave_bus(b);
    uv_close((uv_handle_t *)&b->timer, binding_on_timer_closed);
}

void binding_free(struct binding *b)
{
    if (b != NULL) {
        assert(b->closing && !b->timer_open);
        mem_free(b);
    }
}
