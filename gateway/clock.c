#include "gateway/clock.h"

#include <sys/timex.h>
#include <time.h>

/* Far beyond every date (RFC 5280 ends with the year 9999), and far from where sums overflow. */
static const int64_t farthest_s = INT64_C(1) << 40;

static int64_t bounded_s(int64_t s)
{
    if (s > farthest_s) {
        return farthest_s;
    }
    return s < -farthest_s ? -farthest_s : s;
}

/* How far the wall clock is ahead of the monotonic one. Only steps change that: what corrects the
 * speed of one clock (NTP's slewing) acts on both. */
static int64_t ahead_s(const struct clock_look *look)
{
    uint64_t mono_s = look->mono_s > (uint64_t)farthest_s ? (uint64_t)farthest_s : look->mono_s;
    return bounded_s(look->wall_s) - (int64_t)mono_s;
}

static bool is_before(const struct clock_look *look, int64_t floor_s)
{
    return bounded_s(look->wall_s) < floor_s - CLOCK_SLACK_S;
}

static enum clock_state judge_look(const struct clock_watch *c, const struct clock_look *look)
{
    if (is_before(look, c->floor_s)) {
        return CLOCK_UNSET;
    }
    if (look->is_synced) {
        return CLOCK_SYNCED;
    }
    if (is_before(look, c->recall_s)) {
        return CLOCK_UNSET;
    }
    return c->expect_s - ahead_s(look) > CLOCK_JUMP_S ? CLOCK_DRIFTED : CLOCK_FLOOR;
}

/* The state that the look shows becomes the state. */
static void take_look(struct clock_watch *c, const struct clock_look *look)
{
    int64_t ahead = ahead_s(look);
    c->state = judge_look(c, look);
    if (c->state == CLOCK_SYNCED) {
        /* Where the kernel vouches for it, the clock is where it has to be, whatever it was before.
         */
        c->expect_s = ahead;
        c->told_s = ahead;
        c->recall_s = 0;
    }
    c->expect_s = ahead > c->expect_s ? ahead : c->expect_s;
    c->told_s = ahead > c->told_s ? ahead : c->told_s;
}

void clock_init(struct clock_watch *c, int64_t build_s, const struct clock_look *look)
{
    int64_t ahead = ahead_s(look);
    *c = (struct clock_watch){.floor_s = bounded_s(build_s), .expect_s = ahead, .told_s = ahead};
    take_look(c, look);
}

void clock_raise_floor(struct clock_watch *c, int64_t seen_s)
{
    seen_s = bounded_s(seen_s);
    c->floor_s = seen_s > c->floor_s ? seen_s : c->floor_s;
}

void clock_recall(struct clock_watch *c, int64_t seen_s)
{
    seen_s = bounded_s(seen_s);
    c->recall_s = seen_s > c->recall_s ? seen_s : c->recall_s;
}

bool clock_update(struct clock_watch *c, const struct clock_look *look, int64_t *moved_back_s)
{
    enum clock_state before = c->state;
    int64_t back_s = c->told_s - ahead_s(look);
    /* Steps that are each too small to be told stay in told_s and add up. */
    *moved_back_s = back_s > CLOCK_JUMP_S ? back_s : 0;
    if (*moved_back_s > 0) {
        c->told_s = ahead_s(look);
    }
    take_look(c, look);
    return c->state != before;
}

enum clock_state clock_state(const struct clock_watch *c)
{
    return c->state;
}

bool clock_is_trusted(const struct clock_watch *c, enum clock_policy policy)
{
    switch (policy) {
    case CLOCK_POLICY_FLOOR:
        return c->state == CLOCK_FLOOR || c->state == CLOCK_SYNCED;
    case CLOCK_POLICY_SYNCED:
        return c->state == CLOCK_SYNCED;
    case CLOCK_POLICY_TRUST:
        return true;
    }
    return false;
}

const char *clock_state_name(enum clock_state state)
{
    switch (state) {
    case CLOCK_UNSET:
        return "unset";
    case CLOCK_FLOOR:
        return "floor";
    case CLOCK_SYNCED:
        return "synced";
    case CLOCK_DRIFTED:
        return "drifted";
    }
    return "unknown";
}

static bool kernel_is_synced(void)
{
    /* modes 0: only asks, which needs no right. Says -1 where a filter of system calls is too
     * tight; the status is asked as well, because TIME_ERROR has other causes, too. */
    struct timex t = {.modes = 0};
    int leap = adjtimex(&t);
    return leap >= 0 && leap != TIME_ERROR && (t.status & STA_UNSYNC) == 0;
}

struct clock_look clock_look_now(void)
{
    struct timespec wall = {0};
    struct timespec mono = {0};
    bool is_synced = kernel_is_synced();
    /* These clocks are always there on Linux. BOOTTIME, because MONOTONIC stands still while the
     * machine sleeps, and the wall clock does not. */
    (void)clock_gettime(CLOCK_REALTIME, &wall);
    (void)clock_gettime(CLOCK_BOOTTIME, &mono);
    return (struct clock_look){
        .wall_s = (int64_t)wall.tv_sec, .mono_s = (uint64_t)mono.tv_sec, .is_synced = is_synced};
}

int64_t clock_build_s(void)
{
    return WARDGATE_BUILD_S; /* the Makefile's; without it this does not compile */
}
