/*
 * Gate: at most so many TLS handshakes at once over all devices, so that the return of a ward's
 * switch is no storm.
 *
 * Floor 3, loop thread only. A ticket is embedded in a session. Peers that dial in may hold only
 * three quarters of the places: strangers who stall a handshake cannot stop our own dialling. Who
 * has stalled one is a suspect until one of its handshakes succeeds; all suspects together may hold
 * a quarter of the places, so that a server which hangs does not keep others' devices away.
 */
#ifndef WARDGATE_GATE_H
#define WARDGATE_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Who asks for a place. */
struct gate_guest {
    bool inbound; /* it dialled in */
    const char
        *who; /* the other end's address, the same for all of its handshakes; read only now */
    void (*on_turn)(void *owner); /* it waited, and is inside now */
    void *owner;
};

enum { GATE_SUSPECTS_MAX = 64 }; /* known at a time; the oldest is forgotten */

struct gate_ticket {
    /* private to gate.c */
    struct gate_ticket *prev, *next;

    enum { GATE_OUTSIDE, GATE_WAITING, GATE_INSIDE } place;

    bool is_suspect;
    struct gate_guest guest;
    uint64_t key; /* of who it is */
};

struct gate {
    /* private to gate.c */
    size_t places, inbound_places;
    size_t suspect_places;
    size_t inside, inbound_inside, suspects_inside;
    uint64_t suspects[GATE_SUSPECTS_MAX]; /* their keys; 0: none */
    size_t suspect_next;
    struct gate_ticket *first, *last; /* who waits, in order */
    uint32_t moves;                   /* how many gave a place back so far; may wrap */
};

/* places: 1.. */
void gate_init(struct gate *g, size_t places);

/* Ask for a place. True: the ticket is inside now. False: it waits, and on_turn(owner) is called
 * from somebody else's gate_leave when it is inside. Not for a ticket that is inside or waits. */
bool gate_enter(struct gate *g, struct gate_ticket *t, const struct gate_guest *guest);

/* A ticket that is inside, and about to leave: its handshake was not done in time, or it
 * succeeded. Nothing for one that is not inside. */
void gate_note_stalled(struct gate *g, const struct gate_ticket *t);
void gate_note_success(struct gate *g, const struct gate_ticket *t);

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
