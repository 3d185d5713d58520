#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "certs/crl_inside.h"
#include "certs/evidence_inside.h"
#include "certs/mem.h"
#include "certs/signature.h"
#include "tests/unit/certs/evidence_case.h"
#include "tests/unit/pages.h"

enum { CA_KEY = 1, OTHER_KEY = 2, SIGNER_KEY = 3, NOW_S = EVIDENCE_CASE_NOW_S };

static struct evidence *e;
static struct path path;

/* What was told, in order. */
static enum evidence_taken told[8];
static size_t told_count;
static struct evidence_id told_id;
static size_t told_der_len;

static void on_told(void *owner, enum evidence_taken taken, const struct evidence_crl *crl)
{
    cr_assert_eq(owner, &told);
    cr_assert_lt(told_count, 8);
    told[told_count] = taken;
    told_count++;
    told_id = crl->id;
    told_der_len = crl_der(crl->crl).len;
}

static void set_up(void)
{
    e = evidence_new();
    evidence_case_path(CA_KEY, &path);
}

static void tear_down(void)
{
    evidence_free(e);
}

TestSuite(evidence_settle, .init = set_up, .fini = tear_down);

static enum evidence_taken put(const struct evidence_case *c)
{
    return evidence_case_put(e, c).taken;
}

/* What the trust adds; now_s is set by who settles. */
static struct evidence_showing shown = {.path = &path};

static bool settle_at(int64_t now_s)
{
    told_count = 0;
    shown.now_s = now_s;
    return evidence_settle(e, &shown, on_told, &told);
}

Test(evidence_settle, keeps_what_nobody_vouches_for_without_a_mark)
{
    const struct evidence_case c = {.number = 3, .is_pending = true};
    const struct evidence_mark *marks;
    size_t verified;

    cr_assert_eq(put(&c), EVIDENCE_PENDING);
    cr_assert_eq(evidence_marks(e, &marks), 0);
    cr_assert_eq(evidence_case_count(e, &verified), 1);
    cr_assert_eq(verified, 0);
    cr_assert_eq(evidence_generation(e), 1, "a link that is up may show its signer");
    cr_assert_eq(put(&c), EVIDENCE_SAME);
    cr_assert_eq(evidence_generation(e), 1);
}

Test(evidence_settle, takes_what_a_ca_of_the_path_has_signed)
{
    struct evidence_case c = {.number = 3, .is_pending = true};
    const struct evidence_crl *crls;
    const struct evidence_mark *marks;

    cr_assert_eq(put(&c), EVIDENCE_PENDING);
    cr_assert(settle_at(NOW_S));
    cr_assert_eq(told_count, 1);
    cr_assert_eq(told[0], EVIDENCE_NEW);
    cr_assert_gt(told_der_len, 0, "for the store");
    cr_assert_eq(evidence_crls(e, &crls), 1);
    cr_assert(crls[0].is_verified);
    cr_assert_eq(crl_der(crls[0].crl).len, 0, "and then given back");
    cr_assert_eq(evidence_marks(e, &marks), 1);
    cr_assert_arr_eq(&marks[0].id, &told_id, sizeof(told_id));
    cr_assert_eq(evidence_generation(e), 2);
    cr_assert_not(settle_at(NOW_S));
    cr_assert_eq(told_count, 0);
    /* The very name that a trust with this CA would have given it. */
    c.is_pending = false;
    cr_assert_eq(put(&c), EVIDENCE_SAME);
}

Test(evidence_settle, does_not_take_what_another_key_has_signed)
{
    const struct evidence_case c = {.number = 3, .key = OTHER_KEY, .is_pending = true};
    size_t verified;

    cr_assert_eq(put(&c), EVIDENCE_PENDING);
    cr_assert_not(settle_at(NOW_S));
    cr_assert_eq(told_count, 0);
    cr_assert_eq(evidence_case_count(e, &verified), 1);
    cr_assert_eq(verified, 0);
    evidence_case_path(OTHER_KEY, &path);
    cr_assert(settle_at(NOW_S), "its own CA comes");
}

Test(evidence_settle, does_not_take_what_the_leaf_has_signed)
{
    const struct evidence_case c = {.issuer = "leaf", .number = 3, .key = 5, .is_pending = true};
    /* Without keyUsage nothing in the certificate itself forbids it. */
    const struct crl_make_cert leaf = {
        .subject = "leaf", .issuer = "CA", .key = 5, .issuer_key = CA_KEY, .usage = -1};

    path.certs[0] = crl_make_certificate(&leaf);
    cr_assert_eq(put(&c), EVIDENCE_PENDING);
    cr_assert_not(settle_at(NOW_S));
}

Test(evidence_settle, does_not_try_the_same_path_twice)
{
    const struct evidence_case c = {.number = 3, .key = OTHER_KEY, .is_pending = true};

    cr_assert_eq(put(&c), EVIDENCE_PENDING);
    cr_assert_not(settle_at(NOW_S));
    cr_assert_eq(e->sides[0].tried_count, 1);
    cr_assert_not(settle_at(NOW_S));
    cr_assert_eq(e->sides[0].tried_count, 1);
    for (unsigned key = 20; key < 20 + 2 * EVIDENCE_TRIED_MAX; key++) {
        evidence_case_path(key, &path);
        cr_assert_not(settle_at(NOW_S));
    }
    cr_assert_eq(e->sides[0].tried_count, 1 + 2 * EVIDENCE_TRIED_MAX);
}

/* ---- CRL signers ---- */

static struct span signers[2];

/* One CRL signer of the trust, issued by "CA" with this key. */
static void have_signer(const char *subject, unsigned issuer_key, const char *not_after)
{
    signers[0] = crl_make_certificate(&(struct crl_make_cert){.subject = subject,
                                                              .issuer = "CA",
                                                              .key = SIGNER_KEY,
                                                              .issuer_key = issuer_key,
                                                              .usage = CRL_USAGE_CRLS,
                                                              .not_after = not_after});
    shown.signers = signers;
    shown.signer_count = 1;
}

static const struct evidence_case by_signer = {.number = 3, .key = SIGNER_KEY, .is_pending = true};

Test(evidence_settle, takes_what_a_signer_of_the_trust_has_signed)
{
    struct evidence_case c = by_signer;

    cr_assert_eq(put(&c), EVIDENCE_PENDING);
    cr_assert_not(settle_at(NOW_S));
    have_signer("CA", CA_KEY, NULL);
    cr_assert(settle_at(NOW_S), "a path that was tried, and a reload since then");
    cr_assert_eq(told[0], EVIDENCE_NEW);
    c.is_pending = false;
    cr_assert_eq(put(&c), EVIDENCE_SAME, "the name that the intake would have given it");
}

Test(evidence_settle, does_not_try_the_same_signers_twice)
{
    have_signer("CA", OTHER_KEY, NULL);
    cr_assert_eq(put(&by_signer), EVIDENCE_PENDING);
    cr_assert_not(settle_at(NOW_S), "another CA's signer");
    cr_assert_eq(e->sides[0].tried_count, 1);
    cr_assert_not(settle_at(NOW_S + 1));
    cr_assert_eq(e->sides[0].tried_count, 1);
    signers[1] = signers[0];
    have_signer("CA", CA_KEY, NULL);
    shown.signer_count = 2;
    cr_assert(settle_at(NOW_S));
}

Test(evidence_settle, tries_again_when_the_time_of_a_signer_has_come)
{
    have_signer("CA", CA_KEY, "20260102000000Z");
    cr_assert_eq(put(&by_signer), EVIDENCE_PENDING);
    cr_assert_not(settle_at(NOW_S + 2 * 86400L), "the clock stands wrong");
    cr_assert_eq(e->sides[0].tried_count, 1);
    cr_assert(settle_at(NOW_S));
}

Test(evidence_settle, takes_an_indirect_crl_in_the_name_of_a_signer)
{
    struct evidence_case c = by_signer;

    c.issuer = "Crls";
    have_signer("Crls", CA_KEY, NULL);
    cr_assert_eq(put(&c), EVIDENCE_PENDING);
    cr_assert_not(settle_at(NOW_S), "it is not indirect");
    c.scope = CRL_BYTES(0x30, 3, 0x84, 1, 0xFF);
    cr_assert_eq(put(&c), EVIDENCE_PENDING);
    cr_assert(settle_at(NOW_S));
}

Test(evidence_settle, does_not_take_an_indirect_crl_of_another_cas_signer)
{
    struct evidence_case c = by_signer;

    c.issuer = "Crls";
    c.scope = CRL_BYTES(0x30, 3, 0x84, 1, 0xFF);
    have_signer("Crls", OTHER_KEY, NULL);
    cr_assert_eq(put(&c), EVIDENCE_PENDING);
    cr_assert_not(settle_at(NOW_S));
}

Test(evidence_settle, takes_weak_algorithms_where_the_trust_allows_them)
{
    const struct evidence_case c = {.number = 3, .is_pending = true};
    const struct crl_authority authority = {.path = &path.certs[1], .path_count = 2};

    cr_assert_eq(put(&c), EVIDENCE_PENDING);
    cr_assert(crl_verify(e->crls[0].crl, &authority, NULL, 0, NULL));
    e->crls[0].crl->memo->is_weak = true; /* as if it were SHA-1 */
    cr_assert_not(settle_at(NOW_S));
    shown.allows = SIGNATURE_ALLOWS_RSA_1024;
    cr_assert_not(settle_at(NOW_S));
    shown.allows = SIGNATURE_ALLOWS_SHA1;
    cr_assert(settle_at(NOW_S));
}

/* ---- what was there before ---- */

Test(evidence_settle, takes_the_place_of_the_one_before)
{
    struct evidence_case c = {.number = 3};
    struct evidence_case_result r = evidence_case_put(e, &c);
    size_t verified;

    c.number = 4;
    c.is_pending = true;
    c.source = "b.crl";
    cr_assert_eq(put(&c), EVIDENCE_PENDING);
    cr_assert(settle_at(NOW_S));
    cr_assert_eq(told[0], EVIDENCE_NEW);
    cr_assert_arr_eq(&told_id, &r.id, sizeof(r.id));
    cr_assert_eq(evidence_case_number(e, &r.id), 4);
    cr_assert_eq(evidence_case_count(e, &verified), 1);
    cr_assert_str_eq(e->crls[0].source, "b.crl");
}

Test(evidence_settle, takes_the_place_of_one_that_came_later)
{
    struct evidence_case c = {.number = 4, .is_pending = true, .source = "b.crl"};
    struct evidence_case_result r;
    size_t verified;

    cr_assert_eq(put(&c), EVIDENCE_PENDING);
    c.number = 3;
    c.is_pending = false;
    c.source = "a.crl";
    r = evidence_case_put(e, &c);
    cr_assert_eq(r.taken, EVIDENCE_NEW);
    cr_assert(settle_at(NOW_S));
    cr_assert_eq(evidence_case_number(e, &r.id), 4);
    cr_assert_eq(evidence_case_count(e, &verified), 1);
}

Test(evidence_settle, refuses_what_is_older)
{
    struct evidence_case c = {.number = 3};
    struct evidence_case_result r = evidence_case_put(e, &c);
    size_t verified;

    c.number = 2;
    c.is_pending = true;
    cr_assert_eq(put(&c), EVIDENCE_PENDING);
    cr_assert_not(settle_at(NOW_S));
    cr_assert_eq(told_count, 1);
    cr_assert_eq(told[0], EVIDENCE_OLDER);
    cr_assert_arr_eq(&told_id, &r.id, sizeof(r.id));
    cr_assert_eq(evidence_case_number(e, &r.id), 3);
    cr_assert_eq(evidence_case_count(e, &verified), 1);
}

Test(evidence_settle, settles_all_that_wait_and_needs_no_listener)
{
    const struct evidence_case cases[] = {
        {.number = 3, .is_pending = true},
        {.number = 3, .is_pending = true, .source = "b.crl"},
        {.number = 5, .is_pending = true, .is_delta = true},
        {.number = 4, .key = 9, .issuer = "Root", .is_pending = true},
        {.number = 4, .issuer = "Stranger", .is_pending = true},
    };
    size_t verified;

    for (size_t i = 0; i < 5; i++) {
        cr_assert_eq(put(&cases[i]), EVIDENCE_PENDING);
    }
    shown.now_s = NOW_S;
    cr_assert(evidence_settle(e, &shown, NULL, NULL));
    cr_assert_eq(evidence_case_count(e, &verified), 4);
    cr_assert_eq(verified, 3);
}

/* The clock has been put back since it came. */
Test(evidence_settle, lets_what_is_dated_ahead_wait)
{
    const struct evidence_case c = {.number = 3, .is_pending = true};

    cr_assert_eq(put(&c), EVIDENCE_PENDING);
    cr_assert_not(settle_at(NOW_S - CRL_INTAKE_SKEW_S - 1));
    cr_assert(settle_at(NOW_S - CRL_INTAKE_SKEW_S));
}

Test(evidence_settle, keeps_the_last_that_came_of_each_source)
{
    struct evidence_case c = {.number = 9, .day = "31", .is_pending = true};
    struct evidence_id id;
    size_t verified;

    cr_assert_eq(put(&c), EVIDENCE_PENDING);
    c.number = 3; /* older by its own word: the other one may be a forgery */
    c.day = "01";
    cr_assert_eq(put(&c), EVIDENCE_PENDING);
    cr_assert_eq(evidence_case_count(e, &verified), 1);
    cr_assert(settle_at(NOW_S));
    id = told_id;
    cr_assert_eq(evidence_case_number(e, &id), 3);
}

Test(evidence_settle, keeps_what_comes_from_one_source_apart)
{
    const struct evidence_case cases[] = {
        {.number = 3, .is_pending = true},
        {.number = 3, .is_pending = true, .issuer = "CB"},
        {.number = 3, .is_pending = true, .is_delta = true},
        {.number = 3, .is_pending = true, .scope = CRL_BYTES(0x30, 3, 0x81, 1, 0xFF)},
        {.number = 3, .is_pending = true, .key = 2, .more = crl_make_key_id(2)},
        {.number = 3, .is_pending = true, .source = "b.crl"},
    };
    size_t verified;

    for (size_t i = 0; i < 6; i++) {
        cr_assert_eq(put(&cases[i]), EVIDENCE_PENDING);
    }
    cr_assert_eq(evidence_case_count(e, &verified), 6);
}

Test(evidence_settle, refuses_a_crl_that_nobody_may_ever_use)
{
    const struct evidence_case c = {.is_pending = true}; /* without a number */
    struct evidence_case_result r = evidence_case_put(e, &c);

    cr_assert_eq(r.taken, EVIDENCE_REFUSED);
    cr_assert_eq(r.f.code, FAULT_BAD_CERT);
    cr_assert_str_eq(r.f.note, "the CRL has no crlNumber");
}

static enum evidence_taken put_issuer(unsigned number, const char *source)
{
    char issuer[16];
    struct evidence_case c = {.issuer = issuer, .number = 1, .is_pending = true, .source = source};

    (void)snprintf(issuer, sizeof(issuer), "%u", number);
    return put(&c);
}

Test(evidence_settle, lets_a_source_drive_out_its_own_only)
{
    size_t verified;

    cr_assert_eq(put_issuer(1, "b.crl"), EVIDENCE_PENDING);
    for (unsigned i = 0; i < EVIDENCE_PENDING_SOURCE_MAX + 5; i++) {
        cr_assert_eq(put_issuer(i, "a.crl"), EVIDENCE_PENDING);
    }
    cr_assert_eq(evidence_case_count(e, &verified), EVIDENCE_PENDING_SOURCE_MAX + 1);
    cr_assert_eq(put_issuer(1, "b.crl"), EVIDENCE_SAME);
    cr_assert_eq(put_issuer(5, "a.crl"), EVIDENCE_SAME, "of its own the oldest went");
    cr_assert_eq(put_issuer(4, "a.crl"), EVIDENCE_PENDING);
}

Test(evidence_settle, holds_no_more_pending_ones_than_it_may)
{
    char source[16];
    size_t verified;

    for (unsigned i = 0; i < EVIDENCE_PENDING_MAX; i++) {
        (void)snprintf(source, sizeof(source), "%u", i);
        cr_assert_eq(put_issuer(1, source), EVIDENCE_PENDING);
    }
    cr_assert_eq(put_issuer(1, "more"), EVIDENCE_REFUSED);
    cr_assert_eq(put_issuer(2, "7"), EVIDENCE_PENDING, "in the place of its own");
    cr_assert_eq(evidence_case_count(e, &verified), EVIDENCE_PENDING_MAX);
}

/* Bytes that no CRL has to contain, in an extension that nobody asks for. */
static enum evidence_taken put_large(const char *source, size_t len)
{
    uint8_t *der = pages_take(EVIDENCE_PENDING_LEN_MAX + 1);
    struct evidence_case c = {.number = 1, .is_pending = true};
    struct crl_arrival a = {.crl = evidence_case_crl(&c)};
    struct evidence_id id;
    enum evidence_taken taken;
    uint8_t *source_before = a.crl->source;
    size_t len_before = a.crl->source_len;

    a.crl->source = der;
    a.crl->source_len = len;
    der[0] = (uint8_t)source[0];
    taken = evidence_put_crl(e, &a, source, &id, NULL);
    cr_assert(taken != EVIDENCE_PENDING || a.crl->holders == 2);
    if (taken != EVIDENCE_PENDING) {
        a.crl->source = source_before;
        a.crl->source_len = len_before;
    } else {
        mem_free(source_before);
        a.crl->source = mem_new(len, 1);
        cr_assert_not_null(a.crl->source);
    }
    crl_release(a.crl);
    return taken;
}

Test(evidence_settle, refuses_what_takes_too_much_memory)
{
    char source[16];
    size_t verified;
    size_t count = EVIDENCE_PENDING_MEMORY_MAX / EVIDENCE_PENDING_LEN_MAX - 1;

    cr_assert_eq(put_large("x", EVIDENCE_PENDING_LEN_MAX + 1), EVIDENCE_REFUSED);
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(source, sizeof(source), "%zu", i);
        cr_assert_eq(put_large(source, EVIDENCE_PENDING_LEN_MAX), EVIDENCE_PENDING);
    }
    cr_assert_eq(put_large("x", EVIDENCE_PENDING_LEN_MAX), EVIDENCE_REFUSED);
    cr_assert_eq(put_large("x", EVIDENCE_PENDING_LEN_MAX / 2), EVIDENCE_PENDING);
    cr_assert_eq(evidence_case_count(e, &verified), count + 1);
}

Test(evidence_settle, forgets_what_a_source_brought_but_not_what_is_verified)
{
    const struct evidence_case verified_one = {.number = 3};
    size_t verified;

    cr_assert_eq(put(&verified_one), EVIDENCE_NEW);
    cr_assert_eq(put_issuer(1, "a.crl"), EVIDENCE_PENDING);
    cr_assert_eq(put_issuer(2, "a.crl"), EVIDENCE_PENDING);
    cr_assert_eq(put_issuer(2, "b.crl"), EVIDENCE_PENDING);
    evidence_forget_source(e, "a.crl");
    cr_assert_eq(evidence_case_count(e, &verified), 2);
    cr_assert_eq(verified, 1);
    evidence_forget_source(e, "a.crl");
    cr_assert_eq(evidence_case_count(e, &verified), 2);
}

Test(evidence_settle, waits_on_when_there_is_no_memory)
{
    const struct evidence_case c = {.number = 3, .is_pending = true};
    bool is_whole = false;

    for (uint32_t nth = 1; !is_whole; nth++) {
        bool is_settled;
        size_t verified;
        evidence_free(e);
        e = evidence_new();
        cr_assert_eq(put(&c), EVIDENCE_PENDING);
        (void)mem_fail_nth(nth);
        is_settled = settle_at(NOW_S);
        is_whole = mem_fail_nth(0) > 0;
        cr_assert_eq(evidence_case_count(e, &verified), 1);
        cr_assert_eq(verified, is_settled ? 1 : 0);
        cr_assert(!is_whole || is_settled);
        cr_assert_lt(nth, 200);
    }
}
