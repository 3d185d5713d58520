/*
 * What a unit says of itself, in as many answers as it likes: bounded in rounds and in text, and
 * the text is plain. An input is: 1 byte read code, then answers, each with 1 byte length before
 * it.
 */
#include <assert.h>

#include "protocols/modbus_device_id.h"
#include "protocols/modbus_pdu.h"
#include "protocols/pattern.h"

static void check_text(const struct modbus_device_id *d)
{
    uint8_t memory[MODBUS_DEVICE_ID_TEXT];
    struct room out = room_of(memory, sizeof memory);

    assert(modbus_device_id_put_text(d, &out));
    for (size_t i = 0; i < out.len; i++) {
        assert(memory[i] >= ' ' && memory[i] <= '~');
    }
    assert(pattern_matches(room_span(&out), room_span(&out)));
    assert(pattern_matches(span_of_text("*"), room_span(&out)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct modbus_device_id d;
    struct span in = span_of(data, size), pdu;
    enum modbus_device_id_step step = MODBUS_DEVICE_ID_MORE;
    uint8_t code = 0, len = 0;
    unsigned rounds = 0;

    if (!span_take_u8(&in, &code)) {
        return 0;
    }
    modbus_device_id_start(&d, (uint8_t)(1 + code % 2));
    while (step == MODBUS_DEVICE_ID_MORE && span_take_u8(&in, &len) && span_take(&in, len, &pdu)) {
        uint8_t memory[MODBUS_DEVICE_ID_REQUEST];
        struct room out = room_of(memory, sizeof memory);

        assert(modbus_device_id_request(&d, &out));
        assert(modbus_pdu_check(room_span(&out)) == MODBUS_FINE);
        step = modbus_device_id_feed(&d, pdu);
        rounds++;
        assert(rounds <= 8);
        check_text(&d);
        /* What the line's reader takes for an answer of its length, and this one for sound, agree.
         */
        size_t whole = 0;
        if (step != MODBUS_DEVICE_ID_BAD) {
            assert(modbus_pdu_answer_size(room_span(&out), pdu, &whole) == MODBUS_SIZE_KNOWN);
            assert(whole == pdu.len && modbus_pdu_matches(room_span(&out), pdu));
        }
    }
    return 0;
}
