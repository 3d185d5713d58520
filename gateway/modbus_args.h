/*
 * Modbus arguments: the command line of `wardgate modbus scan`, identify, read and write.
 *
 * Floor 3, pure but for what is wrong, which is told on stderr.
 */
#ifndef WARDGATE_MODBUS_ARGS_H
#define WARDGATE_MODBUS_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/modbus_tool.h"

enum { MODBUS_ARGS_RATES = 16, MODBUS_ARGS_HOST = 256 };

/* What a subcommand takes. */
struct modbus_args_form {
    const char *name;    /* "scan" */
    const char *letters; /* of its long options: b(aud) p(arity) s(top) t(imeout) u(nit) U(nits)
                            y(es) a(ll) */
    const char *rates;   /* defaults, as written */
    const char *parities;
    const char *units;
    uint32_t timeout_ms;
    const char *help;
};

struct modbus_args {
    struct modbus_tool_settings port; /* rate and parity: the first ones */
    char text[MODBUS_ARGS_HOST];      /* the port as written, behind serial: or tcp: */
    char host[MODBUS_ARGS_HOST];
    uint32_t rates[MODBUS_ARGS_RATES]; /* serial */
    size_t rate_count;
    char parities[4]; /* NUL-terminated */
    bool units[256];
    size_t unit_count;
    uint8_t unit; /* the first of them */
    bool is_sure, wants_all;
    char **words; /* behind the port */
    int word_count;
};

/* Read argv (argv[0] is the subcommand). False: *code is the exit code, all is told. */
bool modbus_args_read(int argc, char **argv, const struct modbus_args_form *form,
                      struct modbus_args *out, int *code);

/* "wardgate modbus NAME: WHAT SUBJECT; try 'wardgate modbus NAME --help'"; COMMAND_USAGE. */
int modbus_args_refuse(const struct modbus_args_form *form, const char *what, const char *subject);

/* A number from 0 to 65535, decimal or 0x0000. Takes it off the front of *text. */
bool modbus_args_take_word(const char **text, uint16_t *out);

#endif
