#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "gateway/cmd_modbus.h"
#include "gateway/command.h"
#include "tests/unit/gateway/bench.h"
#include "tests/unit/gateway/capture.h"
#include "tests/unit/gateway/modbus_peer.h"

enum { WORDS_MAX = 14 };

static struct capture out;
static char path[80];

/* "read holding 0": the port and how to reach the peer are put in. */
static int call(int (*command)(int argc, char **argv), const char *line)
{
    static char text[400];
    char *argv[WORDS_MAX + 1];
    int argc = 0;
    (void)snprintf(text, sizeof(text), "x %s --baud=115200 --unit=17 --timeout=5s %s", path, line);
    for (char *at = text; *at != '\0';) {
        size_t len = strcspn(at, " ");
        cr_assert_lt(argc, WORDS_MAX);
        argv[argc++] = at;
        at += len;
        if (*at == ' ') {
            *at = '\0';
            at++;
        }
    }
    argv[argc] = NULL;
    capture_start(&out, STDOUT_FILENO);
    int code = command(argc, argv);
    (void)capture_end(&out);
    return code;
}

Test(cmd_modbus_device, reads_writes_and_reads_back)
{
    struct modbus_peer *peer = modbus_peer_start(17, path, sizeof(path));
    cr_expect_eq(call(cmd_modbus_read, "holding 16-0x11"), COMMAND_OK);
    cr_expect_str_eq(out.text, "16 16 0x0010\n17 17 0x0011\n");
    cr_expect_eq(call(cmd_modbus_write, "holding 5 0xBEEF 7 --yes"), COMMAND_OK);
    cr_expect_eq(call(cmd_modbus_read, "holding 5-6"), COMMAND_OK);
    cr_expect_str_eq(out.text, "5 48879 0xBEEF\n6 7 0x0007\n");
    cr_expect_eq(call(cmd_modbus_write, "coils 8 1 0 1 --yes"), COMMAND_OK);
    cr_expect_eq(call(cmd_modbus_write, "coils 9 1 --yes"), COMMAND_OK);
    cr_expect_eq(call(cmd_modbus_read, "coils 7-10"), COMMAND_OK);
    cr_expect_str_eq(out.text, "7 0\n8 1\n9 1\n10 1\n");
    cr_expect_eq(call(cmd_modbus_read, "input 64"), COMMAND_REFUSED);
    cr_expect_eq(call(cmd_modbus_identify, "--timeout=1s"), COMMAND_OK);
    cr_expect_not_null(strstr(out.text, "expect = slave-id \"\\xb4\\xffLMB"), "%s", out.text);
    (void)modbus_peer_stop(peer);
}

Test(cmd_modbus_device, writes_nothing_without_yes)
{
    struct modbus_peer *peer = modbus_peer_start(17, path, sizeof(path));
    cr_expect_eq(call(cmd_modbus_write, "holding 5 1"), COMMAND_USAGE);
    cr_expect_eq(call(cmd_modbus_write, "coils 5 1 1"), COMMAND_USAGE);
    cr_expect_eq(modbus_peer_stop(peer), 0);
}

Test(cmd_modbus_device, refuses_what_cannot_be_asked)
{
    static const char *const reads[] = {"holding",       "nonsense 0",  "holding 9-8",
                                        "holding 0-125", "input 65536", "coils 0-2000",
                                        "holding 1 2",   "holding 1x"};
    static const char *const writes[] = {"holding 5 --yes",       "input 5 1 --yes",
                                         "discrete 5 1 --yes",    "coils 5 2 --yes",
                                         "coils 5 1 2 --yes",     "holding 5 65536 --yes",
                                         "holding 5-6 1 2 --yes", "holding 65535 1 2 --yes"};
    (void)snprintf(path, sizeof(path), "/dev/null");
    for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
        cr_expect_eq(call(cmd_modbus_read, reads[i]), COMMAND_USAGE, "%s", reads[i]);
    }
    for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
        cr_expect_eq(call(cmd_modbus_write, writes[i]), COMMAND_USAGE, "%s", writes[i]);
    }
    cr_expect_eq(call(cmd_modbus_read, "holding 0"), COMMAND_UNAVAILABLE);
    cr_expect_eq(call(cmd_modbus_identify, "more"), COMMAND_USAGE);
}

Test(cmd_modbus_device, a_device_that_does_not_answer_is_told)
{
    int far = bench_open_pty(path, sizeof(path));
    cr_expect_eq(call(cmd_modbus_write, "holding 5 1 --timeout=10ms --yes"), COMMAND_REFUSED);
    cr_expect_str_eq(out.text, "");
    cr_expect_eq(call(cmd_modbus_identify, "--timeout=10ms"), COMMAND_REFUSED);
    close(far);
}
