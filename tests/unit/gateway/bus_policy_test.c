#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "gateway/bus_private.h"
#include "tests/unit/certs/forge.h"
#include "tests/unit/gateway/bus_bench.h"

enum { DENIALS_MAX = 16, TEXT_MAX = 64 };

/* What was told of a denial. */
struct told {
    char roles[TEXT_MAX], role[TEXT_MAX], form[TEXT_MAX], range[TEXT_MAX], rule[TEXT_MAX];
    char why[TEXT_MAX];
    uint8_t unit, function;
    uint64_t untold;
};

static struct rig rig;
static struct master one;
static struct told told[DENIALS_MAX];
static unsigned told_count;
static int32_t minute_now;

/* Operator reads; Service has names and roles, reads and writes a little; Night writes at night. */
static struct conf_match operator_is[] = {{.role = NULL}};
static struct conf_match service_is[] = {{.role = NULL},
                                         {.name = {NAME_URI, "urn:hospital:biomed"}}};
static struct conf_match night_is[] = {{.role = NULL}};
static struct conf_role roles[] = {{.matches = operator_is, .match_count = 1},
                                   {.matches = service_is, .match_count = 2},
                                   {.matches = night_is, .match_count = 1}};
static const struct modbus_window at_night[] = {{.days = 0x7F, .from = 22 * 60, .until = 6 * 60}};
static const struct modbus_rule first_rules[] = {
    {.role = 0, .kind = MODBUS_KIND_HOLDING, .last = 99, .file = "w.conf", .line = 5},
    {.role = 1, .kind = MODBUS_KIND_HOLDING, .last = 9, .file = "w.conf", .line = 8},
    {.role = 1,
     .writes = true,
     .kind = MODBUS_KIND_HOLDING,
     .first = 40,
     .last = 41,
     .has_values = true,
     .most = 1200,
     .file = "w.conf",
     .line = 9},
    {.role = 2,
     .writes = true,
     .kind = MODBUS_KIND_HOLDING,
     .first = 40,
     .last = 40,
     .windows = at_night,
     .window_count = 1,
     .file = "w.conf",
     .line = 12},
};
static struct modbus_rule rules[4];
static struct conf_access rights;

static void on_denied(void *owner, const struct bus_denial *d)
{
    cr_assert_eq(owner, &one);
    cr_assert_lt(told_count, (unsigned)DENIALS_MAX);
    struct told *t = &told[told_count];
    (void)snprintf(t->roles, TEXT_MAX, "%s", d->roles);
    (void)snprintf(t->role, TEXT_MAX, "%s", d->role);
    (void)snprintf(t->form, TEXT_MAX, "%s", d->form);
    (void)snprintf(t->range, TEXT_MAX, "%s", d->range);
    (void)snprintf(t->rule, TEXT_MAX, "%s", d->rule);
    (void)snprintf(t->why, TEXT_MAX, "%s", d->why);
    t->unit = d->unit;
    t->function = d->function;
    t->untold = d->untold;
    told_count++;
}

static int32_t tell_minute(void *owner)
{
    const int32_t *minute = owner;
    return *minute;
}

static void make_rights(void)
{
    static char names[][10] = {"Operator", "Service", "Night"};
    for (size_t i = 0; i < 3; i++) {
        roles[i].name = names[i];
        roles[i].matches[0].role = names[i];
    }
    memcpy(rules, first_rules, sizeof rules);
    modbus_policy_make(&rights.policy, rules, 4);
    rights.roles = roles;
    rights.role_count = 3;
    rights.counted = 7;
}

static void setup(void)
{
    make_rights();
    rig_prepare(&rig, false);
    rig.conf.access = &rights;
    rig_run(&rig);
    bus_device_use_time(rig.device, tell_minute, &minute_now);
    minute_now = 12 * 60;
    master_join(&one, &rig);
}

static void teardown(void)
{
    master_leave(&one);
    rig_close(&rig);
}

TestSuite(bus_policy, .init = setup, .fini = teardown);

static struct span role_extension(uint8_t tag, const char *role)
{
    return forge_extension("2B0601040183890C862201", false, forge_text(tag, role));
}

/* The master's certificate has these extensions. */
static void join_as(struct span first, struct span second, bool is_client)
{
    const struct forge recipe = {
        .subject = "m", .issuer = "CA", .extra = {first, second}, .leave_out = FORGE_NO_SAN};
    const struct bus_peer peer = {forge_cert(&recipe), is_client, on_denied};
    cr_assert(bus_client_use_peer(one.client, &peer));
}

static void join_with_role(const char *role)
{
    join_as(role_extension(0x0C, role), span_of(NULL, 0), true);
}

/* Refused at once, and the line stays quiet. */
static void expect_refused(const char *ask, const char *answer)
{
    unsigned before = one.count;
    unsigned seen = rig.slave.count;
    master_ask(&one, ask);
    cr_expect_eq(one.count, before + 1, "%s", ask);
    cr_expect(master_heard(&one, before, one.asked, answer), "%s: not %s", ask, answer);
    cr_expect_eq(bus_client_pending(one.client), 0);
    cr_expect_eq(rig.slave.count, seen);
}

static const char *const anything[] = {"11 03 0000 0001", "11 06 0028 0001", "11 2B 0E 01 00",
                                       "11 41 00",        "12 03 0000 0001", "11 03 0000"};
static const char *const nothing[] = {"11 83 01", "11 86 01", "11 AB 01",
                                      "11 C1 01", "12 83 01", "11 83 01"};

static void expect_all_refused(void)
{
    for (size_t i = 0; i < sizeof anything / sizeof anything[0]; i++) {
        expect_refused(anything[i], nothing[i]);
    }
    rig_wait(&rig, 20);
    cr_expect_eq(rig.slave.count, 0);
}

Test(bus_policy, who_is_not_known_gets_01_whatever_it_asks)
{
    expect_all_refused();
    cr_expect_eq(bus_device_counters(rig.device)->denied, 6);
}

Test(bus_policy, who_has_no_role_gets_01_whatever_it_asks)
{
    join_as(span_of(NULL, 0), span_of(NULL, 0), true);
    expect_all_refused();
    cr_expect_str_eq(told[0].form, "no role extension");
    cr_expect_str_eq(told[0].roles, "");
}

Test(bus_policy, a_malformed_role_is_none_and_its_form_is_told)
{
    join_as(role_extension(0x0C, "Operator"), role_extension(0x0C, "Service"), true);
    expect_all_refused();
    cr_expect_str_eq(told[0].form, "two role extensions");
    join_as(role_extension(0x13, "Operator"), span_of(NULL, 0), true);
    expect_all_refused();
}

Test(bus_policy, an_unknown_role_is_none_and_is_told)
{
    join_with_role("Visitor");
    expect_all_refused();
    cr_expect_str_eq(told[0].role, "Visitor");
    cr_expect_str_eq(told[0].form, "");
    cr_expect_str_eq(told[0].roles, "");
    cr_expect_not_null(strstr(told[0].why, "no role"));
}

Test(bus_policy, a_role_does_what_its_rules_say)
{
    join_with_role("Service");
    master_expect(&one, "11 03 0000 0002", "11 03 04 0000 0001");
    master_expect(&one, "11 06 0028 04B0", "11 06 0028 04B0");
    expect_refused("11 03 0009 0002", "11 83 01");
    expect_refused("11 06 0028 04B1", "11 86 01");
    expect_refused("11 06 002A 0000", "11 86 01");
    expect_refused("11 01 0000 0001", "11 81 01");
    expect_refused("12 03 0000 0001", "12 83 0A");
    expect_refused("11 03 0000", "11 83 03");
    cr_expect_eq(rig.slave.count, 2);
}

Test(bus_policy, a_name_of_the_certificate_gives_a_role_too)
{
    struct span uri = forge_tlv(0x86, span_of_text("urn:hospital:biomed"));
    join_as(forge_san(uri), span_of(NULL, 0), false);
    master_expect(&one, "11 03 0000 0001", "11 03 02 0000");
    expect_refused("11 03 000A 0001", "11 83 01");
    cr_expect_str_eq(told[0].roles, "Service");
}

Test(bus_policy, who_has_two_roles_may_do_what_either_may)
{
    struct span uri = forge_tlv(0x86, span_of_text("urn:hospital:biomed"));
    join_as(forge_san(uri), role_extension(0x0C, "Operator"), true);
    master_expect(&one, "11 03 0060 0001", "11 03 02 0060");
    master_expect(&one, "11 06 0028 0001", "11 06 0028 0001");
    expect_refused("11 06 0027 0001", "11 86 01");
    cr_expect_str_eq(told[0].roles, "Operator, Service");
}

Test(bus_policy, a_server_cannot_give_itself_a_role)
{
    join_as(role_extension(0x0C, "Operator"), span_of(NULL, 0), false);
    expect_all_refused();
}

Test(bus_policy, a_rule_does_not_make_up_for_the_devices_word)
{
    rig.conf.writes_allowed = false;
    join_with_role("Service");
    expect_refused("11 06 0028 0001", "11 86 01");
    cr_expect_str_eq(told[0].why, "the device takes no writes");
    master_expect(&one, "11 03 0000 0001", "11 03 02 0000");
}

Test(bus_policy, nor_for_the_verdict)
{
    join_with_role("Service");
    bus_client_allow_writes(one.client, false);
    expect_refused("11 06 0028 0001", "11 86 01");
    cr_expect_not_null(strstr(told[0].why, "verdict"));
}

Test(bus_policy, a_rule_with_a_time_holds_at_that_time_only)
{
    join_with_role("Night");
    expect_refused("11 06 0028 0001", "11 86 01");
    cr_expect_not_null(strstr(told[0].why, "at this time"));
    cr_expect_str_eq(told[0].rule, "w.conf:12");
    minute_now = 23 * 60;
    master_expect(&one, "11 06 0028 0001", "11 06 0028 0001");
}

Test(bus_policy, nor_does_it_hold_while_the_clock_is_not_trusted)
{
    join_with_role("Night");
    minute_now = MODBUS_POLICY_NO_TIME;
    expect_refused("11 06 0028 0001", "11 86 01");
    cr_expect_not_null(strstr(told[0].why, "clock"));
    bus_device_use_time(rig.device, NULL, NULL);
    expect_refused("11 06 0028 0001", "11 86 01");
}

Test(bus_policy, tells_who_what_and_which_rule_but_no_value)
{
    join_with_role("Service");
    expect_refused("11 10 0028 0002 04 1234 5678", "11 90 01");
    cr_assert_eq(told_count, 1);
    cr_expect_str_eq(told[0].roles, "Service");
    cr_expect_str_eq(told[0].role, "Service");
    cr_expect_str_eq(told[0].range, "write holding 40-41");
    cr_expect_str_eq(told[0].rule, "w.conf:9");
    cr_expect_eq(told[0].unit, 0x11);
    cr_expect_eq(told[0].function, 0x10);
    static const char *const values[] = {"1234", "4660", "5678", "22136"};
    for (size_t i = 0; i < 4; i++) {
        cr_expect_null(strstr(told[0].why, values[i]));
        cr_expect_null(strstr(told[0].range, values[i]));
    }
}

Test(bus_policy, tells_five_of_a_kind_in_a_minute_and_counts_the_rest)
{
    join_with_role("Operator");
    for (int i = 0; i < 12; i++) {
        expect_refused("11 03 0064 0001", "11 83 01");
    }
    cr_expect_eq(told_count, 5);
    expect_refused("11 06 0000 0001", "11 86 01");
    cr_expect_eq(told_count, 6, "reads that are denied do not hide a write");
    cr_expect_eq(told[5].function, 6);
    cr_expect_eq(told[5].untold, 0);
    rig.bench.io.loop.time += 60000;
    expect_refused("11 03 0064 0001", "11 83 01");
    cr_expect_eq(told_count, 7);
    cr_expect_eq(told[6].untold, 7);
}

Test(bus_policy, tells_at_the_end_what_was_left_out)
{
    join_with_role("Operator");
    for (int i = 0; i < 8; i++) {
        expect_refused("11 03 0064 0001", "11 83 01");
    }
    bus_client_free(one.client);
    one.client = bus_client_new(rig.device, NULL, NULL);
    cr_expect_eq(told_count, 6);
    cr_expect_eq(told[5].function, 0);
    cr_expect_eq(told[5].untold, 3);
}

/* One on the wire; then other rules, and what waits is judged by them. */
Test(bus_policy, other_rules_are_in_force_at_once)
{
    struct conf_access other = rights;
    struct modbus_rule fewer[1] = {first_rules[1]};
    join_with_role("Service");
    rig.conf.response_timeout_ms = 5000;
    rig.slave.script = slave_be_silent;
    master_ask(&one, "11 03 0000 0001");
    bench_run_until(&rig.bench, &rig.slave.count, 1);
    master_ask(&one, "11 06 0028 0001");
    master_ask(&one, "11 03 0001 0001");
    master_ask(&one, "11 06 0029 0001");
    cr_expect_eq(one.count, 0);
    modbus_policy_make(&other.policy, fewer, 1);
    bus_device_use_access(rig.device, &other);
    cr_expect_eq(one.count, 2);
    cr_expect(master_heard(&one, 0, 2, "11 86 01"));
    cr_expect(master_heard(&one, 1, 4, "11 86 01"));
    cr_expect_eq(bus_client_pending(one.client), 2, "the read waits, and one is on the wire");
    rig.slave.script = NULL;
    slave_say(&rig.slave, 0, "11 03 02 0000 7987");
    master_wait(&one, 4);
    cr_expect(master_heard(&one, 2, 1, "11 03 02 0000"));
    cr_expect(master_heard(&one, 3, 3, "11 03 02 0001"));
    cr_expect_eq(rig.slave.count, 2);
}

Test(bus_policy, other_roles_are_found_for_masters_that_are_there)
{
    struct conf_access other = rights;
    join_with_role("Operator");
    master_expect(&one, "11 03 0000 0001", "11 03 02 0000");
    other.counted = 6;
    bus_device_use_access(rig.device, &other);
    expect_refused("11 03 0000 0001", "11 83 01");
    bus_device_use_access(rig.device, NULL);
    master_expect(&one, "11 03 0200 0001", "11 03 02 0200");
    bus_device_use_access(rig.device, &rights);
    expect_refused("11 03 0200 0001", "11 83 01");
}

static void leave_on_answer(struct master *m)
{
    bus_client_free(m->client);
    m->client = bus_client_new(rig.device, NULL, NULL);
    m->hook = NULL;
}

Test(bus_policy, a_master_may_leave_when_it_hears_of_other_rules)
{
    struct conf_access other = rights;
    join_with_role("Service");
    rig.slave.script = slave_be_silent;
    master_ask(&one, "11 03 0000 0001");
    bench_run_until(&rig.bench, &rig.slave.count, 1);
    master_ask(&one, "11 06 0028 0001");
    master_ask(&one, "11 06 0028 0002");
    one.hook = leave_on_answer;
    modbus_policy_make(&other.policy, rules, 0);
    bus_device_use_access(rig.device, &other);
    cr_expect_eq(one.count, 1);
    bus_device_use_access(rig.device, &rights);
}

Test(bus_policy, no_memory_for_a_master_is_told)
{
    const struct bus_peer peer = {.is_client = true};
    (void)mem_fail_nth(1);
    cr_expect_not(bus_client_use_peer(one.client, &peer));
    (void)mem_fail_nth(0);
    expect_refused("11 03 0000 0001", "11 83 01");
}

Test(bus_policy, who_asks_for_the_identity_needs_no_role_and_never_writes)
{
    bus_client_ask_identity(one.client);
    master_expect(&one, "11 03 0000 0001", "11 03 02 0000");
    expect_refused("11 06 0028 0001", "11 86 01");
}

Test(bus_policy, shows_who_a_master_is_and_what_it_asked)
{
    struct bus_look look;
    bus_client_look(one.client, &look);
    cr_expect(look.has_rules);
    cr_expect_str_eq(look.role, "");
    join_with_role("Service");
    master_expect(&one, "11 03 0000 0001", "11 03 02 0000");
    expect_refused("11 06 0000 0001", "11 86 01");
    expect_refused("11 06 0000 0002", "11 86 01");
    expect_refused("12 03 0000 0001", "12 83 0A");
    bus_client_look(one.client, &look);
    cr_expect_str_eq(look.roles, "Service");
    cr_expect_str_eq(look.role, "Service");
    cr_expect_str_eq(look.form, "");
    cr_expect_eq(look.requests, 4);
    cr_expect_eq(look.denied, 2);
    cr_expect_eq(look.failed, 1);
    bus_device_use_access(rig.device, NULL);
    join_as(role_extension(0x13, "Operator"), span_of(NULL, 0), true);
    bus_client_look(one.client, &look);
    cr_expect_not(look.has_rules);
    cr_expect_str_eq(look.roles, "");
    cr_expect_str_eq(look.form, "the role is no UTF8String");
}
