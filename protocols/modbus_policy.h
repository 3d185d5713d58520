/*
 * Modbus policy: which rule allows a request, or why none does.
 *
 * Floor 0, pure, fuzzed. Rules only allow; what no rule allows is denied. The caller owns the rules
 * and their texts; a policy only sorts them once, so that a request is a look-up among the rules of
 * its kind. Every register or coil that a request touches must be allowed; of a write, with the
 * value that it gets. Nothing here knows certificates: a master is a set of roles.
 */
#ifndef WARDGATE_MODBUS_POLICY_H
#define WARDGATE_MODBUS_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocols/bytes.h"

enum {
    MODBUS_POLICY_ROLES_MAX = 64,     /* a master's roles are the bits of a number */
    MODBUS_POLICY_DAY = 24 * 60,      /* minutes */
    MODBUS_POLICY_WEEK = 7 * 24 * 60, /* minutes */
    MODBUS_POLICY_NO_TIME = -1,       /* nobody knows what time it is */
};

/* What a rule is about. */
enum modbus_kind {
    MODBUS_KIND_HOLDING,  /* 03; 06, 10, 16; 17 */
    MODBUS_KIND_INPUT,    /* 04 */
    MODBUS_KIND_COILS,    /* 01; 05, 0F */
    MODBUS_KIND_DISCRETE, /* 02 */
    MODBUS_KIND_FUNCTION, /* every other function, by its code */
    MODBUS_KINDS,
};

/* Part of a day on some days, in local time. It ends before `until`; when that is less than `from`,
 * on the next day. */
struct modbus_window {
    uint8_t days;   /* bit 0: Monday … bit 6: Sunday; the day that it begins on */
    uint16_t from;  /* minute of the day, 0.. */
    uint16_t until; /* ..MODBUS_POLICY_DAY */
};

struct modbus_rule {
    uint8_t role; /* 0..MODBUS_POLICY_ROLES_MAX - 1 */
    bool writes;  /* it allows to write, not to read */
    enum modbus_kind kind;
    uint16_t first, last; /* registers or coils, or the function's code twice */
    bool has_unit;        /* only for this one: */
    uint8_t unit;         /* as it is on the bus */
    bool has_values;      /* only with such values (of a coil: 0 or 1): */
    uint16_t least, most;
    const struct modbus_window *windows; /* borrowed */
    size_t window_count;                 /* 0: always */
    const char *text, *file;             /* as written, and where: for people; borrowed */
    int line;
};

struct modbus_policy {
    const struct modbus_rule *rules;    /* borrowed, sorted */
    size_t begins[2][MODBUS_KINDS + 1]; /* private: where a kind's rules begin; [1]: writes */
};

enum modbus_policy_why {
    MODBUS_POLICY_ALLOWED,
    MODBUS_POLICY_NO_ROLE, /* the master has none that counts here */
    MODBUS_POLICY_NO_RULE, /* no rule is about this */
    MODBUS_POLICY_CLOSED,  /* one is, at another time, or nobody knows the time */
    MODBUS_POLICY_MASKED,  /* one is with a value range; a mask write's outcome is not known */
    MODBUS_POLICY_VALUE,   /* one is, with other values */
};

struct modbus_request {
    struct span pdu; /* sound: modbus_pdu_check says so */
    uint8_t unit;    /* as it is on the bus */
    uint64_t roles;  /* of the master: bit per role */
    int32_t minute;  /* of the week in local time, Monday 00:00 is 0; or MODBUS_POLICY_NO_TIME */
};

struct modbus_decision {
    enum modbus_policy_why why;
    const struct modbus_rule *rule; /* that allowed (the first register, where there are several
                                       rules), or that all but did; NULL: none */
    bool writes;                    /* that permission is missing, or was asked last */
    enum modbus_kind kind;
    uint16_t at; /* the register that is not allowed, or the first one */
};

/* What a request touches. Of function 17 the second range is what it writes. */
struct modbus_range {
    enum modbus_kind kind;
    bool writes;
    uint16_t first, last;
};

/* Put rules in order (in place) and make a policy of them. */
void modbus_policy_make(struct modbus_policy *p, struct modbus_rule *rules, size_t count);

/* How many rules it has. */
size_t modbus_policy_count(const struct modbus_policy *p);

/* What a sound request touches: 1 or 2 ranges, the reads first. */
size_t modbus_policy_ranges(struct span pdu, struct modbus_range out[2]);

/* Decide. No request that is not sound is allowed. */
struct modbus_decision modbus_policy_decide(const struct modbus_policy *p,
                                            const struct modbus_request *q);

/* Is this minute of the week within one of the windows? Not when it is MODBUS_POLICY_NO_TIME.
 * No windows at all: always. */
bool modbus_policy_is_open(const struct modbus_window *windows, size_t count, int32_t minute);

/* Does `wide` allow all that `narrow` does (same role, permission and kind; no less time)? */
bool modbus_policy_covers(const struct modbus_rule *wide, const struct modbus_rule *narrow);

/* May a rule name this function by its code (it touches no registers, and its length is known)?
 * *reads, *writes: which of the two it can do. */
bool modbus_policy_function(uint8_t code, bool *reads, bool *writes);

/* "holding", "input", "coils", "discrete", "function". Never NULL. */
const char *modbus_kind_name(enum modbus_kind kind);

#endif
