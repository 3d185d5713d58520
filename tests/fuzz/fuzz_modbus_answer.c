/*
 * The device's side: bytes of a serial line, in random cuts, as the answer to a given request.
 * Cuts do not change the verdict, and only the whole right answer is accepted. An input is that of
 * modbus_exchange.h.
 */
#include "tests/fuzz/modbus_exchange.h"

/* What any accepted answer must be, checked once more in other words. */
static void check_answer(struct span request, struct span line, struct span pdu)
{
    const uint8_t *a = pdu.data;
    require(pdu.len >= 2 && pdu.len <= MODBUS_PDU_MAX && line.len >= pdu.len + 3);
    require(line.data[0] == request.data[0] && memcmp(line.data + 1, a, pdu.len) == 0);
    require(modbus_rtu_crc(span_first(line, pdu.len + 3)) == 0);
    require((a[0] & 0x7F) == request.data[1] && (pdu.len == 2 || a[0] == request.data[1]));
    if (a[0] == 0x03 || a[0] == 0x04) {
        require(pdu.len == 2U + 2U * (request.data[4] * 256U + request.data[5]));
    } else if (a[0] == 0x05 || a[0] == 0x06 || a[0] == 0x0F || a[0] == 0x10) {
        require(pdu.len == 5 && memcmp(a, request.data + 1, 5) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct modbus_exchange x;
    struct modbus_rtu_reader whole, cut;
    struct span in;

    if (!take_exchange(&x, span_of(data, size)) || x.line.len == 0) {
        return 0;
    }
    in = x.line;
    modbus_rtu_reader_start(&whole, x.request.data[0], span_after(x.request, 1));
    modbus_rtu_reader_start(&cut, x.request.data[0], span_after(x.request, 1));
    if (modbus_rtu_reader_feed(&whole, in) == MODBUS_RTU_ANSWER) {
        check_answer(x.request, in, modbus_rtu_reader_pdu(&whole));
    }
    for (uint32_t dice = x.seed; in.len > 0;) {
        (void)modbus_rtu_reader_feed(&cut, take_cut(&in, &dice));
    }
    require(modbus_rtu_reader_silence(&whole) == modbus_rtu_reader_silence(&cut));
    require(span_equal(modbus_rtu_reader_pdu(&whole), modbus_rtu_reader_pdu(&cut)));
    require(modbus_rtu_reader_dropped(&whole) == modbus_rtu_reader_dropped(&cut));
    return 0;
}
