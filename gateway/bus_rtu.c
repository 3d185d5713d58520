#include "gateway/bus_private.h"

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

void bus_rtu_start(struct bus *b, struct span frame)
{
    struct bus_wire *w = &b->wire;
    struct room sent = room_of(w->sent, sizeof w->sent);

    w->echoed = 0;
    w->echo_len = b->line.has_echo && room_put(&sent, frame) ? frame.len : 0;
    bus_reader_start(b);
}

/* The reader is done with what it had: count what it dropped, and wait for the same answer again.
 * `skip`: the line is in the middle of something. */
static void restart_reader(struct bus *b, bool skip)
{
    if (b->wire.device != NULL) {
        b->wire.device->counters.junk_bytes += bus_reader_dropped(b);
    }
    bus_reader_start(b);
    if (skip) {
        bus_reader_skip(b);
    }
}

/* How long a failed exchange keeps the line quiet. */
static uint64_t drain_end(const struct bus *b, enum bus_failure why)
{
    const struct bus_wire *w = &b->wire;
    uint64_t now = io_now_ms(b->io);

    switch (why) {
    case BUS_SILENT:
        /* The answer may be on its way: the same time again, at least one whole frame. */
        return max_u64(now + w->timeout_ms, now + b->silence_ms + w->whole_by_ms - w->answer_by_ms);
    case BUS_MISMATCH:
        /* Perhaps an earlier request's answer: ours may still come, and late. */
        return max_u64(w->answer_by_ms, now) + w->timeout_ms;
    case BUS_SHORT:
    case BUS_CRC:
    case BUS_COLLISION:
    case BUS_GONE:
        break;
    }
    /* Most likely that was the answer. If it was noise, ours comes before the deadline. */
    return max_u64(w->answer_by_ms, now + b->silence_ms);
}

void bus_rtu_drain(struct bus *b, enum bus_failure why)
{
    bool inside = bus_reader_in_frame(b) || bus_reader_is_skipping(b) || why == BUS_CRC ||
                  why == BUS_MISMATCH || why == BUS_COLLISION;

    b->wire.drain_until_ms = drain_end(b, why);
    restart_reader(b, inside);
}

/* The line has been quiet long enough and nothing can be late any more. Our own bytes count as
 * well: where nobody answers, they were the last ones. */
static void end_drain(struct bus *b)
{
    restart_reader(b, false);
    b->state = BUS_FREE;
    bus_line_pause(b, max_u64(b->heard_ns, b->wire.out_by_ns));
}

/* Bytes during the quarantine: the late answer ends it, all else is dropped. */
static void drain_data(struct bus *b, struct span data)
{
    switch (bus_reader_feed(b, data)) {
    case MODBUS_RTU_MORE:
    case MODBUS_RTU_SHORT:
        break;
    case MODBUS_RTU_ANSWER:
        bus_unit_paid(b, bus_reader_pdu(b));
        end_drain(b);
        bus_line_late(b);
        break;
    case MODBUS_RTU_CRC:
    case MODBUS_RTU_MISMATCH:
        restart_reader(b, true);
        break;
    }
}

/* Our own request came back. The echo of a write is what its answer looks like: a write would seem
 * done that no device has heard. So none is sent until something else is answered properly. */
static void note_echo(struct bus *b)
{
    const struct bus_request *q = &b->wire.request;

    if (!b->line.has_echo && !b->is_echoing && bus_reader_is_echo(b)) {
        b->is_echoing = true;
        bus_note(b->wire.device, "line-echo", q->bus_unit, q->pdu[0]);
    }
}

static void answer_failed(struct bus *b, enum bus_failure why)
{
    note_echo(b);
    bus_line_failed(b, why);
}

/* A frame of our unit that is no answer to what was asked: that of an earlier request is passed
 * over, and the wait for ours goes on. */
static void answer_mismatched(struct bus *b)
{
    uint8_t function = bus_reader_function(b);

    if (!bus_unit_owes(b, b->wire.request.bus_unit, function)) {
        answer_failed(b, BUS_MISMATCH);
        return;
    }
    if (b->wire.device != NULL) {
        b->wire.device->counters.late++;
    }
    restart_reader(b, true);
}

static void answer_data(struct bus *b, struct span data)
{
    switch (bus_reader_feed(b, data)) {
    case MODBUS_RTU_MORE:
        break;
    case MODBUS_RTU_ANSWER:
        if (b->wire.device != NULL) {
            b->wire.device->counters.junk_bytes += bus_reader_dropped(b);
        }
        bus_line_answered(b, bus_reader_pdu(b));
        break;
    case MODBUS_RTU_CRC:
        answer_failed(b, BUS_CRC);
        break;
    case MODBUS_RTU_MISMATCH:
        answer_mismatched(b);
        break;
    case MODBUS_RTU_SHORT:
        answer_failed(b, BUS_SHORT);
        break;
    }
}

/* What we sent did not come back as it was: two spoke at once, or the adapter has no echo. */
static void count_collision(struct bus *b)
{
    struct bus_device *d = b->wire.device;

    if (d != NULL) {
        d->counters.collisions++;
    }
    if (!b->has_collided) {
        b->has_collided = true;
        bus_note(d, "line-collision", b->wire.request.bus_unit, b->wire.request.pdu[0]);
    }
}

/* Takes exactly the bytes that were sent off the front. False: they are others. */
static bool take_echo(struct bus *b, struct span *data)
{
    struct bus_wire *w = &b->wire;
    struct span due = span_after(span_of(w->sent, w->echo_len), w->echoed);
    struct span came = span_first(*data, due.len);

    if (!span_equal(came, span_first(due, came.len))) {
        w->echoed = w->echo_len; /* what comes from here on is anything */
        count_collision(b);
        return false;
    }
    w->echoed += came.len;
    *data = span_after(*data, came.len);
    return true;
}

/* Nobody was asked. */
static void stray_data(struct bus *b, struct span data)
{
    struct bus_counters *n = bus_junk_counters(b);

    if (n != NULL) {
        n->junk_bytes += data.len;
    }
    bus_line_pause(b, b->heard_ns);
}

void bus_rtu_data(struct bus *b, struct span data)
{
    b->heard_ns = uv_hrtime();
    b->heard_ms = io_now_ms(b->io);
    b->grace_ms = 0;
    switch (b->state) {
    case BUS_DOWN:
        return;
    case BUS_FREE:
        stray_data(b, data);
        break;
    case BUS_ASKING:
        if (!take_echo(b, &data)) {
            bus_line_failed(b, BUS_COLLISION);
        } else if (data.len > 0) {
            answer_data(b, data);
        }
        break;
    case BUS_DRAINING:
        /* A late echo of a write is not its late answer. */
        if (take_echo(b, &data) && data.len > 0) {
            drain_data(b, data);
        }
        break;
    }
    bus_line_wake(b);
}

/* When silence ends what is coming in, or BUS_NEVER when nothing is. */
static uint64_t silence_due(const struct bus *b)
{
    if (bus_reader_in_frame(b)) {
        return b->heard_ms + b->byte_gap_ms;
    }
    return bus_reader_is_skipping(b) ? b->heard_ms + b->silence_ms : BUS_NEVER;
}

uint64_t bus_rtu_due(const struct bus *b)
{
    const struct bus_wire *w = &b->wire;
    uint64_t silence = silence_due(b);

    if (b->state == BUS_DRAINING) {
        return silence != BUS_NEVER ? silence : w->drain_until_ms;
    }
    /* An answer that began in time may end later. */
    return min_u64(silence, bus_reader_in_frame(b) ? w->whole_by_ms : w->answer_by_ms);
}

void bus_rtu_expired(struct bus *b)
{
    uint64_t now = io_now_ms(b->io);
    bool is_short = now >= silence_due(b) && bus_reader_silence(b) == MODBUS_RTU_SHORT;

    if (b->state == BUS_DRAINING) {
        if (is_short) {
            restart_reader(b, false);
        }
        if (now >= b->wire.drain_until_ms) {
            end_drain(b);
        }
        return;
    }
    if (is_short) {
        answer_failed(b, BUS_SHORT);
    } else if (now >= bus_rtu_due(b)) {
        if (b->wire.echoed < b->wire.echo_len) {
            count_collision(b);
        }
        bus_line_failed(b, BUS_SILENT);
    }
}
