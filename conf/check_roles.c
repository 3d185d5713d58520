#include <stdio.h>
#include <string.h>

#include "conf/check.h"
#include "conf/rule_text.h"

enum { SAY_MAX = 512 };

/* Where a warning belongs, and what it is about. */
struct place {
    const char *file;
    int line;
    const char *text; /* as written */
};

/* A role's general rules are among those of each device: they are warned of once. */
static bool is_told(const struct problems *told, const struct place *at, const char *text)
{
    char line[SAY_MAX * 2];
    int len = snprintf(line, sizeof(line), "%s:%d: %s;", at->file, at->line, text);
    for (size_t i = 0; i < problems_count(told) && len > 0; i++) {
        if (strncmp(problems_text(told, i), line, (size_t)len) == 0) {
            return true;
        }
    }
    return false;
}

static void warn(const struct check *c, const struct place *at, const char *why, const char *right)
{
    char text[SAY_MAX];
    (void)snprintf(text, sizeof(text), "%s can never match: %s", at->text, why);
    if (!is_told(c->conf->warnings, at, text)) {
        problems_add(c->conf->warnings, at->file, at->line, text, right);
    }
}

/* ---- keys that name a device ---- */

static bool maps_unit(const struct conf_device *d, uint8_t unit)
{
    for (unsigned i = 0; i < CONF_UNITS; i++) {
        if (conf_unit(d, i) == unit) {
            return true;
        }
    }
    return false;
}

/* What is written about one device and cannot hold for it. */
static void check_entry(const struct check *c, const struct place *at,
                        const struct reader_entry *entry, const struct conf_device *d)
{
    bool writes = entry->row->id == KEYS_ROLE_DEVICE_WRITE;
    struct rule_text item;
    struct values_error why;
    if (!conf_is_modbus(d->protocol)) {
        warn(c, at, "the device does not speak Modbus", "no rule about it");
    } else if (entry->row->type != KEYS_TYPE_RULE ||
               rule_text_item(entry->value, writes, &item, &why) != 0 || item.is_none) {
        return;
    } else if (writes && !d->writes_allowed) {
        warn(c, at, "the device takes no writes", "writes = allow in the device's section");
    } else if (item.rules[0].has_unit && !maps_unit(d, item.rules[0].unit)) {
        warn(c, at, "the device has no such unit on its line", "a unit of the device's unit_map");
    }
}

static bool is_device_writable(const struct check *c)
{
    for (size_t i = 0; i < c->conf->device_count; i++) {
        const struct conf_device *d = &c->conf->devices[i];
        if (conf_is_modbus(d->protocol) && d->writes_allowed) {
            return true;
        }
    }
    return false;
}

/* ---- items by themselves ---- */

static void check_window(const struct check *c, const struct place *at, const char *value)
{
    struct modbus_window window;
    struct values_error why;
    if (rule_text_window(value, &window, &why) == 0 && window.from == window.until) {
        warn(c, at, "it ends when it begins", "a later end, such as 07:00-19:00 or 00:00-24:00");
    }
}

static void check_general(const struct check *c, const struct place *at,
                          const struct reader_entry *entry)
{
    if (entry->row->id == KEYS_ROLE_WRITE && strcmp(entry->value, "none") != 0 &&
        !is_device_writable(c)) {
        warn(c, at, "no Modbus device takes writes", "writes = allow in a device's section");
    }
}

static void check_section(const struct check *c, const struct reader_section *text)
{
    for (size_t i = 0; i < text->entry_count; i++) {
        const struct reader_entry *entry = &text->entries[i];
        char line[READER_LINE_MAX + 8];
        (void)snprintf(line, sizeof(line), "%s = %s", entry->key, entry->value);
        const struct place at = {text->file, entry->line, line};
        const struct conf_device *d = NULL;
        if (entry->about != NULL) {
            d = conf_find_device(c->conf, entry->about);
        }
        if (d != NULL) {
            check_entry(c, &at, entry, d);
        } else {
            check_general(c, &at, entry);
        }
        if (entry->row->type == KEYS_TYPE_WINDOW) {
            check_window(c, &at, entry->value);
        }
    }
}

/* ---- roles and devices ---- */

/* Does the role say anything about a device whose peers are clients? Only their certificates have
 * roles. */
static bool has_client(const struct check *c, size_t role)
{
    for (size_t i = 0; i < c->conf->device_count; i++) {
        const struct conf_device *d = &c->conf->devices[i];
        if (d->access != NULL && (d->access->counted >> role & 1U) != 0 && d->listens) {
            return true;
        }
    }
    return false;
}

static bool is_about_any(const struct check *c, size_t role)
{
    for (size_t i = 0; i < c->conf->device_count; i++) {
        const struct conf_device *d = &c->conf->devices[i];
        if (d->access != NULL && (d->access->counted >> role & 1U) != 0) {
            return true;
        }
    }
    return false;
}

static bool has_name(const struct conf_role *r)
{
    for (size_t i = 0; i < r->match_count; i++) {
        if (r->matches[i].role == NULL) {
            return true;
        }
    }
    return false;
}

static void check_peers(const struct check *c, size_t role)
{
    const struct conf_role *r = &c->conf->roles[role];
    char text[SAY_MAX];
    (void)snprintf(text, sizeof(text), "[role %s]", r->name);
    const struct place at = {r->file, r->line, text};
    if (!is_about_any(c, role)) {
        warn(c, &at, "it is about no Modbus device", "rules about one that is there");
    } else if (!has_client(c, role) && !has_name(r)) {
        warn(c, &at, "the gateway dials all its peers, and only a client's certificate has a role",
             "match = dns:NAME or uri:URI");
    }
}

/* The rules for all devices are about those that are dialled for, too, where nobody says a role. */
static void check_dialled(const struct check *c, const struct conf_device *d)
{
    char text[SAY_MAX];
    for (size_t i = 0; i < c->conf->role_count; i++) {
        if (d->access == NULL || d->listens ||
            ((d->access->counted >> i & 1U) != 0 && has_name(&c->conf->roles[i]))) {
            return;
        }
    }
    (void)snprintf(text, sizeof(text),
                   "[device %s] answers every request with 01: the gateway dials its peers, which "
                   "have a role by a name only, and no role about it has one",
                   d->name);
    problems_add(c->conf->warnings, d->file, d->line_number, text,
                 "match = dns:NAME or uri:URI in a role section");
}

/* A device that is left to its `writes` while others have rules may have been forgotten. */
static void check_left(const struct check *c, const struct conf_device *d)
{
    char text[SAY_MAX];
    if (!conf_is_modbus(d->protocol) || d->access != NULL || !d->writes_allowed) {
        return;
    }
    (void)snprintf(text, sizeof(text),
                   "[device %s] has writes = allow, and no role section is about it: each peer of "
                   "its allow list may write everything",
                   d->name);
    problems_add(c->conf->warnings, d->file, d->line_number, text,
                 "device.NAME.write in a role section");
}

/* ---- shadows ---- */

/* The first rule of the device that allows all that this one does; NULL: none. Of two equal ones
 * the later is the shadow. */
static const struct modbus_rule *find_shadow(const struct modbus_policy *p, size_t count, size_t at)
{
    const struct modbus_rule *rule = &p->rules[at];
    for (size_t i = 0; i < count; i++) {
        bool is_other = i != at && modbus_policy_covers(&p->rules[i], rule);
        if (is_other && (i < at || !modbus_policy_covers(rule, &p->rules[i]))) {
            return &p->rules[i];
        }
    }
    return NULL;
}

static void check_shadows(const struct check *c, const struct conf_access *access)
{
    const struct modbus_policy *p = &access->policy;
    size_t count = p->rules != NULL ? modbus_policy_count(p) : 0;
    for (size_t i = 0; i < count; i++) {
        const struct modbus_rule *rule = &p->rules[i];
        const struct modbus_rule *shadow = find_shadow(p, count, i);
        if (shadow != NULL) {
            char why[SAY_MAX];
            (void)snprintf(why, sizeof(why), "line %d allows all of it", shadow->line);
            const struct place at = {rule->file, rule->line, rule->text};
            warn(c, &at, why, "one of the two");
        }
    }
}

/* Devices that no role names share their rules: those are looked at once. */
static bool is_first_with(const struct check *c, size_t device)
{
    for (size_t i = 0; i < device; i++) {
        if (c->conf->devices[i].access == c->conf->devices[device].access) {
            return false;
        }
    }
    return true;
}

void check_roles(const struct check *c)
{
    if (c->conf->warnings == NULL || c->conf->role_count == 0) {
        return;
    }
    for (size_t i = 0; i < c->conf->role_count; i++) {
        check_section(c, reader_find(c->reader, KEYS_ROLE, c->conf->roles[i].name));
        check_peers(c, i);
    }
    for (size_t i = 0; i < c->conf->device_count; i++) {
        const struct conf_device *d = &c->conf->devices[i];
        check_left(c, d);
        check_dialled(c, d);
        if (d->access != NULL && is_first_with(c, i)) {
            check_shadows(c, d->access);
        }
    }
}
