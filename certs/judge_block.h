/*
 * The local block list as the judge looks at it.
 *
 * Floor 1, private to certs/judge*.c. Pure.
 */
#ifndef WARDGATE_JUDGE_BLOCK_H
#define WARDGATE_JUDGE_BLOCK_H

#include "certs/judge.h"

/* The reason why this certificate (DER) is blocked, borrowed from the list, or NULL: it is not. A
 * certificate that cannot be hashed although the list would need that (no memory) counts as
 * blocked; one that cannot be read has no serial number. */
const char *judge_block_find(struct span cert, const struct judge_evidence *evidence);

#endif
