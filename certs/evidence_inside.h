/*
 * The inside of the evidence, for evidence*.c and for their tests.
 *
 * Floor 1.
 */
#ifndef WARDGATE_EVIDENCE_INSIDE_H
#define WARDGATE_EVIDENCE_INSIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certs/digest.h"
#include "certs/evidence.h"

enum { EVIDENCE_TRIED_MAX = 8, EVIDENCE_NOWHERE = -1 };

/* What belongs to a CRL beside what others see of it. */
struct evidence_side {
    struct evidence_id origin; /* digest of the whole source, which is cut for people */
    struct evidence_id tried[EVIDENCE_TRIED_MAX]; /* paths that did not sign it; pending only */
    size_t tried_count;                           /* how many were ever put; a ring */
};

struct evidence_held {
    struct evidence_id id;
    int64_t this_update_s;
    int64_t until_s;
    bool is_revoked;
    size_t len; /* of the response; behind it the source with its NUL */
    uint8_t bytes[];
};

struct evidence {
    struct evidence_crl *crls;   /* in the order in which they came */
    struct evidence_side *sides; /* of the same places */
    size_t crl_count;
    size_t crl_cap;
    struct evidence_mark *marks; /* sorted by id */
    size_t mark_count;
    size_t mark_cap;
    struct evidence_held **answers; /* sorted by id */
    size_t answer_count;
    size_t answer_cap;
    uint64_t generation;
};

int evidence_compare_ids(const struct evidence_id *a, const struct evidence_id *b);

/* One more place behind `count` of `*cap` items: the array may move. False: no memory; the array is
 * as it was. */
bool evidence_make_place(void **array, size_t *cap, size_t count, size_t size);

/* ---- marks ---- */

/* The mark of an id, or NULL. */
const struct evidence_mark *evidence_mark_find(const struct evidence *e,
                                               const struct evidence_id *id);

/* The mark of an id; a new one is lower than everything. NULL: no memory or no room. Lives until
 * the next call that changes. */
struct evidence_mark *evidence_mark_take(struct evidence *e, const struct evidence_id *id);

void evidence_mark_remove(struct evidence *e, const struct evidence_id *id);

/* Is `a` lower (negative), equal (0) or higher than `b`? Contents of INTEGERs; empty: none, lower
 * than every number. */
int evidence_compare_numbers(struct span a, struct span b);

/* ---- CRLs ---- */

/* Where the CRL with this id is, or EVIDENCE_NOWHERE. */
int evidence_find_crl(const struct evidence *e, const struct evidence_id *id);

/* Give it back, and its place. */
void evidence_remove_crl(struct evidence *e, size_t at);

/* Takes a hold on the CRL and the next place. False: no memory. Room was asked for before. */
bool evidence_append_crl(struct evidence *e, struct crl *c, const struct evidence_id *id,
                         const char *source);

/* Name a CRL that this key (digest of its SubjectPublicKeyInfo) has signed. False: no memory. */
bool evidence_name_crl(const struct crl *c, const uint8_t *signer, struct evidence_id *id);

/* NEW, SAME or OLDER (with *f), by the mark and by what is held under the id. */
enum evidence_taken evidence_weigh_crl(const struct evidence *e, const struct crl *c,
                                       const struct evidence_id *id, struct fault *f);

/* Put a CRL into a place; the one before it is let go of. False: no memory, nothing has changed. */
bool evidence_fill_crl(struct evidence *e, size_t at, struct crl *c, const char *source);

/* Raise the mark of an id to a CRL. False: no memory or no room. */
bool evidence_mark_crl(struct evidence *e, const struct crl *c, const struct evidence_id *id);

/* EVIDENCE_REFUSED, and *f says why. */
enum evidence_taken evidence_refuse(enum fault_code code, const char *why, struct fault *f);

/* ---- pending CRLs ---- */

/* The name of a pending CRL: nobody has said yet which key has signed it. False: no memory. */
bool evidence_name_pending(const struct crl *c, const char *source, struct evidence_id *id);

enum evidence_taken evidence_put_pending(struct evidence *e, const struct crl_arrival *arrival,
                                         const char *source, struct evidence_id *id,
                                         struct fault *f);

/* The pending CRL that has waited longest goes, of this origin or of any (NULL). False: none. */
bool evidence_drop_pending(struct evidence *e, const struct evidence_id *origin);

/* ---- answers ---- */

/* The answer with this id, or NULL. */
const struct evidence_held *evidence_find_answer(const struct evidence *e,
                                                 const struct evidence_id *id);
void evidence_free_answers(struct evidence *e);

#endif
