/*
 * Patterns: what a device says of itself made plain text, and compared with what is expected.
 *
 * Floor 0, pure. Plain text is printable ASCII: any other byte, and the backslash, is written \xNN,
 * so that it can be shown on any terminal, logged, and copied into the configuration as it is.
 */
#ifndef WARDGATE_PATTERN_H
#define WARDGATE_PATTERN_H

#include <stdbool.h>

#include "protocols/bytes.h"

/* Append `bytes` as plain text, without the NULs and blanks that devices fill up their fields with
 * at the end. False when it does not fit; the room is then unchanged. No NUL is added. */
bool pattern_put_plain(struct room *to, struct span bytes);

/* Is `text` what the pattern says? '*' stands for any bytes, also none; all else for itself. */
bool pattern_matches(struct span pattern, struct span text);

/* A pattern that takes everything, or nothing at all: it would tell nobody apart. */
bool pattern_is_idle(struct span pattern);

#endif
