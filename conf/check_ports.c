#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/check.h"

enum { SAY_MAX = 512 };

/* A device and what its port comes down to: devices with the same text share a port. */
struct use {
    const char *real;
    const struct conf_device *device;
};

static bool same_line(const struct conf_line *a, const struct conf_line *b)
{
    return a->rate == b->rate && a->data_bits == b->data_bits && a->parity == b->parity &&
           a->stop_bits == b->stop_bits && a->flow == b->flow && a->has_echo == b->has_echo;
}

/* The node behind a path when there is one: /dev/serial/by-id/x and /dev/ttyUSB0 may be the same.
 * A node that is unplugged now is known by its path alone. NULL: no memory. */
static const char *real_path(struct pool *pool, const char *path)
{
    char resolved[PATH_MAX];
    if (realpath(path, resolved) == NULL) {
        return path;
    }
    return pool_text(pool, resolved);
}

static const char *real_address(struct pool *pool, const struct conf_address *address)
{
    char text[SAY_MAX];
    (void)snprintf(text, sizeof(text), "%s:%u", address->host, (unsigned)address->port);
    for (size_t i = 0; text[i] != '\0'; i++) {
        if (text[i] >= 'A' && text[i] <= 'Z') {
            text[i] = (char)(text[i] - 'A' + 'a');
        }
    }
    return pool_text(pool, text);
}

static int by_real(const void *left, const void *right)
{
    const struct use *a = left;
    const struct use *b = right;
    int order = strcmp(a->real, b->real);
    if (order != 0) {
        return order;
    }
    /* Devices lie in one array, in the order of the files: the later one is told off. */
    return a->device < b->device ? -1 : 1;
}

static void refuse(const struct check *c, const struct conf_device *d,
                   const struct conf_device *first, const char *why, const char *right)
{
    char wrong[SAY_MAX];
    (void)snprintf(wrong, sizeof(wrong), "is the port of [device %s] (%.200s:%d) already%s",
                   first->name, first->file, first->line_number, why);
    check_refuse(c, d, KEYS_PORT, wrong, right);
}

/* May `d` share the port of `first`, units aside? */
static bool may_share(const struct check *c, const struct conf_device *d,
                      const struct conf_device *first)
{
    if (!conf_is_modbus(d->protocol) || !conf_is_modbus(first->protocol)) {
        refuse(c, d, first, "", "a port for each device; only Modbus devices share one");
    } else if (d->is_master || first->is_master) {
        refuse(c, d, first, ", and one of the two is a master", "a port of its own for a master");
    } else if (d->protocol != first->protocol) {
        refuse(c, d, first, " with another protocol", "the same protocol for all on this port");
    } else if (strcmp(d->port.text, first->port.text) != 0) {
        refuse(c, d, first, " under another name", "the same port = line for all on this port");
    } else if (!same_line(&d->line, &first->line)) {
        refuse(c, d, first, " with another line",
               "the same line = line, and the same echo, for all on this port");
    } else if (d->char_timeout_ms != first->char_timeout_ms) {
        refuse(c, d, first, " with another char_timeout",
               "the same char_timeout for all on this port");
    } else {
        return true;
    }
    return false;
}

/* Enter the bus units of `d`; each has one owner. */
static void claim_units(const struct check *c, const struct conf_device *d,
                        const struct conf_device **owners)
{
    char wrong[SAY_MAX];
    for (unsigned i = 0; i < CONF_UNITS; i++) {
        int unit = conf_unit(d, i);
        if (unit < 0) {
            continue;
        }
        const struct conf_device *owner = owners[unit];
        if (owner != NULL && owner != d) {
            (void)snprintf(wrong, sizeof(wrong),
                           "reaches unit %d, which is of [device %s] (%.200s:%d) already", unit,
                           owner->name, owner->file, owner->line_number);
            check_refuse(c, d, KEYS_UNIT_MAP, wrong, "units of its own for each device");
            return;
        }
        owners[unit] = d;
    }
}

/* All `count` devices of one port. */
static void check_run(const struct check *c, const struct use *run, size_t count)
{
    const struct conf_device *owners[CONF_UNITS] = {NULL};
    const struct conf_device *first = run[0].device;
    if (count < 2) {
        return;
    }
    claim_units(c, first, owners);
    for (size_t i = 1; i < count; i++) {
        if (may_share(c, run[i].device, first)) {
            claim_units(c, run[i].device, owners);
        }
    }
}

/* Every device with a port that is opened or dialled. False: no memory. */
static bool collect(const struct check *c, struct use *uses, size_t *count)
{
    for (size_t i = 0; i < c->conf->device_count; i++) {
        const struct conf_device *d = &c->conf->devices[i];
        const char *real = NULL;
        if (d->port.text == NULL || d->port.kind == CONF_PORT_TCP_LISTEN) {
            continue; /* wrong, which was said; or an address, see check_binds */
        }
        real = d->port.kind == CONF_PORT_SERIAL ? real_path(c->pool, d->port.path)
                                                : real_address(c->pool, &d->port.address);
        if (real == NULL) {
            return false;
        }
        uses[*count] = (struct use){.real = real, .device = d};
        (*count)++;
    }
    return true;
}

void check_ports(const struct check *c)
{
    size_t count = 0;
    struct use *uses = pool_take(c->pool, c->conf->device_count + 1, sizeof(*uses));
    if (uses == NULL || !collect(c, uses, &count)) {
        check_run_out(c);
        return;
    }
    qsort(uses, count, sizeof(*uses), by_real);
    for (size_t i = 0, len = 0; i < count; i += len) {
        for (len = 1; i + len < count && strcmp(uses[i].real, uses[i + len].real) == 0; len++) {
        }
        check_run(c, &uses[i], len);
    }
}
