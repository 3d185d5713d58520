#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "gateway/ask.h"
#include "gateway/command.h"
#include "gateway/control.h"
#include "tests/unit/gateway/capture.h"

static char folder[] = "/tmp/wardgate-test-XXXXXX";
static char path[64];
static int listener;
static pid_t child;
static struct fault f;

static void set_up(void)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    cr_assert_not_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/c", folder);
    (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
    listener = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
    cr_assert_eq(listen(listener, 1), 0);
    child = 0;
}

static void tear_down(void)
{
    if (child > 0) {
        waitpid(child, NULL, 0);
    }
    unlink(path);
    rmdir(folder);
}

TestSuite(ask, .init = set_up, .fini = tear_down);

/* A gateway that takes one request and answers `text` `times` times. */
static void serve(const char *text, size_t times)
{
    child = fork();
    if (child == 0) {
        char request[CONTROL_REQUEST_MAX];
        int fd = accept(listener, NULL, NULL);
        ssize_t n = read(fd, request, sizeof(request));
        bool is_right = n >= 7 && request[n - 1] == '\n' && memcmp(request, "status", 6) == 0;
        for (size_t i = 0; is_right && i < times; i++) {
            if (write(fd, text, strlen(text)) < 0) {
                break;
            }
        }
        close(fd);
        _exit(0);
    }
}

Test(ask, returns_the_whole_answer)
{
    static char piece[1001];
    memset(piece, 'x', 999);
    piece[999] = '\n';
    serve(piece, 100);
    char *text = ask_path(path, "status", 5, &f);
    cr_assert_not_null(text, "%s", f.note);
    cr_expect_eq(strlen(text), 100000);
    mem_free(text);
}

Test(ask, refuses_an_answer_that_was_cut)
{
    serve("{\"ok\":", 1);
    cr_expect_null(ask_path(path, "status", 5, &f));
    cr_expect_eq(f.code, FAULT_CLOSED);
}

Test(ask, refuses_no_answer)
{
    serve("", 0);
    cr_expect_null(ask_path(path, "status", 5, &f));
    cr_expect_eq(f.code, FAULT_CLOSED);
}

Test(ask, says_when_no_gateway_runs)
{
    close(listener); /* a socket that a dead gateway left */
    cr_expect_null(ask_path(path, "status", 5, &f));
    cr_expect_eq(f.code, FAULT_REFUSED);
    cr_expect_null(ask_path("/tmp/wardgate-no-such-folder/c", "status", 5, &f));
    cr_expect_eq(f.code, FAULT_REFUSED);
    cr_expect_not_null(strstr(f.note, "no gateway runs"), "%s", f.note);
}

Test(ask, does_not_wait_for_ever)
{
    cr_expect_null(ask_path(path, "status", 1, &f)); /* nobody accepts */
    cr_expect_eq(f.code, FAULT_TIMEOUT);
}

Test(ask, refuses_a_path_that_does_not_fit_an_address)
{
    char huge[200];
    (void)snprintf(huge, sizeof(huge), "/%0*d", 150, 0);
    cr_expect_null(ask_path(huge, "status", 1, &f));
    cr_expect_eq(f.code, FAULT_OPEN);
}

Test(ask, fails_whole_without_memory)
{
    serve("{}\n", 1);
    mem_fail_nth(1);
    cr_expect_null(ask_path(path, "status", 5, &f));
    cr_expect_eq(f.code, FAULT_MEMORY);
}

/* The longest that the other end takes, and one byte more. */
Test(ask, sends_arguments_and_refuses_what_is_too_long)
{
    char request[CONTROL_REQUEST_MAX + 1];
    (void)snprintf(request, sizeof(request), "status %0*d", CONTROL_REQUEST_MAX - 8, 0);
    serve("{}\n", 1);
    char *text = ask_path(path, request, 5, &f);
    cr_expect_str_eq(text, "{}\n");
    mem_free(text);
    (void)snprintf(request, sizeof(request), "status %0*d", CONTROL_REQUEST_MAX - 7, 0);
    cr_expect_null(ask_path(path, request, 5, &f));
    cr_expect_eq(f.code, FAULT_TOO_LONG);
}

static struct capture err;

Test(ask, blames_the_configuration_when_it_names_no_socket)
{
    int code = 0;
    capture_start(&err, STDERR_FILENO);
    cr_expect_null(ask_gateway("/tmp/wardgate-no-such-file", "status", "status", 1, &code));
    cr_expect_not_null(strstr(capture_end(&err), "/tmp/wardgate-no-such-file"));
    cr_expect_eq(code, COMMAND_CONFIG);
}
