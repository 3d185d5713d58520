/*
 * Fetch plan: when a CRL or an OCSP answer is fetched again.
 *
 * Floor 3, pure but for fetch_plan_random.
 */
#ifndef WARDGATE_FETCH_PLAN_H
#define WARDGATE_FETCH_PLAN_H

#include <stdint.h>

enum {
    FETCH_PLAN_MOST_S = 3600, /* the longest wait: a revoked peer is known within the hour */
    FETCH_PLAN_OVER_S = 60,   /* what came was over already: nobody knows when the next is made */
    FETCH_PLAN_RETRY_S = 10,  /* after the first failure; it doubles */
    FETCH_PLAN_RETRY_MOST_S = 900,
};

struct fetch_plan {
    int64_t now_s;
    int64_t until_s;   /* when what is at hand ends; 0: nothing is */
    int64_t max_age_s; /* Cache-Control of the last answer; -1: none. It bounds the wait, never how
                          long evidence is good */
    unsigned failures; /* in a row; 0: the last one worked */
    uint32_t random;   /* for the jitter of 10 % to either side */
};

/* Milliseconds until the next try, 1000 or more. After a success half of what is left; after
 * failures a time that doubles, bounded by a tenth of what is left: the less there is, the harder
 * it is tried. */
uint64_t fetch_plan_wait_ms(const struct fetch_plan *plan);

uint32_t fetch_plan_random(void);

#endif
