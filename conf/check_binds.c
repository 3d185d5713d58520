#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf/check.h"

enum { SAY_MAX = 512 };

/* An address of this machine that a device wants to listen on. */
struct bind {
    const struct conf_address *address;
    const struct conf_device *device;
    enum keys_id key; /* KEYS_LISTEN: for the hospital; KEYS_PORT: for the device (tcp-listen) */
};

/* A name that a client can ask for to reach a device. */
struct choice {
    const char *name;
    const struct conf_device *device;
};

/* ---- Addresses ---- */

static int by_address(const void *left, const void *right)
{
    const struct bind *a = left;
    const struct bind *b = right;
    if (a->address->port != b->address->port) {
        return a->address->port < b->address->port ? -1 : 1;
    }
    int order = strcmp(a->address->host, b->address->host);
    if (order != 0) {
        return order;
    }
    /* Devices lie in one array, in the order of the files: the later one is told off. */
    if (a->device != b->device) {
        return a->device < b->device ? -1 : 1;
    }
    return a->key < b->key ? -1 : 1;
}

static bool is_wildcard(const char *host)
{
    return strcmp(host, "::") == 0 || strcmp(host, "0.0.0.0") == 0;
}

/* Does the wildcard leave no room for the address? "::" takes IPv4 too. */
static bool covers(const char *wildcard, const char *host)
{
    return strcmp(wildcard, "::") == 0 || strchr(host, ':') == NULL;
}

static void refuse_bind(const struct check *c, const struct bind *late, const struct bind *early,
                        const char *right)
{
    char wrong[SAY_MAX];
    (void)snprintf(wrong, sizeof(wrong), "needs an address that [device %s] (%.200s:%d) listens on",
                   early->device->name, early->device->file, early->device->line_number);
    check_refuse(c, late->device, late->key, wrong, right);
}

/* Binds with one address: a device that dials the gateway needs it for itself. */
static void check_sharing(const struct check *c, const struct bind *run, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (run[0].key == KEYS_PORT || run[i].key == KEYS_PORT) {
            refuse_bind(c, &run[i], &run[0], "an address or port number of its own");
        }
    }
}

/* A bind to a wildcard address, and all with its port number. */
static void check_wildcard(const struct check *c, const struct bind *wildcard,
                           const struct bind *group, size_t count)
{
    const char *host = wildcard->address->host;
    for (size_t i = 0; i < count; i++) {
        const struct bind *other = &group[i];
        if (strcmp(other->address->host, host) == 0 || !covers(host, other->address->host)) {
            continue;
        }
        bool later = other->device > wildcard->device;
        refuse_bind(c, later ? other : wildcard, later ? wildcard : other,
                    "the same address for both, or another port number");
    }
}

/* Binds with one port number: a wildcard address leaves no room for another. */
static void check_wildcards(const struct check *c, const struct bind *group, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *host = group[i].address->host;
        bool is_new = i == 0 || strcmp(host, group[i - 1].address->host) != 0;
        if (is_new && is_wildcard(host)) {
            check_wildcard(c, &group[i], group, count);
        }
    }
}

/* ---- Names ---- */

static int by_choice(const void *left, const void *right)
{
    const struct choice *a = left;
    const struct choice *b = right;
    int order = strcasecmp(a->name, b->name);
    if (order != 0) {
        return order;
    }
    return a->device < b->device ? -1 : a->device > b->device ? 1 : 0;
}

static size_t count_names(const struct conf_device *d)
{
    size_t count = 0;
    while (d->identity != NULL && identity_dns_name(d->identity, count) != NULL) {
        count++;
    }
    return count + (d->server_name != NULL ? 1 : 0);
}

/* Append the device's names; returns how many. */
static size_t put_names(struct choice *to, const struct conf_device *d)
{
    size_t count = 0;
    if (d->server_name != NULL) {
        to[count] = (struct choice){.name = d->server_name, .device = d};
        count++;
    }
    for (size_t at = 0; d->identity != NULL; at++) {
        const char *name = identity_dns_name(d->identity, at);
        if (name == NULL) {
            break;
        }
        to[count] = (struct choice){.name = name, .device = d};
        count++;
    }
    return count;
}

static void refuse_name(const struct check *c, const struct choice *a, const struct choice *b)
{
    char wrong[SAY_MAX];
    const struct choice *late = a->device > b->device ? a : b;
    const struct choice *early = late == a ? b : a;
    (void)snprintf(wrong, sizeof(wrong), "is shared with [device %s] (%.200s:%d), and so is %.100s",
                   early->device->name, early->device->file, early->device->line_number,
                   late->name);
    check_refuse(c, late->device, KEYS_LISTEN, wrong,
                 "a name for each device that no other on this address has");
}

/* A wildcard must match no other device's name. */
static void check_wildcard_name(const struct check *c, const struct choice *wildcard,
                                const struct choice *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (names[i].device != wildcard->device && names[i].name[0] != '*' &&
            name_dns_matches(wildcard->name, names[i].name)) {
            refuse_name(c, wildcard, &names[i]);
        }
    }
}

/* Sorted names: equal ones are neighbours. */
static void check_choices(const struct check *c, const struct choice *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && names[i].device != names[i - 1].device &&
            strcasecmp(names[i].name, names[i - 1].name) == 0) {
            refuse_name(c, &names[i - 1], &names[i]);
        }
        if (names[i].name[0] == '*') {
            check_wildcard_name(c, &names[i], names, count);
        }
    }
}

/* Binds of the hospital's side with one address: the name that is asked for chooses. */
static void check_names(const struct check *c, const struct bind *run, size_t count)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        const struct conf_device *d = run[i].device;
        size_t names = count_names(d);
        total += names;
        /* Without an identity its names are not known, and that was said already. */
        if (count > 1 && names == 0 && d->identity != NULL) {
            check_refuse(c, d, KEYS_LISTEN, "is shared, and the device has no name to choose it by",
                         "server_name = NAME, or a certificate with a dNSName");
        }
    }
    if (count < 2 || total == 0) {
        return;
    }
    struct choice *names = pool_take(c->pool, total, sizeof(*names));
    if (names == NULL) {
        check_run_out(c);
        return;
    }
    size_t filled = 0;
    for (size_t i = 0; i < count; i++) {
        filled += put_names(&names[filled], run[i].device);
    }
    qsort(names, filled, sizeof(*names), by_choice);
    check_choices(c, names, filled);
}

/* ---- All ---- */

static size_t collect(const struct check *c, struct bind *to)
{
    size_t count = 0;
    for (size_t i = 0; i < c->conf->device_count; i++) {
        const struct conf_device *d = &c->conf->devices[i];
        if (d->port.kind == CONF_PORT_TCP_LISTEN && d->port.address.host != NULL) {
            to[count] = (struct bind){&d->port.address, d, KEYS_PORT};
            count++;
        }
        if (d->listens && d->listen.host != NULL) {
            to[count] = (struct bind){&d->listen, d, KEYS_LISTEN};
            count++;
        }
    }
    return count;
}

/* How many from the front have the same port number, and the same host too if `whole`. */
static size_t run_length(const struct bind *binds, size_t count, bool whole)
{
    size_t len = 1;
    while (len < count && binds[len].address->port == binds[0].address->port &&
           (!whole || strcmp(binds[len].address->host, binds[0].address->host) == 0)) {
        len++;
    }
    return len;
}

void check_binds(const struct check *c)
{
    struct bind *binds = pool_take(c->pool, c->conf->device_count * 2 + 1, sizeof(*binds));
    if (binds == NULL) {
        check_run_out(c);
        return;
    }
    size_t count = collect(c, binds);
    qsort(binds, count, sizeof(*binds), by_address);
    for (size_t i = 0, len = 0; i < count; i += len) {
        len = run_length(&binds[i], count - i, false);
        check_wildcards(c, &binds[i], len);
    }
    for (size_t i = 0, len = 0; i < count; i += len) {
        len = run_length(&binds[i], count - i, true);
        check_sharing(c, &binds[i], len);
        check_names(c, &binds[i], len);
    }
}
