#include "tests/unit/gateway/link_town.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "gateway/log.h"
#include "tests/unit/gateway/folder.h"

void town_init(struct town *t)
{
    memset(t, 0, sizeof(*t));
    log_setup(CONF_LOG_TEXT, CONF_LOG_WARNING);
    capture_start(&t->errors, STDERR_FILENO);
    bench_init(&t->bench);
    hospital_init(&t->hospitals[0], &t->bench, "hl7");
    hospital_init(&t->hospitals[1], &t->bench, "bms");
    t->hospitals[0].finishes = true;
    hospital_listen(&t->hospitals[0]);
    (void)snprintf(t->folder, sizeof(t->folder), "/tmp/wardgate-town-XXXXXX");
    cr_assert_not_null(mkdtemp(t->folder));
    char *pki = realpath("build/pki", NULL);
    cr_assert_not_null(pki);
    (void)snprintf(t->pki, sizeof(t->pki), "%s", pki);
    free(pki); /* realpath's own */
}

static void town_on_stopped(void *owner)
{
    struct town *t = owner;
    t->stopped++;
}

void town_wait_stopped(struct town *t)
{
    bench_run_until(&t->bench, &t->stopped, 1);
    cr_expect_eq(t->stopped, 1);
    gateway_free(t->gateway);
    t->gateway = NULL;
}

void town_end(struct town *t)
{
    if (t->gateway != NULL) {
        gateway_stop(t->gateway, town_on_stopped, t);
        gateway_stop(t->gateway, town_on_stopped, t);
        town_wait_stopped(t);
    }
    hospital_end(&t->hospitals[0]);
    hospital_end(&t->hospitals[1]);
    bench_end(&t->bench);
    char path[96];
    (void)snprintf(path, sizeof(path), "%s/state", t->folder);
    folder_remove_tree(path);
    (void)snprintf(path, sizeof(path), "%s/wardgate.conf", t->folder);
    (void)unlink(path);
    cr_expect_eq(rmdir(t->folder), 0);
    cr_expect_null(strstr(capture_end(&t->errors), "internal-error"), "%s", t->errors.text);
}

void town_line(struct town *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(t->text + t->len, sizeof(t->text) - t->len, format, args);
    va_end(args);
    cr_assert(len >= 0 && (size_t)len + 1 < sizeof(t->text) - t->len);
    t->len += (size_t)len;
    t->text[t->len++] = '\n';
    t->text[t->len] = '\0';
}

void town_device(struct town *t, const char *name, const char *certificate)
{
    town_line(t, "[device %s]", name);
    town_line(t, "certificate = %s/%s.pem", t->pki, certificate);
    town_line(t, "key = %s/%s.key", t->pki, certificate);
    town_line(t, "trust = hospital");
}

struct conf *town_load(struct town *t)
{
    char path[96];
    (void)snprintf(path, sizeof(path), "%s/wardgate.conf", t->folder);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    cr_assert_gt(fprintf(file,
                         "[gateway]\nname = town\nstate_dir = state\ncontrol = control.sock\n"
                         "[trust hospital]\nanchors = %s/root.pem\nrevocation = off\n%s",
                         t->pki, t->text),
                 0);
    cr_assert_eq(fclose(file), 0);
    t->len = 0;
    t->text[0] = '\0';
    struct problems *problems = problems_new();
    struct conf *conf = conf_load(path, io_wall_s(), problems);
    cr_assert_not_null(conf, "%s", problems_count(problems) > 0 ? problems_text(problems, 0) : "");
    problems_free(problems);
    return conf;
}

void town_start(struct town *t)
{
    struct fault f;
    t->gateway = gateway_new(&t->bench.io, town_load(t), &f);
    cr_assert_not_null(t->gateway, "%s", f.note);
    gateway_start(t->gateway);
}

void town_reload(struct town *t)
{
    struct fault f;
    cr_assert_eq(gateway_reload(t->gateway, town_load(t), &f), 0, "%s", f.note);
}

void town_snapshot(struct town *t, struct snapshot *all)
{
    struct snapshot devices;
    cr_assert_eq(gateway_snapshot(t->gateway, all), 0);
    cr_assert_eq(gateway_snapshot_devices(t->gateway, SIZE_MAX, &devices), 0);
    all->devices = devices.devices;
    all->links = devices.links;
    all->device_count = devices.device_count;
}

bool town_look(struct town *t, const char *device)
{
    struct snapshot all;
    bool found = false;
    town_snapshot(t, &all);
    for (size_t i = 0; i < all.device_count; i++) {
        if (strcmp(all.devices[i].name, device) == 0) {
            t->shown = all.devices[i];
            t->shown.links = NULL; /* they go with the snapshot */
            found = true;
        }
    }
    snapshot_free(&all);
    return found;
}

void town_until(struct town *t, const char *device, const char *state)
{
    while (!town_look(t, device) || strcmp(t->shown.state, state) != 0) {
        bench_turn(&t->bench);
    }
}

int town_dial(struct town *t, uint16_t port, const char *from)
{
    if (from == NULL) {
        t->bench.port = port;
        return bench_connect(&t->bench);
    }
    struct sockaddr_in own = {.sin_family = AF_INET};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    to.sin_port = htons(port);
    cr_assert_eq(inet_pton(AF_INET, from, &own.sin_addr), 1);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(fd, (const struct sockaddr *)&own, sizeof(own)), 0);
    cr_assert_eq(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
    cr_assert_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}
