/*
 * The service around a gateway: signals, reload, control socket, systemd, orderly end.
 *
 * Floor 3, loop thread only. One per process (one per test), made and run by cmd_run.
 */
#ifndef WARDGATE_SERVICE_H
#define WARDGATE_SERVICE_H

#include "conf/conf.h"
#include "gateway/io.h"
#include "protocols/fault.h"

/* Run until SIGTERM or SIGINT: links are drained, a second signal ends at once. SIGHUP and the
 * control socket's `reload` read the configuration anew. Takes conf over. io is borrowed, its loop
 * empty before and after. SIGPIPE must be ignored. Logs what it does.
 * Returns 0, or a fault code with *f when it could not begin: FAULT_OPEN or FAULT_BUSY (an address,
 * the control socket), FAULT_MEMORY, FAULT_IO. */
int service_run(struct io *io, struct conf *conf, struct fault *f);

#endif
