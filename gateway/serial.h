/*
 * Serial: the system calls that make a tty a clean byte pipe, and that read its state.
 *
 * Floor 3, no loop in here. The file descriptor belongs to the caller. Everything returns at once.
 *
 * A port is held exclusively in two ways: flock, which other programs of this kind and we ourselves
 * respect, and TIOCEXCL, which keeps everybody but root out. Errors of parity and framing are
 * marked in the input (PARMRK, see protocols/parmrk.h). What a driver lacks and nobody asked for
 * (line counters, low latency) is done without; what was asked for in the configuration and did not
 * take is a fault that names it. A pseudo-terminal has no line: rate, size and parity are not
 * checked.
 */
#ifndef WARDGATE_SERIAL_H
#define WARDGATE_SERIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "protocols/fault.h"

/* Open non-blocking, lock, set raw mode and `line`, discard what came in before. Returns the file
 * descriptor (0..), or a fault code with *f (side device): FAULT_OPEN (no such node, no permission,
 * no tty, no hardware), FAULT_BUSY (another program holds it), FAULT_CONFIG (the driver refused a
 * setting; the note names it), FAULT_IO. The note begins with the path. */
int serial_open(const char *path, const struct conf_line *line, struct fault *f);

/* Bytes that the kernel has taken and not put on the line yet; 0 when the port is gone. */
size_t serial_count_unsent(int fd);

/* Before close(2): drop what was not sent yet, so that closing does not wait for a line that is
 * stopped by flow control, and let others open the port. */
void serial_release(int fd);

/* Was the port unplugged or hung up? */
bool serial_is_gone(int fd);

/* The driver's count of parity, framing, break and overrun events since it was loaded; wraps at 32
 * bits. False when the driver does not count: *count is then unchanged. */
bool serial_take_count(int fd, uint32_t *count);

#endif
