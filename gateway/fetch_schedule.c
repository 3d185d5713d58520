#include "gateway/fetch_schedule.h"

#include <assert.h>

enum { DOUBLINGS_MAX = 10, TEN_PERCENT = 100, WHOLE = 1000 };

static int64_t clamp(int64_t value, int64_t least, int64_t most)
{
    if (value < least) {
        return least;
    }
    return value > most ? most : value;
}

static int64_t shake(int64_t wait_s, unsigned jitter, int64_t most_s)
{
    assert(jitter <= FETCH_SCHEDULE_JITTER_MAX);
    int64_t part = WHOLE - TEN_PERCENT +
                   (int64_t)jitter * 2 * TEN_PERCENT / FETCH_SCHEDULE_JITTER_MAX;
    return clamp(wait_s * part / WHOLE, FETCH_SCHEDULE_FLOOR_S, most_s);
}

/* Times come from CRLs: nothing may overflow. */
static int64_t distance(int64_t from_s, int64_t to_s)
{
    const int64_t far = INT64_MAX / 4;
    return clamp(to_s, -far, far) - clamp(from_s, -far, far);
}

int64_t fetch_schedule_good(const struct fetch_life *life, int64_t now_s, unsigned jitter)
{
    int64_t wait_s = FETCH_SCHEDULE_MOST_S;
    if (life->next_update_s != 0) {
        int64_t left_s = distance(now_s, life->next_update_s);
        if (left_s <= 0) {
            return fetch_schedule_failed(life, now_s, 1, jitter);
        }
        wait_s = clamp(left_s / 2, FETCH_SCHEDULE_FLOOR_S, FETCH_SCHEDULE_MOST_S);
    }
    if (life->max_age_s >= 0) {
        wait_s = clamp(wait_s, 0,
                       clamp(life->max_age_s, FETCH_SCHEDULE_AGE_LEAST_S, FETCH_SCHEDULE_MOST_S));
    }
    return shake(wait_s, jitter, FETCH_SCHEDULE_MOST_S);
}

int64_t fetch_schedule_failed(const struct fetch_life *life, int64_t now_s, unsigned failures,
                              unsigned jitter)
{
    assert(failures > 0);
    unsigned doublings = failures - 1 < DOUBLINGS_MAX ? failures - 1 : DOUBLINGS_MAX;
    int64_t most_s = FETCH_SCHEDULE_RETRY_MOST_S;
    if (life->next_update_s != 0) {
        int64_t left_s = distance(now_s, life->next_update_s);
        most_s = clamp((left_s < 0 ? -left_s : left_s) / 10, FETCH_SCHEDULE_FLOOR_S, most_s);
    }
    return shake(clamp((int64_t)FETCH_SCHEDULE_FLOOR_S << doublings, 0, most_s), jitter, most_s);
}
