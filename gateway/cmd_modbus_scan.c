/* Which line settings, and which units: ask until somebody answers. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "gateway/cmd_modbus.h"
#include "gateway/command.h"
#include "gateway/modbus_args.h"
#include "protocols/modbus_pdu.h"

enum { BAR = 24, TEXT = 64, MS_PER_S = 1000, NS_PER_MS = 1000000, MINUTE_S = 60, LONG_S = 120 };

static const char scan_help[] =
    "Usage: wardgate modbus scan PORT [--baud LIST] [--parity LIST] [--units LIST]\n"
    "Finds the line settings and the units of Modbus devices: reads one register of each unit\n"
    "with each setting, until a unit has answered. Any answer counts, an exception too. PORT is\n"
    "a serial port that no gateway holds, or HOST:PORT for Modbus/TCP.\n"
    "\n"
    "      --baud LIST      rates [9600,19200]\n"
    "      --parity LIST    N, E, O [E,N]\n"
    "      --stop 1|2       stop bits [1]\n"
    "      --units LIST     [1-247]\n"
    "      --timeout TIME   how long a unit may take to answer [200ms]\n"
    "      --all            try every setting, also when units were found with one\n"
    "  -h, --help           this text\n"
    "\n"
    "Exit code 0 when a unit was found, 1 when none answered, 69 when the port cannot be opened\n"
    "or is held.\n";

static const struct modbus_args_form scan_form = {
    .name = "scan",
    .letters = "bpstUa",
    .rates = "9600,19200",
    .parities = "E,N",
    .units = "1-247",
    .timeout_ms = 200,
    .help = scan_help,
};

struct scan {
    const struct modbus_args *args;
    struct modbus_tool *tool;
    char line[TEXT]; /* "9600 8E1"; "" on TCP */
    bool shows_bar;  /* stderr is a terminal */
    size_t done, total;
    uint64_t began_ms;
    size_t found, garbled; /* with these settings */
    size_t found_in_all;
};

static uint64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * MS_PER_S + (uint64_t)now.tv_nsec / NS_PER_MS;
}

/* The time that is left: as long per question as it took so far; before that, the timeout. */
static void put_left(const struct scan *s, char text[TEXT])
{
    uint64_t each_ms = s->done > 0 ? (now_ms() - s->began_ms) / s->done : s->args->port.timeout_ms;
    uint64_t left_s = (each_ms * (s->total - s->done) + MS_PER_S - 1) / MS_PER_S;
    if (left_s >= LONG_S) {
        (void)snprintf(text, TEXT, "about %llu min left",
                       (unsigned long long)((left_s + MINUTE_S / 2) / MINUTE_S));
    } else {
        (void)snprintf(text, TEXT, "about %llu s left", (unsigned long long)left_s);
    }
}

static void show_bar(const struct scan *s, int unit)
{
    char bar[BAR + 1];
    char left[TEXT];
    size_t full = s->done * BAR / s->total;
    if (!s->shows_bar) {
        return;
    }
    for (size_t i = 0; i < BAR; i++) {
        bar[i] = i < full ? '#' : '.';
    }
    bar[BAR] = '\0';
    put_left(s, left);
    (void)fprintf(stderr, "\r[%s] %3u %%  %s unit %d, %s\x1b[K", bar,
                  (unsigned)(s->done * 100 / s->total), s->line, unit, left);
}

static void hide_bar(const struct scan *s)
{
    if (s->shows_bar) {
        (void)fprintf(stderr, "\r\x1b[K");
    }
}

static void tell_unit(struct scan *s, int unit)
{
    hide_bar(s);
    (void)printf("%s%sunit %d answers\n", s->line, s->line[0] != '\0' ? ", " : "", unit);
    (void)fflush(stdout);
    s->found++;
    s->found_in_all++;
}

/* A gateway on the way that tells of a unit behind it that is not there is no unit. */
static bool is_of_a_unit(struct span pdu)
{
    uint8_t function = 0;
    uint8_t code = 0;
    return span_at(pdu, 0, &function) && span_at(pdu, 1, &code) &&
           ((function & MODBUS_EXCEPTION_FLAG) == 0 ||
            (code != MODBUS_NO_PATH && code != MODBUS_NO_ANSWER));
}

static enum modbus_tool_result ask_unit(struct scan *s, int unit)
{
    static const uint8_t pdu[] = {0x03, 0, 0, 0, 1}; /* one holding register */
    uint8_t memory[MODBUS_PDU_MAX];
    struct room answer = room_of(memory, sizeof(memory));
    enum modbus_tool_result result = modbus_tool_ask(s->tool, (uint8_t)unit,
                                                     span_of(pdu, sizeof(pdu)), &answer);
    if (result == MODBUS_TOOL_ANSWERED && is_of_a_unit(room_span(&answer))) {
        tell_unit(s, unit);
    }
    s->garbled += result == MODBUS_TOOL_GARBLED ? 1 : 0;
    return result;
}

/* All units with the present settings. False: the port is lost, or it was told to stop. */
static bool scan_units(struct scan *s, enum modbus_tool_result *end)
{
    s->found = 0;
    s->garbled = 0;
    for (int unit = 0; unit < 256; unit++) {
        if (!s->args->units[unit]) {
            continue;
        }
        show_bar(s, unit);
        *end = ask_unit(s, unit);
        s->done++;
        if (*end == MODBUS_TOOL_LOST || *end == MODBUS_TOOL_STOPPED) {
            return false;
        }
    }
    hide_bar(s);
    if (s->found == 0 && s->garbled > 0) {
        (void)printf("%s%ssomething answers, but not so that it can be read\n", s->line,
                     s->line[0] != '\0' ? ": " : "");
    }
    return true;
}

static bool begin_setting(struct scan *s, uint32_t rate, char parity, char *why)
{
    (void)snprintf(s->line, sizeof(s->line), "%u 8%c%u", (unsigned)rate, parity,
                   (unsigned)s->args->port.stop_bits);
    if (!s->shows_bar) {
        char left[TEXT];
        put_left(s, left);
        (void)fprintf(stderr, "%s: asking %zu unit%s, %s\n", s->line, s->args->unit_count,
                      s->args->unit_count == 1 ? "" : "s", left);
    }
    return modbus_tool_set_line(s->tool, rate, parity, why);
}

/* Every setting; one that a unit has answered to is the line's. */
static bool scan_settings(struct scan *s, enum modbus_tool_result *end, char *why)
{
    const struct modbus_args *a = s->args;
    size_t parities = strlen(a->parities);
    for (size_t i = 0; i < a->rate_count * parities; i++) {
        if (!begin_setting(s, a->rates[i / parities], a->parities[i % parities], why)) {
            *end = MODBUS_TOOL_LOST;
            return false;
        }
        if (!scan_units(s, end)) {
            return false;
        }
        if (s->found > 0 && !a->wants_all) {
            break;
        }
    }
    return true;
}

static int tell_end(const struct scan *s, bool is_done, const char *why)
{
    hide_bar(s);
    if (!is_done) {
        (void)fprintf(stderr, "wardgate modbus scan: %s\n",
                      why[0] != '\0' ? why : "the port is gone");
        return COMMAND_UNAVAILABLE;
    }
    if (s->found_in_all == 0) {
        (void)fprintf(stderr, "wardgate modbus scan: no unit answered\n");
        return COMMAND_REFUSED;
    }
    return COMMAND_OK;
}

int cmd_modbus_scan(int argc, char **argv)
{
    struct modbus_args args;
    char why[MODBUS_TOOL_WHY_MAX] = "";
    int code = COMMAND_OK;
    if (!modbus_args_read(argc, argv, &scan_form, &args, &code)) {
        return code;
    }
    if (args.word_count > 0) {
        return modbus_args_refuse(&scan_form, "needless argument", args.words[0]);
    }
    struct scan s = {.args = &args, .shows_bar = isatty(STDERR_FILENO) == 1};
    bool is_serial = args.port.path != NULL;
    s.total = args.unit_count * (is_serial ? args.rate_count * strlen(args.parities) : 1);
    s.tool = modbus_tool_open(&args.port, why);
    if (s.tool == NULL) {
        return tell_end(&s, false, why);
    }
    s.began_ms = now_ms();
    enum modbus_tool_result end = MODBUS_TOOL_SILENT;
    bool is_done = is_serial ? scan_settings(&s, &end, why) : scan_units(&s, &end);
    modbus_tool_close(s.tool);
    if (end == MODBUS_TOOL_STOPPED) {
        hide_bar(&s);
        modbus_tool_obey();
    }
    return tell_end(&s, is_done, why);
}
