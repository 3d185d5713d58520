#include "gateway/log.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "gateway/jsontext.h"
#include "gateway/safetext.h"
#include "gateway/utc.h"
#include "protocols/bytes.h"

/* A write(2) of at most PIPE_BUF (4096) bytes to a pipe is never mixed with another writer's. */
enum { LINE_MAX_LEN = JSONTEXT_MAX, NUMBER_MAX = 24 };

static struct {
    enum conf_log_format format;
    enum conf_log_level level;
} settings = {CONF_LOG_TEXT, CONF_LOG_INFO};

void log_setup(enum conf_log_format format, enum conf_log_level level)
{
    settings.format = format;
    settings.level = level;
}

/* The number that journald reads in "<N>" at the start of a line (sd-daemon(3)). */
static const char *level_prefix(enum conf_log_level level)
{
    switch (level) {
    case CONF_LOG_ERROR:
        return "<3>";
    case CONF_LOG_WARNING:
        return "<4>";
    case CONF_LOG_INFO:
        return "<6>";
    case CONF_LOG_DEBUG:
        return "<7>";
    }
    return "<3>";
}

static const char *level_name(enum conf_log_level level)
{
    switch (level) {
    case CONF_LOG_ERROR:
        return "error";
    case CONF_LOG_WARNING:
        return "warning";
    case CONF_LOG_INFO:
        return "info";
    case CONF_LOG_DEBUG:
        return "debug";
    }
    return "error";
}

/* Is stderr the journal's own socket? systemd says which one that is (systemd.exec(5)). */
static bool is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat st;
    char expected[64];
    if (stream == NULL || fstat(STDERR_FILENO, &st) != 0) {
        return false;
    }
    (void)snprintf(expected, sizeof(expected), "%llu:%llu", (unsigned long long)st.st_dev,
                   (unsigned long long)st.st_ino);
    return strcmp(stream, expected) == 0;
}

static void put_text(struct room *line, const char *text)
{
    (void)room_put(line, span_of_text(text)); /* the line has room for all that we say ourselves */
}

/* One write(2) for the line; more only when the kernel took a part. Nobody can be told that stderr
 * is gone, so failure is dropped. */
static void write_line(struct span line)
{
    while (line.len > 0) {
        ssize_t n = write(STDERR_FILENO, line.data, line.len);
        if (n < 0 && errno != EINTR) {
            return;
        }
        line = span_after(line, n > 0 ? (size_t)n : 0);
    }
}

static const char *number_text(const struct log_field *field, char out[NUMBER_MAX])
{
    (void)snprintf(out, NUMBER_MAX, "%lld", (long long)field->number);
    return out;
}

/* " key=value", as a whole or not at all. */
static void put_field(struct room *line, const char *key, const char *value)
{
    struct room longer = *line;
    if (room_put_u8(&longer, ' ') && room_put(&longer, span_of_text(key)) &&
        room_put_u8(&longer, '=') && safetext_put_value(&longer, value)) {
        *line = longer;
    }
}

static void put_start(struct room *line, enum conf_log_level level)
{
    char stamp[UTC_TEXT_MAX];
    if (!isatty(STDERR_FILENO)) {
        put_text(line, level_prefix(level));
        return;
    }
    put_text(line, utc_text((int64_t)time(NULL), stamp));
    put_text(line, " ");
    put_text(line, level_name(level));
    put_text(line, " ");
}

static void write_text(enum conf_log_level level, const char *device, const char *event,
                       const struct log_field *fields, size_t count)
{
    uint8_t memory[LINE_MAX_LEN];
    char number[NUMBER_MAX];
    struct room line = room_of(memory, sizeof(memory) - 1); /* one byte is kept for the newline */
    put_start(&line, level);
    put_text(&line, event);
    if (device != NULL && device[0] != '\0') {
        put_field(&line, "device", device);
    }
    for (size_t i = 0; i < count; i++) {
        const char *text = fields[i].text;
        if (text == NULL) {
            text = number_text(&fields[i], number);
        }
        if (text[0] != '\0') {
            put_field(&line, fields[i].key, text);
        }
    }
    line.cap++;
    put_text(&line, "\n");
    write_line(room_span(&line));
}

static bool set_field(json_t *object, const struct log_field *field)
{
    if (field->text == NULL) {
        return jsontext_set_number(object, field->key, field->number);
    }
    return field->text[0] == '\0' || jsontext_set(object, field->key, field->text);
}

/* False when there is no memory or the line got too long: the caller then writes text instead. */
static bool write_json(enum conf_log_level level, const char *device, const char *event,
                       const struct log_field *fields, size_t count)
{
    char json[LINE_MAX_LEN];
    uint8_t memory[LINE_MAX_LEN];
    char stamp[UTC_TEXT_MAX];
    json_t *object = json_object();
    bool is_made = object != NULL &&
                   jsontext_set(object, "time", utc_text((int64_t)time(NULL), stamp)) &&
                   jsontext_set(object, "level", level_name(level)) &&
                   jsontext_set(object, "event", event);
    if (is_made && device != NULL && device[0] != '\0') {
        is_made = jsontext_set(object, "device", device);
    }
    for (size_t i = 0; is_made && i < count; i++) {
        is_made = set_field(object, &fields[i]);
    }
    size_t len = is_made ? json_dumpb(object, json, sizeof(json), JSON_COMPACT) : 0;
    json_decref(object);
    struct room line = room_of(memory, sizeof(memory));
    put_text(&line, is_journal() ? level_prefix(level) : "");
    if (len == 0 || len > sizeof(json) || !room_put(&line, span_of(json, len)) ||
        !room_put_u8(&line, '\n')) {
        return false;
    }
    write_line(room_span(&line));
    return true;
}

void log_event(enum conf_log_level level, const char *device, const char *event,
               const struct log_field *fields, size_t count)
{
    if (level > settings.level) {
        return;
    }
    if (settings.format == CONF_LOG_JSON && write_json(level, device, event, fields, count)) {
        return;
    }
    write_text(level, device, event, fields, count);
}

void log_fault(enum conf_log_level level, const char *device, const char *event,
               const struct fault *f)
{
    const struct log_field fields[] = {
        LOG_TEXT("code", fault_code_name(f->code)),
        LOG_TEXT("side", fault_side_name(f->side)),
        LOG_TEXT("note", f->note),
    };
    log_event(level, device, event, fields, sizeof(fields) / sizeof(fields[0]));
}

void log_warnings(const struct problems *warnings)
{
    for (size_t i = 0; i < problems_count(warnings); i++) {
        const struct log_field field = LOG_TEXT("warning", problems_text(warnings, i));
        log_event(CONF_LOG_WARNING, NULL, "configuration-warning", &field, 1);
    }
}
