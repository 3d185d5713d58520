#include <string.h>

#include <criterion/criterion.h>

#include "gateway/order_text.h"

static struct order made;
static struct fault f;

static const char long_subject[] =
    "0123456789012345678901234567890123456789012345678901234567890123"
    "0123456789012345678901234567890123456789012345678901234567890123";
static char long_reason[ORDER_TEXT_REASON_MAX + 1];

static int take(enum control_request what, const char *arguments)
{
    memset(&made, 0, sizeof(made));
    return order_text_read(what, span_of_text(arguments), &made, &f);
}

/* Written and read again it is the same order. */
static void expect_way_and_back(const struct order *o)
{
    char request[CONTROL_REQUEST_MAX];
    cr_assert(order_text_write(o, request));
    const char *word = control_word(o->what);
    cr_assert_eq(strncmp(request, word, strlen(word)), 0, "%s", request);
    const char *rest = request + strlen(word);
    cr_expect(*rest == ' ' || o->what == CONTROL_REFRESH, "%s", request);
    cr_assert_eq(take(o->what, *rest == ' ' ? rest + 1 : rest), 0, "%s: %s", request, f.note);
    cr_expect_eq(made.what, o->what);
    cr_expect_str_eq(made.subject, o->subject);
    cr_expect_str_eq(made.reason, o->reason);
    cr_expect_eq(made.for_s, o->for_s);
}

Test(order_text, reads_what_it_writes)
{
    const struct order orders[] = {
        {CONTROL_REFRESH, "", "", 0},
        {CONTROL_BLOCK, "pump-12", "lost in the \"lift\" \\ stairs, se\xc3\xb1or", 0},
        {CONTROL_BLOCK, "0A:1B", "x", 0},
        {CONTROL_UNBLOCK, "pump-12", "", 0},
        {CONTROL_BREAK_GLASS, "monitor_7.b", "network down", 7200},
        {CONTROL_BREAK_GLASS, "monitor-7", "", 0},
        {CONTROL_BREAK_GLASS, "monitor-7", "it is back", 0},
    };
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        expect_way_and_back(&orders[i]);
    }
}

Test(order_text, has_room_for_the_longest_order)
{
    struct order o = {.what = CONTROL_BREAK_GLASS, .for_s = ORDER_TEXT_FOR_MAX_S};
    memset(o.subject, 'x', sizeof(o.subject) - 1);
    memset(o.reason, '"', sizeof(o.reason) - 1);
    expect_way_and_back(&o);
}

Test(order_text, refuses_arguments_of_another_shape)
{
    static const struct {
        enum control_request what;
        const char *arguments;
    } rows[] = {
        {CONTROL_BLOCK, ""},
        {CONTROL_BLOCK, "{"},
        {CONTROL_BLOCK, "[]"},
        {CONTROL_BLOCK, "\"pump-12\""},
        {CONTROL_BLOCK, "{}"},
        {CONTROL_BLOCK, "{\"what\":\"a\"}"},
        {CONTROL_BLOCK, "{\"what\":\"a\",\"reason\":\"b\",\"more\":1}"},
        {CONTROL_BLOCK, "{\"what\":\"a\",\"reason\":\"b\",\"reason\":\"c\"}"},
        {CONTROL_BLOCK, "{\"what\":1,\"reason\":\"b\"}"},
        {CONTROL_BLOCK, "{\"what\":\"a\",\"reason\":null}"},
        {CONTROL_BLOCK, "{\"what\":\"a\\u0000\",\"reason\":\"b\"}"},
        {CONTROL_BLOCK, "{\"what\":\"a\",\"reason\":\"b\"} {}"},
        {CONTROL_BLOCK, "{\"what\":\"a\",\"reason\":\"\xff\"}"},
        {CONTROL_UNBLOCK, "{\"what\":\"a\",\"reason\":\"b\"}"},
        {CONTROL_UNBLOCK, "{\"device\":\"a\"}"},
        {CONTROL_BREAK_GLASS, "{\"device\":\"a\",\"reason\":\"b\"}"},
        {CONTROL_BREAK_GLASS, "{\"device\":\"a\",\"for_s\":\"60\",\"reason\":\"b\"}"},
        {CONTROL_BREAK_GLASS, "{\"device\":\"a\",\"for_s\":60.5,\"reason\":\"b\"}"},
        {CONTROL_BREAK_GLASS, "{\"device\":\"a\",\"for_s\":60,\"reason\":\"b\",\"x\":0}"},
        {CONTROL_REFRESH, "{}"},
        {CONTROL_STATUS, ""},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cr_expect_eq(take(rows[i].what, rows[i].arguments), FAULT_CONFIG, "%s", rows[i].arguments);
        cr_expect_not_null(strstr(f.note, "not the arguments of"), "%s", f.note);
        cr_expect_str_eq(made.subject, "", "written though refused");
    }
}

static int make(enum control_request what, const char *subject, const char *reason, int64_t for_s)
{
    const struct order_text_parts parts = {what, subject, reason, for_s};
    return order_text_make(&parts, &made, &f);
}

static void expect_refusal(const char *subject, const char *reason, int64_t for_s, const char *why)
{
    memset(&made, 0, sizeof(made));
    cr_expect_eq(make(CONTROL_BREAK_GLASS, subject, reason, for_s), FAULT_CONFIG, "%s", why);
    cr_expect_not_null(strstr(f.note, why), "%s instead of %s", f.note, why);
    cr_expect_str_eq(made.subject, "");
}

Test(order_text, refuses_what_names_nothing)
{
    expect_refusal(NULL, "r", 60, "nothing is named");
    expect_refusal("", "r", 60, "nothing is named");
    expect_refusal(long_subject, "r", 60, "too long for");
    expect_refusal("pump 12", "r", 60, "neither a serial");
    expect_refusal("pump-12\n", "r", 60, "neither a serial");
    expect_refusal("../pump", "r", 60, "neither a serial");
    cr_expect_eq(make(CONTROL_UNBLOCK, long_subject + 1, NULL, 0), 0);
}

Test(order_text, refuses_a_reason_that_is_none)
{
    expect_refusal("a", NULL, 60, "a reason is needed");
    expect_refusal("a", "", 60, "a reason is needed");
    expect_refusal("a", "  ", 60, "a reason is needed");
    expect_refusal("a", "", 0, "a reason is needed");
    expect_refusal("a", "line\nline", 60, "not plain text");
    expect_refusal("a", "a\tb", 60, "not plain text");
    expect_refusal("a", "\x7f", 60, "not plain text");
    expect_refusal("a", "turned\xe2\x80\xae", 60, "not plain text");
    expect_refusal("a", "\xc0\xaf", 60, "not plain text");
    memset(long_reason, 'r', ORDER_TEXT_REASON_MAX);
    expect_refusal("a", long_reason, 60, "too long: 199");
    cr_expect_eq(make(CONTROL_BLOCK, "a", long_reason + 1, 0), 0);
    cr_expect_eq(make(CONTROL_BLOCK, "a", NULL, 0), FAULT_CONFIG);
    cr_expect_eq(make(CONTROL_BREAK_GLASS, "a", NULL, 0), 0);
}

Test(order_text, refuses_a_time_out_of_its_bounds)
{
    static const int64_t bad[] = {-1, 1, 59, 86401, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        expect_refusal("a", "r", bad[i], "from 1m to 24h");
    }
    cr_expect_eq(make(CONTROL_BREAK_GLASS, "a", "r", 60), 0);
    cr_expect_eq(make(CONTROL_BREAK_GLASS, "a", "r", 86400), 0);
}

Test(order_text, reads_durations_as_the_configuration_does)
{
    static const struct {
        const char *text;
        int64_t for_s; /* -1: refused */
    } rows[] = {
        {"2h", 7200}, {"90m", 5400}, {"60s", 60}, {"60000ms", 60}, {"24h", 86400}, {"0", 0},
        {"", -1},     {"2", -1},     {"2d", -1},  {"59s", -1},     {"25h", -1},    {"-2h", -1},
        {"2 h", -1},  {"never", -1}, {"0h", -1},  {"2h30m", -1},   {"1.5h", -1},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t for_s = -1;
        int code = order_text_duration(rows[i].text, &for_s, &f);
        cr_expect_eq(for_s, rows[i].for_s, "%s", rows[i].text);
        cr_expect_eq(code, rows[i].for_s < 0 ? FAULT_CONFIG : 0, "%s", rows[i].text);
    }
}
