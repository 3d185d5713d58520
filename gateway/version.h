/*
 * What `wardgate version` prints.
 *
 * Floor 3.
 */
#ifndef WARDGATE_VERSION_H
#define WARDGATE_VERSION_H

#include <stdbool.h>
#include <stdio.h>

/* One line; verbose: the libraries as they run, the TLS algorithms, the licence and what this is
 * not, too. 0, or -1 when writing fails. */
int version_print(FILE *to, bool is_verbose);

#endif
