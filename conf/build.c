#include "conf/build.h"

#include <stdio.h>
#include <string.h>

#include "conf/build_device.h"
#include "conf/build_role.h"
#include "conf/build_trust.h"
#include "conf/canonical.h"
#include "conf/section.h"
#include "conf/text.h"

enum { CONTROL_MAX = 107 }; /* sun_path holds 108 bytes with the NUL (unix(7)) */

/* Names that stand for themselves: of the gateway, and of the trust that a device wants. */
static char *take_name(struct section *s, enum keys_id id)
{
    const struct reader_entry *entry = section_entry(s, id);
    if (entry != NULL && !values_is_name(entry->value)) {
        section_refuse(s, entry, "is not a name", NULL);
        return NULL;
    }
    return section_text(s, id);
}

/* Where the proxy is; what follows its host would be lost. */
static void fill_proxy(struct conf_gateway *gateway, struct section *s)
{
    const struct reader_entry *entry = section_entry(s, KEYS_FETCH_PROXY);
    const char *path = NULL;
    if (entry == NULL) {
        return;
    }
    gateway->fetch_proxy = section_url(s, entry, &path);
    if (gateway->fetch_proxy != NULL && path[0] != '\0' && strcmp(path, "/") != 0) {
        section_refuse(s, entry, "has a path, which no proxy has", "http://HOST:PORT");
    }
}

static void fill_gateway(struct conf_gateway *gateway, struct section *s)
{
    gateway->name = take_name(s, KEYS_GATEWAY_NAME);
    gateway->state_dir = section_path(s, KEYS_STATE_DIR);
    gateway->control = section_path(s, KEYS_CONTROL);
    gateway->log_format = (enum conf_log_format)s->number[KEYS_LOG_FORMAT];
    gateway->log_level = (enum conf_log_level)s->number[KEYS_LOG_LEVEL];
    gateway->clock = (enum conf_clock)s->number[KEYS_CLOCK];
    fill_proxy(gateway, s);
    if (gateway->control != NULL && strlen(gateway->control) > CONTROL_MAX) {
        section_refuse(s, section_entry(s, KEYS_CONTROL), "is too long for a socket",
                       "an absolute path of at most 107 bytes");
        gateway->control = NULL;
    }
}

void build_gateway(struct conf_gateway *gateway, struct reader *reader, struct pool *pool,
                   struct problems *problems, const char *main_file)
{
    struct section s;
    const struct reader_section *text = reader_find(reader, KEYS_GATEWAY, "");
    if (text == NULL) {
        problems_add(problems, main_file, 0, "there is no [gateway] section",
                     "[gateway], and in it name = NAME");
        return;
    }
    section_open(&s, text, pool, problems);
    fill_gateway(gateway, &s);
}

/* The trust that a section became; NULL: there is none. */
static const struct conf_trust *find_trust(const struct conf *conf, const char *name)
{
    for (size_t i = 0; i < conf->trust_count; i++) {
        if (conf->trusts[i].name != NULL && strcmp(conf->trusts[i].name, name) == 0) {
            return &conf->trusts[i];
        }
    }
    return NULL;
}

/* A copy of the section's text in the pool of what comes of it. */
static struct span copy_text(struct section *s)
{
    char *copy = pool_text_len(s->pool, (const char *)s->text->text.data, s->text->text.len);
    if (copy == NULL) {
        section_run_out(s);
    }
    return span_of(copy, copy != NULL ? s->text->text.len : 0);
}

/* A device and the trust section that it names. */
static void fill_device(struct conf_device *d, struct section *s, struct reader *reader,
                        const struct conf *conf, struct canonical *canonical)
{
    build_device(d, s);
    const struct reader_section *trust = NULL;
    if (d->trust_name != NULL) {
        trust = reader_find(reader, KEYS_TRUST, d->trust_name);
    }
    if (d->trust_name != NULL && trust == NULL) {
        char right[SECTION_SAY_MAX];
        (void)snprintf(right, sizeof(right), "a section [trust %s] with its anchors",
                       d->trust_name);
        section_refuse(s, section_entry(s, KEYS_DEVICE_TRUST), "names no trust section", right);
        return;
    }
    const struct conf_trust *known = d->trust_name != NULL ? find_trust(conf, d->trust_name) : NULL;
    if (known != NULL) {
        build_trust_device(d, s, known);
    }
    d->canonical = canonical != NULL ? canonical_device(canonical, s->text, trust, s->pool) : NULL;
    if (d->canonical == NULL) {
        section_run_out(s);
    }
    d->text = copy_text(s);
}

/* A known device as it was, when its trust's section, from which it inherits, is as it was, too. */
static bool take_over_device(struct conf_device *d, const struct reader_section *text,
                             const struct conf *conf)
{
    const struct conf_trust *old = text->known->trust_section;
    const struct conf_trust *new = find_trust(conf, text->known->trust_name);
    if (new == NULL || strcmp(new->file, old->file) != 0 || !span_equal(new->text, old->text)) {
        return false;
    }
    *d = *text->known;
    d->trust_section = new;
    d->identity = NULL;
    d->trust = NULL;
    d->access = NULL;
    d->file = text->file;
    d->line_number = text->line;
    return true;
}

static size_t count_kind(const struct reader *reader, enum keys_section kind)
{
    size_t count = 0;
    for (size_t i = 0; i < reader->count; i++) {
        count += reader->sections[i]->kind == kind ? 1 : 0;
    }
    return count;
}

/* Arrays for all trusts, roles and devices; false when there is no memory. */
static bool make_arrays(struct conf *conf, const struct reader *reader, struct pool *pool)
{
    size_t trusts = count_kind(reader, KEYS_TRUST);
    size_t roles = count_kind(reader, KEYS_ROLE);
    size_t devices = count_kind(reader, KEYS_DEVICE);
    /* One more than needed: none at all is no lack of memory. */
    conf->trusts = pool_take(pool, trusts + 1, sizeof(*conf->trusts));
    conf->roles = pool_take(pool, roles + 1, sizeof(*conf->roles));
    conf->devices = pool_take(pool, devices + 1, sizeof(*conf->devices));
    return conf->trusts != NULL && conf->roles != NULL && conf->devices != NULL;
}

/* One role; those of a master are bits of a number. */
static void fill_role(struct conf *conf, struct section *s)
{
    if (conf->role_count == MODBUS_POLICY_ROLES_MAX) {
        section_refuse(s, NULL, "is one role too many", "at most 64 role sections");
        return;
    }
    build_role(&conf->roles[conf->role_count], s);
    conf->role_count++;
}

static void fill_trust(struct conf *conf, struct section *s, struct canonical *canonical)
{
    struct conf_trust *t = &conf->trusts[conf->trust_count];
    build_trust(t, s);
    t->canonical = canonical != NULL ? canonical_trust(canonical, s->text) : NULL;
    if (t->canonical == NULL) {
        section_run_out(s);
    }
    t->text = copy_text(s);
    conf->trust_count++;
}

/* All trusts or all roles; false when memory ran out. */
static bool fill_kind(struct conf *conf, const struct reader *reader, enum keys_section kind,
                      struct pool *pool, struct problems *problems)
{
    struct section s;
    struct canonical *canonical = kind == KEYS_TRUST ? canonical_new(pool) : NULL;
    bool no_memory = false;
    for (size_t i = 0; i < reader->count; i++) {
        if (reader->sections[i]->kind != kind) {
            continue;
        }
        section_open(&s, reader->sections[i], pool, problems);
        if (kind == KEYS_TRUST) {
            fill_trust(conf, &s, canonical);
        } else {
            fill_role(conf, &s);
        }
        no_memory = no_memory || s.no_memory;
    }
    return !no_memory;
}

/* All devices, when all trusts are there; strings and arrays go to `pool`. False: no memory. */
static bool fill_devices(struct conf *conf, struct reader *reader, struct pool *pool,
                         struct problems *problems)
{
    struct section s;
    struct canonical *canonical = canonical_new(reader->pool);
    bool no_memory = false;
    for (size_t i = 0; i < reader->count; i++) {
        struct reader_section *text = reader->sections[i];
        struct conf_device *d = &conf->devices[conf->device_count];
        if (text->kind != KEYS_DEVICE) {
            continue;
        }
        if (text->known == NULL || !take_over_device(d, text, conf)) {
            reader_take_apart(reader, text);
            section_open(&s, text, pool, problems);
            fill_device(d, &s, reader, conf, canonical);
            no_memory = no_memory || s.no_memory;
        }
        if (!index_add(&conf->by_name, text_hash(text->name, 0))) {
            problems_add(problems, text->file, text->line, "not enough memory for one more device",
                         "free some memory and try again");
            no_memory = true;
        }
        conf->device_count++;
    }
    return !no_memory;
}

int build_conf(struct conf *conf, struct reader *reader, struct pool *pool,
               struct problems *problems, const char *main_file)
{
    build_gateway(&conf->gateway, reader, pool, problems, main_file);
    index_init(&conf->by_name, pool, count_kind(reader, KEYS_DEVICE));
    if (!make_arrays(conf, reader, pool)) {
        problems_add(problems, main_file, 0, "not enough memory for all sections",
                     "free some memory and try again");
        return -1;
    }
    /* A device may stand before its trust, and takes over what that says. */
    bool has_trusts = fill_kind(conf, reader, KEYS_TRUST, pool, problems);
    bool has_roles = fill_kind(conf, reader, KEYS_ROLE, pool, problems);
    struct pool *devices = conf->shared.count > 0 ? shared_new(&conf->shared) : pool;
    bool has_devices = fill_devices(conf, reader, devices, problems);
    if (conf->device_count == 0) {
        problems_add(problems, main_file, 0, "there is no device",
                     "a section [device NAME] for each device");
    }
    if (!has_trusts || !has_roles || !has_devices) {
        return -1;
    }
    return build_role_access(conf, reader, pool, problems);
}
