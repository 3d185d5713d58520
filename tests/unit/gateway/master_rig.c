#include "tests/unit/gateway/master_rig.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "conf/values.h"
#include "tests/unit/protocols/hex.h"

static void rig_on_port(void *owner, const struct fault *f)
{
    struct master_rig *r = owner;
    r->ups += f == NULL ? 1 : 0;
    r->downs += f != NULL ? 1 : 0;
}

static void rig_on_note(void *owner, const char *event, const char *note)
{
    struct master_rig *r = owner;
    (void)snprintf(r->note, sizeof r->note, "%s %s", event, note);
    r->notes++;
}

static void rig_on_closed(void *owner)
{
    struct master_rig *r = owner;
    r->closed++;
}

static void rig_send(void *self, struct span adu)
{
    struct master_rig *r = self;
    cr_assert_lt(r->sent_count, (unsigned)MASTER_RIG_SENT_MAX);
    memcpy(r->sent[r->sent_count].bytes, adu.data, adu.len);
    r->sent[r->sent_count].len = adu.len;
    r->sent_count++;
}

static bool rig_is_clear(const void *self)
{
    const struct master_rig *r = self;
    return !r->is_jammed;
}

static void rig_on_idle(void *self)
{
    struct master_rig *r = self;
    r->idle++;
}

void master_rig_init(struct master_rig *r, enum conf_protocol protocol)
{
    struct conf_device *c = &r->conf;
    bool is_tcp = protocol == CONF_PROTOCOL_MODBUS_TCP;

    memset(r, 0, sizeof *r);
    bench_init(&r->bench);
    r->fd = is_tcp ? -1 : bench_open_pty(r->port_text, sizeof r->port_text);
    c->is_master = true;
    c->protocol = protocol;
    c->port.kind = is_tcp ? CONF_PORT_TCP_LISTEN : CONF_PORT_SERIAL;
    c->port.path = r->port_text;
    c->port.text = r->port_text;
    c->line = (struct conf_line){
        .rate = 115200, .data_bits = 8, .parity = CONF_PARITY_EVEN, .stop_bits = 1};
    c->unit_map = &r->units;
    values_units_clear(c->unit_map);
    c->unit_map->bus_unit[0x11] = 0x17;
    c->writes_allowed = true;
    c->max_links = 2;
    c->response_timeout_ms = 60000;
    c->char_timeout_ms = 1000;
    c->dial_timeout_ms = 2000;
}

void master_rig_link_up(struct master_rig *r)
{
    struct master_link to = {rig_send, rig_is_clear, rig_on_idle, r};
    master_link_up(r->master, &to);
}

void master_rig_make(struct master_rig *r)
{
    static const struct master_events events = {rig_on_port, rig_on_note, rig_on_closed};

    r->master = master_new(&r->bench.io, &r->conf, &events, r);
    cr_assert_not_null(r->master);
}

void master_rig_start(struct master_rig *r)
{
    master_rig_make(r);
    if (r->fd >= 0) {
        bench_run_until(&r->bench, &r->ups, 1);
    } else {
        r->fd = master_rig_dial(r);
    }
    master_rig_link_up(r);
}

void master_rig_end(struct master_rig *r)
{
    if (r->master->is_up) {
        master_link_down(r->master);
    }
    master_close(r->master);
    master_close(r->master); /* a second time is fine */
    bench_run_until(&r->bench, &r->closed, 1);
    master_free(r->master);
    (void)close(r->fd);
    bench_end(&r->bench);
    cr_expect_eq(r->closed, 1);
}

int master_rig_dial(struct master_rig *r)
{
    cr_assert_lt(r->ear_count, (unsigned)MASTER_RIG_EARS);
    struct ear *ear = &r->ears[r->ear_count++];
    ear_init(ear, FAULT_SIDE_DEVICE);
    int fd = bench_pair(&r->bench, ear);
    if (!master_take(r->master, ear->ep)) {
        bench_close(&r->bench, ear);
        (void)close(fd);
        return -1;
    }
    return fd;
}

static struct span rig_bytes(const char *text, struct hex *memory)
{
    if (text[0] == ':') {
        return span_of_text(text);
    }
    *memory = hex_of(text);
    return hex_span(memory);
}

void master_rig_says(struct master_rig *r, int fd, const char *text)
{
    struct hex memory;
    struct span bytes = rig_bytes(text, &memory);
    (void)r;
    cr_assert_eq(write(fd, bytes.data, bytes.len), (ssize_t)bytes.len);
}

bool master_rig_hears(struct master_rig *r, int fd, const char *text)
{
    struct hex memory;
    struct span want = rig_bytes(text, &memory);
    uint8_t got[600];
    size_t len = bench_read(&r->bench, fd, got, want.len);
    return span_equal(span_of(got, len), want);
}

bool master_rig_sends(struct master_rig *r, unsigned count, const char *hex)
{
    struct hex want = hex_of(hex);
    bench_run_until(&r->bench, &r->sent_count, count);
    struct modbus_mbap adu;
    cr_assert(modbus_mbap_parse(span_of(r->sent[count - 1].bytes, r->sent[count - 1].len), &adu));
    return r->sent_count == count && adu.unit == want.data[0] &&
           span_equal(adu.pdu, span_of(want.data + 1, want.len - 1));
}

void master_rig_answers(struct master_rig *r, unsigned at, const char *hex)
{
    struct hex bytes = hex_of(hex);
    uint8_t memory[MODBUS_MBAP_MAX];
    struct room out = room_of(memory, sizeof memory);
    struct modbus_mbap asked;
    cr_assert_lt(at, r->sent_count);
    cr_assert(modbus_mbap_parse(span_of(r->sent[at].bytes, r->sent[at].len), &asked));
    asked.unit = bytes.data[0];
    asked.pdu = span_of(bytes.data + 1, bytes.len - 1);
    cr_assert(modbus_mbap_put(&out, &asked));
    master_link_answer(r->master, room_span(&out));
}

static void rig_on_waited(uv_timer_t *timer)
{
    unsigned *done = timer->data;
    *done = 1;
}

void master_rig_wait(struct master_rig *r, uint64_t ms)
{
    uv_timer_t timer;
    unsigned done = 0;
    uv_update_time(&r->bench.io.loop);
    uv_timer_init(&r->bench.io.loop, &timer);
    timer.data = &done;
    uv_timer_start(&timer, rig_on_waited, ms, 0);
    bench_run_until(&r->bench, &done, 1);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&r->bench.io.loop, UV_RUN_NOWAIT);
}

struct rig_counter {
    const uint64_t *counter;
    uint64_t least;
};

static bool rig_counter_is_there(void *arg)
{
    const struct rig_counter *c = arg;
    return *c->counter >= c->least;
}

void master_rig_until(struct master_rig *r, const uint64_t *counter, uint64_t least)
{
    struct rig_counter c = {counter, least};
    bench_run_while_not(&r->bench, rig_counter_is_there, &c);
}
