#include <assert.h>
#include <stdio.h>

#include "gateway/binding_private.h"
#include "gateway/usb_serial.h"
#include "protocols/modbus_pdu.h"
#include "protocols/pattern.h"

enum {
    READ_HOLDING = 0x03,
    READ_INPUT = 0x04,
    REPORT_SLAVE_ID = 0x11,
    REGISTER_ANSWER = 4, /* bytes: function, count, one register */
    SLAVE_ID_HEAD = 2,   /* bytes before what function 11 says */
    FOUND_SHOWN = 48,    /* letters of what was found, as a note has not much room */
};

/* "expected id "Acme*", found …" */
static enum binding_finding differs(const struct conf_expect *e, struct fault *f, const char *found)
{
    fault_set(f, FAULT_STRANGER, FAULT_SIDE_DEVICE, "expected ", e->text);
    fault_add(f, ", found ");
    fault_add(f, found);
    return BINDING_DIFFERS;
}

/* Is this text the expected one? It is shown when it is not, the beginning of it when it is long.
 */
static enum binding_finding compare(const struct conf_expect *e, struct span text, struct fault *f)
{
    char shown[FOUND_SHOWN + 8];
    struct span first = span_first(text, FOUND_SHOWN);
    if (pattern_matches(span_of_text(e->pattern), text)) {
        return BINDING_HOLDS;
    }
    (void)snprintf(shown, sizeof(shown), "\"%.*s%s\"", (int)first.len, (const char *)first.data,
                   text.len > first.len ? "..." : "");
    return differs(e, f, shown);
}

void binding_ask_start(struct binding_question *q, const struct conf_expect *expect)
{
    q->expect = expect;
    modbus_device_id_start(&q->id, MODBUS_DEVICE_ID_BASIC);
}

static bool put_read(struct room *to, uint8_t function, uint16_t address)
{
    return room_put_u8(to, function) && room_put_u16(to, address) && room_put_u16(to, 1);
}

void binding_ask_put(const struct binding_question *q, struct room *to)
{
    bool fits = false;
    switch (q->expect->kind) {
    case CONF_EXPECT_ID:
        fits = modbus_device_id_request(&q->id, to);
        break;
    case CONF_EXPECT_SLAVE_ID:
        fits = room_put_u8(to, REPORT_SLAVE_ID);
        break;
    case CONF_EXPECT_REGISTER:
        fits = put_read(to, READ_HOLDING, q->expect->address);
        break;
    case CONF_EXPECT_INPUT:
        fits = put_read(to, READ_INPUT, q->expect->address);
        break;
    case CONF_EXPECT_USB_SERIAL:
        break; /* no question for the line */
    }
    assert(fits);
}

static enum binding_finding judge_id(struct binding_question *q, struct span pdu, struct fault *f)
{
    uint8_t memory[MODBUS_DEVICE_ID_TEXT];
    struct room text = room_of(memory, sizeof(memory));
    switch (modbus_device_id_feed(&q->id, pdu)) {
    case MODBUS_DEVICE_ID_MORE:
        return BINDING_ASK_ON;
    case MODBUS_DEVICE_ID_BAD:
        return differs(q->expect, f, "an identification that is not sound");
    case MODBUS_DEVICE_ID_DONE:
        break;
    }
    bool fits = modbus_device_id_put_text(&q->id, &text);
    assert(fits); /* TEXT is the most there can be */
    return compare(q->expect, room_span(&text), f);
}

static enum binding_finding judge_slave_id(const struct binding_question *q, struct span pdu,
                                           struct fault *f)
{
    uint8_t memory[4 * MODBUS_PDU_MAX];
    struct room text = room_of(memory, sizeof(memory));
    bool fits = pattern_put_plain(&text, span_after(pdu, SLAVE_ID_HEAD));
    assert(fits); /* four letters for each byte are the most */
    return compare(q->expect, room_span(&text), f);
}

static enum binding_finding judge_register(const struct binding_question *q, struct span pdu,
                                           struct fault *f)
{
    struct span rest = span_after(pdu, 2);
    uint16_t value = 0;
    if (pdu.len == REGISTER_ANSWER && span_take_u16(&rest, &value) && value == q->expect->value) {
        return BINDING_HOLDS;
    }
    /* Which value may be a patient's: it is told to nobody. */
    return differs(q->expect, f, "another value");
}

/* A device that knows the question not is another one; one that is busy, or a gateway that could
 * not ask it, has said nothing. */
static enum binding_finding judge_exception(const struct binding_question *q, uint8_t code,
                                            struct fault *f)
{
    char found[64];
    if (code < 1 || code > 3) {
        return BINDING_NO_ANSWER;
    }
    (void)snprintf(found, sizeof(found), "a device that answers with exception %02X",
                   (unsigned)code);
    return differs(q->expect, f, found);
}

enum binding_finding binding_ask_judge(struct binding_question *q, struct span pdu, struct fault *f)
{
    uint8_t memory[MODBUS_PDU_MAX];
    struct room asked = room_of(memory, sizeof(memory));
    uint8_t function = 0;
    uint8_t code = 0;
    binding_ask_put(q, &asked);
    /* The bus has looked already; but nobody gets an identity because it may have changed its mind.
     */
    if (!modbus_pdu_matches(room_span(&asked), pdu) || !span_at(pdu, 0, &function) ||
        !span_at(pdu, 1, &code)) {
        return BINDING_NO_ANSWER;
    }
    if ((function & MODBUS_EXCEPTION_FLAG) != 0) {
        return judge_exception(q, code, f);
    }
    switch (q->expect->kind) {
    case CONF_EXPECT_ID:
        return judge_id(q, pdu, f);
    case CONF_EXPECT_SLAVE_ID:
        return judge_slave_id(q, pdu, f);
    case CONF_EXPECT_REGISTER:
    case CONF_EXPECT_INPUT:
        return judge_register(q, pdu, f);
    case CONF_EXPECT_USB_SERIAL:
        break;
    }
    return BINDING_NO_ANSWER;
}

enum binding_finding binding_ask_adapter(const struct conf_expect *expect, const char *sysfs,
                                         const char *path, struct fault *f)
{
    char number[USB_SERIAL_MAX];
    switch (usb_serial_read(sysfs, path, number)) {
    case USB_SERIAL_FOUND:
        return compare(expect, span_of_text(number), f);
    case USB_SERIAL_NOT_USB:
        return differs(expect, f, "a port that is no USB adapter");
    case USB_SERIAL_NAMELESS:
        return differs(expect, f, "an adapter without a serial number");
    case USB_SERIAL_GONE:
        break;
    }
    return BINDING_NO_ANSWER;
}
