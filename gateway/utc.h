/*
 * Moments as people and programs read them: RFC 3339 in UTC, "2026-03-01T06:30:00Z".
 *
 * Floor 3, pure.
 */
#ifndef WARDGATE_UTC_H
#define WARDGATE_UTC_H

#include <stdint.h>

enum { UTC_TEXT_MAX = 32 };

/* at_s: seconds since 1970. A year outside 0..9999 gives "". Returns `out`, NUL-terminated. */
const char *utc_text(int64_t at_s, char out[UTC_TEXT_MAX]);

#endif
