/*
 * Pen: text for people on a terminal, in colour and in lines that fit.
 *
 * Floor 3. Pure but for the stream. Texts are safe already (safetext.h).
 */
#ifndef WARDGATE_PEN_H
#define WARDGATE_PEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "protocols/bytes.h"

enum pen_colour { PEN_PLAIN, PEN_GOOD, PEN_CARE, PEN_BAD, PEN_DIM };

struct pen {
    FILE *to;
    unsigned columns; /* of the terminal; 0: no limit */
    bool is_coloured;
};

/* How many columns it takes: one per character. */
size_t pen_columns(struct span text);

/* Take a line of at most `width` columns off the front, at a blank where there is one; the blanks
 * after it go, too. */
struct span pen_take_line(struct span *text, size_t width);

/* Print as it is, without a newline. */
void pen_put(const struct pen *pen, struct span text, enum pen_colour colour);

/* Print as a note below something: indented by two, in as many lines as it takes. */
void pen_put_note(const struct pen *pen, const char *text, enum pen_colour colour);

#endif
