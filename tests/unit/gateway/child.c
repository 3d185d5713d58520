#include "tests/unit/gateway/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

void child_start(struct child *c, const char *const *argv)
{
    int ends[2];
    memset(c, 0, sizeof(*c));
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    c->pid = fork();
    cr_assert_geq(c->pid, 0);
    if (c->pid == 0) {
        char *const *args = NULL;
        memcpy(&args, &argv,
               sizeof(args)); /* execvp takes them without const, and does not write */
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)signal(SIGPIPE, SIG_DFL);
        (void)dup2(ends[1], STDIN_FILENO);
        (void)dup2(ends[1], STDOUT_FILENO);
        (void)dup2(ends[1], STDERR_FILENO);
        (void)execvp(args[0], args);
        _exit(127);
    }
    close(ends[1]);
    c->fd = ends[0];
    cr_assert_eq(fcntl(c->fd, F_SETFL, O_NONBLOCK), 0);
}

void child_until(struct bench *b, struct child *c, const char *text)
{
    while (strstr(c->text, text) == NULL) {
        ssize_t got = read(c->fd, c->text + c->len, sizeof(c->text) - 1 - c->len);
        cr_assert_neq(got, 0, "the child ended: %s", c->text);
        if (got > 0) {
            c->len += (size_t)got;
            continue;
        }
        struct pollfd p = {.fd = c->fd, .events = POLLIN};
        (void)poll(&p, 1, 1);
        bench_turn(b);
    }
}

void child_put(const struct child *c, const char *text)
{
    cr_assert_eq(write(c->fd, text, strlen(text)), (ssize_t)strlen(text));
}

void child_stop(struct child *c)
{
    if (c->pid == 0) {
        return; /* never started: pid 0 would be ourselves and all our group */
    }
    close(c->fd);
    (void)kill(c->pid, SIGKILL);
    (void)waitpid(c->pid, NULL, 0);
}
