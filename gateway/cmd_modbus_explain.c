#include <stdio.h>

#include "gateway/cmd_modbus.h"
#include "gateway/command.h"

int cmd_modbus_explain(int argc, char **argv)
{
    (void)argc; /* nothing to explain before there are rules */
    (void)argv;
    (void)fprintf(stderr, "wardgate modbus explain: there are no rules yet\n");
    return COMMAND_USAGE;
}
