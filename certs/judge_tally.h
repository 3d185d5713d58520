/*
 * What all pieces of evidence about one certificate say together.
 *
 * Floor 1, private to certs/judge_status.c. Pure.
 */
#ifndef WARDGATE_JUDGE_TALLY_H
#define WARDGATE_JUDGE_TALLY_H

#include "certs/judge.h"

/* What a piece of evidence says; the latest piece that says it is named. */
enum judge_saying {
    JUDGE_SAYS_REVOKED,
    JUDGE_SAYS_UNKNOWN,
    JUDGE_SAYS_GOOD,
    JUDGE_SAYS_GRACE, /* good, but only within the grace time */
    JUDGE_SAYS_STALE,
    JUDGE_SAYINGS
};

struct judge_piece {
    bool is_there;
    int64_t this_update_s;
    char text[JUDGE_EVIDENCE_MAX];
};

struct judge_tally {
    bool is_revoked;
    bool is_unknown;
    bool is_stale;
    unsigned fresh; /* reasons that fresh evidence covers, as in struct crl_evidence */
    unsigned grace; /* the same with evidence that is within the grace time */
    int64_t fresh_until_s;
    int64_t grace_until_s;
    bool has_ocsp;       /* a good answer */
    bool has_grace_ocsp; /* one within the grace time */
    bool lacks_ocsp;     /* judge_tally_demand_ocsp found neither */
    struct judge_piece pieces[JUDGE_SAYINGS];
};

/* Nothing was said yet. */
struct judge_tally judge_tally_new(void);

/* Good evidence for these reasons. */
void judge_tally_count(struct judge_tally *t, unsigned reasons, int64_t until_s, bool is_in_grace);

/* Where to write the name of a piece of evidence (JUDGE_EVIDENCE_MAX bytes), or NULL: a later one
 * says the same. */
char *judge_tally_name(struct judge_tally *t, enum judge_saying saying, int64_t this_update_s);

/* The certificate is must-staple: without an OCSP answer what is good does not count. */
void judge_tally_demand_ocsp(struct judge_tally *t);

struct judge_level judge_tally_conclude(const struct judge_tally *t);

#endif
