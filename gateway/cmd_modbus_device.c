/* One device, by hand: who it is, what its registers hold, and a write that is meant. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "gateway/cmd_modbus.h"
#include "gateway/command.h"
#include "gateway/modbus_args.h"
#include "protocols/modbus_device_id.h"
#include "protocols/modbus_pdu.h"
#include "protocols/pattern.h"

enum { ASK_TEXT = 160, READ_TIMEOUT_MS = 1000, SLAVE_ID = 0x11, PLAIN_MAX = 4 * MODBUS_PDU_MAX };

#define DEVICE_OPTIONS                                                                             \
    "      --unit N         the unit [1]\n"                                                        \
    "      --baud RATE      [9600]\n"                                                              \
    "      --parity N|E|O   [E]\n"                                                                 \
    "      --stop 1|2       stop bits [1]\n"                                                       \
    "      --timeout TIME   how long it may take to answer [1s]\n"                                 \
    "  -h, --help           this text\n"                                                           \
    "\n"                                                                                           \
    "PORT is a serial port that no gateway holds, or HOST:PORT for Modbus/TCP. Exit code 1 when\n" \
    "the device answered with an exception or not at all, 69 when the port cannot be opened or\n"  \
    "is held.\n"

static const char identify_help[] =
    "Usage: wardgate modbus identify PORT [OPTION]...\n"
    "Asks a device who it is (functions 2B/0E and 11), and prints what `expect` in its section\n"
    "could say.\n"
    "\n" DEVICE_OPTIONS;

static const char read_help[] =
    "Usage: wardgate modbus read PORT KIND FIRST[-LAST] [OPTION]...\n"
    "Reads. KIND is holding, input, coils or discrete; addresses are those of the protocol, from\n"
    "0 on, decimal or 0x0100.\n"
    "\n" DEVICE_OPTIONS;

static const char write_help[] =
    "Usage: wardgate modbus write PORT KIND FIRST VALUE... --yes [OPTION]...\n"
    "Writes, once. KIND is holding or coils (values 0 and 1). Without --yes it only says what it\n"
    "would do.\n"
    "\n"
    "      --yes            do it\n" DEVICE_OPTIONS;

#define DEVICE_FORM(word, options, text)                                                           \
    {                                                                                              \
        .name = (word), .letters = (options), .rates = "9600", .parities = "E", .units = "1",      \
        .timeout_ms = READ_TIMEOUT_MS, .help = (text),                                             \
    }

static const struct modbus_args_form identify_form = DEVICE_FORM("identify", "bpstu",
                                                                 identify_help);
static const struct modbus_args_form read_form = DEVICE_FORM("read", "bpstu", read_help);
static const struct modbus_args_form write_form = DEVICE_FORM("write", "bpstuy", write_help);

struct kind {
    const char *word, *one;
    uint8_t read, write_one, write_many; /* functions; 0: none */
    bool is_bits;
    uint16_t read_most, write_most;
};

static const struct kind kinds[] = {
    {"holding", "register", 0x03, 0x06, 0x10, false, 125, 123},
    {"input", "input register", 0x04, 0, 0, false, 125, 0},
    {"coils", "coil", 0x01, 0x05, 0x0F, true, 2000, 1968},
    {"discrete", "discrete input", 0x02, 0, 0, true, 2000, 0},
};

/* A question, its answer, and what to call the device. */
struct errand {
    const struct modbus_args_form *form;
    struct modbus_args args;
    struct modbus_tool *tool;
    uint8_t memory[MODBUS_PDU_MAX];
    struct room answer;
};

static bool has_one_setting(const struct modbus_args *a)
{
    return a->rate_count == 1 && strlen(a->parities) == 1 && a->unit_count == 1;
}

/* False: *code says how it ended. */
static bool errand_read(struct errand *e, int argc, char **argv, int *code)
{
    if (!modbus_args_read(argc, argv, e->form, &e->args, code)) {
        return false;
    }
    if (!has_one_setting(&e->args)) {
        *code = modbus_args_refuse(e->form,
                                   "one rate, parity and unit each, please; to find them:", "scan");
        return false;
    }
    return true;
}

static bool errand_open(struct errand *e, int *code)
{
    char why[MODBUS_TOOL_WHY_MAX];
    e->tool = modbus_tool_open(&e->args.port, why);
    if (e->tool == NULL) {
        (void)fprintf(stderr, "wardgate modbus %s: %s\n", e->form->name, why);
        *code = COMMAND_UNAVAILABLE;
    }
    return e->tool != NULL;
}

static int errand_fail(const struct errand *e, int code, const char *what)
{
    (void)fprintf(stderr, "wardgate modbus %s: unit %u %s\n", e->form->name, (unsigned)e->args.unit,
                  what);
    return code;
}

static const char *exception_words(uint8_t code)
{
    static const char *const words[] = {"",
                                        "illegal function",
                                        "illegal data address",
                                        "illegal data value",
                                        "device failure",
                                        "acknowledge",
                                        "busy"};
    if (code < sizeof(words) / sizeof(words[0])) {
        return words[code];
    }
    return code == MODBUS_NO_PATH     ? "gateway: no path to the unit"
           : code == MODBUS_NO_ANSWER ? "gateway: the unit does not answer"
                                      : "of the device's own";
}

static int tell_exception(const struct errand *e, uint8_t code)
{
    char what[ASK_TEXT];
    (void)snprintf(what, sizeof(what), "answered with exception %02X (%s)", (unsigned)code,
                   exception_words(code));
    return errand_fail(e, COMMAND_REFUSED, what);
}

/* COMMAND_OK: e->answer is a normal answer. Says nothing yet. */
static enum modbus_tool_result errand_ask(struct errand *e, struct span pdu)
{
    e->answer = room_of(e->memory, sizeof(e->memory));
    return modbus_tool_ask(e->tool, e->args.unit, pdu, &e->answer);
}

static bool is_exception(const struct errand *e, uint8_t *code)
{
    uint8_t function = 0;
    return span_at(room_span(&e->answer), 0, &function) &&
           (function & MODBUS_EXCEPTION_FLAG) != 0 && span_at(room_span(&e->answer), 1, code);
}

/* The exit code of what came of a question. */
static int errand_tell(const struct errand *e, enum modbus_tool_result result)
{
    uint8_t code = 0;
    switch (result) {
    case MODBUS_TOOL_ANSWERED:
        return is_exception(e, &code) ? tell_exception(e, code) : COMMAND_OK;
    case MODBUS_TOOL_SILENT:
        return errand_fail(e, COMMAND_REFUSED, "does not answer");
    case MODBUS_TOOL_GARBLED:
        return errand_fail(e, COMMAND_REFUSED, "gave no valid answer; are rate and parity right?");
    case MODBUS_TOOL_LOST:
        return errand_fail(e, COMMAND_UNAVAILABLE, "cannot be asked: the port is gone");
    case MODBUS_TOOL_STOPPED:
        break;
    }
    return COMMAND_REFUSED;
}

/* Close, and end as the signal says when one came. */
static int errand_end(struct errand *e, enum modbus_tool_result last, int code)
{
    modbus_tool_close(e->tool);
    if (last == MODBUS_TOOL_STOPPED) {
        modbus_tool_obey();
    }
    return code;
}

/* ---- identify ---- */

static void print_object(const char *name, struct span value)
{
    char memory[PLAIN_MAX];
    struct room text = room_of(memory, sizeof(memory));
    if (value.len > 0 && pattern_put_plain(&text, value)) {
        (void)printf("%-20s %.*s\n", name, (int)text.len, memory);
    }
}

static void print_id(const struct modbus_device_id *id)
{
    char memory[MODBUS_DEVICE_ID_TEXT];
    struct room text = room_of(memory, sizeof(memory));
    for (int i = 0; i < MODBUS_DEVICE_ID_OBJECTS; i++) {
        print_object(modbus_device_id_name((uint8_t)i), modbus_device_id_object(id, (uint8_t)i));
    }
    if (modbus_device_id_put_text(id, &text) && text.len > 0) {
        (void)printf("expect = id \"%.*s\"\n", (int)text.len, memory);
    }
}

/* ANSWERED: printed. GARBLED: it answers, but not to this. */
static enum modbus_tool_result ask_id(struct errand *e, uint8_t read_code)
{
    struct modbus_device_id id;
    enum modbus_device_id_step step = MODBUS_DEVICE_ID_MORE;
    uint8_t code = 0;
    modbus_device_id_start(&id, read_code);
    while (step == MODBUS_DEVICE_ID_MORE) {
        uint8_t memory[MODBUS_DEVICE_ID_REQUEST];
        struct room pdu = room_of(memory, sizeof(memory));
        (void)modbus_device_id_request(&id, &pdu); /* has its size */
        enum modbus_tool_result result = errand_ask(e, room_span(&pdu));
        if (result != MODBUS_TOOL_ANSWERED) {
            return result;
        }
        step = is_exception(e, &code) ? MODBUS_DEVICE_ID_BAD
                                      : modbus_device_id_feed(&id, room_span(&e->answer));
    }
    if (step == MODBUS_DEVICE_ID_BAD) {
        return MODBUS_TOOL_GARBLED;
    }
    print_id(&id);
    return MODBUS_TOOL_ANSWERED;
}

static enum modbus_tool_result ask_slave_id(struct errand *e)
{
    static const uint8_t pdu[] = {SLAVE_ID};
    char memory[PLAIN_MAX];
    struct room text = room_of(memory, sizeof(memory));
    uint8_t code = 0;
    enum modbus_tool_result result = errand_ask(e, span_of(pdu, sizeof(pdu)));
    if (result != MODBUS_TOOL_ANSWERED) {
        return result;
    }
    if (is_exception(e, &code) || !pattern_put_plain(&text, span_after(room_span(&e->answer), 2))) {
        return MODBUS_TOOL_GARBLED;
    }
    (void)printf("%-20s %.*s\nexpect = slave-id \"%.*s\"\n", "slave id", (int)text.len, memory,
                 (int)text.len, memory);
    return MODBUS_TOOL_ANSWERED;
}

static bool is_over(enum modbus_tool_result r)
{
    return r == MODBUS_TOOL_LOST || r == MODBUS_TOOL_STOPPED;
}

int cmd_modbus_identify(int argc, char **argv)
{
    struct errand e = {.form = &identify_form};
    int code = COMMAND_OK;
    if (!errand_read(&e, argc, argv, &code)) {
        return code;
    }
    if (e.args.word_count > 0) {
        return modbus_args_refuse(e.form, "needless argument", e.args.words[0]);
    }
    if (!errand_open(&e, &code)) {
        return code;
    }
    enum modbus_tool_result id = ask_id(&e, MODBUS_DEVICE_ID_REGULAR);
    if (id == MODBUS_TOOL_GARBLED) {
        id = ask_id(&e, MODBUS_DEVICE_ID_BASIC); /* all that some devices know */
    }
    enum modbus_tool_result slave = is_over(id) ? id : ask_slave_id(&e);
    if (is_over(slave)) {
        code = errand_tell(&e, slave);
    } else if (id != MODBUS_TOOL_ANSWERED && slave != MODBUS_TOOL_ANSWERED) {
        bool is_there = id == MODBUS_TOOL_GARBLED || slave == MODBUS_TOOL_GARBLED;
        code = errand_fail(&e, COMMAND_REFUSED,
                           is_there ? "answers, but does not say who it is" : "does not answer");
    }
    return errand_end(&e, slave, code);
}

/* ---- read and write ---- */

static const struct kind *find_kind(const char *word)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(kinds[i].word, word) == 0) {
            return &kinds[i];
        }
    }
    return NULL;
}

/* "7", "7-9", "0x0100-0x010F" */
static bool read_range(const char *text, uint16_t *first, uint16_t *last)
{
    if (!modbus_args_take_word(&text, first)) {
        return false;
    }
    *last = *first;
    if (*text == '-') {
        text++;
        return modbus_args_take_word(&text, last) && *text == '\0' && *last >= *first;
    }
    return *text == '\0';
}

static void print_values(const struct errand *e, const struct kind *kind, uint16_t first,
                         uint16_t last)
{
    struct span data = span_after(room_span(&e->answer), 2);
    for (uint32_t at = first; at <= last; at++) {
        uint16_t value = 0;
        uint8_t bits = 0;
        if (kind->is_bits) {
            (void)span_at(data, (at - first) / 8, &bits); /* the count was checked */
            (void)printf("%" PRIu32 " %u\n", at, (unsigned)(bits >> ((at - first) % 8)) & 1U);
        } else if (span_take_u16(&data, &value)) {
            (void)printf("%" PRIu32 " %u 0x%04X\n", at, (unsigned)value, (unsigned)value);
        }
    }
}

int cmd_modbus_read(int argc, char **argv)
{
    struct errand e = {.form = &read_form};
    int code = COMMAND_OK;
    uint16_t first = 0;
    uint16_t last = 0;
    if (!errand_read(&e, argc, argv, &code)) {
        return code;
    }
    const struct kind *kind = e.args.word_count == 2 ? find_kind(e.args.words[0]) : NULL;
    if (kind == NULL || !read_range(e.args.words[1], &first, &last) ||
        (uint32_t)last - first >= kind->read_most) {
        return modbus_args_refuse(e.form, "what to read? KIND FIRST-LAST, as in", "holding 0-9");
    }
    if (!errand_open(&e, &code)) {
        return code;
    }
    uint8_t memory[5];
    struct room pdu = room_of(memory, sizeof(memory));
    (void)(room_put_u8(&pdu, kind->read) && room_put_u16(&pdu, first) &&
           room_put_u16(&pdu, (uint16_t)(last - first + 1))); /* five bytes */
    enum modbus_tool_result result = errand_ask(&e, room_span(&pdu));
    code = errand_tell(&e, result);
    if (code == COMMAND_OK) {
        print_values(&e, kind, first, last);
    }
    return errand_end(&e, result, code);
}

/* Values behind the address as the PDU wants them. False: one is none, or there are too many. */
static bool put_values(struct room *pdu, const struct kind *kind, char **words, int count)
{
    uint8_t bits[MODBUS_PDU_MAX] = {0};
    for (int i = 0; i < count; i++) {
        const char *text = words[i];
        uint16_t value = 0;
        if (!modbus_args_take_word(&text, &value) || *text != '\0' ||
            (kind->is_bits && value > 1)) {
            return false;
        }
        if (kind->is_bits) {
            bits[i / 8] = (uint8_t)(bits[i / 8] | (value << (i % 8)));
        } else if (!room_put_u16(pdu, value)) {
            return false;
        }
    }
    return !kind->is_bits || room_put(pdu, span_of(bits, ((size_t)count + 7) / 8));
}

/* One value has a function of its own, which more devices know. */
static bool put_write(struct room *pdu, const struct kind *kind, uint16_t first, char **words,
                      int count)
{
    if (count < 1 || count > kind->write_most) {
        return false;
    }
    if (count == 1) {
        const char *text = words[0];
        uint16_t value = 0;
        return modbus_args_take_word(&text, &value) && *text == '\0' &&
               (!kind->is_bits || value <= 1) && room_put_u8(pdu, kind->write_one) &&
               room_put_u16(pdu, first) &&
               room_put_u16(pdu, kind->is_bits && value == 1 ? 0xFF00 : value);
    }
    size_t bytes = kind->is_bits ? ((size_t)count + 7) / 8 : 2 * (size_t)count;
    return room_put_u8(pdu, kind->write_many) && room_put_u16(pdu, first) &&
           room_put_u16(pdu, (uint16_t)count) && room_put_u8(pdu, (uint8_t)bytes) &&
           put_values(pdu, kind, words, count);
}

static int tell_plan(const struct errand *e, const struct kind *kind, uint16_t first, int count)
{
    char what[ASK_TEXT];
    (void)snprintf(what, sizeof(what), "would get %d %s%s from %u on; nothing is written without",
                   count, kind->one, count == 1 ? "" : "s", (unsigned)first);
    (void)fprintf(stderr, "wardgate modbus write: unit %u at %.120s %s --yes\n",
                  (unsigned)e->args.unit, e->args.text, what);
    return COMMAND_USAGE;
}

/* Sent once, whatever comes of it: nobody writes a second time in place of a person. */
static int tell_written(const struct errand *e, enum modbus_tool_result result)
{
    if (result == MODBUS_TOOL_SILENT || result == MODBUS_TOOL_GARBLED) {
        return errand_fail(e, COMMAND_REFUSED,
                           result == MODBUS_TOOL_SILENT
                               ? "does not answer: whether it was written is unknown, read it back"
                               : "gave no valid answer: whether it was written is unknown, read it "
                                 "back");
    }
    int code = errand_tell(e, result);
    if (code == COMMAND_OK) {
        (void)printf("written\n");
    } else if (result == MODBUS_TOOL_STOPPED) {
        (void)errand_fail(e, code, "was not waited for: whether it was written is unknown");
    }
    return code;
}

int cmd_modbus_write(int argc, char **argv)
{
    struct errand e = {.form = &write_form};
    uint8_t memory[MODBUS_PDU_MAX];
    struct room pdu = room_of(memory, sizeof(memory));
    int code = COMMAND_OK;
    uint16_t first = 0;
    uint16_t last = 0;
    if (!errand_read(&e, argc, argv, &code)) {
        return code;
    }
    int count = e.args.word_count - 2;
    const struct kind *kind = count >= 1 ? find_kind(e.args.words[0]) : NULL;
    if (kind == NULL || kind->write_one == 0 || !read_range(e.args.words[1], &first, &last) ||
        last != first || !put_write(&pdu, kind, first, &e.args.words[2], count) ||
        modbus_pdu_check(room_span(&pdu)) != MODBUS_FINE) {
        return modbus_args_refuse(e.form, "what to write? KIND FIRST VALUE..., as in",
                                  "holding 40 1200");
    }
    if (!e.args.is_sure) {
        return tell_plan(&e, kind, first, count);
    }
    if (!errand_open(&e, &code)) {
        return code;
    }
    enum modbus_tool_result result = errand_ask(&e, room_span(&pdu));
    return errand_end(&e, result, tell_written(&e, result));
}
