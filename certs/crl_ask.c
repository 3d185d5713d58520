#include <string.h>

#include "certs/crl.h"
#include "certs/crl_cert.h"
#include "certs/crl_inside.h"
#include "certs/dn.h"

/* The last second of a CRL that has a nextUpdate. */
static int64_t end_of(const struct crl *c, const struct crl_question *q)
{
    return c->next_update_s <= INT64_MAX - q->grace_s ? c->next_update_s + q->grace_s : INT64_MAX;
}

/* Does the CRL's own time speak for it? */
static enum crl_answer judge_time(const struct crl *c, const struct crl_question *q)
{
    if (c->this_update_s > q->now_s) {
        return CRL_FUTURE;
    }
    return !c->has_next_update || q->now_s > end_of(c, q) ? CRL_STALE : CRL_GOOD;
}

static void note(const struct crl *c, const struct crl_question *q, struct reasons *why,
                 const char *text)
{
    char label[CRL_LABEL_MAX];

    crl_label(c, label);
    reasons_add(why, REASONS_NOTE, q->level, label, text);
}

/* Both INTEGERs are in their shortest form and not negative: the longer one is the larger. */
static int compare_numbers(struct span a, struct span b)
{
    if (a.len != b.len) {
        return a.len < b.len ? -1 : 1;
    }
    return memcmp(a.data, b.data, a.len);
}

/* RFC 5280 5.2.4 and 6.3.3 (c). NULL, or why the delta does not belong to its base. */
static const char *refuse_delta(const struct crl *c, const struct crl *delta)
{
    if (!delta->is_delta || c->is_delta) {
        return "is no delta CRL";
    }
    if (delta->defect != NULL) {
        return delta->defect;
    }
    if (!dn_equal(c->head.issuer, delta->head.issuer)) {
        return "is another issuer's delta CRL";
    }
    if (!span_equal(c->head.key_id, delta->head.key_id)) {
        return "is the delta CRL of another key";
    }
    if (!span_equal(c->head.scope_bytes, delta->head.scope_bytes)) {
        return "is a delta CRL of another scope";
    }
    if (c->head.number.len == 0 || delta->head.number.len == 0 ||
        compare_numbers(delta->head.base_number, c->head.number) > 0) {
        return "is a delta CRL on a later base";
    }
    if (compare_numbers(c->head.number, delta->head.number) > 0) {
        return "is a delta CRL that is older than the base";
    }
    return NULL;
}

/* What the delta adds: its entry for the certificate, when it may say anything at all. A removal
 * counts only while the delta is fresh; a revocation always does. */
static const struct crl_entry *ask_delta(const struct crl *c, const struct crl_question *q,
                                         const struct crl_cert *cert, struct reasons *why)
{
    const struct crl_entry *found;
    const char *refusal;
    enum crl_answer time;

    if (q->delta == NULL) {
        return NULL;
    }
    refusal = refuse_delta(c, q->delta);
    if (refusal != NULL) {
        note(q->delta, q, why, refusal);
        return NULL;
    }
    found = crl_table_find(q->delta, cert->view.serial, cert->view.issuer);
    time = judge_time(q->delta, q);
    if (time != CRL_GOOD) {
        note(q->delta, q, why,
             time == CRL_STALE ? "is a delta CRL whose nextUpdate has passed"
                               : "is a delta CRL whose thisUpdate lies ahead");
        if (found != NULL && found->reason == CRL_REASON_REMOVE) {
            return NULL;
        }
    }
    return found;
}

/* The entry that holds, or NULL: the delta's word on top of the base's. */
static const struct crl_entry *merge(const struct crl_entry *base, const struct crl_entry *delta)
{
    if (delta == NULL) {
        return base;
    }
    if (delta->reason != CRL_REASON_REMOVE) {
        return delta;
    }
    /* RFC 5280 5.3.1: only a hold can be lifted. */
    return base != NULL && base->reason == CRL_REASON_HOLD ? NULL : base;
}

static enum crl_answer say_revoked(const struct crl *c, const struct crl_question *q,
                                   const struct crl_entry *entry, struct crl_evidence *out,
                                   struct reasons *why)
{
    char label[CRL_LABEL_MAX];

    out->reason = entry->reason;
    out->revoked_at_s = entry->revoked_at_s;
    crl_label(c, label);
    reasons_add(why, REASONS_REFUSE, q->level, label,
                entry->reason == CRL_REASON_HOLD ? "puts the certificate on hold"
                                                 : "lists the certificate as revoked");
    return CRL_REVOKED;
}

static enum crl_answer say_not_listed(const struct crl *c, const struct crl_question *q,
                                      unsigned reasons, struct crl_evidence *out,
                                      struct reasons *why)
{
    enum crl_answer time = judge_time(c, q);
    char label[CRL_LABEL_MAX];

    if (time != CRL_GOOD) {
        const char *text = c->has_next_update ? "has expired: its nextUpdate has passed"
                                              : "has no nextUpdate";
        note(c, q, why, time == CRL_STALE ? text : "is not yet valid: its thisUpdate lies ahead");
        return time;
    }
    out->reasons = reasons;
    out->until_s = end_of(c, q);
    crl_label(c, label);
    if (reasons != CRL_ALL_REASONS) {
        note(c, q, why, "does not list the certificate, but is for some reasons only");
        return CRL_PART;
    }
    reasons_add(why, REASONS_PASS, q->level, label, "does not list the certificate");
    return CRL_GOOD;
}

enum crl_answer crl_ask(const struct crl *c, const struct crl_question *q, struct crl_evidence *out,
                        struct reasons *why)
{
    const struct crl_entry *base;
    const struct crl_entry *entry;
    struct crl_cert cert;
    const char *text = c->defect;
    enum crl_answer answer;
    unsigned covered = 0;

    memset(out, 0, sizeof(*out));
    if (text == NULL && c->is_delta) {
        text = "is a delta CRL: without its base it says nothing";
    }
    if (text == NULL && !crl_cert_read(q->cert, &cert)) {
        text = "does not help: the certificate cannot be read";
    }
    /* The index has only serial numbers that RFC 5280 allows: others would never be found. */
    if (text == NULL &&
        (cert.view.serial.len > CRL_SERIAL_MAX || !crl_table_is_integer(cert.view.serial))) {
        text = "does not help: the certificate's serial number breaks the rules";
    }
    if (text == NULL) {
        covered = crl_scope_reasons(&c->scope, c->head.issuer, &cert, &text);
    }
    if (covered == 0) {
        note(c, q, why, text);
        return CRL_OUT;
    }
    base = crl_table_find(c, cert.view.serial, cert.view.issuer);
    entry = merge(base, ask_delta(c, q, &cert, why));
    if (entry != NULL) {
        out->is_by_delta = entry != base;
        return say_revoked(entry == base ? c : q->delta, q, entry, out, why);
    }
    answer = say_not_listed(c, q, covered, out, why);
    /* A hold is lifted only as long as the delta that lifts it is fresh. */
    if (base != NULL && answer != CRL_STALE && answer != CRL_FUTURE &&
        end_of(q->delta, q) < out->until_s) {
        out->until_s = end_of(q->delta, q);
    }
    return answer;
}
