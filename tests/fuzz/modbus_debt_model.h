/*
 * A unit of a serial line that answers in order, each request at most once, after any time; and the
 * bus's side of modbus_debt.h against it. No answer is ever told as that of another request, and
 * once the unit answers again, it is free of its debt soon; else it aborts.
 *
 * An input is: 1 byte that says what the unit is like, and 5 bytes for each exchange: the function,
 * address, count, what the unit does with it, and how many of its answers come before the request,
 * while it is waited for, and too late.
 */
#ifndef WARDGATE_MODBUS_DEBT_MODEL_H
#define WARDGATE_MODBUS_DEBT_MODEL_H

#include <stdlib.h>
#include <string.h>

#include "protocols/modbus_debt.h"
#include "protocols/modbus_pdu.h"

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

enum { OPEN_MAX = 64, PDU_MAX = 64, LOOPBACK = 0x08, ROUNDS_TO_FREEDOM = 4 };

struct pdu {
    size_t len;
    uint8_t bytes[PDU_MAX];
};

/* An answer that is on its way, and to which request. */
struct open_answer {
    struct pdu pdu;
    unsigned number;
    bool is_of_barrier;
};

struct unit {
    bool has_loopback, refuses_loopback;
    unsigned registers; /* it has so many */
    struct open_answer open[OPEN_MAX];
    size_t count;
};

/* One request on the wire. */
struct exchange {
    struct pdu request;
    unsigned number;
    bool is_barrier;
    bool is_lost, is_refused; /* what the unit does with it */
    unsigned before, in_time, late;
};

static struct span span_of_pdu(const struct pdu *p)
{
    return span_of(p->bytes, p->len);
}

/* ---- the unit ---- */

static void put(struct pdu *p, uint8_t byte)
{
    require(p->len < sizeof p->bytes);
    p->bytes[p->len] = byte;
    p->len++;
}

static void refuse(struct pdu *answer, uint8_t function, uint8_t code)
{
    answer->len = 0;
    put(answer, function | MODBUS_EXCEPTION_FLAG);
    put(answer, code);
}

static void answer_with(struct pdu *answer, uint8_t function, unsigned len)
{
    put(answer, function);
    put(answer, (uint8_t)len);
    for (unsigned i = 0; i < len; i++) {
        put(answer, 0xAA);
    }
}

static void answer_to(const struct unit *u, const struct exchange *x, struct pdu *answer)
{
    const uint8_t *asked = x->request.bytes;
    unsigned count = asked[4];
    bool is_read = asked[0] <= 0x04;

    if (x->is_refused || (asked[0] == LOOPBACK && u->refuses_loopback)) {
        refuse(answer, asked[0], 1);
    } else if (is_read && asked[2] + count > u->registers) {
        refuse(answer, asked[0], 2);
    } else if (is_read) {
        answer_with(answer, asked[0], asked[0] <= 0x02 ? (count + 7) / 8 : 2 * count);
    } else if (asked[0] == 0x11) {
        answer_with(answer, asked[0], 2);
    } else { /* it repeats what was asked, or the beginning of that */
        for (size_t i = 0; i < x->request.len && (i < 5 || asked[0] == 0x16); i++) {
            put(answer, asked[i]);
        }
    }
}

static void unit_hear(struct unit *u, const struct exchange *x)
{
    bool is_deaf = x->request.bytes[0] == LOOPBACK && !u->has_loopback;

    if (!x->is_lost && !is_deaf && u->count < OPEN_MAX) {
        struct open_answer *a = &u->open[u->count];

        *a = (struct open_answer){.number = x->number, .is_of_barrier = x->is_barrier};
        answer_to(u, x, &a->pdu);
        u->count++;
    }
}

static bool unit_say(struct unit *u, unsigned *left, struct open_answer *out)
{
    if (u->count == 0 || *left == 0) {
        return false;
    }
    *out = u->open[0];
    u->count--;
    (*left)--;
    memmove(u->open, u->open + 1, u->count * sizeof u->open[0]);
    return true;
}

/* ---- the bus, as bus_rtu.c and bus_unit.c have it ---- */

/* The exception to a barrier alone may be taken for another's: see modbus_debt.h. */
static bool is_let_pass(const struct open_answer *a)
{
    return a->is_of_barrier && (a->pdu.bytes[0] & MODBUS_EXCEPTION_FLAG) != 0;
}

/* Nothing that is still to come could be told as the answer. */
static void check_clear(const struct unit *u, const struct exchange *x)
{
    for (size_t i = 0; i < u->count; i++) {
        require(is_let_pass(&u->open[i]) ||
                !modbus_pdu_matches(span_of_pdu(&x->request), span_of_pdu(&u->open[i].pdu)));
    }
}

static void be_late(struct modbus_debt *d, struct unit *u, struct exchange *x)
{
    struct open_answer a;

    while (unit_say(u, &x->late, &a)) {
        if (modbus_pdu_matches(span_of_pdu(&x->request), span_of_pdu(&a.pdu))) {
            (void)modbus_debt_pay(d, span_of_pdu(&a.pdu));
            return; /* it ends the quarantine */
        }
    }
}

/* True: it was answered. */
static bool exchange(struct modbus_debt *d, struct unit *u, struct exchange *x)
{
    struct span request = span_of_pdu(&x->request);
    struct open_answer a;

    require(modbus_pdu_check(request) == MODBUS_FINE);
    while (unit_say(u, &x->before, &a)) { /* bytes that nobody asked for */
    }
    if (!x->is_barrier) {
        check_clear(u, x);
    }
    unit_hear(u, x);
    while (unit_say(u, &x->in_time, &a)) {
        struct span answer = span_of_pdu(&a.pdu);

        if (modbus_pdu_matches(request, answer)) {
            require(x->is_barrier || a.number == x->number || is_let_pass(&a));
            modbus_debt_settle(d, request, x->is_barrier, answer);
            return true;
        }
        if (!modbus_debt_owes(d, answer.data[0] & (uint8_t)~MODBUS_EXCEPTION_FLAG)) {
            break;
        }
    }
    modbus_debt_add(d, request, x->is_barrier);
    be_late(d, u, x);
    return false;
}

/* Ask this, or what has to go before it. True: this was asked, and answered. */
static bool ask(struct modbus_debt *d, struct unit *u, struct exchange *x, bool reads)
{
    struct span next = span_of_pdu(&x->request);
    struct pdu barrier = {0};
    struct room out = room_of(barrier.bytes, sizeof barrier.bytes);

    if (!modbus_debt_confuses(d, next)) {
        return exchange(d, u, x);
    }
    if (!modbus_debt_put_barrier(d, reads ? MODBUS_BARRIER_READ : MODBUS_BARRIER_LOOPBACK, next,
                                 (uint16_t)x->number, &out)) {
        require(
            modbus_debt_put_barrier(d, MODBUS_BARRIER_LOOPBACK, next, (uint16_t)x->number, &out));
    }
    barrier.len = out.len;
    x->request = barrier;
    x->is_barrier = true;
    (void)exchange(d, u, x);
    return false;
}

/* ---- the input ---- */

/* Function, address, number of items: whole requests of every shape. */
static struct pdu request_of(uint8_t function, uint8_t address, uint8_t count)
{
    static const uint8_t functions[] = {1, 2, 3, 3, 4, 5, 6, LOOPBACK, 0x0F, 0x10, 0x11, 0x16};
    uint8_t code = functions[function % sizeof functions];
    uint8_t items = 1 + count % 24;
    struct pdu p = {.len = 5, .bytes = {code, 0, address, 0, items}};

    switch (code) {
    case 0x05:
        p.bytes[3] = (count & 1) != 0 ? 0xFF : 0;
        p.bytes[4] = 0;
        break;
    case LOOPBACK:
        p.bytes[2] = 0;
        break;
    case 0x0F:
        put(&p, (uint8_t)((items + 7) / 8));
        p.len += (items + 7U) / 8;
        break;
    case 0x10:
        put(&p, (uint8_t)(2 * items));
        p.len += 2U * items;
        break;
    case 0x11:
        p.len = 1;
        break;
    case 0x16:
        p.len = 7;
        break;
    default:
        break;
    }
    return p;
}

/* It answers everything at once from here on, and nothing is lost any more. */
static void check_freedom(struct modbus_debt *d, struct unit *u, unsigned number)
{
    for (unsigned round = 0; round < ROUNDS_TO_FREEDOM + 2 * number; round++) {
        struct exchange x = {.request = request_of(3, 0, 0),
                             .number = number + round,
                             .before = OPEN_MAX,
                             .in_time = OPEN_MAX};

        if (ask(d, u, &x, round % 2 == 0)) {
            return;
        }
    }
    require(false);
}

/* Whether the unit is free in the end is looked at, too. Returns how many requests were answered.
 */
static unsigned debt_model_run(struct span in)
{
    struct unit unit = {.count = 0};
    struct modbus_debt debt = {.count = 0};
    struct span piece;
    uint8_t like = 0;
    unsigned number = 0;
    unsigned answered = 0;

    (void)span_take_u8(&in, &like);
    unit.has_loopback = (like & 1) != 0;
    unit.refuses_loopback = (like & 2) != 0;
    unit.registers = 1U + (unsigned)(like >> 2) * 4U;
    while (span_take(&in, 5, &piece)) {
        const uint8_t *at = piece.data;
        struct exchange x = {.request = request_of(at[0], at[1], at[2]),
                             .number = ++number,
                             .is_lost = (at[3] & 3) == 3,
                             .is_refused = (at[3] & 12) == 12,
                             .before = at[4] & 3,
                             .in_time = at[4] >> 2 & 3,
                             .late = at[4] >> 4 & 3};

        answered += ask(&debt, &unit, &x, (at[3] & 16) != 0) ? 1 : 0;
    }
    check_freedom(&debt, &unit, number);
    return answered;
}

#endif
