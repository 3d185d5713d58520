#include <string.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "gateway/jsontext.h"

Test(jsontext, accepts_any_bytes_as_text)
{
    json_t *object = json_object();
    cr_expect(jsontext_set(object, "k", "a\xff\nb"));
    cr_expect_str_eq(json_string_value(json_object_get(object, "k")), "a\\xff\\x0ab");
    cr_expect(jsontext_set(object, "n", NULL));
    cr_expect(json_is_null(json_object_get(object, "n")));
    json_decref(object);
}

Test(jsontext, cuts_text_that_is_far_too_long)
{
    static char huge[2 * JSONTEXT_MAX];
    memset(huge, 'x', sizeof(huge) - 1);
    json_t *object = json_object();
    cr_expect(jsontext_set(object, "k", huge));
    cr_expect_eq(json_string_length(json_object_get(object, "k")), JSONTEXT_MAX);
    json_decref(object);
}

Test(jsontext, shows_counters_and_moments)
{
    json_t *object = json_object();
    cr_expect(jsontext_set_count(object, "c", UINT64_MAX));
    cr_expect_eq(json_integer_value(json_object_get(object, "c")), INT64_MAX);
    cr_expect(jsontext_set_number(object, "n", -5));
    cr_expect_eq(json_integer_value(json_object_get(object, "n")), -5);
    cr_expect(jsontext_set_time(object, "t", 1));
    cr_expect_str_eq(json_string_value(json_object_get(object, "t")), "1970-01-01T00:00:01Z");
    cr_expect(jsontext_set_time(object, "never", 0));
    cr_expect(json_is_null(json_object_get(object, "never")));
    json_decref(object);
}

Test(jsontext, says_so_when_there_is_no_object)
{
    cr_expect_not(jsontext_set(NULL, "k", "v"));
    cr_expect_not(jsontext_set_number(NULL, "k", 1));
    cr_expect_null(jsontext_dump(NULL));
}

Test(jsontext, dumps_one_line_into_our_own_memory)
{
    json_t *object = json_object();
    cr_expect(jsontext_set(object, "k", "v"));
    char *text = jsontext_dump(object);
    cr_expect_str_eq(text, "{\"k\":\"v\"}\n");
    mem_free(text);
    mem_fail_nth(1);
    cr_expect_null(jsontext_dump(object));
    json_decref(object);
}

Test(jsontext, gets_what_is_there_and_nothing_else)
{
    json_t *object = json_pack("{s:s,s:i,s:n}", "text", "a", "number", 7, "none");
    cr_expect_str_eq(jsontext_get(object, "text"), "a");
    cr_expect_str_eq(jsontext_get(object, "number"), "");
    cr_expect_str_eq(jsontext_get(object, "missing"), "");
    cr_expect_str_eq(jsontext_get(NULL, "text"), "");
    cr_expect_eq(jsontext_get_number(object, "number"), 7);
    cr_expect_eq(jsontext_get_number(object, "none"), 0);
    cr_expect_eq(jsontext_get_number(NULL, "number"), 0);
    json_decref(object);
}
