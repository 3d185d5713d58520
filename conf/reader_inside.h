/*
 * Reader, inside: what reader.c (lines and keys) and reader_section.c (headers, and where a section
 * ends) share.
 *
 * Floor 2.
 */
#ifndef WARDGATE_READER_INSIDE_H
#define WARDGATE_READER_INSIDE_H

#include "conf/reader.h"

enum {
    SAY_MAX = 512,                   /* any sentence about a line of at most 190 bytes */
    LINE_SIZE = READER_LINE_MAX + 2, /* with the line's end and the NUL */
};

/* One text on its way through inih. */
struct reader_pass {
    struct reader *reader;
    const struct reader_source *source;
    struct reader_section *section; /* that lines belong to; NULL: none yet, or a refused one */
    bool skipping;                  /* the header was refused: its keys are not looked at */
    bool no_memory;
    int line;    /* number of the line that inih has */
    int waiting; /* number of a line that inih should find a key in, 0: none */
    const char *text;
    size_t len;
    size_t at;      /* of the next line */
    size_t line_at; /* of the line that inih has */
};

/* reader.c. Note a problem of a line. */
void reader_refuse(struct reader_pass *p, int line, const char *wrong, const char *right);

/* Out of memory: noted once. */
void reader_run_out(struct reader_pass *p);

/* The section as it is, known or taken apart, or NULL. */
struct reader_section *reader_find_section(const struct reader *r, enum keys_section kind,
                                           const char *name);

/* reader_section.c. The present line begins with '[' and is sound: the section above ends, and
 * another one begins, or is refused, or is known and passed over. */
void reader_take_header(struct reader_pass *p, const char *line);

/* The section that lines belonged to, if any, ends before the byte at `end` of the text. */
void reader_end_section(struct reader_pass *p, size_t end);

#endif
