/*
 * Status for people, the part on revocation: the lines above the table, the notes below a device,
 * the trusts, block list and grants below it all.
 *
 * Floor 3. Pure but for the stream. All from the JSON of `status`; what is missing there (an older
 * gateway) is left out.
 */
#ifndef WARDGATE_TABLE_REVOCATION_H
#define WARDGATE_TABLE_REVOCATION_H

#include <jansson.h>

#include "gateway/pen.h"

/* "revocation: hard", "revocation: OFF for 1 of 3 devices" (nothing without devices); clock,
 * longest stall, links without a verdict. */
void table_revocation_head(const struct pen *pen, const json_t *root);

/* Of one device: blocked, break-glass, the verdicts on its peer and on its own certificate. `now`:
 * the gateway's, as in the JSON. is_mixed: other devices have another mode, so OFF is said here. */
void table_revocation_device(const struct pen *pen, const json_t *device, const char *now,
                             bool is_mixed);

/* Some devices, not all, have revocation off. */
bool table_revocation_is_mixed(const json_t *devices);

/* Trusts with CRLs, answers or sources; the block list; break-glass. */
void table_revocation_tail(const struct pen *pen, const json_t *root);

#endif
