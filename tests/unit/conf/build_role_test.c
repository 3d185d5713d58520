#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "conf/build_role.h"
#include "tests/unit/conf/fixture.h"

/* Two Modbus devices and one that is none; roles begin in line 29. */
#define DEVICE(name, port, rest)                                                                   \
    "[device " name "]\ncertificate = c\nkey = k\ntrust = t\nport = tcp:10.0.0." port ":502"       \
    "\n" rest
#define MODBUS(name, port)                                                                         \
    DEVICE(name, port,                                                                             \
           "protocol = modbus-tcp\nunit_map = 1-3\nlisten = 127.0.0.1:80" port                     \
           "\nallow = dns:x.example\n")
#define BEGIN                                                                                      \
    "[gateway]\nname = g\n[trust t]\nanchors = a\nrevocation = off\n" MODBUS("pump-12", "1")       \
        MODBUS("pump.13", "2") DEVICE("monitor", "3", "protocol = mllp\nconnect = h.example:1\n")

enum { FIRST_LINE = 31 };

static struct fixture f;

static void build(const char *roles)
{
    static char text[16384];
    (void)snprintf(text, sizeof text, "%s%s", BEGIN, roles);
    fixture_build(&f, text);
}

/* The problems of these roles, lines counted from their first one. */
static void expect(const char *roles, const char *const *lines)
{
    char texts[4][512];
    const char *shifted[5] = {NULL};
    build(roles);
    for (size_t i = 0; lines[i] != NULL; i++) {
        int line = lines[i][0] - '0' + FIRST_LINE - 1;
        (void)snprintf(texts[i], sizeof texts[i], "t.conf:%d: %s", line, &lines[i][2]);
        shifted[i] = texts[i];
    }
    fixture_expect(&f, shifted);
    fixture_end(&f);
}

#define EXPECT(roles, ...) expect(roles, (const char *const[]){__VA_ARGS__, NULL})
#define EXPECT_FINE(roles) expect(roles, (const char *const[]){NULL})

static const struct conf_access *access_of(const char *device)
{
    return conf_find_device(&f.conf, device)->access;
}

/* Decide about a request of peers with `role` in their certificate. */
static enum modbus_policy_why decide(const char *device, const char *role, const char *pdu,
                                     size_t len, int32_t minute)
{
    const struct conf_access *a = access_of(device);
    struct modbus_request q = {.pdu = span_of(pdu, len), .unit = 1, .minute = minute};
    cr_assert_not_null(a, "%s", device);
    q.roles = conf_access_roles(a, span_of(NULL, 0), role);
    return modbus_policy_decide(&a->policy, &q).why;
}

#define READ_0   "\x03\x00\x00\x00\x01"
#define READ_100 "\x03\x00\x64\x00\x01"
#define WRITE_40 "\x06\x00\x28\x00\x07"
#define WRITE_50 "\x06\x00\x32\x00\x07"

enum { MONDAY_NOON = 12 * 60, SUNDAY_NOON = 6 * MODBUS_POLICY_DAY + 12 * 60 };

#define DECIDE(device, role, pdu) decide(device, role, pdu, 5, MONDAY_NOON)

Test(build_role, without_a_role_section_no_device_has_rules)
{
    build("");
    fixture_expect(&f, (const char *const[]){NULL});
    cr_expect_null(access_of("pump-12"));
    cr_expect_eq(f.conf.role_count, 0);
    fixture_end(&f);
}

Test(build_role, a_general_rule_is_about_every_modbus_device)
{
    build("[role Operator]\nread = all\nwrite = none\n");
    fixture_expect(&f, (const char *const[]){NULL});
    cr_expect_eq(access_of("pump-12"), access_of("pump.13"), "they share it");
    cr_expect_null(access_of("monitor"));
    cr_expect_eq(DECIDE("pump.13", "Operator", READ_0), MODBUS_POLICY_ALLOWED);
    cr_expect_eq(DECIDE("pump.13", "Operator", WRITE_40), MODBUS_POLICY_NO_RULE);
    cr_expect_eq(DECIDE("pump.13", "operator", READ_0), MODBUS_POLICY_NO_ROLE);
    cr_expect_eq(DECIDE("pump.13", "", READ_0), MODBUS_POLICY_NO_ROLE);
    fixture_end(&f);
}

Test(build_role, read_none_is_a_general_rule_too)
{
    build("[role Nobody]\nread = none\n");
    cr_expect_eq(DECIDE("pump-12", "Nobody", READ_0), MODBUS_POLICY_NO_RULE);
    cr_expect_eq(DECIDE("pump-12", "Other", READ_0), MODBUS_POLICY_NO_ROLE);
    fixture_end(&f);
}

Test(build_role, a_rule_about_one_device_leaves_the_others_as_they_are)
{
    build("[role Service]\ndevice.pump.13.read = holding 0-99\n");
    fixture_expect(&f, (const char *const[]){NULL});
    cr_expect_null(access_of("pump-12"));
    cr_expect_eq(DECIDE("pump.13", "Service", READ_0), MODBUS_POLICY_ALLOWED);
    cr_expect_eq(DECIDE("pump.13", "Service", READ_100), MODBUS_POLICY_NO_RULE);
    cr_expect_eq(DECIDE("pump.13", "Service", WRITE_40), MODBUS_POLICY_NO_RULE);
    fixture_end(&f);
}

Test(build_role, what_names_a_device_takes_the_place_of_the_general_rule)
{
    build("[role Service]\nread = all\nwrite = holding 50\ndevice.pump-12.read = holding 0-99\n"
          "device.pump-12.read = coils 0\ndevice.pump-12.write = holding 40 value 0-9\n");
    cr_expect_eq(DECIDE("pump-12", "Service", READ_0), MODBUS_POLICY_ALLOWED);
    cr_expect_eq(DECIDE("pump-12", "Service", READ_100), MODBUS_POLICY_NO_RULE);
    cr_expect_eq(DECIDE("pump-12", "Service", "\x01\x00\x00\x00\x01"), MODBUS_POLICY_ALLOWED);
    cr_expect_eq(DECIDE("pump-12", "Service", WRITE_40), MODBUS_POLICY_ALLOWED);
    cr_expect_eq(DECIDE("pump-12", "Service", "\x06\x00\x28\x00\x0A"), MODBUS_POLICY_VALUE);
    cr_expect_eq(DECIDE("pump-12", "Service", WRITE_50), MODBUS_POLICY_NO_RULE);
    cr_expect_eq(DECIDE("pump.13", "Service", READ_100), MODBUS_POLICY_ALLOWED);
    cr_expect_eq(DECIDE("pump.13", "Service", WRITE_50), MODBUS_POLICY_ALLOWED);
    fixture_end(&f);
}

Test(build_role, roles_have_only_their_own_rules)
{
    build("[role A]\nread = holding 0-9\n[role B]\nwrite = holding 40\n"
          "[role C]\ndevice.pump-12.read = none\n");
    cr_expect_eq(DECIDE("pump-12", "A", READ_0), MODBUS_POLICY_ALLOWED);
    cr_expect_eq(DECIDE("pump-12", "A", WRITE_40), MODBUS_POLICY_NO_RULE);
    cr_expect_eq(DECIDE("pump-12", "B", READ_0), MODBUS_POLICY_NO_RULE);
    cr_expect_eq(DECIDE("pump-12", "B", WRITE_40), MODBUS_POLICY_ALLOWED);
    cr_expect_eq(DECIDE("pump-12", "C", READ_0), MODBUS_POLICY_NO_RULE);
    cr_expect_eq(DECIDE("pump.13", "C", READ_0), MODBUS_POLICY_NO_ROLE, "C is not about it");
    fixture_end(&f);
}

Test(build_role, windows_hold_for_reads_and_writes)
{
    build("[role S]\nread = all\nwrite = all\nwhen = mon-fri 07:00-19:00, sat\n"
          "device.pump.13.when = sun\n");

    static const struct {
        const char *device;
        int32_t minute;
        enum modbus_policy_why why;
    } rows[] = {
        {"pump-12", MONDAY_NOON, MODBUS_POLICY_ALLOWED},
        {"pump-12", SUNDAY_NOON, MODBUS_POLICY_CLOSED},
        {"pump-12", SUNDAY_NOON - MODBUS_POLICY_DAY, MODBUS_POLICY_ALLOWED},
        {"pump-12", MODBUS_POLICY_NO_TIME, MODBUS_POLICY_CLOSED},
        {"pump.13", MONDAY_NOON, MODBUS_POLICY_CLOSED},
        {"pump.13", SUNDAY_NOON, MODBUS_POLICY_ALLOWED},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_expect_eq(decide(rows[i].device, "S", READ_0, 5, rows[i].minute), rows[i].why);
        cr_expect_eq(decide(rows[i].device, "S", WRITE_40, 5, rows[i].minute), rows[i].why);
    }
    fixture_end(&f);
}

Test(build_role, a_rule_knows_where_it_stands)
{
    build("[role S]\ndevice.pump-12.read = coils 1, holding 0-99\n");
    const struct conf_access *a = access_of("pump-12");
    struct modbus_request q = {.pdu = span_of(READ_0, 5), .unit = 1, .roles = 1};
    struct modbus_decision d = modbus_policy_decide(&a->policy, &q);
    cr_assert_not_null(d.rule);
    cr_expect_str_eq(d.rule->text, "device.pump-12.read = holding 0-99");
    cr_expect_str_eq(d.rule->file, "t.conf");
    cr_expect_eq(d.rule->line, FIRST_LINE + 1);
    fixture_end(&f);
}

Test(build_role, without_match_the_sections_name_is_the_role)
{
    build("[role Operator]\nread = all\n"
          "[role Service]\nmatch = role:Biomed Service, uri:urn:hospital:biomed, dns:m.example\n"
          "read = all\n");
    fixture_expect(&f, (const char *const[]){NULL});
    const struct conf_role *r = conf_find_role(&f.conf, "Operator");
    cr_assert_eq(r->match_count, 1);
    cr_expect_str_eq(r->matches[0].role, "Operator");
    r = conf_find_role(&f.conf, "Service");
    cr_assert_eq(r->match_count, 3);
    cr_expect_str_eq(r->matches[0].role, "Biomed Service");
    cr_expect_null(r->matches[1].role);
    cr_expect_eq(r->matches[1].name.kind, NAME_URI);
    cr_expect_eq(r->matches[2].name.kind, NAME_DNS);
    cr_expect_eq(DECIDE("pump-12", "Biomed Service", READ_0), MODBUS_POLICY_ALLOWED);
    cr_expect_eq(DECIDE("pump-12", "Service", READ_0), MODBUS_POLICY_NO_ROLE);
    fixture_end(&f);
}

Test(build_role, refuses_matches_that_name_nobody)
{
    EXPECT("[role S]\nmatch = S\nread = all\n",
           "2 match = S names no peer; right: role:NAME, dns:NAME, uri:URI or ip:ADDRESS");
    EXPECT("[role S]\nmatch = role:\nread = all\n",
           "2 match = role: names no peer; right: role:NAME, dns:NAME, uri:URI or ip:ADDRESS");
}

Test(build_role, refuses_a_role_that_says_nothing)
{
    EXPECT("[role S]\nmatch = role:x\n", "1 [role S] says neither what the role may read nor what "
                                         "it may write; right: read = all, or device.NAME.read = "
                                         "holding 0-99");
}

Test(build_role, refuses_devices_that_are_not_there)
{
    EXPECT("[role S]\ndevice.pump-21.read = all\ndevice.pump-21.read = coils 3 x\n",
           "2 device.pump-21.read names no device; right: a section [device pump-21], or the name "
           "of one that is there",
           "3 device.pump-21.read = coils 3 x has needless words at its end; right: one item, and "
           "a comma before the next one");
}

Test(build_role, refuses_wrong_items_with_what_would_be_right)
{
    EXPECT("[role S]\nread = holding 9-0\nwrite = holding 0 value 9-0\nwhen = always\n",
           "2 read = holding 9-0 has no proper range; right: numbers from 0 to 65535, the lower "
           "one first, such as 40-41",
           "3 write = holding 0 value 9-0 has no proper value range; right: value 0-1200: numbers "
           "from 0 to 65535 (of coils 0 and 1), the lower first",
           "4 when = always is no part of a week; right: days mon to sun, a time from 00:00 to "
           "24:00, or both: mon-fri 07:00-19:00");
}

Test(build_role, refuses_value_ranges_that_overlap)
{
#define OVERLAP(line, key, item, other)                                                            \
    line " " key " = " item " overlaps " other                                                     \
         "; right: ranges that have no register in common where one has a value range"
    EXPECT("[role S]\nwrite = holding 40-41 value 0-9, holding 41-50 value 0-5\n",
           OVERLAP("2", "write", "holding 41-50 value 0-5", "holding 40-41 value 0-9 in line 32"));
    EXPECT("[role S]\nwrite = holding 40 value 0-9\nwrite = all\n",
           OVERLAP("3", "write", "all", "holding 40 value 0-9 in line 32"));
    EXPECT("[role S]\ndevice.pump-12.write = holding 0-99, unit 2 holding 40 value 0-9\n",
           OVERLAP("2", "device.pump-12.write", "unit 2 holding 40 value 0-9",
                   "holding 0-99 in line 32"));
    EXPECT_FINE("[role S]\nwrite = unit 1 holding 40 value 0-9, unit 2 holding 40 value 0-5\n");
    EXPECT_FINE("[role S]\nwrite = holding 40 value 0-9, coils 40, holding 41\n");
    EXPECT_FINE("[role S]\nwrite = holding 40 value 0-9\ndevice.pump-12.write = holding 40\n");
    EXPECT_FINE("[role S]\nwrite = holding 40 value 0-9\n[role T]\nwrite = all\n");
    EXPECT_FINE("[role S]\nread = holding 0-99, holding 50-150\n");
}

Test(build_role, refuses_none_beside_other_items)
{
    EXPECT("[role S]\nread = none, holding 0\n",
           "2 read = none stands beside other items; right: none alone");
    EXPECT("[role S]\nread = all\nread = none\n",
           "3 read = none stands beside other items; right: none alone");
    EXPECT_FINE("[role S]\nread = none\ndevice.pump-12.read = all\n");
}

Test(build_role, refuses_keys_that_are_none)
{
    EXPECT("[role S]\nread = all\ndevice.pump-12.wirte = all\n",
           "3 unknown key device.pump-12.wirte in a role section; right: perhaps "
           "device.NAME.read, device.NAME.write or device.NAME.when");
}

Test(build_role, refuses_more_than_64_roles)
{
    static char text[8192];
    for (int i = 0; i < 65; i++) {
        size_t len = strlen(text);
        (void)snprintf(&text[len], sizeof text - len, "[role r%d]\nread = all\n", i);
    }
    build(text);
    char line[128];
    (void)snprintf(line, sizeof line,
                   "t.conf:%d: [role r64] is one role too many; right: at most 64 role sections",
                   FIRST_LINE + 128);
    fixture_expect(&f, (const char *const[]){line, NULL});
    cr_expect_eq(f.conf.role_count, 64);
    fixture_end(&f);
}

Test(build_role, refuses_endless_lists)
{
    static char text[16384] = "[role S]\n";
    for (int i = 0; i <= BUILD_ROLE_LIST_MAX + 1; i++) {
        size_t len = strlen(text);
        (void)snprintf(&text[len], sizeof text - len, "%scoils%s", i % 15 == 0 ? "read = " : "",
                       i % 15 == 14 || i == BUILD_ROLE_LIST_MAX + 1 ? "\n" : ",");
    }
    build(text);
    fixture_expect(&f, (const char *const[]){
                           "t.conf:100: read = coils is one rule too many in its list; right: at "
                           "most 1024 rules, ranges in place of single registers",
                           NULL});
    fixture_end(&f);
}

Test(build_role, a_changed_role_is_no_changed_device)
{
    struct fixture other;
    build("[role S]\nread = all\n");
    other = f;
    build("[role S]\nread = none\n");
    cr_expect_str_eq(other.conf.devices[0].canonical, f.conf.devices[0].canonical);
    fixture_end(&f);
    fixture_end(&other);
}
