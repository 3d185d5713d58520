#include "gateway/modbus_args.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/values.h"
#include "gateway/command.h"

enum { ITEM_MAX = 32, UNITS_HIGHEST = 255 };

static const struct option long_options[] = {
    {"baud", required_argument, NULL, 'b'}, {"parity", required_argument, NULL, 'p'},
    {"stop", required_argument, NULL, 's'}, {"timeout", required_argument, NULL, 't'},
    {"unit", required_argument, NULL, 'u'}, {"units", required_argument, NULL, 'U'},
    {"yes", no_argument, NULL, 'y'},        {"all", no_argument, NULL, 'a'},
    {"help", no_argument, NULL, 'h'},       {NULL, 0, NULL, 0},
};

int modbus_args_refuse(const struct modbus_args_form *form, const char *what, const char *subject)
{
    (void)fprintf(stderr, "wardgate modbus %s: %s %s; try 'wardgate modbus %s --help'\n",
                  form->name, what, subject, form->name);
    return COMMAND_USAGE;
}

/* The next item between commas; false at the end, or when it is too long to be one. */
static bool take_item(const char **text, char item[ITEM_MAX])
{
    size_t len = strcspn(*text, ",");
    if (len == 0 || len >= ITEM_MAX) {
        return false;
    }
    memcpy(item, *text, len);
    item[len] = '\0';
    *text += len;
    if (**text == ',' && (*text)[1] != '\0') {
        (*text)++;
    }
    return true;
}

static bool read_rates(const char *text, struct modbus_args *out)
{
    char item[ITEM_MAX];
    out->rate_count = 0;
    while (*text != '\0') {
        uint32_t rate = 0;
        if (out->rate_count == MODBUS_ARGS_RATES || !take_item(&text, item) ||
            !values_parse_u32(item, 1, UINT32_MAX, &rate) || !modbus_tool_knows_rate(rate)) {
            return false;
        }
        out->rates[out->rate_count++] = rate;
    }
    return out->rate_count > 0;
}

static bool read_parities(const char *text, struct modbus_args *out)
{
    char item[ITEM_MAX];
    size_t count = 0;
    while (*text != '\0') {
        if (count == sizeof(out->parities) - 1 || !take_item(&text, item) || item[1] != '\0' ||
            strchr("NEO", item[0]) == NULL) {
            return false;
        }
        out->parities[count++] = item[0];
    }
    out->parities[count] = '\0';
    return count > 0;
}

/* 1-247, and on TCP 255, which is the device itself there. */
static bool read_units(const char *text, bool is_tcp, struct modbus_args *out)
{
    char item[ITEM_MAX];
    struct conf_unit_map map;
    struct values_error why;
    values_units_clear(&map);
    while (*text != '\0') {
        if (!take_item(&text, item) || strchr(item, '>') != NULL ||
            values_units_add(item, is_tcp, &map, &why) != 0) {
            return false;
        }
    }
    out->unit_count = 0;
    for (int unit = UNITS_HIGHEST; unit >= 0; unit--) {
        out->units[unit] = map.bus_unit[unit] >= 0;
        if (out->units[unit]) {
            out->unit_count++;
            out->unit = (uint8_t)unit;
        }
    }
    return out->unit_count > 0;
}

/* A path has a slash, HOST:PORT has none. */
static bool read_port(const char *text, struct modbus_args *out)
{
    struct values_address address;
    struct values_error why;
    static const char *const before[] = {"serial:", "tcp:"};
    for (size_t i = 0; i < 2; i++) {
        if (strncmp(text, before[i], strlen(before[i])) == 0) {
            text += strlen(before[i]);
        }
    }
    int len = snprintf(out->text, sizeof(out->text), "%s", text);
    if (len <= 0 || len >= (int)sizeof(out->text)) {
        return false;
    }
    if (strchr(text, '/') != NULL) {
        out->port.path = out->text;
        return true;
    }
    if (values_address(text, &address, &why) != 0) {
        return false;
    }
    (void)snprintf(out->host, sizeof(out->host), "%s", address.host);
    out->port.host = out->host;
    out->port.port = address.port;
    return true;
}

/* The options as they were written; what they mean depends on the port. */
struct written {
    const char *rates, *parities, *units, *stop, *timeout;
    bool has_line; /* something that only a serial line has */
    bool is_sure, wants_all;
};

static void note_option(struct written *w, int option)
{
    w->has_line = w->has_line || option == 'b' || option == 'p' || option == 's';
    switch (option) {
    case 'b':
        w->rates = optarg;
        break;
    case 'p':
        w->parities = optarg;
        break;
    case 's':
        w->stop = optarg;
        break;
    case 't':
        w->timeout = optarg;
        break;
    case 'u':
    case 'U':
        w->units = optarg;
        break;
    case 'y':
        w->is_sure = true;
        break;
    default:
        w->wants_all = true;
        break;
    }
}

/* What getopt answers for an option that there is not, for one without its value, and for one of
 * another subcommand: what is wrong, or NULL. */
static const char *find_misuse(const struct modbus_args_form *form, int option)
{
    if (option == ':') {
        return "a value is missing after";
    }
    return option == '?' || strchr(form->letters, option) == NULL ? "unknown option" : NULL;
}

/* True: go on. */
static bool read_options(int argc, char **argv, const struct modbus_args_form *form,
                         struct written *w, int *code)
{
    opterr = 0;
    optind = 0; /* begin anew, also after a line that was refused */
    for (;;) {
        int option = getopt_long(argc, argv, ":h", long_options, NULL);
        if (option == -1) {
            return true;
        }
        if (option == 'h') {
            *code = fputs(form->help, stdout) < 0 ? COMMAND_INTERNAL : COMMAND_OK;
            return false;
        }
        const char *wrong = find_misuse(form, option);
        if (wrong != NULL) {
            *code = modbus_args_refuse(form, wrong, argv[optind - 1]);
            return false;
        }
        note_option(w, option);
    }
}

/* What is wrong with an option's value, or NULL. */
static const char *read_values(const struct modbus_args_form *form, const struct written *w,
                               struct modbus_args *out)
{
    struct values_error why;
    bool is_tcp = out->port.path == NULL;
    if (is_tcp && w->has_line) {
        return "--baud, --parity and --stop are for serial ports";
    }
    if (!read_rates(w->rates, out)) {
        return "--baud takes rates that libmodbus knows, such as 9600,19200, not";
    }
    if (!read_parities(w->parities, out)) {
        return "--parity takes N, E and O, not";
    }
    if (!read_units(w->units, is_tcp, out)) {
        return "units are 1 to 247, such as 1-10,17, not";
    }
    if (strcmp(w->stop, "1") != 0 && strcmp(w->stop, "2") != 0) {
        return "--stop takes 1 or 2, not";
    }
    out->port.stop_bits = (uint8_t)(w->stop[0] - '0');
    out->port.timeout_ms = form->timeout_ms;
    if (w->timeout != NULL && values_scalar(keys_get(KEYS_RESPONSE_TIMEOUT), w->timeout,
                                            &out->port.timeout_ms, &why) != 0) {
        return "--timeout takes 10ms to 1m, such as 500ms, not";
    }
    out->port.rate = out->rates[0];
    out->port.parity = out->parities[0];
    return NULL;
}

/* The value that read_values did not like, for the message. */
static const char *value_of(const char *wrong, const struct written *w)
{
    static const char *const begins[] = {"--baud t", "--parity", "units", "--stop", "--timeout"};
    const char *const values[] = {w->rates, w->parities, w->units, w->stop, w->timeout};
    for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
        if (strncmp(wrong, begins[i], strlen(begins[i])) == 0) {
            return values[i];
        }
    }
    return "alone";
}

bool modbus_args_read(int argc, char **argv, const struct modbus_args_form *form,
                      struct modbus_args *out, int *code)
{
    struct written w = {
        .rates = form->rates, .parities = form->parities, .units = form->units, .stop = "1"};
    *out = (struct modbus_args){.unit = 0};
    if (!read_options(argc, argv, form, &w, code)) {
        return false;
    }
    out->is_sure = w.is_sure;
    out->wants_all = w.wants_all;
    if (optind >= argc) {
        *code = modbus_args_refuse(form, "an argument is missing:", "PORT");
        return false;
    }
    if (!read_port(argv[optind], out)) {
        *code = modbus_args_refuse(form,
                                   "no path of a serial port and no HOST:PORT:", argv[optind]);
        return false;
    }
    out->words = &argv[optind + 1];
    out->word_count = argc - optind - 1;
    const char *wrong = read_values(form, &w, out);
    if (wrong != NULL) {
        *code = modbus_args_refuse(form, wrong, value_of(wrong, &w));
        return false;
    }
    return true;
}

bool modbus_args_take_word(const char **text, uint16_t *out)
{
    char *end = NULL;
    bool is_hex = (*text)[0] == '0' && ((*text)[1] == 'x' || (*text)[1] == 'X');
    const char *digits = is_hex ? *text + 2 : *text;
    /* strtoul takes blanks and signs, too. */
    if (strspn(digits, is_hex ? "0123456789abcdefABCDEF" : "0123456789") == 0) {
        return false;
    }
    unsigned long value = strtoul(digits, &end, is_hex ? 16 : 10);
    if (value > UINT16_MAX) {
        return false;
    }
    *out = (uint16_t)value;
    *text = end;
    return true;
}
