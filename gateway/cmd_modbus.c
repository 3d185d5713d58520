#include "gateway/cmd_modbus.h"

#include <stdio.h>
#include <string.h>

#include "gateway/command.h"

struct subcommand {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help; /* one line of the list */
};

static const struct subcommand subcommands[] = {
    {"explain", cmd_modbus_explain, "which rule decides about a request, and why"},
    {"scan", cmd_modbus_scan, "find the line settings and the units of devices"},
    {"identify", cmd_modbus_identify, "ask a device who it is"},
    {"read", cmd_modbus_read, "read registers or coils"},
    {"write", cmd_modbus_write, "write registers or coils, once"},
};

enum { SUBCOMMANDS = sizeof(subcommands) / sizeof(subcommands[0]) };

static int print_help(void)
{
    int told = printf("Usage: wardgate modbus SUBCOMMAND [OPTION]...\n"
                      "For Modbus devices and the rules about them.\n"
                      "\n");
    for (size_t i = 0; i < SUBCOMMANDS && told >= 0; i++) {
        told = printf("  %-9s %s\n", subcommands[i].name, subcommands[i].help);
    }
    if (told >= 0) {
        told = printf("\n'wardgate modbus SUBCOMMAND --help' tells more.\n");
    }
    return told < 0 ? COMMAND_INTERNAL : COMMAND_OK;
}

int cmd_modbus(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        return print_help();
    }
    for (size_t i = 0; i < SUBCOMMANDS; i++) {
        if (strcmp(subcommands[i].name, name) == 0) {
            return subcommands[i].run(argc - 1, argv + 1);
        }
    }
    (void)fprintf(stderr, "wardgate modbus: %s%s; try 'wardgate modbus --help'\n",
                  name[0] == '\0' ? "a subcommand is missing" : "unknown subcommand ", name);
    return COMMAND_USAGE;
}
