/*
 * The one table of configuration keys: section, name, type, default, floor, ceiling, help.
 *
 * Floor 2, frozen data. The reader, `wardgate check --help-config` and the key table of
 * wardgate.conf(5) all come from it.
 */
#ifndef WARDGATE_KEYS_H
#define WARDGATE_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum keys_section { KEYS_GATEWAY, KEYS_TRUST, KEYS_DEVICE };

/* Print the table for people (`--help-config`) or as roff for the man page. Returns 0, or -1 when
 * writing fails. */
int keys_print_text(FILE *to);
int keys_print_roff(FILE *to);

#endif
