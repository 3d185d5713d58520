/*
 * Modbus commands: `wardgate modbus SUBCOMMAND`, each with arguments of its own.
 *
 * Floor 3. argv[0] is the subcommand's name. Each returns the exit code and has told on stderr what
 * went wrong. A new one is a row of the table in cmd_modbus.c and a file cmd_modbus_*.c.
 */
#ifndef WARDGATE_CMD_MODBUS_H
#define WARDGATE_CMD_MODBUS_H

/* Which rule decides about a request, and why. COMMAND_OK: allowed; COMMAND_REFUSED: denied. */
int cmd_modbus_explain(int argc, char **argv);

#endif
