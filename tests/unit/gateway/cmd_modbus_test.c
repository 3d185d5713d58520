#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "gateway/command.h"
#include "tests/unit/gateway/capture.h"

/* What is wrong with a command line is told in command_test.c; here: what its help lists. */
Test(cmd_modbus, lists_each_subcommand_in_its_help)
{
    static const char *const names[] = {"  explain ", "  scan ", "  identify ", "  read ",
                                        "  write "};
    struct capture out;
    char words[2][8] = {"modbus", "help"};
    char *argv[] = {words[0], words[1], NULL};

    capture_start(&out, STDOUT_FILENO);
    int code = cmd_modbus(2, argv);
    (void)capture_end(&out);
    cr_expect_eq(code, COMMAND_OK);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        cr_expect_not_null(strstr(out.text, names[i]), "%s", names[i]);
    }
}
