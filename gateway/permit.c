#include "gateway/permit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *text_of(const struct modbus_decision *d, int32_t minute)
{
    switch (d->why) {
    case MODBUS_POLICY_ALLOWED:
        return "a rule allows it";
    case MODBUS_POLICY_NO_ROLE:
        return "the peer has no role that counts here";
    case MODBUS_POLICY_NO_RULE:
        return "no rule allows it";
    case MODBUS_POLICY_CLOSED:
        return minute == MODBUS_POLICY_NO_TIME ? "the rule has a time, and the clock is not trusted"
                                               : "the rule does not hold at this time";
    case MODBUS_POLICY_MASKED:
        return "the rule has a value range, which a mask write cannot be held to";
    case MODBUS_POLICY_VALUE:
        return "a value is outside of the rule's range";
    }
    return "";
}

static void deny(struct permit_answer *out, enum modbus_exception code, const char *why)
{
    out->code = code;
    out->why = why;
}

static void judge_rules(const struct permit_question *q, struct permit_answer *out)
{
    const struct modbus_request request = {
        .pdu = q->pdu, .unit = q->unit, .roles = q->roles, .minute = q->minute};
    struct modbus_decision d = modbus_policy_decide(&q->access->policy, &request);

    out->code = d.why == MODBUS_POLICY_ALLOWED ? MODBUS_FINE : MODBUS_ILLEGAL_FUNCTION;
    out->why = text_of(&d, q->minute);
    out->rule = d.rule;
}

void permit_judge(const struct permit_question *q, struct permit_answer *out)
{
    enum modbus_exception sound = modbus_pdu_check(q->pdu);

    *out = (struct permit_answer){.code = MODBUS_FINE,
                                  .is_write = modbus_pdu_is_write(q->pdu),
                                  .why = "no role section is about the device"};
    if (q->access != NULL && q->roles == 0) {
        const struct modbus_decision none = {.why = MODBUS_POLICY_NO_ROLE};
        deny(out, MODBUS_ILLEGAL_FUNCTION, text_of(&none, q->minute));
    } else if (sound != MODBUS_FINE) {
        deny(out, sound,
             sound == MODBUS_ILLEGAL_FUNCTION ? "unknown function" : "the request is malformed");
    } else if (out->is_write && !q->takes_writes) {
        deny(out, MODBUS_ILLEGAL_FUNCTION, "the device takes no writes");
    } else if (out->is_write && q->is_unproven) {
        deny(out, MODBUS_ILLEGAL_FUNCTION, "the verdict on the peer lets no write pass");
    } else if (q->access != NULL) {
        judge_rules(q, out);
    }
}

static void append_range(char *to, const struct modbus_range *range)
{
    size_t used = strlen(to);
    bool is_one = range->first == range->last;
    char last[8] = "";

    if (!is_one) {
        (void)snprintf(last, sizeof last, "-%u", (unsigned)range->last);
    }
    (void)snprintf(&to[used], PERMIT_TEXT_MAX - used, "%s%s%s %u%s", used > 0 ? ", " : "",
                   range->writes ? "write " : "", modbus_kind_name(range->kind),
                   (unsigned)range->first, last);
}

void permit_range_text(struct span pdu, char *to)
{
    struct modbus_range ranges[2];
    uint8_t code = 0;

    to[0] = '\0';
    if (modbus_pdu_check(pdu) != MODBUS_FINE) {
        (void)span_at(pdu, 0, &code); /* an empty one: 0, which is no function either */
        (void)snprintf(to, PERMIT_TEXT_MAX, "function %u", code);
        return;
    }
    size_t count = modbus_policy_ranges(pdu, ranges);
    for (size_t i = 0; i < count; i++) {
        append_range(to, &ranges[i]);
    }
}
