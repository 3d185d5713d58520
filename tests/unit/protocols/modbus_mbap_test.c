#include <string.h>

#include <criterion/criterion.h>

#include "protocols/modbus_mbap.h"
#include "tests/unit/protocols/hex.h"

Test(modbus_mbap, parses_an_adu)
{
    struct hex adu = hex_of("0007 0000 000B FF 10 0010 0002 04 12345678");
    struct hex pdu = hex_of("10 0010 0002 04 12345678");
    struct modbus_mbap out;

    cr_assert(modbus_mbap_parse(hex_span(&adu), &out));
    cr_expect_eq(out.transaction, 7);
    cr_expect_eq(out.unit, 0xFF);
    cr_expect(span_equal(out.pdu, hex_span(&pdu)));
}

Test(modbus_mbap, builds_what_it_parses)
{
    static const char *const list[] = {"0001 0000 0006 11 03 0000 0001",
                                       "0007 0000 000B FF 10 0010 0002 04 12345678",
                                       "FFFF 0000 0002 00 07"};

    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        struct hex adu = hex_of(list[i]);
        uint8_t memory[MODBUS_MBAP_MAX];
        struct room out = room_of(memory, sizeof memory);
        struct modbus_mbap parts;

        cr_assert(modbus_mbap_parse(hex_span(&adu), &parts));
        cr_expect(modbus_mbap_put(&out, &parts));
        cr_expect(span_equal(room_span(&out), hex_span(&adu)), "%s", list[i]);
    }
}

Test(modbus_mbap, refuses_wrong_headers)
{
    static const char *const list[] = {
        "",
        "0001 0000 0006 11",
        "0001 0000 0006 11 03 0000 00",
        "0001 0000 0006 11 03 0000 0001 00",
        "0001 0001 0006 11 03 0000 0001",
        "0001 0000 0005 11 03 0000 0001",
        "0001 0000 0007 11 03 0000 0001",
        "0001 0000 0001 11",
        "0001 0000 0000",
    };

    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        struct hex adu = hex_of(list[i]);
        struct modbus_mbap out = {.transaction = 99};

        cr_expect_not(modbus_mbap_parse(hex_span(&adu), &out), "%s", list[i]);
        cr_expect_eq(out.transaction, 99);
    }
}

Test(modbus_mbap, bounds_the_pdu)
{
    uint8_t memory[300] = {0, 1, 0, 0, 0, 254, 1, 3};
    struct room out = room_of(memory, sizeof memory);
    struct room small = room_of(memory, 11);
    struct modbus_mbap adu = {.transaction = 1, .unit = 1, .pdu = span_of(memory, 254)};
    struct modbus_mbap parts;

    cr_expect(modbus_mbap_parse(span_of(memory, 260), &parts));
    memory[5] = 255;
    cr_expect_not(modbus_mbap_parse(span_of(memory, 261), &parts));
    cr_expect_not(modbus_mbap_put(&out, &adu));
    adu.pdu.len = 0;
    cr_expect_not(modbus_mbap_put(&out, &adu));
    adu.pdu.len = 5;
    cr_expect_not(modbus_mbap_put(&small, &adu));
    cr_expect_eq(out.len + small.len, 0);
}

Test(modbus_mbap, builds_exceptions)
{
    struct hex request = hex_of("0001 0000 0006 11 03 0000 0001");
    struct hex want = hex_of("0001 0000 0003 11 83 0B");
    uint8_t memory[MODBUS_MBAP_MAX];
    struct room out = room_of(memory, sizeof memory);
    struct modbus_mbap parts;

    cr_assert(modbus_mbap_parse(hex_span(&request), &parts));
    cr_expect(modbus_mbap_put_exception(&out, &parts, MODBUS_NO_ANSWER));
    cr_expect(span_equal(room_span(&out), hex_span(&want)));
}

/* Write one letter for each step: m more, w whole, b broken. */
static void read_stream(struct span in, size_t step, char *log)
{
    struct modbus_mbap_reader r;
    size_t len = 0;

    modbus_mbap_reader_start(&r);
    while (in.len > 0) {
        struct span piece = span_first(in, step);

        in = span_after(in, step);
        while (piece.len > 0) {
            size_t before = piece.len;
            enum modbus_mbap_step took = modbus_mbap_reader_take(&r, &piece);

            cr_expect_eq(modbus_mbap_reader_adu(&r).len > 0, took == MODBUS_MBAP_WHOLE);
            if (took != MODBUS_MBAP_MORE) {
                log[len] = took == MODBUS_MBAP_WHOLE ? 'w' : 'b';
                len++;
            }
            if (took == MODBUS_MBAP_BROKEN) {
                log[len] = '\0';
                return;
            }
            cr_assert_lt(piece.len, before);
        }
    }
    log[len] = '\0';
}

Test(modbus_mbap, cuts_a_stream_whatever_the_pieces)
{
    static const struct {
        const char *bytes, *log;
    } list[] = {
        {"0001 0000 0003 11 83 0B 0002 0000 0002 01 07 0003 0000", "ww"},
        {"0001 0000 0003 11 83 0B 0002 0001 0002 01 07", "wb"},
        {"0001 0000 0001 11 0002 0000 0002 01 07", "b"},
        {"0001 0000 00FF 11 00", "b"},
        {"0001 0000 0000", "b"},
        {"0001 0000 00", ""},
    };

    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        struct hex bytes = hex_of(list[i].bytes);

        for (size_t step = 1; step <= bytes.len; step++) {
            char log[80];

            read_stream(hex_span(&bytes), step, log);
            cr_expect_str_eq(log, list[i].log, "%s by %zu", list[i].bytes, step);
        }
    }
}

Test(modbus_mbap, stays_broken_until_started_anew)
{
    struct hex bad = hex_of("0001 0001 0002 01 07");
    struct hex good = hex_of("0001 0000 0002 01 07");
    struct modbus_mbap_reader r;
    struct span in = hex_span(&bad);

    modbus_mbap_reader_start(&r);
    cr_expect_eq(modbus_mbap_reader_take(&r, &in), MODBUS_MBAP_BROKEN);
    in = hex_span(&good);
    cr_expect_eq(modbus_mbap_reader_take(&r, &in), MODBUS_MBAP_BROKEN);
    modbus_mbap_reader_start(&r);
    in = hex_span(&good);
    cr_expect_eq(modbus_mbap_reader_take(&r, &in), MODBUS_MBAP_WHOLE);
    cr_expect(span_equal(modbus_mbap_reader_adu(&r), hex_span(&good)));
}

Test(modbus_mbap, reads_the_longest_adu)
{
    uint8_t memory[MODBUS_MBAP_MAX] = {0, 1, 0, 0, 0, 254, 1, 3};
    struct modbus_mbap_reader r;
    struct span in = span_of(memory, sizeof memory);

    modbus_mbap_reader_start(&r);
    cr_expect_eq(modbus_mbap_reader_take(&r, &in), MODBUS_MBAP_WHOLE);
    cr_expect_eq(modbus_mbap_reader_adu(&r).len, MODBUS_MBAP_MAX);
}

Test(modbus_mbap, judges_answers_strictly)
{
    static const struct {
        const char *answer;
        enum modbus_mbap_verdict verdict;
    } list[] = {
        {"0102 0000 0005 11 03 02 1234", MODBUS_MBAP_ANSWER},
        {"0102 0000 0003 11 83 02", MODBUS_MBAP_ANSWER},
        {"0103 0000 0005 11 03 02 1234", MODBUS_MBAP_OTHER},
        {"0101 0000 0003 11 83 02", MODBUS_MBAP_OTHER},
        {"0102 0000 0005 12 03 02 1234", MODBUS_MBAP_MISMATCH},
        {"0102 0000 0005 11 04 02 1234", MODBUS_MBAP_MISMATCH},
        {"0102 0000 0007 11 03 04 1234 5678", MODBUS_MBAP_MISMATCH},
        {"0102 0000 0006 11 03 02 1234 00", MODBUS_MBAP_MISMATCH},
        {"0102 0000 0003 11 84 02", MODBUS_MBAP_MISMATCH},
    };
    struct hex adu = hex_of("0102 0000 0006 11 03 0000 0001");
    struct modbus_mbap request;

    cr_assert(modbus_mbap_parse(hex_span(&adu), &request));
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        struct hex answer = hex_of(list[i].answer);

        cr_expect_eq(modbus_mbap_judge(&request, hex_span(&answer)), list[i].verdict, "%s",
                     list[i].answer);
    }
}
