/* The desk: each request of a master is refused, or sent once and then answered or given up. */
#include <assert.h>
#include <string.h>

#include "certs/mem.h"
#include "gateway/master_private.h"

static void say(struct master_mouth *mouth, const struct modbus_mbap *answer)
{
    if (mouth->ep == NULL) {
        master_line_say(mouth->master, answer);
    } else {
        master_tcp_say(mouth, answer);
    }
}

/* `request`: transaction, unit and function as the master wrote them. */
static void refuse(struct master_mouth *mouth, const struct modbus_mbap *request,
                   enum modbus_exception code)
{
    uint8_t function = 0;
    struct modbus_mbap answer = *request;

    (void)span_at(request->pdu, 0, &function); /* a request has one */
    uint8_t pdu[2] = {(uint8_t)(function | MODBUS_EXCEPTION_FLAG), (uint8_t)code};
    answer.pdu = span_of(pdu, sizeof pdu);
    say(mouth, &answer);
}

/* ---- orders ---- */

static struct master_order *new_order(struct master *m)
{
    size_t at = 0;

    if (m->orders == NULL) {
        m->orders = mem_new(MASTER_ORDERS_MAX, sizeof *m->orders);
    }
    while (m->orders != NULL && at < MASTER_ORDERS_MAX && m->orders[at].is_open) {
        at++;
    }
    return m->orders != NULL && at < MASTER_ORDERS_MAX ? &m->orders[at] : NULL;
}

/* A master that asks nothing holds no buffer, and what it asked is wiped. */
static void end_order(struct master *m, struct master_order *o)
{
    o->is_open = false;
    m->order_count--;
    if (m->order_count == 0) {
        mem_wipe_free(m->orders, MASTER_ORDERS_MAX * sizeof *m->orders);
        m->orders = NULL;
    }
}

static size_t count_orders(const struct master *m, const struct master_mouth *mouth)
{
    size_t count = 0;

    for (size_t i = 0; m->orders != NULL && i < MASTER_ORDERS_MAX; i++) {
        count += m->orders[i].is_open && m->orders[i].mouth == mouth ? 1 : 0;
    }
    return count;
}

/* Each master has its share, so that one which asks without waiting leaves room for the others. */
static bool has_room(const struct master *m, const struct master_mouth *mouth)
{
    size_t masters = m->mouth_count > 0 ? m->mouth_count : 1;
    size_t share = (MASTER_ORDERS_MAX + masters - 1) / masters;

    return m->order_count < MASTER_ORDERS_MAX && count_orders(m, mouth) < share;
}

/* ---- asking ---- */

/* May it be sent? MODBUS_FINE: *unit and *is_write are set. */
static enum modbus_exception judge(const struct master_mouth *mouth,
                                   const struct modbus_mbap *request, uint8_t *unit, bool *is_write)
{
    const struct master *m = mouth->master;
    int16_t mapped = conf_unit(m->conf, request->unit);
    enum modbus_exception code = MODBUS_FINE;

    if (mapped < 0) {
        return MODBUS_NO_PATH;
    }
    code = modbus_pdu_check(request->pdu);
    if (code != MODBUS_FINE) {
        return code;
    }
    *unit = (uint8_t)mapped;
    *is_write = modbus_pdu_is_write(request->pdu);
    if (*is_write && (!m->conf->writes_allowed || m->writes_denied)) {
        return MODBUS_ILLEGAL_FUNCTION;
    }
    if (!m->is_up || m->is_finishing) {
        return MODBUS_NO_PATH;
    }
    /* Bytes of an earlier request that the server has not taken yet: this one would wait unseen. */
    return m->link.is_clear(m->link.self) && has_room(m, mouth) ? MODBUS_FINE : MODBUS_BUSY;
}

/* From here on it counts as sent. */
static void send_order(struct master *m, struct master_order *o)
{
    uint8_t memory[MODBUS_MBAP_MAX];
    struct room out = room_of(memory, sizeof memory);
    struct modbus_mbap adu = {
        .transaction = o->transaction, .unit = o->unit, .pdu = span_of(o->pdu, o->len)};
    bool fits = modbus_mbap_put(&out, &adu);

    assert(fits); /* the length was checked */
    m->counters.requests++;
    m->counters.request_bytes += out.len;
    m->link.send(m->link.self, room_span(&out));
}

void master_desk_ask(struct master_mouth *mouth, const struct modbus_mbap *request)
{
    struct master *m = mouth->master;
    struct master_order *o = NULL;
    uint8_t unit = 0;
    bool is_write = false;
    enum modbus_exception code = judge(mouth, request, &unit, &is_write);

    m->counters.last_answer_ms = io_now_ms(m->io);
    if (code == MODBUS_FINE) {
        o = new_order(m);
        code = o == NULL ? MODBUS_BUSY : MODBUS_FINE;
    }
    if (code != MODBUS_FINE) {
        bus_count_exception(&m->counters, code);
        refuse(mouth, request, code);
        return;
    }
    m->transaction++;
    m->order_count++;
    *o = (struct master_order){
        .is_open = true,
        .is_write = is_write,
        .mouth = mouth,
        .transaction = m->transaction,
        .asked_transaction = request->transaction,
        .unit = unit,
        .asked_unit = request->unit,
        /* The loop's clock stands still while callbacks run; its next whole millisecond. */
        .answer_by_ms = io_now_ms(m->io) + m->conf->response_timeout_ms + 1,
        .len = (uint8_t)request->pdu.len,
    };
    memcpy(o->pdu, request->pdu.data, request->pdu.len); /* modbus_pdu_check bounds it */
    send_order(m, o);
}

/* ---- answers ---- */

static struct modbus_mbap order_asked(const struct master_order *o)
{
    return (struct modbus_mbap){
        .transaction = o->asked_transaction, .unit = o->asked_unit, .pdu = span_of(o->pdu, o->len)};
}

/* Sent, and no valid answer came: nobody knows whether a write was done. */
static void give_up(struct master *m, struct master_order *o)
{
    struct modbus_mbap asked = order_asked(o);

    bus_count_exception(&m->counters, MODBUS_NO_ANSWER);
    if (o->is_write) {
        master_note(m, "write-outcome-unknown", o->asked_unit, o->pdu[0]);
    }
    if (o->mouth != NULL) {
        refuse(o->mouth, &asked, MODBUS_NO_ANSWER);
    }
    end_order(m, o);
}

static struct master_order *find_order(struct master *m, uint16_t transaction)
{
    for (size_t i = 0; m->orders != NULL && i < MASTER_ORDERS_MAX; i++) {
        if (m->orders[i].is_open && m->orders[i].transaction == transaction) {
            return &m->orders[i];
        }
    }
    return NULL;
}

void master_desk_answer(struct master *m, struct span adu)
{
    struct modbus_mbap answer;
    struct master_order *o = NULL;

    if (!modbus_mbap_parse(adu, &answer)) {
        return; /* cannot happen: the link cut it by the same rules */
    }
    o = find_order(m, answer.transaction);
    if (o == NULL) {
        m->counters.late++; /* given up, or never asked for */
        return;
    }
    if (answer.unit != o->unit || !modbus_pdu_matches(span_of(o->pdu, o->len), answer.pdu)) {
        m->counters.mismatch++;
        give_up(m, o);
        return;
    }
    m->counters.answers++;
    m->counters.answer_bytes += adu.len;
    if (o->is_write && modbus_pdu_leaves_open(answer.pdu)) {
        master_note(m, "write-outcome-unknown", o->asked_unit, o->pdu[0]);
    }
    if (o->mouth != NULL) {
        answer.transaction = o->asked_transaction;
        answer.unit = o->asked_unit;
        say(o->mouth, &answer);
    } else {
        m->counters.late++; /* its master has gone on, or away */
    }
    end_order(m, o);
}

size_t master_desk_forget(const struct master_mouth *mouth)
{
    struct master *m = mouth->master;
    size_t count = 0;

    for (size_t i = 0; m->orders != NULL && i < MASTER_ORDERS_MAX; i++) {
        if (m->orders[i].is_open && m->orders[i].mouth == mouth) {
            m->orders[i].mouth = NULL;
            count++;
        }
    }
    return count;
}

void master_desk_expire(struct master *m, uint64_t now_ms)
{
    for (size_t i = 0; m->orders != NULL && i < MASTER_ORDERS_MAX; i++) {
        if (m->orders[i].is_open && m->orders[i].answer_by_ms <= now_ms) {
            give_up(m, &m->orders[i]);
        }
    }
}

uint64_t master_desk_due(const struct master *m)
{
    uint64_t due = MASTER_NEVER;

    for (size_t i = 0; m->orders != NULL && i < MASTER_ORDERS_MAX; i++) {
        if (m->orders[i].is_open && m->orders[i].answer_by_ms < due) {
            due = m->orders[i].answer_by_ms;
        }
    }
    return due;
}
