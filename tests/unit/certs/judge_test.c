#include <string.h>

#include <criterion/criterion.h>

#include "certs/digest.h"
#include "certs/judge.h"
#include "certs/mem.h"
#include "tests/unit/certs/judge_case.h"
#include "tests/unit/certs/ocsp_case.h"
#include "tests/unit/certs/ocsp_make.h"

TestSuite(judge, .init = judge_case_begin, .fini = judge_case_end);

#define OLD "20251215000000Z" /* 17 days before JUDGE_NOW_S */

enum { POLICIES = 4 };

/* What CRLs say, and which policy accepts it. */
struct row {
    const char *name;
    const char *root_until, *sub_until; /* NULL: no CRL of that CA */
    uint8_t root_lists, sub_lists;
    enum verdict_kind kind;
    bool accepted[POLICIES]; /* hard, grace, soft, off */
};

static const struct row rows[] = {
    {"good", JUDGE_UNTIL, JUDGE_UNTIL, 0, 0, VERDICT_GOOD, {true, true, true, true}},
    {"another is revoked", JUDGE_UNTIL, JUDGE_UNTIL, 9, 9, VERDICT_GOOD, {true, true, true, true}},
    {"leaf revoked", JUDGE_UNTIL, JUDGE_UNTIL, 0, 3, VERDICT_REVOKED, {false, false, false, true}},
    {"CA revoked", JUDGE_UNTIL, JUDGE_UNTIL, 2, 0, VERDICT_REVOKED, {false, false, false, true}},
    {"revoked, stale", JUDGE_UNTIL, OLD, 0, 3, VERDICT_REVOKED, {false, false, false, true}},
    {"revoked, none", NULL, JUDGE_UNTIL, 0, 3, VERDICT_REVOKED, {false, false, false, true}},
    {"none", NULL, NULL, 0, 0, VERDICT_UNAVAILABLE, {false, false, true, true}},
    {"none for the leaf", JUDGE_UNTIL, NULL, 0, 0, VERDICT_UNAVAILABLE, {false, false, true, true}},
    {"none for the CA", NULL, JUDGE_UNTIL, 0, 0, VERDICT_UNAVAILABLE, {false, false, true, true}},
    {"stale leaf", JUDGE_UNTIL, OLD, 0, 0, VERDICT_STALE, {false, true, true, true}},
    {"stale CA", OLD, JUDGE_UNTIL, 0, 0, VERDICT_STALE, {false, true, true, true}},
    {"stale, none", OLD, NULL, 0, 0, VERDICT_UNAVAILABLE, {false, false, true, true}},
};

static void add_crls(const struct row *row)
{
    if (row->root_until != NULL) {
        judge_case_add_crl("Root", 1, row->root_lists, row->root_until);
    }
    if (row->sub_until != NULL) {
        judge_case_add_crl("Sub", 2, row->sub_lists, row->sub_until);
    }
}

Test(judge, every_policy_takes_only_what_it_should)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (int policy = JUDGE_HARD; policy <= JUDGE_OFF; policy++) {
            judge_case_begin();
            add_crls(&rows[i]);
            judge_case_settings.policy = (enum judge_policy)policy;
            judge_case_settings.grace_s = 30 * JUDGE_DAY_S;
            cr_expect_eq(judge_case_ask(), rows[i].accepted[policy], "%s, policy %d", rows[i].name,
                         policy);
            cr_expect_eq(judge_case_result.verdict.kind,
                         policy == JUDGE_OFF ? VERDICT_NOT_CHECKED : rows[i].kind,
                         "%s, policy %d: %s", rows[i].name, policy,
                         verdict_name(judge_case_result.verdict.kind));
        }
    }
}

Test(judge, grace_ends)
{
    judge_case_add_crl("Root", 1, 0, JUDGE_UNTIL);
    judge_case_add_crl("Sub", 2, 0, OLD);
    judge_case_settings.policy = JUDGE_GRACE;
    judge_case_settings.grace_s = 17 * JUDGE_DAY_S;
    cr_assert(judge_case_ask());
    cr_expect_eq(judge_case_result.verdict.valid_until_s, JUDGE_NOW_S);
    judge_case_settings.grace_s = 17 * JUDGE_DAY_S - 1;
    cr_assert_not(judge_case_ask());
    cr_expect_eq(judge_case_result.verdict.kind, VERDICT_STALE);
}

Test(judge, hard_knows_no_grace)
{
    judge_case_add_crl("Root", 1, 0, JUDGE_UNTIL);
    judge_case_add_crl("Sub", 2, 0, OLD);
    judge_case_settings.grace_s = 30 * JUDGE_DAY_S;
    cr_assert_not(judge_case_ask());
}

Test(judge, leaf_alone_is_enough_when_only_it_is_needed)
{
    judge_case_add_crl("Sub", 2, 0, JUDGE_UNTIL);
    judge_case_settings.need = JUDGE_NEED_LEAF;
    cr_assert(judge_case_ask());
    cr_expect_eq(judge_case_result.verdict.kind, VERDICT_GOOD);
}

Test(judge, leaf_is_always_needed)
{
    judge_case_add_crl("Root", 1, 0, JUDGE_UNTIL);
    judge_case_settings.need = JUDGE_NEED_LEAF;
    cr_assert_not(judge_case_ask());
}

Test(judge, revoked_ca_refuses_even_when_only_the_leaf_is_needed)
{
    judge_case_add_crl("Root", 1, 2, JUDGE_UNTIL);
    judge_case_add_crl("Sub", 2, 0, JUDGE_UNTIL);
    judge_case_settings.need = JUDGE_NEED_LEAF;
    cr_assert_not(judge_case_ask());
    cr_expect_eq(judge_case_result.verdict.kind, VERDICT_REVOKED);
}

Test(judge, anchor_is_not_asked)
{
    judge_case_add_crl("Root", 1, 1, JUDGE_UNTIL); /* the root lists itself */
    judge_case_add_crl("Sub", 2, 0, JUDGE_UNTIL);
    cr_assert(judge_case_ask());
    cr_expect_eq(judge_case_result.path.count, 3);
}

Test(judge, verdict_holds_to_the_first_end)
{
    judge_case_add_crl("Root", 1, 0, "20260115000000Z");
    judge_case_add_crl("Sub", 2, 0, JUDGE_UNTIL);
    cr_assert(judge_case_ask());
    cr_expect_eq(judge_case_result.verdict.valid_until_s, JUDGE_NOW_S + 14 * JUDGE_DAY_S);
    judge_case_begin();
    judge_case_add_crl("Root", 1, 0, "20600101000000Z");
    judge_case_add_crl("Sub", 2, 0, "20600101000000Z");
    cr_assert(judge_case_ask());
    cr_expect_eq(judge_case_result.verdict.valid_until_s, INT64_C(2493072000), "notAfter, 2049");
}

Test(judge, what_is_tolerated_is_asked_again_at_once)
{
    judge_case_settings.policy = JUDGE_SOFT;
    cr_assert(judge_case_ask());
    cr_expect_eq(judge_case_result.verdict.valid_until_s, JUDGE_NOW_S);
}

Test(judge, unknown_passes_softly_only)
{
    static const bool accepted[POLICIES] = {false, false, true, true};

    for (int policy = JUDGE_HARD; policy <= JUDGE_OFF; policy++) {
        judge_case_begin();
        judge_case_use_ocsp("lost.der");
        judge_case_add_ocsp("unknown.ocsp");
        judge_case_settings.policy = (enum judge_policy)policy;
        cr_expect_eq(judge_case_ask(), accepted[policy], "policy %d", policy);
        cr_expect(policy == JUDGE_OFF || judge_case_result.verdict.kind == VERDICT_UNKNOWN);
    }
}

Test(judge, name_must_be_among_those_asked_for)
{
    struct name_rule rules[] = {{NAME_DNS, "ris.example"}, {NAME_DNS, "bms.example"}};

    judge_case_settings.policy = JUDGE_OFF;
    judge_case_settings.names = rules;
    judge_case_settings.name_count = 1;
    cr_assert_not(judge_case_ask());
    cr_expect_not_null(strstr(reasons_decision(&judge_case_why), "no name"));
    cr_expect_eq(judge_case_result.verdict.kind, VERDICT_UNAVAILABLE);
    judge_case_settings.name_count = 2;
    cr_assert(judge_case_ask());
    cr_expect(judge_case_says("has the name bms.example"));
}

Test(judge, refused_path_is_never_accepted)
{
    for (int policy = JUDGE_HARD; policy <= JUDGE_OFF; policy++) {
        judge_case_begin();
        judge_case_add_crl("Root", 1, 0, JUDGE_UNTIL);
        judge_case_add_crl("Sub", 2, 0, JUDGE_UNTIL);
        judge_case_settings.policy = (enum judge_policy)policy;
        judge_case_settings.path.purpose = PATH_SERVER;
        cr_expect_not(judge_case_ask());
        cr_expect_eq(judge_case_result.verdict.kind, VERDICT_UNAVAILABLE);
        cr_expect_eq(judge_case_result.path.count, 0);
    }
}

Test(judge, revoked_decides_before_what_is_missing)
{
    judge_case_add_crl("Root", 1, 2, JUDGE_UNTIL);
    cr_assert_not(judge_case_ask());
    cr_expect_eq(judge_case_result.verdict.kind, VERDICT_REVOKED);
    cr_expect_not_null(strstr(
        judge_sentence(&judge_case_result, &judge_case_settings, &judge_case_why), "revoked"));
}

Test(judge, without_memory_nothing_is_accepted)
{
    uint32_t left = 0;
    unsigned accepted = 0;

    judge_case_add_crl("Root", 1, 0, JUDGE_UNTIL);
    judge_case_add_crl("Sub", 2, 0, JUDGE_UNTIL);
    for (uint32_t nth = 1; nth < 50 && left == 0; nth++) {
        (void)mem_fail_nth(nth);
        accepted += judge_case_ask() ? 1 : 0;
        left = mem_fail_nth(0);
    }
    cr_expect_neq(left, 0, "the last run must have had all its memory");
    cr_expect(judge_case_result.accepted && accepted > 0);
}

static void add_good_crls(void)
{
    judge_case_add_crl("Root", 1, 0, JUDGE_UNTIL);
    judge_case_add_crl("Sub", 2, 0, JUDGE_UNTIL);
}

static void block_fingerprint(size_t level)
{
    static uint8_t digest[DIGEST_LEN];

    cr_assert(digest_sha256(judge_case_cert(level), digest));
    judge_case_add_block(JUDGE_BLOCK_FINGERPRINT, span_of(digest, DIGEST_LEN));
}

Test(judge, blocked_certificate_is_refused_under_every_policy)
{
    for (int policy = JUDGE_HARD; policy <= JUDGE_OFF; policy++) {
        for (size_t level = 0; level < 3; level++) {
            judge_case_begin();
            add_good_crls();
            block_fingerprint(level);
            judge_case_settings.policy = (enum judge_policy)policy;
            cr_expect_not(judge_case_ask(), "policy %d, level %zu", policy, level);
            cr_expect_eq(judge_case_result.verdict.kind, VERDICT_REVOKED);
            cr_expect_eq(judge_case_result.levels[level].kind, VERDICT_REVOKED);
            cr_expect_str_eq(judge_case_result.levels[level].evidence, "block list");
            cr_expect_str_eq(
                judge_sentence(&judge_case_result, &judge_case_settings, &judge_case_why),
                "blocked here: lost in the lift");
        }
    }
}

Test(judge, block_needs_no_crl_and_no_path)
{
    judge_case_spoil_leaf();
    judge_case_add_block(JUDGE_BLOCK_SERIAL, CRL_BYTES(3));
    cr_assert_not(judge_case_ask());
    cr_expect_eq(judge_case_result.verdict.kind, VERDICT_REVOKED);
    cr_expect_eq(judge_case_result.path.count, 0);
}

Test(judge, block_of_another_changes_nothing)
{
    add_good_crls();
    judge_case_add_block(JUDGE_BLOCK_SERIAL, CRL_BYTES(9));
    cr_assert(judge_case_ask());
    cr_expect_eq(judge_case_result.verdict.kind, VERDICT_GOOD);
}

Test(judge, block_is_said_before_what_others_say)
{
    judge_case_add_crl("Root", 1, 2, JUDGE_UNTIL);
    judge_case_add_crl("Sub", 2, 3, JUDGE_UNTIL);
    block_fingerprint(2);
    cr_assert_not(judge_case_ask());
    cr_expect_str_eq(reasons_decision(&judge_case_why), "blocked here: lost in the lift");
}

static void add_answer(enum ocsp_answer status, const char *until)
{
    judge_case_add_answer(ocsp_make_answer(&(struct ocsp_make){.cert = judge_case_cert(0),
                                                               .issuer = judge_case_cert(1),
                                                               .issuer_key = 2,
                                                               .status = status,
                                                               .this_update = "20251210000000Z",
                                                               .next_update = until,
                                                               .reason = 5}));
}

Test(judge, must_staple_needs_ocsp_under_hard_and_grace)
{
    static const bool accepted[POLICIES] = {false, false, true, true};

    for (int policy = JUDGE_HARD; policy <= JUDGE_OFF; policy++) {
        judge_case_begin();
        add_good_crls();
        judge_case_demand_staple();
        judge_case_settings.policy = (enum judge_policy)policy;
        judge_case_settings.grace_s = 30 * JUDGE_DAY_S;
        cr_expect_eq(judge_case_ask(), accepted[policy], "policy %d", policy);
        if (policy == JUDGE_HARD || policy == JUDGE_GRACE) {
            cr_expect_eq(judge_case_result.verdict.kind, VERDICT_UNAVAILABLE);
            cr_expect(judge_case_result.levels[0].lacks_ocsp);
            cr_expect_not_null(strstr(reasons_decision(&judge_case_why), "must-staple"));
        }
        add_answer(OCSP_GOOD, JUDGE_UNTIL);
        cr_expect(judge_case_ask(), "policy %d, with an answer", policy);
    }
}

Test(judge, must_staple_is_honoured_only_where_asked_for)
{
    add_good_crls();
    judge_case_demand_staple();
    judge_case_settings.honours_must_staple = false;
    cr_expect(judge_case_ask());
}

Test(judge, must_staple_with_an_old_answer_has_grace)
{
    add_good_crls();
    judge_case_demand_staple();
    add_answer(OCSP_GOOD, OLD);
    cr_expect_not(judge_case_ask(), "hard");
    cr_expect_eq(judge_case_result.verdict.kind, VERDICT_UNAVAILABLE);
    judge_case_settings.policy = JUDGE_GRACE;
    judge_case_settings.grace_s = 30 * JUDGE_DAY_S;
    cr_expect(judge_case_ask());
    cr_expect_eq(judge_case_result.verdict.kind, VERDICT_STALE);
}

Test(judge, must_staple_does_not_hide_a_revocation)
{
    judge_case_add_crl("Root", 1, 0, JUDGE_UNTIL);
    judge_case_add_crl("Sub", 2, 3, JUDGE_UNTIL);
    judge_case_demand_staple();
    cr_expect_not(judge_case_ask());
    cr_expect_eq(judge_case_result.verdict.kind, VERDICT_REVOKED);
}

Test(judge, each_level_names_its_evidence)
{
    judge_case_add_crl("Root", 1, 0, JUDGE_UNTIL);
    judge_case_add_crl("Sub", 2, 3, JUDGE_UNTIL);
    (void)judge_case_ask();
    cr_expect_str_eq(judge_case_result.levels[0].evidence,
                     "CRL 05 of 2025-12-01T00:00:00Z: revoked 2025-01-02T03:04:05Z, keyCompromise");
    cr_expect_str_eq(judge_case_result.levels[1].evidence,
                     "CRL 05 of 2025-12-01T00:00:00Z, next 2026-02-01T00:00:00Z");
    cr_expect_eq(judge_case_result.levels[1].kind, VERDICT_GOOD);
    cr_expect_eq(judge_case_result.levels[1].until_s, JUDGE_UNTIL_S);
    cr_expect_eq(judge_case_result.levels[2].kind, VERDICT_NOT_CHECKED);
    cr_expect_str_empty(judge_case_result.levels[2].evidence);
}

Test(judge, level_names_the_ocsp_answer)
{
    add_good_crls();
    add_answer(OCSP_REVOKED, JUDGE_UNTIL);
    cr_expect_not(judge_case_ask());
    cr_expect_str_eq(judge_case_result.levels[0].evidence,
                     "OCSP of 2025-12-10T00:00:00Z: revoked 2025-01-02T03:04:05Z, "
                     "cessationOfOperation, by CN=Sub");
    judge_case_begin();
    add_good_crls();
    add_answer(OCSP_GOOD, JUDGE_UNTIL);
    cr_expect(judge_case_ask());
    cr_expect_str_eq(judge_case_result.levels[0].evidence, "OCSP of 2025-12-10T00:00:00Z by CN=Sub",
                     "later than the CRL");
}

Test(judge, path_that_is_known_is_judged_without_its_signatures)
{
    struct reasons why = {.count = 0};
    struct judge_result result;
    struct judge_evidence evidence = {.crl_count = 0};
    struct path path;

    add_good_crls();
    cr_assert(judge_case_ask());
    path = judge_case_result.path;
    judge_path(&path, &evidence, &judge_case_settings, &result, &why);
    cr_expect_not(result.accepted, "no evidence now");
    cr_expect_eq(result.verdict.kind, VERDICT_UNAVAILABLE);
    cr_expect_eq(result.path.count, 3);
}
