/*
 * Modbus device identification: what a unit says of itself (function 2B/0E, V1.1b3 section 6.21).
 *
 * Floor 0, pure. The answer may come in several parts ("more follows"); the reader says which PDU
 * to ask with next and takes the answers one by one. It is bounded in bytes and in rounds, whatever
 * the device says.
 */
#ifndef WARDGATE_MODBUS_DEVICE_ID_H
#define WARDGATE_MODBUS_DEVICE_ID_H

#include <stdbool.h>
#include <stdint.h>

#include "protocols/bytes.h"

enum {
    MODBUS_DEVICE_ID_OBJECTS = 7, /* the named ones; others are passed over */
    MODBUS_DEVICE_ID_OBJECT_MAX = 244,
    MODBUS_DEVICE_ID_REQUEST = 4, /* bytes of each request */
    MODBUS_DEVICE_ID_TEXT = 2930, /* the longest plain text of the basic objects */
    MODBUS_DEVICE_ID_BASIC = 1,   /* read code: vendor, product code, revision */
    MODBUS_DEVICE_ID_REGULAR = 2, /* the same and URL, product, model and application names */
};

struct modbus_device_id {
    /* private to modbus_device_id.c */
    uint8_t code, next, rounds;
    bool has[MODBUS_DEVICE_ID_OBJECTS];
    uint8_t len[MODBUS_DEVICE_ID_OBJECTS];
    uint8_t data[MODBUS_DEVICE_ID_OBJECTS][MODBUS_DEVICE_ID_OBJECT_MAX];
};

enum modbus_device_id_step {
    MODBUS_DEVICE_ID_DONE, /* all is here */
    MODBUS_DEVICE_ID_MORE, /* ask again with modbus_device_id_request */
    MODBUS_DEVICE_ID_BAD,  /* no sound answer to what was asked */
};

/* Begin anew; code is BASIC or REGULAR. */
void modbus_device_id_start(struct modbus_device_id *d, uint8_t code);

/* Append the PDU to ask with. False when the room has fewer than REQUEST bytes left. */
bool modbus_device_id_request(const struct modbus_device_id *d, struct room *to);

/* An answer's whole PDU, and no exception. After BAD or DONE, start again. */
enum modbus_device_id_step modbus_device_id_feed(struct modbus_device_id *d, struct span pdu);

/* An object's bytes, 0 (vendor name) to 6; empty when it did not come. Valid while *d is. */
struct span modbus_device_id_object(const struct modbus_device_id *d, uint8_t object);

/* "VendorName", "ProductCode", "MajorMinorRevision" … for 0 to 6; NULL otherwise. */
const char *modbus_device_id_name(uint8_t object);

/* Append vendor, product code and revision as plain text, one blank between those that came: what
 * `expect = id` is compared with. TEXT bytes are always enough. False: it does not fit. */
bool modbus_device_id_put_text(const struct modbus_device_id *d, struct room *to);

#endif
