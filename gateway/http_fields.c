#include "gateway/http_fields.h"

#include <string.h>
#include <strings.h>

#include "protocols/bytes.h"

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

static struct span without_blanks(struct span text)
{
    uint8_t byte = 0;
    while (span_at(text, 0, &byte) && is_blank(byte)) {
        text = span_after(text, 1);
    }
    while (text.len > 0 && span_at(text, text.len - 1, &byte) && is_blank(byte)) {
        text = span_first(text, text.len - 1);
    }
    return text;
}

/* Names in HTTP have no case. */
static bool is_word(struct span text, const char *word)
{
    return text.len == strlen(word) && strncasecmp((const char *)text.data, word, text.len) == 0;
}

/* Digits only, in quotes or not; a number that is too big is the greatest. -1: not a number. */
static int64_t read_seconds(struct span text)
{
    uint8_t byte = 0;
    uint8_t last = 0;
    if (text.len >= 2 && span_at(text, 0, &byte) && span_at(text, text.len - 1, &last) &&
        byte == '"' && last == '"') {
        text = span_first(span_after(text, 1), text.len - 2);
    }
    int64_t value = text.len > 0 ? 0 : -1;
    while (span_take_u8(&text, &byte)) {
        if (byte < '0' || byte > '9') {
            return -1;
        }
        value = value * 10 + (byte - '0');
        value = value > HTTP_FIELDS_AGE_MAX_S ? HTTP_FIELDS_AGE_MAX_S : value;
    }
    return value;
}

/* One directive; -1 when it says nothing about the age. */
static int64_t read_directive(struct span text)
{
    text = without_blanks(text);
    size_t equals = span_find(text, '=');
    struct span name = span_first(text, equals);
    if (is_word(name, "no-cache") || is_word(name, "no-store")) {
        return 0;
    }
    return is_word(name, "max-age") ? read_seconds(span_after(text, equals + 1)) : -1;
}

int64_t http_fields_max_age(const char *cache_control)
{
    struct span rest = span_of_text(cache_control);
    int64_t least = -1;
    while (rest.len > 0) {
        size_t comma = span_find(rest, ',');
        int64_t age = read_directive(span_first(rest, comma));
        if (age >= 0 && (least < 0 || age < least)) {
            least = age;
        }
        rest = span_after(rest, comma + 1);
    }
    return least;
}

bool http_fields_is_plain(const char *value, size_t cap)
{
    size_t len = strnlen(value, cap);
    if (len == 0 || len >= cap) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (value[i] < ' ' || value[i] > '~') {
            return false;
        }
    }
    return true;
}

bool http_fields_is_type(const char *value, const char *demanded)
{
    if (value == NULL) {
        return false;
    }
    struct span type = span_of_text(value);
    return is_word(without_blanks(span_first(type, span_find(type, ';'))), demanded);
}
