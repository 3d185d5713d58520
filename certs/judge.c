#include "certs/judge.h"

#include <assert.h>
#include <stdio.h>

#include "certs/cert.h"
#include "certs/judge_block.h"
#include "certs/judge_status.h"
#include "certs/mem.h"

/* The worse of two verdicts comes later. */
static unsigned rank(enum verdict_kind kind)
{
    switch (kind) {
    case VERDICT_GOOD:
        return 0;
    case VERDICT_NOT_CHECKED:
        return 1;
    case VERDICT_STALE:
        return 2;
    case VERDICT_UNAVAILABLE:
        return 3;
    case VERDICT_UNKNOWN:
        return 4;
    case VERDICT_REVOKED:
        break;
    }
    return 5;
}

/* The first notAfter of the path; the anchor's counts, as in path_validate. */
static int64_t end_of_path(const struct path *path)
{
    int64_t end_s = INT64_MAX;

    for (size_t i = 0; i < path->count; i++) {
        struct cert_view view;
        if (cert_view_read(path->certs[i], &view) && view.not_after_s < end_s) {
            end_s = view.not_after_s;
        }
    }
    return end_s;
}

static bool has_name(const struct path *path, const struct judge_settings *settings,
                     struct reasons *why)
{
    const struct name_rule *matched = NULL;

    if (settings->name_count == 0) {
        return true;
    }
    if (!names_match_certificate(settings->names, settings->name_count, path->certs[0], &matched)) {
        reasons_add(why, REASONS_REFUSE, 0,
                    "no name in the certificate's subjectAltName is one that is asked for", NULL);
        return false;
    }
    reasons_add(why, REASONS_PASS, 0, "the certificate has the name ", matched->value);
    return true;
}

static bool tolerates(const struct judge_settings *settings, const struct judge_level *status)
{
    switch (status->kind) {
    case VERDICT_GOOD:
        return true;
    case VERDICT_UNKNOWN:
    case VERDICT_UNAVAILABLE:
        return settings->policy == JUDGE_SOFT;
    case VERDICT_STALE:
        return status->is_in_grace || settings->policy == JUDGE_SOFT;
    case VERDICT_REVOKED:
    case VERDICT_NOT_CHECKED:
        return false;
    }
    return false;
}

static const char *status_text(const struct judge_level *status)
{
    switch (status->kind) {
    case VERDICT_GOOD:
    case VERDICT_NOT_CHECKED:
        return "not revoked";
    case VERDICT_REVOKED:
        return "revoked";
    case VERDICT_UNKNOWN:
        return "status unknown: the responder does not know the certificate";
    case VERDICT_STALE:
        return status->is_in_grace ? "status in its grace time: the evidence has expired"
                                   : "status stale: the evidence has expired";
    case VERDICT_UNAVAILABLE:
        break;
    }
    if (status->lacks_ocsp) {
        return "status unavailable: the certificate demands an OCSP answer (must-staple), a CRL "
               "does not do";
    }
    return "status unavailable: no accepted CRL or OCSP answer speaks about the certificate";
}

/* One certificate's status enters the verdict; true when it lets the chain pass. */
static bool weigh(const struct judge_inquiry *q, size_t level, const struct judge_level *status,
                  struct verdict *verdict)
{
    bool is_needed = level == 0 || q->settings->need == JUDGE_NEED_CHAIN;
    bool is_passed = tolerates(q->settings, status);
    enum reasons_mark mark = is_passed ? REASONS_NOTE : REASONS_REFUSE;

    if (!is_needed && status->kind != VERDICT_REVOKED) {
        reasons_add(q->why, REASONS_NOTE, (int)level, status_text(status), " (not required)");
        return true;
    }
    reasons_add(q->why, status->kind == VERDICT_GOOD ? REASONS_PASS : mark, (int)level,
                status_text(status),
                is_passed && status->kind != VERDICT_GOOD ? " (the policy lets it pass)" : NULL);
    if (rank(status->kind) > rank(verdict->kind)) {
        verdict->kind = status->kind;
    }
    if (status->kind != VERDICT_GOOD && !status->is_in_grace) {
        verdict->valid_until_s = q->settings->path.now_s;
    } else if (status->until_s < verdict->valid_until_s) {
        verdict->valid_until_s = status->until_s;
    }
    return is_passed;
}

/* All are asked before any is weighed: what is said of a revoked one comes first, and decides. */
static bool judge_statuses(const struct judge_inquiry *q, struct judge_level *statuses,
                           struct verdict *verdict)
{
    bool is_passed = true;

    for (size_t i = 0; i + 1 < q->path->count; i++) {
        statuses[i] = judge_status_ask(q, i);
    }
    judge_status_tell_rest(q);
    for (size_t i = 0; i + 1 < q->path->count; i++) {
        is_passed = weigh(q, i, &statuses[i], verdict) && is_passed;
    }
    return is_passed;
}

static bool judge_revocation(const struct judge_evidence *evidence,
                             const struct judge_settings *settings, struct judge_result *out,
                             struct reasons *why)
{
    struct judge_inquiry q = {
        .evidence = evidence, .settings = settings, .path = &out->path, .why = why};
    struct verdict verdict = {VERDICT_GOOD, end_of_path(&out->path)};
    bool is_passed;

    if (settings->policy == JUDGE_OFF) {
        reasons_add(why, REASONS_NOTE, -1, "revocation is not checked: the policy is off", NULL);
        verdict.kind = VERDICT_NOT_CHECKED;
        out->verdict = verdict;
        return true;
    }
    q.is_told = mem_new(evidence->crl_count + 1, sizeof(*q.is_told));
    if (q.is_told == NULL) {
        reasons_add(why, REASONS_REFUSE, -1, "out of memory", NULL);
        return false;
    }
    is_passed = judge_statuses(&q, out->levels, &verdict);
    mem_free(q.is_told);
    out->verdict = verdict;
    return is_passed;
}

/* What stands when nothing was accepted. */
static void begin(struct judge_result *out, const struct judge_settings *settings)
{
    *out = (struct judge_result){
        .verdict = {.kind = VERDICT_UNAVAILABLE, .valid_until_s = settings->path.now_s}};
    for (size_t i = 0; i < PATH_MAX_CERTS; i++) {
        out->levels[i].kind = VERDICT_NOT_CHECKED;
    }
}

static bool is_blocked(struct span cert, size_t level, const struct judge_evidence *evidence,
                       struct judge_result *out, struct reasons *why)
{
    const char *reason = judge_block_find(cert, evidence);

    if (reason == NULL) {
        return false;
    }
    reasons_add(why, REASONS_REFUSE, (int)level, "blocked here: ", reason);
    out->is_blocked = true;
    out->verdict.kind = VERDICT_REVOKED;
    out->levels[level].kind = VERDICT_REVOKED;
    (void)snprintf(out->levels[level].evidence, JUDGE_EVIDENCE_MAX, "block list");
    return true;
}

void judge_path(const struct path *path, const struct judge_evidence *evidence,
                const struct judge_settings *settings, struct judge_result *out,
                struct reasons *why)
{
    assert(path->count >= 2 && path->count <= PATH_MAX_CERTS);
    begin(out, settings);
    out->path = *path;
    for (size_t i = 0; i < path->count; i++) {
        if (is_blocked(path->certs[i], i, evidence, out, why)) {
            return;
        }
    }
    out->accepted = has_name(path, settings, why) && judge_revocation(evidence, settings, out, why);
}

bool judge_blocked_leaf(struct span leaf, const struct judge_evidence *evidence,
                        const struct judge_settings *settings, struct judge_result *out,
                        struct reasons *why)
{
    begin(out, settings);
    return is_blocked(leaf, 0, evidence, out, why);
}

void judge_chain(const struct path_input *in, const struct judge_evidence *evidence,
                 const struct judge_settings *settings, struct judge_result *out,
                 struct reasons *why)
{
    struct path path = {.count = 0};

    /* Before the path: a lost device is cut off even when its chain cannot be judged. */
    if (judge_blocked_leaf(in->leaf, evidence, settings, out, why)) {
        return;
    }
    if (!path_validate(in, &settings->path, &path, why)) {
        return;
    }
    judge_path(&path, evidence, settings, out, why);
}

const char *judge_sentence(const struct judge_result *result, const struct judge_settings *settings,
                           const struct reasons *why)
{
    const char *decision = reasons_decision(why);

    if (!result->accepted) {
        return decision != NULL ? decision : "the chain was not accepted";
    }
    switch (result->verdict.kind) {
    case VERDICT_GOOD:
        return settings->need == JUDGE_NEED_LEAF
                   ? "the path is valid and its first certificate is not revoked"
                   : "the path is valid and none of its certificates is revoked";
    case VERDICT_NOT_CHECKED:
        return "the path is valid; revocation was not checked";
    case VERDICT_STALE:
    case VERDICT_UNKNOWN:
    case VERDICT_UNAVAILABLE:
        return "the path is valid; the policy lets a status pass that is not known for sure";
    case VERDICT_REVOKED:
        break;
    }
    return "the path is valid";
}
