#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "certs/tls.h"
#include "conf/conf.h"
#include "conf/values.h"
#include "gateway/cmd_modbus.h"
#include "gateway/command.h"
#include "gateway/io.h"
#include "gateway/permit.h"
#include "gateway/weektime.h"

static const char help[] =
    "Usage: wardgate modbus explain ROLE DEVICE REQUEST [OPTION]...\n"
    "Prints whether a peer with this role may make this request of this device, and the rule\n"
    "that decides. Reads the configuration as check does; asks no running gateway.\n"
    "\n"
    "  ROLE                name of a role section; - for a peer that has no role\n"
    "  DEVICE              name of a device section\n"
    "  REQUEST             function and data, hexadecimal, without unit and checksum:\n"
    "                      \"06 0010 1234\" writes 1234 (hex) to holding register 0010 (hex)\n"
    "      --unit N        the unit that the peer asks [the lowest of the device's unit_map]\n"
    "      --at UNIXTIME   for rules with a time: as at this moment [now]\n"
    "  -c, --config FILE   configuration [" COMMAND_CONF_PATH "]\n"
    "  -h, --help          this text\n"
    "\n"
    "Exit code 0 when it is allowed, 1 when it is denied, 64 for wrong usage, 78 when the\n"
    "configuration is wrong. The verdict on the peer and the clock's trust are left out.\n";

enum { OPTION_UNIT = 256, OPTION_AT, ARGUMENTS = 3, SAY_MAX = 256 };

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"help", no_argument, NULL, 'h'},
    {"unit", required_argument, NULL, OPTION_UNIT},
    {"at", required_argument, NULL, OPTION_AT},
    {NULL, 0, NULL, 0},
};

struct explain {
    const char *conf_path;
    const char *role, *device;
    uint8_t pdu[MODBUS_PDU_MAX];
    size_t pdu_len;
    bool has_unit;
    uint32_t unit; /* as the peer writes it */
    int64_t at_s;
    bool wants_help;
};

static int misuse(const char *what, const char *subject)
{
    (void)fprintf(stderr, "wardgate modbus explain: %s%s; try 'wardgate modbus explain --help'\n",
                  what, subject);
    return COMMAND_USAGE;
}

static int hex_of(char c)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *found = c != '\0' ? strchr(digits, c) : NULL;
    return found != NULL ? (int)(found - digits) % 16 : -1;
}

/* Pairs of digits, with blanks anywhere between pairs. */
static bool read_pdu(struct explain *e, const char *text)
{
    struct room to = room_of(e->pdu, sizeof e->pdu);
    while (*text != '\0') {
        if (*text == ' ') {
            text++;
            continue;
        }
        int high = hex_of(text[0]);
        int low = high >= 0 ? hex_of(text[1]) : -1;
        if (low < 0 || !room_put_u8(&to, (uint8_t)(high * 16 + low))) {
            return false;
        }
        text += 2;
    }
    e->pdu_len = room_span(&to).len;
    return e->pdu_len > 0;
}

static int note_option(struct explain *e, int option)
{
    uint32_t at_s = 0;
    switch (option) {
    case 'c':
        e->conf_path = optarg;
        return COMMAND_OK;
    case 'h':
        e->wants_help = true;
        return COMMAND_OK;
    case OPTION_UNIT:
        e->has_unit = values_parse_u32(optarg, 0, UINT8_MAX, &e->unit);
        return e->has_unit ? COMMAND_OK : misuse("--unit is a number from 0 to 255, not ", optarg);
    default:
        if (!values_parse_u32(optarg, 0, UINT32_MAX, &at_s)) {
            return misuse("--at is seconds since 1970, not ", optarg);
        }
        e->at_s = at_s;
        return COMMAND_OK;
    }
}

static int read_arguments(struct explain *e, int argc, char **argv)
{
    static const char *const names[ARGUMENTS] = {"ROLE", "DEVICE", "REQUEST"};
    int left = argc - optind;
    if (left < ARGUMENTS) {
        return misuse("an argument is missing: ", names[left]);
    }
    if (left > ARGUMENTS) {
        return misuse("needless argument (the request is one argument, in quotes): ",
                      argv[optind + ARGUMENTS]);
    }
    e->role = argv[optind];
    e->device = argv[optind + 1];
    if (!read_pdu(e, argv[optind + 2])) {
        return misuse("a request is 1 to 253 bytes in hexadecimal, such as \"06 0010 1234\", not ",
                      argv[optind + 2]);
    }
    return COMMAND_OK;
}

static int read_options(struct explain *e, int argc, char **argv)
{
    int option = 0;
    optind = 0; /* glibc: begin anew, as the names before were none of our options */
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":hc:", long_options, NULL)) != -1) {
        if (option == ':' || option == '?') {
            return misuse(option == ':' ? "a value is missing after " : "unknown option ",
                          argv[optind - 1]);
        }
        int code = note_option(e, option);
        if (code != COMMAND_OK || e->wants_help) {
            return code;
        }
    }
    return read_arguments(e, argc, argv);
}

/* ---- what is printed ---- */

/* Who: the bits of the roles that count. False: there is no such role. */
static bool find_roles(const struct explain *e, const struct conf *c,
                       const struct conf_access *access, uint64_t *roles)
{
    const struct conf_role *role = conf_find_role(c, e->role);
    *roles = 0;
    if (strcmp(e->role, "-") == 0) {
        return true;
    }
    if (role != NULL && access != NULL) {
        *roles = (UINT64_C(1) << (role - c->roles)) & access->counted;
    }
    return role != NULL;
}

/* Which unit it reaches; -1: none, and the request is not sent. */
static int16_t map_unit(struct explain *e, const struct conf_device *d)
{
    for (uint32_t unit = 0; unit < 256 && !e->has_unit; unit++) {
        e->has_unit = d->unit_map.bus_unit[unit] >= 0;
        e->unit = unit;
    }
    if (!e->has_unit) {
        return -1;
    }
    return d->unit_map.bus_unit[e->unit];
}

static void print_rule(const struct conf_device *d, const struct permit_answer *answer)
{
    if (answer->rule != NULL) {
        (void)printf("rule     %s:%d: %s\n", answer->rule->file, answer->rule->line,
                     answer->rule->text);
    } else if (answer->code == MODBUS_FINE) {
        (void)printf("rule     none: %s:%d: [device %s] lets each peer read, and %s\n", d->file,
                     d->line_number, d->name,
                     d->writes_allowed ? "write (writes = allow)" : "not write");
    } else {
        (void)printf("rule     none: what no rule allows is denied\n");
    }
}

static int print_answer(const struct explain *e, const struct conf_device *d,
                        const struct permit_answer *answer)
{
    static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    char range[PERMIT_TEXT_MAX];
    int32_t minute = weektime_minute(e->at_s);
    bool is_allowed = answer->code == MODBUS_FINE;
    permit_range_text(span_of(e->pdu, e->pdu_len), range);
    if (is_allowed) {
        (void)printf("allowed: %s\n", answer->why);
    } else {
        (void)printf("denied with exception %02X: %s\n", (unsigned)answer->code, answer->why);
    }
    print_rule(d, answer);
    (void)printf("request  unit %u, function %u, %s", (unsigned)e->unit, (unsigned)e->pdu[0],
                 range);
    if (minute >= 0) {
        unsigned time = (unsigned)minute % MODBUS_POLICY_DAY;
        (void)printf(", %s %02u:%02u", days[minute / MODBUS_POLICY_DAY], time / 60, time % 60);
    }
    (void)printf("\n");
    return is_allowed ? COMMAND_OK : COMMAND_REFUSED;
}

static int explain(struct explain *e, const struct conf *c)
{
    const struct conf_device *d = conf_find_device(c, e->device);
    struct permit_answer answer;
    uint64_t roles = 0;
    if (d == NULL) {
        return misuse("there is no device section ", e->device);
    }
    if (!conf_is_modbus(d->protocol)) {
        return misuse("no Modbus device: ", e->device);
    }
    if (!find_roles(e, c, d->access, &roles)) {
        return misuse("there is no role section ", e->role);
    }
    int16_t unit = map_unit(e, d);
    const struct permit_question question = {
        .takes_writes = d->writes_allowed,
        .access = d->access,
        .roles = roles,
        .minute = weektime_minute(e->at_s),
        .unit = (uint8_t)(unit >= 0 ? unit : 0),
        .pdu = span_of(e->pdu, e->pdu_len),
    };
    permit_judge(&question, &answer);
    /* As in the gateway: who has no role does not hear which units there are. */
    if (unit < 0 && (d->access == NULL || roles != 0)) {
        answer = (struct permit_answer){.code = MODBUS_NO_PATH,
                                        .why = "the device's unit_map has no such unit"};
    }
    return print_answer(e, d, &answer);
}

static int load_and_explain(struct explain *e, struct problems *problems)
{
    struct conf *c = conf_load(e->conf_path, io_wall_s(), problems);
    if (c == NULL) {
        for (size_t i = 0; i < problems_count(problems); i++) {
            (void)fprintf(stderr, "%s\n", problems_text(problems, i));
        }
        return COMMAND_CONFIG;
    }
    int code = explain(e, c);
    conf_free(c);
    return code;
}

int cmd_modbus_explain(int argc, char **argv)
{
    struct explain e = {.conf_path = COMMAND_CONF_PATH, .at_s = io_wall_s()};
    struct fault f;
    int code = read_options(&e, argc, argv);
    if (code != COMMAND_OK) {
        return code;
    }
    if (e.wants_help) {
        return fputs(help, stdout) < 0 ? COMMAND_INTERNAL : COMMAND_OK;
    }
    struct problems *problems = problems_new();
    if (problems == NULL || tls_init(&f) != 0) {
        (void)fprintf(stderr, "wardgate modbus explain: cannot begin: out of memory\n");
        problems_free(problems);
        return COMMAND_INTERNAL;
    }
    code = load_and_explain(&e, problems);
    problems_free(problems);
    tls_deinit();
    return code;
}
