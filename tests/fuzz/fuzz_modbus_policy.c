/* The policy's decision against the same question asked register by register, without any order:
 * what is allowed is sound, has a role, and has a rule for each register that it touches.
 *
 * An input is: 1 byte of roles, 1 of the unit, 2 of the minute, and then the PDU. */
#include <stdlib.h>

#include "protocols/modbus_pdu.h"
#include "protocols/modbus_policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct modbus_window day[] = {{.days = 0x1F, .from = 420, .until = 1140}};
static const struct modbus_rule made[] = {
    {.role = 0, .kind = MODBUS_KIND_HOLDING, .last = 99},
    {.role = 0, .kind = MODBUS_KIND_COILS, .first = 8, .last = 65535},
    {.role = 1, .kind = MODBUS_KIND_HOLDING, .first = 90, .last = 200, .has_unit = true, .unit = 1},
    {.role = 1, .kind = MODBUS_KIND_FUNCTION, .first = 43, .last = 43},
    {.role = 1,
     .writes = true,
     .kind = MODBUS_KIND_HOLDING,
     .last = 9,
     .windows = day,
     .window_count = 1},
    {.role = 2,
     .writes = true,
     .kind = MODBUS_KIND_HOLDING,
     .last = 65535,
     .has_values = true,
     .most = 255},
    {.role = 2, .writes = true, .kind = MODBUS_KIND_COILS, .last = 65535},
};

enum { RULES = sizeof made / sizeof made[0] };

static void require(bool fact)
{
    if (!fact) {
        abort();
    }
}

/* Some rule is about this register, values aside. */
static bool has_rule(const struct modbus_request *q, const struct modbus_range *range, uint32_t at)
{
    for (size_t i = 0; i < RULES; i++) {
        const struct modbus_rule *r = &made[i];
        if (r->writes == range->writes && r->kind == range->kind && r->first <= at &&
            at <= r->last && (q->roles >> r->role & 1U) != 0 &&
            (!r->has_unit || r->unit == q->unit) &&
            modbus_policy_is_open(r->windows, r->window_count, q->minute)) {
            return true;
        }
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct modbus_rule rules[RULES];
    struct modbus_policy policy;
    struct modbus_range ranges[2];
    struct span rest = span_of(data, size);
    uint8_t roles = 0;
    uint8_t unit = 0;
    uint16_t minute = 0;

    (void)(span_take_u8(&rest, &roles) && span_take_u8(&rest, &unit) &&
           span_take_u16(&rest, &minute));
    for (size_t i = 0; i < RULES; i++) {
        rules[i] = made[RULES - 1 - i];
    }
    modbus_policy_make(&policy, rules, RULES);
    const struct modbus_request q = {
        .pdu = rest, .unit = unit, .roles = roles, .minute = (int32_t)minute - 1};
    struct modbus_decision d = modbus_policy_decide(&policy, &q);
    if (d.why != MODBUS_POLICY_ALLOWED) {
        return 0;
    }
    require(roles != 0 && d.rule != NULL && modbus_pdu_check(rest) == MODBUS_FINE);
    size_t count = modbus_policy_ranges(rest, ranges);
    for (size_t i = 0; i < count; i++) {
        for (uint32_t at = ranges[i].first; at <= ranges[i].last; at++) {
            require(has_rule(&q, &ranges[i], at));
        }
    }
    return 0;
}
