#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "certs/evidence.h"
#include "certs/evidence_inside.h"
#include "certs/mem.h"
#include "tests/unit/certs/evidence_case.h"

static void assert_taken(struct evidence *e, const struct evidence_case *c,
                         enum evidence_taken taken)
{
    struct evidence_case_result r = evidence_case_put(e, c);

    cr_assert_eq(r.taken, taken, "%d instead of %d: %s", r.taken, taken, r.f.note);
}

Test(evidence, takes_the_first_crl_and_its_successor)
{
    struct evidence *e = evidence_new();
    struct evidence_case c = {.number = 3, .day = "02", .source = "http://ca/root.crl"};
    struct evidence_case_result first = evidence_case_put(e, &c);
    const struct evidence_crl *crls;
    struct evidence_case_result next;

    cr_assert_eq(first.taken, EVIDENCE_NEW);
    cr_assert_eq(evidence_generation(e), 1);
    c.number = 4;
    c.day = "03";
    next = evidence_case_put(e, &c);
    cr_assert_eq(next.taken, EVIDENCE_NEW);
    cr_assert_eq(evidence_generation(e), 2);
    cr_assert_arr_eq(&next.id, &first.id, sizeof(first.id));
    cr_assert_eq(evidence_crls(e, &crls), 1);
    cr_assert_eq(evidence_case_number(e, &first.id), 4);
    cr_assert_str_eq(crls[0].source, "http://ca/root.crl");
    cr_assert_str_eq(crls[0].issuer, "CN=CA");
    evidence_free(e);
}

Test(evidence, knows_what_it_has)
{
    struct evidence *e = evidence_new();
    const struct evidence_case c = {.number = 3};
    struct evidence_case_result r = evidence_case_put(e, &c);
    struct evidence_case_result again = evidence_case_put(e, &c);

    cr_assert_eq(r.taken, EVIDENCE_NEW);
    cr_assert_eq(again.taken, EVIDENCE_SAME);
    cr_assert_arr_eq(&again.id, &r.id, sizeof(r.id));
    cr_assert_eq(evidence_generation(e), 1, "no verdict changes");
    evidence_free(e);
}

Test(evidence, refuses_a_lower_number_whatever_its_date)
{
    struct evidence *e = evidence_new();
    struct evidence_case c = {.number = 7, .day = "05"};
    struct evidence_case_result r;

    assert_taken(e, &c, EVIDENCE_NEW);
    c.number = 6;
    assert_taken(e, &c, EVIDENCE_OLDER);
    c.day = "06";
    r = evidence_case_put(e, &c);
    cr_assert_eq(r.taken, EVIDENCE_OLDER);
    cr_assert_eq(r.f.code, FAULT_BAD_CERT);
    cr_assert_str_eq(r.f.note, "CRL 06 of 2026-01-06T00:00:00Z is older than CRL 07 of "
                               "2026-01-05T00:00:00Z; issuer CN=CA");
    cr_assert_eq(evidence_case_number(e, &r.id), 7);
    cr_assert_eq(evidence_generation(e), 1);
    evidence_free(e);
}

Test(evidence, refuses_an_earlier_date_with_the_same_number)
{
    struct evidence *e = evidence_new();
    struct evidence_case c = {.number = 7, .day = "05"};

    assert_taken(e, &c, EVIDENCE_NEW);
    c.day = "04";
    assert_taken(e, &c, EVIDENCE_OLDER);
    c.day = "06";
    assert_taken(e, &c, EVIDENCE_NEW);
    evidence_free(e);
}

Test(evidence, refuses_an_earlier_date_in_spite_of_a_higher_number)
{
    struct evidence *e = evidence_new();
    struct evidence_case c = {.number = 7, .day = "05"};
    struct evidence_case_result r;

    assert_taken(e, &c, EVIDENCE_NEW);
    c.number = 8;
    c.day = "04";
    r = evidence_case_put(e, &c);
    cr_assert_eq(r.taken, EVIDENCE_OLDER);
    cr_assert_not_null(strstr(r.f.note, "in spite of its higher number"), "%s", r.f.note);
    c.day = "05";
    assert_taken(e, &c, EVIDENCE_NEW);
    evidence_free(e);
}

Test(evidence, keeps_each_key_issuer_scope_and_kind_apart)
{
    struct evidence *e = evidence_new();
    struct evidence_case cases[] = {
        {.number = 9},
        {.number = 8, .key = 2},
        {.number = 7, .issuer = "CB"},
        {.number = 6, .scope = CRL_BYTES(0x30, 3, 0x81, 1, 0xFF)},
        {.number = 5, .scope = CRL_BYTES(0x30, 3, 0x82, 1, 0xFF)},
        {.number = 4, .is_delta = true},
    };
    size_t verified;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_taken(e, &cases[i], EVIDENCE_NEW);
    }
    cr_assert_eq(evidence_case_count(e, &verified), sizeof(cases) / sizeof(cases[0]));
    cr_assert_eq(verified, sizeof(cases) / sizeof(cases[0]));
    evidence_free(e);
}

/* After a restart: the marks come first, then the CRLs that were stored. */
Test(evidence, takes_below_no_mark_that_outlived_it)
{
    struct evidence *before = evidence_new();
    struct evidence *e = evidence_new();
    struct evidence_case c = {.number = 7, .day = "05"};
    const struct evidence_mark *marks;

    assert_taken(before, &c, EVIDENCE_NEW);
    cr_assert_eq(evidence_marks(before, &marks), 1);
    cr_assert(evidence_raise_mark(e, &marks[0]));
    cr_assert_eq(evidence_generation(e), 0);
    c.number = 6;
    assert_taken(e, &c, EVIDENCE_OLDER);
    c.number = 7;
    c.day = "04";
    assert_taken(e, &c, EVIDENCE_OLDER);
    c.day = "05";
    assert_taken(e, &c, EVIDENCE_NEW);
    assert_taken(e, &c, EVIDENCE_SAME);
    evidence_free(before);
    evidence_free(e);
}

/* The mark may be of a CRL that never got here: what is held below it is no reason to say "same".
 */
Test(evidence, takes_the_crl_of_a_mark_above_what_it_holds)
{
    struct evidence *e = evidence_new();
    struct evidence_case c = {.number = 7, .day = "05"};
    struct evidence_mark mark = {.number = {8}, .number_len = 1, .this_update_s = 0};

    mark.id = evidence_case_put(e, &c).id;
    cr_assert(evidence_raise_mark(e, &mark));
    assert_taken(e, &c, EVIDENCE_OLDER);
    c.number = 8;
    assert_taken(e, &c, EVIDENCE_NEW);
    assert_taken(e, &c, EVIDENCE_SAME);
    evidence_free(e);
}

Test(evidence, refuses_a_crl_that_is_dated_ahead)
{
    struct evidence *e = evidence_new();
    const struct evidence_case c = {.number = 7};
    struct crl_arrival a = {.crl = evidence_case_crl(&c), .is_future = true, .why = "dated ahead"};
    struct evidence_id id;
    struct fault f = {0};
    const struct evidence_mark *marks;
    const struct evidence_crl *crls;

    cr_assert_eq(evidence_put_crl(e, &a, "a", &id, &f), EVIDENCE_REFUSED);
    cr_assert_eq(f.code, FAULT_NOT_YET);
    cr_assert_str_eq(f.note, "dated ahead");
    a.is_verified = true; /* never so, and it would not help */
    cr_assert_eq(evidence_put_crl(e, &a, "a", &id, &f), EVIDENCE_REFUSED);
    cr_assert_eq(evidence_marks(e, &marks), 0);
    cr_assert_eq(evidence_crls(e, &crls), 0);
    cr_assert_eq(evidence_generation(e), 0);
    crl_release(a.crl);
    evidence_free(e);
}

/* Fill all places with CRLs of as many issuers. */
static void fill(struct evidence *e, size_t count)
{
    struct evidence_case c = {.number = 1};
    struct crl_arrival a = {.is_verified = true};
    struct evidence_id id;

    a.crl = evidence_case_crl(&c);
    for (size_t i = 0; i < count; i++) {
        a.signer[0] = (uint8_t)i;
        a.signer[1] = (uint8_t)(i >> 8);
        cr_assert_eq(evidence_put_crl(e, &a, "fill", &id, NULL), EVIDENCE_NEW);
    }
    crl_release(a.crl);
}

Test(evidence, holds_no_more_crls_than_it_may)
{
    struct evidence *e = evidence_new();
    struct evidence_case c = {.number = 1, .issuer = "one more"};
    struct evidence_case_result r;
    const struct evidence_mark *marks;
    size_t verified;

    fill(e, EVIDENCE_CRLS_MAX);
    r = evidence_case_put(e, &c);
    cr_assert_eq(r.taken, EVIDENCE_REFUSED);
    cr_assert_eq(r.f.code, FAULT_LIMIT);
    cr_assert_not_null(strstr(r.f.note, "1024"), "%s", r.f.note);
    c.is_pending = true;
    r = evidence_case_put(e, &c);
    cr_assert_eq(r.taken, EVIDENCE_REFUSED);
    cr_assert_eq(r.f.code, FAULT_LIMIT);
    cr_assert_eq(evidence_case_count(e, &verified), EVIDENCE_CRLS_MAX);
    cr_assert_eq(evidence_marks(e, &marks), EVIDENCE_CRLS_MAX);
    evidence_free(e);
}

Test(evidence, gives_what_is_verified_the_place_of_what_is_not)
{
    struct evidence *e = evidence_new();
    struct evidence_case c = {.number = 1, .issuer = "pending", .is_pending = true};
    size_t verified;

    assert_taken(e, &c, EVIDENCE_PENDING);
    fill(e, EVIDENCE_CRLS_MAX - 1);
    c.is_pending = false;
    c.issuer = "verified";
    assert_taken(e, &c, EVIDENCE_NEW);
    cr_assert_eq(evidence_case_count(e, &verified), EVIDENCE_CRLS_MAX);
    cr_assert_eq(verified, EVIDENCE_CRLS_MAX);
    evidence_free(e);
}

/* A CA was added to the trust: what waited for it comes again, and somebody vouches for it. */
Test(evidence, ends_the_waiting_of_what_comes_again_verified)
{
    struct evidence *e = evidence_new();
    struct evidence_case c = {.number = 1, .is_pending = true};
    size_t verified;

    assert_taken(e, &c, EVIDENCE_PENDING);
    c.source = "b.crl";
    assert_taken(e, &c, EVIDENCE_PENDING);
    c.is_pending = false;
    assert_taken(e, &c, EVIDENCE_NEW);
    cr_assert_eq(evidence_case_count(e, &verified), 2, "the other source's waits on");
    cr_assert_eq(verified, 1);
    c.source = "a.crl";
    assert_taken(e, &c, EVIDENCE_SAME);
    cr_assert_eq(evidence_case_count(e, &verified), 1);
    evidence_free(e);
}

Test(evidence, cuts_a_long_source)
{
    static char source[2 * EVIDENCE_SOURCE_MAX];
    struct evidence *e = evidence_new();
    const struct evidence_case c = {.number = 1, .source = source};
    const struct evidence_crl *crls;

    memset(source, 'x', sizeof(source) - 1);
    assert_taken(e, &c, EVIDENCE_NEW);
    cr_assert_eq(evidence_crls(e, &crls), 1);
    cr_assert_eq(strlen(crls[0].source), EVIDENCE_SOURCE_MAX - 1);
    evidence_free(e);
}

Test(evidence, survives_running_out_of_memory)
{
    const struct evidence_case first = {.number = 1};
    const struct evidence_case next = {.number = 2, .day = "02"};
    struct crl_arrival a = {.crl = evidence_case_crl(&first), .is_verified = true};
    struct crl_arrival b = {.crl = evidence_case_crl(&next), .is_verified = true};
    bool is_whole = false;

    for (uint32_t nth = 1; !is_whole; nth++) {
        struct evidence_id id;
        struct fault f = {0};
        const struct evidence_crl *crls;
        const struct evidence_mark *marks;
        struct evidence *e;
        (void)mem_fail_nth(nth);
        e = evidence_new();
        if (e == NULL) {
            continue;
        }
        if (evidence_put_crl(e, &a, "a", &id, &f) == EVIDENCE_REFUSED) {
            cr_assert_neq(f.code, FAULT_NONE);
            cr_assert_eq(evidence_crls(e, &crls), 0);
            cr_assert_eq(evidence_marks(e, &marks), 0);
            cr_assert_eq(evidence_generation(e), 0);
        }
        cr_assert_eq(evidence_put_crl(e, &b, "a", &id, &f), EVIDENCE_NEW);
        is_whole = mem_fail_nth(0) > 0;
        cr_assert_eq(evidence_case_number(e, &id), 2);
        evidence_free(e);
        cr_assert_lt(nth, 20);
    }
    crl_release(a.crl);
    crl_release(b.crl);
    evidence_free(NULL);
}
