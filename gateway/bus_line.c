#include <assert.h>

#include "gateway/bus_private.h"

enum { NS_PER_US = 1000 };

static uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* A character with start, parity and stop bits. */
static uint8_t char_bits(const struct conf_line *line)
{
    return (uint8_t)(1 + line->data_bits + (line->parity == CONF_PARITY_NONE ? 0 : 1) +
                     line->stop_bits);
}

/* How long `len` bytes are on the line; in whole milliseconds. */
static uint64_t line_us(const struct bus *b, size_t len)
{
    return bus_is_tcp(b) ? 0 : modbus_rtu_line_us(b->line.rate, char_bits(&b->line), len);
}

static uint64_t line_ms(const struct bus *b, size_t len)
{
    return (line_us(b, len) + 999) / 1000;
}

/* When the exchange wants the timer. */
static uint64_t exchange_due(const struct bus *b)
{
    uint64_t due = bus_is_tcp(b) ? b->wire.answer_by_ms : bus_rtu_due(b);

    return due > b->grace_ms ? due : b->grace_ms;
}

/* Does something wait for nothing but a quiet line? */
static bool is_pausing(const struct bus *b)
{
    return b->state == BUS_FREE && bus_queue_is_waiting(b) && uv_hrtime() < b->quiet_at_ns;
}

/* When the line wants `timer`; what waits for `pause` does not. */
static uint64_t line_due(const struct bus *b)
{
    switch (b->state) {
    case BUS_DOWN:
        return BUS_NEVER;
    case BUS_FREE:
        return bus_queue_is_waiting(b) ? 0 : BUS_NEVER;
    case BUS_ASKING:
    case BUS_DRAINING:
        return exchange_due(b);
    }
    return BUS_NEVER;
}

/* Bytes that came meanwhile mean that somebody talks: wait until the line is quiet. */
static bool line_is_noisy(struct bus *b, struct endpoint *ep)
{
    struct bus_counters *n = bus_junk_counters(b);
    size_t stale = endpoint_discard_input(ep);

    if (stale == 0) {
        return false;
    }
    if (n != NULL) {
        n->junk_bytes += stale;
    }
    bus_line_pause(b, uv_hrtime());
    return true;
}

static uint32_t unit_timeout(const struct bus *b, const struct bus_device *d, uint8_t unit)
{
    uint32_t once = d->conf->response_timeout_ms;

    if (!b->units[unit].is_slow || once >= BUS_SLOW_CAP_MS) {
        return once;
    }
    return min_u32(2 * once, BUS_SLOW_CAP_MS);
}

/* Put the request on the wire; from here on it counts as sent. */
static void send_request(struct bus *b, struct endpoint *ep)
{
    uint8_t memory[MODBUS_ASCII_MAX];
    struct room out = room_of(memory, sizeof memory);
    struct bus_wire *w = &b->wire;
    struct modbus_mbap adu = {.unit = w->request.bus_unit,
                              .pdu = span_of(w->request.pdu, w->request.len)};
    bool fits = false;

    if (bus_is_tcp(b)) {
        w->transaction++;
        adu.transaction = w->transaction;
        fits = modbus_mbap_put(&out, &adu);
    } else {
        fits = bus_frame_put(b, &out, adu.unit, adu.pdu);
        bus_rtu_start(b, room_span(&out));
        w->out_by_ns = uv_hrtime() + line_us(b, out.len) * NS_PER_US;
    }
    assert(fits);
    w->timeout_ms = unit_timeout(b, w->device, adu.unit);
    w->answer_by_ms = io_now_ms(b->io) + line_ms(b, out.len) + w->timeout_ms;
    w->whole_by_ms = w->answer_by_ms + line_ms(b, bus_frame_length(b, MODBUS_PDU_MAX)) +
                     b->byte_gap_ms;
    w->device->counters.requests += w->is_barrier ? 0 : 1;
    w->device->counters.barriers += w->is_barrier ? 1 : 0;
    w->device->counters.request_bytes += out.len;
    bus_write_sent(b);
    b->grace_ms = 0;
    b->state = BUS_ASKING;
    endpoint_write(ep, room_span(&out));
}

/* Since it was queued its device came under doubt, or the line turned out to echo. */
static bool must_not_go(const struct bus *b, const struct bus_client *c)
{
    return bus_client_is_held(c) || (b->is_echoing && bus_queue_head(c)->is_write);
}

/* The bus's next turn looks for who is next. */
static void refuse_head(struct bus_client *c)
{
    struct bus_request q;

    if (bus_queue_take(c, &q)) {
        bus_client_refuse(c, &q, MODBUS_NO_PATH);
    }
}

/* The first request of a master whose turn it is. False: another one has written meanwhile, while
 * this write waited longer than its lease; 06. */
static bool take_request(struct bus *b, struct bus_client *c)
{
    struct bus_wire *w = &b->wire;

    if (!bus_queue_take(c, &w->request)) {
        return false;
    }
    if (!w->request.is_write || bus_lease_take(c)) {
        return true;
    }
    w->client = NULL;
    bus_client_refuse(c, &w->request, MODBUS_BUSY);
    return false;
}

static void send_next(struct bus *b)
{
    struct endpoint *ep = port_endpoint(b->port);
    struct bus_client *c = NULL;

    /* The loop's clock stands still while callbacks run: a timeout must not begin in the past. */
    io_refresh(b->io);
    if (ep == NULL || uv_hrtime() < b->quiet_at_ns) {
        return;
    }
    c = bus_queue_next(b, io_now_ms(b->io));
    if (c == NULL || (!bus_is_tcp(b) && line_is_noisy(b, ep))) {
        return;
    }
    if (must_not_go(b, c)) {
        refuse_head(c);
        return;
    }
    b->wire.device = c->device;
    b->wire.is_barrier = bus_unit_barrier(b, bus_queue_head(c), &b->wire.request);
    b->wire.client = b->wire.is_barrier ? NULL : c;
    if (b->wire.is_barrier || take_request(b, c)) {
        bus_queue_served(b, c); /* a barrier uses its turn up, or it could keep the others out */
        send_request(b, ep);
    }
}

/* The device does not take our bytes, so they would reach it later, when nobody expects them any
 * more: close the port, which drops them. A line with flow control can hold them back unseen. */
static bool link_is_stuck(struct bus *b)
{
    struct endpoint *ep = port_endpoint(b->port);

    if (ep != NULL && !endpoint_is_clear(ep)) {
        return true;
    }
    if (bus_is_tcp(b)) {
        return b->tcp_misses + 1 >= BUS_TCP_MISSES;
    }
    return b->line.flow == CONF_FLOW_RTSCTS || b->line.flow == CONF_FLOW_XONXOFF;
}

static void exchange_expired(struct bus *b)
{
    if (bus_is_tcp(b)) {
        bus_line_failed(b, BUS_SILENT);
    } else {
        bus_rtu_expired(b);
    }
}

/* A deadline passed. When the loop was held up, the answer may have come long ago and wait to be
 * read: libuv runs timers first. So look for input once more before believing in silence. */
static void check_exchange(struct bus *b)
{
    uint64_t now = io_now_ms(b->io);

    if (now < exchange_due(b)) {
        return;
    }
    if (b->grace_ms == 0 || (bus_is_tcp(b) && b->io->has_put_off)) {
        b->grace_ms = now + 1;
        return;
    }
    b->grace_ms = 0;
    exchange_expired(b);
}

static void on_due(void *owner)
{
    struct bus *b = owner;

    if (b->closing) {
        return;
    }
    bus_queue_expire(b, io_now_ms(b->io));
    bus_queue_refuse_silent(b);
    if (b->state == BUS_ASKING || b->state == BUS_DRAINING) {
        check_exchange(b);
    }
    if (b->state == BUS_FREE) {
        send_next(b);
    }
    bus_line_wake(b);
}

static void on_timer(uv_timer_t *timer)
{
    on_due(timer->data);
}

/* True: `pause` is set, and the line wants nothing else. */
static bool wake_after_pause(struct bus *b)
{
    if (!b->has_pause) {
        return false;
    }
    if (!is_pausing(b)) {
        fine_timer_stop(&b->pause);
        return false;
    }
    fine_timer_start(&b->pause, b->quiet_at_ns);
    return true;
}

void bus_line_wake(struct bus *b)
{
    uint64_t now = io_now_ms(b->io);
    uint64_t due = BUS_NEVER;
    uint64_t queue = BUS_NEVER;

    if (b->closing) {
        return;
    }
    due = wake_after_pause(b) ? BUS_NEVER : line_due(b);
    due = b->is_refusing ? now : due;
    queue = bus_queue_due(b);
    due = queue < due ? queue : due;
    if (due == BUS_NEVER) {
        (void)uv_timer_stop(&b->timer); /* never fails */
        return;
    }
    (void)uv_timer_start(&b->timer, on_timer, due > now ? due - now : 0, 0); /* not closing */
}

static void on_pause_closed(void *owner)
{
    bus_count_closed(owner);
}

int bus_line_open(struct bus *b, struct fault *f)
{
    const struct fine_timer_owner owner = {
        .on_due = on_due, .on_closed = on_pause_closed, .self = b};
    int code = 0;

    if (bus_is_tcp(b) || b->has_pause) {
        return 0;
    }
    code = fine_timer_open(&b->pause, b->io, &owner, f);
    if (code == 0) {
        b->has_pause = true;
        b->open++;
    }
    return code;
}

void bus_line_close(struct bus *b)
{
    if (b->has_pause) {
        fine_timer_close(&b->pause);
    }
}

void bus_line_pause(struct bus *b, uint64_t since_ns)
{
    b->quiet_at_ns = bus_is_tcp(b) ? 0 : since_ns + (uint64_t)b->silence_us * NS_PER_US;
}

void bus_line_up(struct bus *b)
{
    struct endpoint *ep = port_endpoint(b->port);

    assert(ep != NULL && b->state == BUS_DOWN);
    b->state = BUS_FREE;
    bus_line_pause(b, uv_hrtime());
    b->grace_ms = 0;
    b->has_collided = false; /* is_echoing stays: a new name is no new adapter */
    b->tcp_misses = 0;
    b->tcp_was_answered = false;
    b->wire.has_lost = false; /* a new link brings no old answers */
    bus_unit_reset_all(b);
    modbus_mbap_reader_start(&b->mbap);
    endpoint_read_start(ep);
    bus_line_wake(b);
}

void bus_line_down(struct bus *b)
{
    bool was_asking = b->state == BUS_ASKING;

    b->state = BUS_DOWN;
    if (was_asking) {
        bus_line_failed(b, BUS_GONE);
    }
    /* Nothing waits for a port to come back: what was meant for now must not happen later. */
    bus_queue_refuse_all(b, MODBUS_NO_PATH);
    bus_line_wake(b);
}

/* The device's own exception says that the write was not done, or that it does not know either. */
static void tell_answered(struct bus *b, struct span pdu)
{
    uint8_t code = 0;
    uint8_t why = 0;

    if (span_at(pdu, 0, &code) && (code & MODBUS_EXCEPTION_FLAG) != 0 && span_at(pdu, 1, &why)) {
        bus_write_ended(b, modbus_pdu_leaves_open(pdu) ? BUS_WRITE_UNKNOWN : BUS_WRITE_REFUSED,
                        why);
    } else {
        bus_write_ended(b, BUS_WRITE_CONFIRMED, 0);
    }
}

void bus_line_answered(struct bus *b, struct span pdu)
{
    struct bus_wire *w = &b->wire;
    struct bus_client *c = w->client;

    assert(b->state == BUS_ASKING);
    b->state = BUS_FREE;
    bus_line_pause(b, b->heard_ns);
    bus_unit_answered(b, pdu);
    if (!span_equal(pdu, span_of(w->request.pdu, w->request.len))) {
        b->is_echoing = false; /* the adapter is another one now: an echo would have come first */
    }
    b->tcp_misses = 0;
    b->tcp_was_answered = true;
    if (w->device != NULL) {
        w->device->counters.answers += w->is_barrier ? 0 : 1;
        w->device->counters.answer_bytes += bus_is_tcp(b) ? pdu.len + MODBUS_MBAP_HEADER
                                                          : bus_frame_length(b, pdu.len);
        w->device->counters.last_answer_ms = io_now_ms(b->io);
    }
    w->client = NULL;
    bus_line_wake(b);
    tell_answered(b, pdu);
    if (c != NULL) {
        bus_client_answer(c, &w->request, pdu);
    }
}

static void count_failure(struct bus *b, enum bus_failure why)
{
    struct bus_wire *w = &b->wire;

    bus_unit_missed(b);
    if (why == BUS_SILENT && b->tcp_misses < BUS_TCP_MISSES) {
        b->tcp_misses++;
    }
    if (w->device == NULL) {
        return;
    }
    if (w->client == NULL && !w->is_barrier) {
        w->device->counters.no_answer++; /* else counted with the refusal */
    }
    w->device->counters.crc += why == BUS_CRC || why == BUS_SHORT ? 1 : 0;
    w->device->counters.mismatch += why == BUS_MISMATCH ? 1 : 0;
}

/* Where the bus goes after a failure; the port was not lost. */
static void leave_asking(struct bus *b, enum bus_failure why)
{
    if (bus_is_tcp(b)) {
        b->state = BUS_FREE;
    } else {
        b->state = BUS_DRAINING;
        bus_rtu_drain(b, why);
    }
}

void bus_line_failed(struct bus *b, enum bus_failure why)
{
    struct bus_wire *w = &b->wire;
    struct bus_client *c = w->client;

    if (why == BUS_SILENT && link_is_stuck(b)) {
        struct fault f;

        (void)fault_set(&f, FAULT_TIMEOUT, FAULT_SIDE_DEVICE, "device takes no requests", NULL);
        bus_lose_port(b, &f, true);
        return;
    }
    bool was_silent = b->units[w->request.bus_unit].misses >= BUS_SILENT_AFTER;
    count_failure(b, why);
    w->client = NULL;
    w->has_lost = why == BUS_SILENT;
    w->lost_unit = w->request.bus_unit;
    w->lost_function = w->request.pdu[0];
    w->lost_transaction = w->transaction;
    if (why != BUS_GONE) {
        leave_asking(b, why);
    }
    bus_line_wake(b);
    if (!was_silent && b->units[w->request.bus_unit].misses >= BUS_SILENT_AFTER) {
        bus_device_doubt(w->device, &w->request);
    }
    bus_write_ended(b, BUS_WRITE_UNKNOWN, MODBUS_NO_ANSWER);
    if (c != NULL) {
        bus_client_refuse(c, &w->request, MODBUS_NO_ANSWER);
    }
}

void bus_line_late(struct bus *b)
{
    struct bus_wire *w = &b->wire;
    struct bus_unit *u = &b->units[w->lost_unit];
    struct bus_counters *n = bus_junk_counters(b);

    if (n != NULL) {
        n->late++;
    }
    if (!w->has_lost) {
        return;
    }
    w->has_lost = false;
    u->misses = 0; /* it is there */
    if (!u->is_slow) {
        u->is_slow = true;
        bus_note(w->device, "slow-device", w->lost_unit, w->lost_function);
    }
}
