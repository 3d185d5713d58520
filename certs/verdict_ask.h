/*
 * Verdict over a chain that is in use: the judge with everything that is known under a trust.
 *
 * Floor 1, pure: no clock, no I/O. One function for both roles, both TLS versions, live re-checks
 * and our own certificate. It says what would help (needs), and fetches nothing.
 */
#ifndef WARDGATE_VERDICT_ASK_H
#define WARDGATE_VERDICT_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certs/evidence.h"
#include "certs/judge.h"
#include "certs/path.h"
#include "certs/reasons.h"
#include "certs/trust.h"
#include "certs/verdict.h"
#include "protocols/bytes.h"

enum { VERDICT_TEXT_MAX = 240 };

/* All is borrowed for the call; the spans of the answer point into chain and trust. Times are
 * seconds, 0 or more. */
struct verdict_question {
    const struct trust *trust;
    const struct evidence *evidence; /* NULL: nothing is known. CRLs that are still pending do not
                                        count: evidence_settle with the answer's path comes first */
    const struct span *chain;  /* DER, leaf first: what the peer sent, or our own. Of what follows
                                  the leaf only as much is used as PATH_POOL_MAX leaves room for
                                  beside the trust's intermediates */
    size_t count;              /* 0: refused */
    enum path_purpose purpose; /* PATH_SERVER: the chain's owner is a TLS server */
    bool is_own; /* our own certificate: neither policy nor EKU that the trust asks of peers */
    enum judge_policy policy;
    int64_t grace_s; /* JUDGE_GRACE only */
    int64_t skew_s;  /* of an OCSP responder's clock */
    int64_t ocsp_max_age_s;
    const struct judge_block *blocks; /* the local block list */
    size_t block_count;
    int64_t now_s;
    /* NULL, or the path of an earlier answer about this chain: its signatures, names and rules are
     * then not judged again. The caller promises that it was the same trust (the object that it
     * still holds), purpose and is_own, and that the path's bytes are what they were. Checked here
     * all the same: that it begins with the leaf, ends with an anchor of the trust, and that now_s
     * lies within the time of each of its certificates; otherwise a path is looked for anew. */
    const struct path *known_path;
};

/* One certificate of the path whose status could be better. */
struct verdict_need {
    struct span cert;
    struct span issuer;
    int level;      /* 0: the leaf */
    bool must_ocsp; /* a CRL will not do: it is must-staple */
};

struct verdict_answer {
    bool accepted;     /* by the policy */
    bool is_tolerated; /* accepted although it is stale, unknown or unavailable: an alarm */
    bool is_blocked;   /* the block list decided */
    bool has_path;     /* the chain is valid: only then may URLs of its certificates be followed */
    enum path_time time;             /* without a path: was it the time of a certificate? */
    struct verdict verdict;          /* as in struct judge_result */
    char sentence[VERDICT_TEXT_MAX]; /* the one sentence that decided */
    char evidence[VERDICT_TEXT_MAX]; /* "CRL 12 of …; OCSP of …", the leaf's first; may be cut */
    struct verdict_need needs[PATH_MAX_CERTS]; /* levels below the anchor that are not good. None
                                                  when the policy is off or one is blocked */
    size_t need_count;
    struct path path; /* has_path only; else count 0 */
};

/* Judge `q`; *out is filled whatever happens, and without memory it says VERDICT_UNAVAILABLE. Every
 * certificate of the path needs a status. `why` (may be NULL) is emptied, then it gets the
 * reasons. */
void verdict_ask_chain(const struct verdict_question *q, struct verdict_answer *out,
                       struct reasons *why);

#endif
