/*
 * JSON through jansson, with safe strings: what comes from outside never makes an object fail.
 *
 * Floor 3. Objects belong to their caller (json_decref).
 */
#ifndef WARDGATE_JSONTEXT_H
#define WARDGATE_JSONTEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum { JSONTEXT_MAX = 4096 };

/* object[key] = text, escaped as in safetext.h and cut at JSONTEXT_MAX bytes; NULL becomes null.
 * False: no memory (object may be NULL, which is no memory too). */
bool jsontext_set(json_t *object, const char *key, const char *text);

/* The same at the end of an array. */
bool jsontext_append(json_t *array, const char *text);

/* object[key] = number. False: no memory. A counter over INT64_MAX is shown as INT64_MAX. */
bool jsontext_set_number(json_t *object, const char *key, int64_t number);
bool jsontext_set_count(json_t *object, const char *key, uint64_t count);

/* object[key] = the moment as RFC 3339 in UTC, or null when at_s is 0 (never). False: no memory. */
bool jsontext_set_time(json_t *object, const char *key, int64_t at_s);

/* object[key] as text, "" when it is none; as a number, 0 when it is none. object may be NULL. */
const char *jsontext_get(const json_t *object, const char *key);
int64_t jsontext_get_number(const json_t *object, const char *key);

/* The whole as one line of text with a newline at its end. Caller frees with mem_free. NULL: no
 * memory, or root is NULL. */
char *jsontext_dump(const json_t *root);

#endif
