#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "gateway/notify.h"

static struct notify n;

/* A socket as systemd would have it; its name goes to the environment. */
static int listen_as_systemd(const char *name)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    size_t len = strlen(name);
    memcpy(at.sun_path, name, len);
    if (name[0] == '@') {
        at.sun_path[0] = '\0';
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&at, (socklen_t)(sizeof(sa_family_t) + len)), 0);
    setenv("NOTIFY_SOCKET", name, 1);
    return fd;
}

static const char *heard(int fd)
{
    static char text[512];
    ssize_t len = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
    text[len > 0 ? len : 0] = '\0';
    return text;
}

Test(notify, says_nothing_without_systemd)
{
    unsetenv("NOTIFY_SOCKET");
    notify_open(&n);
    cr_expect_lt(n.fd, 0);
    cr_expect_eq(n.watchdog_ms, 0);
    notify_send(&n, "READY=1");
    notify_close(&n);
}

Test(notify, reaches_an_abstract_socket)
{
    char name[64];
    (void)snprintf(name, sizeof(name), "@wardgate-test-%ld", (long)getpid());
    int fd = listen_as_systemd(name);
    notify_open(&n);
    notify_send(&n, "READY=1\nSTATUS=x");
    cr_expect_str_eq(heard(fd), "READY=1\nSTATUS=x");
    notify_close(&n);
}

Test(notify, reaches_a_socket_with_a_path)
{
    char name[] = "/tmp/wardgate-test-XXXXXX";
    cr_assert_not_null(mkdtemp(name));
    char path[64];
    (void)snprintf(path, sizeof(path), "%s/n", name);
    int fd = listen_as_systemd(path);
    notify_open(&n);
    notify_status(&n, "2 links\nREADY=1");
    cr_expect_str_eq(heard(fd), "STATUS=2 links");
    notify_close(&n);
    unlink(path);
    rmdir(name);
}

Test(notify, tells_a_reload_with_its_moment)
{
    char name[64];
    (void)snprintf(name, sizeof(name), "@wardgate-test-%ld", (long)getpid());
    int fd = listen_as_systemd(name);
    notify_open(&n);
    notify_reloading(&n);
    cr_expect_eq(strncmp(heard(fd), "RELOADING=1\nMONOTONIC_USEC=", 27), 0);
    notify_close(&n);
}

static uint64_t watchdog_of(const char *usec, const char *pid)
{
    setenv("NOTIFY_SOCKET", "@wardgate-test", 1);
    setenv("WATCHDOG_USEC", usec, 1);
    if (pid != NULL) {
        setenv("WATCHDOG_PID", pid, 1);
    } else {
        unsetenv("WATCHDOG_PID");
    }
    notify_open(&n);
    notify_close(&n);
    return n.watchdog_ms;
}

Test(notify, feeds_the_watchdog_at_half_its_time)
{
    char mine[32];
    char other[32];
    (void)snprintf(mine, sizeof(mine), "%ld", (long)getpid());
    (void)snprintf(other, sizeof(other), "%ld", (long)getpid() + 1);
    cr_expect_eq(watchdog_of("10000000", NULL), 5000);
    cr_expect_eq(watchdog_of("10000000", mine), 5000);
    cr_expect_eq(watchdog_of("10000000", other), 0);
    cr_expect_eq(watchdog_of("1", NULL), 1);
    cr_expect_eq(watchdog_of("0", NULL), 0);
    cr_expect_eq(watchdog_of("10s", NULL), 0);
    cr_expect_eq(watchdog_of("-1", NULL), 0);
    cr_expect_eq(watchdog_of("99999999999999999999", NULL), 0);
    cr_expect_eq(watchdog_of("10000000", "x"), 0);
}

Test(notify, ignores_a_socket_name_that_cannot_be_one)
{
    char huge[200];
    memset(huge, '/', sizeof(huge) - 1);
    huge[sizeof(huge) - 1] = '\0';
    const char *bad[] = {"", "/", "relative", huge};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        setenv("NOTIFY_SOCKET", bad[i], 1);
        notify_open(&n);
        cr_expect_lt(n.fd, 0, "%s", bad[i]);
    }
}
