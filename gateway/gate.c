#include "gateway/gate.h"

#include <assert.h>

void gate_init(struct gate *g, size_t places)
{
    assert(places > 0);
    /* At least one place for each kind, whatever the number. */
    size_t inbound = places - places / 4;
    *g = (struct gate){.places = places, .inbound_places = inbound};
}

static bool gate_has_place(const struct gate *g, bool inbound)
{
    return g->inside < g->places && (!inbound || g->inbound_inside < g->inbound_places);
}

static void gate_let_in(struct gate *g, struct gate_ticket *t)
{
    t->place = GATE_INSIDE;
    g->inside++;
    g->inbound_inside += t->inbound ? 1U : 0U;
}

static void gate_append(struct gate *g, struct gate_ticket *t)
{
    t->place = GATE_WAITING;
    t->prev = g->last;
    t->next = NULL;
    if (g->last != NULL) {
        g->last->next = t;
    } else {
        g->first = t;
    }
    g->last = t;
}

static void gate_unlink(struct gate *g, struct gate_ticket *t)
{
    if (t->prev != NULL) {
        t->prev->next = t->next;
    } else {
        g->first = t->next;
    }
    if (t->next != NULL) {
        t->next->prev = t->prev;
    } else {
        g->last = t->prev;
    }
    t->prev = NULL;
    t->next = NULL;
}

bool gate_enter(struct gate *g, struct gate_ticket *t, bool inbound, void (*on_turn)(void *owner),
                void *owner)
{
    assert(t->place == GATE_OUTSIDE);
    t->inbound = inbound;
    t->on_turn = on_turn;
    t->owner = owner;
    if (gate_has_place(g, inbound)) {
        gate_let_in(g, t);
        return true;
    }
    gate_append(g, t);
    return false;
}

/* The first in the queue that may come in. An inbound one at the head does not block those that
 * dial out behind it. */
static struct gate_ticket *gate_next(const struct gate *g)
{
    for (struct gate_ticket *t = g->first; t != NULL; t = t->next) {
        if (gate_has_place(g, t->inbound)) {
            return t;
        }
    }
    return NULL;
}

void gate_leave(struct gate *g, struct gate_ticket *t)
{
    if (t->place == GATE_WAITING) {
        gate_unlink(g, t);
        t->place = GATE_OUTSIDE;
        return;
    }
    if (t->place == GATE_OUTSIDE) {
        return;
    }
    t->place = GATE_OUTSIDE;
    g->moves++;
    g->inside--;
    g->inbound_inside -= t->inbound ? 1U : 0U;
    struct gate_ticket *next = gate_next(g);
    if (next != NULL) {
        gate_unlink(g, next);
        gate_let_in(g, next);
        next->on_turn(next->owner);
    }
}

bool gate_is_inside(const struct gate_ticket *t)
{
    return t->place == GATE_INSIDE;
}

size_t gate_inside(const struct gate *g)
{
    return g->inside;
}

bool gate_is_crowded(const struct gate *g)
{
    return g->first != NULL;
}

uint32_t gate_moves(const struct gate *g)
{
    return g->moves;
}

size_t gate_waiting(const struct gate *g)
{
    size_t count = 0;
    for (const struct gate_ticket *t = g->first; t != NULL; t = t->next) {
        count++;
    }
    return count;
}
