/* The gateway's listening addresses, and whom a new connection is for. */
#include <string.h>

#include "certs/mem.h"
#include "conf/text.h"
#include "gateway/gateway_private.h"
#include "gateway/log.h"

enum { GATEWAY_HELLO_TIMEOUT_MS = 10000 };

static enum listener_answer gateway_on_local(void *owner, struct listener *l, struct endpoint *ep);
static enum listener_answer gateway_on_hello(void *owner, struct listener *l,
                                             const struct listener_hello *hello);
static void gateway_on_listener_closed(void *owner, struct listener *l);

static const struct listener_events listener_events = {
    .on_local = gateway_on_local,
    .on_hello = gateway_on_hello,
    .on_closed = gateway_on_listener_closed,
};

/* The address that this device needs of this kind, or NULL. */
static const struct conf_address *gateway_door_address(const struct conf_device *c, bool secure)
{
    if (secure) {
        return c->listens ? &c->listen : NULL;
    }
    return c->port.kind == CONF_PORT_TCP_LISTEN ? &c->port.address : NULL;
}

static struct door **gateway_door_list(struct gateway *g, const struct conf_address *address)
{
    return &g->doors[text_hash(address->host, address->port) % GATEWAY_DOOR_LISTS];
}

static struct door *gateway_find_door(struct gateway *g, const struct conf_address *address,
                                      bool secure)
{
    for (struct door *door = *gateway_door_list(g, address); door != NULL; door = door->next) {
        if (!door->closing && listener_is_secure(door->listener) == secure &&
            listener_is_at(door->listener, address)) {
            return door;
        }
    }
    return NULL;
}

/* Into the list that begins at `slot`, and out of it. */
static void gateway_hang_door(struct gateway *g, struct door *door, struct door **slot)
{
    door->next = *slot;
    door->slot = slot;
    if (door->next != NULL) {
        door->next->slot = &door->next;
    }
    *slot = door;
    g->door_count++;
}

static void gateway_unhang_door(struct gateway *g, struct door *door)
{
    *door->slot = door->next;
    if (door->next != NULL) {
        door->next->slot = door->slot;
    }
    g->door_count--;
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
    door->gateway = g;
    struct listener_settings settings = {
        .address = address,
        .secure = secure,
        .hello_timeout_ms = GATEWAY_HELLO_TIMEOUT_MS,
        .events = &listener_events,
        .owner = door,
    };
    door->listener = listener_new(g->io, &settings, f);
    if (door->listener == NULL) {
        mem_free(door);
        return FAULT_OPEN;
    }
    gateway_hang_door(g, door, gateway_door_list(g, address));
    return 0;
}

int gateway_open_doors(struct gateway *g, const struct conf *conf, struct fault *f)
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

static void gateway_use_door(struct gateway *g, const struct conf_address *address, bool secure)
{
    struct door *door = address != NULL ? gateway_find_door(g, address, secure) : NULL;
    if (door != NULL) {
        door->is_used = true;
    }
}

static void gateway_close_unused(struct door *door)
{
    for (; door != NULL; door = door->next) {
        if (!door->closing && !door->is_used) {
            door->closing = true;
            listener_close(door->listener);
        }
        door->is_used = false;
    }
}

void gateway_close_doors(struct gateway *g, const struct conf *conf)
{
    for (size_t i = 0; conf != NULL && i < conf->device_count; i++) {
        gateway_use_door(g, gateway_door_address(&conf->devices[i], true), true);
        gateway_use_door(g, gateway_door_address(&conf->devices[i], false), false);
    }
    for (size_t i = 0; i < GATEWAY_DOOR_LISTS; i++) {
        gateway_close_unused(g->doors[i]);
    }
}

static void gateway_on_listener_closed(void *owner, struct listener *l)
{
    struct door *door = owner;
    struct gateway *g = door->gateway;
    gateway_unhang_door(g, door);
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

/* While devices are still being started, turn by turn: whoever is asked for comes first, and nobody
 * is turned away for having been quick. */
static void gateway_start_at(struct gateway *g, const struct listener *l)
{
    const struct generation *present = g->present;
    bool secure = listener_is_secure(l);
    for (size_t i = g->start_next; i < present->conf->device_count; i++) {
        const struct conf_address *at = gateway_door_address(&present->conf->devices[i], secure);
        if (!present->runs[i] && at != NULL && listener_is_at(l, at) && gateway_may_start(g, i)) {
            gateway_start_device(g, i);
        }
    }
}

static enum listener_answer gateway_on_local(void *owner, struct listener *l, struct endpoint *ep)
{
    struct gateway *g = ((const struct door *)owner)->gateway;
    gateway_start_at(g, l);
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

/* How many devices are configured to be reached here. Those that are about to start or to stop
 * count: a peer of theirs must not get their neighbour meanwhile. */
static size_t gateway_count_at(const struct gateway *g, const struct listener *l)
{
    const struct conf *conf = g->present->conf;
    size_t count = 0;
    for (size_t i = 0; i < conf->device_count; i++) {
        const struct conf_device *c = &conf->devices[i];
        count += c->listens && listener_is_at(l, &c->listen) ? 1 : 0;
    }
    return count;
}

/* Where one device listens alone, its peers need not name it; where several share the address, the
 * name decides, and none is not guessed. */
static enum listener_answer gateway_on_hello(void *owner, struct listener *l,
                                             const struct listener_hello *hello)
{
    struct gateway *g = ((const struct door *)owner)->gateway;
    gateway_start_at(g, l);
    struct device *only = NULL;
    struct device *named = NULL;
    for (struct entry *e = g->entries; e != NULL; e = e->next) {
        const struct conf_device *c = device_conf(e->device);
        if (e->stopped || !c->listens || !listener_is_at(l, &c->listen)) {
            continue;
        }
        only = device_is_stopping(e->device) ? only : e->device;
        if (hello->name != NULL && device_has_name(e->device, hello->name)) {
            named = e->device;
        }
    }
    if (named != NULL && device_is_stopping(named)) {
        return LISTENER_REFUSED;
    }
    bool is_shared = gateway_count_at(g, l) > 1;
    struct device *chosen = is_shared ? named : only;
    if (chosen == NULL) {
        return is_shared ? LISTENER_UNKNOWN : LISTENER_REFUSED;
    }
    return device_take_link(chosen, hello->ep, hello->bytes) ? LISTENER_TAKEN : LISTENER_REFUSED;
}
