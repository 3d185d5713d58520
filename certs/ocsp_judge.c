#include <assert.h>
#include <string.h>

#include "certs/dn.h"
#include "certs/ocsp.h"
#include "certs/ocsp_inside.h"

static const char label[] = "OCSP answer: ";

/* The question with everything that is worked out once. */
struct judgement {
    const struct ocsp_question *q;
    struct cert_view cert;
    struct chain_cert issuer;
    struct ocsp_id ids[2]; /* by enum ocsp_hash */
    const char *note;      /* why a matching SingleResponse is no information */
};

/* a + b for b >= 0, at most the largest number: a configured "for ever" must not wrap around. */
static int64_t add_seconds(int64_t a, int64_t b)
{
    return a > INT64_MAX - b ? INT64_MAX : a + b;
}

static const char *open_question(const struct ocsp_question *q, struct judgement *j)
{
    j->q = q;
    if (!cert_view_read(q->cert, &j->cert) || !chain_cert_read(q->issuer, &j->issuer)) {
        return "the certificate or its issuer cannot be read";
    }
    if (!dn_equal(j->cert.issuer, j->issuer.view.subject)) {
        return "the certificate is of another issuer";
    }
    if (!ocsp_id_make(&j->cert, &j->issuer.view, OCSP_SHA1, &j->ids[OCSP_SHA1]) ||
        !ocsp_id_make(&j->cert, &j->issuer.view, OCSP_SHA256, &j->ids[OCSP_SHA256])) {
        return "the issuer's key cannot be read";
    }
    return NULL;
}

/* All four fields of the CertID. span_equal compares lengths first: a serial that begins like ours
 * is another one. */
static bool is_about_it(const struct judgement *j, const struct ocsp_single *s)
{
    const struct ocsp_id *id = &j->ids[s->hash];

    return s->is_hash_known && span_equal(s->name_hash, span_of(id->name, id->hash_len)) &&
           span_equal(s->key_hash, span_of(id->key, id->hash_len)) &&
           span_equal(s->serial, j->cert.serial);
}

static int64_t end_of(const struct judgement *j, const struct ocsp_single *s)
{
    return s->has_next_update ? s->next_update_s : add_seconds(s->this_update_s, j->q->max_age_s);
}

/* Does it hold now? NULL, or why not. */
static const char *check_times(const struct judgement *j, const struct ocsp_single *s)
{
    const struct ocsp_question *q = j->q;
    int64_t grace_s = s->has_next_update ? q->grace_s : 0;

    if (s->this_update_s > add_seconds(q->now_s, q->skew_s)) {
        return "its thisUpdate lies in the future";
    }
    if (s->has_next_update && s->next_update_s < s->this_update_s) {
        return "its nextUpdate lies before its thisUpdate";
    }
    if (add_seconds(add_seconds(end_of(j, s), q->skew_s), grace_s) < q->now_s) {
        return s->has_next_update ? "its nextUpdate has passed"
                                  : "it has no nextUpdate and is too old";
    }
    return NULL;
}

/* What one SingleResponse about our certificate says. */
static enum ocsp_answer judge_single(struct judgement *j, const struct ocsp_single *s)
{
    const char *refusal;

    if (s->has_unknown_critical) {
        j->note = "it has a critical extension that is not known here";
        return OCSP_NOTHING;
    }
    /* Revoked stays true when it is old; good does not. */
    if (s->status == OCSP_REVOKED) {
        return OCSP_REVOKED;
    }
    refusal = check_times(j, s);
    if (refusal != NULL) {
        j->note = refusal;
        return OCSP_NOTHING;
    }
    return s->status;
}

/* Of two answers about the same certificate the worse one counts. */
static unsigned rank(enum ocsp_answer answer)
{
    switch (answer) {
    case OCSP_GOOD:
        return 1;
    case OCSP_UNKNOWN:
        return 2;
    case OCSP_NOTHING:
        return 3;
    case OCSP_REVOKED:
        break;
    }
    return 4;
}

static enum ocsp_answer judge_singles(struct judgement *j, const struct ocsp_basic *basic,
                                      struct ocsp_evidence *evidence)
{
    enum ocsp_answer worst = OCSP_NOTHING;
    struct span rest = basic->singles;
    bool is_found = false;

    j->note = "it is about another certificate";
    while (rest.len > 0) {
        struct ocsp_single s;
        enum ocsp_answer answer;
        if (!ocsp_parse_single(&rest, &s)) {
            j->note = "a SingleResponse is broken";
            return OCSP_NOTHING;
        }
        if (!is_about_it(j, &s)) {
            continue;
        }
        answer = judge_single(j, &s);
        if (!is_found || rank(answer) > rank(worst)) {
            is_found = true;
            worst = answer;
            evidence->this_update_s = s.this_update_s;
            evidence->until_s = end_of(j, &s);
            evidence->revoked_at_s = s.revoked_at_s;
            evidence->reason = s.reason;
        }
    }
    return worst;
}

static const char *check_answer(const struct judgement *j, const struct ocsp_basic *basic)
{
    const struct ocsp_question *q = j->q;

    if (basic->produced_at_s > add_seconds(q->now_s, q->skew_s)) {
        return "its producedAt lies in the future";
    }
    if (q->nonce.len > 0 && basic->nonce.len == 0 && !q->nonce_optional) {
        return "it has no nonce, but was asked with one";
    }
    /* An old answer played again. */
    if (q->nonce.len > 0 && basic->nonce.len > 0 && !span_equal(q->nonce, basic->nonce)) {
        return "its nonce is not ours";
    }
    return NULL;
}

static enum ocsp_answer judge(struct judgement *j, struct span response,
                              const struct ocsp_question *q, struct ocsp_evidence *out)
{
    struct ocsp_basic basic;
    struct ocsp_signer signer;

    j->note = open_question(q, j);
    if (j->note == NULL) {
        j->note = ocsp_parse_response(response, &basic);
    }
    if (j->note == NULL) {
        j->note = ocsp_signer_check(&basic, &j->issuer, q, &signer);
    }
    if (j->note == NULL) {
        j->note = check_answer(j, &basic);
    }
    if (j->note != NULL) {
        return OCSP_NOTHING;
    }
    out->produced_at_s = basic.produced_at_s;
    out->signer = signer.cert;
    out->must_check_signer = signer.must_check;
    return judge_singles(j, &basic, out);
}

enum ocsp_answer ocsp_judge(struct span response, const struct ocsp_question *q,
                            struct ocsp_evidence *evidence, struct reasons *why)
{
    struct judgement j;
    struct ocsp_evidence found = {.until_s = 0};
    enum ocsp_answer answer;

    assert(q->now_s >= 0 && q->skew_s >= 0 && q->max_age_s >= 0 && q->grace_s >= 0);
    answer = judge(&j, response, q, &found);
    if (answer == OCSP_NOTHING) {
        memset(&found, 0, sizeof(found));
    }
    *evidence = found;
    switch (answer) {
    case OCSP_GOOD:
        reasons_add(why, REASONS_PASS, q->level, label, "good");
        break;
    case OCSP_REVOKED:
        reasons_add(why, REASONS_REFUSE, q->level, label, "the certificate is revoked");
        break;
    case OCSP_UNKNOWN:
        /* What that means is up to the policy. */
        reasons_add(why, REASONS_NOTE, q->level, label, "the responder does not know it");
        break;
    case OCSP_NOTHING:
        reasons_add(why, REASONS_NOTE, q->level, label, j.note);
        break;
    }
    return answer;
}
