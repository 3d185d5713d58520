/*
 * HTTP header values that the fetcher believes or sends back, read strictly.
 *
 * Floor 3, pure. They come from whoever answers: what is not plain is as if it were not there.
 */
#ifndef WARDGATE_HTTP_FIELDS_H
#define WARDGATE_HTTP_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTTP_FIELDS_AGE_MAX_S = 366 * 86400 };

/* The seconds of max-age in a Cache-Control value, HTTP_FIELDS_AGE_MAX_S at most (RFC
 * 9111 5.2.2.1); 0 for no-cache and no-store; -1 when it says nothing of the kind, or nothing that
 * is a number. */
int64_t http_fields_max_age(const char *cache_control);

/* May this be sent back as it came, as an ETag or a date? Not empty, shorter than `cap`, nothing
 * but visible ASCII and blanks: no line can be smuggled into our next request. */
bool http_fields_is_plain(const char *value, size_t cap);

/* Is the Content-Type `value` (with any parameters) the media type `demanded`? NULL is none. */
bool http_fields_is_type(const char *value, const char *demanded);

#endif
