#include <string.h>

#include <criterion/criterion.h>

#include "certs/evidence_inside.h"
#include "certs/mem.h"

static struct evidence_mark mark_of(unsigned id, uint8_t number, int64_t this_update_s)
{
    struct evidence_mark m = {
        .number = {number}, .number_len = number > 0 ? 1 : 0, .this_update_s = this_update_s};

    m.id.bytes[0] = (uint8_t)(id * 37); /* not in their order */
    m.id.bytes[1] = (uint8_t)(id >> 8);
    m.id.bytes[2] = (uint8_t)id;
    return m;
}

Test(evidence_mark, compares_numbers_of_any_length)
{
    static const uint8_t ONE[] = {1};
    static const uint8_t TWO[] = {2};
    static const uint8_t LARGE[] = {0, 0x80};
    struct span none = span_of(NULL, 0);

    cr_assert_eq(evidence_compare_numbers(none, none), 0);
    cr_assert_lt(evidence_compare_numbers(none, span_of(ONE, 1)), 0);
    cr_assert_lt(evidence_compare_numbers(span_of(ONE, 1), span_of(TWO, 1)), 0);
    cr_assert_gt(evidence_compare_numbers(span_of(LARGE, 2), span_of(TWO, 1)), 0);
    cr_assert_eq(evidence_compare_numbers(span_of(TWO, 1), span_of(TWO, 1)), 0);
}

Test(evidence_mark, is_only_ever_raised)
{
    struct evidence *e = evidence_new();
    struct evidence_mark m = mark_of(1, 5, 100);
    const struct evidence_mark *marks;

    cr_assert(evidence_raise_mark(e, &m));
    m = mark_of(1, 4, 200);
    cr_assert(evidence_raise_mark(e, &m));
    m = mark_of(1, 6, 50);
    cr_assert(evidence_raise_mark(e, &m));
    m = mark_of(1, 0, 50);
    cr_assert(evidence_raise_mark(e, &m));
    cr_assert_eq(evidence_marks(e, &marks), 1);
    cr_assert_eq(marks[0].number[0], 6);
    cr_assert_eq(marks[0].number_len, 1);
    cr_assert_eq(marks[0].this_update_s, 200);
    evidence_free(e);
}

Test(evidence_mark, refuses_a_number_that_is_too_long)
{
    struct evidence *e = evidence_new();
    struct evidence_mark m = mark_of(1, 5, 100);
    const struct evidence_mark *marks;

    m.number_len = EVIDENCE_NUMBER_MAX;
    cr_assert(evidence_raise_mark(e, &m));
    m.number_len = EVIDENCE_NUMBER_MAX + 1;
    cr_assert_not(evidence_raise_mark(e, &m));
    cr_assert_eq(evidence_marks(e, &marks), 1);
    evidence_free(e);
}

Test(evidence_mark, finds_each_of_many_and_keeps_them_in_order)
{
    struct evidence *e = evidence_new();
    const struct evidence_mark *marks;

    for (unsigned i = 0; i < 2000; i++) {
        const struct evidence_mark m = mark_of(i, 0, i);
        cr_assert(evidence_raise_mark(e, &m));
    }
    for (unsigned i = 0; i < 2000; i += 2) {
        const struct evidence_mark m = mark_of(i, 0, i);
        evidence_mark_remove(e, &m.id);
        evidence_mark_remove(e, &m.id); /* twice is fine */
    }
    cr_assert_eq(evidence_marks(e, &marks), 1000);
    for (unsigned i = 0; i < 2000; i++) {
        const struct evidence_mark m = mark_of(i, 0, i);
        const struct evidence_mark *found = evidence_mark_find(e, &m.id);
        cr_assert_eq(found != NULL, i % 2 == 1);
        cr_assert(found == NULL || found->this_update_s == i);
    }
    for (size_t i = 1; i < 1000; i++) {
        cr_assert_lt(memcmp(&marks[i - 1].id, &marks[i].id, sizeof(marks[i].id)), 0);
    }
    evidence_free(e);
}

/* Full of marks of answers: the oldest one that nobody needs makes room. */
Test(evidence_mark, gives_up_the_oldest_mark_of_an_answer_and_never_one_of_a_crl)
{
    struct evidence *e = evidence_new();
    struct evidence_mark m;
    const struct evidence_mark *marks;

    for (unsigned i = 0; i < EVIDENCE_MARKS_MAX; i++) {
        m = mark_of(i, i == 3 ? 1 : 0, 1000 + i % 7);
        m.this_update_s = i == 5 ? 7 : (i == 3 ? 1 : m.this_update_s);
        cr_assert(evidence_raise_mark(e, &m));
    }
    m = mark_of(EVIDENCE_MARKS_MAX, 9, 5000);
    cr_assert(evidence_raise_mark(e, &m));
    cr_assert_eq(evidence_marks(e, &marks), EVIDENCE_MARKS_MAX);
    cr_assert_not_null(evidence_mark_find(e, &m.id));
    m = mark_of(5, 0, 0);
    cr_assert_null(evidence_mark_find(e, &m.id));
    m = mark_of(3, 0, 0);
    cr_assert_not_null(evidence_mark_find(e, &m.id));
    evidence_free(e);
}

Test(evidence_mark, refuses_a_mark_when_all_are_of_crls)
{
    struct evidence *e = evidence_new();
    struct evidence_mark m;
    const struct evidence_mark *marks;

    for (unsigned i = 0; i < EVIDENCE_MARKS_MAX; i++) {
        m = mark_of(i, 1, 1000);
        cr_assert(evidence_raise_mark(e, &m));
    }
    m = mark_of(EVIDENCE_MARKS_MAX, 9, 5000);
    cr_assert_not(evidence_raise_mark(e, &m));
    cr_assert_eq(evidence_marks(e, &marks), EVIDENCE_MARKS_MAX);
    m = mark_of(0, 2, 1000);
    cr_assert(evidence_raise_mark(e, &m), "those that are there may rise");
    evidence_free(e);
}

Test(evidence_mark, survives_running_out_of_memory)
{
    struct evidence *e = evidence_new();
    const struct evidence_mark m = mark_of(1, 1, 1);
    const struct evidence_mark *marks;

    (void)mem_fail_nth(1);
    cr_assert_not(evidence_raise_mark(e, &m));
    cr_assert_eq(evidence_marks(e, &marks), 0);
    cr_assert(evidence_raise_mark(e, &m));
    evidence_free(e);
}
