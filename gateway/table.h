/*
 * Status for people: the JSON of the control socket as a table.
 *
 * Floor 3. Pure but for the stream that it prints to.
 */
#ifndef WARDGATE_TABLE_H
#define WARDGATE_TABLE_H

#include <stdbool.h>
#include <stdio.h>

enum { TABLE_COLUMNS_USUAL = 80 };

struct table_look {
    unsigned columns; /* of the terminal: wide cells are wrapped to fit; 0: no limit */
    bool is_coloured; /* by escape sequences; a state is told by its words as well */
};

/* Print. 0, or -1 when the text is no answer to `status`, memory is short or writing fails. */
int table_print(FILE *to, const char *json, const struct table_look *look);

#endif
