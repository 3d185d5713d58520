/* Asking: what the judge says of a chain with what is known now, and what could be fetched to know
 * more. */
#include <stdio.h>
#include <string.h>

#include "certs/mem.h"
#include "gateway/log.h"
#include "gateway/revocation_private.h"

enum { INQUIRY_RETRY_S = 60 }; /* an answer that is not good is made anew at least so often */

/* The path that was found last is good as long as it borrows from the trust in force; the judge
 * looks at its dates again. */
static void inquiry_ask_judge(struct inquiry *q, int64_t now_s, struct verdict_answer *answer)
{
    struct knowledge *k = q->knowledge;
    struct revocation *r = k->revocation;
    struct verdict_question question = {
        .trust = k->trust,
        .evidence = k->evidence,
        .chain = q->chain,
        .count = q->count,
        .purpose = q->who == INQUIRY_PEER_SERVER || q->who == INQUIRY_OWN_SERVER ? PATH_SERVER
                                                                                 : PATH_CLIENT,
        .policy = conf_judge_policy(q->mode),
        .grace_s = q->grace_s,
        .skew_s = REVOCATION_SKEW_S,
        .ocsp_max_age_s = REVOCATION_OCSP_AGE_S,
        .blocks = r->judge_blocks,
        .block_count = r->judge_block_count,
        .now_s = now_s,
        .is_own = inquiry_is_own(q),
        .known_path = q->path.count > 0 ? &q->path : NULL,
    };
    verdict_ask_chain(&question, answer, NULL);
    if (!answer->has_path) {
        q->path.count = 0;
        return;
    }
    q->path = answer->path;
    if (q->trust != k->trust) {
        trust_release(q->trust);
        q->trust = trust_hold(k->trust);
    }
}

/* From now on the status of these certificates is kept fresh. True: something is on its way that
 * could make the answer better. *is_first: a responder that was never asked about one of them may
 * make it worse: a CRL that calls it good does not spare that question. */
static bool inquiry_ask_fetch(struct inquiry *q, const struct verdict_answer *answer, int64_t now_s,
                              bool *is_first)
{
    struct knowledge *k = q->knowledge;
    bool is_hopeful = false;
    if (k->conf == NULL || q->mode == CONF_REVOCATION_OFF || !answer->has_path) {
        return false;
    }
    for (size_t i = 0; i + 1 < answer->path.count; i++) {
        struct ocsp_watch *w = ocsp_watch_see(k, answer->path.certs[i], answer->path.certs[i + 1],
                                              now_s);
        bool is_needed = false;
        for (size_t n = 0; n < answer->need_count; n++) {
            is_needed = is_needed || answer->needs[n].level == (int)i;
        }
        knowledge_follow(k, answer->path.certs[i], now_s);
        bool is_new = w != NULL && ocsp_watch_is_first(w);
        if (w != NULL && (is_needed || is_new) && ocsp_watch_need(w)) {
            is_hopeful = true;
            *is_first = *is_first || is_new;
        }
    }
    return is_hopeful || knowledge_is_hopeful(k);
}

static bool inquiry_ask_is_final(const struct verdict_answer *answer)
{
    return !answer->has_path || answer->verdict.kind == VERDICT_GOOD ||
           answer->verdict.kind == VERDICT_REVOKED || answer->verdict.kind == VERDICT_NOT_CHECKED;
}

static int64_t inquiry_ask_again_at(const struct inquiry *q, int64_t now_s)
{
    int64_t at_s = now_s + INQUIRY_RETRY_S;
    if (q->kind == VERDICT_GOOD || q->kind == VERDICT_NOT_CHECKED) {
        /* It holds to the very second of its end. */
        at_s = q->valid_until_s < INT64_MAX ? q->valid_until_s + 1 : INT64_MAX;
    } else if (q->valid_until_s > now_s && q->valid_until_s < at_s) {
        at_s = q->valid_until_s + 1;
    }
    return q->leaf_not_after_s >= now_s && q->leaf_not_after_s < at_s ? q->leaf_not_after_s + 1
                                                                      : at_s;
}

/* Of our own certificate only what is sure counts: that it is revoked, blocked or over. That nobody
 * can tell is no reason to fall silent; the peer judges it anyway. */
static void inquiry_ask_own(struct inquiry *q, int64_t now_s)
{
    q->accepted = q->kind != VERDICT_REVOKED && now_s <= q->leaf_not_after_s;
    q->is_tolerated = q->accepted && q->kind != VERDICT_GOOD;
    if (now_s > q->leaf_not_after_s) {
        (void)snprintf(q->sentence, sizeof q->sentence, "our own certificate has expired");
    }
}

static void inquiry_ask_keep(struct inquiry *q, const struct verdict_answer *answer, int64_t now_s)
{
    q->has_path = answer->has_path;
    q->accepted = answer->accepted;
    q->is_tolerated = answer->is_tolerated;
    q->is_blocked = answer->is_blocked;
    q->kind = answer->verdict.kind;
    q->time = answer->time;
    q->valid_until_s = answer->verdict.valid_until_s;
    memcpy(q->sentence, answer->sentence, sizeof q->sentence);
    memcpy(q->evidence, answer->evidence, sizeof q->evidence);
    if (inquiry_is_own(q)) {
        inquiry_ask_own(q, now_s);
    }
    q->ask_at_s = inquiry_ask_again_at(q, now_s);
}

/* The path of an answer may show who has signed the CRLs that wait for that. */
static bool inquiry_ask_settle(struct knowledge *k, const struct path *path, int64_t now_s)
{
    struct evidence_showing shown = {
        .path = path, .allows = trust_allows(k->trust), .now_s = now_s};
    shown.signer_count = trust_crl_signers(k->trust, &shown.signers);
    return evidence_settle(k->evidence, &shown, knowledge_on_settled, k);
}

void inquiry_ask(struct inquiry *q)
{
    struct knowledge *k = q->knowledge;
    struct verdict_answer answer;
    int64_t now_s = io_wall_s();
    inquiry_ask_judge(q, now_s, &answer);
    bool has_news = answer.has_path && q->staple.len > 0 &&
                    ocsp_watch_offer(k, answer.path.certs[0], answer.path.certs[1], q->staple);
    if (answer.has_path && inquiry_ask_settle(k, &answer.path, now_s)) {
        has_news = true;
    }
    if (has_news) {
        inquiry_ask_judge(q, now_s, &answer);
    }
    bool is_first = false;
    bool is_hopeful = inquiry_ask_fetch(q, &answer, now_s, &is_first);
    inquiry_ask_keep(q, &answer, now_s);
    bool is_late = io_now_ms(k->revocation->io) >= q->deadline_ms;
    bool is_final = inquiry_ask_is_final(&answer) &&
                    !(is_first && answer.verdict.kind == VERDICT_GOOD);
    if (is_final || !is_hopeful || is_late || inquiry_is_own(q)) {
        q->is_settled = true;
    }
}
