#include "gateway/gate.h"

#include <assert.h>

#include "conf/text.h"

void gate_init(struct gate *g, size_t places)
{
    assert(places > 0);
    /* At least one place for each kind, whatever the number. */
    size_t inbound = places - places / 4;
    size_t suspect = places / 4 > 0 ? places / 4 : 1;
    *g = (struct gate){.places = places, .inbound_places = inbound, .suspect_places = suspect};
}

static bool gate_has_place(const struct gate *g, const struct gate_ticket *t)
{
    return g->inside < g->places && (!t->guest.inbound || g->inbound_inside < g->inbound_places) &&
           (!t->is_suspect || g->suspects_inside < g->suspect_places);
}

static void gate_let_in(struct gate *g, struct gate_ticket *t)
{
    t->place = GATE_INSIDE;
    g->inside++;
    g->inbound_inside += t->guest.inbound ? 1U : 0U;
    g->suspects_inside += t->is_suspect ? 1U : 0U;
}

static uint64_t *gate_find_suspect(struct gate *g, uint64_t key)
{
    for (size_t i = 0; i < GATE_SUSPECTS_MAX; i++) {
        if (g->suspects[i] == key) {
            return &g->suspects[i];
        }
    }
    return NULL;
}

/* Those who wait; who is inside keeps the kind of place that it has. */
static void gate_mark_waiting(struct gate *g, uint64_t key, bool is_suspect)
{
    for (struct gate_ticket *t = g->first; t != NULL; t = t->next) {
        t->is_suspect = t->key == key ? is_suspect : t->is_suspect;
    }
}

void gate_note_stalled(struct gate *g, const struct gate_ticket *t)
{
    if (t->place != GATE_INSIDE || gate_find_suspect(g, t->key) != NULL) {
        return;
    }
    uint64_t *slot = gate_find_suspect(g, 0);
    if (slot == NULL) {
        slot = &g->suspects[g->suspect_next];
        g->suspect_next = (g->suspect_next + 1) % GATE_SUSPECTS_MAX;
        gate_mark_waiting(g, *slot, false);
    }
    *slot = t->key;
    gate_mark_waiting(g, t->key, true);
}

void gate_note_success(struct gate *g, const struct gate_ticket *t)
{
    uint64_t *slot = t->place == GATE_INSIDE ? gate_find_suspect(g, t->key) : NULL;
    if (slot != NULL) {
        *slot = 0;
        gate_mark_waiting(g, t->key, false);
    }
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

bool gate_enter(struct gate *g, struct gate_ticket *t, const struct gate_guest *guest)
{
    assert(t->place == GATE_OUTSIDE);
    t->guest = *guest;
    t->key = text_hash(guest->who, 0) | 1; /* 0 is nobody */
    t->is_suspect = gate_find_suspect(g, t->key) != NULL;
    if (gate_has_place(g, t)) {
        gate_let_in(g, t);
        return true;
    }
    gate_append(g, t);
    return false;
}

/* The first in the queue that may come in. One whose kind has no place does not block the others
 * behind it. */
static struct gate_ticket *gate_next(const struct gate *g)
{
    for (struct gate_ticket *t = g->first; t != NULL; t = t->next) {
        if (gate_has_place(g, t)) {
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
    g->inbound_inside -= t->guest.inbound ? 1U : 0U;
    g->suspects_inside -= t->is_suspect ? 1U : 0U;
    /* More than one when a suspect is none any more. */
    for (struct gate_ticket *next = gate_next(g); next != NULL; next = gate_next(g)) {
        gate_unlink(g, next);
        gate_let_in(g, next);
        next->guest.on_turn(next->guest.owner);
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
