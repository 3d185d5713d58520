/*
 * The log: one line per event on stderr, with a journal priority; text (key=value) or JSON.
 *
 * Floor 3. The only global state of the program: format and level. Loop thread only. Payload never
 * comes here: a value is a name, a number, an address, a certificate's serial.
 */
#ifndef WARDGATE_LOG_H
#define WARDGATE_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "protocols/fault.h"

/* One "key=value". Exactly one of text and number is used: number when text is NULL. */
struct log_field {
    const char *key;
    const char *text;
    int64_t number;
};

#define LOG_TEXT(k, v)   ((struct log_field){.key = (k), .text = (v)})
#define LOG_NUMBER(k, v) ((struct log_field){.key = (k), .text = NULL, .number = (int64_t)(v)})

/* Set format and level (initially text, info). */
void log_setup(enum conf_log_format format, enum conf_log_level level);

/* Write one line. `event` is a stable word ("link-up", "reload"); device may be NULL. Each line is
 * one write(2). Control characters in values are escaped. A field whose text is "" is left out. */
void log_event(enum conf_log_level level, const char *device, const char *event,
               const struct log_field *fields, size_t count);

/* The same with a fault: adds code, side and note. */
void log_fault(enum conf_log_level level, const char *device, const char *event,
               const struct fault *f);

/* One line "configuration-warning" for each. */
void log_warnings(const struct problems *warnings);

#endif
