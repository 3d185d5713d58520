#include "conf/conf.h"

#include <stdio.h>
#include <string.h>

#include "certs/mem.h"
#include "conf/build.h"
#include "conf/check.h"
#include "conf/credentials.h"
#include "conf/crl_places.h"
#include "conf/pool.h"
#include "conf/reader.h"
#include "conf/source.h"
#include "conf/text.h"

enum { SAY_MAX = 512 };

/* One file of an include folder. Its shown name, which goes to `pool`, is the folder as written and
 * the file's name. */
static bool read_included(struct reader *r, struct pool *pool, const char *dir,
                          const char *shown_dir, const char *name)
{
    char *path = source_absolute(r->pool, dir, name);
    char *shown = source_absolute(pool, shown_dir, name);
    return path != NULL && shown != NULL && source_read(r, path, shown) == 0;
}

/* The folder as the user would name it: relative to where they are, when the main file was. */
static char *shown_folder(struct pool *pool, const char *main_shown, const char *value)
{
    const char *slash = strrchr(main_shown, '/');
    if (value[0] == '/' || slash == NULL) {
        return pool_text(pool, value);
    }
    char *folder = pool_text_len(pool, main_shown, (size_t)(slash - main_shown));
    return folder != NULL ? source_absolute(pool, folder, value) : NULL;
}

/* All *.conf of the folder that one include line names; what they are called goes to `pool`. */
static void read_folder(struct reader *r, struct pool *pool, const struct reader_section *s,
                        const struct reader_entry *entry)
{
    char **names = NULL;
    size_t count = 0;
    char *dir = source_absolute(r->pool, s->dir, entry->value);
    char *shown = shown_folder(r->pool, s->file, entry->value);
    if (dir == NULL || shown == NULL) {
        problems_add(r->problems, s->file, entry->line, "include gives no usable path",
                     "a shorter path");
        return;
    }
    int error = source_list(r->pool, dir, &names, &count);
    if (error != 0) {
        char wrong[SAY_MAX];
        (void)snprintf(wrong, sizeof(wrong), "include = %s cannot be read: %s", entry->value,
                       strerror(error));
        problems_add(r->problems, s->file, entry->line, wrong,
                     "a folder with *.conf files, its path relative to this file");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        /* Each file that fails has a problem of its own; the others are still looked at. */
        (void)read_included(r, pool, dir, shown, names[i]);
    }
}

/* The folders that the main file names. Only it: reader_read refuses a second [gateway]. */
static void read_includes(struct reader *r, struct pool *pool)
{
    const struct reader_section *gateway = reader_find(r, KEYS_GATEWAY, "");
    const struct reader_entry *entry = NULL;
    size_t at = 0;
    if (gateway == NULL) {
        return;
    }
    while ((entry = reader_next(gateway, KEYS_INCLUDE, &at)) != NULL) {
        read_folder(r, pool, gateway, entry);
    }
}

/* Sections become devices, and then everything is compared with everything. */
static void load_sections(struct conf *c, struct reader *r, const char *main_file,
                          const struct credentials_source *credentials)
{
    if (build_conf(c, r, c->pool, r->problems, main_file) != 0) {
        return;
    }
    credentials_load(c, r, credentials, r->problems);
    crl_places_look(c, r->problems);
    struct check check = {.conf = c, .reader = r, .pool = r->pool, .problems = r->problems};
    check_ports(&check);
    check_binds(&check);
    check_roles(&check);
}

/* An empty configuration with its pool and path. NULL: no memory (or no working folder). */
static struct conf *new_conf(const char *path)
{
    struct conf *c = mem_new(1, sizeof(*c));
    struct pool *pool = pool_new();
    if (c == NULL || pool == NULL) {
        goto free_both;
    }
    c->warnings = problems_new();
    c->pool = pool;
    c->path = source_from_here(pool, path);
    if (c->path == NULL || c->warnings == NULL) {
        goto free_all;
    }
    return c;
free_all:
    problems_free(c->warnings);
free_both:
    pool_free(pool);
    mem_free(c);
    return NULL;
}

struct conf *conf_load(const char *path, int64_t now_s, struct problems *problems)
{
    return conf_load_anew(path, now_s, NULL, problems);
}

/* Share with the configuration before what may be shared. The names of files in problems depend on
 * the main file's path alone, and say where a section's relative paths begin. False: no memory. */
static bool share(struct conf *c, struct reader *r, const struct conf *before)
{
    bool has_taken_over = false;
    bool is_same_file = before != NULL && strcmp(before->path, c->path) == 0;
    if (!shared_begin(&c->shared, is_same_file ? &before->shared : NULL, &has_taken_over)) {
        return false;
    }
    r->before = has_taken_over ? before : NULL;
    return true;
}

/* Read all files; what the reader needs for it, it takes from `scratch`. */
static void load_files(struct conf *c, const char *path, struct pool *scratch,
                       const struct credentials_source *credentials, struct problems *problems)
{
    struct reader reader;
    char *shown = pool_text(c->pool, path);
    reader_init(&reader, scratch, problems);
    if (scratch == NULL || shown == NULL || !share(c, &reader, credentials->before)) {
        problems_add(problems, path, 0, "not enough memory", "free some memory and try again");
    } else if (source_read(&reader, c->path, shown) == 0) {
        read_includes(&reader, c->pool);
        load_sections(c, &reader, shown, credentials);
    }
}

struct conf *conf_load_anew(const char *path, int64_t now_s, const struct conf *before,
                            struct problems *problems)
{
    const struct credentials_source credentials = {.now_s = now_s, .before = before};
    size_t known = problems_count(problems);
    struct conf *c = new_conf(path);
    if (c == NULL) {
        problems_add(problems, path, 0, "not enough memory, or a path that cannot be followed",
                     "an absolute path, and some free memory");
        return NULL;
    }
    struct pool *scratch = pool_new();
    load_files(c, path, scratch, &credentials, problems);
    pool_free(scratch);
    if (problems_count(problems) != known) {
        conf_free(c);
        return NULL;
    }
    return c;
}

void conf_free(struct conf *c)
{
    if (c == NULL) {
        return;
    }
    credentials_release(c);
    problems_free(c->warnings);
    pool_free(c->pool);
    shared_end(&c->shared);
    mem_free(c);
}

char *conf_find_control(const char *path, struct problems *problems)
{
    struct conf *c = new_conf(path);
    struct reader reader;
    /* Whoever asks for the status need not be told of a slip in a device's section. */
    struct problems *unheard = problems_new();
    char *control = NULL;
    if (c == NULL || unheard == NULL) {
        problems_add(problems, path, 0, "not enough memory, or a path that cannot be followed",
                     "an absolute path, and some free memory");
        goto free_all;
    }
    reader_init(&reader, c->pool, unheard);
    if (source_read(&reader, c->path, path) != 0) {
        problems_add(problems, path, 0, "cannot be read",
                     "the configuration file of the running gateway, after -c");
        goto free_all;
    }
    build_gateway(&c->gateway, &reader, c->pool, unheard, path);
    if (c->gateway.control != NULL) {
        control = mem_text(c->gateway.control);
    }
    if (control == NULL) {
        problems_add(problems, path, 0, "names no control socket",
                     "a [gateway] section whose control, if any, is a path of at most 107 bytes");
    }
free_all:
    problems_free(unheard);
    conf_free(c);
    return control;
}

const struct conf_device *conf_find_device(const struct conf *c, const char *name)
{
    uint64_t hash = text_hash(name, 0);
    size_t at = 0;
    size_t i = 0;
    while (index_next(&c->by_name, hash, &at, &i)) {
        if (strcmp(c->devices[i].name, name) == 0) {
            return &c->devices[i];
        }
    }
    return NULL;
}

int16_t conf_unit(const struct conf_device *d, unsigned unit)
{
    if (d->unit_map == NULL || unit >= CONF_UNITS) {
        return -1;
    }
    return d->unit_map->bus_unit[unit];
}

enum conf_change conf_compare_device(const struct conf_device *a, const struct conf_device *b)
{
    /* What was taken over is the very same text. */
    if (a->canonical != b->canonical && strcmp(a->canonical, b->canonical) != 0) {
        return CONF_CHANGED;
    }
    if (identity_differs(a->identity, b->identity) != 0 || trust_differs(a->trust, b->trust) != 0) {
        return CONF_CREDENTIALS;
    }
    return CONF_SAME;
}

bool conf_trust_is_same(const struct conf_trust *a, const struct conf_trust *b)
{
    return a != NULL && b != NULL && strcmp(a->canonical, b->canonical) == 0;
}

const char *conf_protocol_name(enum conf_protocol p)
{
    return keys_get(KEYS_PROTOCOL)->words[p];
}

bool conf_is_modbus(enum conf_protocol p)
{
    switch (p) {
    case CONF_PROTOCOL_MODBUS_RTU:
    case CONF_PROTOCOL_MODBUS_TCP:
    case CONF_PROTOCOL_MODBUS_ASCII:
        return true;
    case CONF_PROTOCOL_RAW:
    case CONF_PROTOCOL_GAP:
    case CONF_PROTOCOL_LINE:
    case CONF_PROTOCOL_MLLP:
        break;
    }
    return false;
}

enum judge_policy conf_judge_policy(enum conf_revocation r)
{
    switch (r) {
    case CONF_REVOCATION_HARD:
        break;
    case CONF_REVOCATION_GRACE:
        return JUDGE_GRACE;
    case CONF_REVOCATION_SOFT:
        return JUDGE_SOFT;
    case CONF_REVOCATION_OFF:
        return JUDGE_OFF;
    }
    return JUDGE_HARD;
}

const char *conf_revocation_name(enum conf_revocation r)
{
    return keys_get(KEYS_REVOCATION)->words[r];
}
