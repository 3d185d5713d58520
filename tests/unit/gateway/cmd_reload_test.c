#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "gateway/command.h"
#include "tests/unit/gateway/capture.h"
#include "tests/unit/gateway/instance.h"

static struct instance one;
static struct capture out, err;

static int reload(void)
{
    struct command_options options = {.conf_path = one.conf};
    capture_start(&out, STDOUT_FILENO);
    capture_start(&err, STDERR_FILENO);
    int code = cmd_reload(&options);
    (void)capture_end(&err);
    (void)capture_end(&out);
    return code;
}

Test(cmd_reload, tells_the_new_generation, .timeout = 30)
{
    instance_prepare(&one);
    instance_start(&one);
    cr_expect_eq(reload(), COMMAND_OK);
    cr_expect_str_eq(out.text, "reloaded: generation 2\n");
    kill(one.pid, SIGTERM);
    cr_expect_eq(instance_wait(&one), 0);
    instance_clean(&one);
}

Test(cmd_reload, prints_every_problem_and_says_78, .timeout = 30)
{
    instance_prepare(&one);
    instance_start(&one);
    instance_configure(&one, "nonsense = 1\nretry_min = 5y\n");
    cr_expect_eq(reload(), COMMAND_CONFIG);
    cr_expect_not_null(strstr(err.text, "/conf:15: "), "%s", err.text);
    cr_expect_not_null(strstr(err.text, "/conf:16: "), "%s", err.text);
    cr_expect_not_null(strstr(err.text, "nothing was changed"), "%s", err.text);
    kill(one.pid, SIGTERM);
    cr_expect_eq(instance_wait(&one), 0);
    instance_clean(&one);
}

Test(cmd_reload, says_69_when_no_gateway_runs)
{
    instance_prepare(&one);
    cr_expect_eq(reload(), COMMAND_UNAVAILABLE);
    instance_clean(&one);
}
