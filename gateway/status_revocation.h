/*
 * Status as JSON, the part on revocation that belongs to no device.
 *
 * Floor 3. Pure.
 */
#ifndef WARDGATE_STATUS_REVOCATION_H
#define WARDGATE_STATUS_REVOCATION_H

#include <jansson.h>
#include <stdbool.h>

#include "gateway/snapshot.h"

/* root["trusts"], root["blocks"], root["grants"]: lists, empty when there is nothing. False: no
 * memory. */
bool status_revocation_set(json_t *root, const struct snapshot *s);

#endif
