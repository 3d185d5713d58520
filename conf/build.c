#include "conf/build.h"

#include <stdio.h>
#include <string.h>

#include "conf/build_device.h"
#include "conf/canonical.h"
#include "conf/section.h"

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

static void fill_gateway(struct conf_gateway *gateway, struct section *s)
{
    gateway->name = take_name(s, KEYS_GATEWAY_NAME);
    gateway->state_dir = section_path(s, KEYS_STATE_DIR);
    gateway->control = section_path(s, KEYS_CONTROL);
    gateway->log_format = (enum conf_log_format)s->number[KEYS_LOG_FORMAT];
    gateway->log_level = (enum conf_log_level)s->number[KEYS_LOG_LEVEL];
    if (gateway->control != NULL && strlen(gateway->control) > CONTROL_MAX) {
        section_refuse(s, section_entry(s, KEYS_CONTROL), "is too long for a socket",
                       "an absolute path of at most 107 bytes");
        gateway->control = NULL;
    }
}

void build_gateway(struct conf_gateway *gateway, const struct reader *reader, struct pool *pool,
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

static void fill_trust(struct conf_trust *t, struct section *s)
{
    t->name = section_copy(s, s->text->name);
    t->anchors = section_path(s, KEYS_ANCHORS);
    t->intermediates = section_path(s, KEYS_INTERMEDIATES);
    t->revocation = REVOCATION_OFF; /* the only word that KEYS_REVOCATION takes */
    t->tls_min = s->number[KEYS_TLS_MIN] == 0 ? TLS_VERSION_1_2 : TLS_VERSION_1_3;
    t->file = s->text->file;
    t->line = s->text->line;
}

/* A device and the trust section that it names. */
static void fill_device(struct conf_device *d, struct section *s, const struct reader *reader)
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
    d->canonical = canonical_device(s->pool, s->text, trust);
    if (d->canonical == NULL) {
        section_run_out(s);
    }
}

static size_t count_kind(const struct reader *reader, enum keys_section kind)
{
    size_t count = 0;
    for (size_t i = 0; i < reader->count; i++) {
        count += reader->sections[i]->kind == kind ? 1 : 0;
    }
    return count;
}

/* Arrays for all trusts and devices; false when there is no memory. */
static bool make_arrays(struct conf *conf, const struct reader *reader, struct pool *pool)
{
    size_t trusts = count_kind(reader, KEYS_TRUST);
    size_t devices = count_kind(reader, KEYS_DEVICE);
    /* One more than needed: none at all is no lack of memory. */
    conf->trusts = pool_take(pool, trusts + 1, sizeof(*conf->trusts));
    conf->devices = pool_take(pool, devices + 1, sizeof(*conf->devices));
    return conf->trusts != NULL && conf->devices != NULL;
}

int build_conf(struct conf *conf, const struct reader *reader, struct pool *pool,
               struct problems *problems, const char *main_file)
{
    struct section s;
    build_gateway(&conf->gateway, reader, pool, problems, main_file);
    if (!make_arrays(conf, reader, pool)) {
        problems_add(problems, main_file, 0, "not enough memory for all sections",
                     "free some memory and try again");
        return -1;
    }
    bool no_memory = false;
    for (size_t i = 0; i < reader->count; i++) {
        const struct reader_section *text = reader->sections[i];
        if (text->kind == KEYS_TRUST) {
            section_open(&s, text, pool, problems);
            fill_trust(&conf->trusts[conf->trust_count], &s);
            conf->trust_count++;
            no_memory = no_memory || s.no_memory;
        } else if (text->kind == KEYS_DEVICE) {
            section_open(&s, text, pool, problems);
            fill_device(&conf->devices[conf->device_count], &s, reader);
            conf->device_count++;
            no_memory = no_memory || s.no_memory;
        }
    }
    if (conf->device_count == 0) {
        problems_add(problems, main_file, 0, "there is no device",
                     "a section [device NAME] for each device");
    }
    return no_memory ? -1 : 0;
}
