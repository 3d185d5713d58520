/*
 * Tests only: libmodbus's RTU slave in a thread, on the master side of a pseudo-terminal. The one
 * file of the unit tests that includes libmodbus is modbus_peer.c.
 */
#ifndef WARDGATE_TEST_MODBUS_PEER_H
#define WARDGATE_TEST_MODBUS_PEER_H

#include <stddef.h>

struct modbus_peer;

/* Start the slave; `path` gets the tty that a master opens. Holding and input register n hold n,
 * until they are written; 64 of each, and 64 coils. */
struct modbus_peer *modbus_peer_start(int unit, char *path, size_t cap);

/* Stop and free. Returns how many requests it served. */
unsigned modbus_peer_stop(struct modbus_peer *p);

#endif
