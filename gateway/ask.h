/*
 * The other end of the control socket: a command asks the running gateway.
 *
 * Floor 3. Blocks: for commands only, never in the gateway's process.
 */
#ifndef WARDGATE_ASK_H
#define WARDGATE_ASK_H

#include "protocols/fault.h"

/* Send one request (a word, or a word, a blank and its arguments: see control.h; no newline) to the
 * control socket at `path` and return the whole answer (caller frees with mem_free). wait_s bounds
 * each wait for the next bytes, 1 s and more. NULL with *f: FAULT_OPEN (no permission, path too
 * long), FAULT_REFUSED (no gateway runs there), FAULT_TIMEOUT, FAULT_CLOSED (it ended without an
 * answer), FAULT_TOO_LONG (request or answer), FAULT_MEMORY, FAULT_IO. The note is a sentence. */
char *ask_path(const char *path, const char *request, unsigned wait_s, struct fault *f);

/* The same for the gateway that uses this configuration file. `command` is what the person typed
 * ("revocation refresh"), for messages. Says on stderr what is wrong; NULL with *exit_code then. */
char *ask_gateway(const char *conf_path, const char *command, const char *request, unsigned wait_s,
                  int *exit_code);

#endif
