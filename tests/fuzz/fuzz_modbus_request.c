/*
 * The hospital's side: a stream of MBAP ADUs becomes requests on a serial line. Whatever the cuts,
 * the same requests are sent, each within a frame's bounds, and no unknown one passes.
 *
 * An input is: 1 byte that seeds the cuts, and then the stream.
 */
#include "protocols/modbus_mbap.h"
#include "protocols/modbus_rtu.h"
#include "tests/fuzz/modbus_cuts.h"

struct sent {
    struct modbus_mbap_reader reader;
    uint32_t hash; /* over all frames */
    bool is_broken;
};

static void send_request(struct sent *s, struct span adu)
{
    uint8_t memory[MODBUS_RTU_MAX];
    struct room out = room_of(memory, sizeof memory);
    struct modbus_mbap m;
    size_t len = 0;

    require(modbus_mbap_parse(adu, &m));
    if (modbus_pdu_check(m.pdu) == MODBUS_FINE) {
        require(modbus_rtu_put(&out, m.unit, m.pdu) && modbus_rtu_crc(room_span(&out)) == 0);
        require(modbus_pdu_answer_size(m.pdu, span_of(NULL, 0), &len) == MODBUS_SIZE_MORE);
        s->hash = s->hash * 31 + modbus_rtu_crc(span_first(room_span(&out), out.len - 2));
    } else {
        s->hash = s->hash * 31 + (modbus_pdu_is_write(m.pdu) ? 1U : 2U);
    }
}

static void feed(struct sent *s, struct span piece)
{
    while (piece.len > 0 && !s->is_broken) {
        enum modbus_mbap_step step = modbus_mbap_reader_take(&s->reader, &piece);

        s->is_broken = step == MODBUS_MBAP_BROKEN;
        if (step == MODBUS_MBAP_WHOLE) {
            send_request(s, modbus_mbap_reader_adu(&s->reader));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sent whole = {.hash = 1}, cut = {.hash = 1};
    struct span wire = span_of(data, size);
    uint8_t seed = 0;
    (void)span_take_u8(&wire, &seed);
    feed(&whole, wire);
    for (uint32_t dice = seed; wire.len > 0;) {
        feed(&cut, take_cut(&wire, &dice));
    }
    require(whole.hash == cut.hash && whole.is_broken == cut.is_broken);
    return 0;
}
