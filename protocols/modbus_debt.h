/*
 * Modbus debt: which answers one unit of a serial line may still give to requests of before.
 *
 * Floor 0, pure. An answer on a serial line names the unit and the function, and not the request:
 * the late answer to a read of register 10 looks like an answer to a read of register 20. No wait
 * is long enough to be sure. What can be relied on is that a unit answers in the order in which it
 * was asked, each request at most once. So an answer belongs to the earliest open request that it
 * could belong to, and what was asked before that one will not be answered any more.
 *
 * Therefore: a request that was not answered stays on the unit's list. Nothing that one of the list
 * could answer is sent to the unit; a barrier goes first: a read that nobody asked for, whose
 * answer no open request can give. Once it is answered the list is empty, whatever the delay was.
 * The value in a barrier's answer is told to nobody. That holds for equal reads as well: their late
 * answers would be of the right register, but of an age that nobody knows.
 *
 * A unit may lack function 08, which is made for this; and one that knows a single function and a
 * single register can not be asked for anything of another length: it answers such barriers with
 * exceptions, which say less. Each of them still moves the line between what is settled and what
 * may be owed by one request at least. A barrier's late exception (never a value, and never to a
 * write) may be told as the answer to a read behind it, or such a unit would hardly be read again.
 */
#ifndef WARDGATE_MODBUS_DEBT_H
#define WARDGATE_MODBUS_DEBT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocols/bytes.h"

/* Every function once, barriers of three lengths of four functions, and the loop-back. */
enum { MODBUS_DEBT_MAX = 32 };

/* Requests of one kind that were not answered, with others between them. Requests are numbered as
 * they are asked. */
struct modbus_owed {
    uint8_t function;
    uint8_t len; /* of a normal answer's PDU; 0: any */
    bool is_barrier;
    uint32_t first, last;
};

struct modbus_debt {
    /* private to modbus_debt.c */
    uint8_t count;
    bool is_full;   /* there were more: nothing but a loop-back can tell any more */
    uint32_t asked; /* the last one's number */
    uint32_t done;  /* up to this one nothing will be answered any more */
    struct modbus_owed owed[MODBUS_DEBT_MAX];
};

/* Nothing is owed; all zero is the same. */
void modbus_debt_clear(struct modbus_debt *d);

bool modbus_debt_is_empty(const struct modbus_debt *d);

/* `request` (a PDU that passed modbus_pdu_check) was sent and not answered. */
void modbus_debt_add(struct modbus_debt *d, struct span request, bool is_barrier);

/* Could an answer that is still owed pass for the answer to this request? Then a barrier is needed
 * before it may be sent. */
bool modbus_debt_confuses(const struct modbus_debt *d, struct span request);

/* May an answer of this function still come? */
bool modbus_debt_owes(const struct modbus_debt *d, uint8_t function);

/* `answer` came while nothing was asked, or too late: forget what it settles. False: nobody on the
 * list could have given it. */
bool modbus_debt_pay(struct modbus_debt *d, struct span answer);

/* `answer` came, and it is (or looks like) the answer to `request`, which was asked last: forget
 * what it settles. Where it may be that of an earlier one, `request` is on the list from now on. */
void modbus_debt_settle(struct modbus_debt *d, struct span request, bool is_barrier,
                        struct span answer);

/* Two kinds of barriers: units differ in what they answer. */
enum modbus_barrier {
    MODBUS_BARRIER_LOOPBACK, /* function 08, sub-function 0: no side effect; many know it */
    MODBUS_BARRIER_READ,     /* a read near what `next` is about, of another length */
};

/* Append a barrier's PDU (at most 5 bytes) that may go before `next`. mark: another one each time.
 * False: there is none of this kind, or no room. */
bool modbus_debt_put_barrier(const struct modbus_debt *d, enum modbus_barrier kind,
                             struct span next, uint16_t mark, struct room *to);

#endif
