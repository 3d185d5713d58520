/*
 * Port holder: a serial port taken for a command, and who holds it when it cannot be taken.
 *
 * Floor 3, no loop in here.
 */
#ifndef WARDGATE_PORT_HOLDER_H
#define WARDGATE_PORT_HOLDER_H

enum { PORT_HOLDER_WHY_MAX = 256 };

/* Lock the port against the gateway and everybody else who locks (flock). Returns a descriptor that
 * holds the lock until it is closed; or -1 with the reason, in words, at `why`
 * (PORT_HOLDER_WHY_MAX bytes): "/dev/ttyUSB0 is held by wardgate, process 812". */
int port_holder_take(const char *path, char *why);

#endif
