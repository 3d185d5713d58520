#include <string.h>

#include <criterion/criterion.h>

#include "certs/judge_status.h"
#include "certs/ocsp_inside.h"
#include "tests/unit/certs/judge_case.h"
#include "tests/unit/certs/ocsp_case.h"

TestSuite(judge_status, .init = judge_case_begin, .fini = judge_case_end);

enum { HOLD = 6, REMOVE = 8, COMPROMISE = 1 };

static enum verdict_kind ask(void)
{
    (void)judge_case_ask();
    return judge_case_result.verdict.kind;
}

/* A CRL of Sub; number; the entries. */
static struct crl_make_list sub_list(unsigned key, uint8_t number, struct span revoked)
{
    return (struct crl_make_list){.issuer = "Sub",
                                  .key = key,
                                  .version = 1,
                                  .this_update = "20251201000000Z",
                                  .next_update = JUDGE_UNTIL,
                                  .revoked = revoked,
                                  .extensions = crl_make_number(number)};
}

static const struct span none;

static void add_root(uint8_t serial)
{
    judge_case_add_crl("Root", 1, serial, JUDGE_UNTIL);
}

static void add_sub(uint8_t number, struct span revoked)
{
    struct crl_make_list l = sub_list(2, number, revoked);
    judge_case_add_list(&l);
}

/* A delta on base 5. */
static void add_delta(uint8_t number, struct span revoked)
{
    struct crl_make_list l = sub_list(2, number, revoked);
    l.extensions = crl_make_join(l.extensions, crl_make_extension(0x1B, true, CRL_BYTES(2, 1, 5)));
    judge_case_add_list(&l);
}

/* issuingDistributionPoint with onlySomeReasons. */
static void add_part(struct span reasons)
{
    struct crl_make_list l = sub_list(2, 5, none);
    struct span point = crl_make_der(0x30, crl_make_der(0x83, reasons));
    l.extensions = crl_make_join(l.extensions, crl_make_extension(0x1C, true, point));
    judge_case_add_list(&l);
}

/* Who signs Sub's CRLs with a key of its own; serial 9. NULL: for long. */
static void add_signer_until(const char *not_after)
{
    judge_case_add_signer(crl_make_certificate(&(struct crl_make_cert){.subject = "Sub",
                                                                       .issuer = "Root",
                                                                       .key = 7,
                                                                       .issuer_key = 1,
                                                                       .usage = CRL_USAGE_CRLS,
                                                                       .serial = CRL_BYTES(9),
                                                                       .not_after = not_after}));
}

static void add_signer(void)
{
    add_signer_until(NULL);
}

static void add_signed_by_signer(uint8_t serial)
{
    struct crl_make_list l = sub_list(7, 5,
                                      serial > 0 ? judge_case_entry(serial, COMPROMISE) : none);
    judge_case_add_list(&l);
}

Test(judge_status, revoked_in_any_crl_beats_good_in_another)
{
    add_root(0);
    add_sub(6, none);
    add_sub(5, judge_case_entry(3, COMPROMISE));
    cr_expect_eq(ask(), VERDICT_REVOKED);
}

Test(judge_status, crl_with_a_broken_signature_never_helps_nor_hurts)
{
    struct crl_make_list l = sub_list(2, 5, none);

    add_root(0);
    l.is_signature_broken = true;
    judge_case_add_list(&l);
    cr_expect_eq(ask(), VERDICT_UNAVAILABLE);
    cr_expect(judge_case_says("is not signed with the issuer's key"));
    l.revoked = judge_case_entry(3, COMPROMISE);
    judge_case_add_list(&l);
    add_sub(5, none);
    cr_expect_eq(ask(), VERDICT_GOOD);
}

Test(judge_status, crl_of_another_issuer_is_named_once)
{
    unsigned lines = 0;

    add_root(0);
    add_sub(5, none);
    judge_case_add_crl("Stranger", 5, 3, JUDGE_UNTIL);
    cr_expect_eq(ask(), VERDICT_GOOD);
    for (size_t i = 0; i < judge_case_why.count; i++) {
        const struct reasons_line *line = &judge_case_why.lines[i];
        lines += line->mark == REASONS_NOTE && line->level == -1 ? 1 : 0;
    }
    cr_expect_eq(lines, 1);
    cr_expect(judge_case_says("is another issuer's"));
}

Test(judge_status, crl_of_a_namesake_with_another_key_is_no_information)
{
    add_root(0);
    judge_case_add_crl("Sub", 5, 0, JUDGE_UNTIL);
    cr_expect_eq(ask(), VERDICT_UNAVAILABLE);
}

Test(judge_status, crls_for_some_reasons_count_together_only)
{
    add_root(0);
    add_part(CRL_BYTES(5, 0x60)); /* keyCompromise, cACompromise */
    cr_expect_eq(ask(), VERDICT_UNAVAILABLE);
    add_part(CRL_BYTES(7, 0x1F, 0x80)); /* the six others */
    cr_expect_eq(ask(), VERDICT_GOOD);
}

Test(judge_status, parts_with_a_gap_are_not_good)
{
    add_root(0);
    add_part(CRL_BYTES(5, 0x60));
    add_part(CRL_BYTES(7, 0x0F, 0x80));
    cr_expect_eq(ask(), VERDICT_UNAVAILABLE);
}

Test(judge_status, delta_revokes_and_lifts)
{
    add_root(0);
    add_sub(5, none);
    add_delta(6, judge_case_entry(3, COMPROMISE));
    cr_expect_eq(ask(), VERDICT_REVOKED);
    judge_case_begin();
    add_root(0);
    add_sub(5, judge_case_entry(3, HOLD));
    cr_expect_eq(ask(), VERDICT_REVOKED);
    add_delta(6, judge_case_entry(3, REMOVE));
    cr_expect_eq(ask(), VERDICT_GOOD);
}

Test(judge_status, delta_without_base_says_nothing)
{
    add_root(0);
    add_delta(6, none);
    cr_expect_eq(ask(), VERDICT_UNAVAILABLE);
    cr_expect(judge_case_says("delta CRL"));
}

Test(judge_status, any_delta_revokes_but_only_the_newest_lifts)
{
    add_root(0);
    add_sub(5, none);
    add_delta(6, judge_case_entry(3, COMPROMISE));
    add_delta(7, none);
    cr_expect_eq(ask(), VERDICT_REVOKED);
    judge_case_begin();
    add_root(0);
    add_sub(5, judge_case_entry(3, HOLD));
    add_delta(7, judge_case_entry(3, COMPROMISE));
    add_delta(6, judge_case_entry(3, REMOVE));
    cr_expect_eq(ask(), VERDICT_REVOKED);
}

Test(judge_status, signer_of_a_crl_needs_a_good_status)
{
    add_signer();
    add_root(0);
    add_signed_by_signer(0);
    cr_expect_eq(ask(), VERDICT_GOOD);
}

Test(judge_status, crl_of_a_revoked_signer_is_void)
{
    add_signer();
    add_root(9);
    add_signed_by_signer(0);
    cr_expect_eq(ask(), VERDICT_UNAVAILABLE);
    cr_expect(judge_case_says("its signer is revoked: CN=Sub"));
    judge_case_settings.need = JUDGE_NEED_LEAF;
    cr_expect_eq(ask(), VERDICT_UNAVAILABLE);
    judge_case_begin();
    add_signer();
    add_root(9);
    add_signed_by_signer(3);
    add_sub(5, none);
    cr_expect_eq(ask(), VERDICT_GOOD, "a thief of the key revokes nobody");
}

Test(judge_status, crl_of_a_signer_without_status_can_only_revoke)
{
    add_signer();
    add_signed_by_signer(0);
    judge_case_settings.policy = JUDGE_SOFT;
    cr_expect_eq(ask(), VERDICT_UNAVAILABLE);
    cr_expect(judge_case_says("its signer has no good status: CN=Sub"));
    add_signed_by_signer(3);
    cr_expect_eq(ask(), VERDICT_REVOKED);
}

Test(judge_status, signer_needs_no_status_when_only_the_leaf_does)
{
    add_signer();
    add_signed_by_signer(0);
    judge_case_settings.need = JUDGE_NEED_LEAF;
    cr_expect_eq(ask(), VERDICT_GOOD);
}

/* OCSP: one level, `device.der` under `ca.der`. */

Test(judge_status, ocsp_answers_are_evidence)
{
    static const struct {
        const char *leaf, *answer;
        enum verdict_kind kind;
    } rows[] = {
        {"device.der", "good.ocsp", VERDICT_GOOD},
        {"device.der", "good-ca.ocsp", VERDICT_GOOD},
        {"revoked.der", "revoked.ocsp", VERDICT_REVOKED},
        {"lost.der", "unknown.ocsp", VERDICT_UNKNOWN},
        {"device.der", "revoked.ocsp", VERDICT_UNAVAILABLE},
        {"device.der", "bad-signature.ocsp", VERDICT_UNAVAILABLE},
        {"device.der", "by-stranger.ocsp", VERDICT_UNAVAILABLE},
        {"device.der", "by-device.ocsp", VERDICT_UNAVAILABLE},
        {"device.der", "error-3.ocsp", VERDICT_UNAVAILABLE},
        {"device.der", "good-checked.ocsp", VERDICT_UNAVAILABLE},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        judge_case_begin();
        judge_case_use_ocsp(rows[i].leaf);
        judge_case_add_ocsp(rows[i].answer);
        cr_expect_eq(ask(), rows[i].kind, "%s by %s: %s", rows[i].leaf, rows[i].answer,
                     verdict_name(judge_case_result.verdict.kind));
        cr_expect_eq(judge_case_result.accepted, rows[i].kind == VERDICT_GOOD);
    }
}

Test(judge_status, responder_to_be_checked_is_believed_for_the_leaf_alone)
{
    judge_case_use_ocsp("device.der");
    judge_case_add_ocsp("good-checked.ocsp");
    cr_expect_eq(ask(), VERDICT_UNAVAILABLE);
    cr_expect(judge_case_says("its signer has no good status"));
    judge_case_settings.need = JUDGE_NEED_LEAF;
    cr_expect_eq(ask(), VERDICT_GOOD);
}

Test(judge_status, ocsp_answer_ends)
{
    judge_case_use_ocsp("device.der");
    judge_case_add_ocsp("good.ocsp");
    cr_assert_eq(ask(), VERDICT_GOOD);
    int64_t end_s = judge_case_result.verdict.valid_until_s;
    cr_expect_gt(end_s, judge_case_settings.path.now_s + 29 * JUDGE_DAY_S);
    judge_case_settings.path.now_s = end_s + 1;
    cr_expect_eq(ask(), VERDICT_UNAVAILABLE);
    judge_case_settings.policy = JUDGE_GRACE;
    judge_case_settings.grace_s = 10;
    cr_expect_eq(ask(), VERDICT_STALE);
    cr_expect(judge_case_result.accepted);
    cr_expect_eq(judge_case_result.verdict.valid_until_s, end_s + 10);
}

/* Afterwards it is refused: a link must be asked about again then, not at nextUpdate. */
Test(judge_status, good_ends_with_the_time_of_who_signed_the_crl)
{
    add_signer_until("20260110000000Z");
    add_root(0);
    add_signed_by_signer(0);
    cr_assert_eq(ask(), VERDICT_GOOD);
    cr_expect_eq(judge_case_result.levels[0].until_s, JUDGE_NOW_S + 9 * JUDGE_DAY_S);
    cr_expect_eq(judge_case_result.levels[1].until_s, JUDGE_UNTIL_S,
                 "that one the root has signed");
    judge_case_settings.path.now_s = judge_case_result.verdict.valid_until_s;
    cr_expect_eq(ask(), VERDICT_GOOD);
    judge_case_settings.path.now_s++;
    cr_expect_eq(ask(), VERDICT_UNAVAILABLE);
}

Test(judge_status, good_ends_with_the_time_of_who_signed_the_answer)
{
    judge_case_use_ocsp("device.der");
    judge_case_add_ocsp("by-short.ocsp");
    cr_assert_eq(ask(), VERDICT_GOOD);
    judge_case_settings.path.now_s = judge_case_result.verdict.valid_until_s;
    cr_expect_eq(ask(), VERDICT_GOOD);
    judge_case_settings.path.now_s++;
    cr_expect_eq(ask(), VERDICT_UNAVAILABLE);
}

Test(judge_status, what_a_blocked_signer_says_is_void)
{
    add_signer();
    add_root(0);
    add_signed_by_signer(0);
    judge_case_add_block(JUDGE_BLOCK_SERIAL, CRL_BYTES(9));
    cr_expect_eq(ask(), VERDICT_UNAVAILABLE);
    cr_expect(judge_case_says("its signer is blocked here: CN=Sub"));
}

/* Of the certificate that came with an answer. */
static struct span responder_serial(const char *answer)
{
    struct ocsp_basic basic;
    struct cert_view view;

    cr_assert_null(ocsp_parse_response(ocsp_case_file(answer), &basic));
    cr_assert(cert_view_read(basic.certs, &view));
    return view.serial;
}

Test(judge_status, what_a_blocked_responder_says_is_void)
{
    judge_case_use_ocsp("device.der");
    judge_case_add_ocsp("good.ocsp");
    cr_assert_eq(ask(), VERDICT_GOOD);
    cr_assert_null(strstr(judge_case_result.levels[0].evidence, "by CN=CA"));
    judge_case_add_block(JUDGE_BLOCK_SERIAL, responder_serial("good.ocsp"));
    cr_expect_eq(ask(), VERDICT_UNAVAILABLE);
    cr_expect(judge_case_says("its signer is blocked here"));
}

Test(judge_status, revoking_delta_is_named)
{
    add_root(0);
    add_sub(5, none);
    add_delta(6, judge_case_entry(3, COMPROMISE));
    cr_expect_eq(ask(), VERDICT_REVOKED);
    cr_expect_eq(strncmp(judge_case_result.levels[0].evidence, "delta CRL 06 of ", 16), 0);
}

Test(judge_status, stale_crl_is_named)
{
    add_root(0);
    judge_case_add_crl("Sub", 2, 0, "20251215000000Z");
    cr_expect_eq(ask(), VERDICT_STALE);
    cr_expect_str_eq(judge_case_result.levels[0].evidence,
                     "CRL 05 of 2025-12-01T00:00:00Z, next 2025-12-15T00:00:00Z");
    judge_case_settings.policy = JUDGE_GRACE;
    judge_case_settings.grace_s = 30 * JUDGE_DAY_S;
    cr_expect_eq(ask(), VERDICT_STALE);
    cr_expect_str_eq(judge_case_result.levels[0].evidence,
                     "CRL 05 of 2025-12-01T00:00:00Z, next 2025-12-15T00:00:00Z", "in grace");
}
