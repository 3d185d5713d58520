#include "conf/canonical.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/source.h"
#include "conf/values.h"

/* A key in its place among the keys of its section, with what is the same in every section. */
struct row {
    const struct keys_row *key;
    const struct keys_row
        *of_trust;      /* what holds where the device is silent; NULL: not inherited */
    const char *silent; /* the line of a section that does not write the key; NULL: not one for all,
                           as it depends on the section's folder or on its trust */
};

/* The keys of one kind of section in the order of their names. */
struct rows {
    struct row row[KEYS_COUNT];
    size_t count;
};

/* What was made of a trust: devices share it. */
struct trust_text {
    struct trust_text *next;
    const struct reader_section *trust;
    const char *text;
};

struct canonical {
    struct pool *pool;
    struct rows device;
    struct rows trust;
    struct trust_text *trusts;
};

/* A section on its way to its text. */
struct subject {
    const struct reader_section *section;
    const struct reader_section *trust; /* of a device; NULL: none */
    bool is_written[KEYS_COUNT];        /* the keys that stand in the section */
};

/* Text that grows: the first pass only measures (to == NULL), the second one writes. */
struct sink {
    char *to;
    size_t len;
    struct pool *pool;
    bool no_memory;
};

static void put(struct sink *out, const char *text)
{
    size_t len = strlen(text);
    if (out->to != NULL) {
        memcpy(&out->to[out->len], text, len);
    }
    out->len += len;
}

static void put_value(struct sink *out, const struct reader_section *s, const struct keys_row *row,
                      const char *value)
{
    struct values_error why;
    uint32_t number = 0;
    char digits[KEYS_NUMBER_MAX];
    bool is_number = row->type == KEYS_TYPE_DURATION || row->type == KEYS_TYPE_SIZE ||
                     row->type == KEYS_TYPE_NUMBER;
    bool is_path = row->type == KEYS_TYPE_PATH ||
                   (row->type == KEYS_TYPE_CRL && !values_is_url(value));
    if (is_path) {
        char *path = source_absolute(out->pool, s->dir, value);
        out->no_memory = out->no_memory || path == NULL;
        put(out, path != NULL ? path : value);
    } else if (is_number && values_scalar(row, value, &number, &why) == 0) {
        (void)snprintf(digits, sizeof(digits), "%" PRIu32, number);
        put(out, digits);
    } else {
        put(out, value);
    }
}

/* The value of a key, its items, or its default. */
static void put_values(struct sink *out, const struct reader_section *s, const struct keys_row *row)
{
    const struct reader_entry *entry = NULL;
    const char *separator = "";
    size_t at = 0;
    while ((entry = reader_next(s, row->id, &at)) != NULL) {
        put(out, separator);
        put_value(out, s, row, entry->value);
        separator = ", ";
    }
    if (reader_get(s, row->id) == NULL && row->fallback != NULL) {
        put_value(out, s, row, row->fallback);
    }
}

/* The line of a key: of the section, or of its trust where a device leaves it to that. */
static void put_row(struct sink *out, const struct subject *subject, const struct row *row)
{
    bool is_silent = !subject->is_written[row->key->id];
    if (is_silent && row->silent != NULL) {
        put(out, row->silent);
        return;
    }
    put(out, row->key->section == KEYS_TRUST ? "trust." : "");
    put(out, row->key->name);
    put(out, "=");
    if (is_silent && row->of_trust != NULL) {
        if (subject->trust != NULL) {
            put_values(out, subject->trust, row->of_trust);
        }
    } else {
        put_values(out, subject->section, row->key);
    }
    put(out, "\n");
}

static void put_all(struct sink *out, const struct subject *subject, const struct rows *rows,
                    const char *tail)
{
    for (size_t i = 0; i < rows->count; i++) {
        put_row(out, subject, &rows->row[i]);
    }
    put(out, tail);
}

/* All rows and, behind them, `tail`, in the pool `to`. NULL: no memory. */
static char *make_text(struct pool *pool, const struct subject *subject, const struct rows *rows,
                       const char *tail, struct pool *to)
{
    struct sink measure = {.pool = pool};
    put_all(&measure, subject, rows, tail);
    struct sink out = {.pool = pool, .to = pool_take(to, measure.len + 1, 1)};
    if (out.to == NULL || measure.no_memory) {
        return NULL;
    }
    put_all(&out, subject, rows, tail);
    return out.no_memory ? NULL : out.to;
}

static struct subject subject_of(const struct reader_section *section,
                                 const struct reader_section *trust)
{
    struct subject subject = {.section = section, .trust = trust};
    for (size_t i = 0; i < section->entry_count; i++) {
        subject.is_written[section->entries[i].row->id] = true;
    }
    return subject;
}

/* ---- What is the same in every section ---- */

static int by_name(const void *left, const void *right)
{
    const struct row *a = left;
    const struct row *b = right;
    return strcmp(a->key->name, b->key->name);
}

/* Its trust's key of that name, of one that a device inherits. */
static const struct keys_row *inherited_from(const struct keys_row *key)
{
    return key->is_inherited ? keys_find(KEYS_TRUST, key->name) : NULL;
}

/* Of a trust: does the device's line of that name say already what comes of it? */
static bool is_said_by_device(const struct keys_row *key)
{
    const struct keys_row *own = keys_find(KEYS_DEVICE, key->name);
    return key->section == KEYS_TRUST && own != NULL && own->is_inherited;
}

/* What every section that is silent about the key has as its line. False: no memory. */
static bool make_silent(struct pool *pool, struct row *row)
{
    static const struct reader_section nothing = {.name = "", .file = "", .dir = ""};
    const struct subject subject = {.section = &nothing};
    struct rows one = {.row = {*row}, .count = 1};
    bool is_folders = row->key->type == KEYS_TYPE_PATH && row->key->fallback != NULL;
    if (row->of_trust != NULL || is_folders) {
        return true;
    }
    row->silent = make_text(pool, &subject, &one, "", pool);
    return row->silent != NULL;
}

/* False: no memory. */
static bool make_rows(struct pool *pool, struct rows *rows, enum keys_section kind)
{
    for (int id = 0; id < KEYS_COUNT; id++) {
        const struct keys_row *key = keys_get((enum keys_id)id);
        if (key->section != kind || is_said_by_device(key)) {
            continue;
        }
        struct row *row = &rows->row[rows->count];
        *row = (struct row){.key = key, .of_trust = inherited_from(key)};
        if (!make_silent(pool, row)) {
            return false;
        }
        rows->count++;
    }
    qsort(rows->row, rows->count, sizeof(rows->row[0]), by_name);
    return true;
}

struct canonical *canonical_new(struct pool *pool)
{
    struct canonical *c = pool_take(pool, 1, sizeof(*c));
    if (c == NULL) {
        return NULL;
    }
    c->pool = pool;
    if (!make_rows(pool, &c->device, KEYS_DEVICE) || !make_rows(pool, &c->trust, KEYS_TRUST)) {
        return NULL;
    }
    return c;
}

/* ---- A trust and a device ---- */

const char *canonical_trust(struct canonical *c, const struct reader_section *trust)
{
    for (const struct trust_text *known = c->trusts; known != NULL; known = known->next) {
        if (known->trust == trust) {
            return known->text;
        }
    }
    const struct subject subject = subject_of(trust, NULL);
    struct trust_text *made = pool_take(c->pool, 1, sizeof(*made));
    const char *text = make_text(c->pool, &subject, &c->trust, "", c->pool);
    if (made == NULL || text == NULL) {
        return NULL;
    }
    *made = (struct trust_text){.next = c->trusts, .trust = trust, .text = text};
    c->trusts = made;
    return text;
}

char *canonical_device(struct canonical *c, const struct reader_section *device,
                       const struct reader_section *trust, struct pool *to)
{
    const struct subject subject = subject_of(device, trust);
    const char *tail = trust != NULL ? canonical_trust(c, trust) : "";
    return tail != NULL ? make_text(c->pool, &subject, &c->device, tail, to) : NULL;
}
