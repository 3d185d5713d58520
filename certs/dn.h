/*
 * Distinguished names: comparison and subtrees of RFC 5280 section 7.1 (attribute by attribute;
 * text of any string type compares by its characters, without regard to ASCII case and with inner
 * blanks folded; other values byte by byte). Floor 1, pure, fuzzed.
 */
#ifndef WARDGATE_DN_H
#define WARDGATE_DN_H

#include <stdbool.h>

#include "protocols/bytes.h"

/* Names with their SEQUENCE header. Broken DER equals nothing. */
bool dn_equal(struct span a, struct span b);

/* Is `base` equal to the first RDNs of `name` (directoryName constraint)? */
bool dn_is_within(struct span name, struct span base);

/* Does the name have no RDN? Broken DER is not empty. */
bool dn_is_empty(struct span name);

#endif
