/*
 * Status as JSON: what the control socket answers and `wardgate status --json` prints.
 *
 * Floor 3. Pure: a snapshot goes in, text comes out.
 */
#ifndef WARDGATE_STATUS_H
#define WARDGATE_STATUS_H

#include "gateway/snapshot.h"

/* {"gateway": {...}, "devices": [{...}]} and a newline. Moments are RFC 3339 UTC strings, or null
 * for never. peer, peer_subject, peer_serial, tls, suite and verdict of a device are those of its
 * link that is up, else of its first link. Caller frees with mem_free. NULL: no memory. */
char *status_json(const struct snapshot *s);

#endif
