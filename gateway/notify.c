#include "gateway/notify.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The address in sd_notify(3)'s spelling. False: none that can be used. */
static bool read_address(const char *text, struct notify *n)
{
    size_t len = text == NULL ? 0 : strlen(text);
    if (len < 2 || len >= sizeof(n->to.sun_path) || (text[0] != '/' && text[0] != '@')) {
        return false;
    }
    memset(&n->to, 0, sizeof(n->to));
    n->to.sun_family = AF_UNIX;
    memcpy(n->to.sun_path, text, len);
    if (text[0] == '@') {
        n->to.sun_path[0] = '\0'; /* abstract: the length counts, there is no NUL at the end */
    }
    n->to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (text[0] == '/'));
    return true;
}

static bool read_number(const char *text, uint64_t *out)
{
    char *end = NULL;
    if (text == NULL || text[0] < '0' || text[0] > '9') {
        return false;
    }
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0') {
        return false;
    }
    *out = value;
    return true;
}

/* Half of what systemd allows between two signs of life, in milliseconds. */
static uint64_t read_watchdog(void)
{
    uint64_t pid = 0;
    uint64_t usec = 0;
    /* WATCHDOG_PID may name another process that inherited our environment. */
    if (getenv("WATCHDOG_PID") != NULL &&
        (!read_number(getenv("WATCHDOG_PID"), &pid) || pid != (uint64_t)getpid())) {
        return 0;
    }
    if (!read_number(getenv("WATCHDOG_USEC"), &usec) || usec == 0) {
        return 0;
    }
    return usec / 2000 > 0 ? usec / 2000 : 1;
}

void notify_open(struct notify *n)
{
    n->fd = -1;
    n->watchdog_ms = 0;
    if (!read_address(getenv("NOTIFY_SOCKET"), n)) {
        return;
    }
    n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    n->watchdog_ms = n->fd >= 0 ? read_watchdog() : 0;
}

void notify_close(struct notify *n)
{
    if (n->fd >= 0) {
        (void)close(n->fd); /* nothing was buffered */
    }
    n->fd = -1;
}

void notify_send(const struct notify *n, const char *lines)
{
    if (n->fd >= 0) {
        /* A lost message shows itself: systemd's own time-outs watch READY and WATCHDOG. */
        (void)sendto(n->fd, lines, strlen(lines), MSG_NOSIGNAL, (const struct sockaddr *)&n->to,
                     n->to_len);
    }
}

void notify_status(const struct notify *n, const char *text)
{
    char line[256];
    (void)snprintf(line, sizeof(line), "STATUS=%.*s", (int)strcspn(text, "\n"), text);
    notify_send(n, line);
}

void notify_reloading(const struct notify *n)
{
    struct timespec now;
    char lines[80];
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
    (void)snprintf(lines, sizeof(lines), "RELOADING=1\nMONOTONIC_USEC=%lld",
                   (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    notify_send(n, lines);
}
