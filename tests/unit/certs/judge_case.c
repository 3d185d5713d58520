#include "tests/unit/certs/judge_case.h"

#include <string.h>

#include <criterion/criterion.h>

#include "tests/unit/certs/ocsp_case.h"

enum { EVIDENCE_MAX = 8 };

struct judge_settings judge_case_settings;
struct judge_result judge_case_result;
struct reasons judge_case_why;

static struct span pool[1];
static struct span anchors[1];
static struct path_input in = {.pool = pool, .anchors = anchors, .anchor_count = 1};
static struct crl *crls[EVIDENCE_MAX];
static struct span answers[EVIDENCE_MAX];
static struct span signers[EVIDENCE_MAX];
static struct judge_block blocks[EVIDENCE_MAX];
static struct judge_evidence evidence = {
    .crls = crls, .ocsp = answers, .signers = signers, .blocks = blocks};

void judge_case_end(void)
{
    for (size_t i = 0; i < evidence.crl_count; i++) {
        crl_release(crls[i]);
    }
    evidence.crl_count = evidence.ocsp_count = evidence.signer_count = evidence.block_count = 0;
}

static struct span make_leaf(struct span more)
{
    struct span san = crl_make_der(0x30, crl_make_der(0x82, span_of_text("bms.example")));

    return crl_make_certificate(&(struct crl_make_cert){
        .subject = "leaf",
        .issuer = "Sub",
        .key = 3,
        .issuer_key = 2,
        .usage = CRL_USAGE_LEAF,
        .serial = CRL_BYTES(3),
        .extensions = crl_make_join(crl_make_extension(0x11, false, san), more)});
}

void judge_case_begin(void)
{
    anchors[0] = crl_make_certificate(&(struct crl_make_cert){.subject = "Root",
                                                              .issuer = "Root",
                                                              .key = 1,
                                                              .issuer_key = 1,
                                                              .is_ca = true,
                                                              .usage = CRL_USAGE_CA});
    pool[0] = crl_make_certificate(&(struct crl_make_cert){.subject = "Sub",
                                                           .issuer = "Root",
                                                           .key = 2,
                                                           .issuer_key = 1,
                                                           .is_ca = true,
                                                           .usage = CRL_USAGE_CA,
                                                           .serial = CRL_BYTES(2)});
    in.leaf = make_leaf(span_of(NULL, 0));
    in.pool_count = 1;
    judge_case_end();
    judge_case_settings = (struct judge_settings){
        .path = {.now_s = JUDGE_NOW_S, .purpose = PATH_ANY}, .ocsp_max_age_s = 3600};
}

void judge_case_use_ocsp(const char *leaf)
{
    in.leaf = ocsp_case_file(leaf);
    in.pool_count = 0;
    anchors[0] = ocsp_case_file("ca.der");
    judge_case_settings.path.now_s = ocsp_case_now_s();
}

void judge_case_demand_staple(void)
{
    struct span oid = CRL_BYTES(6, 8, 0x2B, 6, 1, 5, 5, 7, 1, 24);
    struct span value = crl_make_der(4, CRL_BYTES(0x30, 3, 2, 1, 5));

    in.leaf = make_leaf(crl_make_der(0x30, crl_make_join(oid, value)));
    judge_case_settings.honours_must_staple = true;
}

struct span judge_case_cert(size_t level)
{
    const struct span certs[] = {in.leaf, pool[0], anchors[0]};

    return certs[level];
}

void judge_case_spoil_leaf(void)
{
    struct span copy = crl_make_bytes(in.leaf.data, in.leaf.len);

    in.leaf = crl_make_join(span_first(copy, copy.len - 1), CRL_BYTES(0));
}

void judge_case_add_block(enum judge_block_kind kind, struct span value)
{
    blocks[evidence.block_count++] = (struct judge_block){kind, value, "lost in the lift"};
}

void judge_case_add_answer(struct span response)
{
    answers[evidence.ocsp_count++] = response;
}

void judge_case_add_list(const struct crl_make_list *list)
{
    struct fault f;
    struct crl *c = crl_new(crl_make_crl(list), &f);

    cr_assert_not_null(c, "%s", f.note);
    cr_assert(evidence.crl_count < EVIDENCE_MAX);
    crls[evidence.crl_count++] = c;
}

struct span judge_case_entry(uint8_t serial, uint8_t reason)
{
    return crl_make_entry(CRL_BYTES(serial), crl_make_reason(reason));
}

void judge_case_add_crl(const char *issuer, unsigned key, uint8_t serial, const char *until)
{
    struct span none = span_of(NULL, 0);

    judge_case_add_list(
        &(struct crl_make_list){.issuer = issuer,
                                .key = key,
                                .version = 1,
                                .this_update = "20251201000000Z",
                                .next_update = until,
                                .revoked = serial > 0 ? judge_case_entry(serial, 1) : none,
                                .extensions = crl_make_number(5)});
}

void judge_case_add_ocsp(const char *file)
{
    answers[evidence.ocsp_count++] = ocsp_case_file(file);
}

void judge_case_add_signer(struct span cert)
{
    signers[evidence.signer_count++] = cert;
}

bool judge_case_ask(void)
{
    const char *sentence;

    judge_case_why.count = 0;
    judge_chain(&in, &evidence, &judge_case_settings, &judge_case_result, &judge_case_why);
    sentence = judge_sentence(&judge_case_result, &judge_case_settings, &judge_case_why);
    cr_expect(strlen(sentence) > 0);
    cr_expect_eq(reasons_decision(&judge_case_why) == NULL, judge_case_result.accepted);
    if (judge_case_result.verdict.kind == VERDICT_REVOKED) {
        cr_expect_not(judge_case_result.accepted);
    }
    if (!judge_case_result.accepted && judge_case_result.verdict.kind != VERDICT_STALE) {
        cr_expect_leq(judge_case_result.verdict.valid_until_s, judge_case_settings.path.now_s);
    }
    return judge_case_result.accepted;
}

bool judge_case_says(const char *text)
{
    for (size_t i = 0; i < judge_case_why.count; i++) {
        if (strstr(judge_case_why.lines[i].text, text) != NULL) {
            return true;
        }
    }
    return false;
}
