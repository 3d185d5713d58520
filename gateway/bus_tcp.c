#include "gateway/bus_private.h"

/* An answer that nobody waits for any more. */
static void drop_late(struct bus *b, const struct modbus_mbap *answer)
{
    struct bus_counters *n = bus_junk_counters(b);

    if (b->wire.has_lost && answer->transaction == b->wire.lost_transaction) {
        bus_line_late(b);
    } else if (n != NULL) {
        n->late++;
    }
}

/* One whole ADU of the device. */
static void take_adu(struct bus *b, struct span adu)
{
    const struct bus_wire *w = &b->wire;
    struct modbus_mbap request = {.transaction = w->transaction,
                                  .unit = w->request.bus_unit,
                                  .pdu = span_of(w->request.pdu, w->request.len)};
    struct modbus_mbap answer;

    if (!modbus_mbap_parse(adu, &answer)) {
        return; /* cannot happen: the reader cut it by the same rules */
    }
    if (b->state != BUS_ASKING) {
        drop_late(b, &answer);
        return;
    }
    switch (modbus_mbap_judge(&request, adu)) {
    case MODBUS_MBAP_ANSWER:
        bus_line_answered(b, answer.pdu);
        break;
    case MODBUS_MBAP_OTHER:
        drop_late(b, &answer);
        break;
    case MODBUS_MBAP_MISMATCH:
        bus_line_failed(b, BUS_MISMATCH);
        break;
    }
}

static void lose_broken_link(struct bus *b)
{
    struct fault f;

    (void)fault_set(&f, FAULT_FRAME, FAULT_SIDE_DEVICE,
                    "device does not speak Modbus/TCP: bad MBAP header", NULL);
    bus_lose_port(b, &f, false);
}

void bus_tcp_data(struct bus *b, struct span data)
{
    b->heard_ms = io_now_ms(b->io);
    b->grace_ms = 0;
    while (data.len > 0 && b->state != BUS_DOWN) {
        enum modbus_mbap_step step = modbus_mbap_reader_take(&b->mbap, &data);

        if (step == MODBUS_MBAP_WHOLE) {
            take_adu(b, modbus_mbap_reader_adu(&b->mbap));
        } else if (step == MODBUS_MBAP_BROKEN) {
            lose_broken_link(b);
        }
    }
    bus_line_wake(b);
}
