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
    "  ROLE                name of a role section; or what the peer's certificate says: "
    "role:ROLE,\n"
    "                      dns:NAME, uri:URI or ip:ADDRESS; - for a peer that has no role\n"
    "  DEVICE              name of a device section\n"
    "  REQUEST             function and data, hexadecimal, without unit and checksum:\n"
    "                      \"06 0010 1234\" writes 1234 (hex) to holding register 0010 (hex)\n"
    "      --unit N        the unit that the peer asks [the lowest of the device's unit_map]\n"
    "      --at TIME       for rules with a time: as at this moment, seconds since 1970, or as on\n"
    "                      each \"mon 12:00\" in local time [now]\n"
    "  -c, --config FILE   configuration [" COMMAND_CONF_PATH "]\n"
    "  -h, --help          this text\n"
    "\n"
    "Exit code 0 when it is allowed, 1 when it is denied, 64 for wrong usage, 78 when the\n"
    "configuration is wrong. The verdict on the peer and the clock's trust are left out.\n";

enum { OPTION_UNIT = 256, OPTION_AT, ARGUMENTS = 3, SAY_MAX = 512 };

enum { DAYS = 7, DAY_LEN = 3, MOMENT_LEN = 9 };

static const char *const days[DAYS] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

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
    uint32_t unit;  /* as the peer writes it */
    int32_t minute; /* of the week */
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

/* The place of a day in the week; 7: it is none. */
static unsigned find_day(const char *text)
{
    unsigned day = 0;
    while (day < DAYS && (strncmp(days[day], text, DAY_LEN) != 0 || text[DAY_LEN] != ' ')) {
        day++;
    }
    return day;
}

/* "mon 12:00" */
static bool parse_moment(const char *text, int32_t *minute)
{
    char hour[3] = "";
    uint32_t hours = 0;
    uint32_t minutes = 0;
    unsigned day = strlen(text) == MOMENT_LEN ? find_day(text) : DAYS;
    if (day == DAYS || text[6] != ':') {
        return false;
    }
    memcpy(hour, &text[4], 2);
    if (!values_parse_u32(hour, 0, 23, &hours) || !values_parse_u32(&text[7], 0, 59, &minutes)) {
        return false;
    }
    *minute = (int32_t)(day * MODBUS_POLICY_DAY + hours * 60 + minutes);
    return true;
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
        if (parse_moment(optarg, &e->minute)) {
            return COMMAND_OK;
        }
        if (!values_parse_u32(optarg, 0, UINT32_MAX, &at_s)) {
            return misuse("--at is seconds since 1970 or \"mon 12:00\", not ", optarg);
        }
        e->minute = weektime_minute(at_s);
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

/* "there is no role section Srevice; there are Operator, Service" */
static int miss(const char *what, const char *name,
                const char *(*next)(const struct conf *, size_t), const struct conf *c)
{
    char text[SAY_MAX];
    size_t len = (size_t)snprintf(text, sizeof text, "%.64s; there are ", name);
    const char *one = NULL;
    for (size_t i = 0; (one = next(c, i)) != NULL && len < sizeof text; i++) {
        len += (size_t)snprintf(&text[len], sizeof text - len, "%s%s", i > 0 ? ", " : "", one);
    }
    if (next(c, 0) == NULL) {
        (void)snprintf(text, sizeof text, "%.64s; there is none at all", name);
    }
    return misuse(what, text);
}

static const char *role_at(const struct conf *c, size_t at)
{
    return at < c->role_count ? c->roles[at].name : NULL;
}

static const char *device_at(const struct conf *c, size_t at)
{
    return at < c->device_count ? c->devices[at].name : NULL;
}

/* A peer by what its certificate says. */
static int find_peer(const struct explain *e, const struct conf_access *access, uint64_t *roles)
{
    static const char prefix[] = "role:";
    struct name_rule name;
    struct fault f;
    if (strncmp(e->role, prefix, sizeof prefix - 1) == 0) {
        *roles = access != NULL
                     ? conf_access_roles(access, span_of(NULL, 0), &e->role[sizeof prefix - 1])
                     : 0;
        return COMMAND_OK;
    }
    if (name_rule_parse(e->role, &name, &f) != 0) {
        return misuse("no name of a peer: ", e->role);
    }
    *roles = access != NULL ? conf_access_roles_of_name(access, &name) : 0;
    return COMMAND_OK;
}

/* Who: the bits of the roles that count. */
static int find_roles(const struct explain *e, const struct conf *c,
                      const struct conf_access *access, uint64_t *roles)
{
    const struct conf_role *role = conf_find_role(c, e->role);
    *roles = 0;
    if (strcmp(e->role, "-") == 0) {
        return COMMAND_OK;
    }
    if (role == NULL && strchr(e->role, ':') != NULL) {
        return find_peer(e, access, roles);
    }
    if (role == NULL) {
        return miss("there is no role section ", e->role, role_at, c);
    }
    if (access != NULL) {
        *roles = (UINT64_C(1) << (role - c->roles)) & access->counted;
    }
    return COMMAND_OK;
}

/* Which unit it reaches; -1: none, and the request is not sent. */
static int16_t map_unit(struct explain *e, const struct conf_device *d)
{
    for (uint32_t unit = 0; unit < CONF_UNITS && !e->has_unit; unit++) {
        e->has_unit = conf_unit(d, unit) >= 0;
        e->unit = unit;
    }
    if (!e->has_unit) {
        return -1;
    }
    return conf_unit(d, e->unit);
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
    } else if (answer->code == MODBUS_ILLEGAL_FUNCTION) {
        (void)printf("rule     none: what no rule allows is denied\n");
    } else {
        (void)printf("rule     none is asked\n");
    }
    if (answer->code == MODBUS_ILLEGAL_VALUE) {
        (void)printf("note     a request begins with its function: no unit, no checksum\n");
    }
}

/* The sections that the peer belongs to. */
static void print_roles(const struct conf_device *d, uint64_t roles)
{
    const char *between = "roles    ";
    for (size_t i = 0; roles != 0 && i < d->access->role_count; i++) {
        if ((roles >> i & 1U) != 0) {
            (void)printf("%s%s", between, d->access->roles[i].name);
            between = ", ";
        }
    }
    (void)printf("%s", roles != 0 ? "\n" : "");
}

static int print_answer(const struct explain *e, const struct conf_device *d, uint64_t roles,
                        const struct permit_answer *answer)
{
    char range[PERMIT_TEXT_MAX];
    bool is_allowed = answer->code == MODBUS_FINE;
    permit_range_text(span_of(e->pdu, e->pdu_len), range);
    if (is_allowed) {
        (void)printf("allowed: %s\n", answer->why);
    } else {
        (void)printf("denied with exception %02X: %s\n", (unsigned)answer->code, answer->why);
    }
    print_rule(d, answer);
    print_roles(d, roles);
    /* Without registers it is the function once more. */
    bool has_range = strncmp(range, "function", strlen("function")) != 0;
    (void)printf("request  unit %u, function %u%s%s", (unsigned)e->unit, (unsigned)e->pdu[0],
                 has_range ? ", " : "", has_range ? range : "");
    if (e->minute >= 0) {
        unsigned time = (unsigned)e->minute % MODBUS_POLICY_DAY;
        (void)printf(", %s %02u:%02u", days[e->minute / MODBUS_POLICY_DAY], time / 60, time % 60);
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
        return miss("there is no device section ", e->device, device_at, c);
    }
    if (!conf_is_modbus(d->protocol)) {
        return misuse("no Modbus device: ", e->device);
    }
    int code = find_roles(e, c, d->access, &roles);
    if (code != COMMAND_OK) {
        return code;
    }
    int16_t unit = map_unit(e, d);
    const struct permit_question question = {
        .takes_writes = d->writes_allowed,
        .access = d->access,
        .roles = roles,
        .minute = e->minute,
        .unit = (uint8_t)(unit >= 0 ? unit : 0),
        .pdu = span_of(e->pdu, e->pdu_len),
    };
    permit_judge(&question, &answer);
    /* As in the gateway: who has no role does not hear which units there are. */
    if (unit < 0 && (d->access == NULL || roles != 0)) {
        answer = (struct permit_answer){.code = MODBUS_NO_PATH,
                                        .why = "the device's unit_map has no such unit"};
    }
    return print_answer(e, d, roles, &answer);
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
    struct explain e = {.conf_path = COMMAND_CONF_PATH, .minute = weektime_minute(io_wall_s())};
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
