#include "protocols/modbus_mbap.h"

enum {
    LENGTH_AT = 4, /* where the length field stands; it counts what follows it */
    PREFIX = 6,    /* bytes up to the end of the length field */
};

bool modbus_mbap_parse(struct span adu, struct modbus_mbap *out)
{
    struct modbus_mbap found = {0};
    uint16_t protocol = 0;
    uint16_t len = 0;

    if (!span_take_u16(&adu, &found.transaction) || !span_take_u16(&adu, &protocol) ||
        !span_take_u16(&adu, &len) || protocol != 0 || len != adu.len) {
        return false;
    }
    if (!span_take_u8(&adu, &found.unit) || adu.len < 1 || adu.len > MODBUS_PDU_MAX) {
        return false;
    }
    found.pdu = adu;
    *out = found;
    return true;
}

bool modbus_mbap_put(struct room *to, const struct modbus_mbap *adu)
{
    if (adu->pdu.len < 1 || adu->pdu.len > MODBUS_PDU_MAX ||
        room_left(to) < adu->pdu.len + MODBUS_MBAP_HEADER) {
        return false;
    }
    (void)room_put_u16(to, adu->transaction); /* none of these can fail: the length was checked */
    (void)room_put_u16(to, 0);
    (void)room_put_u16(to, (uint16_t)(adu->pdu.len + 1));
    (void)room_put_u8(to, adu->unit);
    (void)room_put(to, adu->pdu);
    return true;
}

bool modbus_mbap_put_exception(struct room *to, const struct modbus_mbap *request,
                               enum modbus_exception code)
{
    uint8_t pdu[2] = {0, (uint8_t)code};
    struct modbus_mbap answer = *request;

    (void)span_at(request->pdu, 0, &pdu[0]); /* a request without a function is answered as 0 */
    pdu[0] |= MODBUS_EXCEPTION_FLAG;
    answer.pdu = span_of(pdu, sizeof pdu);
    return modbus_mbap_put(to, &answer);
}

void modbus_mbap_reader_start(struct modbus_mbap_reader *r)
{
    r->len = 0;
    r->step = MODBUS_MBAP_MORE;
}

/* The whole ADU's length once its prefix is in; 0 when the prefix is wrong. */
static size_t whole_length(const struct modbus_mbap_reader *r)
{
    struct span prefix = span_of(r->adu, PREFIX);
    uint16_t protocol = 0;
    uint16_t len = 0;

    prefix = span_after(prefix, LENGTH_AT - 2);
    if (!span_take_u16(&prefix, &protocol) || !span_take_u16(&prefix, &len) || protocol != 0 ||
        len < 2 || len > MODBUS_PDU_MAX + 1) {
        return 0;
    }
    return (size_t)PREFIX + len;
}

enum modbus_mbap_step modbus_mbap_reader_take(struct modbus_mbap_reader *r, struct span *in)
{
    if (r->step == MODBUS_MBAP_WHOLE) {
        modbus_mbap_reader_start(r);
    }
    while (r->step == MODBUS_MBAP_MORE && span_take_u8(in, &r->adu[r->len])) {
        r->len++;
        if (r->len == PREFIX && whole_length(r) == 0) {
            r->step = MODBUS_MBAP_BROKEN;
        } else if (r->len > PREFIX && r->len == whole_length(r)) {
            r->step = MODBUS_MBAP_WHOLE;
        }
    }
    return r->step;
}

struct span modbus_mbap_reader_adu(const struct modbus_mbap_reader *r)
{
    return r->step == MODBUS_MBAP_WHOLE ? span_of(r->adu, r->len) : span_of(NULL, 0);
}

enum modbus_mbap_verdict modbus_mbap_judge(const struct modbus_mbap *request, struct span adu)
{
    struct modbus_mbap answer;

    if (!modbus_mbap_parse(adu, &answer) || answer.transaction != request->transaction) {
        return MODBUS_MBAP_OTHER;
    }
    if (answer.unit != request->unit || !modbus_pdu_matches(request->pdu, answer.pdu)) {
        return MODBUS_MBAP_MISMATCH;
    }
    return MODBUS_MBAP_ANSWER;
}
