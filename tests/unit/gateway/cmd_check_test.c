#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "gateway/command.h"
#include "tests/unit/gateway/capture.h"
#include "tests/unit/gateway/instance.h"

static struct capture out, err;
static struct instance place;

static int check(const char *path)
{
    struct command_options options = {.conf_path = path};
    capture_start(&out, STDOUT_FILENO);
    capture_start(&err, STDERR_FILENO);
    int code = cmd_check(&options);
    (void)capture_end(&err);
    (void)capture_end(&out);
    return code;
}

Test(cmd_check, sums_up_a_good_configuration_in_one_line)
{
    instance_prepare(&place);
    cr_expect_eq(check(place.conf), COMMAND_OK);
    cr_expect_str_eq(err.text, "");
    cr_expect_not_null(strstr(out.text, ": good: 1 device, 1 trust; first certificate to expire: "
                                        "pump-12 in "),
                       "%s", out.text);
    cr_expect_eq(strchr(out.text, '\n'), out.text + out.len - 1);
    instance_clean(&place);
}

Test(cmd_check, warns_of_a_trust_that_lets_in_weak_algorithms)
{
    char here[256];
    instance_prepare(&place);
    FILE *conf = fopen(place.conf, "a");
    cr_assert_not_null(conf);
    cr_assert_not_null(getcwd(here, sizeof(here)));
    (void)fprintf(conf,
                  "[trust old]\nanchors = %s/build/pki/weak-root.pem\nrevocation = off\n"
                  "rsa_min = 1024\n",
                  here);
    (void)fclose(conf);
    cr_expect_eq(check(place.conf), COMMAND_OK, "%s", err.text);
    cr_expect_not_null(strstr(out.text, "warning: trust old lets in RSA-1024:"), "%s", out.text);
    instance_clean(&place);
}

Test(cmd_check, prints_every_problem_with_file_and_line)
{
    instance_prepare(&place);
    instance_configure(&place, "retry_min = 5y\nnonsense = 1\n");
    cr_expect_eq(check(place.conf), COMMAND_CONFIG);
    cr_expect_str_eq(out.text, "");
    cr_expect_not_null(strstr(err.text, "/conf:15: "), "%s", err.text);
    cr_expect_not_null(strstr(err.text, "/conf:16: "), "%s", err.text);
    instance_clean(&place);
}

Test(cmd_check, refuses_a_file_that_is_not_there)
{
    cr_expect_eq(check("/tmp/wardgate-no-such-file"), COMMAND_CONFIG);
    cr_expect_not_null(strstr(err.text, "/tmp/wardgate-no-such-file"), "%s", err.text);
}

Test(cmd_check, lists_the_keys)
{
    struct command_options options = {.conf_path = "", .shows_keys = true};
    capture_start(&out, STDOUT_FILENO);
    cr_expect_eq(cmd_check(&options), COMMAND_OK);
    cr_expect_not_null(strstr(capture_end(&out), "handshake_timeout"));
}
