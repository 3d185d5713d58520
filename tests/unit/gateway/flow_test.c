#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "gateway/flow.h"
#include "tests/unit/gateway/link_fixture.h"

enum { MAX_FRAME = 64 };

/* A flow whose sink is a secure link, so that each record at its far end shows one write. */
static struct bench bench;
static struct hospital hospital;
static struct ear sink;
static struct flow flow;
static struct flow_counters counters;
static struct fault fault;
static bool has_link;

static void setup(void)
{
    bench_init(&bench);
    ear_init(&sink, FAULT_SIDE_SERVER);
}

static void begin(enum framer_kind kind, size_t max_frame)
{
    hospital_init(&hospital, &bench, "hl7");
    hospital_listen(&hospital);
    (void)hospital_join(&hospital, &sink);
    has_link = true;
    flow_init(&flow, kind, max_frame, &counters);
}

static void begin_open(enum framer_kind kind, size_t max_frame)
{
    begin(kind, max_frame);
    cr_assert_eq(flow_open(&flow, sink.ep, &fault), 0);
}

static void teardown(void)
{
    flow_deinit(&flow);
    cr_expect_null(flow.part.data);
    cr_expect_null(flow.held.data);
    if (has_link) {
        bench_close(&bench, &sink);
        hospital_end(&hospital);
    }
    bench_end(&bench);
}

TestSuite(flow, .init = setup, .fini = teardown);

static int feed(const char *text)
{
    return flow_feed(&flow, span_of_text(text), &fault);
}

/* What came at the far end: the text, in this many writes. */
static void expect_writes(const char *text, unsigned count)
{
    struct hospital_link *far = hospital_last(&hospital);
    cr_expect(hospital_hears(&hospital, far, text), "got \"%.*s\"", (int)far->ear.len,
              (const char *)far->ear.data);
    cr_expect_eq(far->record_count, count, "%u writes", far->record_count);
    cr_expect_eq(counters.bytes, strlen(text));
}

Test(flow, whole_messages_are_one_write_each)
{
    begin_open(FRAMER_LINE, MAX_FRAME);
    cr_expect_eq(feed("one\ntwo\r\nthree\n"), 0);
    expect_writes("one\ntwo\r\nthree\n", 3);
    cr_expect_eq(counters.messages, 3);
    cr_expect_eq(hospital_last(&hospital)->records[1], 5);
}

Test(flow, pieces_of_a_message_are_joined_to_one_write)
{
    begin_open(FRAMER_MLLP, MAX_FRAME);
    cr_expect_eq(feed("\x0bMSH"), 0);
    cr_expect_eq(feed("|x\x1c"), 0);
    cr_expect_not_null(flow.part.data);
    cr_expect_eq(counters.bytes, 0, "nothing may go before the message is whole");
    cr_expect_eq(feed("\x0d"), 0);
    expect_writes("\x0bMSH|x\x1c\x0d", 1);
    cr_expect_null(flow.part.data, "an idle flow holds no memory");
}

Test(flow, a_cr_at_the_end_of_a_read_does_not_join_two_lines)
{
    begin_open(FRAMER_LINE, MAX_FRAME);
    cr_expect_eq(feed("ab\r"), 0);
    cr_expect(flow_wants_silence(&flow));
    cr_expect_eq(feed("cd\r\n"), 0);
    expect_writes("ab\rcd\r\n", 2);
    cr_expect_eq(hospital_last(&hospital)->records[0], 3);
    cr_expect_eq(counters.messages, 2);
}

Test(flow, silence_ends_a_message_of_gap)
{
    begin_open(FRAMER_GAP, MAX_FRAME);
    cr_expect_eq(feed("12"), 0);
    cr_expect_eq(feed("3"), 0);
    cr_expect(flow_wants_silence(&flow));
    cr_expect_eq(flow_silence(&flow, &fault), 0);
    cr_expect_eq(flow_silence(&flow, &fault), 0, "a second silence says nothing");
    expect_writes("123", 1);
    cr_expect_eq(counters.messages, 1);
    cr_expect_null(flow.part.data);
}

static char big[100 * 1024 + 1];

static const char *make_big(size_t len, const char *end)
{
    cr_assert_lt(len, sizeof(big));
    memset(big, 'x', len);
    big[0] = '\x0b';
    memcpy(big + len - strlen(end), end, strlen(end));
    big[len] = '\0';
    return big;
}

static void feed_in_pieces(const char *text, size_t piece)
{
    struct span rest = span_of_text(text);
    while (rest.len > 0) {
        cr_assert_eq(flow_feed(&flow, span_first(rest, piece), &fault), 0);
        rest = span_after(rest, piece);
        bench_turn(&bench);
    }
}

Test(flow, a_message_of_16_kib_in_pieces_is_still_one_write)
{
    begin_open(FRAMER_MLLP, sizeof(big));
    feed_in_pieces(make_big(FLOW_WHOLE_MAX, "\x1c\x0d"), 1000);
    expect_writes(big, 1);
    cr_expect_eq(counters.messages, 1);
}

Test(flow, longer_ones_stream_in_full_records)
{
    begin_open(FRAMER_MLLP, sizeof(big));
    feed_in_pieces(make_big(FLOW_WHOLE_MAX * 2 + 5, "\x1c\x0d"), 1000);
    expect_writes(big, 3);
    cr_expect_eq(hospital_last(&hospital)->records[0], FLOW_WHOLE_MAX);
    cr_expect_eq(hospital_last(&hospital)->records[2], 5);
    cr_expect_eq(counters.messages, 1);
    cr_expect_null(flow.part.data);
}

Test(flow, memory_of_a_message_is_bounded)
{
    begin_open(FRAMER_MLLP, sizeof(big));
    feed_in_pieces(make_big(sizeof(big) - 2, ""), 3000);
    cr_expect_eq(flow.part.cap, FLOW_WHOLE_MAX);
    cr_expect_eq(counters.messages, 0);
}

Test(flow, an_overlong_message_is_dropped_and_counted)
{
    begin_open(FRAMER_LINE, 8);
    cr_expect_eq(feed("123456"), 0);
    cr_expect_eq(feed("789too long\nshort\n"), 0, "what was not sent needs no close");
    expect_writes("short\n", 1);
    cr_expect_eq(counters.messages, 1);
    cr_expect_eq(counters.lost, 9);
    cr_expect_eq(counters.junk, strlen("too long\n"));
}

Test(flow, an_overlong_message_of_which_a_part_is_out_breaks_the_link)
{
    begin_open(FRAMER_MLLP, FLOW_WHOLE_MAX + 10);
    feed_in_pieces(make_big(FLOW_WHOLE_MAX + 10, ""), 4000);
    cr_expect_eq(feed("y and more"), FAULT_TOO_LONG);
    cr_expect_eq(fault.code, FAULT_TOO_LONG);
    cr_expect_eq(fault.side, FAULT_SIDE_DEVICE);
    cr_expect_eq(counters.messages, 0);
    cr_expect_eq(counters.bytes + counters.lost, FLOW_WHOLE_MAX + 10 + strlen("y and more"));
}

Test(flow, bytes_of_no_message_are_dropped_and_counted)
{
    begin_open(FRAMER_MLLP, MAX_FRAME);
    cr_expect_eq(feed("noise\x0b"
                      "a\x1c\x0d\r\n\x0b"
                      "b\x1c\x0d"),
                 0);
    expect_writes("\x0b"
                  "a\x1c\x0d\x0b"
                  "b\x1c\x0d",
                  2);
    cr_expect_eq(counters.junk, 7);
    cr_expect_eq(flow.here.junk, 7);
}

Test(flow, a_message_that_began_before_the_link_is_lost_to_its_end)
{
    begin(FRAMER_LINE, MAX_FRAME);
    flow_drop(&flow, span_of_text("gone\nhalf"));
    cr_assert_eq(flow_open(&flow, sink.ep, &fault), 0);
    cr_expect_eq(feed(" rest"), 0);
    cr_expect_eq(feed("\nwhole\n"), 0);
    expect_writes("whole\n", 1);
    cr_expect_eq(counters.messages, 1);
    cr_expect_eq(counters.lost, strlen("gone\nhalf rest\n"));
}

Test(flow, discarding_ends_with_silence_too)
{
    begin(FRAMER_GAP, MAX_FRAME);
    flow_drop(&flow, span_of_text("half"));
    cr_assert_eq(flow_open(&flow, sink.ep, &fault), 0);
    cr_expect_eq(feed(" rest"), 0);
    cr_expect_eq(flow_silence(&flow, &fault), 0);
    cr_expect_eq(feed("whole"), 0);
    cr_expect_eq(flow_silence(&flow, &fault), 0);
    expect_writes("whole", 1);
    cr_expect_eq(counters.lost, strlen("half rest"));
}

Test(flow, discarding_ends_with_a_cr_that_was_one_after_all)
{
    begin(FRAMER_LINE, MAX_FRAME);
    flow_drop(&flow, span_of_text("half\r"));
    cr_assert_eq(flow_open(&flow, sink.ep, &fault), 0);
    cr_expect_eq(feed("whole\n"), 0);
    expect_writes("whole\n", 1);
}

Test(flow, held_bytes_are_delivered_in_order)
{
    begin(FRAMER_RAW, MAX_FRAME);
    cr_expect_eq(flow_hold(&flow, span_of_text("one ")), 0);
    cr_expect_eq(flow_hold(&flow, span_of_text("two ")), 0);
    cr_expect_eq(flow_held(&flow), 8);
    cr_expect_not(flow_is_clear(&flow));
    cr_assert_eq(flow_open(&flow, sink.ep, &fault), 0);
    cr_expect_eq(flow_held(&flow), 0);
    cr_expect_null(flow.held.data);
    cr_expect_eq(feed("three"), 0);
    expect_writes("one two three", 2);
    cr_expect_eq(counters.lost, 0);
}

Test(flow, held_bytes_that_are_dropped_are_counted)
{
    begin(FRAMER_RAW, MAX_FRAME);
    cr_expect_eq(flow_hold(&flow, span_of_text("12345")), 0);
    flow_drop_held(&flow);
    cr_expect_eq(counters.lost, 5);
    cr_assert_eq(flow_open(&flow, sink.ep, &fault), 0);
    cr_expect_eq(feed("new"), 0);
    expect_writes("new", 1);
}

Test(flow, a_cut_message_is_counted_as_lost_and_memory_is_given_back)
{
    begin_open(FRAMER_MLLP, MAX_FRAME);
    cr_expect_eq(feed("\x0b"
                      "abc"),
                 0);
    flow_close(&flow);
    cr_expect_eq(counters.lost, 4);
    cr_expect_null(flow.part.data);
    cr_expect_not(flow_is_clear(&flow));
}

Test(flow, the_end_of_the_source_sends_what_silence_would)
{
    begin_open(FRAMER_LINE, MAX_FRAME);
    cr_expect_eq(feed("last\r"), 0);
    cr_expect_eq(flow_end(&flow, &fault), 0);
    expect_writes("last\r", 1);
}

Test(flow, the_end_of_the_source_cuts_a_message)
{
    begin_open(FRAMER_LINE, MAX_FRAME);
    cr_expect_eq(feed("half"), 0);
    cr_expect_eq(flow_end(&flow, &fault), 4);
    cr_expect_eq(counters.lost, 4);
    cr_expect_eq(counters.messages, 0);
    cr_expect_null(flow.part.data);
}

Test(flow, without_memory_the_message_is_lost_and_the_link_must_end)
{
    begin_open(FRAMER_LINE, MAX_FRAME);
    mem_fail_nth(1);
    cr_expect_eq(feed("half"), FAULT_MEMORY);
    mem_fail_nth(0);
    cr_expect_eq(fault.side, FAULT_SIDE_SELF);
    cr_expect_eq(counters.lost, 4);
    mem_fail_nth(1);
    cr_expect_eq(flow_hold(&flow, span_of_text("xy")), FAULT_MEMORY);
    mem_fail_nth(0);
    cr_expect_eq(counters.lost, 6);
}

Test(flow, a_stream_that_cannot_be_followed_breaks_the_link)
{
    begin_open(FRAMER_MODBUS_TCP, 260);
    cr_expect_eq(flow_feed(&flow, span_of("\0\1\7\7\0\2\1\3", 8), &fault), FAULT_FRAME);
    cr_expect_eq(fault.code, FAULT_FRAME);
}
