/*
 * Telling systemd how the service is: the sd_notify protocol, without its library.
 *
 * Floor 3, loop thread only. The struct belongs to its user. Without systemd all of this does
 * nothing.
 */
#ifndef WARDGATE_NOTIFY_H
#define WARDGATE_NOTIFY_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct notify {
    /* private to notify.c, but watchdog_ms */
    int fd; /* -1: nobody wants to hear */
    struct sockaddr_un to;
    socklen_t to_len;
    uint64_t watchdog_ms; /* send WATCHDOG=1 at least this often; 0: not asked for */
};

/* Read NOTIFY_SOCKET (a path, or @abstract), WATCHDOG_USEC and WATCHDOG_PID. A value that cannot
 * be used is as if it were not there. */
void notify_open(struct notify *n);
void notify_close(struct notify *n);

/* Send "READY=1", or several lines at once. Never blocks; a lost message is not told. */
void notify_send(const struct notify *n, const char *lines);

/* Send STATUS=text, what `systemctl status` shows. A newline in the text ends it. */
void notify_status(const struct notify *n, const char *text);

/* The reload protocol of systemd 253 and up: RELOADING=1 with the monotonic clock. */
void notify_reloading(const struct notify *n);

#endif
