/*
 * Permit: may a master's request go to its Modbus device, and which rule says so?
 *
 * Floor 3, pure. The gateway and `wardgate modbus explain` ask here, so that both say the same.
 */
#ifndef WARDGATE_PERMIT_H
#define WARDGATE_PERMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "protocols/bytes.h"
#include "protocols/modbus_pdu.h"
#include "protocols/modbus_policy.h"

struct permit_question {
    bool takes_writes;                /* the device's `writes` */
    bool is_unproven;                 /* the verdict on the master lets no write pass */
    const struct conf_access *access; /* NULL: no role section is about the device */
    uint64_t roles;                   /* of the master, as conf_access_roles says */
    int32_t minute;                   /* of the week, local time, or MODBUS_POLICY_NO_TIME */
    uint8_t unit;                     /* as it is on the bus */
    struct span pdu;
};

struct permit_answer {
    enum modbus_exception code;     /* MODBUS_FINE: it may */
    bool is_write;                  /* known when the code is FINE or ILLEGAL_FUNCTION */
    const char *why;                /* a short text; never NULL */
    const struct modbus_rule *rule; /* that allows it, or all but allows it; NULL: none */
};

/* Judge a request. In this order: a role where roles count (01), its form (01, 03), the device's
 * writes and the verdict (01), the rules (01). */
void permit_judge(const struct permit_question *q, struct permit_answer *out);

enum { PERMIT_TEXT_MAX = 80 };

/* What a request touches, for people: "holding 40-41", "holding 0-9, write holding 40",
 * "function 43"; without any value. `to`: PERMIT_TEXT_MAX bytes. */
void permit_range_text(struct span pdu, char *to);

#endif
