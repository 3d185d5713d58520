#include "gateway/modbus_tool.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

#include <modbus/modbus.h>

#include "certs/mem.h"
#include "gateway/port_holder.h"
#include "protocols/modbus_mbap.h"
#include "protocols/modbus_pdu.h"
#include "protocols/modbus_rtu.h"

enum {
    BYTE_TIMEOUT_US = 100 * 1000, /* between the bytes of one answer */
    US_PER_S = 1000 * 1000,
    NS_PER_US = 1000,
    MS_PER_S = 1000,
    NS_PER_MS = 1000 * 1000,
    IDENTIFICATION = 0x2B,
    RTU_AROUND = 3, /* unit and CRC */
    PORT_TEXT_MAX = 8,
};

struct modbus_tool {
    struct modbus_tool_settings settings;
    modbus_t *modbus; /* NULL: closed for now */
    int lock;         /* serial: the descriptor that holds the lock; else -1 */
    bool had_signals; /* `before` and the mask are to be put back */
    struct sigaction before[2];
    sigset_t mask; /* of this process before */
};

/* The only state of this file: a signal has no other way to say that it came. */
static volatile sig_atomic_t stopped_by;

static const int signals[2] = {SIGINT, SIGTERM};

static void on_signal(int number)
{
    stopped_by = number;
}

/* Blocked but while we wait for an answer, so that none is missed between a look and the wait. */
static void catch_signals(struct modbus_tool *t)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t both;
    (void)sigemptyset(&both);
    for (size_t i = 0; i < 2; i++) {
        (void)sigaddset(&both, signals[i]);
        (void)sigaction(signals[i], &action, &t->before[i]);
    }
    (void)sigprocmask(SIG_BLOCK, &both, &t->mask);
    t->had_signals = true;
}

static void release_signals(const struct modbus_tool *t)
{
    if (!t->had_signals) {
        return;
    }
    (void)sigprocmask(SIG_SETMASK, &t->mask, NULL);
    for (size_t i = 0; i < 2; i++) {
        (void)sigaction(signals[i], &t->before[i], NULL);
    }
}

void modbus_tool_obey(void)
{
    if (stopped_by != 0) {
        (void)signal(stopped_by, SIG_DFL);
        (void)raise(stopped_by);
    }
}

/* libmodbus 3.1.6, _modbus_rtu_connect. */
bool modbus_tool_knows_rate(uint32_t rate)
{
    static const uint32_t known[] = {110,     300,     600,     1200,    2400,    4800,
                                     9600,    19200,   38400,   57600,   115200,  230400,
                                     460800,  500000,  576000,  921600,  1000000, 1152000,
                                     1500000, 2000000, 2500000, 3000000, 3500000, 4000000};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i] == rate) {
            return true;
        }
    }
    return false;
}

static modbus_t *make_context(const struct modbus_tool_settings *s)
{
    char port[PORT_TEXT_MAX];
    if (s->path != NULL) {
        return modbus_new_rtu(s->path, (int)s->rate, s->parity, 8, s->stop_bits);
    }
    (void)snprintf(port, sizeof(port), "%u", (unsigned)s->port);
    return modbus_new_tcp_pi(s->host, port);
}

static bool connect_tool(struct modbus_tool *t, char *why)
{
    const struct modbus_tool_settings *s = &t->settings;
    t->modbus = make_context(s);
    if (t->modbus == NULL) {
        (void)snprintf(why, MODBUS_TOOL_WHY_MAX, "cannot begin: %s", modbus_strerror(errno));
        return false;
    }
    (void)modbus_set_response_timeout(t->modbus, s->timeout_ms / MS_PER_S,
                                      s->timeout_ms % MS_PER_S * (US_PER_S / MS_PER_S));
    (void)modbus_set_byte_timeout(t->modbus, 0, BYTE_TIMEOUT_US);
    if (modbus_connect(t->modbus) != 0) {
        if (s->path != NULL) {
            (void)snprintf(why, MODBUS_TOOL_WHY_MAX, "%.120s: %s", s->path, modbus_strerror(errno));
        } else {
            (void)snprintf(why, MODBUS_TOOL_WHY_MAX, "%.120s:%u: %s", s->host, (unsigned)s->port,
                           modbus_strerror(errno));
        }
        modbus_free(t->modbus);
        t->modbus = NULL;
        return false;
    }
    if (s->path != NULL) {
        /* The library opens without it. The lock decides; this keeps out those who do not ask. */
        (void)ioctl(modbus_get_socket(t->modbus), TIOCEXCL);
    }
    return true;
}

static void disconnect_tool(struct modbus_tool *t)
{
    if (t->modbus == NULL) {
        return;
    }
    if (t->settings.path != NULL) {
        /* The terminal stays exclusive while our lock has it open, for us as well. */
        (void)ioctl(modbus_get_socket(t->modbus), TIOCNXCL);
    }
    modbus_close(t->modbus); /* puts the line's old settings back */
    modbus_free(t->modbus);
    t->modbus = NULL;
}

struct modbus_tool *modbus_tool_open(const struct modbus_tool_settings *settings, char *why)
{
    struct modbus_tool *t = mem_new(1, sizeof(*t));
    if (t == NULL) {
        (void)snprintf(why, MODBUS_TOOL_WHY_MAX, "out of memory");
        return NULL;
    }
    t->settings = *settings;
    t->lock = settings->path != NULL ? port_holder_take(settings->path, why) : -1;
    if ((settings->path != NULL && t->lock < 0) || !connect_tool(t, why)) {
        modbus_tool_close(t);
        return NULL;
    }
    catch_signals(t);
    return t;
}

bool modbus_tool_set_line(struct modbus_tool *t, uint32_t rate, char parity, char *why)
{
    disconnect_tool(t);
    t->settings.rate = rate;
    t->settings.parity = parity;
    return connect_tool(t, why);
}

void modbus_tool_close(struct modbus_tool *t)
{
    if (t == NULL) {
        return;
    }
    disconnect_tool(t);
    if (t->lock >= 0) {
        (void)close(t->lock);
    }
    release_signals(t);
    mem_free(t);
}

/* ---- one question ---- */

/* Wait until something can be read. ANSWERED: it can. */
static enum modbus_tool_result wait_input(const struct modbus_tool *t, uint32_t timeout_ms)
{
    struct timespec wait = {.tv_sec = timeout_ms / MS_PER_S,
                            .tv_nsec = (long)(timeout_ms % MS_PER_S) * NS_PER_MS};
    int fd = modbus_get_socket(t->modbus);
    sigset_t mask = t->mask;
    fd_set line;
    for (size_t i = 0; i < 2; i++) {
        (void)sigdelset(&mask, signals[i]);
    }
    FD_ZERO(&line);
    FD_SET(fd, &line); /* a command has few descriptors: far below FD_SETSIZE */
    int ready = stopped_by != 0 ? 0 : pselect(fd + 1, &line, NULL, NULL, &wait, &mask);
    if (stopped_by != 0) {
        return MODBUS_TOOL_STOPPED;
    }
    if (ready < 0) {
        return MODBUS_TOOL_LOST;
    }
    return ready > 0 ? MODBUS_TOOL_ANSWERED : MODBUS_TOOL_SILENT;
}

static enum modbus_tool_result of_errno(int error)
{
    bool is_gone = error == EIO || error == EBADF || error == ECONNRESET || error == EPIPE ||
                   error == ENXIO || error == ENODEV;
    return is_gone ? MODBUS_TOOL_LOST : MODBUS_TOOL_GARBLED;
}

/* libmodbus reads it. It knows the length of these answers, and checks unit and CRC. */
static enum modbus_tool_result read_with_library(struct modbus_tool *t, struct room *answer)
{
    uint8_t adu[MODBUS_TCP_MAX_ADU_LENGTH];
    int len = modbus_receive_confirmation(t->modbus, adu);
    if (len < 0) {
        return of_errno(errno);
    }
    struct span whole = span_of(adu, (size_t)len);
    size_t header = (size_t)modbus_get_header_length(t->modbus);
    size_t tail = t->settings.path != NULL ? 2 : 0;
    if (whole.len <= header + tail) {
        return MODBUS_TOOL_GARBLED; /* 0: it was another unit's */
    }
    struct span pdu = span_first(span_after(whole, header), whole.len - header - tail);
    return room_put(answer, pdu) ? MODBUS_TOOL_ANSWERED : MODBUS_TOOL_GARBLED;
}

/* How much of an answer to 2B/0E is there; on TCP the header says it. */
static enum modbus_tool_result take_answer(const struct modbus_tool *t, uint8_t unit,
                                           struct span pdu, struct span in, struct room *answer)
{
    if (t->settings.path != NULL) {
        struct modbus_rtu_reader reader;
        modbus_rtu_reader_start(&reader, unit, pdu);
        enum modbus_rtu_verdict verdict = modbus_rtu_reader_feed(&reader, in);
        if (verdict == MODBUS_RTU_MORE) {
            return MODBUS_TOOL_SILENT;
        }
        bool is_whole = verdict == MODBUS_RTU_ANSWER &&
                        room_put(answer, modbus_rtu_reader_pdu(&reader));
        return is_whole ? MODBUS_TOOL_ANSWERED : MODBUS_TOOL_GARBLED;
    }
    struct modbus_mbap adu;
    if (!modbus_mbap_parse(in, &adu)) {
        return MODBUS_TOOL_SILENT;
    }
    return adu.unit == unit && room_put(answer, adu.pdu) ? MODBUS_TOOL_ANSWERED
                                                         : MODBUS_TOOL_GARBLED;
}

/* Our own reader, as the library does not know how long this answer is. */
static enum modbus_tool_result read_with_codec(struct modbus_tool *t, uint8_t unit, struct span pdu,
                                               struct room *answer)
{
    uint8_t memory[MODBUS_MBAP_MAX];
    struct room in = room_of(memory, sizeof(memory));
    enum modbus_tool_result result = MODBUS_TOOL_ANSWERED;
    while (result == MODBUS_TOOL_ANSWERED && room_left(&in) > 0) {
        uint8_t part[MODBUS_MBAP_MAX];
        ssize_t got = read(modbus_get_socket(t->modbus), part, room_left(&in));
        if (got <= 0) {
            return got == 0 || errno != EAGAIN ? MODBUS_TOOL_LOST : MODBUS_TOOL_GARBLED;
        }
        (void)room_put(&in, span_of(part, (size_t)got)); /* not more than there was room for */
        enum modbus_tool_result whole = take_answer(t, unit, pdu, room_span(&in), answer);
        if (whole != MODBUS_TOOL_SILENT) {
            return whole;
        }
        result = wait_input(t, BYTE_TIMEOUT_US / MS_PER_S);
    }
    return result == MODBUS_TOOL_SILENT ? MODBUS_TOOL_GARBLED : result;
}

/* The library sends at once; the line wants silence before a frame. */
static void keep_silence(const struct modbus_tool *t)
{
    if (t->settings.path != NULL) {
        uint32_t us = modbus_rtu_silence_us(t->settings.rate);
        struct timespec wait = {.tv_nsec = (long)us * NS_PER_US};
        (void)nanosleep(&wait, NULL); /* shorter than a tenth of a second at any rate */
    }
}

static enum modbus_tool_result ask_once(struct modbus_tool *t, uint8_t unit, struct span pdu,
                                        struct room *answer)
{
    uint8_t memory[MODBUS_PDU_MAX + 1];
    struct room request = room_of(memory, sizeof(memory));
    if (!room_put_u8(&request, unit) || !room_put(&request, pdu)) {
        return MODBUS_TOOL_GARBLED;
    }
    keep_silence(t);
    (void)modbus_flush(t->modbus);
    if (modbus_set_slave(t->modbus, unit) != 0 ||
        modbus_send_raw_request(t->modbus, memory, (int)request.len) < 0) {
        return MODBUS_TOOL_LOST;
    }
    enum modbus_tool_result result = wait_input(t, t->settings.timeout_ms);
    if (result != MODBUS_TOOL_ANSWERED) {
        return result;
    }
    uint8_t function = 0;
    (void)span_at(pdu, 0, &function); /* a sound request has one */
    return function == IDENTIFICATION ? read_with_codec(t, unit, pdu, answer)
                                      : read_with_library(t, answer);
}

enum modbus_tool_result modbus_tool_ask(struct modbus_tool *t, uint8_t unit, struct span pdu,
                                        struct room *answer)
{
    char why[MODBUS_TOOL_WHY_MAX];
    answer->len = 0;
    if (t->modbus == NULL && !connect_tool(t, why)) {
        return MODBUS_TOOL_LOST;
    }
    enum modbus_tool_result result = ask_once(t, unit, pdu, answer);
    if (result == MODBUS_TOOL_ANSWERED && !modbus_pdu_matches(pdu, room_span(answer))) {
        result = MODBUS_TOOL_GARBLED;
    }
    /* The library gives each request on TCP the same number: a late answer would be the next one's.
     */
    if (t->settings.path == NULL &&
        (result == MODBUS_TOOL_SILENT || result == MODBUS_TOOL_GARBLED)) {
        disconnect_tool(t);
    }
    return result;
}

const char *modbus_tool_library(char *to)
{
    (void)snprintf(to, MODBUS_TOOL_VERSION_MAX, "%u.%u.%u", libmodbus_version_major,
                   libmodbus_version_minor, libmodbus_version_micro);
    return to;
}
