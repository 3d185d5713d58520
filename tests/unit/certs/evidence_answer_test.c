#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "certs/digest.h"
#include "certs/evidence_inside.h"
#include "certs/mem.h"

static struct evidence_answer answer(const char *cert, const char *response, int64_t this_update_s)
{
    return (struct evidence_answer){.cert = span_of_text(cert),
                                    .response = span_of_text(response),
                                    .this_update_s = this_update_s,
                                    .until_s = this_update_s + 100,
                                    .source = "http://ocsp/"};
}

static void assert_put(struct evidence *e, const struct evidence_answer *a,
                       enum evidence_taken taken)
{
    struct evidence_id id;
    struct fault f = {0};
    enum evidence_taken found = evidence_put_answer(e, a, &id, &f);

    cr_assert_eq(found, taken, "%d instead of %d: %s", found, taken, f.note);
    cr_assert_eq(f.code == FAULT_NONE, taken == EVIDENCE_NEW || taken == EVIDENCE_SAME);
}

static void assert_held(const struct evidence *e, const char *cert, const char *response)
{
    cr_assert(span_equal(evidence_answer_of(e, span_of_text(cert)), span_of_text(response)));
}

Test(evidence_answer, keeps_a_copy_under_the_certificate)
{
    struct evidence *e = evidence_new();
    char response[] = "answer";
    const struct evidence_answer a = answer("cert", response, 1000);
    struct evidence_answer found;
    struct evidence_id id;
    uint8_t digest[DIGEST_LEN];
    int64_t until_s = 0;

    cr_assert_eq(evidence_put_answer(e, &a, &id, NULL), EVIDENCE_NEW);
    cr_assert(digest_sha256(span_of_text("cert"), digest));
    cr_assert_arr_eq(id.bytes, digest, sizeof(digest));
    response[0] = 'x';
    assert_held(e, "cert", "answer");
    cr_assert(evidence_answer_until(e, span_of_text("cert"), &until_s));
    cr_assert_eq(until_s, 1100);
    cr_assert(evidence_answer_look(e, span_of_text("cert"), &found));
    cr_assert_eq(found.this_update_s, 1000);
    cr_assert_str_eq(found.source, "http://ocsp/");
    cr_assert_eq(evidence_answer_count(e), 1);
    cr_assert_eq(evidence_generation(e), 1);
    evidence_free(e);
}

Test(evidence_answer, has_none_about_another_certificate)
{
    struct evidence *e = evidence_new();
    const struct evidence_answer a = answer("cert", "answer", 1000);
    int64_t until_s;

    assert_held(e, "cert", "");
    assert_put(e, &a, EVIDENCE_NEW);
    assert_held(e, "other", "");
    cr_assert_not(evidence_answer_until(e, span_of_text("other"), &until_s));
    evidence_free(e);
}

Test(evidence_answer, takes_a_later_one_and_no_earlier_one)
{
    struct evidence *e = evidence_new();
    struct evidence_answer a = answer("cert", "second", 1000);

    assert_put(e, &a, EVIDENCE_NEW);
    a = answer("cert", "first", 999);
    a.is_revoked = true; /* not even this: who revoked it has said since that it is not */
    assert_put(e, &a, EVIDENCE_OLDER);
    assert_held(e, "cert", "second");
    a = answer("cert", "third", 1001);
    assert_put(e, &a, EVIDENCE_NEW);
    assert_held(e, "cert", "third");
    cr_assert_eq(evidence_answer_count(e), 1);
    cr_assert_eq(evidence_generation(e), 2);
    evidence_free(e);
}

Test(evidence_answer, lets_revoked_win_within_a_second)
{
    struct evidence *e = evidence_new();
    struct evidence_answer good = answer("cert", "good", 1000);
    struct evidence_answer revoked = answer("cert", "revoked", 1000);

    revoked.is_revoked = true;
    revoked.until_s = 1001;
    assert_put(e, &good, EVIDENCE_NEW);
    assert_put(e, &good, EVIDENCE_SAME);
    assert_put(e, &revoked, EVIDENCE_NEW);
    good.until_s = 9999;
    assert_put(e, &good, EVIDENCE_SAME);
    assert_held(e, "cert", "revoked");
    good.this_update_s = 1001;
    assert_put(e, &good, EVIDENCE_NEW);
    evidence_free(e);
}

Test(evidence_answer, takes_one_of_the_same_second_that_holds_longer)
{
    struct evidence *e = evidence_new();
    struct evidence_answer a = answer("cert", "short", 1000);

    assert_put(e, &a, EVIDENCE_NEW);
    a = answer("cert", "shorter", 1000);
    a.until_s = 1050;
    assert_put(e, &a, EVIDENCE_SAME);
    a = answer("cert", "longer", 1000);
    a.until_s = 1200;
    assert_put(e, &a, EVIDENCE_NEW);
    assert_held(e, "cert", "longer");
    evidence_free(e);
}

Test(evidence_answer, takes_below_no_mark_that_outlived_it)
{
    struct evidence *before = evidence_new();
    struct evidence *e = evidence_new();
    struct evidence_answer a = answer("cert", "answer", 1000);
    const struct evidence_mark *marks;

    assert_put(before, &a, EVIDENCE_NEW);
    cr_assert_eq(evidence_marks(before, &marks), 1);
    cr_assert_eq(marks[0].number_len, 0);
    cr_assert(evidence_raise_mark(e, &marks[0]));
    a.this_update_s = 999;
    assert_put(e, &a, EVIDENCE_OLDER);
    a.this_update_s = 1000;
    assert_put(e, &a, EVIDENCE_NEW);
    evidence_free(before);
    evidence_free(e);
}

Test(evidence_answer, refuses_what_is_empty_or_too_long)
{
    static uint8_t bytes[EVIDENCE_ANSWER_LEN_MAX + 1];
    struct evidence *e = evidence_new();
    struct evidence_answer a = answer("cert", "", 1000);

    assert_put(e, &a, EVIDENCE_REFUSED);
    a.response = span_of(bytes, sizeof(bytes));
    assert_put(e, &a, EVIDENCE_REFUSED);
    a.response = span_of(bytes, sizeof(bytes) - 1);
    assert_put(e, &a, EVIDENCE_NEW);
    evidence_free(e);
}

/* Certificate number i; its answer ends at until_s. */
static enum evidence_taken put_number(struct evidence *e, unsigned i, int64_t this_update_s,
                                      int64_t until_s)
{
    char cert[16];
    struct evidence_answer a;
    struct evidence_id id;

    (void)snprintf(cert, sizeof(cert), "%u", i);
    a = answer(cert, cert, this_update_s);
    a.until_s = until_s;
    return evidence_put_answer(e, &a, &id, NULL);
}

Test(evidence_answer, finds_each_of_all_and_gives_the_longest_ended_up)
{
    struct evidence *e = evidence_new();
    const struct evidence_mark *marks;
    char cert[16];

    for (unsigned i = 0; i < EVIDENCE_ANSWERS_MAX; i++) {
        cr_assert_eq(put_number(e, i, 1000, i == 77 ? 1500 : 2000), EVIDENCE_NEW);
    }
    for (unsigned i = 0; i < EVIDENCE_ANSWERS_MAX; i++) {
        (void)snprintf(cert, sizeof(cert), "%u", i);
        assert_held(e, cert, cert);
    }
    cr_assert_eq(put_number(e, 99999, 1500, 3000), EVIDENCE_REFUSED, "all of them still hold");
    cr_assert_eq(put_number(e, 5, 1500, 3000), EVIDENCE_NEW, "it has its place already");
    cr_assert_eq(put_number(e, 99999, 1501, 3000), EVIDENCE_NEW);
    assert_held(e, "99999", "99999");
    assert_held(e, "77", "");
    cr_assert_eq(evidence_answer_count(e), EVIDENCE_ANSWERS_MAX);
    cr_assert_eq(evidence_marks(e, &marks), EVIDENCE_ANSWERS_MAX);
    cr_assert_eq(put_number(e, 77, 1999, 3000), EVIDENCE_REFUSED);
    evidence_free(e);
}

Test(evidence_answer, keeps_the_marks_of_what_it_holds_when_they_are_all_there_may_be)
{
    struct evidence *e = evidence_new();
    struct evidence_mark m = {.this_update_s = 5000};
    const struct evidence_mark *marks;

    cr_assert_eq(put_number(e, 1, 1, 2000), EVIDENCE_NEW);
    for (unsigned i = 1; i <= EVIDENCE_MARKS_MAX; i++) {
        m.id.bytes[0] = (uint8_t)(i >> 8);
        m.id.bytes[1] = (uint8_t)i;
        cr_assert(evidence_raise_mark(e, &m));
    }
    cr_assert_eq(evidence_marks(e, &marks), EVIDENCE_MARKS_MAX);
    cr_assert_eq(put_number(e, 1, 0, 2000), EVIDENCE_OLDER);
    evidence_free(e);
}

Test(evidence_answer, survives_running_out_of_memory)
{
    bool is_whole = false;

    for (uint32_t nth = 1; !is_whole; nth++) {
        struct evidence *e = evidence_new();
        const struct evidence_mark *marks;
        enum evidence_taken taken;
        (void)mem_fail_nth(nth);
        taken = put_number(e, 1, 1000, 2000);
        is_whole = mem_fail_nth(0) > 0;
        cr_assert_eq(taken == EVIDENCE_NEW, evidence_answer_count(e) == 1);
        cr_assert_eq(taken == EVIDENCE_NEW, evidence_marks(e, &marks) == 1);
        cr_assert_eq(put_number(e, 1, 1001, 2000), EVIDENCE_NEW);
        evidence_free(e);
        cr_assert_lt(nth, 20);
    }
}
