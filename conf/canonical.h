/*
 * Canonical: a section in the one form in which two of them can be compared.
 *
 * Floor 2, pure but for the pool.
 */
#ifndef WARDGATE_CANONICAL_H
#define WARDGATE_CANONICAL_H

#include "conf/pool.h"
#include "conf/reader.h"

struct canonical;

/* What all sections have in common is made once, for one configuration; it lives as long as the
 * pool, which also gives room on the way. NULL: no memory. */
struct canonical *canonical_new(struct pool *pool);

/* The device's section as "key=value" lines in the order of the keys' names, and then the trust's
 * (may be NULL) as "trust.key=value" lines; a key that the device inherits stands once, as the
 * device's. Defaults are filled in, paths are absolute, numbers are in their basic unit, list items
 * stand in their order with ", " between them: what means the same reads the same. In the pool
 * `to`; NULL: no memory. */
char *canonical_device(struct canonical *c, const struct reader_section *device,
                       const struct reader_section *trust, struct pool *to);

/* The trust's section as its "trust.key=value" lines; what devices inherit from it stands with
 * them. Made once for each. In the pool of canonical_new; NULL: no memory. */
const char *canonical_trust(struct canonical *c, const struct reader_section *trust);

#endif
