#include "gateway/gateway.h"

#include <string.h>

#include "certs/mem.h"
#include "gateway/bus.h"
#include "gateway/device.h"
#include "gateway/gate.h"
#include "gateway/listener.h"
#include "gateway/log.h"

enum {
    GATEWAY_HANDSHAKES_MAX = 32,
    GATEWAY_HELLO_TIMEOUT_MS = 10000,
};

/* A configuration that running devices still borrow from. Counted: the gateway holds the present
 * one, each device the one that it was made from. */
struct generation {
    struct conf *conf;
    size_t holders;
};

/* A line that Modbus devices share. */
struct line {
    struct bus *bus;
    struct line *next;
    struct gateway *gateway;
    struct generation *generation; /* the bus borrows port and line of its first device */
    size_t users;
    bool closing;
};

struct entry {
    struct device *device;
    struct generation *generation;
    struct line *line; /* Modbus, else NULL */
    struct entry *next;
    struct gateway *gateway;
    bool stopped;
};

/* A listening address; those that a reload made unused close by themselves. */
struct door {
    struct listener *listener;
    struct door *next;
    bool closing;
};

struct gateway {
    struct io *io;
    struct generation *present;
    struct gate gate;
    struct entry *entries;
    struct line *lines;
    struct door *doors;
    uv_timer_t reap; /* what must not happen inside somebody's callback happens here */
    bool reap_open, started, stopping, reap_closing;
    uint64_t generation;
    int64_t loaded_at_s;
    void (*on_stopped)(void *owner);
    void *owner;
};

static enum listener_answer gateway_on_local(void *owner, struct listener *l, struct endpoint *ep);
static enum listener_answer gateway_on_hello(void *owner, struct listener *l,
                                             const struct listener_hello *hello);
static void gateway_on_listener_closed(void *owner, struct listener *l);
static void gateway_on_reap(uv_timer_t *timer);

static const struct listener_events listener_events = {
    .on_local = gateway_on_local,
    .on_hello = gateway_on_hello,
    .on_closed = gateway_on_listener_closed,
};

static void gateway_ask_reap(struct gateway *g)
{
    if (g->reap_open && !g->reap_closing) {
        uv_timer_start(&g->reap, gateway_on_reap, 0, 0);
    }
}

/* ---- generations ---- */

static struct generation *generation_new(struct conf *conf)
{
    struct generation *gen = mem_new(1, sizeof *gen);
    if (gen != NULL) {
        *gen = (struct generation){.conf = conf, .holders = 1};
    }
    return gen;
}

static void generation_release(struct generation *gen)
{
    if (gen == NULL) {
        return;
    }
    gen->holders--;
    if (gen->holders == 0) {
        conf_free(gen->conf);
        mem_free(gen);
    }
}

/* ---- listening addresses ---- */

/* The address that this device needs of this kind, or NULL. */
static const struct conf_address *gateway_door_address(const struct conf_device *c, bool secure)
{
    if (secure) {
        return c->listens ? &c->listen : NULL;
    }
    return c->port.kind == CONF_PORT_TCP_LISTEN ? &c->port.address : NULL;
}

static struct door *gateway_find_door(const struct gateway *g, const struct conf_address *address,
                                      bool secure)
{
    for (struct door *door = g->doors; door != NULL; door = door->next) {
        if (!door->closing && listener_is_secure(door->listener) == secure &&
            listener_is_at(door->listener, address)) {
            return door;
        }
    }
    return NULL;
}

static int gateway_open_door(struct gateway *g, const struct conf_address *address, bool secure,
                             struct fault *f)
{
    if (address == NULL || gateway_find_door(g, address, secure) != NULL) {
        return 0;
    }
    struct door *door = mem_new(1, sizeof *door);
    if (door == NULL) {
        return fault_set(f, FAULT_MEMORY, FAULT_SIDE_SELF, "no memory for a listener", NULL);
    }
    struct listener_settings settings = {
        .address = address,
        .secure = secure,
        .hello_timeout_ms = GATEWAY_HELLO_TIMEOUT_MS,
        .events = &listener_events,
        .owner = g,
    };
    door->listener = listener_new(g->io, &settings, f);
    if (door->listener == NULL) {
        mem_free(door);
        return FAULT_OPEN;
    }
    door->next = g->doors;
    g->doors = door;
    return 0;
}

static int gateway_open_doors(struct gateway *g, const struct conf *conf, struct fault *f)
{
    for (size_t i = 0; i < conf->device_count; i++) {
        const struct conf_device *c = &conf->devices[i];
        if (gateway_open_door(g, gateway_door_address(c, true), true, f) != 0 ||
            gateway_open_door(g, gateway_door_address(c, false), false, f) != 0) {
            return FAULT_OPEN;
        }
    }
    return 0;
}

static bool gateway_door_is_used(const struct door *door, const struct conf *conf)
{
    bool secure = listener_is_secure(door->listener);
    for (size_t i = 0; conf != NULL && i < conf->device_count; i++) {
        const struct conf_address *address = gateway_door_address(&conf->devices[i], secure);
        if (address != NULL && listener_is_at(door->listener, address)) {
            return true;
        }
    }
    return false;
}

/* Close the doors that this configuration does not need; NULL: all. */
static void gateway_close_doors(struct gateway *g, const struct conf *conf)
{
    for (struct door *door = g->doors; door != NULL; door = door->next) {
        if (!door->closing && !gateway_door_is_used(door, conf)) {
            door->closing = true;
            listener_close(door->listener);
        }
    }
}

static void gateway_on_listener_closed(void *owner, struct listener *l)
{
    struct gateway *g = owner;
    struct door **slot = &g->doors;
    while ((*slot)->listener != l) {
        slot = &(*slot)->next;
    }
    struct door *door = *slot;
    *slot = door->next;
    listener_free(l);
    mem_free(door);
    gateway_ask_reap(g);
}

/* ---- whom a connection is for ---- */

static bool gateway_source_allowed(const struct conf_device *c, const char *host)
{
    for (size_t i = 0; i < c->from_count; i++) {
        if (strcmp(c->from[i], host) == 0) {
            return true;
        }
    }
    return c->from_count == 0; /* conf allows that on loopback only */
}

static void gateway_log_source(const struct conf_device *c, const struct endpoint *ep)
{
    struct log_field fields[] = {
        LOG_TEXT("peer", endpoint_peer(ep)),
        LOG_TEXT("cause", fault_code_name(FAULT_SOURCE)),
        LOG_TEXT("side", fault_side_name(FAULT_SIDE_DEVICE)),
        LOG_TEXT("note", "this address is not in the device's `from`"),
    };
    log_event(CONF_LOG_WARNING, c->name, "device-refused", fields, 4);
}

static enum listener_answer gateway_on_local(void *owner, struct listener *l, struct endpoint *ep)
{
    struct gateway *g = owner;
    for (struct entry *e = g->entries; e != NULL; e = e->next) {
        const struct conf_device *c = device_conf(e->device);
        const struct conf_address *address = gateway_door_address(c, false);
        if (e->stopped || device_is_stopping(e->device) || address == NULL ||
            !listener_is_at(l, address)) {
            continue;
        }
        if (!gateway_source_allowed(c, endpoint_peer_host(ep))) {
            gateway_log_source(c, ep);
            return LISTENER_REFUSED;
        }
        return device_take_local(e->device, ep) ? LISTENER_TAKEN : LISTENER_REFUSED;
    }
    return LISTENER_REFUSED;
}

/* Where one device listens alone, its peers need not name it; where several share the address, the
 * name decides, and none is not guessed. */
static enum listener_answer gateway_on_hello(void *owner, struct listener *l,
                                             const struct listener_hello *hello)
{
    struct gateway *g = owner;
    struct device *only = NULL;
    struct device *named = NULL;
    size_t count = 0;
    for (struct entry *e = g->entries; e != NULL; e = e->next) {
        const struct conf_device *c = device_conf(e->device);
        if (e->stopped || device_is_stopping(e->device) || !c->listens ||
            !listener_is_at(l, &c->listen)) {
            continue;
        }
        count++;
        only = e->device;
        if (hello->name != NULL && device_has_name(e->device, hello->name)) {
            named = e->device;
        }
    }
    if (count == 0) {
        return LISTENER_REFUSED;
    }
    struct device *chosen = count == 1 ? only : named;
    if (chosen == NULL) {
        return LISTENER_UNKNOWN;
    }
    return device_take_link(chosen, hello->ep, hello->bytes) ? LISTENER_TAKEN : LISTENER_REFUSED;
}

/* ---- lines ---- */

static void gateway_on_bus_closed(void *owner)
{
    struct line *line = owner;
    struct gateway *g = line->gateway;
    struct line **slot = &g->lines;
    while (*slot != line) {
        slot = &(*slot)->next;
    }
    *slot = line->next;
    bus_free(line->bus);
    generation_release(line->generation);
    mem_free(line);
    gateway_ask_reap(g);
}

static struct line *gateway_line_for(struct gateway *g, const struct conf_device *c)
{
    for (struct line *line = g->lines; line != NULL; line = line->next) {
        if (!line->closing && bus_fits(line->bus, c)) {
            return line;
        }
    }
    struct line *line = mem_new(1, sizeof *line);
    if (line == NULL) {
        return NULL;
    }
    line->gateway = g;
    line->bus = bus_new(g->io, c, gateway_on_bus_closed, line);
    if (line->bus == NULL) {
        mem_free(line);
        return NULL;
    }
    line->generation = g->present;
    g->present->holders++;
    line->next = g->lines;
    g->lines = line;
    return line;
}

static void gateway_leave_line(struct line *line)
{
    if (line == NULL) {
        return;
    }
    line->users--;
    if (line->users == 0 && !line->closing) {
        line->closing = true;
        bus_close(line->bus);
    }
}

/* ---- devices ---- */

static void gateway_on_device_stopped(void *owner, struct device *d)
{
    struct entry *e = owner;
    (void)d; /* it is e->device */
    e->stopped = true;
    gateway_ask_reap(e->gateway);
}

static bool gateway_is_modbus(const struct conf_device *c)
{
    return c->protocol == CONF_PROTOCOL_MODBUS_RTU || c->protocol == CONF_PROTOCOL_MODBUS_TCP;
}

static void gateway_free_entry(struct entry *e)
{
    device_free(e->device);
    gateway_leave_line(e->line);
    generation_release(e->generation);
    mem_free(e);
}

static int gateway_add_device(struct gateway *g, const struct conf_device *c)
{
    struct entry *e = mem_new(1, sizeof *e);
    if (e == NULL) {
        return FAULT_MEMORY;
    }
    e->gateway = g;
    e->generation = g->present;
    g->present->holders++;
    if (gateway_is_modbus(c)) {
        e->line = gateway_line_for(g, c);
        if (e->line == NULL) {
            gateway_free_entry(e);
            return FAULT_MEMORY;
        }
        e->line->users++;
    }
    struct device_settings settings = {
        .io = g->io,
        .gate = &g->gate,
        .conf = c,
        .bus = e->line != NULL ? e->line->bus : NULL,
        .on_stopped = gateway_on_device_stopped,
        .owner = e,
    };
    e->device = device_new(&settings);
    if (e->device == NULL) {
        gateway_free_entry(e);
        return FAULT_MEMORY;
    }
    struct entry **end = &g->entries;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = e;
    device_start(e->device);
    return 0;
}

static struct entry *gateway_find_entry(const struct gateway *g, const char *name)
{
    for (struct entry *e = g->entries; e != NULL; e = e->next) {
        if (!e->stopped && !device_is_stopping(e->device) &&
            strcmp(device_conf(e->device)->name, name) == 0) {
            return e;
        }
    }
    return NULL;
}

static bool gateway_something_ends(const struct gateway *g)
{
    for (const struct entry *e = g->entries; e != NULL; e = e->next) {
        if (e->stopped || device_is_stopping(e->device)) {
            return true;
        }
    }
    for (const struct line *line = g->lines; line != NULL; line = line->next) {
        if (line->closing) {
            return true;
        }
    }
    return false;
}

/* Start the devices of the present configuration that do not run. A changed one starts when its
 * predecessor has let go of the port. */
static void gateway_start_missing(struct gateway *g)
{
    if (!g->started || g->stopping || gateway_something_ends(g)) {
        return;
    }
    const struct conf *conf = g->present->conf;
    for (size_t i = 0; i < conf->device_count; i++) {
        const struct conf_device *c = &conf->devices[i];
        if (gateway_find_entry(g, c->name) == NULL && gateway_add_device(g, c) != 0) {
            struct fault f = {0};
            fault_set(&f, FAULT_MEMORY, FAULT_SIDE_SELF, "no memory for a device", NULL);
            log_fault(CONF_LOG_ERROR, c->name, "device-failed", &f);
        }
    }
}

static void gateway_reap_entries(struct gateway *g)
{
    struct entry **slot = &g->entries;
    while (*slot != NULL) {
        struct entry *e = *slot;
        if (!e->stopped) {
            slot = &e->next;
            continue;
        }
        *slot = e->next;
        gateway_free_entry(e);
    }
}

static void gateway_on_reap_closed(uv_handle_t *handle)
{
    struct gateway *g = handle->data;
    g->reap_open = false;
    g->on_stopped(g->owner);
}

static void gateway_on_reap(uv_timer_t *timer)
{
    struct gateway *g = timer->data;
    gateway_reap_entries(g);
    gateway_start_missing(g);
    if (g->stopping && g->entries == NULL && g->lines == NULL && g->doors == NULL) {
        g->reap_closing = true;
        uv_close((uv_handle_t *)&g->reap, gateway_on_reap_closed);
    }
}

/* ---- the gateway ---- */

/* Without a running loop: let the handles of a gateway that could not be made close. */
static void gateway_run_out(struct gateway *g)
{
    gateway_close_doors(g, NULL);
    uv_close((uv_handle_t *)&g->reap, NULL);
    g->reap_closing = true;
    (void)uv_run(&g->io->loop, UV_RUN_DEFAULT); /* only closing handles are left: ends at once */
}

struct gateway *gateway_new(struct io *io, struct conf *conf, struct fault *f)
{
    struct gateway *g = mem_new(1, sizeof *g);
    struct generation *present = generation_new(conf);
    if (g == NULL || present == NULL) {
        mem_free(g);
        mem_free(present);
        conf_free(conf);
        fault_set(f, FAULT_MEMORY, FAULT_SIDE_SELF, "no memory for the gateway", NULL);
        return NULL;
    }
    g->io = io;
    g->present = present;
    g->generation = 1;
    g->loaded_at_s = io_wall_s();
    gate_init(&g->gate, GATEWAY_HANDSHAKES_MAX);
    (void)uv_timer_init(&io->loop, &g->reap); /* can not fail (libuv 1.44) */
    g->reap.data = g;
    g->reap_open = true;
    if (gateway_open_doors(g, conf, f) != 0) {
        gateway_run_out(g);
        generation_release(present);
        mem_free(g);
        return NULL;
    }
    return g;
}

void gateway_start(struct gateway *g)
{
    g->started = true;
    gateway_start_missing(g);
}

/* Keep what is the same, swap credentials, stop what changed or went. */
static void gateway_swap_devices(struct gateway *g, const struct conf *next)
{
    for (struct entry *e = g->entries; e != NULL; e = e->next) {
        if (e->stopped || device_is_stopping(e->device)) {
            continue;
        }
        const struct conf_device *old = device_conf(e->device);
        const struct conf_device *new = conf_find_device(next, old->name);
        enum conf_change change = new != NULL ? conf_compare_device(old, new) : CONF_CHANGED;
        if (change == CONF_CHANGED) {
            log_event(CONF_LOG_INFO, old->name, new != NULL ? "device-changed" : "device-removed",
                      NULL, 0);
            device_stop(e->device, false);
        } else {
            /* Also when old and new are equal to conf: an earlier reload may have swapped them. */
            device_use(e->device, new->identity, new->trust);
        }
    }
}

int gateway_reload(struct gateway *g, struct conf *next, struct fault *f)
{
    struct generation *gen = generation_new(next);
    if (gen == NULL) {
        conf_free(next);
        return fault_set(f, FAULT_MEMORY, FAULT_SIDE_SELF, "no memory for a reload", NULL);
    }
    int rc = gateway_open_doors(g, next, f);
    if (rc != 0) {
        gateway_close_doors(g, g->present->conf);
        generation_release(gen);
        return rc;
    }
    struct generation *old = g->present;
    g->present = gen;
    g->generation++;
    g->loaded_at_s = io_wall_s();
    gateway_swap_devices(g, next);
    gateway_close_doors(g, next);
    generation_release(old);
    gateway_ask_reap(g);
    return 0;
}

void gateway_stop(struct gateway *g, void (*on_stopped)(void *owner), void *owner)
{
    bool again = g->stopping;
    g->stopping = true;
    g->on_stopped = on_stopped;
    g->owner = owner;
    gateway_close_doors(g, NULL);
    for (struct entry *e = g->entries; e != NULL; e = e->next) {
        if (!e->stopped) {
            device_stop(e->device, again);
        }
    }
    gateway_ask_reap(g);
}

void gateway_free(struct gateway *g)
{
    if (g != NULL) {
        generation_release(g->present);
        mem_free(g);
    }
}

const char *gateway_conf_path(const struct gateway *g)
{
    return g->present->conf->path;
}

const struct conf_gateway *gateway_settings(const struct gateway *g)
{
    return &g->present->conf->gateway;
}

uint64_t gateway_generation(const struct gateway *g)
{
    return g->generation;
}

int gateway_snapshot(struct gateway *g, struct snapshot *out)
{
    size_t count = 0;
    for (const struct entry *e = g->entries; e != NULL; e = e->next) {
        count += e->stopped ? 0 : 1;
    }
    *out = (struct snapshot){
        .name = g->present->conf->gateway.name,
        .version = WARDGATE_VERSION,
        .generation = g->generation,
        .loaded_at_s = g->loaded_at_s,
        .now_s = io_wall_s(),
    };
    if (count == 0) {
        return 0;
    }
    out->devices = mem_new(count, sizeof *out->devices);
    if (out->devices == NULL) {
        return FAULT_MEMORY;
    }
    for (struct entry *e = g->entries; e != NULL; e = e->next) {
        if (!e->stopped) {
            device_snapshot(e->device, &out->devices[out->device_count++]);
        }
    }
    return 0;
}

void snapshot_free(struct snapshot *s)
{
    mem_free(s->devices);
    s->devices = NULL;
    s->device_count = 0;
}
