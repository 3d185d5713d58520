/*
 * Reasons: the lines that say how a verdict came about, for `wardgate verify` and for the log.
 *
 * Floor 1. The judges write, a command reads. Lines are cut when too long; when the list is full
 * the last line says so. A NULL list is fine everywhere: nothing is kept.
 */
#ifndef WARDGATE_REASONS_H
#define WARDGATE_REASONS_H

#include <stdbool.h>
#include <stddef.h>

enum { REASONS_LINE_MAX = 240, REASONS_MAX = 256 };

enum reasons_mark {
    REASONS_NOTE,   /* neither helps nor hurts: evidence that is no information, and why */
    REASONS_PASS,   /* a check that passed */
    REASONS_REFUSE, /* a check that decided against */
};

struct reasons_line {
    enum reasons_mark mark;
    int level; /* which certificate: 0 the leaf, 1 its issuer …; -1 the chain as a whole */
    char text[REASONS_LINE_MAX];
};

struct reasons {
    struct reasons_line lines[REASONS_MAX];
    size_t count;
};

/* Append one line; a and b are joined (b may be NULL). */
void reasons_add(struct reasons *r, enum reasons_mark mark, int level, const char *a,
                 const char *b);

/* The first REFUSE line's text, or NULL. */
const char *reasons_decision(const struct reasons *r);

#endif
