#include "gateway/jsontext.h"

#include "certs/mem.h"
#include "gateway/safetext.h"
#include "gateway/utc.h"
#include "protocols/bytes.h"

static json_t *safe_string(const char *text)
{
    uint8_t memory[JSONTEXT_MAX];
    struct room safe = room_of(memory, sizeof(memory));
    (void)safetext_put(&safe, text); /* cut when far too long */
    struct span all = room_span(&safe);
    return json_stringn((const char *)all.data, all.len);
}

bool jsontext_set(json_t *object, const char *key, const char *text)
{
    return json_object_set_new(object, key, text == NULL ? json_null() : safe_string(text)) == 0;
}

bool jsontext_append(json_t *array, const char *text)
{
    return json_array_append_new(array, safe_string(text)) == 0;
}

bool jsontext_set_number(json_t *object, const char *key, int64_t number)
{
    return json_object_set_new(object, key, json_integer(number)) == 0;
}

bool jsontext_set_count(json_t *object, const char *key, uint64_t count)
{
    return jsontext_set_number(object, key, count > INT64_MAX ? INT64_MAX : (int64_t)count);
}

bool jsontext_set_time(json_t *object, const char *key, int64_t at_s)
{
    char text[UTC_TEXT_MAX];
    return jsontext_set(object, key, at_s == 0 ? NULL : utc_text(at_s, text));
}

const char *jsontext_get(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

int64_t jsontext_get_number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

char *jsontext_dump(const json_t *root)
{
    if (root == NULL) {
        return NULL;
    }
    /* Asked twice, for the size and for the text, so that the memory is ours (certs/mem.h). */
    size_t len = json_dumpb(root, NULL, 0, JSON_COMPACT);
    char *text = len > 0 ? mem_new(len + 2, 1) : NULL;
    if (text == NULL) {
        return NULL;
    }
    if (json_dumpb(root, text, len, JSON_COMPACT) != len) {
        mem_free(text);
        return NULL;
    }
    text[len] = '\n';
    return text;
}
