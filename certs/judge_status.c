#include "certs/judge_status.h"

#include <string.h>

#include "certs/chain_cert.h"
#include "certs/dn.h"
#include "certs/judge_block.h"
#include "certs/judge_note.h"
#include "certs/judge_tally.h"
#include "certs/ocsp.h"

/* Whose status is asked, and who may speak about it. */
struct subject {
    struct span cert;
    size_t issuer_at; /* the path's certificate that issued it; what lies above it vouches, too */
    int level;
    bool is_signer; /* it signed evidence and is not of the path: only the path's own CAs, and its
                       own CRL, speak about it, so that one question asks one more at most */
    struct reasons *why;
};

/* How far a piece of evidence may be believed, by the status of who signed it. */
enum belief { BELIEF_FULL, BELIEF_REVOKED_ONLY, BELIEF_NONE };

static int64_t add_seconds(int64_t a, int64_t b)
{
    return a > INT64_MAX - b ? INT64_MAX : a + b;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void name_crl(struct judge_tally *t, enum judge_saying saying, const struct crl *c,
                     const struct crl *delta)
{
    char *place = judge_tally_name(t, saying, crl_this_update_s(c));

    if (place != NULL) {
        judge_note_crl(c, delta, place);
    }
}

static void name_revoking(struct judge_tally *t, const struct crl *c,
                          const struct crl_evidence *found)
{
    char *place = judge_tally_name(t, JUDGE_SAYS_REVOKED, crl_this_update_s(c));

    if (place != NULL) {
        judge_note_crl_revoked(c, found, place);
    }
}

static void name_ocsp(struct judge_tally *t, enum ocsp_answer answer,
                      const struct ocsp_evidence *found, const struct ocsp_question *q)
{
    enum judge_saying saying = q->grace_s > 0 ? JUDGE_SAYS_GRACE : JUDGE_SAYS_GOOD;
    char *place;

    if (answer != OCSP_GOOD) {
        saying = answer == OCSP_REVOKED ? JUDGE_SAYS_REVOKED : JUDGE_SAYS_UNKNOWN;
    }
    place = judge_tally_name(t, saying, found->this_update_s);
    if (place != NULL) {
        judge_note_ocsp(answer, found, q->issuer, place);
    }
}

static bool must_staple(const struct judge_inquiry *q, size_t level)
{
    enum judge_policy policy = q->settings->policy;
    struct chain_cert c;

    if (level > 0 || !q->settings->honours_must_staple ||
        (policy != JUDGE_HARD && policy != JUDGE_GRACE)) {
        return false;
    }
    return !chain_cert_read(q->path->certs[level], &c) || c.must_staple;
}

static struct crl_authority authority_of(const struct judge_inquiry *q, const struct subject *s)
{
    return (struct crl_authority){.path = &q->path->certs[s->issuer_at],
                                  .path_count = q->path->count - s->issuer_at,
                                  .signers = q->evidence->signers,
                                  .signer_count = q->evidence->signer_count,
                                  .now_s = q->settings->path.now_s,
                                  .is_strict = q->settings->path.purpose != PATH_ANY,
                                  .allows = q->settings->path.allows};
}

static bool is_issued_under(struct span cert, struct span issuer)
{
    struct cert_view view;
    struct cert_view above;

    return cert_view_read(cert, &view) && cert_view_read(issuer, &above) &&
           dn_equal(view.issuer, above.subject);
}

static void ask_crls(const struct judge_inquiry *q, const struct subject *s, struct judge_tally *t);

/* Asked of every CA of the path that bears its issuer's name: which of a CA's keys has signed it is
 * known to who verified it, and not here. */
static struct judge_level ask_signer(const struct judge_inquiry *q, struct span signer,
                                     size_t issuer_at)
{
    struct judge_tally t = judge_tally_new();

    for (size_t i = issuer_at; i < q->path->count; i++) {
        struct subject s = {.cert = signer, .issuer_at = i, .is_signer = true};
        if (is_issued_under(signer, q->path->certs[i])) {
            ask_crls(q, &s, &t);
        }
    }
    return judge_tally_conclude(&t);
}

static void note_signer(const struct subject *s, struct span signer, const char *text)
{
    struct cert_view view;
    struct cert_facts facts;

    if (cert_view_read(signer, &view)) {
        cert_view_facts(&view, &facts);
        reasons_add(s->why, REASONS_NOTE, s->level, text, facts.subject);
    }
}

/* empty: the CA itself, and of the path none is blocked. */
static bool is_signer_blocked(const struct judge_inquiry *q, const struct subject *s,
                              struct span signer)
{
    if (signer.len == 0 || judge_block_find(signer, q->evidence) == NULL) {
        return false;
    }
    note_signer(s, signer, "evidence is void, its signer is blocked here: ");
    return true;
}

/* Evidence about `s` was signed by this certificate, which is none of the path. */
static enum belief believe_signer(const struct judge_inquiry *q, const struct subject *s,
                                  struct span signer)
{
    struct judge_level status = ask_signer(q, signer, s->issuer_at);

    if (status.kind == VERDICT_REVOKED) {
        note_signer(s, signer, "evidence is void, its signer is revoked: ");
        return BELIEF_NONE;
    }
    if (status.kind == VERDICT_GOOD || status.is_in_grace || q->settings->need == JUDGE_NEED_LEAF) {
        return BELIEF_FULL;
    }
    note_signer(s, signer, "evidence does not help, its signer has no good status: ");
    return BELIEF_REVOKED_ONLY;
}

static bool is_in_path(const struct path *path, struct span cert)
{
    for (size_t i = 0; i < path->count; i++) {
        if (span_equal(path->certs[i], cert)) {
            return true;
        }
    }
    return false;
}

/* The time of who signed evidence without being of the path: after it the evidence is refused.
 * Empty: the CA itself, whose time is the path's. */
static int64_t end_of_signer(struct span signer)
{
    struct cert_view view;

    return cert_view_read(signer, &view) ? view.not_after_s : INT64_MAX;
}

/* Genuine, and from somebody who is believed? *until_s (may be NULL): the end of the signer's time.
 */
static enum belief believe_crl(const struct judge_inquiry *q, const struct subject *s,
                               const struct crl *c, int64_t *until_s, struct reasons *why)
{
    struct crl_authority authority = authority_of(q, s);
    struct span signer = span_of(NULL, 0);

    if (!crl_verify(c, &authority, &signer, s->level, why)) {
        return BELIEF_NONE;
    }
    if (until_s != NULL) {
        *until_s = end_of_signer(signer);
    }
    if (is_in_path(q->path, signer)) {
        return BELIEF_FULL;
    }
    if (is_signer_blocked(q, s, signer)) {
        return BELIEF_NONE;
    }
    if (s->is_signer) {
        return span_equal(signer, s->cert) ? BELIEF_FULL : BELIEF_NONE;
    }
    return believe_signer(q, s, signer);
}

/* crlNumber: INTEGERs in their shortest form, not negative; the longer one is the larger. */
static bool is_later(const struct crl *a, const struct crl *b)
{
    struct span left = crl_number(a);
    struct span right = crl_number(b);

    if (left.len != right.len) {
        return left.len > right.len;
    }
    return left.len > 0 && memcmp(left.data, right.data, left.len) > 0;
}

static void mark_told(const struct judge_inquiry *q, const struct subject *s, size_t at)
{
    if (!s->is_signer) {
        q->is_told[at] = true;
    }
}

static bool is_delta_of(const struct crl *delta, const struct crl *base)
{
    return crl_is_delta(delta) && dn_equal(crl_issuer(delta), crl_issuer(base));
}

/* The delta with the highest number, or NULL. */
static const struct crl *find_delta(const struct judge_inquiry *q, const struct subject *s,
                                    const struct crl *base)
{
    const struct crl *newest = NULL;

    for (size_t i = 0; i < q->evidence->crl_count; i++) {
        const struct crl *c = q->evidence->crls[i];
        if (is_delta_of(c, base) && believe_crl(q, s, c, NULL, NULL) == BELIEF_FULL) {
            mark_told(q, s, i);
            newest = newest == NULL || is_later(c, newest) ? c : newest;
        }
    }
    return newest;
}

/* Does any delta revoke what its base does not? A delta that is not the newest still counts for
 * this, not for lifting a hold: in doubt it is revoked. */
static const struct crl *find_revoking_delta(const struct judge_inquiry *q, const struct subject *s,
                                             const struct crl *base,
                                             const struct crl_question *question)
{
    struct crl_question other = *question;
    struct crl_evidence found;

    other.delta = NULL;
    if (crl_ask(base, &other, &found, NULL) == CRL_REVOKED) {
        return NULL; /* the newest has lifted it */
    }
    for (size_t i = 0; i < q->evidence->crl_count; i++) {
        other.delta = q->evidence->crls[i];
        if (is_delta_of(other.delta, base) &&
            believe_crl(q, s, other.delta, NULL, NULL) != BELIEF_NONE &&
            crl_ask(base, &other, &found, NULL) == CRL_REVOKED) {
            return other.delta;
        }
    }
    return NULL;
}

/* A base CRL that was verified. */
struct testimony {
    const struct crl *crl;
    enum belief belief;
    int64_t until_s; /* the end of its signer's time */
};

/* What a base CRL with its deltas says. */
static void ask_base(const struct judge_inquiry *q, const struct subject *s,
                     const struct testimony *from, struct judge_tally *t)
{
    const struct crl *c = from->crl;
    struct crl_question question = {.cert = s->cert,
                                    .delta = find_delta(q, s, c),
                                    .now_s = q->settings->path.now_s,
                                    .level = s->level};
    const struct crl *revoking = find_revoking_delta(q, s, c, &question);
    struct crl_evidence found;
    enum crl_answer answer;
    bool is_in_grace = false;

    question.delta = revoking != NULL ? revoking : question.delta;
    answer = crl_ask(c, &question, &found, s->why);
    if (answer == CRL_STALE && q->settings->policy == JUDGE_GRACE) {
        is_in_grace = true;
        question.grace_s = q->settings->grace_s;
        answer = crl_ask(c, &question, &found, s->why);
    }
    t->is_revoked = t->is_revoked || answer == CRL_REVOKED;
    if (answer == CRL_REVOKED) {
        name_revoking(t, found.is_by_delta ? question.delta : c, &found);
    }
    if (from->belief != BELIEF_FULL) {
        return;
    }
    t->is_stale = t->is_stale || answer == CRL_STALE;
    if (answer == CRL_STALE) {
        name_crl(t, JUDGE_SAYS_STALE, c, NULL);
    }
    if (answer == CRL_GOOD || answer == CRL_PART) {
        judge_tally_count(t, found.reasons, earlier(found.until_s, from->until_s), is_in_grace);
        name_crl(t, is_in_grace ? JUDGE_SAYS_GRACE : JUDGE_SAYS_GOOD, c, question.delta);
    }
}

/* Every CRL is tried: one of another issuer may be indirect. Only those that bear the issuer's name
 * give a reason for not being used; see judge_status_tell_rest for the others. */
static void ask_crls(const struct judge_inquiry *q, const struct subject *s, struct judge_tally *t)
{
    struct cert_view issuer;

    if (!cert_view_read(q->path->certs[s->issuer_at], &issuer)) {
        return;
    }
    for (size_t i = 0; i < q->evidence->crl_count; i++) {
        struct testimony from = {.crl = q->evidence->crls[i]};
        bool is_named = dn_equal(crl_issuer(from.crl), issuer.subject);
        if (crl_is_delta(from.crl)) {
            continue;
        }
        from.belief = believe_crl(q, s, from.crl, &from.until_s, is_named ? s->why : NULL);
        if (is_named || from.belief != BELIEF_NONE) {
            mark_told(q, s, i);
        }
        if (from.belief != BELIEF_NONE) {
            ask_base(q, s, &from, t);
        }
    }
}

static void ask_ocsp(const struct judge_inquiry *q, const struct subject *s, struct span response,
                     struct judge_tally *t)
{
    struct ocsp_question question = {.cert = s->cert,
                                     .issuer = q->path->certs[s->issuer_at],
                                     .now_s = q->settings->path.now_s,
                                     .skew_s = q->settings->skew_s,
                                     .max_age_s = q->settings->ocsp_max_age_s,
                                     .strict_strength = q->settings->path.purpose != PATH_ANY,
                                     .allows = q->settings->path.allows,
                                     .level = s->level};
    struct ocsp_evidence found;
    enum ocsp_answer answer = ocsp_judge(response, &question, &found, s->why);
    enum belief belief = BELIEF_FULL;

    if (answer == OCSP_NOTHING && q->settings->policy == JUDGE_GRACE) {
        question.grace_s = q->settings->grace_s;
        answer = ocsp_judge(response, &question, &found, s->why);
    }
    if (answer == OCSP_NOTHING) {
        return;
    }
    if (is_signer_blocked(q, s, found.signer)) {
        belief = BELIEF_NONE;
    } else if (found.must_check_signer) {
        belief = believe_signer(q, s, found.signer);
    }
    t->is_revoked = t->is_revoked || (answer == OCSP_REVOKED && belief != BELIEF_NONE);
    if (belief == BELIEF_FULL || (answer == OCSP_REVOKED && belief != BELIEF_NONE)) {
        name_ocsp(t, answer, &found, &question);
    }
    if (belief != BELIEF_FULL) {
        return;
    }
    t->is_unknown = t->is_unknown || answer == OCSP_UNKNOWN;
    if (answer == OCSP_GOOD) {
        bool is_in_grace = question.grace_s > 0;
        judge_tally_count(
            t, CRL_ALL_REASONS,
            earlier(add_seconds(found.until_s, question.grace_s), end_of_signer(found.signer)),
            is_in_grace);
        t->has_ocsp = t->has_ocsp || !is_in_grace;
        t->has_grace_ocsp = t->has_grace_ocsp || is_in_grace;
    }
}

struct judge_level judge_status_ask(const struct judge_inquiry *q, size_t level)
{
    struct subject s = {
        .cert = q->path->certs[level], .issuer_at = level + 1, .level = (int)level, .why = q->why};
    struct judge_tally t = judge_tally_new();

    ask_crls(q, &s, &t);
    for (size_t i = 0; i < q->evidence->ocsp_count; i++) {
        ask_ocsp(q, &s, q->evidence->ocsp[i], &t);
    }
    if (must_staple(q, level)) {
        judge_tally_demand_ocsp(&t);
    }
    return judge_tally_conclude(&t);
}

void judge_status_tell_rest(const struct judge_inquiry *q)
{
    struct subject leaf = {.cert = q->path->certs[0], .issuer_at = 1, .level = -1};
    struct crl_authority authority = authority_of(q, &leaf);
    struct crl_question question = {
        .cert = leaf.cert, .now_s = q->settings->path.now_s, .level = leaf.level};

    for (size_t i = 0; i < q->evidence->crl_count; i++) {
        const struct crl *c = q->evidence->crls[i];
        struct crl_evidence ignored;
        /* Verified but never asked: a delta that found no base. */
        if (!q->is_told[i] && crl_verify(c, &authority, NULL, leaf.level, q->why)) {
            (void)crl_ask(c, &question, &ignored, q->why);
        }
    }
}
