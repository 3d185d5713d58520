/*
 * Obstacles: names of what is still ending, so that what needs the same does not begin before.
 *
 * Floor 3, loop thread only. Pure. An obstacle is embedded in what ends.
 */
#ifndef WARDGATE_OBSTACLES_H
#define WARDGATE_OBSTACLES_H

#include <stdbool.h>

struct obstacle {
    /* private to obstacles.c; begins as zeros */
    struct obstacle **slot; /* where it hangs; NULL: it stands in nobody's way */
    struct obstacle *next;
    const char *what;
};

enum { OBSTACLES_LISTS = 1024 }; /* ten thousand devices may end at once */

/* Begins as zeros. */
struct obstacles {
    struct obstacle *lists[OBSTACLES_LISTS]; /* by the hash of the text; private to obstacles.c */
};

/* From now on `what` must wait. Borrowed until obstacles_remove. Several may stand in one way. Not
 * for one that stands already. */
void obstacles_put(struct obstacles *all, struct obstacle *o, const char *what);

/* It has ended. False: it stood nowhere. */
bool obstacles_remove(struct obstacle *o);

/* Must `what` wait? */
bool obstacles_has(const struct obstacles *all, const char *what);

#endif
