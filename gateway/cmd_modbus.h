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

/* On a port that the gateway does not hold, with libmodbus. COMMAND_REFUSED: no answer, or an
 * exception; COMMAND_UNAVAILABLE: the port cannot be opened, or is held. A signal ends them, with
 * the port as it was. scan: line settings and units. */
int cmd_modbus_scan(int argc, char **argv);

/* Who the device is; what its registers hold; a write, with --yes and once. */
int cmd_modbus_identify(int argc, char **argv);
int cmd_modbus_read(int argc, char **argv);
int cmd_modbus_write(int argc, char **argv);

#endif
