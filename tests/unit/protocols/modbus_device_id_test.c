#include <string.h>

#include <criterion/criterion.h>

#include "protocols/modbus_device_id.h"
#include "protocols/modbus_pdu.h"
#include "tests/unit/protocols/hex.h"

static enum modbus_device_id_step feed(struct modbus_device_id *d, const char *hex)
{
    struct hex pdu = hex_of(hex);

    return modbus_device_id_feed(d, hex_span(&pdu));
}

static bool asks(const struct modbus_device_id *d, const char *hex)
{
    struct hex want = hex_of(hex);
    uint8_t memory[8];
    struct room out = room_of(memory, sizeof memory);

    return modbus_device_id_request(d, &out) && span_equal(room_span(&out), hex_span(&want)) &&
           modbus_pdu_check(room_span(&out)) == MODBUS_FINE;
}

static bool text_is(const struct modbus_device_id *d, const char *want)
{
    uint8_t memory[MODBUS_DEVICE_ID_TEXT];
    struct room out = room_of(memory, sizeof memory);

    return modbus_device_id_put_text(d, &out) && span_equal(room_span(&out), span_of_text(want));
}

Test(modbus_device_id, reads_the_basic_objects)
{
    struct modbus_device_id d;

    modbus_device_id_start(&d, MODBUS_DEVICE_ID_BASIC);
    cr_expect(asks(&d, "2B 0E 01 00"));
    /* "Acme", "P-12", "V1.0" */
    cr_expect_eq(feed(&d, "2B 0E 01 01 00 00 03 00 04 41636D65 01 04 502D3132 02 04 56312E30"),
                 MODBUS_DEVICE_ID_DONE);
    cr_expect(text_is(&d, "Acme P-12 V1.0"));
    cr_expect(span_equal(modbus_device_id_object(&d, 1), span_of_text("P-12")));
    cr_expect_eq(modbus_device_id_object(&d, 3).len, 0);
    cr_expect_eq(modbus_device_id_object(&d, 200).len, 0);
}

Test(modbus_device_id, asks_on_while_more_follows)
{
    struct modbus_device_id d;

    modbus_device_id_start(&d, MODBUS_DEVICE_ID_REGULAR);
    cr_expect(asks(&d, "2B 0E 02 00"));
    cr_expect_eq(feed(&d, "2B 0E 02 82 FF 01 01 00 02 4142"), MODBUS_DEVICE_ID_MORE);
    cr_expect(asks(&d, "2B 0E 02 01"));
    cr_expect_eq(feed(&d, "2B 0E 02 82 FF 05 01 01 01 43"), MODBUS_DEVICE_ID_MORE);
    cr_expect(asks(&d, "2B 0E 02 05"));
    cr_expect_eq(feed(&d, "2B 0E 02 82 00 00 02 05 01 44 80 03 000000"), MODBUS_DEVICE_ID_DONE);
    cr_expect(text_is(&d, "AB C"));
    cr_expect(span_equal(modbus_device_id_object(&d, 5), span_of_text("D")));
}

Test(modbus_device_id, leaves_no_blank_for_what_did_not_come)
{
    struct modbus_device_id d;

    modbus_device_id_start(&d, MODBUS_DEVICE_ID_BASIC);
    cr_expect_eq(feed(&d, "2B 0E 01 01 00 00 03 00 00 01 02 2000 02 01 41"), MODBUS_DEVICE_ID_DONE);
    cr_expect(text_is(&d, "A"));
    modbus_device_id_start(&d, MODBUS_DEVICE_ID_BASIC);
    cr_expect_eq(feed(&d, "2B 0E 01 01 00 00 03 00 01 41 01 02 2000 02 01 42"),
                 MODBUS_DEVICE_ID_DONE);
    cr_expect(text_is(&d, "A B"));
}

Test(modbus_device_id, refuses_answers_that_are_not_sound)
{
    static const char *const list[] = {
        "",                                       /* nothing */
        "AB 01",                                  /* an exception */
        "2B 0E 01 01 00 00",                      /* no count */
        "2B 0D 01 01 00 00 01 00 01 41",          /* CANopen */
        "2A 0E 01 01 00 00 01 00 01 41",          /* another function */
        "2B 0E 02 01 00 00 01 00 01 41",          /* an answer to another read code */
        "2B 0E 01 01 01 00 01 00 01 41",          /* "more follows" is neither 00 nor FF */
        "2B 0E 01 01 00 00 02 00 01 41",          /* fewer objects than counted */
        "2B 0E 01 01 00 00 01 00 02 41",          /* an object that breaks off */
        "2B 0E 01 01 00 00 01 00",                /* an object without its length */
        "2B 0E 01 01 00 00 01 00 01 41 42",       /* bytes behind the last one */
        "2B 0E 01 01 00 00 02 00 01 41 00 01 42", /* the vendor twice */
        "2B 0E 01 01 00 00 00",                   /* nothing said */
        "2B 0E 01 01 00 00 01 00 00",             /* a vendor without a name */
        "2B 0E 01 01 00 00 01 80 01 41",          /* private objects alone */
        "2B 0E 01 01 FF 00 01 00 01 41",          /* more from the start: without end */
    };

    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        struct modbus_device_id d;

        modbus_device_id_start(&d, MODBUS_DEVICE_ID_BASIC);
        cr_expect_eq(feed(&d, list[i]), MODBUS_DEVICE_ID_BAD, "%s", list[i]);
    }
}

Test(modbus_device_id, refuses_an_object_twice_over_two_parts)
{
    struct modbus_device_id d;

    modbus_device_id_start(&d, MODBUS_DEVICE_ID_BASIC);
    cr_expect_eq(feed(&d, "2B 0E 01 01 FF 01 01 00 01 41"), MODBUS_DEVICE_ID_MORE);
    cr_expect_eq(feed(&d, "2B 0E 01 01 00 00 01 00 01 42"), MODBUS_DEVICE_ID_BAD);
}

Test(modbus_device_id, refuses_parts_without_end)
{
    struct modbus_device_id d;
    uint8_t pdu[] = {0x2B, 0x0E, 1, 1, 0xFF, 0, 1, 0x80, 0};
    int parts = 0;

    modbus_device_id_start(&d, MODBUS_DEVICE_ID_BASIC);
    do {
        parts++;
        pdu[5]++;
        cr_assert_lt(parts, 100);
    } while (modbus_device_id_feed(&d, span_of(pdu, sizeof pdu)) == MODBUS_DEVICE_ID_MORE);
    cr_expect_eq(parts, 8);
}

Test(modbus_device_id, refuses_what_goes_back)
{
    struct modbus_device_id d;

    modbus_device_id_start(&d, MODBUS_DEVICE_ID_BASIC);
    cr_expect_eq(feed(&d, "2B 0E 01 01 FF 02 01 00 01 41"), MODBUS_DEVICE_ID_MORE);
    cr_expect_eq(feed(&d, "2B 0E 01 01 FF 02 01 02 01 41"), MODBUS_DEVICE_ID_BAD);
}

Test(modbus_device_id, refuses_more_than_a_pdu)
{
    struct modbus_device_id d;
    uint8_t pdu[MODBUS_PDU_MAX + 1] = {0x2B, 0x0E, 1, 1, 0, 0, 2, 0, 244};

    pdu[7 + 2 + 244] = 0x80; /* an object that is cut off, too */
    modbus_device_id_start(&d, MODBUS_DEVICE_ID_BASIC);
    cr_expect_eq(modbus_device_id_feed(&d, span_of(pdu, sizeof pdu)), MODBUS_DEVICE_ID_BAD);
}

/* Each of the three in an answer of its own, as long as can be, and no byte of it plain. */
Test(modbus_device_id, its_longest_text_fits)
{
    struct modbus_device_id d;
    uint8_t pdu[MODBUS_PDU_MAX] = {0x2B, 0x0E, 1, 1, 0xFF, 0, 1, 0, 244};
    uint8_t memory[MODBUS_DEVICE_ID_TEXT];
    struct room out = room_of(memory, sizeof memory);
    struct room small = room_of(memory, sizeof memory - 1);

    memset(pdu + 9, 0xFF, 244);
    modbus_device_id_start(&d, MODBUS_DEVICE_ID_BASIC);
    for (uint8_t i = 0; i < 3; i++) {
        pdu[4] = i < 2 ? 0xFF : 0;
        pdu[5] = (uint8_t)(i + 1);
        pdu[7] = i;
        cr_expect_eq(modbus_device_id_feed(&d, span_of(pdu, sizeof pdu)),
                     i < 2 ? MODBUS_DEVICE_ID_MORE : MODBUS_DEVICE_ID_DONE);
    }
    cr_expect(modbus_device_id_put_text(&d, &out));
    cr_expect_eq(room_left(&out), 0U);
    cr_expect_not(modbus_device_id_put_text(&d, &small));
    cr_expect_eq(small.len, 0U);
}

Test(modbus_device_id, names_its_objects)
{
    cr_expect_str_eq(modbus_device_id_name(0), "VendorName");
    cr_expect_str_eq(modbus_device_id_name(6), "UserApplicationName");
    cr_expect_null(modbus_device_id_name(7));
}
