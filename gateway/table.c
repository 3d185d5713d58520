#include "gateway/table.h"

#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#include "certs/mem.h"
#include "gateway/jsontext.h"
#include "gateway/pen.h"
#include "gateway/safetext.h"
#include "gateway/table_modbus.h"
#include "gateway/table_revocation.h"
#include "protocols/bytes.h"

enum column { DEVICE, STATE, PEER, CERTIFICATE, TO_SERVER, TO_DEVICE, COLUMNS };

enum { CELL_MAX = 200, GAP = 2, NARROWEST = 14 };

struct row {
    char cells[COLUMNS][CELL_MAX];
    enum pen_colour state, certificate;
    const json_t *device; /* NULL: the head */
};

struct table {
    struct row *rows;
    size_t count;
    size_t widths[COLUMNS];
    struct pen pen;
    const char *now; /* the gateway's; lives with its JSON */
    bool is_mixed;   /* only some devices have revocation off */
};

/* ---- cells ---- */

/* "12 msg, 3.4 kB": powers of 1000, as disks and lines are measured. */
static void write_traffic(char *out, const json_t *device, const char *direction)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    int64_t messages = jsontext_get_number(json_object_get(device, "messages"), direction);
    int64_t bytes = jsontext_get_number(json_object_get(device, "bytes"), direction);
    size_t unit = 0;
    int64_t tenths = bytes < 1000 ? bytes * 10 : bytes;
    while (bytes >= 1000) {
        tenths = bytes / 100;
        bytes /= 1000;
        unit++;
    }
    if (unit == 0) {
        (void)snprintf(out, CELL_MAX, "%" PRId64 " msg, %" PRId64 " B", messages, bytes);
    } else {
        (void)snprintf(out, CELL_MAX, "%" PRId64 " msg, %" PRId64 ".%" PRId64 " %s", messages,
                       tenths / 10, tenths % 10, units[unit]);
    }
}

static enum pen_colour write_certificate(char *out, const json_t *device)
{
    int64_t days = jsontext_get_number(json_object_get(device, "certificate"), "days_left");
    if (days < 0) {
        (void)snprintf(out, CELL_MAX, "EXPIRED");
        return PEN_BAD;
    }
    (void)snprintf(out, CELL_MAX, "%" PRId64 " day%s left", days, days == 1 ? "" : "s");
    return days < 30 ? PEN_CARE : PEN_GOOD;
}

static void write_peer(char *out, const json_t *device)
{
    int64_t others = jsontext_get_number(device, "link_total") - 1;
    const char *peer = jsontext_get(device, "peer");
    if (others > 0) {
        (void)snprintf(out, CELL_MAX, "%s and %" PRId64 " more", peer, others);
    } else {
        (void)snprintf(out, CELL_MAX, "%s", peer[0] != '\0' ? peer : "-");
    }
}

static enum pen_colour colour_of_state(const char *state)
{
    if (strcmp(state, "up") == 0) {
        return PEN_GOOD;
    }
    return strcmp(state, "device-gone") == 0 ? PEN_BAD : PEN_CARE;
}

/* "up: data flows"; only the words where they say it all. */
static void write_state(char *out, const json_t *device)
{
    const char *state = jsontext_get(device, "state");
    const char *words = jsontext_get(device, "words");
    bool is_up = strcmp(state, "up") == 0;
    (void)snprintf(out, CELL_MAX, "%s%s", is_up ? "up: " : "", words[0] != '\0' ? words : state);
}

static void fill_row(struct row *row, const json_t *device)
{
    row->device = device;
    (void)snprintf(row->cells[DEVICE], CELL_MAX, "%s", jsontext_get(device, "name"));
    write_state(row->cells[STATE], device);
    row->state = colour_of_state(jsontext_get(device, "state"));
    write_peer(row->cells[PEER], device);
    row->certificate = write_certificate(row->cells[CERTIFICATE], device);
    write_traffic(row->cells[TO_SERVER], device, "device_to_server");
    write_traffic(row->cells[TO_DEVICE], device, "server_to_device");
}

static void fill_head(struct row *row)
{
    static const char *const heads[COLUMNS] = {"DEVICE",      "STATE",     "PEER",
                                               "CERTIFICATE", "TO SERVER", "TO DEVICE"};
    for (size_t i = 0; i < COLUMNS; i++) {
        (void)snprintf(row->cells[i], CELL_MAX, "%s", heads[i]);
    }
}

/* ---- layout ---- */

static size_t total_width(const struct table *t)
{
    size_t sum = (size_t)GAP * (COLUMNS - 1);
    for (size_t i = 0; i < COLUMNS; i++) {
        sum += t->widths[i];
    }
    return sum;
}

static void shrink(struct table *t, enum column at)
{
    size_t total = total_width(t);
    size_t over = total > t->pen.columns ? total - t->pen.columns : 0;
    size_t spare = t->widths[at] > NARROWEST ? t->widths[at] - NARROWEST : 0;
    t->widths[at] -= over < spare ? over : spare;
}

/* As wide as the widest cell; what is too wide for the terminal is taken from the long texts
 * first, whose cells then have several lines. */
static void choose_widths(struct table *t)
{
    static const enum column shrinkable[] = {STATE, PEER, DEVICE, TO_SERVER, TO_DEVICE};

    for (size_t i = 0; i < t->count; i++) {
        for (size_t at = 0; at < COLUMNS; at++) {
            size_t wide = safetext_columns(t->rows[i].cells[at]);
            t->widths[at] = wide > t->widths[at] ? wide : t->widths[at];
        }
    }
    if (t->pen.columns > 0) {
        for (size_t i = 0; i < sizeof(shrinkable) / sizeof(shrinkable[0]); i++) {
            shrink(t, shrinkable[i]);
        }
    }
}

/* ---- printing ---- */

static enum pen_colour cell_colour(const struct row *row, enum column at)
{
    if (row->device == NULL) {
        return PEN_DIM;
    }
    if (at == STATE) {
        return row->state;
    }
    return at == CERTIFICATE ? row->certificate : PEN_PLAIN;
}

/* One line of the row; what does not fit stays in rest. */
static void print_row_line(const struct table *t, const struct row *row, struct span *rest)
{
    size_t owed = 0; /* blanks are printed only when something follows */
    for (size_t at = 0; at < COLUMNS; at++) {
        struct span line = pen_take_line(&rest[at], t->widths[at]);
        if (line.len > 0) {
            (void)fprintf(t->pen.to, "%*s", (int)owed, "");
            pen_put(&t->pen, line, cell_colour(row, (enum column)at));
            owed = 0;
        }
        owed += t->widths[at] - pen_columns(line) + GAP;
    }
    (void)fprintf(t->pen.to, "\n");
}

static bool has_more(const struct span *rest)
{
    for (size_t at = 0; at < COLUMNS; at++) {
        if (rest[at].len > 0) {
            return true;
        }
    }
    return false;
}

/* What a technician must hear of besides: loss, junk, line errors, refusals, the last fault. */
static void print_notes(const struct table *t, const json_t *device)
{
    static const struct {
        const char *key, *words;
    } counters[] = {{"lost_bytes", "bytes lost"},
                    {"junk_bytes", "bytes that belong to no message"},
                    {"line_errors", "line errors (parity, framing, overrun)"},
                    {"refusals", "peers refused"}};

    char text[512];
    for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
        int64_t count = jsontext_get_number(device, counters[i].key);
        if (count > 0) {
            (void)snprintf(text, sizeof(text), "%" PRId64 " %s", count, counters[i].words);
            pen_put_note(&t->pen, text, PEN_CARE);
        }
    }
    const json_t *f = json_object_get(device, "last_fault");
    if (json_is_object(f)) {
        const char *note = jsontext_get(f, "note");
        (void)snprintf(text, sizeof(text), "last fault %s, side %s: %s%s%s%s",
                       jsontext_get(f, "at"), jsontext_get(f, "side"), jsontext_get(f, "text"),
                       note[0] != '\0' ? " (" : "", note, note[0] != '\0' ? ")" : "");
        pen_put_note(&t->pen, text, PEN_CARE);
    }
}

static void print_row(const struct table *t, const struct row *row)
{
    struct span rest[COLUMNS];
    for (size_t at = 0; at < COLUMNS; at++) {
        rest[at] = span_of_text(row->cells[at]);
    }
    do {
        print_row_line(t, row, rest);
    } while (has_more(rest));
    if (row->device != NULL) {
        table_revocation_device(&t->pen, row->device, t->now, t->is_mixed);
        table_modbus_device(&t->pen, row->device);
        print_notes(t, row->device);
    }
}

static void print_title(const struct table *t, const json_t *root)
{
    char text[512];
    const json_t *gateway = json_object_get(root, "gateway");
    (void)snprintf(text, sizeof(text), "%s  wardgate %s  generation %" PRId64 " loaded %s",
                   jsontext_get(gateway, "name"), jsontext_get(gateway, "version"),
                   jsontext_get_number(gateway, "generation"), jsontext_get(gateway, "loaded_at"));
    pen_put(&t->pen, span_of_text(text), PEN_PLAIN);
    (void)fprintf(t->pen.to, "\n");
    table_revocation_head(&t->pen, root);
    if (json_array_size(json_object_get(root, "devices")) > 0) {
        (void)fprintf(t->pen.to, "\n");
    }
}

/* 0, or -1 without memory. */
static int print_devices(struct table *t, const json_t *devices)
{
    t->count = json_array_size(devices) + 1;
    t->rows = mem_new(t->count, sizeof(*t->rows));
    if (t->rows == NULL) {
        return -1;
    }
    fill_head(&t->rows[0]);
    for (size_t i = 1; i < t->count; i++) {
        fill_row(&t->rows[i], json_array_get(devices, i - 1));
    }
    choose_widths(t);
    for (size_t i = 0; i < t->count; i++) {
        print_row(t, &t->rows[i]);
    }
    mem_free(t->rows);
    return 0;
}

int table_print(FILE *to, const char *json, const struct table_look *look)
{
    struct table t = {.pen = {to, look->columns, look->is_coloured}};
    json_t *root = json_loads(json, 0, NULL);
    const json_t *gateway = json_object_get(root, "gateway");
    const json_t *devices = json_object_get(root, "devices");
    int code = -1;
    if (json_is_object(gateway) && json_is_array(devices)) {
        t.now = jsontext_get(gateway, "now");
        t.is_mixed = table_revocation_is_mixed(devices);
        print_title(&t, root);
        code = print_devices(&t, devices);
        table_revocation_tail(&t.pen, root);
    }
    json_decref(root);
    return code == 0 && fflush(to) == 0 && ferror(to) == 0 ? 0 : -1;
}
