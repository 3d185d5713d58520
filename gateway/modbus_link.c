#include "gateway/modbus_link.h"

#include "certs/mem.h"
#include "protocols/framer.h"

enum { MODBUS_LINK_ADU_MAX = 260 }; /* MBAP header 7 + PDU 253 */

struct modbus_link {
    struct endpoint *secure;
    struct bus_client *client; /* the device is on a bus */
    struct master *master;     /* or it is a master */
    struct framer framer;
    struct buf part; /* an ADU that came in pieces */
    uint8_t memory[MODBUS_LINK_ADU_MAX];
    struct modbus_link_owner owner;
    struct flow_counters here_up, here_down;
};

static void modbus_link_count(struct flow_counters *a, struct flow_counters *b, size_t len)
{
    a->bytes += len;
    a->messages++;
    b->bytes += len;
    b->messages++;
}

static void modbus_link_on_answer(void *owner, struct span adu)
{
    struct modbus_link *m = owner;
    modbus_link_count(m->owner.up, &m->here_up, adu.len);
    endpoint_write(m->secure, adu);
    if (bus_client_pending(m->client) == 0 && m->owner.on_idle != NULL) {
        m->owner.on_idle(m->owner.self);
    }
}

static struct modbus_link *modbus_link_make(struct endpoint *secure,
                                            const struct modbus_link_owner *owner)
{
    struct modbus_link *m = mem_new(1, sizeof *m);
    if (m != NULL) {
        m->secure = secure;
        m->owner = *owner;
        m->part = buf_of(m->memory, sizeof m->memory);
        framer_init(&m->framer, FRAMER_MODBUS_TCP, MODBUS_LINK_ADU_MAX);
    }
    return m;
}

static void modbus_link_on_denied(void *owner, const struct bus_denial *denial)
{
    const struct modbus_link *m = owner;
    if (m->owner.on_denied != NULL) {
        m->owner.on_denied(m->owner.self, denial);
    }
}

struct modbus_link *modbus_link_new(struct bus_device *bus, struct endpoint *secure,
                                    const struct modbus_link_owner *owner)
{
    struct modbus_link *m = modbus_link_make(secure, owner);
    if (m == NULL) {
        return NULL;
    }
    m->client = bus_client_new(bus, modbus_link_on_answer, m);
    const struct bus_peer peer = {owner->cert, owner->is_client, modbus_link_on_denied};
    if (m->client == NULL || !bus_client_use_peer(m->client, &peer)) {
        bus_client_free(m->client);
        mem_free(m);
        return NULL;
    }
    m->owner.cert = span_of(NULL, 0); /* it was borrowed */
    return m;
}

/* ---- a device that is a master ---- */

static void modbus_link_on_request(void *self, struct span adu)
{
    struct modbus_link *m = self;
    modbus_link_count(m->owner.up, &m->here_up, adu.len);
    endpoint_write(m->secure, adu);
}

static bool modbus_link_is_clear(const void *self)
{
    const struct modbus_link *m = self;
    return endpoint_is_clear(m->secure);
}

static void modbus_link_on_master_idle(void *self)
{
    struct modbus_link *m = self;
    if (m->owner.on_idle != NULL) {
        m->owner.on_idle(m->owner.self);
    }
}

struct modbus_link *modbus_link_of_master(struct master *master, struct endpoint *secure,
                                          const struct modbus_link_owner *owner)
{
    struct modbus_link *m = modbus_link_make(secure, owner);
    if (m == NULL) {
        return NULL;
    }
    struct master_link to = {modbus_link_on_request, modbus_link_is_clear,
                             modbus_link_on_master_idle, m};
    m->master = master;
    master_link_up(master, &to);
    return m;
}

bool modbus_link_drain(struct modbus_link *m)
{
    if (m->master == NULL) {
        return false; /* the bus brings its answers by itself */
    }
    master_link_finish(m->master);
    return master_pending(m->master) > 0;
}

void modbus_link_set_peer(struct modbus_link *m, const char *name, const char *key)
{
    if (m->client != NULL) {
        bus_client_set_peer(m->client, name, key);
    }
}

bool modbus_link_look(const struct modbus_link *m, struct bus_look *out)
{
    if (m->client == NULL) {
        return false;
    }
    bus_client_look(m->client, out);
    return true;
}

void modbus_link_allow_writes(struct modbus_link *m, bool allowed)
{
    if (m->master != NULL) {
        master_allow_writes(m->master, allowed);
    } else {
        bus_client_allow_writes(m->client, allowed);
    }
}

void modbus_link_free(struct modbus_link *m)
{
    if (m != NULL) {
        if (m->master != NULL) {
            master_link_down(m->master);
        }
        bus_client_free(m->client);
        mem_wipe_free(m, sizeof *m);
    }
}

static void modbus_link_submit(struct modbus_link *m, struct span adu)
{
    modbus_link_count(m->owner.down, &m->here_down, adu.len);
    if (m->master != NULL) {
        master_link_answer(m->master, adu);
    } else {
        bus_client_submit(m->client, adu);
    }
}

/* The ADU's last bytes: when it came in one piece it is submitted where it lies. */
static void modbus_link_finish(struct modbus_link *m, struct span last)
{
    if (buf_span(&m->part).len == 0) {
        modbus_link_submit(m, last);
        return;
    }
    if (buf_put(&m->part, last)) {
        modbus_link_submit(m, buf_span(&m->part));
    }
    buf_drop(&m->part, sizeof m->memory);
}

int modbus_link_feed(struct modbus_link *m, struct span data, struct fault *f)
{
    while (data.len > 0) {
        struct framer_cut cut = framer_step(&m->framer, data);
        struct span bytes = span_first(data, cut.len);
        data = span_after(data, cut.len);
        if (cut.label == FRAMER_END) {
            modbus_link_finish(m, bytes);
        } else if (cut.label != FRAMER_PART || !buf_put(&m->part, bytes)) {
            return fault_set(f, FAULT_FRAME, FAULT_SIDE_SERVER,
                             "the peer does not speak Modbus/TCP: bad MBAP header", NULL);
        }
    }
    return 0;
}

size_t modbus_link_pending(const struct modbus_link *m)
{
    return m->master != NULL ? master_pending(m->master) : bus_client_pending(m->client);
}

void modbus_link_counters(const struct modbus_link *m, struct flow_counters *up,
                          struct flow_counters *down)
{
    *up = m->here_up;
    *down = m->here_down;
}
