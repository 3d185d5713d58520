#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "gateway/cmd_modbus.h"
#include "gateway/command.h"
#include "tests/unit/gateway/bench.h"
#include "tests/unit/gateway/capture.h"
#include "tests/unit/gateway/modbus_peer.h"

static struct capture out;
static char path[80];

static int scan(const char *units, const char *timeout)
{
    char words[6][100] = {"scan", "", "--baud=115200,9600", "--parity=N,E", "", ""};
    char *argv[] = {words[0], words[1], words[2], words[3], words[4], words[5], NULL};
    (void)snprintf(words[1], sizeof(words[1]), "%s", path);
    (void)snprintf(words[4], sizeof(words[4]), "--units=%s", units);
    (void)snprintf(words[5], sizeof(words[5]), "--timeout=%s", timeout);
    capture_start(&out, STDOUT_FILENO);
    int code = cmd_modbus_scan(6, argv);
    (void)capture_end(&out);
    return code;
}

/* A pseudo-terminal carries bytes with any setting: the first one is right. */
Test(cmd_modbus_scan, finds_the_unit_and_stops_at_its_setting)
{
    struct modbus_peer *peer = modbus_peer_start(17, path, sizeof(path));
    cr_expect_eq(scan("17", "5s"), COMMAND_OK);
    cr_expect_str_eq(out.text, "115200 8N1, unit 17 answers\n");
    (void)modbus_peer_stop(peer);
}

Test(cmd_modbus_scan, tells_that_nobody_answers)
{
    int far = bench_open_pty(path, sizeof(path));
    cr_expect_eq(scan("1-2", "10ms"), COMMAND_REFUSED);
    cr_expect_str_eq(out.text, "");
    close(far);
    cr_expect_eq(scan("1-2", "10ms"), COMMAND_UNAVAILABLE);
}
