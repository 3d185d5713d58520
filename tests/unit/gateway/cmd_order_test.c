#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "gateway/command.h"
#include "gateway/control.h"
#include "tests/unit/gateway/capture.h"

static char folder[] = "/tmp/wardgate-test-XXXXXX";
static char conf[64], path[64];
static int listener, heard[2];
static pid_t child;
static struct capture out, err;
static char request[CONTROL_REQUEST_MAX];

static void set_up(void)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    cr_assert_not_null(mkdtemp(folder));
    (void)snprintf(conf, sizeof(conf), "%s/conf", folder);
    (void)snprintf(path, sizeof(path), "%s/c", folder);
    FILE *file = fopen(conf, "w");
    cr_assert_not_null(file);
    (void)fprintf(file, "[gateway]\nname = test\nstate_dir = .\ncontrol = c\n");
    cr_assert_eq(fclose(file), 0);
    (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
    listener = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
    cr_assert_eq(listen(listener, 1), 0);
    cr_assert_eq(pipe(heard), 0);
}

static void tear_down(void)
{
    unlink(path);
    unlink(conf);
    rmdir(folder);
}

TestSuite(cmd_order, .init = set_up, .fini = tear_down, .timeout = 30);

/* A gateway that takes one request, tells it to us, and answers. */
static void serve(const char *answer)
{
    child = fork();
    if (child == 0) {
        int fd = accept(listener, NULL, NULL);
        ssize_t n = read(fd, request, sizeof(request));
        bool is_done = n > 0 && write(heard[1], request, (size_t)n) == n &&
                       write(fd, answer, strlen(answer)) > 0;
        close(fd);
        _exit(is_done ? 0 : 1);
    }
}

/* Run a command; what it asked is in `request`, without its newline. */
static int give(int (*command)(const struct command_options *), struct command_options options)
{
    ssize_t n = 0;
    int status = 0;
    options.conf_path = conf;
    capture_start(&out, STDOUT_FILENO);
    capture_start(&err, STDERR_FILENO);
    int code = command(&options);
    (void)capture_end(&err);
    (void)capture_end(&out);
    if (child > 0) {
        n = read(heard[0], request, sizeof(request));
        cr_expect_eq(waitpid(child, &status, 0), child);
        child = 0;
    }
    request[n > 0 ? n - 1 : 0] = '\0';
    return code;
}

Test(cmd_order, blocks_and_tells_how_many_links_were_cut)
{
    struct command_options options = {.subject = "pump-12", .reason = "lost in the lift"};
    serve("{\"ok\":true,\"links_cut\":1}\n");
    cr_expect_eq(give(cmd_block, options), COMMAND_OK);
    cr_expect_str_eq(request, "block {\"what\":\"pump-12\",\"reason\":\"lost in the lift\"}");
    cr_expect_str_eq(out.text, "pump-12 is blocked; 1 link was cut\n");
    serve("{\"ok\":true,\"links_cut\":3}\n");
    (void)give(cmd_block, options);
    cr_expect_str_eq(out.text, "pump-12 is blocked; 3 links were cut\n");
    serve("{\"ok\":true,\"links_cut\":0}\n");
    (void)give(cmd_block, options);
    cr_expect_str_eq(out.text, "pump-12 is blocked; no link had to be cut\n");
}

Test(cmd_order, unblocks)
{
    serve("{\"ok\":true}\n");
    cr_expect_eq(give(cmd_unblock, (struct command_options){.subject = "0A:1B"}), COMMAND_OK);
    cr_expect_str_eq(request, "unblock {\"what\":\"0A:1B\"}");
    cr_expect_str_eq(out.text, "0A:1B is not blocked any more\n");
}

Test(cmd_order, breaks_the_glass_and_ends_it)
{
    struct command_options begin = {.subject = "pump-12", .reason = "fire", .for_text = "2h"};
    struct command_options none = {.subject = "pump-12", .for_text = "0"};
    struct command_options end = {.subject = "pump-12", .ends = true};
    serve("{\"ok\":true,\"until\":\"2026-11-22T16:45:00Z\"}\n");
    cr_expect_eq(give(cmd_break_glass, begin), COMMAND_OK);
    cr_expect_str_eq(request, "break-glass {\"device\":\"pump-12\",\"for_s\":7200,"
                              "\"reason\":\"fire\"}");
    cr_expect_not_null(strstr(out.text, "pump-12: break-glass until 2026-11-22T16:45:00Z; "), "%s",
                       out.text);
    serve("{\"ok\":true,\"until\":null}\n");
    cr_expect_eq(give(cmd_break_glass, none), COMMAND_OK);
    cr_expect_str_eq(request, "break-glass {\"device\":\"pump-12\",\"for_s\":0}");
    cr_expect_str_eq(out.text, "pump-12: break-glass has ended\n");
    serve("{\"ok\":true,\"until\":null}\n");
    cr_expect_eq(give(cmd_break_glass, end), COMMAND_OK);
    cr_expect_str_eq(request, "break-glass {\"device\":\"pump-12\",\"for_s\":0}");
}

Test(cmd_order, refreshes_and_says_when_all_is_in_force)
{
    struct command_options options = {.subject = "refresh"};
    serve("{\"ok\":true,\"sources_read\":3}\n");
    cr_expect_eq(give(cmd_revocation, options), COMMAND_OK);
    cr_expect_str_eq(request, "refresh");
    cr_expect_str_eq(out.text, "3 sources read; all verdicts are in force\n");
    serve("{\"ok\":false,\"error\":\"/c/a.crl: cannot be read\"}\n");
    cr_expect_eq(give(cmd_revocation, options), COMMAND_UNAVAILABLE);
    cr_expect_str_eq(out.text, "");
    cr_expect_str_eq(err.text, "wardgate revocation refresh: /c/a.crl: cannot be read\n");
}

Test(cmd_order, has_an_exit_code_for_each_kind_of_refusal)
{
    static const struct {
        const char *answer;
        int code;
    } rows[] = {
        {"{\"ok\":false,\"error\":\"no\",\"code\":\"configuration-wrong\"}\n", COMMAND_USAGE},
        {"{\"ok\":false,\"error\":\"no\",\"code\":\"out-of-memory\"}\n", COMMAND_INTERNAL},
        {"{\"ok\":false,\"error\":\"no\",\"code\":\"internal-error\"}\n", COMMAND_INTERNAL},
        {"{\"ok\":false,\"error\":\"no\",\"code\":\"too-many\"}\n", COMMAND_UNAVAILABLE},
        {"{\"ok\":false,\"error\":\"no\"}\n", COMMAND_UNAVAILABLE},
        {"{\"ok\":1}\n", COMMAND_UNAVAILABLE},
        {"nonsense\n", COMMAND_UNAVAILABLE},
    };
    struct command_options options = {.subject = "pump-12"};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        serve(rows[i].answer);
        cr_expect_eq(give(cmd_unblock, options), rows[i].code, "%s", rows[i].answer);
        cr_expect_str_eq(out.text, "");
        cr_expect_eq(strncmp(err.text, "wardgate unblock: ", 18), 0, "%s", err.text);
    }
}

Test(cmd_order, prints_the_answer_as_it_came_with_json)
{
    struct command_options options = {.subject = "refresh", .is_json = true};
    serve("{\"ok\":true,\"sources_read\":3}\n");
    cr_expect_eq(give(cmd_revocation, options), COMMAND_OK);
    cr_expect_str_eq(out.text, "{\"ok\":true,\"sources_read\":3}\n");
    serve("{\"ok\":false,\"error\":\"no\"}\n");
    cr_expect_eq(give(cmd_revocation, options), COMMAND_UNAVAILABLE);
    cr_expect_str_eq(out.text, "{\"ok\":false,\"error\":\"no\"}\n");
}

Test(cmd_order, refuses_before_it_asks)
{
    static const struct {
        int (*command)(const struct command_options *);
        struct command_options options;
        const char *says;
    } rows[] = {
        {cmd_block, {.subject = "a"}, "a reason is needed: --reason TEXT"},
        {cmd_block, {.subject = "a", .reason = " "}, "a reason is needed"},
        {cmd_block, {.subject = "a b", .reason = "r"}, "neither a serial"},
        {cmd_unblock, {.subject = "a b"}, "neither a serial"},
        {cmd_break_glass, {.subject = "a", .reason = "r"}, "--for 2h, or end it"},
        {cmd_break_glass, {.subject = "a", .for_text = "2h"}, "a reason is needed: --reason TEXT"},
        {cmd_break_glass, {.subject = "a", .for_text = "2h", .reason = ""}, "a reason is needed"},
        {cmd_break_glass, {.subject = "a", .for_text = "2", .reason = "r"}, "such as 90m or 2h"},
        {cmd_break_glass, {.subject = "a", .for_text = "0", .ends = true}, "--for 2h, or end it"},
        {cmd_revocation, {.subject = "fresh"}, "the only order is 'refresh'"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cr_expect_eq(give(rows[i].command, rows[i].options), COMMAND_USAGE, "%s", rows[i].says);
        cr_expect_not_null(strstr(err.text, rows[i].says), "%s", err.text);
        cr_expect_not_null(strstr(err.text, " --help'\n"), "%s", err.text);
        cr_expect_str_eq(out.text, "");
    }
}

Test(cmd_order, says_69_when_no_gateway_runs)
{
    close(listener);
    cr_expect_eq(give(cmd_unblock, (struct command_options){.subject = "a"}), COMMAND_UNAVAILABLE);
    cr_expect_not_null(strstr(err.text, "wardgate unblock: no gateway runs"), "%s", err.text);
}
