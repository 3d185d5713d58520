#include <assert.h>
#include <string.h>

#include "certs/mem.h"
#include "gateway/bus_private.h"

struct bus_client *bus_client_new(struct bus_device *d,
                                  void (*on_answer)(void *owner, struct span adu), void *owner)
{
    struct bus_client *c = mem_new(1, sizeof *c);

    if (c == NULL) {
        return NULL;
    }
    c->device = d;
    c->on_answer = on_answer;
    c->owner = owner;
    d->clients++;
    bus_queue_join(d->bus, c);
    return c;
}

void bus_client_answer(struct bus_client *c, const struct bus_request *q, struct span pdu)
{
    uint8_t memory[MODBUS_MBAP_MAX];
    struct room out = room_of(memory, sizeof memory);
    struct modbus_mbap answer = {.transaction = q->transaction, .unit = q->unit, .pdu = pdu};
    bool fits = modbus_mbap_put(&out, &answer);

    assert(fits); /* a PDU of the codec always does */
    c->on_answer(c->owner, room_span(&out));
}

void bus_client_refuse(struct bus_client *c, const struct bus_request *q,
                       enum modbus_exception code)
{
    uint8_t pdu[2] = {(uint8_t)(q->pdu[0] | MODBUS_EXCEPTION_FLAG), (uint8_t)code};

    bus_count_exception(&c->device->counters, code);
    if (code == MODBUS_ILLEGAL_FUNCTION) {
        c->denied++;
    } else {
        c->failed++;
    }
    if (code != MODBUS_NO_ANSWER) {
        bus_write_unsent(c, q, (uint8_t)code);
    }
    bus_client_answer(c, q, span_of(pdu, sizeof pdu));
}

/* Which unit of the bus the request is for; 0A when there is none. On a serial line 0 would reach
 * every device at once, and above 247 there are none. */
static enum modbus_exception map_unit(const struct bus_device *d, struct bus_request *q)
{
    int16_t unit = conf_unit(d->conf, q->unit);

    if (unit < 0 || unit > UINT8_MAX) {
        return MODBUS_NO_PATH;
    }
    if (!bus_is_tcp(d->bus) && (unit < MODBUS_RTU_UNIT_FIRST || unit > MODBUS_RTU_UNIT_LAST)) {
        return MODBUS_NO_PATH;
    }
    q->bus_unit = (uint8_t)unit;
    return MODBUS_FINE;
}

/* May it go on the wire? MODBUS_FINE: bus_unit is set. */
static enum modbus_exception judge_request(struct bus_client *c, struct bus_request *q)
{
    const struct bus_device *d = c->device;
    enum modbus_exception code = bus_policy_judge_master(c, q);

    if (code == MODBUS_FINE) {
        code = map_unit(d, q);
    }
    if (code == MODBUS_FINE) {
        code = bus_policy_judge(c, q);
    }
    if (code != MODBUS_FINE) {
        return code;
    }
    if (bus_frame_is_harmful(d->bus, span_of(q->pdu, q->len))) {
        return MODBUS_ILLEGAL_FUNCTION;
    }
    if (bus_client_is_held(c) || d->bus->state == BUS_DOWN ||
        (bus_unit_refuses(d->bus, q) && !c->asks_identity)) {
        return MODBUS_NO_PATH;
    }
    if (q->is_write && !bus_lease_take(c)) {
        return MODBUS_BUSY;
    }
    return MODBUS_FINE;
}

void bus_client_submit(struct bus_client *c, struct span adu)
{
    struct modbus_mbap parts = {0};
    bool is_adu = modbus_mbap_parse(adu, &parts);
    struct bus_request q = {.transaction = parts.transaction,
                            .unit = parts.unit,
                            .len = (uint8_t)parts.pdu.len,
                            .deadline_ms = io_now_ms(c->device->bus->io) +
                                           c->device->conf->request_timeout_ms};
    struct room out = room_of(q.pdu, sizeof q.pdu);
    enum modbus_exception code = MODBUS_FINE;

    c->requests++;
    assert(is_adu);                  /* the framer cut it by the same rules */
    (void)room_put(&out, parts.pdu); /* fits: the parser bounds it */
    q.is_write = modbus_pdu_is_write(parts.pdu);
    code = judge_request(c, &q);
    if (code == MODBUS_FINE && !bus_queue_put(c, &q)) {
        code = MODBUS_BUSY;
    }
    if (code != MODBUS_FINE) {
        bus_client_refuse(c, &q, code);
        return;
    }
    bus_line_wake(c->device->bus);
}

void bus_client_allow_writes(struct bus_client *c, bool allowed)
{
    struct bus *b = c->device->bus;
    struct bus_request q;

    c->writes_denied = !allowed;
    /* Who hears a refusal may leave, or change its mind. */
    while (bus_queue_has(b, c) && c->writes_denied && bus_queue_take_write(c, &q)) {
        (void)bus_policy_judge(c, &q); /* tells it */
        bus_client_refuse(c, &q, MODBUS_ILLEGAL_FUNCTION);
    }
}

void bus_client_ask_identity(struct bus_client *c)
{
    c->asks_identity = true;
}

bool bus_client_is_held(const struct bus_client *c)
{
    return c->device->is_held && !c->asks_identity;
}

size_t bus_client_pending(const struct bus_client *c)
{
    return c->count + (c->device->bus->wire.client == c ? 1 : 0);
}

void bus_client_free(struct bus_client *c)
{
    struct bus *b = NULL;
    struct bus_request q;

    if (c == NULL) {
        return;
    }
    b = c->device->bus;
    if (b->wire.client == c) {
        b->wire.client = NULL; /* the exchange goes on; its answer will find nobody */
    }
    while (bus_queue_take(c, &q)) {
        c->device->counters.dropped++;
        bus_write_unsent(c, &q, 0);
    }
    bus_queue_leave(b, c);
    bus_policy_forget(c);
    c->device->clients--;
    mem_free(c);
    bus_line_wake(b);
}
