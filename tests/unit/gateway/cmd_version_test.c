#include <unistd.h>

#include <criterion/criterion.h>

#include "gateway/command.h"
#include "tests/unit/gateway/capture.h"

static struct capture out;

Test(cmd_version, prints_the_version)
{
    struct command_options options = {.conf_path = ""};
    capture_start(&out, STDOUT_FILENO);
    cr_expect_eq(cmd_version(&options), COMMAND_OK);
    cr_expect_str_eq(capture_end(&out), "wardgate " WARDGATE_VERSION "\n");
}
