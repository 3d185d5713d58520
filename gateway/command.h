/*
 * The command line: which command, which options, which exit code.
 *
 * Floor 3. Each command is a cmd_*.c of its own, but for the orders of a person, which have
 * cmd_order.c together; options that a command does not have are refused before it runs.
 */
#ifndef WARDGATE_COMMAND_H
#define WARDGATE_COMMAND_H

#include <stdbool.h>

#define COMMAND_CONF_PATH "/etc/wardgate/wardgate.conf"

/* Exit codes, after sysexits(3). */
enum {
    COMMAND_OK = 0,
    COMMAND_REFUSED = 1, /* verify: the chain is not accepted */
    COMMAND_USAGE = 64,
    COMMAND_UNAVAILABLE =
        69, /* cannot bind or open at start; no gateway answers; a source failed */
    COMMAND_INTERNAL = 70,
    COMMAND_CONFIG = 78,
};

struct command_options {
    const char *conf_path; /* never NULL */
    bool is_json;
    bool is_verbose;
    bool shows_keys;      /* check --help-config */
    bool shows_keys_roff; /* check --help-config=roff, for the manual */
    const char *subject;  /* what the command is about; NULL for a command without one */
    const char *reason;   /* --reason; NULL: not given, as with what follows */
    const char *for_text; /* break-glass --for */
    bool ends;            /* break-glass --end */
};

/* Everything that main does. Returns the exit code. Uses getopt: once per process. */
int command_main(int argc, char **argv);

/* The commands. Each returns the exit code and has told on stderr what went wrong. */
int cmd_run(const struct command_options *options);
int cmd_check(const struct command_options *options);
int cmd_status(const struct command_options *options);
int cmd_reload(const struct command_options *options);
int cmd_version(const struct command_options *options);

/* Orders to the running gateway. They return when the order is in force. */
int cmd_revocation(const struct command_options *options);
int cmd_block(const struct command_options *options);
int cmd_unblock(const struct command_options *options);
int cmd_break_glass(const struct command_options *options);

/* Those with arguments of their own; argv[0] is their name. */
int cmd_verify(int argc, char **argv);
int cmd_modbus(int argc, char **argv);

#endif
