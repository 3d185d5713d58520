#include "protocols/modbus_debt.h"

#include <string.h>

#include "protocols/modbus_pdu.h"

enum {
    READ_COILS = 0x01,
    READ_INPUT_REGISTERS = 0x04,
    READ_REGISTERS = 0x03,
    WRITE_COIL = 0x05,
    LOOPBACK = 0x08,
    WRITE_COILS = 0x0F,
    LENGTHS = 3, /* that a barrier may have: other than the next one's and that of what is owed */
};

static uint8_t function_of(struct span pdu)
{
    uint8_t code = 0;

    (void)span_at(pdu, 0, &code); /* an empty PDU never comes here */
    return code & (uint8_t)~MODBUS_EXCEPTION_FLAG;
}

static bool is_exception(struct span answer)
{
    uint8_t code = 0;

    return span_at(answer, 0, &code) && (code & MODBUS_EXCEPTION_FLAG) != 0;
}

static uint16_t word_at(struct span pdu, size_t at)
{
    struct span rest = span_after(pdu, at);
    uint16_t value = 0;

    (void)span_take_u16(&rest, &value); /* outside: 0 */
    return value;
}

static bool is_bits(uint8_t function)
{
    return function <= 0x02;
}

/* The length of a normal answer to a read of `count` items. */
static uint8_t read_len(uint8_t function, uint16_t count)
{
    return (uint8_t)(2 + (is_bits(function) ? (count + 7) / 8 : 2 * count));
}

static uint8_t answer_len(struct span request)
{
    uint8_t function = function_of(request);

    if (function < READ_COILS || function > READ_INPUT_REGISTERS) {
        return 0;
    }
    return read_len(function, word_at(request, 3));
}

void modbus_debt_clear(struct modbus_debt *d)
{
    memset(d, 0, sizeof *d);
}

bool modbus_debt_is_empty(const struct modbus_debt *d)
{
    return d->count == 0 && !d->is_full;
}

static struct modbus_owed *find_like(struct modbus_debt *d, const struct modbus_owed *new)
{
    for (uint8_t i = 0; i < d->count; i++) {
        struct modbus_owed *e = &d->owed[i];

        if (e->function == new->function && e->len == new->len &&
            e->is_barrier == new->is_barrier) {
            return e;
        }
    }
    return NULL;
}

void modbus_debt_add(struct modbus_debt *d, struct span request, bool is_barrier)
{
    struct modbus_owed new = {.function = function_of(request),
                              .len = answer_len(request),
                              .is_barrier = is_barrier,
                              .first = d->asked + 1,
                              .last = d->asked + 1};
    struct modbus_owed *like = find_like(d, &new);

    /* No number is given twice: that many unanswered requests take years. */
    if (d->asked == UINT32_MAX || (like == NULL && d->count == MODBUS_DEBT_MAX)) {
        d->is_full = true;
        return;
    }
    d->asked++;
    if (like != NULL) {
        like->last = new.last;
        return;
    }
    d->owed[d->count] = new;
    d->count++;
}

/* Of what masters asked the function alone counts: an exception has no length. The exception of a
 * barrier is let pass, or a unit with a single register would never be free of it. */
static bool could_answer(const struct modbus_owed *e, struct span request)
{
    if (e->function != function_of(request)) {
        return false;
    }
    return !e->is_barrier || e->len == 0 || e->len == answer_len(request);
}

bool modbus_debt_confuses(const struct modbus_debt *d, struct span request)
{
    for (uint8_t i = 0; i < d->count; i++) {
        if (could_answer(&d->owed[i], request)) {
            return true;
        }
    }
    return d->is_full;
}

bool modbus_debt_owes(const struct modbus_debt *d, uint8_t function)
{
    for (uint8_t i = 0; i < d->count; i++) {
        if (d->owed[i].function == function) {
            return true;
        }
    }
    return d->is_full;
}

/* Could `e` have given this answer? A loop-back brings its own mark back, which no earlier barrier
 * had. */
static bool gave(const struct modbus_owed *e, struct span answer)
{
    if (e->function != function_of(answer)) {
        return false;
    }
    if (is_exception(answer)) {
        return true;
    }
    if (e->function == LOOPBACK) {
        return !e->is_barrier;
    }
    return e->len == 0 || e->len == answer.len;
}

/* The earliest of these requests that may still be answered. */
static uint32_t next_of(const struct modbus_debt *d, const struct modbus_owed *e)
{
    return e->first > d->done ? e->first : d->done + 1;
}

static void forget_done(struct modbus_debt *d)
{
    uint8_t kept = 0;

    for (uint8_t i = 0; i < d->count; i++) {
        if (d->owed[i].last > d->done) {
            d->owed[kept] = d->owed[i];
            kept++;
        }
    }
    d->count = kept;
}

bool modbus_debt_pay(struct modbus_debt *d, struct span answer)
{
    uint32_t earliest = 0;

    for (uint8_t i = 0; i < d->count; i++) {
        uint32_t next = next_of(d, &d->owed[i]);

        if (gave(&d->owed[i], answer) && (earliest == 0 || next < earliest)) {
            earliest = next;
        }
    }
    if (earliest == 0) {
        return false;
    }
    /* It was this one, or a later one: what was asked before has had its time. */
    d->done = earliest;
    forget_done(d);
    return true;
}

/* Is this the loop-back itself, with its mark? */
static bool is_proof(struct span request, bool is_barrier, struct span answer)
{
    return is_barrier && function_of(request) == LOOPBACK && span_equal(request, answer);
}

void modbus_debt_settle(struct modbus_debt *d, struct span request, bool is_barrier,
                        struct span answer)
{
    bool is_earlier = modbus_debt_pay(d, answer);

    if (is_earlier) {
        modbus_debt_add(d, request, is_barrier);
    } else if (!d->is_full || is_proof(request, is_barrier, answer)) {
        modbus_debt_clear(d);
    }
}

/* ---- barriers ---- */

static bool put_loopback(uint16_t mark, struct room *to)
{
    struct room out = *to;

    if (!room_put_u8(&out, LOOPBACK) || !room_put_u16(&out, 0) || !room_put_u16(&out, mark)) {
        return false;
    }
    *to = out;
    return true;
}

/* Which read is near a request: the same one, or of what a write is about. */
static uint8_t near_function(uint8_t function)
{
    if (function >= READ_COILS && function <= READ_INPUT_REGISTERS) {
        return function;
    }
    return function == WRITE_COIL || function == WRITE_COILS ? READ_COILS : READ_REGISTERS;
}

/* Is a normal answer of this length the barrier's own? What an earlier barrier still owes may look
 * like it: it came behind everything that the barrier is for. */
static bool is_telling(const struct modbus_debt *d, uint8_t function, uint8_t len, struct span next)
{
    for (uint8_t i = 0; i < d->count; i++) {
        const struct modbus_owed *e = &d->owed[i];

        if (!e->is_barrier && e->function == function && (e->len == 0 || e->len == len)) {
            return false;
        }
    }
    return function_of(next) != function || answer_len(next) != len;
}

static bool put_read(const struct modbus_debt *d, struct span next, struct room *to)
{
    uint8_t function = near_function(function_of(next));
    int width = is_bits(function) ? 8 : 1; /* the least that changes the length */
    uint16_t address = next.len >= 5 ? word_at(next, 1) : 0;

    /* Few: those exist where more do. */
    for (int i = 1; i <= LENGTHS; i++) {
        int count = i * width;
        struct room out = *to;

        if (address + count > 65536 ||
            !is_telling(d, function, read_len(function, (uint16_t)count), next)) {
            continue;
        }
        if (!room_put_u8(&out, function) || !room_put_u16(&out, address) ||
            !room_put_u16(&out, (uint16_t)count)) {
            return false;
        }
        *to = out;
        return true;
    }
    return false;
}

bool modbus_debt_put_barrier(const struct modbus_debt *d, enum modbus_barrier kind,
                             struct span next, uint16_t mark, struct room *to)
{
    switch (kind) {
    case MODBUS_BARRIER_LOOPBACK:
        return put_loopback(mark, to);
    case MODBUS_BARRIER_READ:
        break;
    }
    return put_read(d, next, to);
}
