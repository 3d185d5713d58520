#include <criterion/criterion.h>

#include "gateway/gate.h"

enum { PLACES = 32, INBOUND = 24, CROWD = 40 };

static struct gate gate;
static struct gate_ticket tickets[CROWD];
static unsigned turns[CROWD]; /* who had a turn, in order */
static unsigned turn_count;

static void on_turn(void *owner)
{
    struct gate_ticket *t = owner;
    turns[turn_count++] = (unsigned)(t - tickets);
}

static bool enter(unsigned i, bool inbound)
{
    return gate_enter(&gate, &tickets[i], inbound, on_turn, &tickets[i]);
}

static void setup(void)
{
    gate_init(&gate, PLACES);
}

TestSuite(gate, .init = setup);

Test(gate, lets_in_as_many_as_there_are_places)
{
    for (unsigned i = 0; i < PLACES; i++) {
        cr_expect(enter(i, false), "%u", i);
    }
    cr_expect_not(gate_is_crowded(&gate));
    cr_expect_not(enter(PLACES, false));
    cr_expect(gate_is_crowded(&gate));
    cr_expect_eq(gate_inside(&gate), PLACES);
    cr_expect_eq(gate_waiting(&gate), 1);
}

Test(gate, keeps_places_for_our_own_dialling)
{
    for (unsigned i = 0; i < INBOUND; i++) {
        cr_expect(enter(i, true), "%u", i);
    }
    cr_expect_not(enter(INBOUND, true), "strangers may not take every place");
    cr_expect(enter(INBOUND + 1, false));
}

Test(gate, gives_turns_in_order)
{
    for (unsigned i = 0; i < PLACES + 3; i++) {
        (void)enter(i, false);
    }
    gate_leave(&gate, &tickets[5]);
    gate_leave(&gate, &tickets[0]);
    cr_assert_eq(turn_count, 2);
    cr_expect_eq(turns[0], PLACES);
    cr_expect_eq(turns[1], PLACES + 1);
    cr_expect_eq(gate_inside(&gate), PLACES);
    cr_expect_eq(gate_waiting(&gate), 1);
}

Test(gate, one_that_left_while_waiting_gets_no_turn)
{
    for (unsigned i = 0; i < PLACES + 3; i++) {
        (void)enter(i, false);
    }
    gate_leave(&gate, &tickets[PLACES]);
    gate_leave(&gate, &tickets[PLACES + 2]);
    cr_expect_eq(gate_waiting(&gate), 1);
    gate_leave(&gate, &tickets[1]);
    gate_leave(&gate, &tickets[2]);
    cr_assert_eq(turn_count, 1);
    cr_expect_eq(turns[0], PLACES + 1);
    cr_expect_eq(gate_inside(&gate), PLACES - 1);
    cr_expect(enter(PLACES, false), "it may ask again");
}

Test(gate, a_waiting_stranger_does_not_block_those_who_dial_out)
{
    for (unsigned i = 0; i < INBOUND; i++) {
        (void)enter(i, true);
    }
    for (unsigned i = INBOUND; i < PLACES; i++) {
        (void)enter(i, false);
    }
    cr_expect_not(enter(PLACES, true));
    cr_expect_not(enter(PLACES + 1, false));
    gate_leave(&gate, &tickets[INBOUND]); /* one that dialled out */
    cr_assert_eq(turn_count, 1);
    cr_expect_eq(turns[0], PLACES + 1);
    gate_leave(&gate, &tickets[0]); /* a stranger */
    cr_assert_eq(turn_count, 2);
    cr_expect_eq(turns[1], PLACES);
}

Test(gate, leaving_twice_or_from_outside_is_harmless)
{
    (void)enter(0, true);
    gate_leave(&gate, &tickets[0]);
    gate_leave(&gate, &tickets[0]);
    gate_leave(&gate, &tickets[1]);
    cr_expect_eq(gate_inside(&gate), 0);
    for (unsigned i = 0; i < INBOUND; i++) {
        cr_expect(enter(i, true), "%u", i);
    }
    cr_expect_not(enter(INBOUND, true));
}

Test(gate, has_a_place_for_each_kind_however_few_there_are)
{
    gate_init(&gate, 1);
    cr_expect(enter(0, true));
    cr_expect_not(enter(1, false));
    gate_leave(&gate, &tickets[0]);
    cr_expect_eq(turns[0], 1);
}

Test(gate, counts_who_came_through)
{
    (void)enter(0, false);
    cr_expect_eq(gate_moves(&gate), 0);
    gate_leave(&gate, &tickets[0]);
    gate_leave(&gate, &tickets[0]);
    cr_expect_eq(gate_moves(&gate), 1);
    for (unsigned i = 0; i <= PLACES; i++) {
        (void)enter(i, false);
    }
    gate_leave(&gate, &tickets[PLACES]);
    cr_expect_eq(gate_moves(&gate), 1, "who only waited");
}
