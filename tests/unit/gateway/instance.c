#include "tests/unit/gateway/instance.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "gateway/ask.h"
#include "gateway/command.h"
#include "tests/unit/gateway/folder.h"

/* A child's state is looked at again and again, 10 ms apart, 5 s in all. */
enum { LOOKS = 500, LOOK_US = 10000 };

static void configure(const struct instance *i, const char *way, const char *extra)
{
    char here[256];
    cr_assert_not_null(getcwd(here, sizeof(here)));
    FILE *file = fopen(i->conf, "w");
    cr_assert_not_null(file);
    (void)fprintf(file,
                  "[gateway]\nname = test\nstate_dir = state\ncontrol = c\n"
                  "[trust hospital]\nanchors = %s/build/pki/root.pem\nrevocation = off\n"
                  "[device pump-12]\nport = tcp:127.0.0.1:9\nprotocol = mllp\n"
                  "%s\ncertificate = %s/build/pki/pump-12.pem\n"
                  "key = %s/build/pki/pump-12.key\ntrust = hospital\n%s",
                  here, way, here, here, extra);
    cr_assert_eq(fclose(file), 0);
}

void instance_configure(const struct instance *i, const char *extra)
{
    configure(i, "connect = 127.0.0.1:9", extra);
}

void instance_listen(const struct instance *i, const char *port)
{
    char way[64];
    (void)snprintf(way, sizeof(way), "listen = 127.0.0.1:%s", port);
    configure(i, way, "allow = dns:bms.hospital.example\n");
}

void instance_prepare(struct instance *i)
{
    *i = (struct instance){.folder = "/tmp/wardgate-test-XXXXXX"};
    cr_assert_not_null(mkdtemp(i->folder));
    (void)snprintf(i->conf, sizeof(i->conf), "%s/conf", i->folder);
    (void)snprintf(i->control, sizeof(i->control), "%s/c", i->folder);
    (void)snprintf(i->log, sizeof(i->log), "%s/log", i->folder);
    instance_configure(i, "");
}

static bool has_ended(struct instance *i)
{
    siginfo_t info = {.si_pid = 0};
    return waitid(P_PID, (id_t)i->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
}

/* Its loop runs, and with it its signal handlers are there. */
static bool answers(const struct instance *i)
{
    struct fault f;
    char *answer = ask_path(i->control, "status", 5, &f);
    mem_free(answer);
    return answer != NULL;
}

void instance_start(struct instance *i)
{
    i->pid = fork();
    cr_assert_geq(i->pid, 0);
    if (i->pid == 0) {
        int fd = open(i->log, O_CREAT | O_WRONLY | O_TRUNC, 0600);
        dup2(fd, STDERR_FILENO);
        struct command_options options = {.conf_path = i->conf};
        _exit(cmd_run(&options));
    }
    for (int look = 0; look < LOOKS && !has_ended(i) && !answers(i); look++) {
        usleep(LOOK_US);
    }
}

int instance_wait(struct instance *i)
{
    int status = 0;
    for (int look = 0; look < LOOKS && !has_ended(i); look++) {
        usleep(LOOK_US);
    }
    if (!has_ended(i)) {
        kill(i->pid, SIGKILL); /* so that a red test leaves nothing */
    }
    cr_assert_eq(waitpid(i->pid, &status, 0), i->pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool holds(const struct instance *i, const char *text)
{
    static char log[65536];
    int fd = open(i->log, O_RDONLY);
    ssize_t len = fd >= 0 ? read(fd, log, sizeof(log) - 1) : 0;
    log[len > 0 ? len : 0] = '\0';
    close(fd);
    return strstr(log, text) != NULL;
}

bool instance_logs(const struct instance *i, const char *text)
{
    for (int look = 0; look < LOOKS; look++) {
        if (holds(i, text)) {
            return true;
        }
        usleep(LOOK_US);
    }
    return false;
}

void instance_clean(const struct instance *i)
{
    char lock[112], state[96];
    (void)snprintf(state, sizeof(state), "%s/state", i->folder);
    folder_remove_tree(state);
    (void)snprintf(lock, sizeof(lock), "%s.lock", i->control);
    unlink(i->conf);
    unlink(i->log);
    unlink(lock);
    cr_expect_eq(rmdir(i->folder), 0, "%s is not empty", i->folder);
}
