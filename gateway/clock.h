/*
 * Clock: may the wall clock be believed? A verdict compares dates, and on a board without a battery
 * they are nonsense after a power cut.
 *
 * Floor 3, loop thread only. Embedded by its owner, no memory of its own; pure but for
 * clock_look_now, so that a test can play any day through it.
 */
#ifndef WARDGATE_CLOCK_H
#define WARDGATE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

enum clock_state {
    CLOCK_UNSET,   /* earlier than the floor (build date, newest thing stored); also when the
                      kernel vouches for it: then it was set by a server that is wrong */
    CLOCK_FLOOR,   /* not earlier than the floor; nobody vouches for it */
    CLOCK_SYNCED,  /* the kernel says that it is synchronised (adjtimex) */
    CLOCK_DRIFTED, /* more than CLOCK_JUMP_S behind where the monotonic clock says that it would be,
                      and nobody vouches for it */
};

/* clock = floor | synced | trust */
enum clock_policy { CLOCK_POLICY_FLOOR, CLOCK_POLICY_SYNCED, CLOCK_POLICY_TRUST };

/* A step of up to CLOCK_JUMP_S is none. A CA's clock may be ahead of ours by CLOCK_SLACK_S: what it
 * just signed must not make ours look unset. */
enum { CLOCK_JUMP_S = 30, CLOCK_SLACK_S = 300 };

/* What the clocks say at one moment. */
struct clock_look {
    int64_t wall_s;  /* seconds since 1970 */
    uint64_t mono_s; /* seconds since some start; goes on while the machine sleeps */
    bool is_synced;  /* the kernel vouches for wall_s */
};

struct clock_watch {
    /* private to clock.c: */
    int64_t floor_s;  /* build date, and what was signed: no clock earlier than this is right */
    int64_t recall_s; /* the last run's clock; dropped when the kernel vouches for the time */
    int64_t expect_s; /* wall minus monotonic clock: the highest since the start or since synced */
    int64_t told_s;   /* the same since a step back was told */
    enum clock_state state;
};

/* Begin. build_s: clock_build_s() outside of tests. *look is the first look. */
void clock_init(struct clock_watch *c, int64_t build_s, const struct clock_look *look);

/* Something that was signed at seen_s is known: the newest thisUpdate or producedAt that is stored,
 * or that just came. The floor only rises. The state follows at the next clock_update. */
void clock_raise_floor(struct clock_watch *c, int64_t seen_s);

/* The newest moment that the wall clock showed before the last restart. As clock_raise_floor, but
 * it is only our own word: it is forgotten once the kernel vouches for the time, so that a clock
 * that ran years ahead for a day does not lock the gateway for years. */
void clock_recall(struct clock_watch *c, int64_t seen_s);

/* Look again (every second or so, and before each verdict). True: the state is another one now.
 * *moved_back_s (always written): by how many seconds the wall clock was set back since the last
 * look, or in small steps since it was last told; 0: not, or by no more than CLOCK_JUMP_S in all.
 */
bool clock_update(struct clock_watch *c, const struct clock_look *look, int64_t *moved_back_s);

enum clock_state clock_state(const struct clock_watch *c);

/* FLOOR: floor or synced. SYNCED: synced only. TRUST: always. */
bool clock_is_trusted(const struct clock_watch *c, enum clock_policy policy);

/* "unset", "floor", "synced", "drifted". */
const char *clock_state_name(enum clock_state state);

/* The machine's clocks. A kernel that does not say whether it is synchronised (adjtimex is not
 * allowed here) does not vouch for its time. */
struct clock_look clock_look_now(void);

/* The date of the build in seconds since 1970: SOURCE_DATE_EPOCH or the last commit's, given by the
 * Makefile. */
int64_t clock_build_s(void);

#endif
