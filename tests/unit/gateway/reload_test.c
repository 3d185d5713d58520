#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "certs/tls.h"
#include "gateway/reload.h"
#include "tests/unit/gateway/capture.h"
#include "tests/unit/gateway/instance.h"

/* A gateway that does not run, a control socket, and a reload between them. */
static struct instance place;
static struct io io;
static struct gateway *gateway;
static struct control *control;
static struct control_path path;
static struct reload job;
static struct capture err;
static struct fault f;
static size_t began, done, stopped;

static void on_request(void *owner, struct control_client *client, enum control_request what,
                       struct span arguments)
{
    (void)owner;
    (void)what;
    (void)arguments;
    began += reload_start(&job, gateway, client);
}

static void on_nothing(void *owner)
{
    (void)owner;
}

static void on_done(void *owner)
{
    (void)owner;
    done++;
}

static void on_stopped(void *owner)
{
    (void)owner;
    stopped++;
}

static const struct control_events events = {on_request, on_nothing};

static void set_up(void)
{
    signal(SIGPIPE, SIG_IGN);
    instance_prepare(&place);
    struct problems *problems = problems_new();
    cr_assert_eq(tls_init(&f), 0);
    cr_assert_eq(io_init(&io, &f), 0);
    struct conf *conf = conf_load(place.conf, io_wall_s(), problems);
    cr_assert_not_null(conf);
    problems_free(problems);
    gateway = gateway_new(&io, conf, &f);
    cr_assert_not_null(gateway);
    cr_assert_eq(control_path_take(&path, place.control, &f), 0);
    control = control_open(&io, &path, &events, NULL);
    cr_assert_not_null(control);
    reload_init(&job, &io, on_done, NULL);
    capture_start(&err, STDERR_FILENO);
}

static void tear_down(void)
{
    (void)capture_end(&err);
    control_close(control);
    gateway_stop(gateway, on_stopped, NULL);
    uv_run(&io.loop, UV_RUN_DEFAULT);
    cr_expect_eq(stopped, 1);
    control_free(control);
    gateway_free(gateway);
    cr_expect_eq(io_deinit(&io), 0);
    tls_deinit();
    instance_clean(&place);
}

TestSuite(reload, .init = set_up, .fini = tear_down, .timeout = 30);

static int ask(void)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    (void)snprintf(to.sun_path, sizeof(to.sun_path), "%s", place.control);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    cr_assert_eq(write(fd, "reload\n", 7), 7);
    return fd;
}

static const char *answer_of(int fd)
{
    static char text[1024];
    ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
    text[n > 0 ? n : 0] = '\0';
    close(fd);
    return text;
}

static void run_until_done(size_t times)
{
    while (done < times) {
        uv_run(&io.loop, UV_RUN_ONCE);
    }
    for (int i = 0; i < 20; i++) {
        uv_run(&io.loop, UV_RUN_NOWAIT);
    }
}

Test(reload, swaps_a_good_file_and_answers)
{
    int fd = ask();
    run_until_done(1);
    cr_expect_str_eq(answer_of(fd), "{\"ok\":true,\"generation\":2}\n");
    cr_expect_eq(gateway_generation(gateway), 2);
}

Test(reload, keeps_the_old_state_for_a_broken_file_and_says_why)
{
    instance_configure(&place, "nonsense = 1\n");
    int fd = ask();
    run_until_done(1);
    const char *answer = answer_of(fd);
    cr_expect_not_null(strstr(answer, "{\"ok\":false,\"problems\":[\""), "%s", answer);
    cr_expect_not_null(strstr(answer, "/conf:15: "), "%s", answer);
    cr_expect_eq(gateway_generation(gateway), 1);
}

Test(reload, refuses_a_second_client_while_one_runs)
{
    int first = ask();
    while (began == 0) {
        uv_run(&io.loop, UV_RUN_ONCE);
    }
    int before = (int)job.is_running;
    int second = -1;
    if (before != 0) {
        cr_expect_not(reload_start(&job, gateway, NULL)); /* a signal: remembered */
        second = ask();
    }
    run_until_done(1);
    cr_expect_str_eq(answer_of(first), "{\"ok\":true,\"generation\":2}\n");
    if (second >= 0) {
        (void)answer_of(second); /* refused, or served when it came late */
        cr_expect_eq(gateway_generation(gateway) >= 3, 1, "the signal was forgotten");
    }
}

Test(reload, does_not_touch_a_gateway_that_stops)
{
    int fd = ask();
    while (began == 0) {
        uv_run(&io.loop, UV_RUN_ONCE);
    }
    reload_abandon(&job);
    run_until_done(1);
    cr_expect_str_eq(answer_of(fd), "{\"ok\":false,\"error\":\"the gateway is stopping\"}\n");
    cr_expect_eq(gateway_generation(gateway), 1);
}

/* Another letter at the end of this line of the file. */
static void change(const char *line)
{
    char text[1024];
    FILE *file = fopen(place.conf, "r+");
    cr_assert_not_null(file);
    size_t len = fread(text, 1, sizeof(text) - 1, file);
    text[len] = '\0';
    char *at = strstr(text, line);
    cr_assert_not_null(at);
    at[strlen(line) - 2] = 'd';
    rewind(file);
    cr_assert_eq(fwrite(text, 1, len, file), len);
    cr_assert_eq(fclose(file), 0);
}

Test(reload, warns_of_what_needs_a_new_start)
{
    change("control = c\n");
    (void)answer_of(ask());
    cr_expect(reload_start(&job, gateway, NULL));
    run_until_done(1);
    cr_expect_not_null(strstr(capture_end(&err), "reload-kept key=control"));
    capture_start(&err, STDERR_FILENO);
}

/* What is blocked from then on would be let in after the next start. */
Test(reload, refuses_to_move_its_state)
{
    change("state_dir = state\n");
    int fd = ask();
    run_until_done(1);
    const char *answer = answer_of(fd);
    cr_expect_not_null(strstr(answer, "\"ok\":false"));
    cr_expect_not_null(strstr(answer, "state_dir can not change while the gateway runs"));
    cr_expect_eq(gateway_generation(gateway), 1);
}

Test(reload, fails_whole_without_memory)
{
    mem_fail_nth(1);
    cr_expect_not(reload_start(&job, gateway, NULL));
    cr_expect_eq(gateway_generation(gateway), 1);
    cr_expect(reload_start(&job, gateway, NULL));
    run_until_done(1);
    cr_expect_eq(gateway_generation(gateway), 2);
}
