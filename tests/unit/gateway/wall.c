#include "tests/unit/gateway/wall.h"

#include <time.h>

#include <uv.h>

static int64_t ahead_s;
static uint64_t step_ns, stepped_ns;

void wall_shift(int64_t seconds)
{
    ahead_s = seconds;
}

void wall_step(uint64_t ns)
{
    step_ns = ns;
}

time_t time(time_t *out)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    time_t said = now.tv_sec + (time_t)ahead_s;
    if (out != NULL) {
        *out = said;
    }
    return said;
}

uint64_t uv_hrtime(void)
{
    struct timespec now = {0};
    if (step_ns > 0) {
        stepped_ns += step_ns;
        return stepped_ns;
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}
