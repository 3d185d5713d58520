#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "gateway/command.h"
#include "tests/unit/gateway/capture.h"

static struct capture out, err;

enum { WORDS = 5 };

struct row {
    const char *words[WORDS];
    int code;
    const char *says; /* on stderr for a refusal, else on stdout */
};

static const struct row rows[] = {
    {{NULL}, COMMAND_USAGE, "a command is missing"},
    {{"stauts"}, COMMAND_USAGE, "unknown command stauts; try 'wardgate --help'"},
    {{"--json"}, COMMAND_USAGE, "unknown command --json"},
    {{"--help"}, COMMAND_OK, "Usage: wardgate COMMAND"},
    {{"help"}, COMMAND_OK, "Usage: wardgate COMMAND"},
    {{"-h"}, COMMAND_OK, "Usage: wardgate COMMAND"},
    {{"--version"}, COMMAND_OK, "wardgate "},
    {{"version"}, COMMAND_OK, "wardgate "},
    {{"version", "-v"}, COMMAND_OK, "Licence GPL-3.0-or-later"},
    {{"version", "--verbose"}, COMMAND_OK, "Licence GPL-3.0-or-later"},
    {{"version", "-c", "x"}, COMMAND_USAGE, "unknown option -c"},
    {{"run", "--help"}, COMMAND_OK, "Usage: wardgate run"},
    {{"check", "-h"}, COMMAND_OK, "Usage: wardgate check"},
    {{"status", "--help"}, COMMAND_OK, "Usage: wardgate status"},
    {{"reload", "--help"}, COMMAND_OK, "Usage: wardgate reload"},
    {{"version", "--help"}, COMMAND_OK, "Usage: wardgate version"},
    {{"verify", "--help"}, COMMAND_OK, "Usage: wardgate verify"},
    {{"verify"}, COMMAND_USAGE, "the file with the chain is missing; try 'wardgate verify --help'"},
    {{"run", "--json"}, COMMAND_USAGE, "wardgate run: unknown option --json; try 'wardgate run"},
    {{"run", "-v"}, COMMAND_USAGE, "unknown option -v"},
    {{"run", "-xv"}, COMMAND_USAGE, "unknown option -x"},
    {{"run", "now"}, COMMAND_USAGE, "needless argument now"},
    {{"check", "--json"}, COMMAND_USAGE, "unknown option --json"},
    {{"check", "-c"}, COMMAND_USAGE, "a value is missing after -c"},
    {{"check", "--config"}, COMMAND_USAGE, "a value is missing after --config"},
    {{"check", "--help-config"}, COMMAND_OK, "retry_min"},
    {{"check", "--help-config=roff"}, COMMAND_OK, ".TP"},
    {{"check", "--help-config=html"}, COMMAND_USAGE, "unknown value of --help-config: html"},
    {{"status", "--help-config"}, COMMAND_USAGE, "unknown option --help-config"},
    {{"status", "--jsn"}, COMMAND_USAGE, "unknown option --jsn"},
    {{"status", "--json=1"}, COMMAND_USAGE, "unknown option --json=1"},
    {{"reload", "--json"}, COMMAND_USAGE, "unknown option --json"},
    {{"revocation", "--help"}, COMMAND_OK, "Usage: wardgate revocation refresh"},
    {{"block", "--help"}, COMMAND_OK, "Usage: wardgate block"},
    {{"unblock", "-h"}, COMMAND_OK, "Usage: wardgate unblock"},
    {{"break-glass", "--help"}, COMMAND_OK, "Usage: wardgate break-glass"},
    {{"revocation"}, COMMAND_USAGE, "an argument is missing: 'refresh'; try 'wardgate revocation"},
    {{"revocation", "x"}, COMMAND_USAGE, "the only order is 'refresh'"},
    {{"block", "--reason", "x"}, COMMAND_USAGE, "missing: SERIAL, FINGERPRINT or DEVICE"},
    {{"block", "a"}, COMMAND_USAGE, "a reason is needed: --reason TEXT"},
    {{"block", "a", "--reason"}, COMMAND_USAGE, "a value is missing after --reason"},
    {{"block", "a", "b"}, COMMAND_USAGE, "needless argument b"},
    {{"block", "a", "--for", "2h"}, COMMAND_USAGE, "unknown option --for"},
    {{"unblock", "a", "--reason", "x"}, COMMAND_USAGE, "unknown option --reason"},
    {{"break-glass", "a"}, COMMAND_USAGE, "say for how long"},
    {{"break-glass", "a", "--for"}, COMMAND_USAGE, "a value is missing after --for"},
    {{"break-glass", "a", "--end=1"}, COMMAND_USAGE, "unknown option --end=1"},
    {{"status", "--end"}, COMMAND_USAGE, "unknown option --end"},
    {{"modbus"}, COMMAND_USAGE, "wardgate modbus: a subcommand is missing; try 'wardgate modbus"},
    {{"modbus", "--help"}, COMMAND_OK, "  explain "},
    {{"modbus", "-h"}, COMMAND_OK, "Usage: wardgate modbus SUBCOMMAND"},
    {{"modbus", "expalin"}, COMMAND_USAGE, "unknown subcommand expalin; try 'wardgate modbus"},
    {{"status", "pump-12"}, COMMAND_USAGE, "needless argument pump-12"},
};

static int run(const struct row *row)
{
    char words[WORDS + 1][32];
    char *argv[WORDS + 2] = {words[0]};
    int argc = 1;
    (void)snprintf(words[0], sizeof(words[0]), "wardgate");
    for (int i = 0; i < WORDS && row->words[i] != NULL; i++) {
        (void)snprintf(words[argc], sizeof(words[0]), "%s", row->words[i]);
        argv[argc] = words[argc];
        argc++;
    }
    optind = 0; /* glibc: begin anew */
    capture_start(&out, STDOUT_FILENO);
    capture_start(&err, STDERR_FILENO);
    int code = command_main(argc, argv);
    (void)capture_end(&err);
    (void)capture_end(&out);
    return code;
}

Test(command, refuses_what_it_does_not_know_and_runs_the_rest)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *name = rows[i].words[0] != NULL ? rows[i].words[0] : "";
        const char *second = name[0] != '\0' && rows[i].words[1] != NULL ? rows[i].words[1] : "";
        int code = run(&rows[i]);
        const char *said = rows[i].code == COMMAND_OK ? out.text : err.text;
        cr_expect_eq(code, rows[i].code, "wardgate %s %s: exit code %d", name, second, code);
        cr_expect_not_null(strstr(said, rows[i].says), "wardgate %s %s: %s", name, second, said);
    }
}

Test(command, refuses_in_one_line_on_stderr_only)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].code == COMMAND_USAGE) {
            (void)run(&rows[i]);
            cr_expect_str_eq(out.text, "");
            cr_expect_eq(strchr(err.text, '\n'), err.text + err.len - 1, "%s", err.text);
        }
    }
}

Test(command, names_every_command_in_its_help)
{
    static const struct row help = {{"--help"}, COMMAND_OK, ""};
    static const char *const names[] = {"  run ",         "  check ",   "  status ",
                                        "  reload ",      "  verify ",  "  version ",
                                        "  block ",       "  unblock ", "  revocation refresh ",
                                        "  break-glass ", "  modbus "};
    (void)run(&help);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        cr_expect_not_null(strstr(out.text, names[i]), "%s", names[i]);
    }
}
