#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "gateway/ask.h"
#include "gateway/service.h"
#include "tests/unit/gateway/instance.h"

static struct instance one, two;
static struct fault f;

static void set_up(void)
{
    instance_prepare(&one);
}

static void tear_down(void)
{
    instance_clean(&one);
}

TestSuite(service, .init = set_up, .fini = tear_down, .timeout = 30);

Test(service, ends_with_0_at_sigterm_and_at_sigint)
{
    static const int signals[] = {SIGTERM, SIGINT};
    for (size_t i = 0; i < 2; i++) {
        instance_start(&one);
        cr_expect(instance_logs(&one, "start name=test"));
        kill(one.pid, signals[i]);
        cr_expect_eq(instance_wait(&one), 0);
        cr_expect(instance_logs(&one, "how=drain"));
    }
}

Test(service, says_that_revocation_is_off)
{
    instance_start(&one);
    cr_expect(instance_logs(&one, "<4>revocation-off trust=hospital"));
    kill(one.pid, SIGTERM);
    cr_expect_eq(instance_wait(&one), 0);
}

/* A trust that is checked, and a device that takes itself out. */
static void configure_one_off(void)
{
    char here[256];
    cr_assert_not_null(getcwd(here, sizeof(here)));
    FILE *file = fopen(one.conf, "w");
    cr_assert_not_null(file);
    (void)fprintf(file,
                  "[gateway]\nname = test\nstate_dir = state\ncontrol = c\n"
                  "[trust hospital]\nanchors = %s/build/pki/root.pem\nocsp = "
                  "http://127.0.0.1:9/\n[device pump-12]\nport = tcp:127.0.0.1:9\nprotocol = mllp\n"
                  "connect = 127.0.0.1:9\ncertificate = %s/build/pki/pump-12.pem\n"
                  "key = %s/build/pki/pump-12.key\ntrust = hospital\nrevocation = off\n",
                  here, here, here);
    cr_assert_eq(fclose(file), 0);
}

Test(service, says_that_revocation_is_off_for_a_device_or_since_a_reload)
{
    configure_one_off();
    instance_start(&one);
    cr_expect(instance_logs(&one, "<4>revocation-off device=pump-12 trust=hospital"));
    instance_configure(&one, "");
    kill(one.pid, SIGHUP);
    cr_expect(instance_logs(&one, "<4>revocation-off trust=hospital"));
    kill(one.pid, SIGTERM);
    cr_expect_eq(instance_wait(&one), 0);
}

Test(service, refuses_to_be_the_second)
{
    instance_start(&one);
    two = one;
    (void)snprintf(two.log, sizeof(two.log), "%s/log2", one.folder);
    instance_start(&two);
    cr_expect_eq(instance_wait(&two), 69);
    cr_expect(instance_logs(&two, "another wardgate runs with this control socket"));
    char *answer = ask_path(one.control, "status", 5, &f);
    cr_expect_not_null(answer, "the first lost its socket: %s", f.note);
    mem_free(answer);
    kill(one.pid, SIGTERM);
    cr_expect_eq(instance_wait(&one), 0);
    unlink(two.log);
}

Test(service, keeps_what_it_has_when_sighup_finds_a_broken_file)
{
    instance_start(&one);
    instance_configure(&one, "nonsense = 1\n");
    kill(one.pid, SIGHUP);
    cr_expect(instance_logs(&one, "<3>reload-refused problem="));
    char *answer = ask_path(one.control, "status", 5, &f);
    cr_assert_not_null(answer, "%s", f.note);
    cr_expect_not_null(strstr(answer, "\"generation\":1"));
    mem_free(answer);
    kill(one.pid, SIGTERM);
    cr_expect_eq(instance_wait(&one), 0);
}

Test(service, takes_a_good_file_at_sighup)
{
    instance_start(&one);
    instance_configure(&one, "description = other\n");
    kill(one.pid, SIGHUP);
    cr_expect(instance_logs(&one, "reload generation=2"));
    kill(one.pid, SIGTERM);
    cr_expect_eq(instance_wait(&one), 0);
}

Test(service, replaces_the_socket_of_a_gateway_that_was_killed)
{
    struct stat st;
    instance_start(&one);
    kill(one.pid, SIGKILL);
    cr_expect_eq(instance_wait(&one), -1);
    cr_assert_eq(stat(one.control, &st), 0);
    unlink(one.log); /* the log, not the old socket, says when the new one is there */
    instance_start(&one);
    cr_expect(instance_logs(&one, "start name=test"));
    char *answer = ask_path(one.control, "status", 5, &f);
    cr_expect_not_null(answer, "%s", f.note);
    mem_free(answer);
    kill(one.pid, SIGTERM);
    cr_expect_eq(instance_wait(&one), 0);
}

/* The answer to a request holds this text. */
static void expect_answer(const char *request, const char *text)
{
    char *answer = ask_path(one.control, request, 20, &f);
    cr_assert_not_null(answer, "%s: %s", request, f.note);
    cr_expect_not_null(strstr(answer, text), "%s: %s", request, answer);
    mem_free(answer);
}

Test(service, carries_out_orders_and_keeps_a_block_over_a_restart)
{
    instance_start(&one);
    expect_answer("block {\"what\":\"pump-12\",\"reason\":\"lost\"}", "\"ok\":true");
    expect_answer("status", "\"blocked\":true");
    expect_answer("refresh", "\"sources_read\":0");
    expect_answer("break-glass {\"device\":\"x\",\"for_s\":60,\"reason\":\"r\"}", "\"ok\":false");
    kill(one.pid, SIGTERM);
    cr_expect_eq(instance_wait(&one), 0);
    instance_start(&one);
    expect_answer("status", "\"blocks\":[{\"kind\":\"device\",\"value\":\"pump-12\","
                            "\"reason\":\"lost\"");
    expect_answer("unblock {\"what\":\"pump-12\"}", "\"ok\":true");
    expect_answer("status", "\"blocks\":[]");
    expect_answer("status", "\"blocked\":false");
    kill(one.pid, SIGTERM);
    cr_expect_eq(instance_wait(&one), 0);
}

/* What systemd hears, in its order. */
Test(service, tells_systemd_ready_alive_reloading_and_stopping)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct timeval limit = {.tv_sec = 5};
    static const char *const expected[] = {"READY=1\n", "WATCHDOG=1", "RELOADING=1\n", "READY=1\n",
                                           "STOPPING=1\n"};
    char text[256];
    (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s/n", one.folder);
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setenv("NOTIFY_SOCKET", at.sun_path, 1);
    setenv("WATCHDOG_USEC", "100000", 1);
    instance_start(&one);
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]);) {
        ssize_t n = recv(fd, text, sizeof(text) - 1, 0);
        cr_assert_gt(n, 0, "%s was not heard", expected[i]);
        text[n] = '\0';
        bool is_expected = strncmp(text, expected[i], strlen(expected[i])) == 0;
        cr_expect(is_expected || strcmp(text, "WATCHDOG=1") == 0, "%s instead of %s", text,
                  expected[i]);
        i += is_expected;
        if (is_expected && (i == 2 || i == 4)) {
            kill(one.pid, i == 2 ? SIGHUP : SIGTERM);
        }
    }
    cr_expect_eq(instance_wait(&one), 0);
    unlink(at.sun_path);
}
