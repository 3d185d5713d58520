#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "protocols/modbus_debt.h"
#include "protocols/modbus_pdu.h"
#include "tests/fuzz/modbus_debt_model.h"
#include "tests/unit/protocols/hex.h"

static struct modbus_debt debt;

static void owe(const char *request, bool is_barrier)
{
    struct hex bytes = hex_of(request);

    modbus_debt_add(&debt, hex_span(&bytes), is_barrier);
}

static bool confuses(const char *request)
{
    struct hex bytes = hex_of(request);

    return modbus_debt_confuses(&debt, hex_span(&bytes));
}

static void settle(const char *request, bool is_barrier, const char *answer)
{
    struct hex asked = hex_of(request);
    struct hex given = hex_of(answer);

    modbus_debt_settle(&debt, hex_span(&asked), is_barrier, hex_span(&given));
}

static bool pay(const char *answer)
{
    struct hex given = hex_of(answer);

    return modbus_debt_pay(&debt, hex_span(&given));
}

static void expect_barrier(enum modbus_barrier kind, const char *next, const char *barrier)
{
    uint8_t memory[8];
    struct room out = room_of(memory, sizeof memory);
    struct hex asked = hex_of(next);
    struct hex want = hex_of(barrier);

    cr_expect_eq(modbus_debt_put_barrier(&debt, kind, hex_span(&asked), 0xBEEF, &out),
                 want.len > 0);
    cr_expect(span_equal(room_span(&out), hex_span(&want)), "before %s", next);
    cr_expect(want.len == 0 || modbus_pdu_check(room_span(&out)) == MODBUS_FINE);
}

Test(modbus_debt, nothing_is_owed_at_first)
{
    cr_expect(modbus_debt_is_empty(&debt));
    cr_expect_not(confuses("03 0010 0001"));
    cr_expect_not(modbus_debt_owes(&debt, 3));
    cr_expect_not(pay("03 02 0000"));
}

/* Also one of another length, as an exception has none; also the equal one. */
Test(modbus_debt, an_unanswered_read_confuses_reads_of_its_function)
{
    owe("03 0010 0001", false);
    cr_expect_not(modbus_debt_is_empty(&debt));
    cr_expect(confuses("03 0020 0001"));
    cr_expect(confuses("03 0020 0005"));
    cr_expect(confuses("03 0010 0001"));
    cr_expect_not(confuses("04 0010 0001"));
    cr_expect_not(confuses("06 0010 1234"));
    cr_expect(modbus_debt_owes(&debt, 3));
    cr_expect_not(modbus_debt_owes(&debt, 4));
}

/* Function 10 repeats no values: the late answer to one write would confirm another. */
Test(modbus_debt, an_unanswered_write_confuses_writes_of_its_function)
{
    owe("10 0010 0001 02 1234", false);
    cr_expect(confuses("10 0010 0001 02 5678"));
    cr_expect_not(confuses("06 0010 1234"));
    cr_expect_not(confuses("03 0010 0001"));
}

Test(modbus_debt, the_answer_behind_it_settles_what_was_before)
{
    owe("03 0010 0001", false);
    settle("04 0010 0001", false, "04 02 0000");
    cr_expect(modbus_debt_is_empty(&debt));
}

Test(modbus_debt, a_late_answer_settles_itself_and_what_was_before)
{
    owe("03 0010 0001", false);
    owe("04 0010 0001", false);
    owe("01 0010 0001", false);
    cr_expect_not(pay("02 01 00"));
    cr_expect(pay("84 02"));
    cr_expect_not(modbus_debt_owes(&debt, 3));
    cr_expect_not(modbus_debt_owes(&debt, 4));
    cr_expect(modbus_debt_owes(&debt, 1));
    cr_expect_not(pay("01 02 0000"), "two bytes for one bit");
    cr_expect(pay("01 01 00"));
    cr_expect(modbus_debt_is_empty(&debt));
}

Test(modbus_debt, a_loopback_that_comes_back_settles_all)
{
    owe("03 0010 0001", false);
    owe("08 0000 1111", true);
    settle("08 0000 BEEF", true, "08 0000 BEEF");
    cr_expect(modbus_debt_is_empty(&debt));
}

/* A unit without function 08 refuses it. The refusal may be that of an earlier loop-back: then one
 * is still to come, but everything before the first one is settled. */
Test(modbus_debt, a_refused_loopback_settles_what_was_before_the_first)
{
    owe("03 0010 0001", false);
    owe("08 0000 1111", true);
    settle("08 0000 BEEF", true, "88 01");
    cr_expect_not(confuses("03 0010 0001"));
    cr_expect(modbus_debt_owes(&debt, 8));
    owe("03 0010 0001", false);
    settle("08 0000 1234", true, "88 01");
    cr_expect(confuses("03 0010 0001"), "that was the refusal that was still to come");
}

Test(modbus_debt, equal_requests_are_settled_one_by_one)
{
    owe("03 0010 0001", false);
    owe("03 0010 0002", true);
    owe("03 0010 0002", true);
    cr_expect(pay("03 04 0000 0000"));
    cr_expect_not(confuses("03 0010 0001"), "it was asked before");
    cr_expect(modbus_debt_owes(&debt, 3), "the second one is owed");
}

Test(modbus_debt, a_barrier_of_the_same_function_has_another_length)
{
    owe("03 0010 0004", false);
    expect_barrier(MODBUS_BARRIER_READ, "03 0020 0004", "03 0020 0001");
    expect_barrier(MODBUS_BARRIER_READ, "03 0020 0005", "03 0020 0001");
    expect_barrier(MODBUS_BARRIER_READ, "03 0020 0001", "03 0020 0002");
    expect_barrier(MODBUS_BARRIER_READ, "03 FFFF 0001", "");
    expect_barrier(MODBUS_BARRIER_READ, "03 0000 007D", "03 0000 0001");
    modbus_debt_clear(&debt);
    owe("01 0010 0010", false);
    expect_barrier(MODBUS_BARRIER_READ, "01 0020 0010", "01 0020 0008");
    expect_barrier(MODBUS_BARRIER_READ, "02 0020 0001", "02 0020 0010");
    expect_barrier(MODBUS_BARRIER_READ, "02 0000 07D0", "02 0000 0008");
}

Test(modbus_debt, a_barrier_before_a_write_reads_where_it_writes)
{
    owe("06 0010 1234", false);
    expect_barrier(MODBUS_BARRIER_READ, "06 0010 1234", "03 0010 0001");
    expect_barrier(MODBUS_BARRIER_READ, "10 0010 0001 02 1234", "03 0010 0001");
    expect_barrier(MODBUS_BARRIER_READ, "05 0010 FF00", "01 0010 0008");
    expect_barrier(MODBUS_BARRIER_READ, "11", "03 0000 0001");
    owe("03 0099 0001", false);
    expect_barrier(MODBUS_BARRIER_READ, "06 0010 1234", "03 0010 0002");
}

Test(modbus_debt, a_loopback_has_its_mark)
{
    owe("03 0010 0001", false);
    expect_barrier(MODBUS_BARRIER_LOOPBACK, "03 0010 0001", "08 0000 BEEF");
}

Test(modbus_debt, puts_nothing_where_there_is_no_room)
{
    uint8_t memory[4];
    struct room out = room_of(memory, sizeof memory);
    struct hex next = hex_of("03 0010 0004");

    cr_expect_not(
        modbus_debt_put_barrier(&debt, MODBUS_BARRIER_LOOPBACK, hex_span(&next), 1, &out));
    cr_expect_not(modbus_debt_put_barrier(&debt, MODBUS_BARRIER_READ, hex_span(&next), 1, &out));
    cr_expect_eq(room_span(&out).len, 0);
}

/* More than the list holds can not happen; if it did, only a loop-back would end it. */
Test(modbus_debt, an_overfull_list_fails_closed)
{
    for (unsigned i = 0; i <= MODBUS_DEBT_MAX; i++) {
        char request[32];

        (void)snprintf(request, sizeof request, "03 0000 %04X", i + 1);
        owe(request, false);
    }
    cr_expect(confuses("04 0000 0001"));
    cr_expect(modbus_debt_owes(&debt, 4));
    settle("04 0000 0001", false, "04 02 0000");
    cr_expect(confuses("04 0000 0001"));
    settle("08 0000 BEEF", true, "08 0000 BEEF");
    cr_expect(modbus_debt_is_empty(&debt));
}

/* The barrier was asked once more behind the request whose late exception came. */
Test(modbus_debt, what_was_asked_again_later_is_still_owed)
{
    owe("03 0010 0005", false);
    owe("03 0010 0001", true);
    owe("04 0010 0005", false);
    owe("03 0010 0001", true);
    settle("04 0010 0001", true, "84 02");
    cr_expect(confuses("03 0020 0001"), "the second barrier's value may still come");
    cr_expect_not(confuses("03 0020 0005"));
}

/* All that it says to barriers is an exception, and each may be that of an earlier one. */
Test(modbus_debt, a_unit_that_refuses_all_barriers_is_free_again)
{
    owe("06 0010 1234", false);
    owe("03 0010 0001", true);
    owe("03 0010 0001", true);
    owe("03 0010 0005", false);
    for (unsigned i = 0; i < 3; i++) {
        cr_expect(confuses("03 0010 0001"), "%u", i);
        settle("03 0010 0002", true, "83 02");
    }
    cr_expect_not(confuses("03 0010 0001"));
}

/* ---- a unit that is late, silent or both, at any delay ---- */

static uint32_t dice_state;

static uint8_t dice(void)
{
    dice_state = dice_state * 1664525U + 1013904223U;
    return (uint8_t)(dice_state >> 16);
}

/* The model aborts when anything is told to the wrong one. */
Test(modbus_debt, no_answer_ever_reaches_another_request, .timeout = 60)
{
    for (uint32_t seed = 1; seed <= 400; seed++) {
        uint8_t bytes[1 + 5 * 200];

        dice_state = seed * 7919;
        for (size_t i = 0; i < sizeof bytes; i++) {
            bytes[i] = dice();
        }
        cr_expect_gt(debt_model_run(span_of(bytes, sizeof bytes)), 10,
                     "seed %u: hardly anything was answered", seed);
    }
}
