#include "protocols/framer.h"

#include <assert.h>

/*
 * All kinds share one idea: a scan tells how far the current message reaches into the input, and
 * cut_message turns that into a label. The scan does not know of max_frame: it is only ever shown
 * as much input as can not straddle that bound, and goes on to look for the message's end when the
 * message has become too long. So every kind finds its way back to the next message by itself.
 */

enum { CR = 0x0d, LF = 0x0a };

enum { MLLP_START = 0x0b, MLLP_END = 0x1c }; /* <SB> and <EB>; <EB> counts only before CR */

/* MBAP: transaction, protocol, length, then `length` bytes of which the first is the unit. */
enum {
    MBAP_PROTOCOL_HIGH = 2,
    MBAP_PROTOCOL_LOW = 3,
    MBAP_LENGTH_HIGH = 4,
    MBAP_LENGTH_LOW = 5,
    MBAP_COUNTED = 6, /* bytes before those that the length counts */
    MBAP_LENGTH_MIN = 2,
    MBAP_LENGTH_MAX = 254,
};

/* How many bytes are looked at at once for either of two values: one message of a few bytes must
 * not cost a search through all the input behind it. */
enum { LINE_WINDOW = 256 };

/* Values of framer.state; every kind starts a message at 0. */
enum { LINE_TEXT, LINE_AFTER_CR };

enum { MLLP_HUNT, MLLP_DATA, MLLP_AFTER_END };

enum { MBAP_FOLLOWED, MBAP_BROKEN };

/* How far the current message reaches into the input. */
struct reach {
    size_t len;
    bool ends;
};

typedef struct reach (*scan_fn)(struct framer *fr, struct span in);
typedef struct framer_cut (*step_fn)(struct framer *fr, struct span in);

static struct framer_cut cut_of(enum framer_label label, size_t len)
{
    return (struct framer_cut){label, len};
}

/* Leaves the current message; true when it was one to pass on. */
static bool leave_message(struct framer *fr)
{
    bool whole = fr->seen <= fr->max_frame;
    framer_reset(fr);
    return whole;
}

static struct framer_cut cut_message(struct framer *fr, struct span in, scan_fn scan)
{
    enum framer_label label = FRAMER_JUNK;
    size_t bound = in.len;
    if (fr->seen < fr->max_frame) {
        label = FRAMER_PART;
        bound = fr->max_frame - fr->seen;
    } else if (fr->seen == fr->max_frame) {
        /* Exactly one byte, so that the label is the same in whatever cuts the input comes. */
        label = FRAMER_TOO_LONG;
        bound = 1;
    }

    struct reach reach = scan(fr, span_first(in, bound));
    assert(reach.len > 0);
    if (reach.ends) {
        framer_reset(fr);
        return cut_of(label == FRAMER_PART ? FRAMER_END : label, reach.len);
    }
    /* What is dropped may go on for ever; the count must not come round to a good one. */
    fr->seen = reach.len > SIZE_MAX - fr->seen ? SIZE_MAX : fr->seen + reach.len;
    return cut_of(label, reach.len);
}

static struct framer_cut step_raw(struct framer *fr, struct span in)
{
    (void)fr; /* nothing to remember: each input stands for itself */
    return cut_of(FRAMER_END, in.len);
}

static struct reach scan_gap(struct framer *fr, struct span in)
{
    (void)fr; /* no byte ends the message, only framer_silence does */
    return (struct reach){in.len, false};
}

static struct framer_cut step_gap(struct framer *fr, struct span in)
{
    return cut_message(fr, in, scan_gap);
}

/* Where the first CR or LF is; in.len when there is none. */
static size_t find_line_end(struct span in)
{
    size_t at = 0;
    while (at < in.len) {
        struct span window = span_first(span_after(in, at), LINE_WINDOW);
        size_t lf = span_find(window, LF);
        size_t first = span_find(span_first(window, lf), CR);
        if (first < window.len) {
            return at + first;
        }
        at += window.len;
    }
    return in.len;
}

static bool begins_with(struct span in, uint8_t value)
{
    uint8_t first = 0;
    return span_at(in, 0, &first) && first == value;
}

static struct reach scan_line(struct framer *fr, struct span in)
{
    if (fr->state == LINE_AFTER_CR) {
        return (struct reach){1, true}; /* the LF: step_line has looked */
    }
    size_t at = find_line_end(in);
    struct span end = span_after(in, at);
    if (begins_with(end, LF)) {
        return (struct reach){at + 1, true};
    }
    if (end.len == 1) {
        fr->state = LINE_AFTER_CR; /* alone, or the first half of CR LF? */
    }
    if (end.len <= 1) {
        return (struct reach){in.len, false};
    }
    bool both = begins_with(span_after(end, 1), LF);
    return (struct reach){at + (both ? 2 : 1), true};
}

static struct framer_cut step_line(struct framer *fr, struct span in)
{
    if (fr->state == LINE_AFTER_CR && !begins_with(in, LF)) {
        /* The message ended before this input. A rest that was dropped needs no label for that. */
        if (leave_message(fr)) {
            return cut_of(FRAMER_END, 0);
        }
    }
    return cut_message(fr, in, scan_line);
}

/* HL7 v2.5.1 app. C, minimal lower layer protocol: only the pair 1C 0D ends a block. Segments end
 * with 0D, so 0D alone says nothing, and 1C alone is a byte like any other. */
static struct reach scan_mllp(struct framer *fr, struct span in)
{
    for (size_t at = 0; at < in.len; at++) {
        if (fr->state == MLLP_DATA) {
            at += span_find(span_after(in, at), MLLP_END);
            fr->state = at < in.len ? MLLP_AFTER_END : MLLP_DATA;
            continue;
        }
        struct span rest = span_after(in, at);
        if (begins_with(rest, CR)) {
            return (struct reach){at + 1, true};
        }
        /* A second 1C may be the one that ends the block. */
        fr->state = begins_with(rest, MLLP_END) ? MLLP_AFTER_END : MLLP_DATA;
    }
    return (struct reach){in.len, false};
}

static struct framer_cut step_mllp(struct framer *fr, struct span in)
{
    if (fr->state == MLLP_HUNT) {
        size_t junk = span_find(in, MLLP_START);
        if (junk > 0) {
            return cut_of(FRAMER_JUNK, junk);
        }
        fr->state = MLLP_DATA;
    }
    return cut_message(fr, in, scan_mllp);
}

/* Whether a header that is right up to here may have that byte at `at`. */
static bool mbap_allows(size_t at, uint8_t value)
{
    switch (at) {
    case MBAP_PROTOCOL_HIGH:
    case MBAP_PROTOCOL_LOW:
    case MBAP_LENGTH_HIGH: /* the longest is 254 */
        return value == 0;
    case MBAP_LENGTH_LOW:
        return value >= MBAP_LENGTH_MIN && value <= MBAP_LENGTH_MAX;
    default:
        return true;
    }
}

/* Stops before a byte that the header may not have; step_modbus_tcp then finds it in front. */
static struct reach scan_modbus_tcp(struct framer *fr, struct span in)
{
    size_t used = 0;
    uint8_t value = 0;
    while (fr->seen + used < MBAP_COUNTED && span_at(in, used, &value)) {
        size_t at = fr->seen + used;
        if (!mbap_allows(at, value)) {
            return (struct reach){used, false};
        }
        if (at == MBAP_LENGTH_LOW) {
            fr->expect = MBAP_COUNTED + (uint32_t)value;
        }
        used++;
    }
    if (fr->seen + used < MBAP_COUNTED) {
        return (struct reach){used, false};
    }
    size_t missing = fr->expect - (fr->seen + used);
    size_t rest = span_first(span_after(in, used), missing).len;
    return (struct reach){used + rest, rest == missing};
}

static struct framer_cut step_modbus_tcp(struct framer *fr, struct span in)
{
    uint8_t first = 0;
    (void)span_at(in, 0, &first); /* framer_step lets no empty input through */
    if (fr->state == MBAP_FOLLOWED && !mbap_allows(fr->seen, first)) {
        framer_reset(fr);
        fr->state = MBAP_BROKEN;
    }
    if (fr->state == MBAP_BROKEN) {
        return cut_of(FRAMER_BROKEN, in.len);
    }
    return cut_message(fr, in, scan_modbus_tcp);
}

static const step_fn steps[FRAMER_KINDS] = {
    [FRAMER_RAW] = step_raw,
    [FRAMER_GAP] = step_gap,
    [FRAMER_LINE] = step_line,
    [FRAMER_MLLP] = step_mllp,
    [FRAMER_MODBUS_TCP] = step_modbus_tcp,
};

void framer_init(struct framer *fr, enum framer_kind kind, size_t max_frame)
{
    assert((unsigned)kind < FRAMER_KINDS && max_frame > 0);
    *fr = (struct framer){.kind = kind, .max_frame = max_frame};
}

void framer_reset(struct framer *fr)
{
    fr->state = 0;
    fr->seen = 0;
    fr->expect = 0;
}

struct framer_cut framer_step(struct framer *fr, struct span in)
{
    if (in.len == 0) {
        return cut_of(FRAMER_PART, 0);
    }
    return steps[fr->kind](fr, in);
}

bool framer_silence(struct framer *fr)
{
    return framer_wants_silence(fr) && leave_message(fr);
}

bool framer_wants_silence(const struct framer *fr)
{
    return (fr->kind == FRAMER_GAP && fr->seen > 0) ||
           (fr->kind == FRAMER_LINE && fr->state == LINE_AFTER_CR);
}

size_t framer_pending(const struct framer *fr)
{
    return fr->seen <= fr->max_frame ? fr->seen : 0;
}
