/*
 * The list of what is wrong with a configuration, each with its file and line.
 *
 * Floor 2. Whoever makes the list frees it.
 */
#ifndef WARDGATE_PROBLEMS_H
#define WARDGATE_PROBLEMS_H

#include <stddef.h>

struct problems;

/* NULL when there is no memory. */
struct problems *problems_new(void);
void problems_free(struct problems *p);

/* Note one problem: what is wrong, and what would be right. line 0: the file as a whole. Texts are
 * copied. Out of memory is remembered and shown as a problem of its own. */
void problems_add(struct problems *p, const char *file, int line, const char *wrong,
                  const char *right);

size_t problems_count(const struct problems *p);

/* Problem number `at` as "FILE:LINE: what is wrong; right: what would be right" (no newline), in
 * the order of file and line. Valid until the next problems_add or problems_free. */
const char *problems_text(const struct problems *p, size_t at);

#endif
