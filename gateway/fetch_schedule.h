/*
 * Fetch schedule: when a CRL or an OCSP answer is fetched next.
 *
 * Floor 3, pure. All times in seconds; `jitter` is 0 .. FETCH_SCHEDULE_JITTER_MAX, evenly
 * distributed: it makes the wait 10 % shorter at 0 and 10 % longer at the greatest, so that a
 * hospital's gateways do not ask all at once.
 */
#ifndef WARDGATE_FETCH_SCHEDULE_H
#define WARDGATE_FETCH_SCHEDULE_H

#include <stdint.h>

enum {
    FETCH_SCHEDULE_JITTER_MAX = 1000,
    FETCH_SCHEDULE_FLOOR_S = 10,       /* never asked again sooner */
    FETCH_SCHEDULE_MOST_S = 3600,      /* nor later */
    FETCH_SCHEDULE_RETRY_MOST_S = 900, /* after a failure */
    FETCH_SCHEDULE_AGE_LEAST_S = 300,  /* a max-age below counts as this: "do not cache" is no wish
                                        to be asked without end */
};

/* What is known of the last good answer. */
struct fetch_life {
    int64_t next_update_s; /* 0: not known */
    int64_t max_age_s;     /* of the HTTP answer; -1: none */
};

/* How long to wait after an answer that was good: half of the remaining life, and not longer than
 * max_age_s. When nothing is left of it: as after a first failure. */
int64_t fetch_schedule_good(const struct fetch_life *life, int64_t now_s, unsigned jitter);

/* After `failures` (1 and more) in a row: doubled each time, up to a tenth of the life that is
 * left. The nearer its end the more often; after the end a tenth of the time since then. */
int64_t fetch_schedule_failed(const struct fetch_life *life, int64_t now_s, unsigned failures,
                              unsigned jitter);

#endif
