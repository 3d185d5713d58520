#include <string.h>

#include <criterion/criterion.h>

#include "certs/judge_tally.h"

enum { FRESH_S = 2000, GRACE_S = 1000 };

static struct judge_tally tally;

static void begin(void)
{
    tally = judge_tally_new();
}

TestSuite(judge_tally, .init = begin);

static void say(enum judge_saying saying, int64_t this_update_s, const char *text)
{
    char *place = judge_tally_name(&tally, saying, this_update_s);

    if (place != NULL) {
        memcpy(place, text, strlen(text) + 1);
    }
}

Test(judge_tally, nothing_said_is_unavailable)
{
    struct judge_level level = judge_tally_conclude(&tally);

    cr_expect_eq(level.kind, VERDICT_UNAVAILABLE);
    cr_expect_str_empty(level.evidence);
    cr_expect_not(level.lacks_ocsp);
}

Test(judge_tally, worst_word_counts_and_is_named)
{
    judge_tally_count(&tally, CRL_ALL_REASONS, FRESH_S, false);
    say(JUDGE_SAYS_GOOD, 1, "good");
    cr_expect_eq(judge_tally_conclude(&tally).kind, VERDICT_GOOD);
    cr_expect_eq(judge_tally_conclude(&tally).until_s, FRESH_S);
    cr_expect_str_eq(judge_tally_conclude(&tally).evidence, "good");
    tally.is_unknown = true;
    say(JUDGE_SAYS_UNKNOWN, 1, "unknown");
    cr_expect_eq(judge_tally_conclude(&tally).kind, VERDICT_UNKNOWN);
    cr_expect_str_eq(judge_tally_conclude(&tally).evidence, "unknown");
    tally.is_revoked = true;
    say(JUDGE_SAYS_REVOKED, 1, "revoked");
    cr_expect_eq(judge_tally_conclude(&tally).kind, VERDICT_REVOKED);
    cr_expect_str_eq(judge_tally_conclude(&tally).evidence, "revoked");
}

Test(judge_tally, latest_piece_is_named)
{
    judge_tally_count(&tally, CRL_ALL_REASONS, FRESH_S, false);
    say(JUDGE_SAYS_GOOD, 5, "first");
    say(JUDGE_SAYS_GOOD, 7, "later");
    say(JUDGE_SAYS_GOOD, 6, "between");
    cr_expect_str_eq(judge_tally_conclude(&tally).evidence, "later");
}

Test(judge_tally, grace_fills_what_fresh_evidence_leaves)
{
    struct judge_level level;

    judge_tally_count(&tally, CRL_ALL_REASONS & 0x0E, FRESH_S, false);
    judge_tally_count(&tally, CRL_ALL_REASONS & ~0x0EU, GRACE_S, true);
    say(JUDGE_SAYS_GRACE, 1, "old");
    level = judge_tally_conclude(&tally);
    cr_expect(level.kind == VERDICT_STALE && level.is_in_grace);
    cr_expect_eq(level.until_s, GRACE_S);
    cr_expect_str_eq(level.evidence, "old");
}

Test(judge_tally, stale_evidence_is_named)
{
    tally.is_stale = true;
    say(JUDGE_SAYS_STALE, 1, "stale");
    cr_expect_eq(judge_tally_conclude(&tally).kind, VERDICT_STALE);
    cr_expect_not(judge_tally_conclude(&tally).is_in_grace);
    cr_expect_str_eq(judge_tally_conclude(&tally).evidence, "stale");
}

Test(judge_tally, must_staple_needs_an_ocsp_answer)
{
    struct judge_level level;

    judge_tally_count(&tally, CRL_ALL_REASONS, FRESH_S, false);
    tally.is_stale = true;
    judge_tally_demand_ocsp(&tally);
    level = judge_tally_conclude(&tally);
    cr_expect(level.kind == VERDICT_UNAVAILABLE && level.lacks_ocsp);
    tally.is_revoked = true;
    level = judge_tally_conclude(&tally);
    cr_expect(level.kind == VERDICT_REVOKED && !level.lacks_ocsp);
    begin();
    judge_tally_count(&tally, CRL_ALL_REASONS, FRESH_S, false);
    tally.has_ocsp = true;
    judge_tally_demand_ocsp(&tally);
    cr_expect_eq(judge_tally_conclude(&tally).kind, VERDICT_GOOD);
}

Test(judge_tally, must_staple_with_an_old_answer_is_in_grace)
{
    struct judge_level level;

    judge_tally_count(&tally, CRL_ALL_REASONS, FRESH_S, false);
    judge_tally_count(&tally, CRL_ALL_REASONS, GRACE_S, true);
    tally.has_grace_ocsp = true;
    judge_tally_demand_ocsp(&tally);
    level = judge_tally_conclude(&tally);
    cr_expect(level.kind == VERDICT_STALE && level.is_in_grace && !level.lacks_ocsp);
    cr_expect_eq(level.until_s, GRACE_S);
}
