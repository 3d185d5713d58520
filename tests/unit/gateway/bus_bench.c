#include "tests/unit/gateway/bus_bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "conf/values.h"
#include "protocols/modbus_ascii.h"
#include "protocols/modbus_mbap.h"
#include "protocols/modbus_rtu.h"
#include "tests/unit/protocols/hex.h"

/* ---- the device ---- */

static void slave_write(struct slave *s, struct span bytes)
{
    if (s->fd >= 0) {
        ssize_t done = write(s->fd, bytes.data, bytes.len);

        cr_assert(done == (ssize_t)bytes.len || errno == EIO || errno == EPIPE);
    }
}

static void slave_on_timer(uv_timer_t *timer);

static void slave_wake(struct slave *s)
{
    uint64_t now = uv_now(&s->bench->io.loop);

    if (s->planned > 0) {
        uint64_t at = s->plan[0].at_ms;

        uv_timer_start(&s->timer, slave_on_timer, at > now ? at - now : 0, 0);
    }
}

static void slave_on_timer(uv_timer_t *timer)
{
    struct slave *s = timer->data;

    while (s->planned > 0 && s->plan[0].at_ms <= uv_now(&s->bench->io.loop)) {
        slave_write(s, span_of(s->plan[0].bytes, s->plan[0].len));
        s->planned--;
        memmove(s->plan, s->plan + 1, s->planned * sizeof s->plan[0]);
    }
    slave_wake(s);
}

void slave_say_bytes(struct slave *s, uint64_t after_ms, struct span bytes)
{
    size_t at = s->planned;
    uint64_t when = uv_now(&s->bench->io.loop) + after_ms;

    if (after_ms == 0) {
        slave_write(s, bytes);
        return;
    }
    cr_assert_lt(s->planned, (size_t)SLAVE_PLAN);
    while (at > 0 && s->plan[at - 1].at_ms > when) {
        s->plan[at] = s->plan[at - 1];
        at--;
    }
    s->plan[at].at_ms = when;
    s->plan[at].len = bytes.len;
    memcpy(s->plan[at].bytes, bytes.data, bytes.len);
    s->planned++;
    slave_wake(s);
}

void slave_say(struct slave *s, uint64_t after_ms, const char *hex)
{
    struct hex bytes = hex_of(hex);

    slave_say_bytes(s, after_ms, hex_span(&bytes));
}

/* The PDU of an answer. */
static size_t answer_pdu(struct span request, uint8_t *pdu)
{
    unsigned address = request.len >= 5 ? request.data[1] * 256U + request.data[2] : 0;
    unsigned count = request.len >= 5 ? request.data[3] * 256U + request.data[4] : 0;
    size_t len = 2;

    memcpy(pdu, request.data, request.len < 5 ? request.len : 5);
    switch (request.data[0]) {
    case 1:
    case 2:
        len += (count + 7) / 8;
        memset(pdu + 2, 0xFF, len - 2);
        break;
    case 3:
    case 4:
        for (unsigned i = 0; i < count; i++) {
            pdu[len] = (uint8_t)((address + i) >> 8);
            pdu[len + 1] = (uint8_t)(address + i);
            len += 2;
        }
        break;
    default:
        return 5; /* the echo */
    }
    pdu[1] = (uint8_t)(len - 2);
    return len;
}

void slave_answer(struct slave *s, struct span frame, uint64_t after_ms)
{
    uint8_t memory[600];
    uint8_t pdu[300];
    struct room out = room_of(memory, sizeof memory);
    struct modbus_mbap adu;

    if (s->is_tcp) {
        cr_assert(modbus_mbap_parse(frame, &adu));
        adu.pdu = span_of(pdu, answer_pdu(adu.pdu, pdu));
        cr_assert(modbus_mbap_put(&out, &adu));
    } else if (s->is_ascii) {
        struct modbus_ascii_line line;

        modbus_ascii_line_start(&line);
        cr_assert_eq(modbus_ascii_line_take(&line, &frame), MODBUS_ASCII_FRAME);
        frame = modbus_ascii_line_body(&line);
        cr_assert(modbus_ascii_put(&out, frame.data[0],
                                   span_of(pdu, answer_pdu(span_after(frame, 1), pdu))));
    } else {
        size_t len = answer_pdu(span_of(frame.data + 1, frame.len - 3), pdu);

        cr_assert(modbus_rtu_put(&out, frame.data[0], span_of(pdu, len)));
    }
    slave_say_bytes(s, after_ms, room_span(&out));
}

void slave_be_silent(struct slave *s, struct span frame)
{
    (void)s;
    (void)frame;
}

static bool slave_has_frame(const struct slave *s)
{
    struct span bytes = span_of(s->part.bytes, s->part.len);

    if (s->is_tcp) {
        return bytes.len >= 8 && bytes.len == 6U + s->part.bytes[5];
    }
    if (s->is_ascii) {
        return bytes.data[bytes.len - 1] == '\n';
    }
    if (bytes.len >= 2 && bytes.data[1] <= 6) {
        return bytes.len == 8; /* the CRC of a part may be right by chance */
    }
    return bytes.len >= 4 && modbus_rtu_crc(bytes) == 0;
}

static void slave_take(struct slave *s)
{
    struct slave_request *q = &s->requests[s->count];

    cr_assert_lt(s->count, (unsigned)SLAVE_REQUESTS);
    *q = s->part;
    q->at_ms = uv_now(&s->bench->io.loop);
    s->part.len = 0;
    s->count++;
    if (s->script != NULL) {
        s->script(s, span_of(q->bytes, q->len));
    } else {
        slave_answer(s, span_of(q->bytes, q->len), 0);
    }
}

static void slave_on_input(uv_poll_t *poll, int status, int events)
{
    struct slave *s = poll->data;
    uint8_t one = 0;
    ssize_t got = 0;

    (void)status;
    (void)events;
    while (s->fd >= 0 && (got = read(s->fd, &one, 1)) == 1) {
        cr_assert_lt(s->part.len, sizeof s->part.bytes);
        s->part.bytes[s->part.len] = one;
        s->part.len++;
        if (slave_has_frame(s)) {
            slave_take(s);
        }
    }
    if (s->is_tcp && s->fd >= 0 && got == 0) {
        slave_leave(s);
    }
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct slave *s = handle->data;

    s->has_fd = false;
}

static void slave_listen_to(struct slave *s, int fd)
{
    s->fd = fd;
    s->has_fd = true;
    s->part.len = 0;
    cr_assert_eq(uv_poll_init(&s->bench->io.loop, &s->poll, fd), 0);
    s->poll.data = s;
    cr_assert_eq(uv_poll_start(&s->poll, UV_READABLE, slave_on_input), 0);
}

void slave_leave(struct slave *s)
{
    if (s->fd >= 0) {
        uv_close((uv_handle_t *)&s->poll, on_poll_closed);
        close(s->fd);
        s->fd = -1;
        s->planned = 0;
    }
}

static void slave_on_knock(uv_poll_t *knock, int status, int events)
{
    struct slave *s = knock->data;
    int fd = accept(s->listener, NULL, NULL);

    (void)status;
    (void)events;
    if (fd < 0) {
        return;
    }
    s->connections++;
    slave_leave(s);
    while (s->has_fd) {
        uv_run(&s->bench->io.loop, UV_RUN_NOWAIT);
    }
    cr_assert_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    slave_listen_to(s, fd);
}

static void slave_open(struct rig *r, bool is_tcp)
{
    struct slave *s = &r->slave;
    uint16_t port = 0;

    s->bench = &r->bench;
    s->is_tcp = is_tcp;
    s->fd = -1;
    uv_timer_init(&r->bench.io.loop, &s->timer);
    s->timer.data = s;
    if (!is_tcp) {
        slave_listen_to(s, bench_open_pty(r->port_text, sizeof r->port_text));
        return;
    }
    s->listener = bench_listen_plain(&port);
    cr_assert_eq(fcntl(s->listener, F_SETFL, O_NONBLOCK), 0);
    s->has_listener = true;
    cr_assert_eq(uv_poll_init(&r->bench.io.loop, &s->knock, s->listener), 0);
    s->knock.data = s;
    cr_assert_eq(uv_poll_start(&s->knock, UV_READABLE, slave_on_knock), 0);
    r->conf.port.address.port = port;
}

static void slave_end(struct slave *s)
{
    slave_leave(s);
    uv_close((uv_handle_t *)&s->timer, NULL);
    if (s->has_listener) {
        uv_close((uv_handle_t *)&s->knock, NULL);
        close(s->listener);
    }
}

/* ---- the bus ---- */

static char loopback[] = "127.0.0.1";

static void rig_on_port(void *owner, const struct fault *f)
{
    struct rig *r = owner;

    if (f == NULL) {
        r->ups++;
    } else {
        r->downs++;
        r->fault = *f;
    }
}

static void rig_on_note(void *owner, const char *event, const char *note)
{
    struct rig *r = owner;

    cr_assert_lt(r->note_count, (unsigned)RIG_NOTES);
    (void)snprintf(r->notes[r->note_count], sizeof r->notes[0], "%s %s", event, note);
    r->note_count++;
}

static void rig_on_write(void *owner, const struct bus_write *w)
{
    static const char *const words[] = {"write-confirmed", "write-refused", "write-outcome-unknown",
                                        "write-unsent"};
    struct rig *r = owner;
    char note[96];

    if (!r->notes_writes && w->outcome != BUS_WRITE_UNKNOWN &&
        (w->outcome != BUS_WRITE_UNSENT || w->exception != 0)) {
        return;
    }
    (void)snprintf(note, sizeof note, "unit %u function %u at %u count %u told %02X by %.24s",
                   w->unit, w->function, w->address, w->count, w->exception, w->peer);
    rig_on_note(owner,
                w->outcome == BUS_WRITE_UNSENT && w->exception == 0 ? "write-dropped-unsent"
                                                                    : words[w->outcome],
                note);
}

static void rig_on_closed(void *owner)
{
    struct rig *r = owner;

    r->closed++;
}

static void rig_on_tick(uv_timer_t *timer)
{
    (void)timer;
}

void rig_prepare(struct rig *r, bool is_tcp)
{
    struct conf_device *c = &r->conf;

    memset(r, 0, sizeof *r);
    bench_init(&r->bench);
    uv_timer_init(&r->bench.io.loop, &r->tick);
    uv_timer_start(&r->tick, rig_on_tick, 1, 1);
    slave_open(r, is_tcp);
    c->protocol = is_tcp ? CONF_PROTOCOL_MODBUS_TCP : CONF_PROTOCOL_MODBUS_RTU;
    c->port.kind = is_tcp ? CONF_PORT_TCP : CONF_PORT_SERIAL;
    c->port.path = is_tcp ? NULL : r->port_text;
    c->port.address.host = is_tcp ? loopback : NULL;
    c->port.text = r->port_text;
    c->line = (struct conf_line){.rate = 115200,
                                 .data_bits = 8,
                                 .parity = CONF_PARITY_EVEN,
                                 .stop_bits = 1,
                                 .flow = CONF_FLOW_NONE};
    c->unit_map = &r->units;
    values_units_clear(c->unit_map);
    c->unit_map->bus_unit[0x11] = 0x11;
    c->writes_allowed = true;
    c->response_timeout_ms = 100;
    c->request_timeout_ms = 2000;
    c->dial_timeout_ms = 2000;
}

void rig_begin(struct rig *r)
{
    r->bus = bus_new(&r->bench.io, &r->conf, rig_on_closed, r);
    cr_assert_not_null(r->bus);
    r->device = bus_attach(r->bus, &r->conf, rig_on_port, rig_on_note, r);
    cr_assert_not_null(r->device);
    bus_device_on_write(r->device, rig_on_write);
}

void rig_run(struct rig *r)
{
    rig_begin(r);
    bench_run_until(&r->bench, &r->ups, 1);
}

void rig_open(struct rig *r)
{
    rig_prepare(r, false);
    rig_run(r);
}

void rig_open_tcp(struct rig *r)
{
    rig_prepare(r, true);
    rig_run(r);
}

void rig_close(struct rig *r)
{
    if (r->device != NULL) {
        bus_detach(r->device);
    }
    bus_close(r->bus);
    bench_run_until(&r->bench, &r->closed, 1);
    bus_free(r->bus);
    slave_end(&r->slave);
    uv_close((uv_handle_t *)&r->tick, NULL);
    bench_end(&r->bench);
    cr_assert_eq(r->closed, 1);
}

static void on_waited(uv_timer_t *timer)
{
    unsigned *done = timer->data;

    *done = 1;
}

void rig_wait(struct rig *r, uint64_t ms)
{
    uv_timer_t timer;
    unsigned done = 0;

    uv_update_time(&r->bench.io.loop);
    uv_timer_init(&r->bench.io.loop, &timer);
    timer.data = &done;
    uv_timer_start(&timer, on_waited, ms, 0);
    bench_run_until(&r->bench, &done, 1);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&r->bench.io.loop, UV_RUN_NOWAIT);
}

unsigned rig_notes(const struct rig *r, const char *event)
{
    unsigned count = 0;

    for (unsigned i = 0; i < r->note_count; i++) {
        count += strstr(r->notes[i], event) != NULL ? 1 : 0;
    }
    return count;
}

/* ---- masters ---- */

static void master_on_answer(void *owner, struct span adu)
{
    struct master *m = owner;
    struct slave_request *a = &m->answers[m->count];

    cr_assert_lt(m->count, (unsigned)MASTER_ANSWERS);
    a->at_ms = uv_now(&m->rig->bench.io.loop);
    a->len = adu.len;
    memcpy(a->bytes, adu.data, adu.len);
    m->count++;
    if (m->hook != NULL) {
        m->hook(m);
    }
}

void master_join(struct master *m, struct rig *r)
{
    memset(m, 0, sizeof *m);
    m->rig = r;
    m->client = bus_client_new(r->device, master_on_answer, m);
    cr_assert_not_null(m->client);
}

void master_leave(struct master *m)
{
    bus_client_free(m->client);
    m->client = NULL;
}

static struct span put_adu(struct room *out, uint16_t transaction, const char *hex)
{
    struct hex bytes = hex_of(hex);
    struct modbus_mbap adu = {.transaction = transaction,
                              .unit = bytes.data[0],
                              .pdu = span_of(bytes.data + 1, bytes.len - 1)};

    cr_assert(modbus_mbap_put(out, &adu));
    return room_span(out);
}

void master_ask(struct master *m, const char *hex)
{
    uint8_t memory[MODBUS_MBAP_MAX];
    struct room out = room_of(memory, sizeof memory);

    m->asked++;
    bus_client_submit(m->client, put_adu(&out, m->asked, hex));
}

void master_wait(struct master *m, unsigned count)
{
    bench_run_until(&m->rig->bench, &m->count, count);
}

bool master_heard(const struct master *m, unsigned at, uint16_t transaction, const char *hex)
{
    uint8_t memory[MODBUS_MBAP_MAX];
    struct room out = room_of(memory, sizeof memory);

    return at < m->count && span_equal(span_of(m->answers[at].bytes, m->answers[at].len),
                                       put_adu(&out, transaction, hex));
}

void master_expect(struct master *m, const char *ask, const char *answer)
{
    unsigned before = m->count;

    master_ask(m, ask);
    master_wait(m, before + 1);
    cr_expect(master_heard(m, before, m->asked, answer), "%s: not %s but code %02X", ask, answer,
              m->answers[before].bytes[8]);
}
