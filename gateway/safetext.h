/*
 * Text from outside (a certificate's subject, a file name, a note) made safe to show.
 *
 * Floor 3, pure. One rule for log, JSON and table: control characters, bytes that are not UTF-8,
 * and characters that turn or break a line on a terminal become \xNN, so that nobody can forge a
 * log line or steer a terminal with a certificate's name.
 */
#ifndef WARDGATE_SAFETEXT_H
#define WARDGATE_SAFETEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "protocols/bytes.h"

/* Append `text` with its unsafe bytes escaped. False when it was cut, at the end of a character,
 * because the room is full. */
bool safetext_put(struct room *to, const char *text);

/* Append it as the value of key=value: in double quotes when it is empty or holds a blank, a quote,
 * a backslash or '='; inside the quotes, quote and backslash get a backslash before them.
 * Appends all or nothing: false when it does not fit, the room is then unchanged. */
bool safetext_put_value(struct room *to, const char *text);

/* Write it to `out` (`cap` bytes, 16 at least) with a NUL; what does not fit is cut and ends in
 * "...". For the part of a note that must leave room for the rest. */
void safetext_cut(char *out, size_t cap, const char *text);

/* How many columns a safe text takes on a terminal (one per character). */
size_t safetext_columns(const char *text);

#endif
