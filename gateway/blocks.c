#include "gateway/blocks.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "certs/mem.h"
#include "conf/values.h"
#include "gateway/jsontext.h"
#include "gateway/safetext.h"

enum { VERSION = 1, FINGERPRINT_DIGITS = 64, CLOCK_BACK_S = 60 };

struct blocks {
    struct blocks_entry *entries;
    size_t entry_count, entry_cap;
    struct blocks_grant *grants;
    size_t grant_count, grant_cap;
};

static const char *const kind_names[] = {
    [BLOCKS_SERIAL] = "serial",
    [BLOCKS_FINGERPRINT] = "fingerprint",
    [BLOCKS_DEVICE] = "device",
};

static int refuse(struct fault *f, const char *why, const char *what)
{
    (void)fault_set(f, FAULT_CONFIG, FAULT_SIDE_CONFIGURATION, why, what);
    return FAULT_CONFIG;
}

struct blocks *blocks_new(void)
{
    return mem_new(1, sizeof(struct blocks));
}

static void empty(struct blocks *b)
{
    mem_free(b->entries);
    mem_free(b->grants);
    *b = (struct blocks){.entries = NULL};
}

void blocks_free(struct blocks *b)
{
    if (b != NULL) {
        empty(b);
        mem_free(b);
    }
}

/* ---- what a person wrote ---- */

/* The value of a hexadecimal digit; 16 for what is none. */
static uint8_t digit_value(uint8_t c)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    const char *at = c == '\0' ? NULL : strchr(digits, c);
    if (at == NULL) {
        return 16;
    }
    size_t place = (size_t)(at - digits);
    return (uint8_t)(place < 16 ? place : place - 6);
}

/* The digits of "0a1b" or "0A:1B" into *digits. False: it is something else, or does not fit.
 * Colons only between pairs, as tools print them: "A:1B" may stand for more than one number. */
static bool take_digits(const char *what, struct room *digits)
{
    struct span rest = span_of_text(what);
    bool has_colons = span_find(rest, ':') < rest.len;
    if (rest.len == 0 || (has_colons && rest.len % 3 != 2)) {
        return false;
    }
    uint8_t c = 0;
    for (size_t i = 0; span_take_u8(&rest, &c); i++) {
        bool is_colon = has_colons && i % 3 == 2;
        if (is_colon ? c != ':' : digit_value(c) > 15 || !room_put_u8(digits, c)) {
            return false;
        }
    }
    return true;
}

/* entry's value and bytes of the digits, written with this alphabet. */
static void fill_value(struct blocks_entry *entry, struct span digits, const char *alphabet)
{
    struct room bytes = room_of(entry->bytes, sizeof(entry->bytes));
    unsigned high = 0;
    uint8_t c = 0;
    for (size_t i = 0; span_take_u8(&digits, &c); i++) {
        entry->value[i] = alphabet[digit_value(c)];
        high = high << 4 | digit_value(c);
        /* The last digit ends a byte; so does every second one before it. */
        if (digits.len % 2 == 0) {
            (void)room_put_u8(&bytes, (uint8_t)high); /* it fits: at most 64 digits */
            high = 0;
        }
    }
    entry->len = bytes.len;
}

/* A serial or a fingerprint. The count of digits decides; a serial that long would be refused. */
static bool read_number(const char *what, struct blocks_entry *entry)
{
    uint8_t memory[BLOCKS_VALUE_MAX - 1];
    struct room room = room_of(memory, sizeof(memory));
    if (!take_digits(what, &room)) {
        return false;
    }
    struct span digits = room_span(&room);
    if (digits.len == FINGERPRINT_DIGITS) {
        entry->kind = BLOCKS_FINGERPRINT;
        fill_value(entry, digits, "0123456789abcdef");
        return true;
    }
    uint8_t c = 0;
    while (span_at(digits, 0, &c) && c == '0') {
        digits = span_after(digits, 1);
    }
    if (digits.len >= FINGERPRINT_DIGITS) {
        return false;
    }
    entry->kind = BLOCKS_SERIAL;
    fill_value(entry, digits, "0123456789ABCDEF");
    if (digits.len == 0) {
        entry->value[0] = '0';
    }
    return true;
}

static bool read_device(const char *what, struct blocks_entry *entry)
{
    if (!values_is_name(what)) {
        return false;
    }
    entry->kind = BLOCKS_DEVICE;
    (void)snprintf(entry->value, sizeof(entry->value), "%s", what); /* names are shorter */
    return true;
}

/* It is shown in logs and tables for years: what would have to be escaped there is refused here. */
static int check_reason(const char *reason, struct fault *f)
{
    uint8_t memory[BLOCKS_REASON_MAX - 1];
    struct room safe = room_of(memory, sizeof(memory));
    struct span text = span_of_text(reason);
    if (strspn(reason, " ") == text.len) {
        return refuse(f, "a reason is needed", NULL);
    }
    if (text.len > sizeof(memory)) {
        return refuse(f, "the reason is too long: 199 bytes at most", NULL);
    }
    if (!safetext_put(&safe, reason) || !span_equal(room_span(&safe), text)) {
        return refuse(f, "the reason is not plain text (UTF-8, one line)", NULL);
    }
    return 0;
}

/* ---- the list ---- */

static struct blocks_entry *find_entry(const struct blocks *b, enum blocks_kind kind,
                                       const char *value)
{
    for (size_t i = 0; i < b->entry_count; i++) {
        if (b->entries[i].kind == kind && strcmp(b->entries[i].value, value) == 0) {
            return &b->entries[i];
        }
    }
    return NULL;
}

/* Makes room for one more of `size` bytes in an array; 0, FAULT_LIMIT, FAULT_MEMORY. */
static int grow(void **items, size_t count, size_t *cap, size_t size, struct fault *f)
{
    if (count >= BLOCKS_MAX) {
        (void)fault_set(f, FAULT_LIMIT, FAULT_SIDE_SELF, "the list is full", NULL);
        return FAULT_LIMIT;
    }
    if (count < *cap) {
        return 0;
    }
    size_t more = *cap == 0 ? 8 : *cap * 2;
    void *bigger = mem_grow(*items, count, more, size);
    if (bigger == NULL) {
        (void)fault_set(f, FAULT_MEMORY, FAULT_SIDE_SELF, NULL, NULL);
        return FAULT_MEMORY;
    }
    *items = bigger;
    *cap = more;
    return 0;
}

/* entry: its kind, value and bytes are there. */
static int put_entry(struct blocks *b, struct blocks_entry *entry, const struct blocks_order *order,
                     struct fault *f)
{
    if (check_reason(order->reason, f) != 0) {
        return FAULT_CONFIG;
    }
    struct blocks_entry *at = find_entry(b, entry->kind, entry->value);
    if (at == NULL) {
        void *items = b->entries;
        int code = grow(&items, b->entry_count, &b->entry_cap, sizeof(*b->entries), f);
        if (code != 0) {
            return code;
        }
        b->entries = items;
        at = &b->entries[b->entry_count++];
        entry->at_s = order->now_s;
        *at = *entry;
    }
    (void)snprintf(at->reason, sizeof(at->reason), "%s", order->reason); /* it fits */
    return 0;
}

int blocks_add(struct blocks *b, const struct blocks_order *order, struct fault *f)
{
    struct blocks_entry entry = {.len = 0};
    if (order->is_device ? !read_device(order->what, &entry) : !read_number(order->what, &entry)) {
        return refuse(f,
                      "neither a configured device nor, in hexadecimal, a serial number or a "
                      "SHA-256 fingerprint: ",
                      order->what);
    }
    return put_entry(b, &entry, order, f);
}

int blocks_remove(struct blocks *b, const char *what, struct fault *f)
{
    struct blocks_entry entry = {.len = 0};
    struct blocks_entry *at = find_entry(b, BLOCKS_DEVICE, what);
    if (at == NULL && read_number(what, &entry)) {
        at = find_entry(b, entry.kind, entry.value);
    }
    if (at == NULL) {
        return refuse(f, "not blocked: ", what);
    }
    size_t place = (size_t)(at - b->entries);
    b->entry_count--;
    memmove(at, at + 1, (b->entry_count - place) * sizeof(*at));
    return 0;
}

size_t blocks_entries(const struct blocks *b, const struct blocks_entry **out)
{
    *out = b->entries;
    return b->entry_count;
}

bool blocks_has_device(const struct blocks *b, const char *device, const char **reason)
{
    const struct blocks_entry *entry = find_entry(b, BLOCKS_DEVICE, device);
    if (entry != NULL && reason != NULL) {
        *reason = entry->reason;
    }
    return entry != NULL;
}

/* ---- break-glass ---- */

static struct blocks_grant *find_grant(const struct blocks *b, const char *device)
{
    for (size_t i = 0; i < b->grant_count; i++) {
        if (strcmp(b->grants[i].device, device) == 0) {
            return &b->grants[i];
        }
    }
    return NULL;
}

int blocks_grant(struct blocks *b, const struct blocks_order *order, struct fault *f)
{
    if (!values_is_name(order->what)) {
        return refuse(f, "no name of a device: ", order->what);
    }
    if (order->until_s < order->now_s || order->until_s - order->now_s < BLOCKS_GRANT_MIN_S ||
        order->until_s - order->now_s > BLOCKS_GRANT_MAX_S) {
        return refuse(f, "break-glass lasts from one minute to 24 hours", NULL);
    }
    if (check_reason(order->reason, f) != 0) {
        return FAULT_CONFIG;
    }
    struct blocks_grant *at = find_grant(b, order->what);
    if (at == NULL) {
        void *items = b->grants;
        int code = grow(&items, b->grant_count, &b->grant_cap, sizeof(*b->grants), f);
        if (code != 0) {
            return code;
        }
        b->grants = items;
        at = &b->grants[b->grant_count++];
    }
    *at = (struct blocks_grant){.at_s = order->now_s, .until_s = order->until_s};
    (void)snprintf(at->device, sizeof(at->device), "%s", order->what); /* both fit */
    (void)snprintf(at->reason, sizeof(at->reason), "%s", order->reason);
    return 0;
}

static void take_grant(struct blocks *b, struct blocks_grant *at, struct blocks_grant *out)
{
    size_t place = (size_t)(at - b->grants);
    if (out != NULL) {
        *out = *at;
    }
    b->grant_count--;
    memmove(at, at + 1, (b->grant_count - place) * sizeof(*at));
}

bool blocks_end_grant(struct blocks *b, const char *device, struct blocks_grant *ended)
{
    struct blocks_grant *at = find_grant(b, device);
    if (at != NULL) {
        take_grant(b, at, ended);
    }
    return at != NULL;
}

size_t blocks_grants(const struct blocks *b, const struct blocks_grant **out)
{
    *out = b->grants;
    return b->grant_count;
}

const struct blocks_grant *blocks_grant_of(const struct blocks *b, const char *device,
                                           int64_t now_s)
{
    const struct blocks_grant *at = find_grant(b, device);
    bool is_in_force = at != NULL && now_s >= at->at_s - CLOCK_BACK_S && now_s < at->until_s;
    return is_in_force ? at : NULL;
}

bool blocks_expire(struct blocks *b, int64_t now_s, struct blocks_grant *ended)
{
    for (size_t i = 0; i < b->grant_count; i++) {
        if (now_s >= b->grants[i].until_s) {
            take_grant(b, &b->grants[i], ended);
            return true;
        }
    }
    return false;
}

/* ---- JSON ---- */

static json_t *entry_object(const struct blocks_entry *entry)
{
    json_t *o = json_object();
    if (jsontext_set(o, "kind", kind_names[entry->kind]) &&
        jsontext_set(o, "value", entry->value) && jsontext_set(o, "reason", entry->reason) &&
        jsontext_set_number(o, "at", entry->at_s)) {
        return o;
    }
    json_decref(o);
    return NULL;
}

static json_t *grant_object(const struct blocks_grant *grant)
{
    json_t *o = json_object();
    if (jsontext_set(o, "device", grant->device) && jsontext_set(o, "reason", grant->reason) &&
        jsontext_set_number(o, "at", grant->at_s) &&
        jsontext_set_number(o, "until", grant->until_s)) {
        return o;
    }
    json_decref(o);
    return NULL;
}

char *blocks_json(const struct blocks *b)
{
    json_t *root = json_object();
    json_t *blocks = json_array();
    json_t *grants = json_array();
    bool is_made = jsontext_set_number(root, "version", VERSION);
    /* An item that could not be made is NULL, which is refused; the arrays are the root's then. */
    is_made = json_object_set_new(root, "blocks", blocks) == 0 && is_made;
    is_made = json_object_set_new(root, "break_glass", grants) == 0 && is_made;
    for (size_t i = 0; is_made && i < b->entry_count; i++) {
        is_made = json_array_append_new(blocks, entry_object(&b->entries[i])) == 0;
    }
    for (size_t i = 0; is_made && i < b->grant_count; i++) {
        is_made = json_array_append_new(grants, grant_object(&b->grants[i])) == 0;
    }
    char *text = is_made ? jsontext_dump(root) : NULL;
    json_decref(root);
    return text;
}

/* A text or a number that has to be there. */
static const char *text_of(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

static bool number_of(const json_t *o, const char *key, int64_t *out)
{
    const json_t *number = json_object_get(o, key);
    *out = json_integer_value(number);
    /* Of dates, and far from where sums overflow. */
    return json_is_integer(number) && *out >= 0 && *out < INT64_C(1) << 40;
}

static int read_entry(struct blocks *b, const json_t *o, struct fault *f)
{
    const char *kind = text_of(o, "kind");
    struct blocks_order order = {.what = text_of(o, "value"), .reason = text_of(o, "reason")};
    struct blocks_entry entry = {.len = 0};
    if (kind == NULL || order.what == NULL || order.reason == NULL ||
        !number_of(o, "at", &order.now_s)) {
        return refuse(f, "the block list has an entry without kind, value, reason or at", NULL);
    }
    order.is_device = strcmp(kind, kind_names[BLOCKS_DEVICE]) == 0;
    bool is_read = order.is_device ? read_device(order.what, &entry)
                                   : read_number(order.what, &entry);
    if (!is_read || strcmp(kind, kind_names[entry.kind]) != 0) {
        (void)refuse(f, "the block list has an entry that is no ", kind);
        fault_add(f, ": ");
        fault_add(f, order.what);
        return FAULT_CONFIG;
    }
    return put_entry(b, &entry, &order, f);
}

static int read_grant(struct blocks *b, const json_t *o, struct fault *f)
{
    struct blocks_order order = {.what = text_of(o, "device"), .reason = text_of(o, "reason")};
    if (order.what == NULL || order.reason == NULL || !number_of(o, "at", &order.now_s) ||
        !number_of(o, "until", &order.until_s)) {
        return refuse(f, "break-glass without device, reason, at or until", NULL);
    }
    return blocks_grant(b, &order, f);
}

static int read_list(struct blocks *b, const json_t *list,
                     int (*read_one)(struct blocks *b, const json_t *o, struct fault *f),
                     struct fault *f)
{
    if (!json_is_array(list)) {
        return refuse(f, "the block list lacks a list: blocks, or break_glass", NULL);
    }
    int code = 0;
    for (size_t i = 0; code == 0 && i < json_array_size(list); i++) {
        code = read_one(b, json_array_get(list, i), f);
    }
    return code;
}

int blocks_read_json(struct blocks *b, struct span text, struct fault *f)
{
    json_error_t error = {.line = 0};
    struct blocks made = {.entries = NULL};
    if (text.len > BLOCKS_JSON_MAX) {
        return fault_set(f, FAULT_TOO_LONG, FAULT_SIDE_SELF, "the block list is too long", NULL);
    }
    json_t *root = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &error);
    int64_t version = 0;
    int code = 0;
    if (root == NULL) {
        code = refuse(f, "the block list is no JSON: ", error.text);
    } else if (!number_of(root, "version", &version) || version != VERSION) {
        code = refuse(f, "the block list has no version that is known here (1)", NULL);
    } else {
        code = read_list(&made, json_object_get(root, "blocks"), read_entry, f);
    }
    if (code == 0) {
        code = read_list(&made, json_object_get(root, "break_glass"), read_grant, f);
    }
    json_decref(root);
    if (code != 0) {
        empty(&made);
        return code;
    }
    empty(b);
    *b = made;
    return 0;
}
