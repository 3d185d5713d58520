/*
 * A Modbus RTU line with units on it: a pseudo-terminal that takes the time of a real line.
 *
 *   modbus_wire LINK RATE [DEAD-UNIT]
 *
 * LINK becomes a symbolic link to the master's end. Characters have 11 bits. All units answer reads
 * of registers (function 3: register A of unit U holds U * 1000 + A) and echo what else has a frame
 * of 8 bytes, but for DEAD-UNIT, which is silent. A unit hears the end of a request by t3.5 of
 * silence, as the standard has it, and then answers at once; the answer comes up in pieces of 16
 * bytes, as out of a UART, the last one when its last bit is through.
 *
 * Prints "ready"; "dead MICROSECONDS" (CLOCK_MONOTONIC) for each request to DEAD-UNIT; and on
 * SIGTERM one line of KEY=NUMBER (times in microseconds):
 *   exchanges   requests that were answered
 *   allowed     what they need at least: request, t3.5, answer, and t3.5 between two
 *   took        from the first bit of the first request to the last bit of the last answer
 *   late        what of that this program was not let run in, and no line would have needed
 *   shortest    silence before a request, at least; it is seen too long rather than too short: from
 *               before the last piece is handed on until the request has come
 *   early       requests that came before t3.5 of silence was over, or into an answer
 *   noise       bytes that were no request
 */
#define _GNU_SOURCE /* ppoll */

#include <poll.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum {
    CHAR_BITS = 11,
    FIXED_RATE = 19200, /* above it t3.5 is fixed (Serial Line V1.02, 2.5.1.1) */
    FIXED_SILENCE_NS = 1750000,
    FRAME_MAX = 256,
    REQUEST_LEN = 8,
    PIECE = 16,
    READ_REGISTERS = 3,
    AWAKE_NS = 150000, /* so long it stays awake around what may not be late */
    LOOK_NS = 100000000,
    NS_PER_US = 1000,
    NS_PER_S = 1000000000,
};

struct wire {
    int fd;
    int dead_unit; /* -1: none */
    uint64_t char_ns, silence_ns;
    uint64_t used_until_ns; /* somebody's last bit; 0: nobody has spoken yet */
    uint64_t first_ns;
    uint64_t exchanges, allowed_ns, late_ns, shortest_ns, early, noise;
};

static volatile sig_atomic_t stopped;

static void on_stop(int number)
{
    (void)number;
    stopped = 1;
}

static uint64_t now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/* Input; or the moment has come, and not some time later: at the end it asks without sleeping. */
static bool has_input_by(const struct wire *w, uint64_t at_ns)
{
    struct pollfd one = {.fd = w->fd, .events = POLLIN};
    uint64_t now = now_ns();

    while (!stopped && now < at_ns) {
        uint64_t rest = at_ns - now > AWAKE_NS ? at_ns - now - AWAKE_NS : 0;
        struct timespec wait = {.tv_sec = (time_t)(rest / NS_PER_S),
                                .tv_nsec = (long)(rest % NS_PER_S)};

        if (ppoll(&one, 1, &wait, NULL) > 0) {
            return true;
        }
        now = now_ns();
    }
    return poll(&one, 1, 0) > 0;
}

static void wait_until(uint64_t at_ns)
{
    uint64_t early_ns = at_ns - AWAKE_NS;
    struct timespec early = {.tv_sec = (time_t)(early_ns / NS_PER_S),
                             .tv_nsec = (long)(early_ns % NS_PER_S)};

    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &early, NULL);
    while (now_ns() < at_ns && !stopped) {
    }
}

/* CRC-16/MODBUS; 0 over a frame with its own. */
static uint16_t crc_of(const uint8_t *bytes, size_t len)
{
    uint16_t crc = 0xFFFF;

    for (size_t i = 0; i < len; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (uint16_t)((crc & 1) != 0 ? (crc >> 1) ^ 0xA001 : crc >> 1);
        }
    }
    return crc;
}

/* The silence before what has just begun. */
static void note_silence(struct wire *w, uint64_t begun_ns)
{
    uint64_t silence = begun_ns > w->used_until_ns ? begun_ns - w->used_until_ns : 0;

    if (w->used_until_ns == 0) {
        w->first_ns = begun_ns;
        return;
    }
    if (silence < w->silence_ns) {
        w->early++;
    }
    if (silence < w->shortest_ns) {
        w->shortest_ns = silence;
    }
}

/* Until somebody speaks. The next request is expected when t3.5 is over: then it stays awake. */
static bool wait_request(const struct wire *w)
{
    uint64_t quiet_ns = w->used_until_ns + w->silence_ns;

    if (has_input_by(w, quiet_ns) || has_input_by(w, quiet_ns + AWAKE_NS)) {
        return true;
    }
    while (!stopped && !has_input_by(w, now_ns() + LOOK_NS)) {
    }
    return !stopped;
}

/* One request. False: stopped, or it was noise. */
static bool take_request(struct wire *w, uint8_t *frame, uint64_t *begun_ns)
{
    size_t len = 0;

    if (!wait_request(w)) {
        return false;
    }
    *begun_ns = now_ns();
    while (len < REQUEST_LEN && has_input_by(w, *begun_ns + LOOK_NS)) {
        ssize_t got = read(w->fd, frame + len, FRAME_MAX - len);

        len += got > 0 ? (size_t)got : 0;
    }
    if (len == 0) {
        return false;
    }
    note_silence(w, *begun_ns);
    w->used_until_ns = *begun_ns + len * w->char_ns;
    if (len != REQUEST_LEN || crc_of(frame, len) != 0) {
        w->noise += len;
        return false;
    }
    return true;
}

static size_t make_answer(const uint8_t *request, uint8_t *answer)
{
    unsigned address = request[2] * 256U + request[3];
    unsigned count = request[4] * 256U + request[5];
    size_t len = 3;
    uint16_t crc = 0;

    if (request[1] != READ_REGISTERS || count > 125) {
        memcpy(answer, request, REQUEST_LEN);
        return REQUEST_LEN;
    }
    answer[0] = request[0];
    answer[1] = request[1];
    answer[2] = (uint8_t)(2 * count);
    for (unsigned i = 0; i < count; i++) {
        unsigned value = request[0] * 1000U + address + i;

        answer[len] = (uint8_t)(value >> 8);
        answer[len + 1] = (uint8_t)value;
        len += 2;
    }
    crc = crc_of(answer, len);
    answer[len] = (uint8_t)crc;
    answer[len + 1] = (uint8_t)(crc >> 8);
    return len + 2;
}

/* Each piece when its last bit is through. The last one counts from before it is handed on: nobody
 * can have heard it earlier. */
static void put_answer(struct wire *w, const uint8_t *answer, size_t len, uint64_t begin_ns)
{
    size_t at = 0;

    while (at < len && !stopped) {
        size_t piece = len - at < PIECE ? len - at : PIECE;

        wait_until(begin_ns + (at + piece) * w->char_ns);
        w->early += has_input_by(w, 0) ? 1 : 0;
        w->used_until_ns = now_ns();
        if (write(w->fd, answer + at, piece) != (ssize_t)piece) {
            w->noise += piece;
        }
        at += piece;
    }
    w->late_ns += w->used_until_ns - (begin_ns + len * w->char_ns);
}

static void serve(struct wire *w)
{
    while (!stopped) {
        uint8_t request[FRAME_MAX];
        uint8_t answer[FRAME_MAX];
        uint64_t begun_ns = 0;
        size_t len = 0;

        if (!take_request(w, request, &begun_ns)) {
            continue;
        }
        if (request[0] == w->dead_unit) {
            printf("dead %llu\n", (unsigned long long)(begun_ns / NS_PER_US));
            (void)fflush(stdout);
            continue;
        }
        len = make_answer(request, answer);
        put_answer(w, answer, len, w->used_until_ns + w->silence_ns);
        w->allowed_ns += (REQUEST_LEN + len) * w->char_ns + w->silence_ns;
        w->allowed_ns += w->exchanges > 0 ? w->silence_ns : 0;
        w->exchanges++;
    }
}

static void tell(const struct wire *w)
{
    uint64_t took_ns = w->used_until_ns - w->first_ns;

    printf("exchanges=%llu allowed=%llu took=%llu late=%llu shortest=%llu early=%llu noise=%llu\n",
           (unsigned long long)w->exchanges, (unsigned long long)(w->allowed_ns / NS_PER_US),
           (unsigned long long)(took_ns / NS_PER_US), (unsigned long long)(w->late_ns / NS_PER_US),
           (unsigned long long)(w->shortest_ns / NS_PER_US), (unsigned long long)w->early,
           (unsigned long long)w->noise);
}

/* Our end of a raw pseudo-terminal. The other one stays open here, too, so that this one is never
 * hung up. */
static int open_line(const char *name)
{
    struct termios raw;
    const char *path = NULL;
    int fd = -1;
    int other = -1;

    if (openpty(&fd, &other, NULL, NULL, NULL) != 0 || tcgetattr(other, &raw) != 0) {
        return -1;
    }
    cfmakeraw(&raw);
    path = ttyname(other);
    if (path == NULL || tcsetattr(other, TCSANOW, &raw) != 0 || symlink(path, name) != 0) {
        return -1;
    }
    return fd;
}

int main(int argc, char **argv)
{
    struct wire w = {.shortest_ns = UINT64_MAX, .dead_unit = -1};
    struct sigaction act = {.sa_handler = on_stop};
    const struct sched_param first = {.sched_priority = 1};
    unsigned long rate = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;

    if (rate == 0) {
        fprintf(stderr, "usage: modbus_wire LINK RATE [DEAD-UNIT]\n");
        return 64;
    }
    w.dead_unit = argc > 3 ? (int)strtol(argv[3], NULL, 10) : -1;
    w.char_ns = (uint64_t)CHAR_BITS * NS_PER_S / rate;
    w.silence_ns = rate > FIXED_RATE ? FIXED_SILENCE_NS : w.char_ns * 7 / 2;
    (void)sigaction(SIGTERM, &act, NULL);
    /* A line does not wait for its turn on the processor. Where this is not allowed, it may be
     * late. */
    (void)sched_setscheduler(0, SCHED_FIFO, &first);
    (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    w.fd = open_line(argv[1]);
    if (w.fd < 0) {
        perror("modbus_wire: opening the line");
        return 1;
    }
    printf("ready\n");
    (void)fflush(stdout);
    serve(&w);
    tell(&w);
    return 0;
}
