#include "conf/build_role.h"

#include <stdio.h>
#include <string.h>

#include "conf/rule_text.h"

/* A list of rules on its way; cap grows. */
struct rules {
    struct modbus_rule *rules;
    size_t count, cap;
};

static bool is_about(const struct reader_entry *entry, const char *device)
{
    if (entry->about == NULL || device == NULL) {
        return entry->about == NULL && device == NULL;
    }
    return strcmp(entry->about, device) == 0;
}

/* As reader_next, and only what is about this device; NULL: about none. */
static const struct reader_entry *next_about(const struct reader_section *text, enum keys_id id,
                                             const char *device, size_t *at)
{
    const struct reader_entry *entry = reader_next(text, id, at);
    while (entry != NULL && !is_about(entry, device)) {
        entry = reader_next(text, id, at);
    }
    return entry;
}

static bool has_about(const struct reader_section *text, enum keys_id id, const char *device)
{
    size_t at = 0;
    return next_about(text, id, device, &at) != NULL;
}

static bool add_rule(struct rules *to, struct pool *pool, const struct modbus_rule *rule)
{
    if (to->count == to->cap) {
        size_t cap = to->cap == 0 ? 16 : to->cap * 2;
        struct modbus_rule *grown = pool_grow(pool, to->rules, to->count, cap, sizeof(*grown));
        if (grown == NULL) {
            return false;
        }
        to->rules = grown;
        to->cap = cap;
    }
    to->rules[to->count] = *rule;
    to->count++;
    return true;
}

/* ---- one section ---- */

static bool fill_match(struct conf_match *match, struct section *s,
                       const struct reader_entry *entry)
{
    static const char prefix[] = "role:";
    struct fault f;
    if (strncmp(entry->value, prefix, strlen(prefix)) == 0 &&
        entry->value[strlen(prefix)] != '\0') {
        match->role = section_copy(s, &entry->value[strlen(prefix)]);
        return match->role != NULL;
    }
    if (name_rule_parse(entry->value, &match->name, &f) != 0) {
        section_refuse(s, entry, "names no peer", NULL);
        return false;
    }
    return true;
}

/* Without `match` the section's own name is the role. */
static void fill_matches(struct conf_role *r, struct section *s)
{
    const struct reader_entry *entry = NULL;
    size_t at = 0;
    r->matches = pool_take(s->pool, s->text->entry_count + 1, sizeof(*r->matches));
    if (r->matches == NULL) {
        section_run_out(s);
        return;
    }
    while ((entry = reader_next(s->text, KEYS_MATCH, &at)) != NULL) {
        r->match_count += fill_match(&r->matches[r->match_count], s, entry) ? 1 : 0;
    }
    if (section_entry(s, KEYS_MATCH) == NULL) {
        r->matches[0].role = r->name;
        r->match_count = 1;
    }
}

static bool overlap(const struct modbus_rule *a, const struct modbus_rule *b)
{
    bool same_unit = !a->has_unit || !b->has_unit || a->unit == b->unit;
    return same_unit && a->kind == b->kind && a->first <= b->last && b->first <= a->last;
}

/* Where a value range meets another rule about the same register, nobody can tell which values were
 * meant: the wider one would let all pass that the narrow one forbids. */
static void check_overlap(struct section *s, const struct rules *list,
                          const struct reader_entry *entry, const struct modbus_rule *rule)
{
    char wrong[SECTION_SAY_MAX];
    for (size_t i = 0; i < list->count; i++) {
        const struct modbus_rule *old = &list->rules[i];
        if ((old->has_values || rule->has_values) && overlap(old, rule)) {
            (void)snprintf(wrong, sizeof(wrong), "overlaps %s in line %d", old->text, old->line);
            section_refuse(s, entry, wrong,
                           "ranges that have no register in common where one has a value range");
            return;
        }
    }
}

/* One item of a list: its rules are added. */
static void check_item(struct section *s, struct rules *list, const struct reader_entry *entry,
                       bool writes)
{
    struct rule_text item;
    struct values_error why;
    if (rule_text_item(entry->value, writes, &item, &why) != 0) {
        section_refuse_value(s, entry, &why);
        return;
    }
    for (size_t i = 0; i < item.count; i++) {
        item.rules[i].text = entry->value;
        item.rules[i].line = entry->line;
        check_overlap(s, list, entry, &item.rules[i]);
        if (!add_rule(list, s->pool, &item.rules[i])) {
            section_run_out(s);
        }
    }
}

/* The list that begins with `first`: every item of it, together. */
static void check_list(struct section *s, const struct reader_entry *first)
{
    enum keys_id id = first->row->id;
    bool writes = id == KEYS_ROLE_WRITE || id == KEYS_ROLE_DEVICE_WRITE;
    struct rules list = {0};
    const struct reader_entry *entry = NULL;
    const struct reader_entry *none = NULL;
    size_t items = 0;
    size_t at = 0;
    while ((entry = next_about(s->text, id, first->about, &at)) != NULL) {
        if (list.count > BUILD_ROLE_LIST_MAX) {
            section_refuse(s, entry, "is one rule too many in its list",
                           "at most 1024 rules, ranges in place of single registers");
            return;
        }
        none = strcmp(entry->value, "none") == 0 ? entry : none;
        items++;
        check_item(s, &list, entry, writes);
    }
    if (none != NULL && items > 1) {
        section_refuse(s, none, "stands beside other items", "none alone");
    }
}

static void check_window(struct section *s, const struct reader_entry *entry)
{
    struct modbus_window window;
    struct values_error why;
    if (rule_text_window(entry->value, &window, &why) != 0) {
        section_refuse_value(s, entry, &why);
    }
}

/* Is it the first of its list? */
static bool begins_list(const struct reader_section *text, const struct reader_entry *entry)
{
    size_t at = 0;
    return next_about(text, entry->row->id, entry->about, &at) == entry;
}

/* Is it an item of rules? It is looked at with its whole list. */
static bool check_entry(struct section *s, const struct reader_entry *entry)
{
    if (entry->row->type == KEYS_TYPE_WINDOW) {
        check_window(s, entry);
    } else if (entry->row->type == KEYS_TYPE_RULE && begins_list(s->text, entry)) {
        check_list(s, entry);
    }
    return entry->row->type == KEYS_TYPE_RULE;
}

void build_role(struct conf_role *r, struct section *s)
{
    bool has_rules = false;
    r->name = section_copy(s, s->text->name);
    r->file = s->text->file;
    r->line = s->text->line;
    fill_matches(r, s);
    for (size_t i = 0; i < s->text->entry_count; i++) {
        has_rules = check_entry(s, &s->text->entries[i]) || has_rules;
    }
    if (!has_rules) {
        section_refuse(s, NULL, "says neither what the role may read nor what it may write",
                       "read = all, or device.NAME.read = holding 0-99");
    }
}

/* ---- all sections together ---- */

/* What is made for one device, or for all that no role names. */
struct make {
    const struct conf *conf;
    struct reader *reader;
    struct pool *pool;
    const char *device; /* NULL: no device in particular */
    struct rules rules;
};

static const struct reader_section *text_of(const struct make *m, size_t role)
{
    return reader_find(m->reader, KEYS_ROLE, m->conf->roles[role].name);
}

/* Does the section say anything about that device by name? */
static bool names_device(const struct reader_section *text, const char *device)
{
    return has_about(text, KEYS_ROLE_DEVICE_READ, device) ||
           has_about(text, KEYS_ROLE_DEVICE_WRITE, device) ||
           has_about(text, KEYS_ROLE_DEVICE_WHEN, device);
}

static bool is_general(const struct reader_section *text)
{
    return reader_get(text, KEYS_ROLE_READ) != NULL || reader_get(text, KEYS_ROLE_WRITE) != NULL;
}

/* The windows that hold for the device in this role. False: no memory. */
static bool make_windows(const struct make *m, const struct reader_section *text,
                         struct modbus_rule *like)
{
    bool is_own = m->device != NULL && has_about(text, KEYS_ROLE_DEVICE_WHEN, m->device);
    enum keys_id id = is_own ? KEYS_ROLE_DEVICE_WHEN : KEYS_ROLE_WHEN;
    const char *about = is_own ? m->device : NULL;
    const struct reader_entry *entry = NULL;
    size_t at = 0;
    if (!has_about(text, id, about)) {
        return true;
    }
    struct modbus_window *windows = pool_take(m->pool, text->entry_count, sizeof(*windows));
    if (windows == NULL) {
        return false;
    }
    while ((entry = next_about(text, id, about, &at)) != NULL) {
        struct values_error why;
        /* A wrong one is a problem already: nothing of all this will be used. */
        if (rule_text_window(entry->value, &windows[like->window_count], &why) == 0) {
            like->window_count++;
        }
    }
    like->windows = windows;
    return true;
}

/* One item as the rules of a role. */
static bool make_item(struct make *m, const struct reader_section *text,
                      const struct reader_entry *entry, const struct modbus_rule *like)
{
    char line[READER_LINE_MAX + 8];
    struct rule_text item;
    struct values_error why;
    if (rule_text_item(entry->value, like->writes, &item, &why) != 0 || item.is_none) {
        return true; /* noted already, or nothing */
    }
    (void)snprintf(line, sizeof(line), "%s = %s", entry->key, entry->value);
    const char *shown = pool_text(m->pool, line);
    bool has_memory = shown != NULL;
    for (size_t i = 0; i < item.count && has_memory; i++) {
        struct modbus_rule *rule = &item.rules[i];
        rule->role = like->role;
        rule->windows = like->windows;
        rule->window_count = like->window_count;
        rule->text = shown;
        rule->file = text->file;
        rule->line = entry->line;
        has_memory = add_rule(&m->rules, m->pool, rule);
    }
    return has_memory;
}

/* What the role may read, or write: the device's own list, or the role's for all devices. */
static bool make_list(struct make *m, const struct reader_section *text,
                      const struct modbus_rule *like)
{
    enum keys_id own = like->writes ? KEYS_ROLE_DEVICE_WRITE : KEYS_ROLE_DEVICE_READ;
    bool is_own = m->device != NULL && has_about(text, own, m->device);
    enum keys_id id = is_own ? own : like->writes ? KEYS_ROLE_WRITE : KEYS_ROLE_READ;
    const struct reader_entry *entry = NULL;
    size_t at = 0;
    bool has_memory = true;
    while (has_memory && (entry = next_about(text, id, is_own ? m->device : NULL, &at)) != NULL) {
        has_memory = make_item(m, text, entry, like);
    }
    return has_memory;
}

/* The role's part of a device's access. */
static bool make_role(struct make *m, struct conf_access *access, size_t role)
{
    const struct reader_section *text = text_of(m, role);
    if (!is_general(text) && (m->device == NULL || !names_device(text, m->device))) {
        return true;
    }
    struct modbus_rule read = {.role = (uint8_t)role};
    bool has_memory = make_windows(m, text, &read);
    struct modbus_rule write = read;
    write.writes = true;
    access->counted |= UINT64_C(1) << role;
    return has_memory && make_list(m, text, &read) && make_list(m, text, &write);
}

/* NULL: no memory. */
static struct conf_access *make_access(struct make *m, struct problems *problems)
{
    struct conf_access *access = pool_take(m->pool, 1, sizeof(*access));
    bool has_memory = access != NULL;
    for (size_t i = 0; i < m->conf->role_count && has_memory; i++) {
        has_memory = make_role(m, access, i);
    }
    if (!has_memory) {
        return NULL;
    }
    if (m->rules.count > BUILD_ROLE_RULES_MAX) {
        problems_add(problems, m->conf->path, 0, "more than 4096 rules are about one device",
                     "fewer rules, ranges in place of single registers");
        m->rules.count = 0;
    }
    access->roles = m->conf->roles;
    access->role_count = m->conf->role_count;
    modbus_policy_make(&access->policy, m->rules.rules, m->rules.count);
    return access;
}

static bool is_named(const struct conf *conf, struct reader *reader, const char *device)
{
    for (size_t i = 0; i < conf->role_count; i++) {
        if (names_device(reader_find(reader, KEYS_ROLE, conf->roles[i].name), device)) {
            return true;
        }
    }
    return false;
}

/* A device that is not there would get no rule, and its role's peers less or more than was meant.
 */
static void check_names(const struct conf *conf, const struct reader_section *text,
                        struct problems *problems)
{
    for (size_t i = 0; i < text->entry_count; i++) {
        const struct reader_entry *entry = &text->entries[i];
        char wrong[SECTION_SAY_MAX];
        char right[SECTION_SAY_MAX];
        bool is_first = entry->about != NULL && begins_list(text, entry);
        if (!is_first || conf_find_device(conf, entry->about) != NULL) {
            continue;
        }
        (void)snprintf(wrong, sizeof(wrong), "%s names no device", entry->key);
        (void)snprintf(right, sizeof(right),
                       "a section [device %s], or the name of one that is there", entry->about);
        problems_add(problems, text->file, entry->line, wrong, right);
    }
}

int build_role_access(struct conf *conf, struct reader *reader, struct pool *pool,
                      struct problems *problems)
{
    struct make common = {.conf = conf, .reader = reader, .pool = pool};
    struct conf_access *shared = NULL;
    bool has_memory = true;
    for (size_t i = 0; i < conf->role_count; i++) {
        check_names(conf, reader_find(reader, KEYS_ROLE, conf->roles[i].name), problems);
    }
    if (conf->role_count > 0) {
        shared = make_access(&common, problems);
        has_memory = shared != NULL;
    }
    for (size_t i = 0; i < conf->device_count && conf->role_count > 0 && has_memory; i++) {
        struct conf_device *d = &conf->devices[i];
        bool is_modbus = conf_is_modbus(d->protocol);
        struct make own = {.conf = conf, .reader = reader, .pool = pool, .device = d->name};
        if (is_modbus && is_named(conf, reader, d->name)) {
            d->access = make_access(&own, problems);
            has_memory = d->access != NULL;
        } else if (is_modbus && shared->counted != 0) {
            d->access = shared;
        }
    }
    if (!has_memory) {
        problems_add(problems, conf->path, 0, "not enough memory for all rules",
                     "free some memory and try again");
    }
    return has_memory ? 0 : -1;
}
