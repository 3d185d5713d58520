#include <string.h>

#include <criterion/criterion.h>

#include "protocols/modbus_policy.h"
#include "tests/unit/protocols/hex.h"

enum { ALICE = 0, BOB = 1, RULES_MAX = 16 };

enum { MONDAY = 0, TUESDAY = MODBUS_POLICY_DAY, NOON = 12 * 60 };

static const struct modbus_window office[] = {{.days = 0x1F, .from = 7 * 60, .until = 19 * 60}};
static const struct modbus_window night[] = {{.days = 0x40, .from = 22 * 60, .until = 6 * 60}};

/* Alice: the role that most tests are about. Bob: another one, whose rules are none of hers. */
static const struct modbus_rule rules[] = {
    {.role = ALICE, .kind = MODBUS_KIND_HOLDING, .first = 0, .last = 99, .line = 1},
    {.role = ALICE, .kind = MODBUS_KIND_HOLDING, .first = 100, .last = 109, .line = 2},
    {.role = ALICE, .kind = MODBUS_KIND_INPUT, .first = 5, .last = 5, .line = 3},
    {.role = ALICE, .kind = MODBUS_KIND_COILS, .first = 0, .last = 15, .line = 4},
    {.role = ALICE, .kind = MODBUS_KIND_FUNCTION, .first = 43, .last = 43, .line = 5},
    {.role = ALICE,
     .writes = true,
     .kind = MODBUS_KIND_HOLDING,
     .first = 40,
     .last = 41,
     .has_values = true,
     .least = 10,
     .most = 1200,
     .line = 6},
    {.role = ALICE,
     .writes = true,
     .kind = MODBUS_KIND_HOLDING,
     .first = 42,
     .last = 43,
     .line = 7},
    {.role = ALICE, .writes = true, .kind = MODBUS_KIND_COILS, .first = 3, .last = 3, .line = 8},
    {.role = ALICE,
     .writes = true,
     .kind = MODBUS_KIND_COILS,
     .first = 4,
     .last = 12,
     .has_values = true,
     .least = 0,
     .most = 0,
     .line = 9},
    {.role = ALICE,
     .writes = true,
     .kind = MODBUS_KIND_HOLDING,
     .first = 60,
     .last = 60,
     .windows = office,
     .window_count = 1,
     .line = 10},
    {.role = ALICE,
     .kind = MODBUS_KIND_HOLDING,
     .first = 200,
     .last = 209,
     .has_unit = true,
     .unit = 3,
     .line = 11},
    {.role = BOB, .kind = MODBUS_KIND_DISCRETE, .first = 0, .last = 65535, .line = 12},
    {.role = BOB, .writes = true, .kind = MODBUS_KIND_FUNCTION, .first = 8, .last = 8, .line = 13},
};

static struct modbus_rule sorted[RULES_MAX];
static struct modbus_policy policy;

static void setup(void)
{
    memcpy(sorted, rules, sizeof rules);
    modbus_policy_make(&policy, sorted, sizeof rules / sizeof rules[0]);
}

TestSuite(modbus_policy, .init = setup);

static struct modbus_decision ask(const char *pdu, uint64_t roles, int32_t minute)
{
    struct hex h = hex_of(pdu);
    struct modbus_request q = {.pdu = hex_span(&h), .unit = 1, .roles = roles, .minute = minute};
    return modbus_policy_decide(&policy, &q);
}

struct row {
    const char *pdu;
    enum modbus_policy_why why;
    int line; /* of the rule; 0: none */
    int at;   /* the register; -1: not looked at */
};

static void expect(const struct row *table, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct modbus_decision d = ask(table[i].pdu, 1U << ALICE, MONDAY + NOON);
        cr_expect_eq(d.why, table[i].why, "%s: %d", table[i].pdu, (int)d.why);
        cr_expect_eq(d.rule != NULL ? d.rule->line : 0, table[i].line, "%s", table[i].pdu);
        cr_expect(table[i].at < 0 || d.at == table[i].at, "%s: %u", table[i].pdu, d.at);
    }
}

#define EXPECT(...)                                                                                \
    do {                                                                                           \
        static const struct row table[] = {__VA_ARGS__};                                           \
        expect(table, sizeof table / sizeof table[0]);                                             \
    } while (0)

#define OK   MODBUS_POLICY_ALLOWED
#define NONE MODBUS_POLICY_NO_RULE

Test(modbus_policy, a_read_needs_every_register)
{
    EXPECT({"03 0000 0064", OK, 1, 0}, {"03 0063 0001", OK, 1, 99}, {"03 005A 0014", OK, 1, 90},
           {"03 006D 0002", NONE, 0, 110}, {"03 0064 000A", OK, 2, 100},
           {"03 FFFF 0001", NONE, 0, 65535}, {"04 0005 0001", OK, 3, 5},
           {"04 0004 0002", NONE, 0, 4}, {"04 0005 0002", NONE, 0, 6}, {"01 0000 0010", OK, 4, 0},
           {"01 0000 0011", NONE, 0, 16}, {"02 0000 0001", NONE, 0, 0});
}

Test(modbus_policy, permission_to_read_is_none_to_write)
{
    EXPECT({"06 0000 0001", NONE, 0, 0}, {"10 0027 0002 04 0001 0064", NONE, 0, 39},
           {"05 0000 FF00", NONE, 0, 0}, {"03 003C 0001", OK, 1, 60},
           {"0F 0002 0002 01 00", NONE, 0, 2}, {"16 0000 FFFF 0000", NONE, 0, 0});
}

Test(modbus_policy, permission_to_write_is_none_to_read)
{
    struct modbus_rule one = rules[6];
    modbus_policy_make(&policy, &one, 1);
    EXPECT({"03 002A 0001", NONE, 0, 42}, {"06 002A 0001", OK, 7, 42});
}

Test(modbus_policy, a_value_range_is_looked_at_for_each_register)
{
    EXPECT({"06 0028 000A", OK, 6, 40}, {"06 0028 0009", MODBUS_POLICY_VALUE, 6, 40},
           {"06 0029 04B0", OK, 6, 41}, {"06 0029 04B1", MODBUS_POLICY_VALUE, 6, 41},
           {"10 0028 0002 04 000A 04B0", OK, 6, 40},
           {"10 0028 0002 04 0009 04B0", MODBUS_POLICY_VALUE, 6, 40},
           {"10 0028 0002 04 000A 04B1", MODBUS_POLICY_VALUE, 6, 41},
           {"10 0028 0004 08 000A 000A FFFF FFFF", OK, 6, 40},
           {"10 0028 0005 0A 000A 000A FFFF FFFF 0000", NONE, 0, 44},
           {"10 0029 0002 04 04B1 0000", MODBUS_POLICY_VALUE, 6, 41});
}

Test(modbus_policy, coils_are_written_one_by_one)
{
    EXPECT({"05 0003 FF00", OK, 8, 3}, {"05 0003 0000", OK, 8, 3}, {"05 0004 0000", OK, 9, 4},
           {"05 0004 FF00", MODBUS_POLICY_VALUE, 9, 4}, {"0F 0003 0002 01 01", OK, 8, 3},
           {"0F 0003 0002 01 03", MODBUS_POLICY_VALUE, 9, 4}, {"0F 0003 000A 02 0100", OK, 8, 3},
           {"0F 0003 000A 02 0102", MODBUS_POLICY_VALUE, 9, 12},
           {"0F 0002 0002 01 00", NONE, 0, 2});
}

Test(modbus_policy, a_mask_write_passes_no_value_range)
{
    EXPECT({"16 0028 FFFF 0000", MODBUS_POLICY_MASKED, 6, 40}, {"16 002A FFFF 0000", OK, 7, 42},
           {"16 0000 FFFF 0000", NONE, 0, 0});
}

Test(modbus_policy, read_and_write_in_one_needs_both)
{
    EXPECT({"17 0000 0002 0028 0001 02 000A", OK, 6, 40},
           {"17 006E 0001 0028 0001 02 000A", NONE, 0, 110},
           {"17 0000 0002 002C 0001 02 000A", NONE, 0, 44},
           {"17 0000 0002 0028 0001 02 0009", MODBUS_POLICY_VALUE, 6, 40},
           {"17 0000 0002 0029 0002 04 04B0 FFFF", OK, 6, 41},
           {"17 0000 0002 0029 0002 04 04B1 FFFF", MODBUS_POLICY_VALUE, 6, 41});
}

Test(modbus_policy, other_functions_pass_only_by_their_code)
{
    EXPECT({"2B 0E 01 00", OK, 5, 43}, {"07", NONE, 0, 7}, {"08 0000 A537", NONE, 0, 8},
           {"08 0001 0000", NONE, 0, 8}, {"0B", NONE, 0, 11}, {"0C", NONE, 0, 12},
           {"11", NONE, 0, 17}, {"14 07 06 0004 0001 0002", NONE, 0, 20},
           {"15 09 06 0004 0007 0001 06AF", NONE, 0, 21}, {"18 0005", NONE, 0, 24});
}

Test(modbus_policy, a_function_that_can_do_both_needs_the_right_permission)
{
    cr_expect_eq(ask("08 0001 0000", 1U << BOB, 0).why, MODBUS_POLICY_ALLOWED);
    cr_expect_eq(ask("08 0000 A537", 1U << BOB, 0).why, MODBUS_POLICY_NO_RULE);
}

Test(modbus_policy, what_is_not_sound_is_never_allowed)
{
    struct modbus_rule wide[] = {
        {.kind = MODBUS_KIND_HOLDING, .last = 65535},
        {.writes = true, .kind = MODBUS_KIND_HOLDING, .last = 65535},
        {.writes = true, .kind = MODBUS_KIND_FUNCTION, .last = 255},
        {.kind = MODBUS_KIND_FUNCTION, .last = 255},
    };
    modbus_policy_make(&policy, wide, 4);
    EXPECT({"41 00", NONE, 0, -1}, {"2B 0D 00", NONE, 0, -1}, {"03 0000 0000", NONE, 0, -1},
           {"03 FFFF 0002", NONE, 0, -1}, {"10 0000 0002 04 0001", NONE, 0, -1}, {"", NONE, 0, -1},
           {"6E", NONE, 0, -1});
}

Test(modbus_policy, nobody_has_the_rules_of_another_role)
{
    cr_expect_eq(ask("02 0000 0001", 1U << BOB, 0).why, MODBUS_POLICY_ALLOWED);
    cr_expect_eq(ask("02 0000 0001", 1U << ALICE, 0).why, MODBUS_POLICY_NO_RULE);
    cr_expect_eq(ask("03 0000 0001", 1U << BOB, 0).why, MODBUS_POLICY_NO_RULE);
    cr_expect_eq(ask("03 0000 0001", UINT64_C(1) << 63, 0).why, MODBUS_POLICY_NO_RULE);
    cr_expect_eq(ask("02 0000 0001", 1U << ALICE | 1U << BOB, 0).why, MODBUS_POLICY_ALLOWED);
}

Test(modbus_policy, no_role_is_denied_everything)
{
    static const char *const pdus[] = {"03 0000 0001", "06 0028 000A", "2B 0E 01 00",
                                       "17 0000 0002 0028 0001 02 000A"};
    for (size_t i = 0; i < sizeof pdus / sizeof pdus[0]; i++) {
        struct modbus_decision d = ask(pdus[i], 0, NOON);
        cr_expect_eq(d.why, MODBUS_POLICY_NO_ROLE, "%s", pdus[i]);
        cr_expect_null(d.rule);
    }
}

Test(modbus_policy, a_rule_for_one_unit_is_for_no_other)
{
    struct hex h = hex_of("03 00C8 0001");
    for (int unit = 0; unit < 256; unit++) {
        struct modbus_request q = {.pdu = hex_span(&h), .unit = (uint8_t)unit, .roles = 1};
        cr_expect_eq(modbus_policy_decide(&policy, &q).why,
                     unit == 3 ? MODBUS_POLICY_ALLOWED : MODBUS_POLICY_NO_RULE, "unit %d", unit);
    }
}

Test(modbus_policy, a_window_is_open_from_its_first_minute_to_before_its_last)
{
    static const struct {
        int32_t minute;
        bool is_open;
    } rows[] = {
        {MONDAY + 7 * 60 - 1, false},       {MONDAY + 7 * 60, true},
        {MONDAY + 19 * 60 - 1, true},       {MONDAY + 19 * 60, false},
        {4 * TUESDAY + NOON, true},         {5 * TUESDAY + NOON, false},
        {6 * TUESDAY + NOON, false},        {MODBUS_POLICY_NO_TIME, false},
        {MODBUS_POLICY_WEEK + NOON, false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct modbus_decision d = ask("06 003C 0001", 1U << ALICE, rows[i].minute);
        cr_expect_eq(d.why, rows[i].is_open ? MODBUS_POLICY_ALLOWED : MODBUS_POLICY_CLOSED,
                     "minute %d", (int)rows[i].minute);
        cr_expect_eq(d.rule->line, 10);
    }
}

Test(modbus_policy, a_window_may_go_past_midnight)
{
    int32_t sunday = 6 * MODBUS_POLICY_DAY;
    cr_expect(modbus_policy_is_open(night, 1, sunday + 22 * 60));
    cr_expect(modbus_policy_is_open(night, 1, sunday + 24 * 60 - 1));
    cr_expect(modbus_policy_is_open(night, 1, MONDAY));
    cr_expect(modbus_policy_is_open(night, 1, MONDAY + 6 * 60 - 1));
    cr_expect_not(modbus_policy_is_open(night, 1, MONDAY + 6 * 60));
    cr_expect_not(modbus_policy_is_open(night, 1, MONDAY + 22 * 60));
    cr_expect_not(modbus_policy_is_open(night, 1, TUESDAY));
    cr_expect_not(modbus_policy_is_open(night, 1, sunday));
    cr_expect_not(modbus_policy_is_open(night, 1, sunday + 22 * 60 - 1));
}

Test(modbus_policy, an_empty_window_is_never_open)
{
    static const struct modbus_window empty[] = {{.days = 0x7F, .from = NOON, .until = NOON},
                                                 {.days = 0, .from = 0, .until = 24 * 60}};
    for (int32_t minute = MODBUS_POLICY_NO_TIME; minute <= MODBUS_POLICY_WEEK; minute++) {
        cr_assert_not(modbus_policy_is_open(empty, 2, minute), "%d", (int)minute);
    }
    cr_expect(modbus_policy_is_open(empty, 0, MODBUS_POLICY_NO_TIME), "no window at all: always");
}

Test(modbus_policy, the_reason_is_that_of_the_rule_that_comes_nearest)
{
    struct modbus_rule two[] = {
        {.writes = true,
         .kind = MODBUS_KIND_HOLDING,
         .last = 9,
         .windows = office,
         .window_count = 1,
         .line = 1},
        {.writes = true,
         .kind = MODBUS_KIND_HOLDING,
         .last = 9,
         .has_values = true,
         .most = 5,
         .line = 2},
    };
    modbus_policy_make(&policy, two, 2);
    cr_expect_eq(ask("06 0000 0006", 1, 0).why, MODBUS_POLICY_VALUE);
    cr_expect_eq(ask("06 0000 0006", 1, 0).rule->line, 2);
    cr_expect_eq(ask("06 0000 0006", 1, MONDAY + NOON).why, MODBUS_POLICY_ALLOWED);
    cr_expect_eq(ask("06 0000 0005", 1, 0).why, MODBUS_POLICY_ALLOWED);
}

Test(modbus_policy, covers_only_what_it_allows_wholly)
{
    struct modbus_rule wide = {.kind = MODBUS_KIND_HOLDING, .first = 10, .last = 20};
    struct modbus_rule narrow = {.kind = MODBUS_KIND_HOLDING,
                                 .first = 11,
                                 .last = 20,
                                 .has_unit = true,
                                 .unit = 4,
                                 .has_values = true,
                                 .most = 9,
                                 .windows = office,
                                 .window_count = 1};
    cr_expect(modbus_policy_covers(&wide, &narrow));
    cr_expect_not(modbus_policy_covers(&narrow, &wide));
    cr_expect(modbus_policy_covers(&narrow, &narrow));
    struct modbus_rule other = wide;
    other.role = 1;
    cr_expect_not(modbus_policy_covers(&other, &narrow));
    other = wide;
    other.writes = true;
    cr_expect_not(modbus_policy_covers(&other, &narrow));
    other = wide;
    other.kind = MODBUS_KIND_INPUT;
    cr_expect_not(modbus_policy_covers(&other, &narrow));
    other = wide;
    other.last = 19;
    cr_expect_not(modbus_policy_covers(&other, &narrow));
    other = wide;
    other.first = 12;
    cr_expect_not(modbus_policy_covers(&other, &narrow));
    other = narrow;
    other.unit = 5;
    cr_expect_not(modbus_policy_covers(&other, &narrow));
    other = narrow;
    other.most = 8;
    cr_expect_not(modbus_policy_covers(&other, &narrow));
    other = narrow;
    other.windows = night;
    cr_expect_not(modbus_policy_covers(&other, &narrow));
}

Test(modbus_policy, names_only_functions_without_registers)
{
    for (unsigned code = 0; code < 256; code++) {
        bool reads = false;
        bool writes = false;
        bool known = modbus_policy_function((uint8_t)code, &reads, &writes);
        bool wanted = code == 7 || code == 8 || code == 11 || code == 12 || code == 17 ||
                      code == 20 || code == 21 || code == 24 || code == 43;
        cr_expect_eq(known, wanted, "%u", code);
        cr_expect_eq(writes, code == 8 || code == 21, "%u", code);
        cr_expect_eq(reads, known && code != 21, "%u", code);
    }
}

Test(modbus_policy, an_empty_policy_denies_all)
{
    modbus_policy_make(&policy, sorted, 0);
    EXPECT({"03 0000 0001", NONE, 0, 0}, {"06 0028 000A", NONE, 0, 40}, {"07", NONE, 0, 7});
}

Test(modbus_policy, each_kind_has_a_name)
{
    cr_expect_str_eq(modbus_kind_name(MODBUS_KIND_HOLDING), "holding");
    cr_expect_str_eq(modbus_kind_name(MODBUS_KIND_INPUT), "input");
    cr_expect_str_eq(modbus_kind_name(MODBUS_KIND_COILS), "coils");
    cr_expect_str_eq(modbus_kind_name(MODBUS_KIND_DISCRETE), "discrete");
    cr_expect_str_eq(modbus_kind_name(MODBUS_KIND_FUNCTION), "function");
}
