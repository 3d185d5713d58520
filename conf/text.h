/*
 * Text: is a line of a file text at all, and where do its blanks end?
 *
 * Floor 2, pure.
 */
#ifndef WARDGATE_TEXT_H
#define WARDGATE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Does it hold a byte below 0x20 other than a tab, or 0x7f? Such bytes would forge log lines. */
bool text_has_control(const char *text, size_t len);

/* Is it UTF-8 (RFC 3629: shortest forms, no surrogates, up to U+10FFFF)? Status and logs are. */
bool text_is_utf8(const char *text, size_t len);

/* The first byte that is no blank (blank or tab). */
const char *text_skip_blanks(const char *text);

/* How many of the first `len` bytes are left when blanks at the end are taken off. */
size_t text_trim(const char *text, size_t len);

/* A hash of the text (FNV-1a), to compare many names quickly. `seed`: 0, or the hash of what stands
 * before it. */
uint64_t text_hash(const char *text, uint64_t seed);

#endif
