/* Modbus as both ends know it: reading ten holding registers of unit 1. */
#include <string.h>

#include "load.h"

enum { REGISTERS = 10, REQUEST_LEN = 8, UNIT = 1, READ_HOLDING = 3 };

static uint16_t crc_of(const uint8_t *data, size_t len)
{
    uint16_t crc = 0xFFFF;
    for (size_t i = 0; i < len; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (uint16_t)((crc & 1) != 0 ? (crc >> 1) ^ 0xA001 : crc >> 1);
        }
    }
    return crc;
}

static void put_registers(uint8_t *to)
{
    for (unsigned i = 0; i < 2 * REGISTERS; i++) {
        to[i] = (uint8_t)(0x40 + i);
    }
}

static void answer_one(struct end *e)
{
    uint8_t out[3 + 2 * REGISTERS + 2] = {UNIT, READ_HOLDING, 2 * REGISTERS};
    if (crc_of(e->hello, REQUEST_LEN) != 0 || e->hello[0] != UNIT || e->hello[1] != READ_HOLDING ||
        e->hello[5] != REGISTERS) {
        load_fail("the unit got a broken request", "");
    }
    put_registers(out + 3);
    uint16_t crc = crc_of(out, sizeof out - 2);
    out[sizeof out - 2] = (uint8_t)(crc & 0xFF);
    out[sizeof out - 1] = (uint8_t)(crc >> 8);
    e->hello_len = 0;
    end_send(e, out, sizeof out);
}

void serial_answer(struct end *e, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        e->hello[e->hello_len++] = data[i];
        if (e->hello_len == REQUEST_LEN) {
            answer_one(e);
        }
    }
}

size_t serial_request(uint8_t *to, uint32_t number)
{
    const uint8_t request[] = {(uint8_t)(number >> 8),
                               (uint8_t)number,
                               0,
                               0,
                               0,
                               6,
                               UNIT,
                               READ_HOLDING,
                               0,
                               0,
                               0,
                               REGISTERS};
    memcpy(to, request, sizeof request);
    return sizeof request;
}

size_t serial_expect(uint8_t *to, uint32_t number)
{
    const uint8_t head[] = {
        (uint8_t)(number >> 8), (uint8_t)number, 0, 0, 0, 3 + 2 * REGISTERS, UNIT,
        READ_HOLDING,           2 * REGISTERS};
    memcpy(to, head, sizeof head);
    put_registers(to + sizeof head);
    return sizeof head + 2 * REGISTERS;
}
