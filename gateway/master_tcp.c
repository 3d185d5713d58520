/* Masters that dial: each has its own connection and its own transactions. */
#include "certs/mem.h"
#include "gateway/master_private.h"

/* Read only while the last answers are on their way. */
static void balance(const struct master_mouth *mouth)
{
    if (endpoint_is_clear(mouth->ep)) {
        endpoint_read_start(mouth->ep);
    } else {
        endpoint_read_stop(mouth->ep);
    }
}

static void master_tcp_on_data(void *owner, struct span data)
{
    struct master_mouth *mouth = owner;
    struct master *m = mouth->master;

    while (data.len > 0) {
        enum modbus_request_step step = modbus_request_take(&mouth->reader, &data);

        if (step == MODBUS_REQUEST_BROKEN) {
            struct fault f;

            (void)fault_set(&f, FAULT_FRAME, FAULT_SIDE_DEVICE,
                            "the master does not speak Modbus/TCP: bad MBAP header", NULL);
            endpoint_close(mouth->ep, &f);
            return;
        }
        if (step == MODBUS_REQUEST_WHOLE) {
            struct modbus_mbap request = modbus_request_frame(&mouth->reader);

            master_desk_ask(mouth, &request);
        }
    }
    balance(mouth);
    master_wake(m);
}

/* A master that sends no more waits for nothing either. */
static void master_tcp_on_eof(void *owner)
{
    struct master_mouth *mouth = owner;

    endpoint_close(mouth->ep, NULL);
}

static void master_tcp_on_drained(void *owner)
{
    balance(owner);
}

static void master_tcp_on_closed(void *owner, const struct fault *cause)
{
    struct master_mouth *mouth = owner;
    struct master *m = mouth->master;
    struct master_mouth **at = &m->mouths;

    (void)cause; /* a master may come and go */
    while (*at != mouth) {
        at = &(*at)->next;
    }
    *at = mouth->next;
    m->mouth_count--;
    (void)master_desk_forget(mouth); /* what it asked goes on; the answers will find nobody */
    endpoint_free(mouth->ep);
    mem_wipe_free(mouth, sizeof *mouth);
    master_count_closed(m);
}

bool master_take(struct master *m, struct endpoint *ep)
{
    static const struct endpoint_events events = {
        .on_data = master_tcp_on_data,
        .on_eof = master_tcp_on_eof,
        .on_drained = master_tcp_on_drained,
        .on_closed = master_tcp_on_closed,
    };
    struct master_mouth *mouth = NULL;

    if (m->closing || m->mouth_count >= m->conf->max_links) {
        return false;
    }
    mouth = mem_new(1, sizeof *mouth);
    if (mouth == NULL) {
        return false;
    }
    mouth->master = m;
    mouth->ep = ep;
    modbus_request_start(&mouth->reader, MODBUS_WIRE_TCP);
    mouth->next = m->mouths;
    m->mouths = mouth;
    m->mouth_count++;
    m->open++;
    endpoint_adopt(ep, &events, mouth);
    endpoint_read_start(ep);
    return true;
}

void master_tcp_say(const struct master_mouth *mouth, const struct modbus_mbap *answer)
{
    uint8_t memory[MODBUS_MBAP_MAX];
    struct room out = room_of(memory, sizeof memory);

    if (modbus_wire_put(MODBUS_WIRE_TCP, &out, answer)) {
        endpoint_write(mouth->ep, room_span(&out)); /* to one that closes: dropped */
    }
}

void master_tcp_close(struct master *m)
{
    for (struct master_mouth *mouth = m->mouths; mouth != NULL; mouth = mouth->next) {
        endpoint_close(mouth->ep, NULL);
    }
}
