#include "gateway/gateway.h"

#include <string.h>

#include "certs/mem.h"
#include "gateway/gateway_private.h"
#include "gateway/log.h"

enum {
    GATEWAY_HANDSHAKES_MAX = 32,
    GATEWAY_STARTS_MAX = 16, /* devices started in one turn: each costs half a millisecond */
};

static void gateway_on_reap(uv_timer_t *timer);

void gateway_ask_reap(struct gateway *g)
{
    if (g->reap_open && !g->reap_closing) {
        uv_timer_start(&g->reap, gateway_on_reap, 0, 0);
    }
}

/* ---- devices ---- */

void gateway_clear_way(struct gateway *g, struct obstacle *o)
{
    if (obstacles_remove(o)) {
        g->start_next = 0;
    }
}

static void gateway_on_device_stopped(void *owner, struct device *d)
{
    struct entry *e = owner;
    (void)d; /* it is e->device */
    e->stopped = true;
    e->gateway->has_stopped = true;
    gateway_ask_reap(e->gateway);
}

static void gateway_free_entry(struct entry *e)
{
    device_free(e->device);
    gateway_leave_line(e->line);
    gateway_clear_way(e->gateway, &e->name);
    gateway_clear_way(e->gateway, &e->port);
    generation_release(e->generation);
    generation_release(e->rules);
    mem_free(e);
}

static int gateway_add_device(struct gateway *g, const struct conf_device *c)
{
    struct entry *e = mem_new(1, sizeof *e);
    if (e == NULL) {
        return FAULT_MEMORY;
    }
    e->gateway = g;
    e->generation = generation_hold(g->present);
    e->rules = generation_hold(g->present);
    if (conf_is_modbus(c->protocol) && !c->is_master) {
        e->line = gateway_join_line(g, c);
        if (e->line == NULL) {
            gateway_free_entry(e);
            return FAULT_MEMORY;
        }
    }
    struct device_settings settings = {
        .io = g->io,
        .gate = &g->gate,
        .revocation = g->revocation,
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
    *g->entries_end = e;
    g->entries_end = &e->next;
    device_start(e->device);
    return 0;
}

void gateway_start_device(struct gateway *g, size_t i)
{
    const struct conf_device *c = &g->present->conf->devices[i];
    g->present->runs[i] = gateway_add_device(g, c) == 0;
    if (!g->present->runs[i]) {
        struct fault f = {0};
        fault_set(&f, FAULT_MEMORY, FAULT_SIDE_SELF, "no memory for a device", NULL);
        log_fault(CONF_LOG_ERROR, c->name, "device-failed", &f);
    }
}

bool gateway_may_start(const struct gateway *g, size_t i)
{
    const struct conf_device *c = &g->present->conf->devices[i];
    bool is_free = !obstacles_has(&g->obstacles, c->name) &&
                   !obstacles_has(&g->obstacles, c->port.text);
    return g->started && !g->stopping && is_free;
}

/* Start the devices of the present configuration that do not run, some of them in each turn: links
 * that are up must not wait for a thousand others. A changed one starts when its predecessor has
 * let go of the port: then all are looked at once more. */
static void gateway_start_missing(struct gateway *g)
{
    size_t count = 0;
    for (; g->start_next < g->present->conf->device_count; g->start_next++) {
        if (g->present->runs[g->start_next] || !gateway_may_start(g, g->start_next)) {
            continue;
        }
        if (count == GATEWAY_STARTS_MAX) {
            /* With 0 ms libuv 1.44 would call again before it polls. */
            uv_timer_start(&g->reap, gateway_on_reap, 1, 0);
            return;
        }
        gateway_start_device(g, g->start_next);
        count++;
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
        g->walk.ahead = g->walk.ahead == e ? e->next : g->walk.ahead;
        g->walk.is_broken = g->walk.is_broken || e->shown_in == g->walk.number;
        gateway_free_entry(e);
    }
    g->entries_end = slot;
    g->has_stopped = false;
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
    if (g->has_stopped) {
        gateway_reap_entries(g);
    }
    gateway_start_missing(g);
    bool is_empty = g->entries == NULL && g->lines == NULL && g->door_count == 0;
    if (g->stopping && is_empty && g->revocation_open) {
        revocation_close(g->revocation); /* nobody asks it any more; gateway_on_revocation_closed */
    } else if (g->stopping && is_empty) {
        g->reap_closing = true;
        uv_close((uv_handle_t *)&g->reap, gateway_on_reap_closed);
    }
}

/* ---- the gateway ---- */

static void gateway_on_revocation_closed(void *owner)
{
    struct gateway *g = owner;
    g->revocation_open = false;
    gateway_ask_reap(g);
}

/* Without a running loop: let the handles of a gateway that could not be made close. */
static void gateway_run_out(struct gateway *g)
{
    gateway_close_doors(g, NULL);
    uv_close((uv_handle_t *)&g->reap, NULL);
    g->reap_closing = true;
    if (g->revocation != NULL) {
        revocation_close(g->revocation);
    }
    do {
        /* One turn closes what was told to; others' handles must not keep us here. */
        (void)uv_run(&g->io->loop, UV_RUN_NOWAIT);
    } while (g->door_count > 0 || g->revocation_open);
    revocation_free(g->revocation);
}

struct gateway *gateway_new(struct io *io, struct conf *conf, struct fault *f)
{
    struct gateway *g = mem_new(1, sizeof *g);
    struct generation *present = generation_new(conf);
    if (g == NULL || present == NULL) {
        mem_free(g);
        if (present != NULL) {
            generation_release(present); /* with its configuration */
        } else {
            conf_free(conf);
        }
        fault_set(f, FAULT_MEMORY, FAULT_SIDE_SELF, "no memory for the gateway", NULL);
        return NULL;
    }
    g->io = io;
    g->present = present;
    g->entries_end = &g->entries;
    g->generation = 1;
    g->loaded_at_s = io_wall_s();
    gate_init(&g->gate, GATEWAY_HANDSHAKES_MAX);
    io->gate = &g->gate;
    (void)uv_timer_init(&io->loop, &g->reap); /* can not fail (libuv 1.44) */
    g->reap.data = g;
    g->reap_open = true;
    const struct revocation_settings settings = {
        .io = io, .conf = conf, .on_closed = gateway_on_revocation_closed, .owner = g};
    if (gateway_open_doors(g, conf, f) == 0) {
        g->revocation = revocation_new(&settings, f);
        g->revocation_open = g->revocation != NULL;
    }
    if (g->revocation == NULL) {
        gateway_run_out(g);
        generation_release(present);
        io->gate = NULL;
        mem_free(g);
        return NULL;
    }
    return g;
}

void gateway_start(struct gateway *g)
{
    g->started = true;
    g->start_next = 0; /* a reap may have looked in vain */
    revocation_start(g->revocation);
    gateway_start_missing(g);
}

/* Role rules change under open links: what is not allowed any more is refused from now on, and no
 * link is cut for it. */
static void gateway_swap_rules(struct gateway *g, struct entry *e, const struct conf_device *new)
{
    struct generation *old = e->rules;
    e->rules = generation_hold(g->present);
    device_use_access(e->device, new->access);
    generation_release(old);
}

/* The device's section changed, or it is gone (`new` is NULL). */
static void gateway_stop_changed(struct gateway *g, struct entry *e, const struct conf_device *new)
{
    log_event(CONF_LOG_INFO, device_conf(e->device)->name,
              new != NULL ? "device-changed" : "device-removed", NULL, 0);
    if (new != NULL && conf_is_modbus(new->protocol) && !new->is_master) {
        gateway_swap_rules(g, e, new); /* for what still waits on its way out */
    }
    obstacles_put(&g->obstacles, &e->name, device_conf(e->device)->name);
    obstacles_put(&g->obstacles, &e->port, device_conf(e->device)->port.text);
    device_stop(e->device, false);
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
            gateway_stop_changed(g, e, new);
        } else {
            /* Also when old and new are equal to conf: an earlier reload may have swapped them. */
            g->present->runs[new - next->devices] = true;
            device_use(e->device, new->identity, new->trust);
            gateway_swap_rules(g, e, new);
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
    g->start_next = 0;
    g->walk.is_broken = true;
    g->generation++;
    g->loaded_at_s = io_wall_s();
    revocation_use(g->revocation, next);
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
        g->io->gate = NULL;
        revocation_free(g->revocation);
        generation_release(g->present);
        mem_free(g);
    }
}

struct revocation *gateway_revocation(struct gateway *g)
{
    return g->revocation;
}

const struct conf *gateway_conf(const struct gateway *g)
{
    return g->present->conf;
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
    *out = (struct snapshot){
        .name = g->present->conf->gateway.name,
        .version = WARDGATE_VERSION,
        .generation = g->generation,
        .loaded_at_s = g->loaded_at_s,
        .now_s = io_wall_s(),
    };
    g->walk = (struct walk){.number = g->walk.number + 1, .ahead = g->entries};
    for (const struct entry *e = g->entries; e != NULL; e = e->next) {
        out->unchecked += e->stopped ? 0 : device_unchecked(e->device);
    }
    return revocation_snapshot(g->revocation, out) == 0 ? 0 : FAULT_MEMORY;
}

int gateway_snapshot_devices(struct gateway *g, size_t most, struct snapshot *out)
{
    size_t devices = 0;
    size_t links = 0;
    for (const struct entry *e = g->walk.ahead; e != NULL && devices < most; e = e->next) {
        devices += e->stopped ? 0 : 1;
        links += e->stopped ? 0 : device_shown_links(e->device);
    }
    *out = (struct snapshot){
        .devices = mem_new(devices + 1, sizeof *out->devices), /* none is no lack of memory */
        .links = mem_new(links + 1, sizeof *out->links),
    };
    if (out->devices == NULL || out->links == NULL) {
        return FAULT_MEMORY;
    }
    struct snapshot_link *free_links = out->links;
    for (; g->walk.ahead != NULL && out->device_count < most; g->walk.ahead = g->walk.ahead->next) {
        struct entry *e = g->walk.ahead;
        if (!e->stopped) {
            struct snapshot_device *d = &out->devices[out->device_count++];
            device_snapshot(e->device, d, free_links);
            free_links += d->link_count;
            e->shown_in = g->walk.number;
        }
    }
    return 0;
}

bool gateway_walk_holds(const struct gateway *g)
{
    return !g->walk.is_broken;
}
