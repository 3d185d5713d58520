/*
 * Build, trust: one [trust NAME] section becomes a struct conf_trust, and what it says of
 * revocation becomes what counts for each of its devices.
 *
 * Floor 2. Touches no file and no clock.
 */
#ifndef WARDGATE_BUILD_TRUST_H
#define WARDGATE_BUILD_TRUST_H

#include "conf/conf.h"
#include "conf/section.h"

/* Fill *t from the section, which section_open has looked at. Every check that needs this section
 * alone happens here. What is wrong or missing leaves NULL, 0 or an empty list. A path of `crl`
 * without a / at its end is CONF_CRL_FILE until crl_places has looked. */
void build_trust(struct conf_trust *t, struct section *s);

/* Fill the trust section and the effective revocation of *d, whose section is `s`. */
void build_trust_device(struct conf_device *d, struct section *s, const struct conf_trust *t);

#endif
