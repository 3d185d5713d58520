#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "gateway/blocks.h"

enum { NOW_S = 1790000000, HOUR_S = 3600 };

#define FINGERPRINT "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"

static struct blocks *list;
static struct fault fault;

static void set_up(void)
{
    list = blocks_new();
    cr_assert_not_null(list);
    fault_clear(&fault);
}

static void tear_down(void)
{
    blocks_free(list);
    blocks_free(NULL);
}

TestSuite(blocks, .init = set_up, .fini = tear_down);
TestSuite(blocks_grant, .init = set_up, .fini = tear_down);
TestSuite(blocks_json, .init = set_up, .fini = tear_down);

static int add(const char *what, const char *reason)
{
    const struct blocks_order order = {.what = what, .reason = reason, .now_s = NOW_S};
    return blocks_add(list, &order, &fault);
}

static int add_device(const char *what)
{
    const struct blocks_order order = {
        .what = what, .reason = "lost", .now_s = NOW_S, .is_device = true};
    return blocks_add(list, &order, &fault);
}

static int grant(const char *device, int64_t for_s)
{
    const struct blocks_order order = {
        .what = device, .reason = "emergency", .now_s = NOW_S, .until_s = NOW_S + for_s};
    return blocks_grant(list, &order, &fault);
}

static const struct blocks_entry *only_entry(void)
{
    const struct blocks_entry *entries;
    cr_assert_eq(blocks_entries(list, &entries), 1);
    return entries;
}

Test(blocks, writes_a_serial_in_one_way)
{
    static const struct {
        const char *what, *value;
        size_t len;
        uint8_t first, last;
    } rows[] = {
        {"0a1b", "A1B", 2, 0x0a, 0x1b},
        {"0A:1B", "A1B", 2, 0x0a, 0x1b},
        {"a1b", "A1B", 2, 0x0a, 0x1b},
        {"00:00:0a:1b", "A1B", 2, 0x0a, 0x1b},
        {"7", "7", 1, 7, 7},
        {"ff", "FF", 1, 0xff, 0xff},
        {"00ff", "FF", 1, 0xff, 0xff},
        {"0", "0", 0, 0, 0},
        {"00", "0", 0, 0, 0},
        {"10", "10", 1, 0x10, 0x10},
        {"123456789", "123456789", 5, 1, 0x89},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cr_assert_eq(add(rows[i].what, "lost"), 0, "%s: %s", rows[i].what, fault.note);
        const struct blocks_entry *e = only_entry();
        cr_expect_eq(e->kind, BLOCKS_SERIAL);
        cr_expect_str_eq(e->value, rows[i].value);
        cr_assert_eq(e->len, rows[i].len, "%s", rows[i].what);
        if (e->len > 0) {
            cr_expect_eq(e->bytes[0], rows[i].first);
            cr_expect_eq(e->bytes[e->len - 1], rows[i].last);
        }
        cr_expect_eq(blocks_remove(list, rows[i].what, &fault), 0);
    }
}

Test(blocks, takes_64_digits_for_a_fingerprint)
{
    static const char colons[] = "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:"
                                 "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF";
    cr_expect_eq(add(FINGERPRINT, "lost"), 0);
    cr_expect_eq(add(colons, "stolen"), 0);
    const struct blocks_entry *e = only_entry();
    cr_expect_eq(e->kind, BLOCKS_FINGERPRINT);
    cr_expect_str_eq(e->value, "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
    cr_expect_eq(e->len, 32);
    for (size_t i = 0; i < 32; i++) {
        cr_expect_eq(e->bytes[i], (i % 16) * 0x11);
    }
    cr_expect_eq(blocks_remove(list, FINGERPRINT, &fault), 0);
    cr_expect_eq(blocks_entries(list, &e), 0);
}

Test(blocks, refuses_what_is_neither)
{
    char digits[200];
    memset(digits, '1', sizeof(digits) - 1);
    digits[sizeof(digits) - 1] = '\0';
    static const char *const bad[] = {
        "",     "pump-12", "0x1b",   "0a 1b", ":",   "0a:",   ":0a",  "a:1b",
        "0a:1", "0a1:b",   "0a::1b", "-1",    "1\n", "0a.1b", "\xff", "g"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_expect_eq(add(bad[i], "lost"), FAULT_CONFIG, "%s", bad[i]);
        cr_expect_not_null(strstr(fault.note, "SHA-256 fingerprint: "), "%s", fault.note);
    }
    cr_expect_eq(add(digits, "lost"), FAULT_CONFIG);
    digits[65] = '\0';
    cr_expect_eq(add(digits, "lost"), FAULT_CONFIG);
    digits[63] = '\0';
    cr_expect_eq(add(digits, "lost"), 0);
    cr_expect_eq(only_entry()->len, 32);
    cr_expect_eq(only_entry()->bytes[0], 1);
}

Test(blocks, prefers_the_name_of_a_device)
{
    const char *reason = NULL;
    cr_expect_eq(add_device("0a1b"), 0);
    cr_expect_eq(only_entry()->kind, BLOCKS_DEVICE);
    cr_expect_eq(only_entry()->len, 0);
    cr_expect(blocks_has_device(list, "0a1b", &reason));
    cr_expect_str_eq(reason, "lost");
    cr_expect(blocks_has_device(list, "0a1b", NULL));
    cr_expect_not(blocks_has_device(list, "0A1B", &reason));
    cr_expect_eq(add("0a1b", "serial"), 0);
    cr_expect_eq(blocks_remove(list, "0a1b", &fault), 0);
    cr_expect_eq(only_entry()->kind, BLOCKS_SERIAL);
    cr_expect_eq(blocks_remove(list, "0a1b", &fault), 0);
    cr_expect_eq(blocks_remove(list, "0a1b", &fault), FAULT_CONFIG);
    cr_expect_str_eq(fault.note, "not blocked: 0a1b");
}

Test(blocks, does_not_take_a_fingerprint_for_the_device_of_that_name)
{
    cr_expect_eq(add("0a1b", "lost"), 0);
    cr_expect_not(blocks_has_device(list, "A1B", NULL));
    cr_expect_eq(blocks_remove(list, "pump", &fault), FAULT_CONFIG);
    cr_expect_eq(blocks_remove(list, "", &fault), FAULT_CONFIG);
    cr_expect_eq(only_entry()->kind, BLOCKS_SERIAL);
}

Test(blocks, refuses_a_device_that_has_no_name)
{
    cr_expect_eq(add_device(""), FAULT_CONFIG);
    cr_expect_eq(add_device("pump\n12"), FAULT_CONFIG);
    cr_expect_eq(add_device("a-name-that-is-longer-than-any-section-of-a-configuration-file-can"),
                 FAULT_CONFIG);
}

Test(blocks, replaces_the_reason_of_what_is_there)
{
    const struct blocks_order later = {.what = "1b", .reason = "found", .now_s = NOW_S + 5};
    cr_expect_eq(add("1B", "lost"), 0);
    cr_expect_eq(blocks_add(list, &later, &fault), 0);
    cr_expect_str_eq(only_entry()->reason, "found");
    cr_expect_eq(only_entry()->at_s, NOW_S);
}

Test(blocks, refuses_reasons_that_are_none)
{
    char reason[BLOCKS_REASON_MAX + 1];
    memset(reason, 'x', sizeof(reason));
    static const char *const bad[] = {"", "   ", "a\nb", "a\x1b[2J", "a\xff", "a\xe2\x80\xaez"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_expect_eq(add("1b", bad[i]), FAULT_CONFIG, "%zu", i);
        cr_expect_not_null(strstr(fault.note, "reason"), "%s", fault.note);
    }
    reason[BLOCKS_REASON_MAX] = '\0';
    cr_expect_eq(add("1b", reason), FAULT_CONFIG);
    cr_expect_not_null(strstr(fault.note, "199"), "%s", fault.note);
    reason[BLOCKS_REASON_MAX - 1] = '\0';
    cr_expect_eq(add("1b", reason), 0);
    cr_expect_str_eq(only_entry()->reason, reason);
    cr_expect_eq(add("1b", "Ger\xc3\xa4t \"12\" \\ verloren"), 0);
}

Test(blocks, takes_no_more_than_it_may_hold)
{
    char what[16];
    const struct blocks_entry *entries;
    for (unsigned i = 0; i < BLOCKS_MAX; i++) {
        (void)snprintf(what, sizeof(what), "%x", i);
        cr_assert_eq(add(what, "lost"), 0);
    }
    cr_expect_eq(add("ffffff", "lost"), FAULT_LIMIT);
    cr_expect_eq(add("ff", "one that is there"), 0);
    cr_expect_eq(blocks_remove(list, "7", &fault), 0);
    cr_expect_eq(add("ffffff", "lost"), 0);
    cr_expect_eq(blocks_entries(list, &entries), BLOCKS_MAX);
    cr_expect_str_eq(entries[7].value, "8", "the others stay in their order");
    cr_expect_str_eq(entries[BLOCKS_MAX - 1].value, "FFFFFF");
    char *text = blocks_json(list);
    cr_assert_eq(blocks_read_json(list, span_of_text(text), &fault), 0);
    cr_expect_eq(blocks_entries(list, &entries), BLOCKS_MAX);
    mem_free(text);
}

Test(blocks, changes_nothing_without_memory)
{
    const struct blocks_entry *entries;
    mem_fail_nth(1);
    cr_expect_null(blocks_new());
    mem_fail_nth(1);
    cr_expect_eq(add("1b", "lost"), FAULT_MEMORY);
    mem_fail_nth(1);
    cr_expect_eq(grant("pump", HOUR_S), FAULT_MEMORY);
    mem_fail_nth(0);
    cr_expect_eq(blocks_entries(list, &entries), 0);
    mem_fail_nth(1);
    cr_expect_null(blocks_json(list));
    mem_fail_nth(0);
}

Test(blocks_grant, lasts_for_its_time_and_no_longer)
{
    cr_expect_eq(grant("pump", HOUR_S), 0);
    cr_expect_null(blocks_grant_of(list, "other", NOW_S));
    const struct blocks_grant *g = blocks_grant_of(list, "pump", NOW_S);
    cr_assert_not_null(g);
    cr_expect_str_eq(g->device, "pump");
    cr_expect_str_eq(g->reason, "emergency");
    cr_expect_eq(g->at_s, NOW_S);
    cr_expect_eq(g->until_s, NOW_S + HOUR_S);
    cr_expect_not_null(blocks_grant_of(list, "pump", NOW_S + HOUR_S - 1));
    cr_expect_null(blocks_grant_of(list, "pump", NOW_S + HOUR_S));
}

Test(blocks_grant, is_not_made_longer_by_a_clock_that_went_back)
{
    cr_expect_eq(grant("pump", HOUR_S), 0);
    cr_expect_not_null(blocks_grant_of(list, "pump", NOW_S - 60));
    cr_expect_null(blocks_grant_of(list, "pump", NOW_S - 61));
    struct blocks_grant ended;
    cr_expect_not(blocks_expire(list, NOW_S - 61, &ended), "the clock may be put right again");
}

Test(blocks_grant, refuses_times_that_are_too_short_or_too_long)
{
    static const int64_t bad[] = {INT64_MIN / 4, -1, 0, 59, 24 * HOUR_S + 1, INT64_MAX / 2};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_expect_eq(grant("pump", bad[i]), FAULT_CONFIG, "%zu", i);
        cr_expect_str_eq(fault.note, "break-glass lasts from one minute to 24 hours");
    }
    cr_expect_eq(grant("pump", 60), 0);
    cr_expect_eq(grant("pump", 24 * HOUR_S), 0);
    const struct blocks_grant *grants;
    cr_expect_eq(blocks_grants(list, &grants), 1, "a new one takes the place of the old");
    cr_expect_eq(grants[0].until_s, NOW_S + 24 * HOUR_S);
}

Test(blocks_grant, needs_a_device_and_a_reason)
{
    const struct blocks_order order = {
        .what = "pump", .reason = " ", .now_s = NOW_S, .until_s = NOW_S + HOUR_S};
    cr_expect_eq(blocks_grant(list, &order, &fault), FAULT_CONFIG);
    cr_expect_str_eq(fault.note, "a reason is needed");
    cr_expect_eq(grant("", HOUR_S), FAULT_CONFIG);
    cr_expect_eq(grant("pump 12", HOUR_S), FAULT_CONFIG);
}

Test(blocks_grant, gives_out_those_that_have_ended_one_by_one)
{
    struct blocks_grant ended;
    const struct blocks_grant *grants;
    cr_expect_eq(grant("a", HOUR_S), 0);
    cr_expect_eq(grant("b", 2 * HOUR_S), 0);
    cr_expect_eq(grant("c", HOUR_S), 0);
    cr_expect_not(blocks_expire(list, NOW_S + HOUR_S - 1, &ended));
    cr_expect(blocks_expire(list, NOW_S + HOUR_S, &ended));
    cr_expect_str_eq(ended.device, "a");
    cr_expect(blocks_expire(list, NOW_S + HOUR_S, &ended));
    cr_expect_str_eq(ended.device, "c");
    cr_expect_not(blocks_expire(list, NOW_S + HOUR_S, &ended));
    cr_assert_eq(blocks_grants(list, &grants), 1);
    cr_expect_str_eq(grants[0].device, "b");
    cr_expect_not(blocks_end_grant(list, "a", &ended));
    cr_expect(blocks_end_grant(list, "b", &ended));
    cr_expect_str_eq(ended.device, "b");
    cr_expect_eq(grant("b", HOUR_S), 0);
    cr_expect(blocks_end_grant(list, "b", NULL));
    cr_expect_eq(blocks_grants(list, &grants), 0);
}

Test(blocks_grant, takes_no_more_than_it_may_hold)
{
    char device[16];
    for (unsigned i = 0; i < BLOCKS_MAX; i++) {
        (void)snprintf(device, sizeof(device), "d%u", i);
        cr_assert_eq(grant(device, HOUR_S), 0);
    }
    cr_expect_eq(grant("one-more", HOUR_S), FAULT_LIMIT);
    cr_expect_eq(grant("d7", 2 * HOUR_S), 0);
}

static int read_text(const char *text)
{
    return blocks_read_json(list, span_of_text(text), &fault);
}

Test(blocks_json, comes_back_as_it_was)
{
    const struct blocks_entry *entries;
    const struct blocks_grant *grants;
    cr_expect_eq(add("0a1b", "lost \"here\" \\"), 0);
    cr_expect_eq(add(FINGERPRINT, "stolen"), 0);
    cr_expect_eq(add_device("pump-12"), 0);
    cr_expect_eq(grant("pump-13", HOUR_S), 0);
    char *text = blocks_json(list);
    cr_assert_not_null(text);
    cr_expect_not_null(strstr(text, "\"version\":1"));
    cr_expect_not_null(
        strstr(text, "{\"kind\":\"device\",\"value\":\"pump-12\",\"reason\":\"lost\",\"at\":"));
    struct blocks *kept = list;
    list = blocks_new();
    cr_expect_eq(add("77", "goes"), 0);
    cr_expect_eq(read_text(text), 0, "%s", fault.note);
    cr_assert_eq(blocks_entries(list, &entries), 3);
    cr_assert_eq(blocks_grants(list, &grants), 1);
    cr_expect_str_eq(entries[0].reason, "lost \"here\" \\");
    cr_expect_eq(entries[0].at_s, NOW_S);
    cr_expect_eq(entries[0].len, 2);
    cr_expect_eq(entries[1].len, 32);
    cr_expect_eq(entries[2].kind, BLOCKS_DEVICE);
    cr_expect_eq(grants[0].until_s, NOW_S + HOUR_S);
    char *again = blocks_json(list);
    cr_expect_str_eq(again, text);
    mem_free(again);
    mem_free(text);
    blocks_free(kept);
}

#define AROUND(entry) "{\"version\":1,\"blocks\":[" entry "],\"break_glass\":[]}"
#define GLASS(entry)  "{\"version\":1,\"blocks\":[],\"break_glass\":[" entry "]}"

Test(blocks_json, passes_over_fields_that_it_does_not_know)
{
    cr_expect_eq(read_text("{\"version\":1,\"new\":[1],\"blocks\":[{\"kind\":\"serial\",\"value\":"
                           "\"0A:1B\",\"reason\":\"r\",\"at\":5,\"new\":{}}],\"break_glass\":[]}"),
                 0, "%s", fault.note);
    cr_expect_str_eq(only_entry()->value, "A1B");
}

Test(blocks_json, refuses_as_a_whole_what_is_wrong)
{
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "1",
        "{}",
        "{\"version\":2,\"blocks\":[],\"break_glass\":[]}",
        "{\"version\":\"1\",\"blocks\":[],\"break_glass\":[]}",
        "{\"version\":1,\"blocks\":[]}",
        "{\"version\":1,\"break_glass\":[]}",
        "{\"version\":1,\"blocks\":{},\"break_glass\":[]}",
        "{\"version\":1,\"blocks\":[],\"blocks\":[],\"break_glass\":[]}",
        AROUND("") "x",
        AROUND("7"),
        AROUND("{\"kind\":\"serial\",\"value\":\"1\",\"reason\":\"r\"}"),
        AROUND("{\"kind\":\"serial\",\"value\":\"1\",\"at\":5}"),
        AROUND("{\"kind\":\"serial\",\"reason\":\"r\",\"at\":5}"),
        AROUND("{\"value\":\"1\",\"reason\":\"r\",\"at\":5}"),
        AROUND("{\"kind\":\"serial\",\"value\":\"1\",\"reason\":\"r\",\"at\":\"5\"}"),
        AROUND("{\"kind\":\"serial\",\"value\":\"1\",\"reason\":\"r\",\"at\":-5}"),
        AROUND("{\"kind\":\"serial\",\"value\":\"1\",\"reason\":\"r\",\"at\":5.5}"),
        AROUND("{\"kind\":\"serial\",\"value\":\"1\",\"reason\":\"\",\"at\":5}"),
        AROUND("{\"kind\":\"serial\",\"value\":\"pump\",\"reason\":\"r\",\"at\":5}"),
        AROUND("{\"kind\":\"fingerprint\",\"value\":\"1\",\"reason\":\"r\",\"at\":5}"),
        AROUND("{\"kind\":\"serial\",\"value\":\"" FINGERPRINT "\",\"reason\":\"r\",\"at\":5}"),
        AROUND("{\"kind\":\"other\",\"value\":\"1\",\"reason\":\"r\",\"at\":5}"),
        AROUND("{\"kind\":\"device\",\"value\":\"a b\",\"reason\":\"r\",\"at\":5}"),
        GLASS("{\"device\":\"a\",\"reason\":\"r\",\"at\":5,\"until\":6}"),
        GLASS("{\"device\":\"a\",\"reason\":\"r\",\"at\":5,\"until\":86406}"),
        GLASS("{\"device\":\"a\",\"reason\":\"r\",\"at\":5,\"until\":9223372036854775807}"),
        GLASS("{\"device\":\"a\",\"reason\":\"r\",\"at\":9223372036854775807,\"until\":5}"),
        GLASS("{\"device\":\"a b\",\"reason\":\"r\",\"at\":5,\"until\":600}"),
        GLASS("{\"device\":\"a\",\"reason\":\"\",\"at\":5,\"until\":600}"),
        GLASS("{\"device\":\"a\",\"reason\":\"r\",\"at\":5}"),
        GLASS("{\"device\":\"a\",\"reason\":\"r\",\"until\":600}"),
        GLASS("{\"device\":\"a\",\"at\":5,\"until\":600}"),
        GLASS("{\"reason\":\"r\",\"at\":5,\"until\":600}"),
    };
    cr_expect_eq(add("77", "stays"), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        fault_clear(&fault);
        cr_expect_eq(read_text(bad[i]), FAULT_CONFIG, "%s", bad[i]);
        cr_expect_gt(strlen(fault.note), 10, "%s", bad[i]);
        cr_expect_str_eq(only_entry()->value, "77");
    }
    cr_expect_eq(read_text(AROUND("")), 0);
    cr_expect_eq(read_text(GLASS("{\"device\":\"a\",\"reason\":\"r\",\"at\":5,\"until\":65}")), 0);
}

Test(blocks_json, refuses_more_than_it_may_hold)
{
    static char text[400 * 1024];
    size_t used = (size_t)snprintf(text, sizeof(text), "{\"version\":1,\"blocks\":[");
    for (unsigned i = 0; i <= BLOCKS_MAX; i++) {
        used += (size_t)snprintf(
            text + used, sizeof(text) - used,
            "%s{\"kind\":\"serial\",\"value\":\"%x\",\"reason\":\"r\",\"at\":5}", i == 0 ? "" : ",",
            i);
    }
    (void)snprintf(text + used, sizeof(text) - used, "],\"break_glass\":[]}");
    cr_expect_eq(read_text(text), FAULT_LIMIT);
    const uint8_t one = 0; /* not looked at */
    cr_expect_eq(blocks_read_json(list, (struct span){&one, (size_t)BLOCKS_JSON_MAX + 1}, &fault),
                 FAULT_TOO_LONG);
    cr_expect_eq(blocks_read_json(list, span_of(NULL, 0), &fault), FAULT_CONFIG);
}
