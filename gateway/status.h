/*
 * Status as JSON: what the control socket answers and `wardgate status --json` prints.
 *
 * Floor 3. Pure: a snapshot goes in, text comes out.
 */
#ifndef WARDGATE_STATUS_H
#define WARDGATE_STATUS_H

#include "gateway/snapshot.h"

/* {"gateway": {...}, "devices": [{...}], "trusts": [{...}], "blocks": [{...}], "grants": [{...}]}
 * and a newline; wardgate(8) lists the keys. Moments are RFC 3339 UTC strings, or null for never.
 * peer, peer_subject, peer_serial, tls, suite, verdict, evidence and verdict_until of a device are
 * those of its link that is up, else of its first link; its own certificate's verdict is in
 * `certificate`. Caller frees with mem_free. NULL: no memory. */
char *status_json(const struct snapshot *s);

#endif
