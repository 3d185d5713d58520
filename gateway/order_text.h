/*
 * An order of a person to the running gateway (block, unblock, break-glass, refresh) and its text
 * on the control socket. The command checks it to tell the person, the gateway because the socket
 * may carry anything.
 *
 * Floor 3, pure. The struct belongs to its user.
 */
#ifndef WARDGATE_ORDER_TEXT_H
#define WARDGATE_ORDER_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/blocks.h"
#include "gateway/control.h"
#include "protocols/bytes.h"
#include "protocols/fault.h"

/* Sizes with the NUL, as the block list keeps them; break-glass lasts from a minute to a day. */
enum {
    ORDER_TEXT_SUBJECT_MAX = BLOCKS_VALUE_MAX,
    ORDER_TEXT_REASON_MAX = BLOCKS_REASON_MAX,
    ORDER_TEXT_FOR_MIN_S = BLOCKS_GRANT_MIN_S,
    ORDER_TEXT_FOR_MAX_S = BLOCKS_GRANT_MAX_S,
};

struct order {
    enum control_request what;            /* CONTROL_REFRESH and what follows it */
    char subject[ORDER_TEXT_SUBJECT_MAX]; /* a serial, a fingerprint or a device; refresh: "" */
    char reason[ORDER_TEXT_REASON_MAX];   /* block, break-glass; "": none, to end break-glass */
    int64_t for_s; /* break-glass: ORDER_TEXT_FOR_MIN_S to ORDER_TEXT_FOR_MAX_S, or 0: end it */
};

/* What a person or a program gave, not looked at yet; borrowed texts, NULL for none. */
struct order_text_parts {
    enum control_request what;
    const char *subject;
    const char *reason;
    int64_t for_s;
};

/* Make an order of it: copied whole, or refused. Returns 0, or FAULT_CONFIG with a sentence that
 * says what would be right: the subject is missing, too long or has a letter that no name, serial
 * or fingerprint has; a reason is missing where one is needed, too long, or not one line of plain
 * text; for_s is out of its bounds. *out is written only on success. */
int order_text_make(const struct order_text_parts *parts, struct order *out, struct fault *f);

/* The same from the arguments of a request, read strictly: one JSON object with exactly these, or
 * nothing for refresh:
 * - block: "what": TEXT, "reason": TEXT
 * - unblock: "what": TEXT
 * - break-glass: "device": TEXT, "for_s": SECONDS, "reason": TEXT (may be missing to end it)
 *
 * Returns 0, or FAULT_CONFIG. */
int order_text_read(enum control_request what, struct span arguments, struct order *out,
                    struct fault *f);

/* The request for it, as ask_path sends it. False: no memory. */
bool order_text_write(const struct order *o, char out[CONTROL_REQUEST_MAX]);

/* "90m", "2h": a duration as in the configuration, within the bounds; "0". 0, or FAULT_CONFIG. */
int order_text_duration(const char *text, int64_t *for_s, struct fault *f);

#endif
