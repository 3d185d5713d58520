/*
 * Rule text: one item of a role's read, write or when becomes rules or a window.
 *
 * Floor 2, pure, fuzzed: no allocation, no files, no clock. Texts are NUL-terminated and without
 * blanks at either end. Outputs are written only on success.
 */
#ifndef WARDGATE_RULE_TEXT_H
#define WARDGATE_RULE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/values.h"
#include "protocols/modbus_policy.h"

enum { RULE_TEXT_RULES_MAX = 10 }; /* of one item: `all` has most */

struct rule_text {
    bool is_none;
    size_t count;                                  /* 0 with none */
    struct modbus_rule rules[RULE_TEXT_RULES_MAX]; /* without role, windows and place */
};

/* "holding 40-41 value 0-1200", "unit 2 coils 3", "function 43", "all", "none". writes: the item
 * stands in a list of what may be written. 0, or -1 with *why. */
int rule_text_item(const char *text, bool writes, struct rule_text *out, struct values_error *why);

/* "mon-fri 07:00-19:00", "sat", "22:00-06:00". A part of a day that ends where it begins is empty.
 * 0, or -1 with *why. */
int rule_text_window(const char *text, struct modbus_window *out, struct values_error *why);

#endif
