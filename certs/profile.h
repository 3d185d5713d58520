/*
 * Rules that RFC 5280 puts on the CA that issues, rather than on who validates (sections 4.1 and
 * 4.2): key identifiers, criticality, serial numbers, forms of dates.
 *
 * Floor 1, pure. Section 6.1 would let such certificates pass; the strict verdict does not.
 */
#ifndef WARDGATE_PROFILE_H
#define WARDGATE_PROFILE_H

#include "certs/chain_cert.h"

enum profile_place { PROFILE_LEAF, PROFILE_INTERMEDIATE, PROFILE_ANCHOR };

/* NULL, or the first rule that a certificate in that place breaks, a constant text. An anchor is a
 * name and a key: its serial number and the form of its dates are not judged. */
const char *profile_refuse(const struct chain_cert *c, enum profile_place place);

/* Key identifiers (RFC 5280 4.2.1.1 and 4.2.1.2) come in pairs: NULL, or which one is missing
 * between a certificate and its issuer. CAs that use none at all are many, and harmless. */
const char *profile_refuse_pair(const struct chain_cert *c, const struct chain_cert *issuer);

#endif
