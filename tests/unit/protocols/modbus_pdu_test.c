#include <string.h>

#include <criterion/criterion.h>

#include "protocols/modbus_pdu.h"
#include "tests/unit/protocols/hex.h"

/* One good exchange for every public function code, and some codes twice. */
struct exchange {
    const char *request;
    const char *answer;
    bool writes;
};

static const struct exchange exchanges[] = {
    {"01 0010 0013", "01 03 CD6B05", false},
    {"02 00C4 0016", "02 03 ACDB35", false},
    {"03 0010 0003", "03 06 1234 5678 2345", false},
    {"04 0008 0001", "04 02 000A", false},
    {"05 0010 FF00", "05 0010 FF00", true},
    {"05 0010 0000", "05 0010 0000", true},
    {"06 0010 1234", "06 0010 1234", true},
    {"07", "07 6D", false},
    {"08 0000 A537", "08 0000 A537", false},
    {"08 0000 A537 1122 3344", "08 0000 A537 1122 3344", false},
    {"08 0001 FF00", "08 0001 FF00", true},
    {"08 0002 0000", "08 0002 1234", false},
    {"08 0003 0D00", "08 0003 0D00", true},
    {"08 0004 0000", "08 0004 0000", true},
    {"08 000A 0000", "08 000A 0000", true},
    {"08 000B 0000", "08 000B 0007", false},
    {"08 0012 0000", "08 0012 0001", false},
    {"08 0014 0000", "08 0014 0000", true},
    {"0B", "0B FFFF 0108", false},
    {"0C", "0C 08 0000 0108 0121 2000", false},
    {"0F 0010 000A 02 1234", "0F 0010 000A", true},
    {"10 0010 0002 04 12345678", "10 0010 0002", true},
    {"11", "11 03 11FF05", false},
    {"14 0E 06 0004 0001 0002 06 0003 0009 0002", "14 0C 05 06 0DFE 0020 05 06 33CD 0040", false},
    {"15 0D 06 0004 0007 0003 06AF 04BE 100D", "15 0D 06 0004 0007 0003 06AF 04BE 100D", true},
    {"16 0160 00F2 0025", "16 0160 00F2 0025", true},
    {"17 0160 0003 0161 0002 04 00000000", "17 06 0001 0002 0003", true},
    {"18 04DE", "18 0006 0002 01B8 1284", false},
    {"18 04DE", "18 0002 0000", false},
    {"2B 0E 01 00", "2B 0E 01 01 00 00 03 00 03 414243 01 01 31 02 02 5631", false},
    {"2B 0E 04 02", "2B 0E 04 81 00 00 01 02 04 56312E30", false},
    {"2B 0E 02 00", "2B 0E 02 02 FF 07 00", false},
};

enum { EXCHANGES = sizeof exchanges / sizeof exchanges[0] };

Test(modbus_pdu, accepts_every_public_function)
{
    for (size_t i = 0; i < EXCHANGES; i++) {
        struct hex request = hex_of(exchanges[i].request);

        cr_expect_eq(modbus_pdu_check(hex_span(&request)), MODBUS_FINE, "%s", exchanges[i].request);
        cr_expect_eq(modbus_pdu_is_write(hex_span(&request)), exchanges[i].writes, "%s",
                     exchanges[i].request);
    }
}

Test(modbus_pdu, matches_the_answer_of_every_function)
{
    for (size_t i = 0; i < EXCHANGES; i++) {
        struct hex request = hex_of(exchanges[i].request);
        struct hex answer = hex_of(exchanges[i].answer);

        cr_expect(modbus_pdu_matches(hex_span(&request), hex_span(&answer)), "%s",
                  exchanges[i].request);
    }
}

/* The size is told as soon as it can be, and stays the same with every further byte. */
Test(modbus_pdu, knows_the_length_of_every_answer)
{
    for (size_t i = 0; i < EXCHANGES; i++) {
        struct hex request = hex_of(exchanges[i].request);
        struct hex answer = hex_of(exchanges[i].answer);
        bool known = false;

        for (size_t cut = 0; cut <= answer.len; cut++) {
            size_t len = 9999;
            enum modbus_size size = modbus_pdu_answer_size(
                hex_span(&request), span_first(hex_span(&answer), cut), &len);

            cr_expect_neq(size, MODBUS_SIZE_BAD, "%s at %zu", exchanges[i].answer, cut);
            cr_expect_eq(len, size == MODBUS_SIZE_KNOWN ? answer.len : 9999);
            cr_expect(size == MODBUS_SIZE_KNOWN || !known);
            known = size == MODBUS_SIZE_KNOWN;
        }
        cr_expect(known, "%s", exchanges[i].answer);
    }
}

Test(modbus_pdu, takes_an_exception_as_answer_of_every_function)
{
    for (size_t i = 0; i < EXCHANGES; i++) {
        struct hex request = hex_of(exchanges[i].request);
        uint8_t answer[3] = {(uint8_t)(request.data[0] | 0x80), 0x02, 0x00};
        size_t len = 0;

        cr_expect(modbus_pdu_matches(hex_span(&request), span_of(answer, 2)));
        cr_expect_eq(modbus_pdu_answer_size(hex_span(&request), span_of(answer, 1), &len),
                     MODBUS_SIZE_KNOWN);
        cr_expect_eq(len, 2);
        cr_expect_not(modbus_pdu_matches(hex_span(&request), span_of(answer, 3)), "too long");
        answer[1] = 0;
        cr_expect_not(modbus_pdu_matches(hex_span(&request), span_of(answer, 2)), "no code");
    }
}

Test(modbus_pdu, refuses_every_cut_or_longer_answer)
{
    for (size_t i = 0; i < EXCHANGES; i++) {
        struct hex request = hex_of(exchanges[i].request);
        struct hex answer = hex_of(exchanges[i].answer);

        for (size_t cut = 0; cut < answer.len; cut++) {
            cr_expect_not(
                modbus_pdu_matches(hex_span(&request), span_first(hex_span(&answer), cut)),
                "%s cut to %zu", exchanges[i].answer, cut);
        }
        answer.data[answer.len] = 0;
        answer.len++;
        cr_expect_not(modbus_pdu_matches(hex_span(&request), hex_span(&answer)), "%s and a byte",
                      exchanges[i].answer);
    }
}

Test(modbus_pdu, refuses_another_functions_answer)
{
    for (size_t i = 0; i < EXCHANGES; i++) {
        struct hex request = hex_of(exchanges[i].request);

        for (size_t k = 0; k < EXCHANGES; k++) {
            struct hex answer = hex_of(exchanges[k].answer);

            if (answer.data[0] != request.data[0]) {
                cr_expect_not(modbus_pdu_matches(hex_span(&request), hex_span(&answer)), "%s to %s",
                              exchanges[k].answer, exchanges[i].request);
            }
        }
    }
}

/* Every field that an answer repeats, changed in one place. */
Test(modbus_pdu, refuses_answers_that_do_not_match)
{
    static const struct exchange wrong[] = {
        {"01 0010 0013", "01 02 CD6B", false},
        {"01 0010 0013", "01 04 CD6B0500", false},
        {"02 00C4 0016", "02 02 ACDB", false},
        {"03 0010 0003", "03 04 1234 5678", false},
        {"03 0010 0003", "03 05 1234 5678 23", false},
        {"04 0008 0001", "04 04 000A 000B", false},
        {"05 0010 FF00", "05 0011 FF00", false},
        {"05 0010 FF00", "05 0010 0000", false},
        {"06 0010 1234", "06 0010 1235", false},
        {"06 0010 1234", "06 0110 1234", false},
        {"08 0000 A537", "08 0000 A538", false},
        {"08 0000 A537", "08 0002 A537", false},
        {"08 0002 0000", "08 000B 0000", false},
        {"08 000A 0000", "08 000A 0001", false},
        {"0C", "0C 05 0000 0108 01", false},
        {"0C",
         "0C 47 0000000000000000000000000000000000000000000000000000000000000000000000"
         "0000000000000000000000000000000000000000000000000000000000000000000000000000",
         false},
        {"0F 0010 000A 02 1234", "0F 0010 0009", false},
        {"0F 0010 000A 02 1234", "0F 0011 000A", false},
        {"10 0010 0002 04 12345678", "10 0010 0001", false},
        {"10 0010 0002 04 12345678", "10 0012 0002", false},
        {"11", "11 00", false},
        {"14 07 06 0004 0001 0002", "14 06 05 07 0DFE 0020", false},
        {"14 07 06 0004 0001 0002", "14 06 04 06 0DFE 0020", false},
        {"14 07 06 0004 0001 0002", "14 04 03 06 0DFE", false},
        {"14 07 06 0004 0001 0001", "14 08 03 06 0DFE 03 06 0020", false},
        {"15 09 06 0004 0007 0001 06AF", "15 09 06 0004 0007 0001 06AE", false},
        {"16 0160 00F2 0025", "16 0160 00F2 0026", false},
        {"17 0160 0003 0161 0002 04 00000000", "17 04 0001 0002", false},
        {"18 04DE", "18 0006 0001 01B8 1284", false},
        {"18 04DE", "18 0001 00", false},
        {"2B 0E 01 00", "2B 0E 02 01 00 00 00", false},
        {"2B 0E 01 00", "2B 0D 01 01 00 00 00", false},
    };

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct hex request = hex_of(wrong[i].request);
        struct hex answer = hex_of(wrong[i].answer);

        cr_expect_eq(modbus_pdu_check(hex_span(&request)), MODBUS_FINE, "%s", wrong[i].request);
        cr_expect_not(modbus_pdu_matches(hex_span(&request), hex_span(&answer)), "%s to %s",
                      wrong[i].answer, wrong[i].request);
    }
}

Test(modbus_pdu, refuses_fifo_with_more_than_31_values)
{
    struct hex request = hex_of("18 04DE");
    uint8_t answer[3 + 2 + 64] = {0x18, 0x00, 2 + 64, 0x00, 32};

    cr_expect_not(modbus_pdu_matches(hex_span(&request), span_of(answer, sizeof answer)));
    answer[2] = 2 + 62;
    answer[4] = 31;
    cr_expect(modbus_pdu_matches(hex_span(&request), span_of(answer, sizeof answer - 2)));
}

/* A count or a list that leads out of a PDU can not be an answer. */
Test(modbus_pdu, refuses_answer_lengths_over_a_pdu)
{
    static const struct exchange wrong[] = {
        {"03 0000 0001", "03 FC", false},
        {"18 0000", "18 00FB", false},
        {"18 0000", "18 FF02", false},
        {"2B 0E 01 00", "2B 0E 01 01 00 00 01 00 FF", false},
        {"2B 0E 01 00", "2B 0D", false},
        {"03 0000 0001", "04", false},
        {"41", "41", false},
    };

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct hex request = hex_of(wrong[i].request);
        struct hex head = hex_of(wrong[i].answer);
        size_t len = 9999;

        cr_expect_eq(modbus_pdu_answer_size(hex_span(&request), hex_span(&head), &len),
                     MODBUS_SIZE_BAD, "%s", wrong[i].answer);
        cr_expect_eq(len, 9999);
    }
}

/* The one list whose objects are all empty still has an end within a PDU. */
Test(modbus_pdu, refuses_more_objects_than_fit)
{
    struct hex request = hex_of("2B 0E 01 00");
    uint8_t answer[7 + 246] = {0x2B, 0x0E, 0x01, 0x01, 0x00, 0x00, 124};
    size_t len = 0;

    cr_expect_eq(modbus_pdu_answer_size(hex_span(&request), span_of(answer, sizeof answer), &len),
                 MODBUS_SIZE_BAD);
    answer[6] = 123;
    cr_expect_eq(modbus_pdu_answer_size(hex_span(&request), span_of(answer, sizeof answer), &len),
                 MODBUS_SIZE_KNOWN);
    cr_expect_eq(len, 253);
}

struct refusal {
    const char *request;
    enum modbus_exception code;
};

static void expect_refusals(const struct refusal *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct hex request = hex_of(list[i].request);

        cr_expect_eq(modbus_pdu_check(hex_span(&request)), list[i].code, "%s", list[i].request);
    }
}

Test(modbus_pdu, refuses_unknown_functions)
{
    static const struct refusal list[] = {
        {"", MODBUS_ILLEGAL_FUNCTION},
        {"00", MODBUS_ILLEGAL_FUNCTION},
        {"09", MODBUS_ILLEGAL_FUNCTION},
        {"0D", MODBUS_ILLEGAL_FUNCTION},
        {"13", MODBUS_ILLEGAL_FUNCTION},
        {"41 00", MODBUS_ILLEGAL_FUNCTION},
        {"64", MODBUS_ILLEGAL_FUNCTION},
        {"83 02", MODBUS_ILLEGAL_FUNCTION},
        {"2B 0D 0000", MODBUS_ILLEGAL_FUNCTION},
        {"08 0005 0000", MODBUS_ILLEGAL_FUNCTION},
        {"08 0013 0000", MODBUS_ILLEGAL_FUNCTION},
        {"08 0015 0000", MODBUS_ILLEGAL_FUNCTION},
    };

    expect_refusals(list, sizeof list / sizeof list[0]);
}

Test(modbus_pdu, refuses_wrong_lengths)
{
    for (size_t i = 0; i < EXCHANGES; i++) {
        struct hex request = hex_of(exchanges[i].request);

        request.data[request.len] = 0;
        cr_expect_eq(modbus_pdu_check(span_of(request.data, request.len + 1)), MODBUS_ILLEGAL_VALUE,
                     "%s and a byte", exchanges[i].request);
        for (size_t cut = 1; cut < request.len; cut++) {
            enum modbus_exception code = modbus_pdu_check(span_of(request.data, cut));

            if (request.data[0] != 0x08 || cut < 5) { /* a loop back may be cut at words */
                cr_expect_eq(code, MODBUS_ILLEGAL_VALUE, "%s cut to %zu", exchanges[i].request,
                             cut);
            }
        }
    }
}

Test(modbus_pdu, refuses_counts_out_of_range)
{
    static const struct refusal list[] = {
        {"01 0000 0000", MODBUS_ILLEGAL_VALUE},
        {"01 0000 07D1", MODBUS_ILLEGAL_VALUE},
        {"01 F831 07D0", MODBUS_ILLEGAL_VALUE},
        {"01 F830 07D0", MODBUS_FINE},
        {"02 0000 07D1", MODBUS_ILLEGAL_VALUE},
        {"03 0000 0000", MODBUS_ILLEGAL_VALUE},
        {"03 0000 007D", MODBUS_FINE},
        {"03 0000 007E", MODBUS_ILLEGAL_VALUE},
        {"03 FFFF 0001", MODBUS_FINE},
        {"03 FFFF 0002", MODBUS_ILLEGAL_VALUE},
        {"04 0000 007E", MODBUS_ILLEGAL_VALUE},
        {"0F 0000 0000 00", MODBUS_ILLEGAL_VALUE},
        {"0F FFFF 0002 01 00", MODBUS_ILLEGAL_VALUE},
        {"10 0000 0000 00", MODBUS_ILLEGAL_VALUE},
        {"10 FFFF 0002 04 00000000", MODBUS_ILLEGAL_VALUE},
        {"17 0000 007E 0000 0001 02 0000", MODBUS_ILLEGAL_VALUE},
        {"17 0000 0000 0000 0001 02 0000", MODBUS_ILLEGAL_VALUE},
        {"17 0000 0001 0000 0000 00", MODBUS_ILLEGAL_VALUE},
        {"17 0000 0001 FFFF 0002 04 00000000", MODBUS_ILLEGAL_VALUE},
        {"17 FFFF 0002 0000 0001 02 0000", MODBUS_ILLEGAL_VALUE},
    };

    expect_refusals(list, sizeof list / sizeof list[0]);
}

Test(modbus_pdu, refuses_wrong_byte_counts)
{
    static const struct refusal list[] = {
        {"0F 0010 000A 01 1234", MODBUS_ILLEGAL_VALUE},
        {"0F 0010 000A 03 1234", MODBUS_ILLEGAL_VALUE},
        {"0F 0010 0011 02 1234", MODBUS_ILLEGAL_VALUE},
        {"10 0010 0002 03 12345678", MODBUS_ILLEGAL_VALUE},
        {"10 0010 0001 04 12345678", MODBUS_ILLEGAL_VALUE},
        {"17 0160 0003 0161 0002 03 00000000", MODBUS_ILLEGAL_VALUE},
        {"14 06 06 0004 0001 0002", MODBUS_ILLEGAL_VALUE},
        {"15 08 06 0004 0007 0001 06AF", MODBUS_ILLEGAL_VALUE},
    };

    expect_refusals(list, sizeof list / sizeof list[0]);
}

Test(modbus_pdu, refuses_wrong_fixed_values)
{
    static const struct refusal list[] = {
        {"05 0010 0001", MODBUS_ILLEGAL_VALUE},
        {"05 0010 FF01", MODBUS_ILLEGAL_VALUE},
        {"05 0010 00FF", MODBUS_ILLEGAL_VALUE},
        {"08 0001 0001", MODBUS_ILLEGAL_VALUE},
        {"08 0003 0D01", MODBUS_ILLEGAL_VALUE},
        {"08 0004 0001", MODBUS_ILLEGAL_VALUE},
        {"08 000A 0000 0000", MODBUS_ILLEGAL_VALUE},
        {"08 0000 11", MODBUS_ILLEGAL_VALUE},
        {"14 07 05 0004 0001 0002", MODBUS_ILLEGAL_VALUE},
        {"14 07 06 0000 0001 0002", MODBUS_ILLEGAL_VALUE},
        {"14 07 06 0004 2710 0002", MODBUS_ILLEGAL_VALUE},
        {"14 07 06 0004 0001 0000", MODBUS_ILLEGAL_VALUE},
        {"15 09 05 0004 0007 0001 06AF", MODBUS_ILLEGAL_VALUE},
        {"15 09 06 0004 0007 0002 06AF", MODBUS_ILLEGAL_VALUE},
        {"2B 0E 00 00", MODBUS_ILLEGAL_VALUE},
        {"2B 0E 05 00", MODBUS_ILLEGAL_VALUE},
    };

    expect_refusals(list, sizeof list / sizeof list[0]);
}

Test(modbus_pdu, refuses_file_reads_whose_answer_is_too_long)
{
    static const struct refusal list[] = {
        {"14 07 06 0004 0001 0079", MODBUS_FINE},
        {"14 07 06 0004 0001 007A", MODBUS_ILLEGAL_VALUE},
        {"14 07 06 0004 0001 FFFF", MODBUS_ILLEGAL_VALUE},
        {"14 0E 06 0004 0001 0050 06 0004 0001 0050", MODBUS_ILLEGAL_VALUE},
    };

    expect_refusals(list, sizeof list / sizeof list[0]);
}

/* The largest requests that exist, and one item more. */
Test(modbus_pdu, bounds_writes_by_the_standard)
{
    uint8_t bits[6 + 247] = {0x0F, 0, 0, 0x07, 0xB0, 246};
    uint8_t words[6 + 248] = {0x10, 0, 0, 0, 123, 246};
    uint8_t both[10 + 244] = {0x17, 0, 0, 0, 1, 0, 0, 0, 121, 242};

    cr_expect_eq(modbus_pdu_check(span_of(bits, 6 + 246)), MODBUS_FINE);
    bits[4] = 0xB1;
    bits[5] = 247;
    cr_expect_eq(modbus_pdu_check(span_of(bits, 6 + 247)), MODBUS_ILLEGAL_VALUE);
    cr_expect_eq(modbus_pdu_check(span_of(words, 6 + 246)), MODBUS_FINE);
    words[4] = 124;
    words[5] = 248;
    cr_expect_eq(modbus_pdu_check(span_of(words, 6 + 248)), MODBUS_ILLEGAL_VALUE);
    cr_expect_eq(modbus_pdu_check(span_of(both, 10 + 242)), MODBUS_FINE);
    both[8] = 122;
    both[9] = 244;
    cr_expect_eq(modbus_pdu_check(span_of(both, 10 + 244)), MODBUS_ILLEGAL_VALUE);
}

Test(modbus_pdu, refuses_a_loop_back_longer_than_a_pdu)
{
    uint8_t echo[255] = {0x08, 0, 0};

    cr_expect_eq(modbus_pdu_check(span_of(echo, 253)), MODBUS_FINE);
    cr_expect_eq(modbus_pdu_check(span_of(echo, 255)), MODBUS_ILLEGAL_VALUE);
}

Test(modbus_pdu, takes_what_it_does_not_know_as_a_write)
{
    static const char *const list[] = {"",   "00", "09",      "41",         "6E", "FF",
                                       "08", "83", "08 0013", "2B 0D 0000", "2B", "08 00"};

    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        struct hex request = hex_of(list[i]);

        cr_expect(modbus_pdu_is_write(hex_span(&request)), "%s", list[i]);
    }
}

Test(modbus_pdu, knows_which_answers_leave_a_write_open)
{
    static const struct {
        const char *answer;
        bool leaves_open;
    } list[] = {{"86 05", true},  {"86 0B", true},  {"86 04", false},
                {"86 06", false}, {"86 0A", false}, {"06 0B00 0000", false},
                {"06", false},    {"86", false},    {"", false}};

    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        struct hex answer = hex_of(list[i].answer);

        cr_expect_eq(modbus_pdu_leaves_open(hex_span(&answer)), list[i].leaves_open, "%s",
                     list[i].answer);
    }
}
