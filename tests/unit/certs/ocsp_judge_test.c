#include <string.h>

#include <criterion/criterion.h>

#include "ocsp_case.h"

static const int64_t day_s = 86400;

struct row {
    const char *answer;
    enum ocsp_answer expected;
    const char *why; /* the line ends like this */
};

static void check_line(const char *name, const char *line, const char *why)
{
    size_t len = strlen(line);

    cr_expect(len >= strlen(why) && strcmp(line + len - strlen(why), why) == 0, "%s: %s", name,
              line);
}

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *line;
        cr_expect_eq(ocsp_case_judge(rows[i].answer, &line), rows[i].expected, "%s: %s",
                     rows[i].answer, line);
        check_line(rows[i].answer, line, rows[i].why);
    }
}

#define CHECK_ROWS(rows) check_rows((rows), sizeof(rows) / sizeof((rows)[0]))

/* A file about another certificate than the device. */
static enum ocsp_answer ask_about(const char *answer, const char *cert, const char *issuer,
                                  const char **why)
{
    struct ocsp_question q = ocsp_case_question(cert, issuer);

    return ocsp_case_ask(ocsp_case_file(answer), &q, why);
}

/* The file's answer, some time later; `grace_s` and `skew_s` as given. */
static enum ocsp_answer ask_at(const char *answer, int64_t later_s, int64_t skew_s, int64_t grace_s)
{
    struct ocsp_question q = ocsp_case_question("device.der", "ca.der");
    const char *why;

    q.now_s += later_s;
    q.skew_s = skew_s;
    q.grace_s = grace_s;
    return ocsp_case_ask(ocsp_case_file(answer), &q, &why);
}

Test(ocsp_judge, believes_the_ca_and_its_responders)
{
    static const struct row rows[] = {
        {"good.ocsp", OCSP_GOOD, "good"},         {"good-by-key.ocsp", OCSP_GOOD, "good"},
        {"good-ca.ocsp", OCSP_GOOD, "good"},      {"good-ca-by-key.ocsp", OCSP_GOOD, "good"},
        {"good-checked.ocsp", OCSP_GOOD, "good"}, {"good-bare.ocsp", OCSP_GOOD, "good"},
        {"good-sha512.ocsp", OCSP_GOOD, "good"},  {"three.ocsp", OCSP_GOOD, "good"},
        {"made-good.ocsp", OCSP_GOOD, "good"},
    };

    CHECK_ROWS(rows);
}

Test(ocsp_judge, tells_revoked_and_unknown)
{
    const char *why;

    cr_expect_eq(ask_about("revoked.ocsp", "revoked.der", "ca.der", &why), OCSP_REVOKED, "%s", why);
    cr_expect_eq(ask_about("three.ocsp", "revoked.der", "ca.der", &why), OCSP_REVOKED, "%s", why);
    cr_expect_eq(ask_about("unknown.ocsp", "lost.der", "ca.der", &why), OCSP_UNKNOWN, "%s", why);
}

Test(ocsp_judge, fills_the_evidence)
{
    struct ocsp_question q = ocsp_case_question("device.der", "ca.der");
    struct ocsp_evidence e;

    cr_assert_eq(ocsp_judge(ocsp_case_file("good.ocsp"), &q, &e, NULL), OCSP_GOOD);
    cr_expect(e.this_update_s <= q.now_s && e.this_update_s > q.now_s - 600);
    cr_expect_eq(e.produced_at_s, e.this_update_s);
    cr_expect_eq(e.until_s, e.this_update_s + 30 * day_s);
    cr_expect(span_equal(e.signer, ocsp_case_file("responder.der")));
    cr_expect_not(e.must_check_signer);

    cr_assert_eq(ocsp_judge(ocsp_case_file("good-bare.ocsp"), &q, &e, NULL), OCSP_GOOD);
    cr_expect_eq(e.until_s, e.this_update_s + q.max_age_s);
    cr_assert_eq(ocsp_judge(ocsp_case_file("good-checked.ocsp"), &q, &e, NULL), OCSP_GOOD);
    cr_expect(e.must_check_signer);
    cr_assert_eq(ocsp_judge(ocsp_case_file("good-ca.ocsp"), &q, &e, NULL), OCSP_GOOD);
    cr_expect_eq(e.signer.len, 0);
    cr_assert_eq(ocsp_judge(ocsp_case_file("longer.ocsp"), &q, &e, NULL), OCSP_NOTHING);
    cr_expect_eq(e.until_s, 0);
}

Test(ocsp_judge, gives_the_reason_its_mark_and_level)
{
    struct ocsp_question q = ocsp_case_question("revoked.der", "ca.der");
    static struct reasons r;
    struct ocsp_evidence e;

    q.level = 2;
    cr_assert_eq(ocsp_judge(ocsp_case_file("revoked.ocsp"), &q, &e, &r), OCSP_REVOKED);
    cr_assert_eq(ocsp_judge(ocsp_case_file("good.ocsp"), &q, &e, &r), OCSP_NOTHING);
    q.cert = ocsp_case_file("device.der");
    cr_assert_eq(ocsp_judge(ocsp_case_file("good.ocsp"), &q, &e, &r), OCSP_GOOD);
    cr_assert_eq(r.count, 3);
    cr_expect_eq(r.lines[0].mark, REASONS_REFUSE);
    cr_expect_eq(r.lines[1].mark, REASONS_NOTE);
    cr_expect_eq(r.lines[2].mark, REASONS_PASS);
    cr_expect_eq(r.lines[2].level, 2);
}

Test(ocsp_judge, refuses_an_answer_about_another_certificate)
{
    static const char why[] = "it is about another certificate";
    static const struct row rows[] = {
        {"longer.ocsp", OCSP_NOTHING, why},
        {"shorter.ocsp", OCSP_NOTHING, why},
        {"revoked.ocsp", OCSP_NOTHING, why},
        {"made-empty.ocsp", OCSP_NOTHING, why},
        {"made-hash-name.ocsp", OCSP_NOTHING, why},
        {"made-hash-name-cut.ocsp", OCSP_NOTHING, why},
        {"made-hash-key.ocsp", OCSP_NOTHING, why},
        {"made-hash-key-cut.ocsp", OCSP_NOTHING, why},
        {"made-serial-cut.ocsp", OCSP_NOTHING, why},
        {"made-serial-zero.ocsp", OCSP_NOTHING, why},
        {"made-hash-sha384.ocsp", OCSP_NOTHING, why},
    };
    const char *line;

    CHECK_ROWS(rows);
    /* The same serial of another CA. */
    cr_expect_eq(ask_about("good.ocsp", "foreign.der", "other.der", &line), OCSP_NOTHING);
    cr_expect_eq(ask_about("foreign.ocsp", "device.der", "ca.der", &line), OCSP_NOTHING);
    cr_expect_eq(ask_about("foreign.ocsp", "foreign.der", "other.der", &line), OCSP_GOOD);
    cr_expect_eq(ask_about("foreign.ocsp", "foreign.der", "ca.der", &line), OCSP_NOTHING);
    check_line("foreign", line, "the certificate is of another issuer");
}

Test(ocsp_judge, lets_the_worst_of_several_count)
{
    static const struct row rows[] = {
        {"made-both.ocsp", OCSP_REVOKED, "the certificate is revoked"},
        {"made-both-turned.ocsp", OCSP_REVOKED, "the certificate is revoked"},
        {"made-good-unknown.ocsp", OCSP_UNKNOWN, "the responder does not know it"},
        {"made-good-old.ocsp", OCSP_NOTHING, "its nextUpdate has passed"},
        /* Revoked beats stale. */
        {"made-revoked-old.ocsp", OCSP_REVOKED, "the certificate is revoked"},
    };

    CHECK_ROWS(rows);
}

Test(ocsp_judge, keeps_to_the_times)
{
    const char *why;

    cr_expect_eq(ask_at("good.ocsp", 29 * day_s, 0, 0), OCSP_GOOD);
    cr_expect_eq(ask_at("good.ocsp", 31 * day_s, 0, 0), OCSP_NOTHING);
    cr_expect_eq(ask_at("good.ocsp", 31 * day_s, 0, 2 * day_s), OCSP_GOOD);
    cr_expect_eq(ask_at("good.ocsp", 31 * day_s, 2 * day_s, 0), OCSP_GOOD);
    cr_expect_eq(ask_at("good.ocsp", 31 * day_s, 0, INT64_MAX), OCSP_GOOD);
    cr_expect_eq(ask_at("good-ca.ocsp", -600, 0, 0), OCSP_NOTHING);
    cr_expect_eq(ask_at("good-ca.ocsp", -600, 900, 0), OCSP_GOOD);
    cr_expect_eq(ocsp_case_judge("made-this-late.ocsp", &why), OCSP_NOTHING);
    check_line("late", why, "its thisUpdate lies in the future");
    cr_expect_eq(ocsp_case_judge("made-backwards.ocsp", &why), OCSP_NOTHING);
    check_line("backwards", why, "its nextUpdate lies before its thisUpdate");
}

Test(ocsp_judge, bounds_the_age_without_next_update)
{
    cr_expect_eq(ask_at("good-bare.ocsp", 1800, 0, 0), OCSP_GOOD);
    cr_expect_eq(ask_at("good-bare.ocsp", 4200, 0, 0), OCSP_NOTHING);
    /* There is no nextUpdate that grace could begin at. */
    cr_expect_eq(ask_at("good-bare.ocsp", 4200, 0, day_s), OCSP_NOTHING);
    cr_expect_eq(ask_at("good-bare.ocsp", 4200, 900, 0), OCSP_GOOD);
}

Test(ocsp_judge, refuses_what_was_produced_in_the_future)
{
    const char *why;

    cr_expect_eq(ocsp_case_judge("made-produced-late.ocsp", &why), OCSP_NOTHING);
    check_line("produced", why, "its producedAt lies in the future");
    cr_expect_eq(ask_at("made-produced-late.ocsp", 0, 2 * day_s, 0), OCSP_GOOD);
}

Test(ocsp_judge, compares_the_nonce_that_was_asked_with)
{
    static const uint8_t ones[33] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                     1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    static const uint8_t zeros[32];
    struct ocsp_question q = ocsp_case_question("device.der", "ca.der");
    struct span with = ocsp_case_file("made-nonce.ocsp");
    const char *why;

    cr_expect_eq(ocsp_case_ask(with, &q, &why), OCSP_GOOD, "not asked for: %s", why);
    q.nonce = span_of(ones, 32);
    cr_expect_eq(ocsp_case_ask(with, &q, &why), OCSP_GOOD, "%s", why);
    cr_expect_eq(ocsp_case_ask(ocsp_case_file("good.ocsp"), &q, &why), OCSP_NOTHING);
    check_line("missing", why, "it has no nonce, but was asked with one");
    q.nonce = span_of(zeros, 32);
    cr_expect_eq(ocsp_case_ask(with, &q, &why), OCSP_NOTHING);
    check_line("other", why, "its nonce is not ours");
    q.nonce = span_of(ones, 33);
    cr_expect_eq(ocsp_case_ask(with, &q, &why), OCSP_NOTHING, "a longer one");
    q.nonce = span_of(ones, 31);
    cr_expect_eq(ocsp_case_ask(with, &q, &why), OCSP_NOTHING, "a shorter one");
}

Test(ocsp_judge, does_without_a_nonce_only_where_that_is_allowed)
{
    static const uint8_t ones[32] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                     1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    static const uint8_t zeros[32];
    struct ocsp_question q = ocsp_case_question("device.der", "ca.der");
    const char *why;

    q.nonce_optional = true;
    q.nonce = span_of(ones, 32);
    cr_expect_eq(ocsp_case_ask(ocsp_case_file("good.ocsp"), &q, &why), OCSP_GOOD, "%s", why);
    cr_expect_eq(ocsp_case_ask(ocsp_case_file("made-nonce.ocsp"), &q, &why), OCSP_GOOD, "%s", why);
    q.nonce = span_of(zeros, 32);
    cr_expect_eq(ocsp_case_ask(ocsp_case_file("made-nonce.ocsp"), &q, &why), OCSP_NOTHING);
    check_line("other", why, "its nonce is not ours");
}

Test(ocsp_judge, refuses_unknown_critical_extensions)
{
    static const char why[] = "it has a critical extension that is not known here";
    static const struct row rows[] = {
        {"made-critical.ocsp", OCSP_NOTHING, why},
        {"made-single-critical.ocsp", OCSP_NOTHING, why},
        {"made-known.ocsp", OCSP_GOOD, "good"},
        {"made-single-known.ocsp", OCSP_GOOD, "good"},
    };

    CHECK_ROWS(rows);
}

Test(ocsp_judge, refuses_broken_single_responses)
{
    static const char why[] = "a SingleResponse is broken";
    static const struct row rows[] = {
        {"made-good-full.ocsp", OCSP_NOTHING, why},
        {"made-status-3.ocsp", OCSP_NOTHING, why},
    };

    CHECK_ROWS(rows);
}

/* Each byte of an answer changed: never good. */
Test(ocsp_judge, refuses_an_answer_changed_anywhere)
{
    static const char *const names[] = {"good.ocsp", "good-ca.ocsp"};
    struct ocsp_question q = ocsp_case_question("device.der", "ca.der");

    for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
        struct span answer = ocsp_case_file(names[n]);
        uint8_t copy[4096];
        struct ocsp_evidence e;
        cr_assert(answer.len <= sizeof(copy));
        for (size_t i = 0; i < answer.len; i++) {
            memcpy(copy, answer.data, answer.len);
            copy[i] ^= (uint8_t)(1U << (i % 8));
            cr_expect_eq(ocsp_judge(span_of(copy, answer.len), &q, &e, NULL), OCSP_NOTHING,
                         "%s, byte %zu", names[n], i);
            cr_expect_eq(ocsp_judge(span_of(copy, i), &q, &e, NULL), OCSP_NOTHING, "%s cut at %zu",
                         names[n], i);
        }
    }
}

Test(ocsp_judge, says_nothing_when_the_question_is_broken)
{
    struct ocsp_question q = ocsp_case_question("device.der", "ca.der");
    const char *why;

    q.issuer = span_first(q.issuer, q.issuer.len - 1);
    cr_expect_eq(ocsp_case_ask(ocsp_case_file("good.ocsp"), &q, &why), OCSP_NOTHING);
    q = ocsp_case_question("device.der", "ca.der");
    q.cert = span_of(NULL, 0);
    cr_expect_eq(ocsp_case_ask(ocsp_case_file("good.ocsp"), &q, &why), OCSP_NOTHING);
}
