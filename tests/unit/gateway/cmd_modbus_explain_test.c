#include <unistd.h>

#include <criterion/criterion.h>

#include "gateway/cmd_modbus.h"
#include "gateway/command.h"
#include "tests/unit/gateway/capture.h"

Test(cmd_modbus_explain, refuses_as_long_as_there_are_no_rules)
{
    struct capture err;
    char name[8] = "explain";
    char *argv[] = {name, NULL};

    capture_start(&err, STDERR_FILENO);
    int code = cmd_modbus_explain(1, argv);
    (void)capture_end(&err);
    cr_expect_eq(code, COMMAND_USAGE);
}
