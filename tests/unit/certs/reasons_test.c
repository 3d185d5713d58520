#include <string.h>

#include <criterion/criterion.h>

#include "certs/reasons.h"

static struct reasons list;

Test(reasons, joins_two_texts)
{
    reasons_add(&list, REASONS_PASS, 1, "signed by ", "Hospital Root CA");
    reasons_add(&list, REASONS_NOTE, -1, "alone", NULL);
    cr_assert_eq(list.count, 2);
    cr_assert_str_eq(list.lines[0].text, "signed by Hospital Root CA");
    cr_assert(list.lines[0].mark == REASONS_PASS && list.lines[0].level == 1);
    cr_assert_str_eq(list.lines[1].text, "alone");
    cr_assert_eq(list.lines[1].level, -1);
}

Test(reasons, decision_is_the_first_refusal)
{
    cr_assert_null(reasons_decision(&list));
    reasons_add(&list, REASONS_PASS, 0, "good", NULL);
    cr_assert_null(reasons_decision(&list));
    reasons_add(&list, REASONS_REFUSE, 0, "bad", NULL);
    reasons_add(&list, REASONS_REFUSE, 1, "worse", NULL);
    cr_assert_str_eq(reasons_decision(&list), "bad");
}

Test(reasons, code_is_that_of_the_decision)
{
    cr_assert_eq(reasons_decision_code(NULL), REASONS_PLAIN);
    cr_assert_eq(reasons_decision_code(&list), REASONS_PLAIN);
    reasons_refuse(&list, REASONS_OVER, 2, "bad");
    reasons_refuse(&list, REASONS_AHEAD, 1, "worse");
    cr_assert_eq(reasons_decision_code(&list), REASONS_OVER);
    cr_assert(list.lines[0].mark == REASONS_REFUSE && list.lines[0].level == 2);
    cr_assert_str_eq(list.lines[0].text, "bad");
    list.count = 0; /* the same place once more */
    reasons_add(&list, REASONS_REFUSE, 0, "bad", NULL);
    cr_assert_eq(reasons_decision_code(&list), REASONS_PLAIN);
    reasons_refuse(NULL, REASONS_OVER, 0, "nobody reads it");
}

Test(reasons, code_outlives_a_full_list)
{
    for (size_t i = 0; i < REASONS_MAX + 1; i++) {
        reasons_add(&list, REASONS_PASS, 0, "good", NULL);
    }
    reasons_refuse(&list, REASONS_OVER, 0, "bad");
    cr_assert_eq(reasons_decision_code(&list), REASONS_OVER);
}

Test(reasons, cuts_a_long_line)
{
    char text[2 * REASONS_LINE_MAX];

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    reasons_add(&list, REASONS_NOTE, 0, text, text);
    cr_assert_eq(strlen(list.lines[0].text), REASONS_LINE_MAX - 1);
}

Test(reasons, says_that_it_is_full)
{
    for (size_t i = 0; i < REASONS_MAX + 5; i++) {
        reasons_add(&list, REASONS_PASS, 0, "good", NULL);
    }
    cr_assert_eq(list.count, REASONS_MAX);
    cr_assert_str_eq(list.lines[REASONS_MAX - 2].text, "good");
    cr_assert_str_eq(list.lines[REASONS_MAX - 1].text,
                     "more was found; the list of reasons is full");
    cr_assert_eq(list.lines[REASONS_MAX - 1].mark, REASONS_NOTE);
}

Test(reasons, a_full_list_still_takes_the_decision)
{
    for (size_t i = 0; i < REASONS_MAX + 1; i++) {
        reasons_add(&list, REASONS_PASS, 0, "good", NULL);
    }
    reasons_add(&list, REASONS_REFUSE, 0, "bad", NULL);
    reasons_add(&list, REASONS_REFUSE, 0, "worse", NULL);
    cr_assert_str_eq(reasons_decision(&list), "bad");
    cr_assert_eq(list.count, REASONS_MAX);
}

Test(reasons, lets_no_control_byte_through)
{
    reasons_add(&list, REASONS_NOTE, 0, "a\n\x1b[2J\x7f", "b\r");
    cr_assert_str_eq(list.lines[0].text, "a??[2J?b?");
}

Test(reasons, a_null_list_is_fine)
{
    reasons_add(NULL, REASONS_REFUSE, 0, "bad", NULL);
    cr_assert_null(reasons_decision(NULL));
}
