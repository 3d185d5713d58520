#include "protocols/modbus_policy.h"

#include "protocols/modbus_pdu.h"

/* Functions that touch registers or coils (MODBUS Application Protocol V1.1b3, chapter 6). */
enum {
    CODE_READ_COILS = 0x01,
    CODE_READ_DISCRETE = 0x02,
    CODE_READ_HOLDING = 0x03,
    CODE_READ_INPUT = 0x04,
    CODE_WRITE_COIL = 0x05,
    CODE_WRITE_REGISTER = 0x06,
    CODE_WRITE_COILS = 0x0F,
    CODE_WRITE_REGISTERS = 0x10,
    CODE_MASK_WRITE = 0x16,
    CODE_READ_WRITE = 0x17,
};

/* Outside of the PDU: 0. Those who ask have a sound one. */
static uint8_t byte_at(struct span pdu, size_t at)
{
    uint8_t value = 0;

    (void)span_at(pdu, at, &value);
    return value;
}

static uint16_t word_at(struct span pdu, size_t at)
{
    struct span rest = span_after(pdu, at);
    uint16_t value = 0;

    (void)span_take_u16(&rest, &value);
    return value;
}

static size_t index_of(bool writes)
{
    return writes ? 1 : 0;
}

/* ---- the table ---- */

static bool comes_before(const struct modbus_rule *a, const struct modbus_rule *b)
{
    if (a->writes != b->writes) {
        return b->writes;
    }
    return a->kind != b->kind ? a->kind < b->kind : a->first < b->first;
}

/* By insertion: rules are few, stand nearly in order, and equal ones keep theirs. */
static void sort(struct modbus_rule *rules, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct modbus_rule rule = rules[i];
        size_t at = i;
        for (; at > 0 && comes_before(&rule, &rules[at - 1]); at--) {
            rules[at] = rules[at - 1];
        }
        rules[at] = rule;
    }
}

/* The first rule from `at` on that is not of this permission and kind. */
static size_t end_of_kind(const struct modbus_rule *rules, size_t count, size_t at, size_t place)
{
    while (at < count && index_of(rules[at].writes) == place / MODBUS_KINDS &&
           (size_t)rules[at].kind == place % MODBUS_KINDS) {
        at++;
    }
    return at;
}

void modbus_policy_make(struct modbus_policy *p, struct modbus_rule *rules, size_t count)
{
    size_t at = 0;

    sort(rules, count);
    p->rules = rules;
    for (size_t w = 0; w < 2; w++) {
        for (size_t kind = 0; kind < MODBUS_KINDS; kind++) {
            p->begins[w][kind] = at;
            at = end_of_kind(rules, count, at, w * MODBUS_KINDS + kind);
        }
        p->begins[w][MODBUS_KINDS] = at;
    }
}

size_t modbus_policy_count(const struct modbus_policy *p)
{
    return p->begins[1][MODBUS_KINDS];
}

bool modbus_policy_is_open(const struct modbus_window *windows, size_t count, int32_t minute)
{
    if (count == 0) {
        return true;
    }
    for (size_t i = 0; i < count && minute >= 0 && minute < MODBUS_POLICY_WEEK; i++) {
        const struct modbus_window *w = &windows[i];
        unsigned day = (unsigned)minute / MODBUS_POLICY_DAY;
        unsigned eve = (day + 6) % 7;
        unsigned time = (unsigned)minute % MODBUS_POLICY_DAY;
        bool is_day = (w->days >> day & 1U) != 0;
        bool was_eve = (w->days >> eve & 1U) != 0;
        bool wraps = w->until < w->from;

        if (is_day && time >= w->from && (wraps || time < w->until)) {
            return true;
        }
        if (wraps && was_eve && time < w->until) {
            return true; /* what began yesterday */
        }
    }
    return false;
}

bool modbus_policy_covers(const struct modbus_rule *wide, const struct modbus_rule *narrow)
{
    bool has_unit = !wide->has_unit || (narrow->has_unit && narrow->unit == wide->unit);
    bool has_values = !wide->has_values || (narrow->has_values && wide->least <= narrow->least &&
                                            wide->most >= narrow->most);
    bool has_time = wide->window_count == 0 || (wide->windows == narrow->windows &&
                                                wide->window_count == narrow->window_count);

    return wide->role == narrow->role && wide->writes == narrow->writes &&
           wide->kind == narrow->kind && wide->first <= narrow->first &&
           wide->last >= narrow->last && has_unit && has_values && has_time;
}

bool modbus_policy_function(uint8_t code, bool *reads, bool *writes)
{
    /* 08 looks or acts, as its sub-function says. */
    static const struct {
        uint8_t code;
        bool reads, writes;
    } known[] = {
        {0x07, true, false}, {0x08, true, true},  {0x0B, true, false},
        {0x0C, true, false}, {0x11, true, false}, {0x14, true, false},
        {0x15, false, true}, {0x18, true, false}, {0x2B, true, false},
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (known[i].code == code) {
            *reads = known[i].reads;
            *writes = known[i].writes;
            return true;
        }
    }
    return false;
}

const char *modbus_kind_name(enum modbus_kind kind)
{
    switch (kind) {
    case MODBUS_KIND_HOLDING:
        return "holding";
    case MODBUS_KIND_INPUT:
        return "input";
    case MODBUS_KIND_COILS:
        return "coils";
    case MODBUS_KIND_DISCRETE:
        return "discrete";
    case MODBUS_KIND_FUNCTION:
        return "function";
    case MODBUS_KINDS:
        break;
    }
    return "";
}

/* ---- what a request touches ---- */

/* A sound request touches one at least. */
static struct modbus_range range_of(enum modbus_kind kind, bool writes, uint16_t first,
                                    uint16_t count)
{
    return (struct modbus_range){kind, writes, first, (uint16_t)(first + count - 1)};
}

size_t modbus_policy_ranges(struct span pdu, struct modbus_range out[2])
{
    uint8_t code = byte_at(pdu, 0);
    uint16_t first = word_at(pdu, 1);
    uint16_t count = word_at(pdu, 3);

    switch (code) {
    case CODE_READ_COILS:
        out[0] = range_of(MODBUS_KIND_COILS, false, first, count);
        return 1;
    case CODE_READ_DISCRETE:
        out[0] = range_of(MODBUS_KIND_DISCRETE, false, first, count);
        return 1;
    case CODE_READ_HOLDING:
        out[0] = range_of(MODBUS_KIND_HOLDING, false, first, count);
        return 1;
    case CODE_READ_INPUT:
        out[0] = range_of(MODBUS_KIND_INPUT, false, first, count);
        return 1;
    case CODE_WRITE_COIL:
        out[0] = range_of(MODBUS_KIND_COILS, true, first, 1);
        return 1;
    case CODE_WRITE_COILS:
        out[0] = range_of(MODBUS_KIND_COILS, true, first, count);
        return 1;
    case CODE_WRITE_REGISTER:
    case CODE_MASK_WRITE:
        out[0] = range_of(MODBUS_KIND_HOLDING, true, first, 1);
        return 1;
    case CODE_WRITE_REGISTERS:
        out[0] = range_of(MODBUS_KIND_HOLDING, true, first, count);
        return 1;
    case CODE_READ_WRITE:
        out[0] = range_of(MODBUS_KIND_HOLDING, false, first, count);
        out[1] = range_of(MODBUS_KIND_HOLDING, true, word_at(pdu, 5), word_at(pdu, 7));
        return 2;
    default:
        out[0] = range_of(MODBUS_KIND_FUNCTION, modbus_pdu_is_write(pdu), code, 1);
        return 1;
    }
}

/* What register or coil number `i` of the written range gets. */
static uint16_t value_of(struct span pdu, size_t i)
{
    switch (byte_at(pdu, 0)) {
    case CODE_WRITE_COIL:
        return word_at(pdu, 3) != 0 ? 1 : 0;
    case CODE_WRITE_COILS:
        return (uint16_t)((unsigned)byte_at(pdu, 6 + i / 8) >> (i % 8) &
                          1U); /* the first is the lowest */
    case CODE_WRITE_REGISTERS:
        return word_at(pdu, 6 + 2 * i);
    case CODE_READ_WRITE:
        return word_at(pdu, 10 + 2 * i);
    default:
        return word_at(pdu, 3);
    }
}

/* ---- deciding ---- */

/* Does a rule about this register allow it now, and with this value? */
static enum modbus_policy_why judge(const struct modbus_rule *rule, const struct modbus_request *q,
                                    const struct modbus_range *range, uint16_t at)
{
    uint16_t value;

    if (!modbus_policy_is_open(rule->windows, rule->window_count, q->minute)) {
        return MODBUS_POLICY_CLOSED;
    }
    if (!rule->has_values) {
        return MODBUS_POLICY_ALLOWED;
    }
    /* It changes some bits of a value that nobody here has seen. */
    if (byte_at(q->pdu, 0) == CODE_MASK_WRITE) {
        return MODBUS_POLICY_MASKED;
    }
    value = value_of(q->pdu, (size_t)(at - range->first));
    return value >= rule->least && value <= rule->most ? MODBUS_POLICY_ALLOWED
                                                       : MODBUS_POLICY_VALUE;
}

/* Is it one of the master's rules, for this unit? */
static bool counts(const struct modbus_rule *rule, const struct modbus_request *q)
{
    return (q->roles >> rule->role & 1U) != 0 && (!rule->has_unit || rule->unit == q->unit);
}

/* One register: the rule that allows it, or of the others the one that comes nearest. */
static struct modbus_decision decide_at(const struct modbus_policy *p,
                                        const struct modbus_request *q,
                                        const struct modbus_range *range, uint16_t at)
{
    struct modbus_decision best = {
        .why = MODBUS_POLICY_NO_RULE, .writes = range->writes, .kind = range->kind, .at = at};
    const size_t *begins = p->begins[index_of(range->writes)];

    for (size_t i = begins[range->kind]; i < begins[range->kind + 1]; i++) {
        const struct modbus_rule *rule = &p->rules[i];
        enum modbus_policy_why why;

        if (rule->first > at) {
            break; /* as all that follow */
        }
        if (rule->last < at || !counts(rule, q)) {
            continue;
        }
        why = judge(rule, q, range, at);
        if (why == MODBUS_POLICY_ALLOWED || why > best.why) {
            best.why = why;
            best.rule = rule;
        }
        if (why == MODBUS_POLICY_ALLOWED) {
            break;
        }
    }
    return best;
}

/* Every register of a range. */
static struct modbus_decision decide_range(const struct modbus_policy *p,
                                           const struct modbus_request *q,
                                           const struct modbus_range *range)
{
    struct modbus_decision first = decide_at(p, q, range, range->first);
    struct modbus_decision now = first;
    uint32_t at = range->first;

    while (now.why == MODBUS_POLICY_ALLOWED) {
        /* What has no value range allows all registers that it is about. */
        at = now.rule->has_values ? at + 1 : now.rule->last + 1U;
        if (at > range->last) {
            return first;
        }
        now = decide_at(p, q, range, (uint16_t)at);
    }
    return now;
}

struct modbus_decision modbus_policy_decide(const struct modbus_policy *p,
                                            const struct modbus_request *q)
{
    struct modbus_range ranges[2];
    struct modbus_decision d = {.why = MODBUS_POLICY_NO_RULE,
                                .writes = modbus_pdu_is_write(q->pdu),
                                .kind = MODBUS_KIND_FUNCTION,
                                .at = byte_at(q->pdu, 0)};
    size_t count;

    if (modbus_pdu_check(q->pdu) != MODBUS_FINE) {
        return d;
    }
    count = modbus_policy_ranges(q->pdu, ranges);
    if (q->roles == 0) {
        return (struct modbus_decision){.why = MODBUS_POLICY_NO_ROLE,
                                        .writes = ranges[count - 1].writes,
                                        .kind = ranges[0].kind,
                                        .at = ranges[0].first};
    }
    for (size_t i = 0; i < count; i++) {
        d = decide_range(p, q, &ranges[i]);
        if (d.why != MODBUS_POLICY_ALLOWED) {
            break;
        }
    }
    return d;
}
