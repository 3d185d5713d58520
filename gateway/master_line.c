/*
 * A master's serial line. Frames end by length and CRC; silence ends what is not known. An answer
 * waits for t3.5 of silence, and is not sent when the master has said something else meanwhile.
 *
 * Echoes: a two-wire adapter may bring our own answer back. That of a read can not be a request:
 * it tells that the line echoes. That of a write is the request itself, so a line that echoes would
 * write again and again. A frame that is our last answer, and the first thing that is heard after
 * it, and soon enough, is an echo on a line that echoes and a request on one that does not; while
 * it is not known which, it is passed over: a real master asks again, and the second one passes.
 */
#include "gateway/master_private.h"

enum { BROADCAST = 0, NS_PER_US = 1000 };

/* ---- what may have been our own words ---- */

static uint8_t char_bits(const struct conf_line *line)
{
    return (uint8_t)(1 + line->data_bits + (line->parity == CONF_PARITY_NONE ? 0 : 1) +
                     line->stop_bits);
}

static bool is_what_we_said(const struct master *m, const struct modbus_mbap *frame)
{
    const struct master_line *line = &m->line;
    uint8_t memory[MODBUS_ASCII_MAX];
    struct room out = room_of(memory, sizeof memory);

    return modbus_wire_put(line->mouth.reader.wire, &out, frame) &&
           span_equal(room_span(&out), span_of(line->said, line->said_len));
}

static bool is_echo(struct master *m, const struct modbus_mbap *frame,
                    enum modbus_request_step step)
{
    struct master_line *line = &m->line;
    uint64_t line_ms = modbus_rtu_line_us(m->conf->line.rate, char_bits(&m->conf->line),
                                          line->said_len) /
                       1000;
    bool is_same = line->awaits_echo && is_what_we_said(m, frame);

    if (!line->awaits_echo) {
        return false;
    }
    line->awaits_echo = false;
    if (!is_same) {
        line->echo = line->echo == MASTER_ECHO_UNKNOWN ? MASTER_ECHO_NO : line->echo;
        return false;
    }
    if (step == MODBUS_REQUEST_ANSWER) {
        if (line->echo != MASTER_ECHO_YES) {
            master_note(m, "line-echo", frame->unit, frame->pdu.data[0]);
        }
        line->echo = MASTER_ECHO_YES;
        return true;
    }
    return line->echo != MASTER_ECHO_NO &&
           line->heard_ms <= line->said_ms + line_ms + MASTER_ECHO_MS;
}

/* ---- hearing ---- */

/* The master talks about something else: what it asked before, it has given up. */
static void forget_answers(struct master *m)
{
    m->counters.late += m->line.has_answer ? 1 : 0;
    m->line.has_answer = false;
    (void)master_desk_forget(&m->line.mouth); /* their answers are counted when they come */
}

static void take_frame(struct master *m, enum modbus_request_step step)
{
    struct modbus_mbap frame = modbus_request_frame(&m->line.mouth.reader);

    if (is_echo(m, &frame, step)) {
        return;
    }
    forget_answers(m);
    if (step != MODBUS_REQUEST_WHOLE) {
        return; /* another slave's answer */
    }
    if (frame.unit == BROADCAST) {
        m->counters.denied++; /* and nobody answers a broadcast */
    } else if (conf_unit(m->conf, frame.unit) >= 0) {
        master_desk_ask(&m->line.mouth, &frame);
    }
}

static bool is_frame(enum modbus_request_step step)
{
    return step == MODBUS_REQUEST_WHOLE || step == MODBUS_REQUEST_ANSWER;
}

/* From now on. */
static void keep_quiet(struct master_line *line)
{
    line->quiet_at_ns = uv_hrtime() + (uint64_t)line->silence_us * NS_PER_US;
}

static void master_line_on_data(void *owner, struct span data)
{
    struct master *m = owner;
    struct master_line *line = &m->line;

    if (m->closing) {
        return;
    }
    line->heard_ms = io_now_ms(m->io);
    keep_quiet(line);
    while (data.len > 0) {
        enum modbus_request_step step = modbus_request_take(&line->mouth.reader, &data);

        if (is_frame(step)) {
            take_frame(m, step);
        }
    }
    m->counters.junk_bytes = modbus_request_dropped(&line->mouth.reader);
    master_wake(m);
}

/* ---- saying ---- */

void master_line_say(struct master *m, const struct modbus_mbap *answer)
{
    struct master_line *line = &m->line;
    struct room out = room_of(line->said, sizeof line->said);

    if (port_endpoint(line->port) == NULL) {
        return; /* the line went, and took the master's patience with it */
    }
    line->has_answer = modbus_wire_put(line->mouth.reader.wire, &out, answer);
    line->said_len = out.len;
    line->awaits_echo = false;
    master_wake(m);
}

static void send_answer(struct master *m, uint64_t now_ms)
{
    struct master_line *line = &m->line;
    struct endpoint *ep = port_endpoint(line->port);

    line->has_answer = false;
    if (ep == NULL || !endpoint_is_clear(ep)) {
        m->counters.late++; /* the line holds it back: it would come out at some other time */
        return;
    }
    line->awaits_echo = true;
    line->said_ms = now_ms;
    endpoint_write(ep, span_of(line->said, line->said_len));
}

/* An answer waits until it is known what is coming in. */
static bool is_pausing(const struct master_line *line)
{
    return line->has_answer && !modbus_request_in_frame(&line->mouth.reader);
}

uint64_t master_line_due(const struct master *m)
{
    const struct master_line *line = &m->line;

    return modbus_request_in_frame(&line->mouth.reader) ? line->heard_ms + line->byte_gap_ms
                                                        : MASTER_NEVER;
}

void master_line_expire(struct master *m, uint64_t now_ms)
{
    struct master_line *line = &m->line;

    if (now_ms >= master_line_due(m)) {
        enum modbus_request_step step = modbus_request_silence(&line->mouth.reader);

        m->counters.junk_bytes = modbus_request_dropped(&line->mouth.reader);
        if (is_frame(step)) {
            take_frame(m, step);
        }
    }
    if (is_pausing(line) && uv_hrtime() >= line->quiet_at_ns) {
        send_answer(m, now_ms);
    }
}

static void on_pause(void *owner)
{
    struct master *m = owner;

    if (m->closing) {
        return;
    }
    master_line_expire(m, io_now_ms(m->io));
    master_wake(m);
}

static void on_pause_closed(void *owner)
{
    master_count_closed(owner);
}

void master_line_wake(struct master *m)
{
    struct master_line *line = &m->line;

    if (!line->has_pause) {
        return;
    }
    if (is_pausing(line)) {
        fine_timer_start(&line->pause, line->quiet_at_ns);
    } else {
        fine_timer_stop(&line->pause);
    }
}

/* ---- the port ---- */

static void restart(struct master *m)
{
    struct master_line *line = &m->line;
    enum modbus_wire wire = line->mouth.reader.wire;

    forget_answers(m);
    line->awaits_echo = false;
    line->echo = MASTER_ECHO_UNKNOWN;
    modbus_request_start(&line->mouth.reader, wire);
}

static void master_line_on_down(void *owner, const struct fault *f)
{
    struct master *m = owner;

    if (m->closing) {
        return;
    }
    restart(m);
    m->fault = *f;
    master_wake(m);
    m->events->on_port(m->owner, &m->fault);
}

/* The timer that a line needs. 0, or FAULT_IO with *f. */
static int open_pause(struct master *m, struct fault *f)
{
    const struct fine_timer_owner owner = {
        .on_due = on_pause, .on_closed = on_pause_closed, .self = m};
    int code = m->line.has_pause ? 0 : fine_timer_open(&m->line.pause, m->io, &owner, f);

    if (code == 0 && !m->line.has_pause) {
        m->line.has_pause = true;
        m->open++;
    }
    return code;
}

/* The port goes back and is opened anew in a while. That it is the same as last time is not told
 * again. */
static void lose_without_timer(struct master *m, const struct fault *f)
{
    bool is_told = m->fault.code == f->code && m->fault.side == f->side;

    port_reset(m->line.port, false);
    if (!is_told) {
        master_line_on_down(m, f);
    }
}

static void master_line_on_up(void *owner)
{
    struct master *m = owner;
    struct fault f;

    if (m->closing) {
        return;
    }
    if (open_pause(m, &f) != 0) {
        lose_without_timer(m, &f);
        return;
    }
    restart(m);
    fault_clear(&m->fault);
    keep_quiet(&m->line);
    endpoint_read_start(port_endpoint(m->line.port));
    m->events->on_port(m->owner, NULL);
}

static void master_line_on_closed(void *owner)
{
    master_count_closed(owner);
}

bool master_line_open(struct master *m)
{
    static const struct port_events events = {
        .on_up = master_line_on_up,
        .on_data = master_line_on_data,
        .on_down = master_line_on_down,
        .on_closed = master_line_on_closed,
    };
    struct port_settings settings = {.port = &m->conf->port,
                                     .line = &m->conf->line,
                                     .dial_timeout_ms = m->conf->dial_timeout_ms};
    struct master_line *line = &m->line;
    bool is_ascii = m->conf->protocol == CONF_PROTOCOL_MODBUS_ASCII;
    uint32_t silence_ms = 0;

    line->mouth.master = m;
    modbus_request_start(&line->mouth.reader, is_ascii ? MODBUS_WIRE_ASCII : MODBUS_WIRE_RTU);
    line->silence_us = modbus_rtu_silence_us(m->conf->line.rate);
    /* One more millisecond, because the loop's clock cuts fractions off. */
    silence_ms = (line->silence_us + 999) / 1000 + 1;
    line->byte_gap_ms = silence_ms > MASTER_BYTE_GAP_MS ? silence_ms : MASTER_BYTE_GAP_MS;
    line->byte_gap_ms = is_ascii ? m->conf->char_timeout_ms : line->byte_gap_ms;
    (void)fault_set(&m->fault, FAULT_OPEN, FAULT_SIDE_DEVICE, "not open yet", NULL);
    line->port = port_new(m->io, &settings, &events, m);
    if (line->port == NULL) {
        return false;
    }
    m->open++;
    port_start(line->port);
    return true;
}

void master_line_close(struct master *m)
{
    if (m->line.has_pause) {
        fine_timer_close(&m->line.pause);
    }
    port_close(m->line.port);
}
