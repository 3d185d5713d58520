#include <criterion/criterion.h>

#include "gateway/gate.h"

enum { PLACES = 32, INBOUND = 24, SUSPECTS = 8, CROWD = 100 };

static struct gate gate;
static struct gate_ticket tickets[CROWD];
static unsigned turns[CROWD]; /* who had a turn, in order */
static unsigned turn_count;

static void on_turn(void *owner)
{
    struct gate_ticket *t = owner;
    turns[turn_count++] = (unsigned)(t - tickets);
}

static bool enter_as(unsigned i, bool inbound, const char *who)
{
    const struct gate_guest guest = {
        .inbound = inbound, .who = who, .on_turn = on_turn, .owner = &tickets[i]};
    return gate_enter(&gate, &tickets[i], &guest);
}

static bool enter(unsigned i, bool inbound)
{
    return enter_as(i, inbound, "somebody");
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

/* ---- who stalls ---- */

static void stalls(unsigned i)
{
    gate_note_stalled(&gate, &tickets[i]);
    gate_leave(&gate, &tickets[i]);
}

Test(gate, a_server_that_hangs_leaves_places_to_the_others)
{
    (void)enter_as(0, false, "hangs");
    stalls(0);
    for (unsigned i = 0; i < PLACES; i++) {
        cr_expect_eq(enter_as(i, false, "hangs"), i < SUSPECTS, "%u", i);
    }
    for (unsigned i = PLACES; i < 2 * PLACES; i++) {
        cr_expect_eq(enter_as(i, false, "answers"), i < 2 * PLACES - SUSPECTS, "%u", i);
    }
    /* They share the places of their kind. */
    gate_leave(&gate, &tickets[PLACES]);
    cr_assert_eq(turn_count, 1);
    cr_expect_eq(turns[0], 2 * PLACES - SUSPECTS, "the first who waits for a place of the others");
    gate_leave(&gate, &tickets[0]);
    cr_assert_eq(turn_count, 2);
    cr_expect_eq(turns[1], SUSPECTS, "the first of the suspects");
}

Test(gate, who_waits_becomes_a_suspect_with_the_server)
{
    for (unsigned i = 0; i < 2 * PLACES; i++) {
        (void)enter_as(i, false, "hangs");
    }
    (void)enter_as(2 * PLACES, false, "answers");
    for (unsigned i = 0; i <= SUSPECTS; i++) {
        stalls(i);
    }
    cr_assert_eq(turn_count, SUSPECTS + 1);
    cr_expect_eq(turns[SUSPECTS - 1], PLACES + SUSPECTS - 1);
    cr_expect_eq(turns[SUSPECTS], 2 * PLACES);
}

Test(gate, a_server_that_answers_again_is_none_any_more)
{
    (void)enter_as(0, false, "hangs");
    stalls(0);
    for (unsigned i = 0; i < PLACES; i++) {
        (void)enter_as(i, false, "hangs");
    }
    gate_note_success(&gate, &tickets[PLACES - 1]); /* it waits */
    gate_leave(&gate, &tickets[1]);
    cr_assert_eq(turn_count, 1);
    gate_note_success(&gate, &tickets[0]);
    gate_leave(&gate, &tickets[0]);
    cr_expect_eq(turn_count, PLACES - SUSPECTS, "all who waited");
    cr_expect_eq(gate_waiting(&gate), 0);
    cr_expect_eq(gate_inside(&gate), PLACES - 2);
    for (unsigned i = 2; i < PLACES; i++) {
        gate_leave(&gate, &tickets[i]);
    }
    for (unsigned i = 0; i < PLACES; i++) {
        cr_expect(enter_as(i, false, "hangs"), "%u", i);
    }
}

Test(gate, forgets_the_oldest_of_many_suspects)
{
    char who[3] = {'a', ' ', 0};
    for (unsigned i = 0; i <= GATE_SUSPECTS_MAX; i++) {
        who[1] = (char)('!' + i);
        (void)enter_as(0, false, who);
        stalls(0);
        (void)enter_as(0, false, who);
        stalls(0); /* which is known already */
    }
    who[1] = '!';
    for (unsigned i = 0; i < SUSPECTS + 1; i++) {
        cr_expect(enter_as(i, false, who), "%u", i);
    }
    who[1] = '"';
    for (unsigned i = SUSPECTS + 1; i < 2 * SUSPECTS + 2; i++) {
        cr_expect_eq(enter_as(i, false, who), i < 2 * SUSPECTS + 1, "%u", i);
    }
}

Test(gate, who_is_not_inside_has_not_stalled)
{
    for (unsigned i = 0; i <= PLACES; i++) {
        (void)enter(i, false);
    }
    gate_note_stalled(&gate, &tickets[PLACES]);
    cr_expect_eq(gate.suspects[0], 0);
}
