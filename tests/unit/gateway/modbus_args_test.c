#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "gateway/command.h"
#include "gateway/modbus_args.h"
#include "tests/unit/gateway/capture.h"

static const struct modbus_args_form form = {.name = "try",
                                             .letters = "bpstUy",
                                             .rates = "9600,19200",
                                             .parities = "E,N",
                                             .units = "1-3",
                                             .timeout_ms = 70,
                                             .help = "the help\n"};

enum { WORDS_MAX = 8 };

static struct modbus_args args;
static struct capture told;

/* Words of a command line, cut at blanks. Returns the exit code; -1: it was taken. */
static int take(const char *line)
{
    static char text[400];
    static char *argv[WORDS_MAX + 2]; /* the words are borrowed */
    int argc = 0;
    int code = -2;
    (void)snprintf(text, sizeof(text), "try %s", line);
    for (char *at = text; *at != '\0';) {
        size_t len = strcspn(at, " ");
        cr_assert_lt(argc, WORDS_MAX);
        argv[argc++] = at;
        at += len;
        at += *at != '\0' ? 1 : 0;
        at[-1] = at[-1] == ' ' ? '\0' : at[-1];
    }
    argv[argc] = NULL;
    capture_start(&told, STDERR_FILENO);
    bool is_good = modbus_args_read(argc, argv, &form, &args, &code);
    (void)capture_end(&told);
    return is_good ? -1 : code;
}

Test(modbus_args, takes_a_serial_port_with_its_defaults)
{
    cr_assert_eq(take("/dev/ttyUSB0 more words"), -1);
    cr_expect_str_eq(args.port.path, "/dev/ttyUSB0");
    cr_expect_eq(args.rate_count, 2);
    cr_expect_eq(args.rates[1], 19200);
    cr_expect_str_eq(args.parities, "EN");
    cr_expect_eq(args.port.rate, 9600);
    cr_expect_eq(args.port.parity, 'E');
    cr_expect_eq(args.port.stop_bits, 1);
    cr_expect_eq(args.port.timeout_ms, 70);
    cr_expect_eq(args.unit_count, 3);
    cr_expect_eq(args.unit, 1);
    cr_expect_not(args.is_sure);
    cr_expect_eq(args.word_count, 2);
    cr_expect_str_eq(args.words[1], "words");
}

Test(modbus_args, takes_what_is_written)
{
    cr_assert_eq(take("serial:./tty --baud=115200 --parity=O --stop=2 --units=5,7-8 --timeout=2s"),
                 -1);
    cr_expect_str_eq(args.port.path, "./tty");
    cr_expect_eq(args.port.rate, 115200);
    cr_expect_eq(args.port.parity, 'O');
    cr_expect_eq(args.port.stop_bits, 2);
    cr_expect_eq(args.port.timeout_ms, 2000);
    cr_expect_eq(args.unit, 5);
    cr_expect_eq(args.unit_count, 3);
    cr_expect(args.units[8] && !args.units[6]);
}

Test(modbus_args, takes_an_address)
{
    cr_assert_eq(take("tcp:[fd00::1]:502 --units=255 --yes"), -1);
    cr_expect_null(args.port.path);
    cr_expect_str_eq(args.port.host, "fd00::1");
    cr_expect_eq(args.port.port, 502);
    cr_expect_eq(args.unit, 255);
    cr_expect(args.is_sure);
    cr_assert_eq(take("pump.example:1502"), -1);
    cr_expect_str_eq(args.port.host, "pump.example");
}

Test(modbus_args, refuses_all_else)
{
    static const struct {
        const char *line, *says;
    } list[] = {
        {"", "an argument is missing: PORT"},
        {"ttyUSB0", "no path of a serial port and no HOST:PORT: ttyUSB0"},
        {"/dev/x --baud=14400", "--baud takes rates that libmodbus knows"},
        {"/dev/x --baud=", "--baud takes rates"},
        {"/dev/x --baud=9600,,19200", "--baud takes rates"},
        {"/dev/x --parity=M", "--parity takes N, E and O, not M"},
        {"/dev/x --parity=EN", "--parity takes"},
        {"/dev/x --parity=N,E,O,N", "--parity takes"},
        {"/dev/x --units=0", "units are 1 to 247, such as 1-10,17, not 0"},
        {"/dev/x --units=255", "units are 1 to 247"},
        {"/dev/x --units=3>1", "units are 1 to 247"},
        {"/dev/x --units=", "units are 1 to 247"},
        {"/dev/x --stop=3", "--stop takes 1 or 2, not 3"},
        {"/dev/x --timeout=5", "--timeout takes 10ms to 1m, such as 500ms, not 5"},
        {"/dev/x --timeout=2m", "--timeout takes"},
        {"/dev/x --baud", "a value is missing after --baud"},
        {"/dev/x --unit=1", "unknown option --unit=1"},
        {"/dev/x --nonsense", "unknown option --nonsense"},
        {"h:1 --baud=9600", "--baud, --parity and --stop are for serial ports alone"},
    };

    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        cr_expect_eq(take(list[i].line), COMMAND_USAGE, "%s", list[i].line);
        cr_expect_not_null(strstr(told.text, list[i].says), "%s: %s", list[i].line, told.text);
    }
}

Test(modbus_args, prints_its_help)
{
    struct capture out;
    capture_start(&out, STDOUT_FILENO);
    int code = take("--help");
    (void)capture_end(&out);
    cr_expect_eq(code, COMMAND_OK);
    cr_expect_str_eq(out.text, "the help\n");
}

Test(modbus_args, takes_numbers_off)
{
    static const char *const bad[] = {
        "", "x", "-1", "+1", " 1", "65536", "0x", "0x10000", "99999999999999999999"};
    const char *text = "0x00fF-2";
    uint16_t value = 0;
    cr_expect(modbus_args_take_word(&text, &value));
    cr_expect_eq(value, 255);
    cr_expect_str_eq(text, "-2");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        text = bad[i];
        cr_expect_not(modbus_args_take_word(&text, &value), "%s", bad[i]);
        cr_expect_eq(value, 255);
    }
}
