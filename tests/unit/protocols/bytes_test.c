#include <criterion/criterion.h>

#include "protocols/bytes.h"

static const uint8_t five[5] = {0x01, 0x80, 0xff, 0x00, 0x7e};

Test(bytes_span, holds_text_without_its_nul)
{
    struct span text = span_of_text("MSH");
    cr_expect_eq(text.len, 3);
    cr_expect(span_equal(text, span_of("MSH|", 3)));
    cr_expect_eq(span_of_text("").len, 0);
}

Test(bytes_span, differs_by_length_and_by_bytes)
{
    struct span all = span_of(five, sizeof five);
    cr_expect(span_equal(all, all));
    cr_expect_not(span_equal(all, span_first(all, 4)));
    cr_expect_not(span_equal(span_first(all, 4), all));
    cr_expect_not(span_equal(span_of("ab", 2), span_of("ac", 2)));
    cr_expect(span_equal(span_of(NULL, 0), span_of("x", 0)));
}

Test(bytes_span, takes_numbers_from_the_front)
{
    struct span from = span_of(five, sizeof five);
    uint16_t wide = 0;
    uint8_t narrow = 0;
    cr_expect(span_take_u16(&from, &wide));
    cr_expect_eq(wide, 0x0180);
    cr_expect(span_take_u16(&from, &wide));
    cr_expect_eq(wide, 0xff00);
    cr_expect(span_take_u8(&from, &narrow));
    cr_expect_eq(narrow, 0x7e);
    cr_expect_eq(from.len, 0);
}

Test(bytes_span, refuses_to_take_more_than_there_is)
{
    struct span from = span_of(five, 1);
    struct span out = span_of("x", 1);
    uint16_t wide = 7;
    uint8_t narrow = 9;
    cr_expect_not(span_take_u16(&from, &wide));
    cr_expect_not(span_take(&from, 2, &out));
    cr_expect_not(span_take(&from, SIZE_MAX, &out));
    cr_expect(from.data == five && from.len == 1, "a refusal leaves the input untouched");
    cr_expect(wide == 7 && out.len == 1, "a refusal leaves the output untouched");

    from = span_of(NULL, 0);
    cr_expect_not(span_take_u8(&from, &narrow));
    cr_expect(from.data == NULL && from.len == 0 && narrow == 9);
}

Test(bytes_span, takes_a_span_of_its_own)
{
    struct span from = span_of(five, sizeof five);
    struct span out = span_of(NULL, 0);
    cr_expect(span_take(&from, 2, &out));
    cr_expect(out.data == five && out.len == 2);
    cr_expect(from.data == five + 2 && from.len == 3);
    cr_expect(span_take(&from, 3, &out));
    cr_expect(span_take(&from, 0, &out));
    cr_expect_eq(out.len, 0);
}

Test(bytes_span, looks_at_one_byte)
{
    struct span from = span_of(five, sizeof five);
    uint8_t value = 9;
    cr_expect(span_at(from, 4, &value));
    cr_expect_eq(value, 0x7e);
    value = 9;
    cr_expect_not(span_at(from, 5, &value));
    cr_expect_not(span_at(from, SIZE_MAX, &value));
    cr_expect_not(span_at(span_of(NULL, 0), 0, &value));
    cr_expect_eq(value, 9);
}

Test(bytes_span, finds_the_first_of_a_value)
{
    struct span from = span_of("abcabc", 6);
    cr_expect_eq(span_find(from, 'a'), 0);
    cr_expect_eq(span_find(from, 'c'), 2);
    cr_expect_eq(span_find(from, 'x'), 6);
    cr_expect_eq(span_find(span_first(from, 2), 'c'), 2);
    cr_expect_eq(span_find(span_of(NULL, 0), 0), 0);
}

Test(bytes_span, splits_within_its_bounds)
{
    struct span from = span_of(five, sizeof five);
    cr_expect_eq(span_first(from, 2).len, 2);
    cr_expect_eq(span_first(from, 9).len, 5);
    cr_expect(span_after(from, 2).data == five + 2 && span_after(from, 2).len == 3);
    cr_expect_eq(span_after(from, 5).len, 0);
    cr_expect_eq(span_after(from, SIZE_MAX).len, 0);
    cr_expect(span_after(span_of(NULL, 0), 3).data == NULL);
    cr_expect_eq(span_after(span_of(NULL, 0), 3).len, 0);
}

Test(bytes_room, puts_big_endian_numbers)
{
    uint8_t memory[4];
    struct room to = room_of(memory, sizeof memory);
    cr_expect(room_put_u16(&to, 0x8001));
    cr_expect(room_put_u8(&to, 0xff));
    cr_expect_eq(room_left(&to), 1);
    cr_expect(span_equal(room_span(&to), span_of("\x80\x01\xff", 3)));
}

Test(bytes_room, refuses_what_does_not_fit_as_a_whole)
{
    uint8_t memory[4] = {0, 0, 0, 0xee}; /* the last byte is not the room's */
    struct room to = room_of(memory, 3);
    cr_expect(room_put(&to, span_of("ab", 2)));
    cr_expect_not(room_put_u16(&to, 0x0102));
    cr_expect_not(room_put(&to, span_of("cde", 3)));
    cr_expect_eq(to.len, 2);
    cr_expect(room_put_u8(&to, 'c'));
    cr_expect_not(room_put_u8(&to, 'd'));
    cr_expect(room_put(&to, span_of(NULL, 0)));
    cr_expect(span_equal(room_span(&to), span_of("abc", 3)));
    cr_expect_eq(memory[3], 0xee);

    struct room none = room_of(NULL, 0);
    cr_expect_not(room_put_u8(&none, 1));
    cr_expect(room_put(&none, span_of(NULL, 0)));
    cr_expect_eq(room_span(&none).len, 0);
}

Test(bytes_room, may_repeat_its_own_bytes)
{
    uint8_t memory[8];
    struct room to = room_of(memory, sizeof memory);
    cr_expect(room_put(&to, span_of("abc", 3)));
    cr_expect(room_put(&to, room_span(&to)));
    cr_expect(span_equal(room_span(&to), span_of("abcabc", 6)));
}

Test(bytes_buf, gives_back_in_order)
{
    uint8_t memory[4];
    struct buf b = buf_of(memory, sizeof memory);
    cr_expect_eq(buf_span(&b).len, 0);
    cr_expect(buf_put(&b, span_of("abcd", 4)));
    buf_drop(&b, 3);
    cr_expect(span_equal(buf_span(&b), span_of("d", 1)));
    cr_expect(buf_put(&b, span_of("ef", 2)), "moves to the front when that makes it fit");
    cr_expect(span_equal(buf_span(&b), span_of("def", 3)));
    cr_expect_eq(b.start, 0);
}

Test(bytes_buf, refuses_what_does_not_fit_as_a_whole)
{
    uint8_t memory[5] = {0, 0, 0, 0, 0xee};
    struct buf b = buf_of(memory, 4);
    cr_expect(buf_put(&b, span_of("abcd", 4)));
    cr_expect_not(buf_put(&b, span_of("e", 1)));
    buf_drop(&b, 1);
    cr_expect_not(buf_put(&b, span_of("ef", 2)));
    cr_expect(span_equal(buf_span(&b), span_of("bcd", 3)));
    cr_expect(buf_put(&b, span_of(NULL, 0)));
    cr_expect_eq(memory[4], 0xee);

    struct buf none = buf_of(NULL, 0);
    cr_expect_not(buf_put(&none, span_of("e", 1)));
    cr_expect(buf_put(&none, span_of(NULL, 0)));
    cr_expect_eq(buf_span(&none).len, 0);
}

Test(bytes_buf, starts_at_the_front_when_emptied)
{
    uint8_t memory[4];
    struct buf b = buf_of(memory, sizeof memory);
    cr_expect(buf_put(&b, span_of("abc", 3)));
    buf_drop(&b, 3);
    cr_expect(b.start == 0 && b.end == 0);
    cr_expect(buf_put(&b, span_of("abc", 3)));
    buf_drop(&b, SIZE_MAX);
    cr_expect(b.start == 0 && b.end == 0);
}
