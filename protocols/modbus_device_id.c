#include "protocols/modbus_device_id.h"

#include <string.h>

#include "protocols/modbus_pdu.h"
#include "protocols/pattern.h"

enum {
    FUNCTION = 0x2B,
    MEI = 0x0E,
    MORE_FOLLOWS = 0xFF,
    BASIC_OBJECTS = 3,
    ROUNDS_MAX = 8, /* seven objects, each in an answer of its own, and one that is not named */
};

void modbus_device_id_start(struct modbus_device_id *d, uint8_t code)
{
    *d = (struct modbus_device_id){.code = code};
}

bool modbus_device_id_request(const struct modbus_device_id *d, struct room *to)
{
    const uint8_t pdu[MODBUS_DEVICE_ID_REQUEST] = {FUNCTION, MEI, d->code, d->next};

    return room_put(to, span_of(pdu, sizeof pdu));
}

/* What stands before the objects. */
struct head {
    uint8_t function, mei, code, level, more, next, count;
};

static bool take_head(struct span *from, struct head *out)
{
    return span_take_u8(from, &out->function) && span_take_u8(from, &out->mei) &&
           span_take_u8(from, &out->code) && span_take_u8(from, &out->level) &&
           span_take_u8(from, &out->more) && span_take_u8(from, &out->next) &&
           span_take_u8(from, &out->count);
}

/* An object that comes twice could say two things, and which one counts would be a guess. */
static bool keep_object(struct modbus_device_id *d, uint8_t object, struct span value)
{
    if (object >= MODBUS_DEVICE_ID_OBJECTS) {
        return true;
    }
    if (d->has[object] || value.len > MODBUS_DEVICE_ID_OBJECT_MAX) {
        return false;
    }
    d->has[object] = true;
    d->len[object] = (uint8_t)value.len;
    if (value.len > 0) {
        memcpy(d->data[object], value.data, value.len);
    }
    return true;
}

static bool take_objects(struct modbus_device_id *d, struct span list, uint8_t count)
{
    for (; count > 0; count--) {
        uint8_t object = 0;
        uint8_t len = 0;
        struct span value;

        if (!span_take_u8(&list, &object) || !span_take_u8(&list, &len) ||
            !span_take(&list, len, &value) || !keep_object(d, object, value)) {
            return false;
        }
    }
    return list.len == 0;
}

static bool says_something(const struct modbus_device_id *d)
{
    for (size_t i = 0; i < BASIC_OBJECTS; i++) {
        if (d->len[i] > 0) {
            return true;
        }
    }
    return false;
}

enum modbus_device_id_step modbus_device_id_feed(struct modbus_device_id *d, struct span pdu)
{
    struct head head;

    if (pdu.len > MODBUS_PDU_MAX || !take_head(&pdu, &head) || head.function != FUNCTION ||
        head.mei != MEI || head.code != d->code || (head.more != 0 && head.more != MORE_FOLLOWS) ||
        !take_objects(d, pdu, head.count)) {
        return MODBUS_DEVICE_ID_BAD;
    }
    d->rounds++;
    if (head.more == 0) {
        return says_something(d) ? MODBUS_DEVICE_ID_DONE : MODBUS_DEVICE_ID_BAD;
    }
    /* Each part goes on where the one before ended, or it would never end. */
    if (head.next <= d->next || d->rounds >= ROUNDS_MAX) {
        return MODBUS_DEVICE_ID_BAD;
    }
    d->next = head.next;
    return MODBUS_DEVICE_ID_MORE;
}

struct span modbus_device_id_object(const struct modbus_device_id *d, uint8_t object)
{
    if (object >= MODBUS_DEVICE_ID_OBJECTS) {
        return span_of(NULL, 0);
    }
    return span_of(d->data[object], d->len[object]);
}

const char *modbus_device_id_name(uint8_t object)
{
    static const char *const names[MODBUS_DEVICE_ID_OBJECTS] = {
        "VendorName",  "ProductCode", "MajorMinorRevision",  "VendorUrl",
        "ProductName", "ModelName",   "UserApplicationName",
    };

    return object < MODBUS_DEVICE_ID_OBJECTS ? names[object] : NULL;
}

bool modbus_device_id_put_text(const struct modbus_device_id *d, struct room *to)
{
    struct room out = *to;
    size_t began = out.len;

    for (unsigned i = 0; i < BASIC_OBJECTS; i++) {
        size_t before = out.len;

        if (out.len > began && d->len[i] > 0 && !room_put_u8(&out, ' ')) {
            return false;
        }
        size_t blank = out.len;
        if (!pattern_put_plain(&out, modbus_device_id_object(d, (uint8_t)i))) {
            return false;
        }
        if (out.len == blank) {
            out.len = before; /* nothing but filling: no blank for it */
        }
    }
    *to = out;
    return true;
}
