#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <termios.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "gateway/modbus_tool.h"
#include "protocols/modbus_pdu.h"
#include "tests/unit/gateway/bench.h"
#include "tests/unit/gateway/modbus_peer.h"
#include "tests/unit/protocols/hex.h"

static char path[80], why[MODBUS_TOOL_WHY_MAX];
static uint8_t memory[MODBUS_PDU_MAX];
static struct room answer;

static struct modbus_tool_settings settings(uint32_t timeout_ms)
{
    return (struct modbus_tool_settings){
        .path = path, .rate = 115200, .parity = 'E', .stop_bits = 1, .timeout_ms = timeout_ms};
}

static enum modbus_tool_result ask(struct modbus_tool *t, uint8_t unit, const char *hex)
{
    struct hex pdu = hex_of(hex);
    answer = room_of(memory, sizeof(memory));
    return modbus_tool_ask(t, unit, hex_span(&pdu), &answer);
}

static bool heard(const char *hex)
{
    struct hex want = hex_of(hex);
    return span_equal(room_span(&answer), hex_span(&want));
}

Test(modbus_tool, asks_libmodbuss_server)
{
    struct modbus_peer *peer = modbus_peer_start(17, path, sizeof(path));
    struct modbus_tool_settings s = settings(5000);
    struct modbus_tool *t = modbus_tool_open(&s, why);
    cr_assert_not_null(t, "%s", why);
    cr_expect_eq(ask(t, 17, "03 0010 0002"), MODBUS_TOOL_ANSWERED);
    cr_expect(heard("03 04 0010 0011"));
    cr_expect_eq(ask(t, 17, "06 0001 ABCD"), MODBUS_TOOL_ANSWERED);
    cr_expect(heard("06 0001 ABCD"));
    cr_expect_eq(ask(t, 17, "03 0040 0001"), MODBUS_TOOL_ANSWERED, "an exception is an answer");
    cr_expect(heard("83 02"));
    modbus_tool_close(t);
    (void)modbus_peer_stop(peer);
}

Test(modbus_tool, holds_the_port_and_leaves_it_as_it_was)
{
    struct termios before;
    struct termios after;
    int far = bench_open_pty(path, sizeof(path));
    int near = open(path, O_RDWR | O_NOCTTY);
    cr_assert_eq(tcgetattr(near, &before), 0);
    struct modbus_tool_settings s = settings(10);
    struct modbus_tool *t = modbus_tool_open(&s, why);
    cr_assert_not_null(t, "%s", why);
    cr_expect_eq(flock(near, LOCK_EX | LOCK_NB), -1);
    cr_expect_null(modbus_tool_open(&s, why));
    cr_expect_not_null(strstr(why, "is held by"), "%s", why);
    cr_expect(modbus_tool_set_line(t, 9600, 'N', why), "%s", why);
    cr_expect_eq(ask(t, 1, "03 0000 0001"), MODBUS_TOOL_SILENT);
    modbus_tool_close(t);
    cr_expect_eq(flock(near, LOCK_EX | LOCK_NB), 0);
    cr_assert_eq(tcgetattr(near, &after), 0);
    cr_expect_eq(after.c_cflag, before.c_cflag);
    cr_expect_eq(after.c_lflag, before.c_lflag);
    cr_expect_eq(after.c_iflag, before.c_iflag);
    close(near);
    close(far);
}

Test(modbus_tool, a_signal_ends_the_question_and_then_the_process, .signal = SIGINT)
{
    int far = bench_open_pty(path, sizeof(path));
    struct modbus_tool_settings s = settings(60000);
    struct modbus_tool *t = modbus_tool_open(&s, why);
    cr_assert_not_null(t, "%s", why);
    (void)raise(SIGINT);
    cr_assert_eq(ask(t, 1, "03 0000 0001"), MODBUS_TOOL_STOPPED);
    modbus_tool_close(t);
    close(far);
    modbus_tool_obey();
    cr_assert_fail("still here");
}

Test(modbus_tool, a_port_that_went_is_lost)
{
    int far = bench_open_pty(path, sizeof(path));
    struct modbus_tool_settings s = settings(1000);
    struct modbus_tool *t = modbus_tool_open(&s, why);
    cr_assert_not_null(t, "%s", why);
    close(far);
    cr_expect_eq(ask(t, 1, "03 0000 0001"), MODBUS_TOOL_LOST);
    modbus_tool_close(t);
}

Test(modbus_tool, knows_only_rates_that_the_library_knows)
{
    cr_expect(modbus_tool_knows_rate(9600));
    cr_expect(modbus_tool_knows_rate(115200));
    cr_expect_not(modbus_tool_knows_rate(14400));
    cr_expect_not(modbus_tool_knows_rate(250000));
    cr_expect_not(modbus_tool_knows_rate(0));
}

Test(modbus_tool, nobody_listens)
{
    struct modbus_tool_settings s = {.host = "127.0.0.1", .port = 1, .timeout_ms = 1000};
    cr_expect_null(modbus_tool_open(&s, why));
    cr_expect_str_eq(why, "127.0.0.1:1: Connection refused");
}
