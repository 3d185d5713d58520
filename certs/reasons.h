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

/* What of a refusal is asked for by the program; its words are for people. */
enum reasons_code {
    REASONS_PLAIN,
    REASONS_OVER,  /* the time of a certificate is over */
    REASONS_AHEAD, /* ... lies ahead */
};

struct reasons_line {
    enum reasons_mark mark;
    enum reasons_code code; /* REASONS_REFUSE only */
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

/* Append a REFUSE line with a code; one of reasons_add is REASONS_PLAIN. */
void reasons_refuse(struct reasons *r, enum reasons_code code, int level, const char *text);

/* The first REFUSE line's text, or NULL. */
const char *reasons_decision(const struct reasons *r);

/* Its code; REASONS_PLAIN when there is none. */
enum reasons_code reasons_decision_code(const struct reasons *r);

#endif
