/*
 * Orders of a person to the running gateway: block, unblock, break-glass, refresh. Read strictly,
 * carried out by revocation.c, logged, and answered when they are in force.
 *
 * Floor 3, loop thread only.
 */
#ifndef WARDGATE_ORDERS_H
#define WARDGATE_ORDERS_H

#include "gateway/control.h"
#include "gateway/revocation.h"
#include "protocols/bytes.h"

/* Take a request whose word is one of the four (order_text.h says how its arguments look) and
 * answer its client, now or when the order is in force. The answer is {"ok": true, "order": WORD}
 * and
 * - of block: "what", "links_cut"
 * - of unblock: "what"
 * - of break-glass: "device", "until" (RFC 3339; null when it has ended)
 * - of refresh: "sources_read"
 *
 * With "ok": false it has an "error" for people. With a "code" besides, a word of fault_code_name,
 * the order was refused and nothing was changed; without one it was tried and failed in part ("in
 * force, but not stored"), and the rest is told as above. */
void orders_take(struct revocation *r, struct control_client *client, enum control_request what,
                 struct span arguments);

/* Answer that there is no doing it, with a sentence that says why. */
void orders_refuse(struct control_client *client, enum control_request what, const char *why);

#endif
