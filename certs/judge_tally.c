#include "certs/judge_tally.h"

#include <string.h>

struct judge_tally judge_tally_new(void)
{
    return (struct judge_tally){.fresh_until_s = INT64_MAX, .grace_until_s = INT64_MAX};
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void judge_tally_count(struct judge_tally *t, unsigned reasons, int64_t until_s, bool is_in_grace)
{
    if (is_in_grace) {
        t->grace |= reasons;
        t->grace_until_s = earlier(t->grace_until_s, until_s);
    } else {
        t->fresh |= reasons;
        t->fresh_until_s = earlier(t->fresh_until_s, until_s);
    }
}

char *judge_tally_name(struct judge_tally *t, enum judge_saying saying, int64_t this_update_s)
{
    struct judge_piece *p = &t->pieces[saying];

    if (p->is_there && p->this_update_s >= this_update_s) {
        return NULL;
    }
    p->is_there = true;
    p->this_update_s = this_update_s;
    return p->text;
}

static void quote(const struct judge_tally *t, enum judge_saying saying, struct judge_level *s)
{
    memcpy(s->evidence, t->pieces[saying].text, JUDGE_EVIDENCE_MAX);
}

/* Revoked beats everything, then a responder that does not know the certificate: the worst of what
 * was said. Only then what is good helps, and only when no reason is left uncovered (RFC 5280
 * 6.3.3). */
struct judge_level judge_tally_conclude(const struct judge_tally *t)
{
    struct judge_level s = {.kind = VERDICT_UNAVAILABLE, .lacks_ocsp = t->lacks_ocsp};

    if (t->is_revoked) {
        s.kind = VERDICT_REVOKED;
        quote(t, JUDGE_SAYS_REVOKED, &s);
    } else if (t->is_unknown) {
        s.kind = VERDICT_UNKNOWN;
        quote(t, JUDGE_SAYS_UNKNOWN, &s);
    } else if (t->fresh == CRL_ALL_REASONS) {
        s.kind = VERDICT_GOOD;
        s.until_s = t->fresh_until_s;
        quote(t, JUDGE_SAYS_GOOD, &s);
    } else if ((t->fresh | t->grace) == CRL_ALL_REASONS) {
        s.kind = VERDICT_STALE;
        s.is_in_grace = true;
        s.until_s = earlier(t->fresh_until_s, t->grace_until_s);
        quote(t, JUDGE_SAYS_GRACE, &s);
    } else if (t->is_stale || t->grace != 0) {
        s.kind = VERDICT_STALE;
        quote(t, t->is_stale ? JUDGE_SAYS_STALE : JUDGE_SAYS_GRACE, &s);
    }
    s.lacks_ocsp = s.lacks_ocsp && s.kind == VERDICT_UNAVAILABLE;
    return s;
}

/* RFC 7633: whoever has the certificate made wanted an answer about it that is fresh, and not a
 * list. What a list says against it counts all the same. */
void judge_tally_demand_ocsp(struct judge_tally *t)
{
    if (t->has_ocsp) {
        return;
    }
    t->fresh = 0;
    if (!t->has_grace_ocsp) {
        t->grace = 0;
        t->is_stale = false;
        t->lacks_ocsp = true;
    }
}
