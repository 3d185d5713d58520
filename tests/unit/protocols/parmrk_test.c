#include <criterion/criterion.h>

#include "protocols/parmrk.h"

enum { RAW_MAX = 256 };

/* Decodes a copy of `piece` and appends what is left to `out`. */
static void decode_piece(struct parmrk *pm, struct span piece, struct room *out)
{
    uint8_t memory[RAW_MAX];
    struct room raw = room_of(memory, sizeof memory);
    cr_assert(room_put(&raw, piece));
    parmrk_decode(pm, &raw);
    cr_assert_leq(raw.len, piece.len, "decoding never needs more room than its input had");
    cr_assert(room_put(out, room_span(&raw)));
}

/* Whole, in single bytes and in all pairs of pieces. */
static void check_span(struct span raw, struct span expected, uint64_t errors, uint64_t breaks)
{
    for (size_t cut = 0; cut <= raw.len + 1; cut++) {
        uint8_t memory[RAW_MAX];
        struct room out = room_of(memory, sizeof memory);
        struct parmrk pm;
        parmrk_init(&pm);
        size_t step = cut > raw.len ? 1 : raw.len;
        struct span second = span_after(raw, cut > raw.len ? 0 : cut);
        decode_piece(&pm, span_first(raw, raw.len - second.len), &out);
        for (; second.len > 0; second = span_after(second, step)) {
            decode_piece(&pm, span_first(second, step), &out);
        }
        cr_expect(span_equal(room_span(&out), expected), "cut at %zu", cut);
        cr_expect_eq(pm.errors, errors);
        cr_expect_eq(pm.breaks, breaks);
    }
}

#define CHECK(raw, expected, errors, breaks)                                                       \
    check_span(span_of(raw, sizeof raw - 1), span_of(expected, sizeof expected - 1), errors, breaks)

Test(parmrk, leaves_plain_bytes_as_they_are)
{
    CHECK("", "", 0, 0);
    CHECK("\x02MSH\x00\x01\xfe\r\n", "\x02MSH\x00\x01\xfe\r\n", 0, 0);
}

Test(parmrk, makes_one_of_a_doubled_ff)
{
    CHECK("\xff\xff", "\xff", 0, 0);
    CHECK("a\xff\xff\xff\xff\x00z", "a\xff\xff\x00z", 0, 0);
}

Test(parmrk, keeps_and_counts_a_byte_with_an_error)
{
    CHECK("a\xff\x00qb", "aqb", 1, 0);
    CHECK("\xff\x00\xff\xff\x00\x01", "\xff\x01", 2, 0);
}

Test(parmrk, drops_and_counts_a_break)
{
    CHECK("a\xff\x00\x00z", "az", 0, 1);
    CHECK("\xff\x00\x00\xff\x00\x00", "", 0, 2);
    CHECK("\xff\x00\x00\x00", "\x00", 0, 1);
}

Test(parmrk, counts_an_ff_that_no_kernel_sends)
{
    CHECK("a\xffz", "az", 1, 0);
}

Test(parmrk, waits_for_the_rest_of_a_mark)
{
    CHECK("ab\xff", "ab", 0, 0);
    CHECK("ab\xff\x00", "ab", 0, 0);
}

Test(parmrk, forgets_half_a_mark_but_no_count_at_a_reset)
{
    uint8_t memory[RAW_MAX];
    struct room out = room_of(memory, sizeof memory);
    struct parmrk pm;
    parmrk_init(&pm);
    decode_piece(&pm, span_of("\xff\x00\x00\xff\x00q\xff\x00", 8), &out);
    parmrk_reset(&pm);
    decode_piece(&pm, span_of("\x00z", 2), &out);
    cr_expect(span_equal(room_span(&out), span_of("q\x00z", 3)));
    cr_expect_eq(pm.errors, 1);
    cr_expect_eq(pm.breaks, 1);
}

Test(parmrk, gives_every_byte_back_that_was_sent)
{
    uint8_t sent[256];
    uint8_t marked[257];
    struct room raw = room_of(marked, sizeof marked);
    for (size_t i = 0; i < sizeof sent; i++) {
        sent[i] = (uint8_t)i;
        cr_assert(room_put_u8(&raw, sent[i]));
    }
    cr_assert(room_put_u8(&raw, 0xff)); /* the last one, doubled */
    struct parmrk pm;
    parmrk_init(&pm);
    parmrk_decode(&pm, &raw);
    cr_expect(span_equal(room_span(&raw), span_of(sent, sizeof sent)));
}
