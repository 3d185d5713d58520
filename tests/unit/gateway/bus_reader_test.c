/*
 * What a bus takes as the answer of a serial unit, step by step, on both kinds of line. Its rows
 * are the steps of a careful master: MODBUS over Serial Line V1.02, 2.4 and 2.5, and what goes
 * wrong on real lines.
 */
#include <string.h>

#include <criterion/criterion.h>

#include "gateway/bus_private.h"
#include "tests/unit/gateway/bus_bench.h"
#include "tests/unit/protocols/hex.h"

enum { PATIENT_MS = 5000, QUICK_MS = 60, CHAR_TIMEOUT_MS = 60, SHORT_PAUSE_MS = 12 };

/* What the unit says, piece by piece: '=' and unit and PDU is a frame in the line's own form, '~'
 * the same with a wrong check, '<' and '>' its halves; '|' is silence that ends whatever came
 * before it, '.' a pause inside a frame. */
struct step {
    const char *name;
    const char *before; /* said when nobody has asked; or NULL */
    const char *ask, *said, *told;
    unsigned crc, mismatch; /* what is counted */
    uint32_t rate;          /* 0: 115200 */
    bool is_rtu_only;
};

#define READ  "11 03 0005 0001"
#define VALUE "11 03 02 0005"
#define WRITE "11 06 0005 1234"

static const struct step steps[] = {
    {.name = "1: what came before the request is dropped",
     .before = "=1103020BAD",
     .ask = READ,
     .said = "=1103020005",
     .told = VALUE},
    {.name = "2: waits for the first byte, but not for ever",
     .ask = READ,
     .said = "",
     .told = "11 83 0B"},
    {.name = "3: another unit's frame is passed over, and the wait goes on",
     .ask = READ,
     .said = "=1203020007 | =1103020005",
     .told = VALUE},
    {.name = "3: another unit's answer is none",
     .ask = READ,
     .said = "=1203020007",
     .told = "11 83 0B"},
    {.name = "3: without silence behind it, the rest belongs to another unit's frame",
     .ask = READ,
     .said = "=1203020007 =1103020005",
     .told = "11 83 0B",
     .is_rtu_only = true},
    {.name = "4: another function's answer is none",
     .ask = READ,
     .said = "=1104020005",
     .told = "11 83 0B",
     .mismatch = 1},
    {.name = "4: the function's exception is an answer",
     .ask = READ,
     .said = "=118302",
     .told = "11 83 02"},
    {.name = "4: another function's exception is none",
     .ask = READ,
     .said = "=118402",
     .told = "11 83 0B",
     .mismatch = 1},
    {.name = "5: an answer may say its own length",
     .ask = "11 11",
     .said = "=11110311FF05",
     .told = "11 11 03 11FF05"},
    {.name = "5: a length that no frame has is refused at once",
     .ask = READ,
     .said = "=1103FF0005",
     .told = "11 83 0B",
     .mismatch = 1},
    {.name = "6: a frame may pause",
     .ask = READ,
     .said = "<1103020005 . >1103020005",
     .told = VALUE},
    {.name = "6: a frame that breaks off is none",
     .ask = READ,
     .said = "<1103020005",
     .told = "11 83 0B",
     .crc = 1},
    {.name = "7: a wrong check is none",
     .ask = READ,
     .said = "~1103020005",
     .told = "11 83 0B",
     .crc = 1},
    {.name = "8: as many values as were asked for",
     .ask = READ,
     .said = "=11030400050006",
     .told = "11 83 0B",
     .mismatch = 1},
    {.name = "8: the same address",
     .ask = WRITE,
     .said = "=110600061234",
     .told = "11 86 0B",
     .mismatch = 1},
    {.name = "8: the same value",
     .ask = WRITE,
     .said = "=110600051235",
     .told = "11 86 0B",
     .mismatch = 1},
    {.name = "8: the same quantity",
     .ask = "11 10 0005 0002 04 12345678",
     .said = "=111000050001",
     .told = "11 90 0B",
     .mismatch = 1},
    {.name = "9: silence before the next request",
     .ask = READ,
     .said = "=1103020005",
     .told = VALUE,
     .rate = 1200},
    {.name = "a failed frame is dropped to its end, whatever is in it",
     .ask = READ,
     .said = "~1103020005 =1103020006",
     .told = "11 83 0B",
     .crc = 1},
};

static struct rig rig;
static struct master one;

static void start(const struct step *row, bool is_ascii)
{
    bool fails = strstr(row->told, "0B") != NULL;

    rig_prepare(&rig, false);
    rig.slave.is_ascii = is_ascii;
    rig.conf.protocol = is_ascii ? CONF_PROTOCOL_MODBUS_ASCII : CONF_PROTOCOL_MODBUS_RTU;
    rig.conf.char_timeout_ms = CHAR_TIMEOUT_MS;
    rig.conf.line.rate = row->rate != 0 ? row->rate : rig.conf.line.rate;
    /* Who waits in vain waits for this long, and as long again until the line is used anew. */
    rig.conf.response_timeout_ms = fails ? QUICK_MS : PATIENT_MS;
    rig.conf.request_timeout_ms = PATIENT_MS;
    rig_run(&rig);
    rig.slave.script = slave_be_silent;
    master_join(&one, &rig);
}

static void stop(void)
{
    master_leave(&one);
    rig_close(&rig);
}

static void say_frame(const char *piece, uint64_t after_ms)
{
    struct hex body = hex_of(piece + 1);
    struct span pdu = span_of(body.data + 1, body.len - 1);
    uint8_t memory[MODBUS_ASCII_MAX];
    struct room out = room_of(memory, sizeof memory);
    size_t half = 0;

    cr_assert(rig.slave.is_ascii ? modbus_ascii_put(&out, body.data[0], pdu)
                                 : modbus_rtu_put(&out, body.data[0], pdu));
    half = out.len / 2;
    if (piece[0] == '~') {
        memory[out.len - (rig.slave.is_ascii ? 3 : 1)] ^= 1;
    }
    if (piece[0] == '<') {
        out.len = half;
    }
    slave_say_bytes(&rig.slave, after_ms, span_after(room_span(&out), piece[0] == '>' ? half : 0));
}

static bool is_in_something(void)
{
    return bus_reader_in_frame(rig.bus) || bus_reader_is_skipping(rig.bus);
}

/* Until the bus has seen what came end in silence. A line of text ends by itself. */
static void fall_silent(void)
{
    while (!rig.slave.is_ascii && !is_in_something()) {
        bench_turn(&rig.bench);
    }
    while (is_in_something()) {
        bench_turn(&rig.bench);
    }
}

static void say(const char *pieces)
{
    uint64_t after_ms = 0;
    char piece[64];

    for (size_t len = 0; *pieces != '\0'; pieces += len + strspn(pieces + len, " ")) {
        len = strcspn(pieces, " ");
        cr_assert_lt(len, sizeof piece);
        memcpy(piece, pieces, len);
        piece[len] = '\0';
        if (piece[0] == '|') {
            fall_silent();
        } else if (piece[0] == '.') {
            after_ms += SHORT_PAUSE_MS;
        } else {
            say_frame(piece, after_ms);
        }
    }
}

/* In either case the line works on: the next request gets its own answer. */
static void check_next(const struct step *row)
{
    const struct slave_request *first = &one.answers[0];

    rig.slave.script = NULL;
    master_expect(&one, "11 03 0042 0001", "11 03 02 0042");
    cr_expect_geq(rig.slave.requests[1].at_ms - first->at_ms, rig.bus->silence_us / 1000,
                  "%s: %d ms", row->name, (int)(rig.slave.requests[1].at_ms - first->at_ms));
}

static void check_step(const struct step *row, bool is_ascii)
{
    const struct bus_counters *n = NULL;

    start(row, is_ascii);
    if (row->before != NULL) {
        say(row->before);
        while (bus_device_counters(rig.device)->junk_bytes == 0) {
            bench_turn(&rig.bench);
        }
    }
    master_ask(&one, row->ask);
    bench_run_until(&rig.bench, &rig.slave.count, 1);
    say(row->said);
    master_wait(&one, 1);
    n = bus_device_counters(rig.device);
    cr_expect(master_heard(&one, 0, 1, row->told), "%s", row->name);
    cr_expect_eq(n->crc, row->crc, "%s: %d", row->name, (int)n->crc);
    cr_expect_eq(n->mismatch, row->mismatch, "%s: %d", row->name, (int)n->mismatch);
    check_next(row);
    stop();
}

static void check_steps(bool is_ascii)
{
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (!is_ascii || !steps[i].is_rtu_only) {
            check_step(&steps[i], is_ascii);
        }
    }
}

Test(bus_reader, takes_an_rtu_answer_step_by_step, .timeout = 60)
{
    check_steps(false);
}

Test(bus_reader, takes_an_ascii_answer_step_by_step, .timeout = 60)
{
    check_steps(true);
}
