#include "certs/verdict_ask.h"

#include <stdio.h>
#include <string.h>

#include "certs/cert.h"
#include "certs/crl_signers.h"
#include "certs/dn.h"
#include "certs/mem.h"

/* What one question needs on its way to the judge. */
struct desk {
    const struct verdict_question *q;
    struct span pool[PATH_POOL_MAX];
    struct path_input in;
    struct judge_settings settings;
    struct judge_evidence evidence;
    struct span signers[CRL_SIGNERS_MAX + PATH_POOL_MAX];
    struct crl *crls[EVIDENCE_CRLS_MAX];
    struct span answers[PATH_MAX_CERTS];
    struct path path;
    struct judge_result result;
    struct reasons reasons; /* when the caller wants none */
    struct reasons *why;
};

/* The trust's intermediates, then the peer's: those of a peer are valid for its own chain only. */
static void fill_input(struct desk *d)
{
    const struct verdict_question *q = d->q;
    const struct span *cas;
    size_t anchors;
    size_t count = trust_cas(q->trust, &cas, &anchors);
    size_t used = 0;

    for (size_t i = anchors; i < count && used < PATH_POOL_MAX; i++) {
        d->pool[used++] = cas[i];
    }
    for (size_t i = 1; i < q->count && used < PATH_POOL_MAX; i++) {
        d->pool[used++] = q->chain[i];
    }
    d->in = (struct path_input){.leaf = q->chain[0],
                                .pool = d->pool,
                                .pool_count = used,
                                .anchors = cas,
                                .anchor_count = anchors};
}

static void fill_settings(struct desk *d)
{
    const struct verdict_question *q = d->q;
    struct span policy = q->is_own ? span_of(NULL, 0) : trust_policy(q->trust);

    d->settings = (struct judge_settings){
        .path = {.now_s = q->now_s,
                 .purpose = q->purpose,
                 .required_policy = policy,
                 .allows = trust_allows(q->trust),
                 .allows_loose_cas = !trust_is_strict_about_cas(q->trust),
                 .requires_eku = !q->is_own && trust_requires_eku(q->trust)},
        .policy = q->policy,
        .need = JUDGE_NEED_CHAIN,
        .grace_s = q->grace_s,
        .ocsp_max_age_s = q->ocsp_max_age_s,
        .skew_s = q->skew_s,
        .honours_must_staple = true};
}

/* ---- the path ---- */

static bool is_in_time(struct span cert, int64_t now_s)
{
    struct cert_view view;

    return cert_view_read(cert, &view) && now_s >= view.not_before_s && now_s <= view.not_after_s;
}

static bool is_anchor(const struct path_input *in, struct span cert)
{
    for (size_t i = 0; i < in->anchor_count; i++) {
        if (span_equal(in->anchors[i], cert)) {
            return true;
        }
    }
    return false;
}

/* What of a known path can be checked without a signature. */
static bool is_known_good(const struct desk *d, const struct path *known)
{
    if (known == NULL || known->count < 2 || known->count > PATH_MAX_CERTS ||
        !span_equal(known->certs[0], d->in.leaf) ||
        !is_anchor(&d->in, known->certs[known->count - 1])) {
        return false;
    }
    for (size_t i = 0; i < known->count; i++) {
        if (!is_in_time(known->certs[i], d->q->now_s)) {
            return false;
        }
    }
    return true;
}

static bool find_path(struct desk *d)
{
    if (is_known_good(d, d->q->known_path)) {
        d->path = *d->q->known_path;
        reasons_add(d->why, REASONS_PASS, -1,
                    "the path was validated before and is within its time", NULL);
        return true;
    }
    return path_validate(&d->in, &d->settings.path, &d->path, d->why);
}

/* ---- the evidence ---- */

/* Can this CRL say anything about a certificate of the path? Only one that bears the name of an
 * issuer of the path, or an indirect one. The judge would find that out for each level anew. */
static bool is_of_path(const struct path *path, const struct crl *c)
{
    if (crl_is_indirect(c)) {
        return true;
    }
    for (size_t i = 1; i < path->count; i++) {
        struct cert_view view;
        if (cert_view_read(path->certs[i], &view) && dn_equal(view.subject, crl_issuer(c))) {
            return true;
        }
    }
    return false;
}

static void gather_crls(struct desk *d)
{
    const struct evidence_crl *all;
    size_t count = evidence_crls(d->q->evidence, &all);
    size_t used = 0;

    for (size_t i = 0; i < count && used < EVIDENCE_CRLS_MAX; i++) {
        if (all[i].is_verified && is_of_path(&d->path, all[i].crl)) {
            d->crls[used++] = all[i].crl;
        }
    }
    d->evidence.crls = d->crls;
    d->evidence.crl_count = used;
}

static void gather_answers(struct desk *d)
{
    size_t used = 0;

    for (size_t i = 0; i + 1 < d->path.count; i++) {
        struct span response = evidence_answer_of(d->q->evidence, d->path.certs[i]);
        if (response.len > 0) {
            d->answers[used++] = response;
        }
    }
    d->evidence.ocsp = d->answers;
    d->evidence.ocsp_count = used;
}

/* The trust's own come first: how many a peer may bring, and the judge's work has a bound. */
static void gather_signers(struct desk *d)
{
    const struct span *own;
    size_t used = trust_crl_signers(d->q->trust, &own);

    memcpy(d->signers, own, used * sizeof(own[0]));
    for (size_t i = 0; i < d->in.pool_count; i++) {
        d->signers[used++] = d->pool[i];
    }
    d->evidence.signers = d->signers;
    d->evidence.signer_count = used;
}

static void gather(struct desk *d)
{
    gather_signers(d);
    if (d->q->evidence != NULL && d->q->policy != JUDGE_OFF) {
        gather_crls(d);
        gather_answers(d);
    }
}

/* ---- the answer ---- */

static void list_needs(const struct judge_result *result, struct verdict_answer *out)
{
    for (size_t i = 0; i + 1 < result->path.count; i++) {
        const struct judge_level *level = &result->levels[i];
        if (level->kind != VERDICT_GOOD) {
            out->needs[out->need_count] = (struct verdict_need){.cert = result->path.certs[i],
                                                                .issuer = result->path.certs[i + 1],
                                                                .level = (int)i,
                                                                .must_ocsp = level->lacks_ocsp};
            out->need_count++;
        }
    }
}

/* The leaf's first, and only whole texts: half of one could end inside of a character. */
static void tell_evidence(const struct judge_result *result, char out[VERDICT_TEXT_MAX])
{
    size_t len = 0;

    for (size_t i = 0; i < PATH_MAX_CERTS; i++) {
        const char *text = result->levels[i].evidence;
        const char *between = len > 0 ? "; " : "";
        if (text[0] == '\0' || strlen(text) + strlen(between) >= VERDICT_TEXT_MAX - len) {
            continue;
        }
        len += (size_t)snprintf(out + len, VERDICT_TEXT_MAX - len, "%s%s", between, text);
    }
}

static bool is_alarming(const struct judge_result *result)
{
    switch (result->verdict.kind) {
    case VERDICT_GOOD:
    case VERDICT_NOT_CHECKED: /* `revocation = off` is written out */
        return false;
    case VERDICT_REVOKED:
    case VERDICT_UNKNOWN:
    case VERDICT_STALE:
    case VERDICT_UNAVAILABLE:
        break;
    }
    return true;
}

static void answer(const struct desk *d, struct verdict_answer *out)
{
    const struct judge_result *result = &d->result;

    out->accepted = result->accepted;
    out->is_tolerated = result->accepted && is_alarming(result);
    out->is_blocked = result->is_blocked;
    out->has_path = result->path.count > 0;
    out->time = out->has_path || out->is_blocked ? PATH_TIME_FITS : path_time_of(d->why);
    out->path = result->path;
    out->verdict = result->verdict;
    (void)snprintf(out->sentence, VERDICT_TEXT_MAX, "%s",
                   judge_sentence(result, &d->settings, d->why));
    tell_evidence(result, out->evidence);
    if (!result->is_blocked && d->q->policy != JUDGE_OFF) {
        list_needs(result, out);
    }
}

static void refuse(struct verdict_answer *out, struct reasons *why, const char *text)
{
    reasons_add(why, REASONS_REFUSE, -1, text, NULL);
    (void)snprintf(out->sentence, VERDICT_TEXT_MAX, "%s", text);
}

static void ask(struct desk *d)
{
    fill_input(d);
    fill_settings(d);
    d->evidence.blocks = d->q->blocks;
    d->evidence.block_count = d->q->block_count;
    if (judge_blocked_leaf(d->in.leaf, &d->evidence, &d->settings, &d->result, d->why) ||
        !find_path(d)) {
        return;
    }
    gather(d);
    judge_path(&d->path, &d->evidence, &d->settings, &d->result, d->why);
}

void verdict_ask_chain(const struct verdict_question *q, struct verdict_answer *out,
                       struct reasons *why)
{
    struct desk *d;

    memset(out, 0, sizeof(*out));
    out->verdict = (struct verdict){VERDICT_UNAVAILABLE, q->now_s};
    if (why != NULL) {
        why->count = 0;
    }
    if (q->count == 0) {
        refuse(out, why, "there is no certificate to judge");
        return;
    }
    d = mem_new(1, sizeof(*d));
    if (d == NULL) {
        refuse(out, why, "out of memory");
        return;
    }
    d->q = q;
    d->why = why != NULL ? why : &d->reasons;
    ask(d);
    answer(d, out);
    mem_free(d);
}
