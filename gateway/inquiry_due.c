/* Which inquiries are to be asked again, and why: new evidence, time, other anchors. */
#include "gateway/revocation_private.h"

/* All inquiries, one after the other: the first from this bucket on, and the one behind. */
static struct inquiry *inquiry_due_from(const struct revocation *r, size_t bucket)
{
    while (bucket < INQUIRY_BUCKETS && r->inquiries[bucket] == NULL) {
        bucket++;
    }
    return bucket < INQUIRY_BUCKETS ? r->inquiries[bucket] : NULL;
}

static struct inquiry *inquiry_due_after(const struct revocation *r, const struct inquiry *q)
{
    size_t bucket = revocation_bucket(q->key, INQUIRY_BUCKETS);
    return q->next != NULL ? q->next : inquiry_due_from(r, bucket + 1);
}

static void inquiry_make_due(struct inquiry *q)
{
    struct revocation *r = q->knowledge->revocation;
    if (!q->is_due) {
        q->is_due = true;
        q->due_next = r->due;
        r->due = q;
    }
    revocation_kick(r);
}

void inquiry_mark_due(struct revocation *r, const struct knowledge *k)
{
    for (struct inquiry *q = inquiry_due_from(r, 0); q != NULL; q = inquiry_due_after(r, q)) {
        if (k == NULL || q->knowledge == k) {
            inquiry_make_due(q);
        }
    }
}

/* What was found last, or, when no path was, what the peer sent. */
static bool inquiry_is_about(const struct inquiry *q, struct span cert)
{
    bool has_path = q->path.count > 0;
    const struct span *certs = has_path ? q->path.certs : q->chain;
    size_t count = has_path ? q->path.count : q->count;
    for (size_t i = 0; i < count; i++) {
        if (span_equal(certs[i], cert)) {
            return true;
        }
    }
    return false;
}

void inquiry_mark_cert(struct knowledge *k, struct span cert)
{
    struct revocation *r = k->revocation;
    for (struct inquiry *q = inquiry_due_from(r, 0); q != NULL; q = inquiry_due_after(r, q)) {
        if (q->knowledge == k && inquiry_is_about(q, cert)) {
            inquiry_make_due(q);
        }
    }
}

void inquiry_mark_waiting(struct knowledge *k)
{
    struct revocation *r = k->revocation;
    for (struct inquiry *q = inquiry_due_from(r, 0); q != NULL; q = inquiry_due_after(r, q)) {
        if (q->knowledge == k && !q->is_settled) {
            inquiry_make_due(q);
        }
    }
}

void inquiry_mark_timed(struct revocation *r, int64_t now_s)
{
    uint64_t now_ms = io_now_ms(r->io);
    for (struct inquiry *q = inquiry_due_from(r, 0); q != NULL; q = inquiry_due_after(r, q)) {
        bool is_late = !q->is_settled && now_ms >= q->deadline_ms;
        if (q->seats != NULL && (is_late || now_s >= q->ask_at_s)) {
            inquiry_make_due(q);
        }
    }
}

void inquiry_use_trust(struct knowledge *k)
{
    struct revocation *r = k->revocation;
    for (struct inquiry *q = inquiry_due_from(r, 0); q != NULL; q = inquiry_due_after(r, q)) {
        if (q->knowledge == k && q->trust != k->trust) {
            q->path.count = 0;
            trust_release(q->trust);
            q->trust = NULL;
            inquiry_make_due(q);
        }
    }
}
