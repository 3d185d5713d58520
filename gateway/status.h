/*
 * Status as JSON: what the control socket answers and `wardgate status --json` prints.
 *
 * Floor 3. Pure: a snapshot goes in, text comes out.
 */
#ifndef WARDGATE_STATUS_H
#define WARDGATE_STATUS_H

#include <stdbool.h>
#include <stddef.h>

#include "gateway/snapshot.h"

/* {"gateway": {...}, "trusts": [{...}], "blocks": [{...}], "grants": [{...}], "devices": [{...}]}
 * and a newline; wardgate(8) lists the keys. Moments are RFC 3339 UTC strings, or null for never.
 * peer, peer_subject, peer_serial, tls, suite, verdict, evidence and verdict_until of a device are
 * those of its link that is up, else of its first link; its own certificate's verdict is in
 * `certificate`.
 *
 * Made in parts, because a text on ten thousand devices takes longer than a turn of the loop may.
 * All zero is an empty one; the fields are private to status.c. */
struct status_text {
    char *text; /* owned */
    size_t len, room;
    bool has_failed;  /* no memory: it stays so until status_take */
    bool has_devices; /* the next one needs a comma */
};

/* Begin with what s says of all but its devices; what the text held is forgotten. */
void status_begin(struct status_text *t, const struct snapshot *s);

/* The devices of s and their links come next. */
void status_add_devices(struct status_text *t, const struct snapshot *s);

/* End it, and take it out: NUL-terminated, the caller frees it with mem_free. NULL: there was no
 * memory, now or before. *t is empty afterwards. */
char *status_take(struct status_text *t);

/* Give back a text that nobody wants any more. *t is empty afterwards. */
void status_forget(struct status_text *t);

#endif
