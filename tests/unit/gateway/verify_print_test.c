#include <jansson.h>
#include <string.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "gateway/verify_print.h"

static struct verify_options options;
static struct judge_settings settings = {.path = {.now_s = 1767225600}};
static struct judge_result result = {.verdict = {VERDICT_UNAVAILABLE, 1767225600}};
static struct reasons why;
static struct verify_crl crls[] = {{"broken.crl", NULL}};
static struct verify_report report = {.options = &options,
                                      .settings = &settings,
                                      .result = &result,
                                      .why = &why,
                                      .crls = crls,
                                      .crl_count = 1};
static char text[8192];

static int print(int (*how)(FILE *, const struct verify_report *))
{
    FILE *to = fmemopen(text, sizeof(text), "w");
    cr_assert_not_null(to);
    int code = how(to, &report);
    (void)fclose(to);
    return code;
}

static void fill(void)
{
    why.count = 0;
    reasons_add(&why, REASONS_PASS, 1, "signed", NULL);
    reasons_add(&why, REASONS_REFUSE, 0, "expired", NULL);
    reasons_add(&why, REASONS_NOTE, -1, "a name \xC2\x9B of steering", NULL);
}

Test(verify_print, text_goes_from_the_leaf_up_and_ends_with_what_decided)
{
    fill();
    cr_assert_eq(print(verify_print_text), 0);
    cr_expect_str_eq(text,
                     "certificate 0\n"
                     "  refuse  expired\n"
                     "certificate 1\n"
                     "  pass    signed\n"
                     "chain\n"
                     "  note    a name \\xc2\\x9b of steering\n"
                     "refused: expired\n",
                     "%s", text);
}

Test(verify_print, accepted_is_said_only_of_what_was)
{
    why.count = 0;
    cr_assert_eq(print(verify_print_text), 0);
    cr_expect_not_null(strstr(text, "\nrefused: "));
    result.accepted = true;
    result.verdict.kind = VERDICT_GOOD;
    cr_assert_eq(print(verify_print_text), 0);
    cr_expect_not_null(strstr(text, "\naccepted: the path is valid and none"), "%s", text);
}

Test(verify_print, json_has_the_same)
{
    fill();
    cr_assert_eq(print(verify_print_json), 0);
    json_t *root = json_loads(text, 0, NULL);
    cr_assert_not_null(root, "%s", text);
    cr_expect(json_is_false(json_object_get(root, "accepted")));
    cr_expect_str_eq(json_string_value(json_object_get(root, "verdict")), "unavailable");
    cr_expect_str_eq(json_string_value(json_object_get(root, "decision")), "expired");
    cr_expect_eq(json_integer_value(json_object_get(root, "at")), 1767225600);
    cr_expect_eq(json_array_size(json_object_get(root, "certificates")), 2);
    cr_expect_eq(json_array_size(json_object_get(root, "chain")), 1);
    const json_t *list = json_object_get(json_object_get(root, "evidence"), "crls");
    cr_expect(json_is_false(json_object_get(json_array_get(list, 0), "is_readable")));
    json_decref(root);
}

Test(verify_print, tells_when_the_stream_fails)
{
    fill();
    FILE *full = fopen("/dev/full", "w");
    cr_assert_not_null(full);
    cr_expect_eq(verify_print_text(full, &report), -1);
    cr_expect_eq(verify_print_json(full, &report), -1);
    (void)fclose(full);
}
