#include "gateway/table.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdint.h>
#include <string.h>

#include "certs/mem.h"
#include "gateway/safetext.h"
#include "protocols/bytes.h"

enum column { DEVICE, STATE, PEER, CERTIFICATE, TO_SERVER, TO_DEVICE, COLUMNS };

enum { CELL_MAX = 200, GAP = 2, NARROWEST = 14, LIST_INDENT = 2 };

enum colour { PLAIN, GOOD, CARE, BAD, DIM };

struct row {
    char cells[COLUMNS][CELL_MAX];
    enum colour state, certificate;
    const json_t *device; /* NULL: the head */
};

struct table {
    struct row *rows;
    size_t count;
    size_t widths[COLUMNS];
    FILE *to;
    const struct table_look *look;
};

static const char *const colours[] = {
    [PLAIN] = "", [GOOD] = "\033[32m", [CARE] = "\033[33m", [BAD] = "\033[31m", [DIM] = "\033[2m",
};

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static int64_t number_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

/* ---- cells ---- */

/* "12 msg, 3.4 kB": powers of 1000, as disks and lines are measured. */
static void write_traffic(char *out, const json_t *device, const char *direction)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    int64_t messages = number_of(json_object_get(device, "messages"), direction);
    int64_t bytes = number_of(json_object_get(device, "bytes"), direction);
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

static enum colour write_certificate(char *out, const json_t *device)
{
    int64_t days = number_of(json_object_get(device, "certificate"), "days_left");
    if (days < 0) {
        (void)snprintf(out, CELL_MAX, "EXPIRED");
        return BAD;
    }
    (void)snprintf(out, CELL_MAX, "%" PRId64 " day%s left", days, days == 1 ? "" : "s");
    return days < 30 ? CARE : GOOD;
}

static void write_peer(char *out, const json_t *device)
{
    int64_t others = number_of(device, "link_total") - 1;
    const char *peer = text_of(device, "peer");
    if (others > 0) {
        (void)snprintf(out, CELL_MAX, "%s and %" PRId64 " more", peer, others);
    } else {
        (void)snprintf(out, CELL_MAX, "%s", peer[0] != '\0' ? peer : "-");
    }
}

static enum colour colour_of_state(const char *state)
{
    if (strcmp(state, "up") == 0) {
        return GOOD;
    }
    return strcmp(state, "device-gone") == 0 ? BAD : CARE;
}

/* "up: data flows"; only the words where they say it all. */
static void write_state(char *out, const json_t *device)
{
    const char *state = text_of(device, "state");
    const char *words = text_of(device, "words");
    bool is_up = strcmp(state, "up") == 0;
    (void)snprintf(out, CELL_MAX, "%s%s", is_up ? "up: " : "", words[0] != '\0' ? words : state);
}

static void fill_row(struct row *row, const json_t *device)
{
    row->device = device;
    (void)snprintf(row->cells[DEVICE], CELL_MAX, "%s", text_of(device, "name"));
    write_state(row->cells[STATE], device);
    row->state = colour_of_state(text_of(device, "state"));
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
    size_t over = total > t->look->columns ? total - t->look->columns : 0;
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
    if (t->look->columns > 0) {
        for (size_t i = 0; i < sizeof(shrinkable) / sizeof(shrinkable[0]); i++) {
            shrink(t, shrinkable[i]);
        }
    }
}

/* Take a line of at most `width` columns off the front, at a blank where there is one. */
static struct span take_line(struct span *text, size_t width)
{
    size_t columns = 0;
    size_t end = 0;
    size_t blank = 0;
    uint8_t byte = 0;
    while (end < text->len) {
        (void)span_at(*text, end, &byte); /* inside */
        bool is_start = (byte & 0xc0) != 0x80;
        if (is_start && columns == width) {
            break;
        }
        columns += is_start;
        blank = byte == ' ' ? end : blank;
        end++;
    }
    (void)span_at(*text, end, &byte);
    if (end < text->len && byte != ' ' && blank > 0) {
        end = blank;
    }
    struct span line = span_first(*text, end);
    *text = span_after(*text, end);
    while (span_at(*text, 0, &byte) && byte == ' ') {
        *text = span_after(*text, 1);
    }
    return line;
}

static size_t columns_of(struct span text)
{
    size_t columns = 0;
    uint8_t byte = 0;
    while (span_take_u8(&text, &byte)) {
        columns += (byte & 0xc0) != 0x80;
    }
    return columns;
}

/* ---- printing ---- */

static void put_coloured(const struct table *t, struct span text, enum colour colour)
{
    bool is_coloured = t->look->is_coloured && colour != PLAIN && text.len > 0;
    (void)fprintf(t->to, "%s%.*s%s", is_coloured ? colours[colour] : "", (int)text.len,
                  (const char *)text.data, is_coloured ? "\033[0m" : "");
}

static enum colour cell_colour(const struct row *row, enum column at)
{
    if (row->device == NULL) {
        return DIM;
    }
    if (at == STATE) {
        return row->state;
    }
    return at == CERTIFICATE ? row->certificate : PLAIN;
}

/* One line of the row; what does not fit stays in rest. */
static void print_row_line(const struct table *t, const struct row *row, struct span *rest)
{
    size_t owed = 0; /* blanks are printed only when something follows */
    for (size_t at = 0; at < COLUMNS; at++) {
        struct span line = take_line(&rest[at], t->widths[at]);
        if (line.len > 0) {
            (void)fprintf(t->to, "%*s", (int)owed, "");
            put_coloured(t, line, cell_colour(row, (enum column)at));
            owed = 0;
        }
        owed += t->widths[at] - columns_of(line) + GAP;
    }
    (void)fprintf(t->to, "\n");
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

static void print_wrapped(const struct table *t, const char *text, enum colour colour)
{
    struct span rest = span_of_text(text);
    size_t width = t->look->columns > LIST_INDENT + NARROWEST ? t->look->columns - LIST_INDENT
                                                              : SIZE_MAX;
    while (rest.len > 0) {
        (void)fprintf(t->to, "%*s", LIST_INDENT, "");
        put_coloured(t, take_line(&rest, width), colour);
        (void)fprintf(t->to, "\n");
    }
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
        int64_t count = number_of(device, counters[i].key);
        if (count > 0) {
            (void)snprintf(text, sizeof(text), "%" PRId64 " %s", count, counters[i].words);
            print_wrapped(t, text, CARE);
        }
    }
    const json_t *f = json_object_get(device, "last_fault");
    if (json_is_object(f)) {
        const char *note = text_of(f, "note");
        (void)snprintf(text, sizeof(text), "last fault %s, side %s: %s%s%s%s", text_of(f, "at"),
                       text_of(f, "side"), text_of(f, "text"), note[0] != '\0' ? " (" : "", note,
                       note[0] != '\0' ? ")" : "");
        print_wrapped(t, text, CARE);
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
        print_notes(t, row->device);
    }
}

/* How revocation stands: OFF when any device has it off. */
static const char *revocation_words(const json_t *devices)
{
    for (size_t i = 0; i < json_array_size(devices); i++) {
        if (strcmp(text_of(json_array_get(devices, i), "revocation"), "off") == 0) {
            return "OFF";
        }
    }
    return "on";
}

static void print_title(const struct table *t, const json_t *gateway, const json_t *devices)
{
    char text[512];
    (void)snprintf(text, sizeof(text), "%s  wardgate %s  generation %" PRId64 " loaded %s",
                   text_of(gateway, "name"), text_of(gateway, "version"),
                   number_of(gateway, "generation"), text_of(gateway, "loaded_at"));
    put_coloured(t, span_of_text(text), PLAIN);
    (void)fprintf(t->to, "\n");
    if (json_array_size(devices) > 0) {
        const char *words = revocation_words(devices);
        (void)fprintf(t->to, "revocation: ");
        put_coloured(t, span_of_text(words), strcmp(words, "OFF") == 0 ? CARE : GOOD);
        (void)fprintf(t->to, "\n\n");
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
    struct table t = {.to = to, .look = look};
    json_t *root = json_loads(json, 0, NULL);
    const json_t *gateway = json_object_get(root, "gateway");
    const json_t *devices = json_object_get(root, "devices");
    int code = -1;
    if (json_is_object(gateway) && json_is_array(devices)) {
        print_title(&t, gateway, devices);
        code = print_devices(&t, devices);
    }
    json_decref(root);
    return code == 0 && fflush(to) == 0 && ferror(to) == 0 ? 0 : -1;
}
