#include <string.h>
#include <time.h>

#include <criterion/criterion.h>

#include "certs/digest.h"
#include "certs/mem.h"
#include "certs/signature.h"
#include "tests/unit/certs/pair.h"
#include "tests/unit/certs/verdict_case.h"

TestSuite(verdict_ask, .init = verdict_case_begin, .fini = verdict_case_end);

static const struct verdict_answer *const answer = &verdict_case.answer;
static struct verdict_question *const q = &verdict_case.q;

#define CRL_TEXT "CRL 1C of 2025-12-01T00:00:00Z, next 2026-02-01T00:00:00Z"

Test(verdict_ask, good_when_every_level_has_a_status)
{
    verdict_case_make(true);
    verdict_case_put_crls();
    cr_assert(verdict_case_ask(), "%s", answer->sentence);
    cr_expect_eq(answer->verdict.kind, VERDICT_GOOD);
    cr_expect_eq(answer->verdict.valid_until_s, 1769904000, "nextUpdate");
    cr_expect_not(answer->is_tolerated);
    cr_expect_eq(answer->need_count, 0);
    cr_expect_eq(answer->path.count, 3);
    cr_expect_str_eq(answer->evidence, CRL_TEXT "; " CRL_TEXT);
    cr_expect_str_eq(answer->sentence, "the path is valid and none of its certificates is revoked");
}

Test(verdict_ask, nothing_known_is_unavailable_and_names_what_would_help)
{
    verdict_case_make(true);
    q->evidence = NULL;
    cr_assert_not(verdict_case_ask());
    cr_expect_eq(answer->verdict.kind, VERDICT_UNAVAILABLE);
    cr_expect_eq(answer->verdict.valid_until_s, CRL_CASE_NOW_S);
    cr_expect(answer->has_path);
    cr_assert_eq(answer->need_count, 2);
    for (size_t i = 0; i < 2; i++) {
        cr_expect_eq(answer->needs[i].level, (int)i);
        cr_expect(span_equal(answer->needs[i].cert, verdict_case.certs[i]));
        cr_expect(span_equal(answer->needs[i].issuer, verdict_case.certs[i + 1]));
        cr_expect_not(answer->needs[i].must_ocsp);
    }
    cr_expect_str_empty(answer->evidence);
}

Test(verdict_ask, policies_tolerate_as_they_say)
{
    static const bool accepted[] = {false, false, true, true};
    static const bool tolerated[] = {false, false, true, false};

    verdict_case_make(true);
    for (int policy = JUDGE_HARD; policy <= JUDGE_OFF; policy++) {
        q->policy = (enum judge_policy)policy;
        cr_expect_eq(verdict_case_ask(), accepted[policy], "policy %d", policy);
        cr_expect_eq(answer->is_tolerated, tolerated[policy], "policy %d", policy);
    }
    cr_expect_eq(answer->verdict.kind, VERDICT_NOT_CHECKED);
    cr_expect_eq(answer->need_count, 0, "off");
}

Test(verdict_ask, last_known_good_has_its_grace)
{
    verdict_case_make(true);
    cr_assert_eq(verdict_case_put_crl("Root", 0, 0, VERDICT_CASE_UNTIL), EVIDENCE_NEW);
    cr_assert_eq(verdict_case_put_crl("CA", 1, 0, VERDICT_CASE_OLD), EVIDENCE_NEW);
    q->grace_s = 2 * VERDICT_CASE_DAY_S;
    cr_expect_not(verdict_case_ask(), "hard");
    q->policy = JUDGE_GRACE;
    cr_assert(verdict_case_ask());
    cr_expect(answer->is_tolerated && answer->verdict.kind == VERDICT_STALE);
    cr_assert_eq(answer->need_count, 1);
    cr_expect_eq(answer->needs[0].level, 0);
    q->grace_s = 3600;
    cr_expect_not(verdict_case_ask());
}

Test(verdict_ask, revoked_is_refused_and_named)
{
    verdict_case_make(true);
    q->policy = JUDGE_SOFT;
    (void)verdict_case_put_crl("CA", 1, 0, VERDICT_CASE_UNTIL);
    (void)verdict_case_put_crl("Root", 0, VERDICT_CASE_CA_SERIAL, VERDICT_CASE_UNTIL);
    cr_assert_not(verdict_case_ask());
    cr_expect_eq(answer->verdict.kind, VERDICT_REVOKED);
    cr_expect_not_null(strstr(answer->evidence, "revoked 2025-01-02T03:04:05Z"));
    cr_expect_not_null(strstr(answer->sentence, "lists the certificate as revoked"));
}

Test(verdict_ask, ocsp_answers_of_the_path_are_used)
{
    verdict_case_make(true);
    verdict_case_put_answer(0, OCSP_GOOD);
    cr_assert_not(verdict_case_ask());
    cr_assert_eq(answer->need_count, 1);
    cr_expect_eq(answer->needs[0].level, 1);
    verdict_case_put_answer(1, OCSP_GOOD);
    cr_assert(verdict_case_ask(), "%s", answer->sentence);
    cr_expect_str_eq(answer->evidence, "OCSP of 2025-12-01T00:00:00Z by CN=CA; OCSP of "
                                       "2025-12-01T00:00:00Z by CN=Root");
}

Test(verdict_ask, must_staple_is_honoured)
{
    verdict_case.leaf.extra[0] = forge_extension("2B06010505070118", false,
                                                 forge_hex("3003020105"));
    verdict_case_make(true);
    verdict_case_put_crls();
    cr_assert_not(verdict_case_ask());
    cr_expect_eq(answer->verdict.kind, VERDICT_UNAVAILABLE);
    cr_assert_eq(answer->need_count, 1);
    cr_expect(answer->needs[0].must_ocsp && answer->needs[0].level == 0);
    verdict_case_put_answer(0, OCSP_GOOD);
    cr_expect(verdict_case_ask());
}

/* ---- the chain ---- */

Test(verdict_ask, peers_ca_is_used_for_its_own_chain_only)
{
    verdict_case_make(false);
    q->policy = JUDGE_OFF;
    cr_assert(verdict_case_ask());
    cr_expect_eq(answer->path.count, 3);
    q->count = 1;
    cr_assert_not(verdict_case_ask());
    cr_expect_not(answer->has_path);
    cr_expect_eq(answer->verdict.kind, VERDICT_UNAVAILABLE);
}

Test(verdict_ask, no_chain_is_refused_whatever_the_policy)
{
    verdict_case_make(true);
    q->policy = JUDGE_OFF;
    q->count = 0;
    cr_assert_not(verdict_case_ask());
    cr_expect_eq(answer->verdict.kind, VERDICT_UNAVAILABLE);
    verdict_ask_chain(q, &verdict_case.answer, NULL);
    cr_expect_not(answer->accepted);
}

Test(verdict_ask, broken_path_is_refused_whatever_the_policy)
{
    verdict_case.leaf.breaks_signature = true;
    verdict_case_make(true);
    verdict_case_put_crls();
    q->policy = JUDGE_OFF;
    cr_assert_not(verdict_case_ask());
    cr_expect_not(answer->has_path, "its URLs must not be followed");
    cr_expect_not_null(strstr(answer->sentence, "signature"));
}

Test(verdict_ask, purpose_is_asked)
{
    verdict_case_make(true);
    verdict_case_put_crls();
    q->purpose = PATH_CLIENT;
    cr_assert_not(verdict_case_ask());
    cr_expect_not_null(strstr(answer->sentence, "clientAuth"));
}

Test(verdict_ask, long_chain_is_cut_to_the_room_there_is)
{
    static struct span chain[PATH_POOL_MAX + 10];

    verdict_case_make(false);
    q->policy = JUDGE_OFF;
    for (size_t i = 0; i < PATH_POOL_MAX + 10; i++) {
        chain[i] = verdict_case.certs[i == 0 ? 0 : 1];
    }
    q->chain = chain;
    q->count = PATH_POOL_MAX + 10;
    cr_expect(verdict_case_ask());
}

Test(verdict_ask, trust_says_how_strict_cas_are_judged)
{
    verdict_case.ca.leave_out = FORGE_NO_SKI;
    verdict_case_make(true);
    verdict_case_put_crls();
    cr_expect(verdict_case_ask(), "%s", answer->sentence);
    verdict_case_demand(true, span_of(NULL, 0));
    cr_expect_not(verdict_case_ask());
}

/* A leaf of build/pki under a trust over its root, without revocation; accepted? */
static bool accepts_file(const char *name, unsigned allows)
{
    struct pem_block leaf = pair_certificate(name);
    struct span chain = span_of(leaf.der, leaf.len);
    struct fault f = {0};
    struct trust_settings settings = {.name = "old",
                                      .anchors = pair_path("root", ".pem"),
                                      .tls_min = TLS_VERSION_1_2,
                                      .allows = allows};
    int64_t now_s = (int64_t)time(NULL);
    struct trust *trust = trust_load(&settings, now_s, &f);
    struct verdict_question question = {.trust = trust,
                                        .chain = &chain,
                                        .count = 1,
                                        .purpose = PATH_SERVER,
                                        .policy = JUDGE_OFF,
                                        .now_s = now_s};

    cr_assert_not_null(trust, "%s", f.note);
    verdict_ask_chain(&question, &verdict_case.answer, NULL);
    trust_release(trust);
    pem_block_free(&leaf);
    return answer->accepted;
}

Test(verdict_ask, weak_algorithms_are_the_trusts_own_choice)
{
    cr_expect_not(accepts_file("hl7-sha1", 0));
    cr_expect_not(accepts_file("hl7-sha1", SIGNATURE_ALLOWS_RSA_1024));
    cr_expect(accepts_file("hl7-sha1", SIGNATURE_ALLOWS_SHA1));
    cr_expect_not(accepts_file("weak-rsa", 0));
    cr_expect(accepts_file("weak-rsa", SIGNATURE_ALLOWS_RSA_1024));
}

Test(verdict_ask, tells_when_the_time_of_a_certificate_decides)
{
    verdict_case_make(true);
    q->policy = JUDGE_OFF;
    cr_expect(verdict_case_ask());
    cr_expect_eq(answer->time, PATH_TIME_FITS);
    q->now_s = INT64_C(4000000000);
    cr_expect_not(verdict_case_ask());
    cr_expect_eq(answer->time, PATH_TIME_OVER, "%s", answer->sentence);
    q->now_s = 1;
    cr_expect_not(verdict_case_ask());
    cr_expect_eq(answer->time, PATH_TIME_AHEAD, "%s", answer->sentence);
    q->now_s = CRL_CASE_NOW_S;
    verdict_case_demand(false, forge_hex("2A0304"));
    cr_expect_not(verdict_case_ask());
    cr_expect_eq(answer->time, PATH_TIME_FITS, "%s", answer->sentence);
}

Test(verdict_ask, policy_of_the_trust_is_asked_of_peers)
{
    verdict_case_make(true);
    q->policy = JUDGE_OFF;
    cr_expect(verdict_case_ask());
    verdict_case_demand(false, forge_hex("2A0304"));
    cr_expect_not(verdict_case_ask());
    q->is_own = true;
    cr_expect(verdict_case_ask());
}

Test(verdict_ask, purpose_must_be_named_by_peers_where_the_trust_requires_it)
{
    verdict_case.leaf.leave_out = FORGE_NO_EKU;
    verdict_case_make(true);
    q->policy = JUDGE_OFF;
    for (int i = 0; i < 2; i++) {
        q->purpose = i == 0 ? PATH_SERVER : PATH_CLIENT;
        cr_expect(verdict_case_ask(), "%s", answer->sentence);
    }
    verdict_case_demand_purpose();
    for (int i = 0; i < 2; i++) {
        q->purpose = i == 0 ? PATH_SERVER : PATH_CLIENT;
        q->is_own = false;
        cr_expect_not(verdict_case_ask());
        cr_expect_not_null(strstr(answer->sentence, "require_eku"), "%s", answer->sentence);
        q->is_own = true;
        cr_expect(verdict_case_ask(), "%s", answer->sentence);
    }
}

static bool settle(void)
{
    const struct evidence_showing shown = {.path = &answer->path, .now_s = CRL_CASE_NOW_S};

    return evidence_settle(verdict_case.evidence, &shown, NULL, NULL);
}

Test(verdict_ask, pending_crl_does_not_count_before_it_is_settled)
{
    verdict_case_make(false);
    cr_assert_eq(verdict_case_put_crl("Root", 0, 0, VERDICT_CASE_UNTIL), EVIDENCE_NEW);
    cr_assert_eq(verdict_case_put_crl("CA", 1, 0, VERDICT_CASE_UNTIL), EVIDENCE_PENDING);
    cr_assert_not(verdict_case_ask());
    cr_expect_eq(answer->need_count, 1);
    cr_assert(settle());
    cr_expect(verdict_case_ask(), "%s", answer->sentence);
}

/* ---- CRL signers of the trust ---- */

enum { SIGNER_KEY = 5, SIGNER_SERIAL = 9 };

/* The trust's signer for the CA's CRLs. */
static void have_signer(void)
{
    const struct forge f = {.subject = "CA",
                            .issuer = "CA",
                            .key = SIGNER_KEY,
                            .signer = 1,
                            .serial = forge_hex("09"),
                            .leave_out = FORGE_NO_USAGE | FORGE_NO_EKU,
                            .extra = {forge_extension("551D0F", true, forge_hex("03020102"))}};
    struct span signer = forge_cert(&f);

    verdict_case_make(true);
    verdict_case_have_signers(&signer, 1);
    (void)verdict_case_put_crl("Root", 0, 0, VERDICT_CASE_UNTIL);
}

Test(verdict_ask, crl_of_the_trusts_signer_counts)
{
    have_signer();
    cr_assert_eq(verdict_case_put_crl("CA", SIGNER_KEY, 0, VERDICT_CASE_UNTIL), EVIDENCE_NEW);
    cr_expect(verdict_case_ask(), "%s", answer->sentence);
    cr_expect_eq(answer->verdict.kind, VERDICT_GOOD);
}

Test(verdict_ask, crl_of_the_trusts_signer_revokes)
{
    have_signer();
    cr_assert_eq(verdict_case_put_crl("CA", SIGNER_KEY, 3, VERDICT_CASE_UNTIL), EVIDENCE_NEW);
    cr_expect_not(verdict_case_ask());
    cr_expect_eq(answer->verdict.kind, VERDICT_REVOKED);
}

Test(verdict_ask, crl_of_a_signer_does_not_count_without_the_signer)
{
    have_signer();
    cr_assert_eq(verdict_case_put_crl("CA", SIGNER_KEY, 0, VERDICT_CASE_UNTIL), EVIDENCE_NEW);
    verdict_case_have_signers(NULL, 0); /* a reload took it out; the evidence is still held */
    cr_expect_not(verdict_case_ask());
    cr_expect_eq(answer->verdict.kind, VERDICT_UNAVAILABLE);
}

Test(verdict_ask, crl_of_a_signer_that_its_ca_has_revoked_is_void)
{
    have_signer();
    cr_assert_eq(verdict_case_put_crl("CA", SIGNER_KEY, 0, VERDICT_CASE_UNTIL), EVIDENCE_NEW);
    cr_assert(verdict_case_ask());
    cr_assert_eq(verdict_case_put_crl("CA", 1, SIGNER_SERIAL, VERDICT_CASE_OLD), EVIDENCE_NEW);
    cr_expect_not(verdict_case_ask());
    cr_expect_neq(answer->verdict.kind, VERDICT_GOOD);
    cr_expect_neq(answer->verdict.kind, VERDICT_REVOKED, "the peer itself is not meant");
}

/* The judge does a bounded number of signatures: a peer must not use them up with certificates that
 * bear the signer's name and key, and that its CA has not issued. */
Test(verdict_ask, peer_cannot_crowd_out_the_trusts_signer)
{
    struct span chain[42];

    have_signer();
    cr_assert_eq(verdict_case_put_crl("CA", SIGNER_KEY, 0, VERDICT_CASE_UNTIL), EVIDENCE_NEW);
    chain[0] = verdict_case.certs[0];
    chain[1] = verdict_case.certs[1];
    for (unsigned i = 2; i < 42; i++) {
        chain[i] = crl_case_signer("CA", SIGNER_KEY, "CA", 10 + i);
    }
    q->chain = chain;
    q->count = 42;
    cr_expect(verdict_case_ask(), "%s", answer->sentence);
}

/* ---- the block list ---- */

Test(verdict_ask, blocked_leaf_is_cut_off_under_every_policy)
{
    struct judge_block block = {JUDGE_BLOCK_SERIAL, forge_hex("03"), "stolen"};

    verdict_case_make(true);
    verdict_case_put_crls();
    q->blocks = &block;
    q->block_count = 1;
    for (int policy = JUDGE_HARD; policy <= JUDGE_OFF; policy++) {
        q->policy = (enum judge_policy)policy;
        cr_expect_not(verdict_case_ask(), "policy %d", policy);
        cr_expect_eq(answer->verdict.kind, VERDICT_REVOKED);
        cr_expect_str_eq(answer->sentence, "blocked here: stolen");
        cr_expect_str_eq(answer->evidence, "block list");
    }
}

Test(verdict_ask, blocked_ca_needs_no_evidence)
{
    uint8_t digest[DIGEST_LEN] = {0};
    struct judge_block block = {JUDGE_BLOCK_FINGERPRINT, span_of(digest, DIGEST_LEN),
                                "broken into"};

    verdict_case_make(true);
    for (size_t level = 1; level < 3; level++) {
        cr_assert(digest_sha256(verdict_case.certs[level], digest));
        q->blocks = &block;
        q->block_count = 1;
        q->policy = JUDGE_OFF;
        cr_expect_not(verdict_case_ask());
        cr_expect_eq(answer->verdict.kind, VERDICT_REVOKED);
        q->policy = JUDGE_HARD;
        cr_expect_not(verdict_case_ask());
        cr_expect_eq(answer->need_count, 0, "nothing helps");
    }
}

/* ---- a path that is known ---- */

static struct path known;

/* The path as it would be, whether it is good or not. */
static void know(void)
{
    known.count = 3;
    memcpy(known.certs, verdict_case.certs, sizeof(verdict_case.certs));
    q->known_path = &known;
}

Test(verdict_ask, known_path_costs_no_signature)
{
    verdict_case.leaf.breaks_signature = true;
    verdict_case_make(true);
    verdict_case_put_crls();
    know();
    cr_assert(verdict_case_ask(), "%s", answer->sentence);
    cr_expect_eq(answer->verdict.kind, VERDICT_GOOD);
    cr_expect_eq(answer->path.count, 3);
    q->evidence = NULL;
    cr_expect_not(verdict_case_ask(), "its status is asked all the same");
    cr_expect_eq(answer->need_count, 2);
}

Test(verdict_ask, known_path_ends_with_the_time_of_each_certificate)
{
    struct forge *recipes[] = {&verdict_case.leaf, &verdict_case.ca, &verdict_case.root};

    verdict_case_make(true);
    know();
    q->policy = JUDGE_OFF;
    cr_assert(verdict_case_ask());
    for (size_t i = 0; i < 3; i++) {
        recipes[i]->until = "20260101115959Z";
        known.certs[i] = forge_cert(recipes[i]);
        verdict_case.certs[0] = known.certs[0];
        verdict_case.leaf.breaks_signature = true; /* were it looked for anew, it would not do */
        cr_expect_not(verdict_case_ask(), "expired at %zu", i);
        recipes[i]->until = NULL;
        recipes[i]->from = "20260101120001Z";
        known.certs[i] = forge_cert(recipes[i]);
        cr_expect_not(verdict_case_ask(), "not yet at %zu", i);
        recipes[i]->from = NULL;
        known.certs[i] = forge_cert(recipes[i]);
    }
}

Test(verdict_ask, known_path_of_another_leaf_is_not_used)
{
    verdict_case.leaf.breaks_signature = true;
    verdict_case_make(true);
    know();
    q->policy = JUDGE_OFF;
    cr_assert(verdict_case_ask());
    verdict_case.leaf.subject = "other pump";
    known.certs[0] = forge_cert(&verdict_case.leaf);
    cr_expect_not(verdict_case_ask());
}

Test(verdict_ask, known_path_to_another_anchor_is_not_used)
{
    verdict_case.leaf.breaks_signature = true;
    verdict_case_make(true);
    know();
    q->policy = JUDGE_OFF;
    known.count = 2; /* ends at the CA, an intermediate and no anchor */
    cr_expect_not(verdict_case_ask());
    known.count = 3;
    verdict_case.root.subject = "Other Root";
    known.certs[2] = forge_cert(&verdict_case.root);
    cr_expect_not(verdict_case_ask());
}

Test(verdict_ask, known_path_that_is_none_is_not_used)
{
    verdict_case_make(true);
    know();
    q->policy = JUDGE_OFF;
    known.count = 0;
    cr_expect(verdict_case_ask(), "looked for anew");
    cr_expect_eq(answer->path.count, 3);
    known.count = PATH_MAX_CERTS + 1;
    cr_expect(verdict_case_ask());
    known.count = 1;
    known.certs[0] = verdict_case.certs[2];
    q->chain = &verdict_case.certs[2];
    q->count = 1;
    cr_expect_not(verdict_case_ask(), "nobody is his own anchor");
}

Test(verdict_ask, block_beats_a_known_path)
{
    struct judge_block block = {JUDGE_BLOCK_SERIAL, forge_hex("02"), "stolen"};

    verdict_case_make(true);
    verdict_case_put_crls();
    know();
    q->blocks = &block;
    q->block_count = 1;
    cr_expect_not(verdict_case_ask());
    cr_expect_eq(answer->verdict.kind, VERDICT_REVOKED);
}

/* ---- the rest ---- */

Test(verdict_ask, reasons_are_those_of_this_question)
{
    verdict_case_make(true);
    cr_assert_not(verdict_case_ask());
    verdict_case_put_crls();
    cr_assert(verdict_case_ask());
    cr_expect_null(reasons_decision(&verdict_case.why));
    verdict_ask_chain(q, &verdict_case.answer, NULL);
    cr_expect(answer->accepted, "without a list");
}

/* Four CRLs fit, five do not. */
Test(verdict_ask, evidence_is_told_in_whole_texts)
{
    static const char *const names[] = {"CA 5", "CA 4", "CA 3", "CA 2", "CA"};
    struct span chain[5];

    verdict_case.leaf.issuer = names[0];
    verdict_case.leaf.signer = 5;
    verdict_case_make(true);
    chain[0] = verdict_case.certs[0];
    for (unsigned i = 0; i < 4; i++) {
        chain[i + 1] = forge_cert(&(struct forge){.subject = names[i],
                                                  .issuer = names[i + 1],
                                                  .key = 5 - i,
                                                  .signer = 4 - i,
                                                  .is_ca = true});
        (void)verdict_case_put_crl(names[i], 5 - i, 0, VERDICT_CASE_UNTIL);
    }
    verdict_case_put_crls();
    q->chain = chain;
    q->count = 5;
    cr_assert_not(verdict_case_ask());
    (void)settle();
    cr_assert(verdict_case_ask(), "%s", answer->sentence);
    cr_expect_eq(answer->path.count, 7);
    cr_expect_str_eq(answer->evidence, CRL_TEXT "; " CRL_TEXT "; " CRL_TEXT "; " CRL_TEXT);
}

Test(verdict_ask, without_memory_nothing_is_accepted)
{
    uint32_t left = 0;

    verdict_case_make(true);
    verdict_case_put_crls();
    for (uint32_t nth = 1; nth < 200 && left == 0; nth++) {
        (void)mem_fail_nth(nth);
        if (!verdict_case_ask()) {
            cr_expect_eq(answer->verdict.kind, VERDICT_UNAVAILABLE);
        }
        left = mem_fail_nth(0);
    }
    cr_expect_neq(left, 0, "the last run must have had all its memory");
    cr_expect(answer->accepted);
    (void)mem_fail_nth(1);
    cr_expect_not(verdict_case_ask());
    cr_expect_str_eq(answer->sentence, "out of memory");
}
