#include "gateway/fetch_plan.h"

#include <sys/random.h>

enum { DOUBLINGS_MAX = 8 };

static int64_t plan_success_s(const struct fetch_plan *plan)
{
    int64_t left_s = plan->until_s - plan->now_s;
    int64_t wait_s = FETCH_PLAN_MOST_S;
    if (plan->until_s != 0 && left_s > 0 && left_s / 2 < wait_s) {
        wait_s = left_s / 2;
    } else if (plan->until_s != 0 && left_s <= 0) {
        wait_s = FETCH_PLAN_OVER_S;
    }
    if (plan->max_age_s > 0 && plan->max_age_s < wait_s) {
        wait_s = plan->max_age_s;
    }
    return wait_s;
}

static int64_t plan_failure_s(const struct fetch_plan *plan)
{
    unsigned doublings = plan->failures - 1;
    int64_t left_s = plan->until_s - plan->now_s;
    int64_t wait_s = (int64_t)FETCH_PLAN_RETRY_S
                     << (doublings < DOUBLINGS_MAX ? doublings : DOUBLINGS_MAX);
    if (wait_s > FETCH_PLAN_RETRY_MOST_S) {
        wait_s = FETCH_PLAN_RETRY_MOST_S;
    }
    if (left_s > 0 && left_s / 10 < wait_s) {
        wait_s = left_s / 10;
    }
    return wait_s > FETCH_PLAN_RETRY_S ? wait_s : FETCH_PLAN_RETRY_S;
}

uint64_t fetch_plan_wait_ms(const struct fetch_plan *plan)
{
    int64_t wait_s = plan->failures == 0 ? plan_success_s(plan) : plan_failure_s(plan);
    uint64_t wait_ms = (uint64_t)(wait_s > 1 ? wait_s : 1) * 1000;
    uint64_t tenth_ms = wait_ms / 10;
    wait_ms = wait_ms - tenth_ms + plan->random % (2 * tenth_ms + 1);
    return wait_ms > 1000 ? wait_ms : 1000;
}

uint32_t fetch_plan_random(void)
{
    uint32_t value = 0;
    /* Without it the waits are all the same, which is no harm for one gateway. */
    return getrandom(&value, sizeof value, 0) == (ssize_t)sizeof value ? value : 0;
}
