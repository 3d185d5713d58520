#include <string.h>

#include <criterion/criterion.h>

#include "certs/judge_note.h"
#include "tests/unit/certs/judge_case.h"

TestSuite(judge_note, .init = judge_case_begin, .fini = judge_case_end);

static char text[JUDGE_EVIDENCE_MAX];

static struct crl *make_crl(uint8_t number, const char *until, bool is_delta)
{
    struct span extensions = crl_make_number(number);
    struct fault f;
    struct crl *c;

    if (is_delta) {
        extensions = crl_make_join(extensions, crl_make_extension(0x1B, true, CRL_BYTES(2, 1, 5)));
    }
    c = crl_new(crl_make_crl(&(struct crl_make_list){.issuer = "Sub",
                                                     .key = 2,
                                                     .version = 1,
                                                     .this_update = "20251122100000Z",
                                                     .next_update = until,
                                                     .extensions = extensions}),
                &f);
    cr_assert_not_null(c, "%s", f.note);
    return c;
}

Test(judge_note, crl_has_its_number_and_its_times)
{
    struct crl *base = make_crl(0x1C, "20251123100000Z", false);
    struct crl *endless = make_crl(5, NULL, false);
    struct crl *delta = make_crl(0x1D, "20251123100000Z", true);

    judge_note_crl(base, NULL, text);
    cr_expect_str_eq(text, "CRL 1C of 2025-11-22T10:00:00Z, next 2025-11-23T10:00:00Z");
    judge_note_crl(endless, NULL, text);
    cr_expect_str_eq(text, "CRL 05 of 2025-11-22T10:00:00Z");
    judge_note_crl(base, delta, text);
    cr_expect_str_eq(text, "CRL 1C of 2025-11-22T10:00:00Z, next 2025-11-23T10:00:00Z, delta 1D");
    crl_release(base);
    crl_release(endless);
    crl_release(delta);
}

Test(judge_note, revocation_has_its_time_and_its_reason)
{
    struct crl *base = make_crl(0x1C, "20251123100000Z", false);
    struct crl *delta = make_crl(0x1D, "20251123100000Z", true);
    struct crl_evidence found = {.reason = 1, .revoked_at_s = 1763629200};

    judge_note_crl_revoked(base, &found, text);
    cr_expect_str_eq(text,
                     "CRL 1C of 2025-11-22T10:00:00Z: revoked 2025-11-20T09:00:00Z, keyCompromise");
    found.reason = 11;
    judge_note_crl_revoked(delta, &found, text);
    cr_expect_str_eq(
        text, "delta CRL 1D of 2025-11-22T10:00:00Z: revoked 2025-11-20T09:00:00Z, unknown reason");
    crl_release(base);
    crl_release(delta);
}

Test(judge_note, ocsp_answer_has_its_signer)
{
    struct ocsp_evidence found = {
        .produced_at_s = 1763805600, .revoked_at_s = 1763629200, .reason = 4};

    judge_note_ocsp(OCSP_GOOD, &found, judge_case_cert(1), text);
    cr_expect_str_eq(text, "OCSP of 2025-11-22T10:00:00Z by CN=Sub");
    judge_note_ocsp(OCSP_UNKNOWN, &found, judge_case_cert(1), text);
    cr_expect_str_eq(text, "OCSP of 2025-11-22T10:00:00Z: unknown, by CN=Sub");
    found.signer = judge_case_cert(0);
    judge_note_ocsp(OCSP_REVOKED, &found, judge_case_cert(1), text);
    cr_expect_str_eq(text, "OCSP of 2025-11-22T10:00:00Z: revoked 2025-11-20T09:00:00Z, "
                           "superseded, by CN=leaf");
}

Test(judge_note, long_subject_is_cut_between_characters)
{
    struct ocsp_evidence found = {.produced_at_s = 1763805600};

    /* The second time everything stands one byte further on. */
    for (size_t shift = 0; shift < 2; shift++) {
        char name[1 + 2 * 60 + 1] = "x";
        for (size_t i = 0; i < 60; i++) {
            memcpy(name + shift + 2 * i, "\xC3\xA4", 3); /* a with two dots */
        }
        found.signer = crl_make_certificate(&(struct crl_make_cert){
            .subject = name, .issuer = "Sub", .key = 3, .issuer_key = 2, .usage = CRL_USAGE_LEAF});
        judge_note_ocsp(OCSP_GOOD, &found, judge_case_cert(1), text);
        size_t end = strlen(text);
        cr_expect(end < JUDGE_EVIDENCE_MAX);
        cr_expect((unsigned char)text[end - 1] != 0xC3, "half a character at %zu", shift);
    }
}

Test(judge_note, year_out_of_reach_is_no_text)
{
    struct ocsp_evidence found = {.produced_at_s = INT64_MAX};

    judge_note_ocsp(OCSP_GOOD, &found, judge_case_cert(1), text);
    cr_expect_str_eq(text, "OCSP of ? by CN=Sub");
}
