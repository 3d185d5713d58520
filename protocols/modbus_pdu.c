#include "protocols/modbus_pdu.h"

/* How the length of a normal answer is found. */
enum size_rule {
    SIZE_FIXED,      /* always `size` bytes */
    SIZE_COUNT,      /* the second byte counts what follows it */
    SIZE_LONG_COUNT, /* the second and third byte count what follows them */
    SIZE_AS_REQUEST, /* as long as the request was */
    SIZE_OBJECTS,    /* read device identification: a list that describes itself */
};

/* One public function code. */
struct function {
    uint8_t code;
    bool writes;
    enum size_rule rule;
    uint8_t size;  /* of the answer, with SIZE_FIXED */
    uint16_t most; /* items that one request may ask for or carry; or its exact length in bytes */
    enum modbus_exception (*check)(const struct function *fn, struct span pdu);
    bool (*match)(struct span request, struct span answer);
};

enum {
    CODE_DIAGNOSTICS = 0x08,
    CODE_ENCAPSULATED = 0x2B,
    MEI_IDENTIFICATION = 0x0E,
    FILE_TYPE = 6,           /* the only reference type (6.14) */
    FILE_RECORD_MOST = 9999, /* highest record number (6.14) */
    FILE_ANSWER_MOST = 0xF5, /* bytes of a read file answer (6.14) */
    FILE_READ_GROUP = 7,     /* bytes of one group of a read file request */
    FIFO_MOST = 31,          /* values of a FIFO answer (6.18) */
    EVENT_LOG_LEAST = 6,     /* status, event count, message count (6.10) */
    EVENT_LOG_MOST = 6 + 64, /* and at most 64 events */
    OBJECTS_HEAD = 7,        /* bytes before the first identification object (6.21) */
};

/* The byte or word at an offset that the caller has checked; 0 when it is outside after all. */
static uint8_t byte_at(struct span pdu, size_t at)
{
    uint8_t value = 0;

    (void)span_at(pdu, at, &value); /* outside: 0, as promised */
    return value;
}

static uint16_t word_at(struct span pdu, size_t at)
{
    struct span rest = span_after(pdu, at);
    uint16_t value = 0;

    (void)span_take_u16(&rest, &value); /* outside: 0, as promised */
    return value;
}

static enum modbus_exception value_unless(bool sound)
{
    return sound ? MODBUS_FINE : MODBUS_ILLEGAL_VALUE;
}

/* `count` items from `address` on exist in a 16-bit address space, and one PDU can carry them. */
static bool range_is_sound(uint16_t address, uint16_t count, uint16_t most)
{
    return count >= 1 && count <= most && (uint32_t)address + count <= 65536;
}

static uint16_t bytes_for_bits(uint16_t bits)
{
    return (uint16_t)((bits + 7) / 8);
}

/* ---- checks of requests ---- */

static enum modbus_exception check_length(const struct function *fn, struct span pdu)
{
    return value_unless(pdu.len == fn->most);
}

static enum modbus_exception check_read(const struct function *fn, struct span pdu)
{
    return value_unless(pdu.len == 5 && range_is_sound(word_at(pdu, 1), word_at(pdu, 3), fn->most));
}

static enum modbus_exception check_coil(const struct function *fn, struct span pdu)
{
    uint16_t value = word_at(pdu, 3);

    (void)fn; /* the one rule is written here */
    return value_unless(pdu.len == 5 && (value == 0x0000 || value == 0xFF00));
}

static enum modbus_exception check_write_bits(const struct function *fn, struct span pdu)
{
    uint16_t count = word_at(pdu, 3);
    uint16_t bytes = bytes_for_bits(count);

    return value_unless(range_is_sound(word_at(pdu, 1), count, fn->most) &&
                        byte_at(pdu, 5) == bytes && pdu.len == 6U + bytes);
}

static enum modbus_exception check_write_registers(const struct function *fn, struct span pdu)
{
    uint16_t count = word_at(pdu, 3);

    return value_unless(range_is_sound(word_at(pdu, 1), count, fn->most) &&
                        byte_at(pdu, 5) == 2U * count && pdu.len == 6U + 2U * count);
}

/* Function 17: reads and writes in one request; `most` is for the reading half (6.17). */
static enum modbus_exception check_read_write(const struct function *fn, struct span pdu)
{
    uint16_t count = word_at(pdu, 7);

    return value_unless(range_is_sound(word_at(pdu, 1), word_at(pdu, 3), fn->most) &&
                        range_is_sound(word_at(pdu, 5), count, 121) &&
                        byte_at(pdu, 9) == 2U * count && pdu.len == 10U + 2U * count);
}

/* Sub-functions that only look: loop back, the register, and the counters (6.8.1). */
static bool diagnostic_reads(uint16_t sub)
{
    return sub == 0x00 || sub == 0x02 || (sub >= 0x0B && sub <= 0x12);
}

static enum modbus_exception check_diagnostics(const struct function *fn, struct span pdu)
{
    uint16_t sub = word_at(pdu, 1);
    uint16_t data = word_at(pdu, 3);

    if (pdu.len < fn->most || pdu.len % 2 == 0) {
        return MODBUS_ILLEGAL_VALUE;
    }
    if (sub == 0x00) {
        return MODBUS_FINE; /* loop back: any number of words */
    }
    if (!diagnostic_reads(sub) && sub != 0x01 && sub != 0x03 && sub != 0x04 && sub != 0x0A &&
        sub != 0x14) {
        return MODBUS_ILLEGAL_FUNCTION;
    }
    if (pdu.len != fn->most) {
        return MODBUS_ILLEGAL_VALUE;
    }
    if (sub == 0x01) {
        return value_unless(data == 0x0000 || data == 0xFF00);
    }
    if (sub == 0x03) {
        return value_unless((data & 0xFF) == 0); /* the new delimiter, then 00 */
    }
    return value_unless(data == 0);
}

/* Take the head that each group of a file request begins with. */
static bool take_file_group(struct span *groups, uint16_t *words)
{
    uint8_t type = 0;
    uint16_t file = 0;
    uint16_t record = 0;

    return span_take_u8(groups, &type) && span_take_u16(groups, &file) &&
           span_take_u16(groups, &record) && span_take_u16(groups, words) && type == FILE_TYPE &&
           file >= 1 && record <= FILE_RECORD_MOST && *words >= 1;
}

static enum modbus_exception check_read_file(const struct function *fn, struct span pdu)
{
    struct span groups = span_after(pdu, 2);
    uint32_t answer = 0;

    if (groups.len < FILE_READ_GROUP || groups.len > fn->most || byte_at(pdu, 1) != groups.len) {
        return MODBUS_ILLEGAL_VALUE;
    }
    while (groups.len > 0) {
        uint16_t words = 0;

        if (!take_file_group(&groups, &words)) {
            return MODBUS_ILLEGAL_VALUE;
        }
        answer += 2U + 2U * words;
    }
    return value_unless(answer <= FILE_ANSWER_MOST);
}

static enum modbus_exception check_write_file(const struct function *fn, struct span pdu)
{
    struct span groups = span_after(pdu, 2);

    if (groups.len == 0 || groups.len > fn->most || byte_at(pdu, 1) != groups.len) {
        return MODBUS_ILLEGAL_VALUE;
    }
    while (groups.len > 0) {
        struct span data;
        uint16_t words = 0;

        if (!take_file_group(&groups, &words) || !span_take(&groups, (size_t)2 * words, &data)) {
            return MODBUS_ILLEGAL_VALUE;
        }
    }
    return MODBUS_FINE;
}

static enum modbus_exception check_identification(const struct function *fn, struct span pdu)
{
    uint8_t code = byte_at(pdu, 2);

    if (pdu.len >= 2 && byte_at(pdu, 1) != MEI_IDENTIFICATION) {
        return MODBUS_ILLEGAL_FUNCTION;
    }
    return value_unless(pdu.len == fn->most && code >= 1 && code <= 4);
}

/* ---- matches of answers; their function and length are right already ---- */

static bool match_any(struct span request, struct span answer)
{
    (void)request; /* these answers repeat nothing of the request */
    (void)answer;
    return true;
}

static bool match_bits(struct span request, struct span answer)
{
    return byte_at(answer, 1) == bytes_for_bits(word_at(request, 3));
}

static bool match_registers(struct span request, struct span answer)
{
    return byte_at(answer, 1) == 2U * word_at(request, 3);
}

static bool match_echo(struct span request, struct span answer)
{
    return span_equal(request, answer);
}

/* Functions 0F and 10 repeat the address and the quantity. */
static bool match_echo_range(struct span request, struct span answer)
{
    return span_equal(span_first(request, 5), answer);
}

static bool match_diagnostics(struct span request, struct span answer)
{
    uint16_t sub = word_at(request, 1);

    if (sub != 0x00 && diagnostic_reads(sub)) {
        return word_at(answer, 1) == sub; /* the data is what was asked for */
    }
    return span_equal(request, answer);
}

static bool match_event_log(struct span request, struct span answer)
{
    (void)request; /* it has no fields */
    return byte_at(answer, 1) >= EVENT_LOG_LEAST && byte_at(answer, 1) <= EVENT_LOG_MOST;
}

static bool match_server_id(struct span request, struct span answer)
{
    (void)request; /* it has no fields */
    return byte_at(answer, 1) >= 1;
}

static bool match_read_file(struct span request, struct span answer)
{
    struct span asked = span_after(request, 2);
    struct span given = span_after(answer, 2);

    while (asked.len > 0) {
        uint16_t words = 0;
        uint8_t len = 0;
        uint8_t type = 0;
        struct span data;

        if (!take_file_group(&asked, &words) || !span_take_u8(&given, &len) ||
            !span_take_u8(&given, &type) || !span_take(&given, (size_t)2 * words, &data)) {
            return false;
        }
        if (len != 1U + 2U * words || type != FILE_TYPE) {
            return false;
        }
    }
    return given.len == 0;
}

static bool match_fifo(struct span request, struct span answer)
{
    uint16_t count = word_at(answer, 3);

    (void)request; /* the address is not repeated */
    return answer.len >= 5 && count <= FIFO_MOST && word_at(answer, 1) == 2U + 2U * count;
}

/* The list's own lengths were walked by objects_size; what is left is the echo of the request. */
static bool match_identification(struct span request, struct span answer)
{
    return byte_at(answer, 2) == byte_at(request, 2);
}

/* ---- the table ---- */

static const struct function functions[] = {
    {0x01, false, SIZE_COUNT, 0, 2000, check_read, match_bits},
    {0x02, false, SIZE_COUNT, 0, 2000, check_read, match_bits},
    {0x03, false, SIZE_COUNT, 0, 125, check_read, match_registers},
    {0x04, false, SIZE_COUNT, 0, 125, check_read, match_registers},
    {0x05, true, SIZE_FIXED, 5, 0, check_coil, match_echo},
    {0x06, true, SIZE_FIXED, 5, 5, check_length, match_echo},
    {0x07, false, SIZE_FIXED, 2, 1, check_length, match_any},
    {0x08, true, SIZE_AS_REQUEST, 0, 5, check_diagnostics, match_diagnostics},
    {0x0B, false, SIZE_FIXED, 5, 1, check_length, match_any},
    {0x0C, false, SIZE_COUNT, 0, 1, check_length, match_event_log},
    {0x0F, true, SIZE_FIXED, 5, 1968, check_write_bits, match_echo_range},
    {0x10, true, SIZE_FIXED, 5, 123, check_write_registers, match_echo_range},
    {0x11, false, SIZE_COUNT, 0, 1, check_length, match_server_id},
    {0x14, false, SIZE_COUNT, 0, 0xF5, check_read_file, match_read_file},
    {0x15, true, SIZE_COUNT, 0, 0xFB, check_write_file, match_echo},
    {0x16, true, SIZE_FIXED, 7, 7, check_length, match_echo},
    {0x17, true, SIZE_COUNT, 0, 125, check_read_write, match_registers},
    {0x18, false, SIZE_LONG_COUNT, 0, 3, check_length, match_fifo},
    {0x2B, false, SIZE_OBJECTS, 0, 4, check_identification, match_identification},
};

/* The row of a PDU's function; NULL when there is none. */
static const struct function *find_function(struct span pdu)
{
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        if (pdu.len >= 1 && functions[i].code == byte_at(pdu, 0)) {
            return &functions[i];
        }
    }
    return NULL;
}

enum modbus_exception modbus_pdu_check(struct span pdu)
{
    const struct function *fn = find_function(pdu);

    if (fn == NULL) {
        return MODBUS_ILLEGAL_FUNCTION;
    }
    if (pdu.len > MODBUS_PDU_MAX) {
        return MODBUS_ILLEGAL_VALUE;
    }
    return fn->check(fn, pdu);
}

bool modbus_pdu_is_write(struct span pdu)
{
    const struct function *fn = find_function(pdu);

    if (fn == NULL) {
        return true;
    }
    if (fn->code == CODE_DIAGNOSTICS) {
        return pdu.len < 3 || !diagnostic_reads(word_at(pdu, 1));
    }
    if (fn->code == CODE_ENCAPSULATED) {
        return byte_at(pdu, 1) != MEI_IDENTIFICATION;
    }
    return fn->writes;
}

bool modbus_pdu_leaves_open(struct span answer)
{
    enum { ACKNOWLEDGE = 0x05 };

    return (byte_at(answer, 0) & MODBUS_EXCEPTION_FLAG) != 0 &&
           (byte_at(answer, 1) == ACKNOWLEDGE || byte_at(answer, 1) == MODBUS_NO_ANSWER);
}

/* Walk the list of objects as far as `head` goes. */
static enum modbus_size objects_size(struct span head, size_t *len)
{
    struct span rest = span_after(head, OBJECTS_HEAD);
    size_t total = OBJECTS_HEAD;

    if (head.len >= 2 && byte_at(head, 1) != MEI_IDENTIFICATION) {
        return MODBUS_SIZE_BAD;
    }
    if (head.len < OBJECTS_HEAD) {
        return MODBUS_SIZE_MORE;
    }
    for (uint8_t left = byte_at(head, OBJECTS_HEAD - 1); left > 0; left--) {
        if (total + 2 > MODBUS_PDU_MAX) {
            return MODBUS_SIZE_BAD;
        }
        if (rest.len < 2) {
            return MODBUS_SIZE_MORE;
        }
        total += 2U + byte_at(rest, 1);
        rest = span_after(rest, 2U + byte_at(rest, 1));
    }
    if (total > MODBUS_PDU_MAX) {
        return MODBUS_SIZE_BAD;
    }
    *len = total;
    return MODBUS_SIZE_KNOWN;
}

/* A length that was counted: it must fit into a PDU. */
static enum modbus_size counted_size(size_t total, size_t *len)
{
    if (total > MODBUS_PDU_MAX) {
        return MODBUS_SIZE_BAD;
    }
    *len = total;
    return MODBUS_SIZE_KNOWN;
}

static enum modbus_size normal_size(const struct function *fn, struct span request,
                                    struct span head, size_t *len)
{
    switch (fn->rule) {
    case SIZE_FIXED:
        return counted_size(fn->size, len);
    case SIZE_COUNT:
        return head.len < 2 ? MODBUS_SIZE_MORE : counted_size(2U + byte_at(head, 1), len);
    case SIZE_LONG_COUNT:
        return head.len < 3 ? MODBUS_SIZE_MORE : counted_size(3U + word_at(head, 1), len);
    case SIZE_AS_REQUEST:
        return counted_size(request.len, len);
    case SIZE_OBJECTS:
        return objects_size(head, len);
    }
    return MODBUS_SIZE_BAD;
}

enum modbus_size modbus_pdu_answer_size(struct span request, struct span head, size_t *len)
{
    const struct function *fn = find_function(request);

    if (fn == NULL) {
        return MODBUS_SIZE_BAD;
    }
    if (head.len < 1) {
        return MODBUS_SIZE_MORE;
    }
    if (byte_at(head, 0) == (fn->code | MODBUS_EXCEPTION_FLAG)) {
        return counted_size(2, len);
    }
    if (byte_at(head, 0) != fn->code) {
        return MODBUS_SIZE_BAD;
    }
    return normal_size(fn, request, head, len);
}

bool modbus_pdu_matches(struct span request, struct span answer)
{
    const struct function *fn = find_function(request);
    size_t len = 0;

    if (fn == NULL || modbus_pdu_answer_size(request, answer, &len) != MODBUS_SIZE_KNOWN ||
        len != answer.len) {
        return false;
    }
    if (byte_at(answer, 0) != fn->code) {
        return byte_at(answer, 1) != 0; /* an exception names its code */
    }
    return fn->match(request, answer);
}
