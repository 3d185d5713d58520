/*
 * Gate: at most so many TLS handshakes at once over all devices, so that the return of a ward's
 * switch is no storm.
 *
 * Floor 3, loop thread only. A ticket is embedded in a session. Peers that dial in may hold only
 * three quarters of the places: strangers who stall a handshake cannot stop our own dialling.
 */
#ifndef WARDGATE_GATE_H
#define WARDGATE_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gate_ticket {
    /* private to gate.c */
    struct gate_ticket *prev, *next;

    enum { GATE_OUTSIDE, GATE_WAITING, GATE_INSIDE } place;

    bool inbound;
    void (*on_turn)(void *owner);
    void *owner;
};

struct gate {
    /* private to gate.c */
    size_t places, inbound_places;
    size_t inside, inbound_inside;
    struct gate_ticket *first, *last; /* who waits, in order */
    uint32_t moves;                   /* how many gave a place back so far; may wrap */
};

/* places: 1.. */
void gate_init(struct gate *g, size_t places);

/* Ask for a place. True: the ticket is inside now. False: it waits, and on_turn(owner) is called
 * from somebody else's gate_leave when it is inside. Not for a ticket that is inside or waits. */
bool gate_enter(struct gate *g, struct gate_ticket *t, bool inbound, void (*on_turn)(void *owner),
                void *owner);

/* Give the place back, or stop waiting; harmless when outside. May call on_turn of others. */
void gate_leave(struct gate *g, struct gate_ticket *t);

bool gate_is_inside(const struct gate_ticket *t);

/* How many are inside; how many wait. */
size_t gate_inside(const struct gate *g);
size_t gate_waiting(const struct gate *g);

/* Does anybody wait? */
bool gate_is_crowded(const struct gate *g);

/* How many gave a place back since gate_init, modulo 2^32. */
uint32_t gate_moves(const struct gate *g);

#endif
