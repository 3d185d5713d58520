/*
 * The device's side: bytes of a serial line, in random cuts, as the answer to a given request.
 * Cuts do not change the verdict, and only the whole right answer is accepted.
 * An input is: 1 byte that seeds the cuts, 1 byte flags (1: put the right CRC at the end of the
 * line's bytes), 1 byte length of the request, the request's unit and PDU, and then the line.
 */
#include <string.h>

#include "protocols/modbus_rtu.h"
#include "tests/fuzz/modbus_cuts.h"

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
    struct modbus_rtu_reader whole, cut;
    struct span in = span_of(data, size), request;
    uint8_t seed = 0, flags = 0, len = 0, line[600];

    if (!span_take_u8(&in, &seed) || !span_take_u8(&in, &flags) || !span_take_u8(&in, &len) ||
        !span_take(&in, len, &request) || in.len < 2 || in.len > sizeof line ||
        modbus_pdu_check(span_after(request, 1)) != MODBUS_FINE) {
        return 0;
    }
    memcpy(line, in.data, in.len);
    if ((flags & 1) != 0) {
        uint16_t crc = modbus_rtu_crc(span_of(line, in.len - 2));

        line[in.len - 2] = (uint8_t)(crc & 0xFF);
        line[in.len - 1] = (uint8_t)(crc >> 8);
    }
    in = span_of(line, in.len);
    modbus_rtu_reader_start(&whole, request.data[0], span_after(request, 1));
    modbus_rtu_reader_start(&cut, request.data[0], span_after(request, 1));
    if (modbus_rtu_reader_feed(&whole, in) == MODBUS_RTU_ANSWER) {
        check_answer(request, in, modbus_rtu_reader_pdu(&whole));
    }
    for (uint32_t dice = seed; in.len > 0;) {
        (void)modbus_rtu_reader_feed(&cut, take_cut(&in, &dice));
    }
    require(modbus_rtu_reader_silence(&whole) == modbus_rtu_reader_silence(&cut));
    require(span_equal(modbus_rtu_reader_pdu(&whole), modbus_rtu_reader_pdu(&cut)));
    require(modbus_rtu_reader_dropped(&whole) == modbus_rtu_reader_dropped(&cut));
    return 0;
}
