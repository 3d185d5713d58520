/*
 * The checks of a whole path from leaf to anchor, but for its signatures. Inside of path_build.c
 * and for its tests.
 *
 * Floor 1, pure.
 */
#ifndef WARDGATE_PATH_CHECK_H
#define WARDGATE_PATH_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "certs/chain_cert.h"
#include "certs/path.h"
#include "certs/reasons.h"

/* Judge certs[0] (the leaf) … certs[count - 1] (the anchor), count >= 2. The caller has verified
 * that each one's signature fits the key of the next and that the names chain. *work: comparisons
 * of names with constraints that are left (constraints.h). */
bool path_check(const struct chain_cert *const *certs, size_t count,
                const struct path_settings *settings, unsigned *work, struct reasons *why);

#endif
