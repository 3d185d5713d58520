#include <jansson.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "gateway/command.h"
#include "tests/unit/gateway/capture.h"
#include "tests/unit/gateway/instance.h"

static struct instance one;
static struct capture out, err;

static int status(bool is_json)
{
    struct command_options options = {.conf_path = one.conf, .is_json = is_json};
    capture_start(&out, STDOUT_FILENO);
    capture_start(&err, STDERR_FILENO);
    int code = cmd_status(&options);
    (void)capture_end(&err);
    (void)capture_end(&out);
    return code;
}

Test(cmd_status, shows_the_running_gateway, .timeout = 30)
{
    instance_prepare(&one);
    instance_start(&one);
    cr_expect_eq(status(false), COMMAND_OK);
    cr_expect_not_null(strstr(out.text, "revocation: OFF"), "%s", out.text);
    cr_expect_not_null(strstr(out.text, "\npump-12 "), "%s", out.text);
    cr_expect_null(strchr(out.text, '\033'), "colour on what is no terminal");
    cr_expect_eq(status(true), COMMAND_OK);
    json_t *root = json_loads(out.text, 0, NULL);
    cr_expect_eq(json_array_size(json_object_get(root, "devices")), 1);
    json_decref(root);
    kill(one.pid, SIGTERM);
    cr_expect_eq(instance_wait(&one), 0);
    instance_clean(&one);
}

Test(cmd_status, says_69_when_no_gateway_runs)
{
    instance_prepare(&one);
    cr_expect_eq(status(false), COMMAND_UNAVAILABLE);
    cr_expect_str_eq(out.text, "");
    cr_expect_not_null(strstr(err.text, "no gateway runs"), "%s", err.text);
    instance_clean(&one);
}
