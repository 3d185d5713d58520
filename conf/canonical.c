#include "conf/canonical.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/source.h"
#include "conf/values.h"

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

/* A key of the device, or of its trust where the device leaves it to that. */
static void put_device_key(struct sink *out, const struct reader_section *device,
                           const struct reader_section *trust, const struct keys_row *row)
{
    put(out, row->name);
    put(out, "=");
    if (row->is_inherited && reader_get(device, row->id) == NULL) {
        if (trust != NULL) {
            put_values(out, trust, keys_find(KEYS_TRUST, row->name));
        }
    } else {
        put_values(out, device, row);
    }
    put(out, "\n");
}

/* A key of the trust, unless put_device_key has said what comes of it. */
static void put_trust_key(struct sink *out, const struct reader_section *trust,
                          const struct keys_row *row)
{
    const struct keys_row *own = keys_find(KEYS_DEVICE, row->name);
    if (own != NULL && own->is_inherited) {
        return;
    }
    put(out, "trust.");
    put(out, row->name);
    put(out, "=");
    put_values(out, trust, row);
    put(out, "\n");
}

static int by_name(const void *left, const void *right)
{
    const struct keys_row *const *a = left;
    const struct keys_row *const *b = right;
    return strcmp((*a)->name, (*b)->name);
}

static void put_section(struct sink *out, enum keys_section kind,
                        const struct reader_section *device, const struct reader_section *trust)
{
    const struct keys_row *rows[KEYS_COUNT] = {NULL};
    size_t count = 0;
    for (int id = 0; id < KEYS_COUNT; id++) {
        const struct keys_row *row = keys_get((enum keys_id)id);
        if (row->section == kind) {
            rows[count] = row;
            count++;
        }
    }
    qsort(rows, count, sizeof(struct keys_row *), by_name);
    for (size_t i = 0; i < count; i++) {
        if (kind == KEYS_DEVICE) {
            put_device_key(out, device, trust, rows[i]);
        } else {
            put_trust_key(out, trust, rows[i]);
        }
    }
}

static void put_all(struct sink *out, const struct reader_section *device,
                    const struct reader_section *trust)
{
    put_section(out, KEYS_DEVICE, device, trust);
    if (trust != NULL) {
        put_section(out, KEYS_TRUST, device, trust);
    }
}

char *canonical_device(struct pool *pool, const struct reader_section *device,
                       const struct reader_section *trust)
{
    struct sink measure = {.pool = pool};
    put_all(&measure, device, trust);
    struct sink out = {.pool = pool, .to = pool_take(pool, measure.len + 1, 1)};
    if (out.to == NULL || measure.no_memory) {
        return NULL;
    }
    put_all(&out, device, trust);
    return out.no_memory ? NULL : out.to;
}
