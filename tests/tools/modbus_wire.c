/*
 * A Modbus RTU line with units on it: a pseudo-terminal that takes the time of a real line.
 *
 *   modbus_wire LINK RATE [DEAD-UNIT | alert]
 *
 * LINK becomes a symbolic link to the master's end. Characters have 11 bits. All units answer reads
 * of registers (function 3: register A of unit U holds U * 1000 + A) and echo what else has a frame
 * of 8 bytes, but for DEAD-UNIT, which is silent. A unit hears the end of a request by t3.5 of
 * silence, as the standard has it, and then answers at once; the answer comes up in pieces of 16
 * bytes, as out of a UART, the last one when its last bit is through.
 *
 * A request is on the line from when it is written: a UART sends at once what its driver is given.
 * The bytes come out of a pseudo-terminal some time after, when a thread of the kernel has woken up
 * and carried them over; that they were written is heard at once, from inotify. "alert": it does
 * not sleep when a request is to come, and hears it when it is written, and not when it has woken
 * up. For that it moves to the last processor, and whoever starts it keeps the others off there.
 *
 * Prints "ready"; "dead MICROSECONDS" (CLOCK_MONOTONIC) for each request to DEAD-UNIT; and on
 * SIGTERM one line of KEY=NUMBER (times in microseconds):
 *   exchanges   requests that were answered
 *   allowed     what they need at least: request, t3.5, answer, and t3.5 between two
 *   took        from the first bit of the first request to the last bit of the last answer
 *   late        what of that this program was not let run in, and no line would have needed
 *   median      what an exchange took more than it needs, after another one: half of them more
 *   shortest    silence before a request, at least; it is seen too long rather than too short: from
 *               before the last piece is handed on until the request has been written
 *   early       requests that came before t3.5 of silence was over, or into an answer
 *   noise       bytes that were no request
 */
#define _GNU_SOURCE /* ppoll, sched_setaffinity */

#include <poll.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
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
    AWAKE_NS = 150000,   /* so long before what may not be late it stays awake */
    EXPECT_NS = 1000000, /* and so long on the alert, when a request is to come */
    LOOK_NS = 100000000,
    SAMPLES = 4096, /* exchanges that the median is of, the last ones */
    NS_PER_US = 1000,
    NS_PER_S = 1000000000,
};

enum ear { BYTES, WRITTEN, EARS };

struct wire {
    int fd;
    struct pollfd ears[EARS]; /* bytes; and that some were written, which comes first */
    int dead_unit;            /* -1: none */
    uint64_t expect_ns;       /* so long after t3.5 it does not sleep */
    uint64_t char_ns, silence_ns;
    uint64_t used_until_ns; /* somebody's last bit; 0: nobody has spoken yet */
    uint64_t first_ns;
    uint64_t exchanges, allowed_ns, late_ns, shortest_ns, early, noise;
    uint64_t wasted_ns; /* until the last answer: neither allowed nor late */
    uint64_t excess_ns[SAMPLES];
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

/* It hears something; or the moment has come, and not some time later: in the last `awake_ns` it
 * asks without sleeping. With one ear at a time: who asks for bytes waits for that thread of the
 * kernel. */
static bool hears_by(struct wire *w, enum ear ear, uint64_t at_ns, uint64_t awake_ns)
{
    uint64_t now = now_ns();

    while (!stopped && now < at_ns) {
        uint64_t rest = at_ns - now > awake_ns ? at_ns - now - awake_ns : 0;
        struct timespec wait = {.tv_sec = (time_t)(rest / NS_PER_S),
                                .tv_nsec = (long)(rest % NS_PER_S)};

        if (ppoll(&w->ears[ear], 1, &wait, NULL) > 0) {
            return true;
        }
        now = now_ns();
    }
    return poll(&w->ears[ear], 1, 0) > 0;
}

static void sleep_until(uint64_t at_ns)
{
    struct timespec at = {.tv_sec = (time_t)(at_ns / NS_PER_S),
                          .tv_nsec = (long)(at_ns % NS_PER_S)};

    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

static void wait_until(uint64_t at_ns)
{
    sleep_until(at_ns - AWAKE_NS);
    while (now_ns() < at_ns && !stopped) {
    }
}

/* What was written until now has been heard of. */
static void forget_written(const struct wire *w)
{
    char events[1024];

    while (read(w->ears[WRITTEN].fd, events, sizeof events) > 0) {
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
static bool wait_request(struct wire *w)
{
    uint64_t quiet_ns = w->used_until_ns + w->silence_ns;

    /* What has come too early was heard of before. */
    if (hears_by(w, BYTES, 0, 0) || hears_by(w, WRITTEN, quiet_ns, AWAKE_NS) ||
        hears_by(w, WRITTEN, quiet_ns + w->expect_ns, w->expect_ns)) {
        return true;
    }
    while (!stopped && !hears_by(w, WRITTEN, now_ns() + LOOK_NS, 0)) {
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
    while (len < REQUEST_LEN && hears_by(w, BYTES, *begun_ns + LOOK_NS, 0)) {
        ssize_t got = read(w->fd, frame + len, FRAME_MAX - len);

        len += got > 0 ? (size_t)got : 0;
    }
    if (len == 0) {
        forget_written(w);
        return false;
    }
    note_silence(w, *begun_ns);
    w->used_until_ns = *begun_ns + len * w->char_ns;
    /* Nobody else may speak before it is through. Until then the news of its writing has come,
     * which the bytes may have overtaken. */
    sleep_until(w->used_until_ns);
    forget_written(w);
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
        w->early += hears_by(w, WRITTEN, 0, 0) ? 1 : 0;
        w->used_until_ns = now_ns();
        if (write(w->fd, answer + at, piece) != (ssize_t)piece) {
            w->noise += piece;
        }
        at += piece;
    }
    w->late_ns += w->used_until_ns - (begin_ns + len * w->char_ns);
}

static uint64_t wasted_ns(const struct wire *w)
{
    uint64_t took_ns = w->used_until_ns - w->first_ns;
    uint64_t needed_ns = w->allowed_ns + w->late_ns;

    return took_ns > needed_ns ? took_ns - needed_ns : 0;
}

static void answer(struct wire *w, const uint8_t *request)
{
    uint8_t answer[FRAME_MAX];
    size_t len = make_answer(request, answer);
    uint64_t before_ns = w->exchanges > 0 ? w->wasted_ns : 0;

    put_answer(w, answer, len, w->used_until_ns + w->silence_ns);
    w->allowed_ns += (REQUEST_LEN + len) * w->char_ns + w->silence_ns;
    w->allowed_ns += w->exchanges > 0 ? w->silence_ns : 0;
    w->wasted_ns = wasted_ns(w);
    w->excess_ns[w->exchanges % SAMPLES] = w->wasted_ns > before_ns ? w->wasted_ns - before_ns : 0;
    w->exchanges++;
}

static void serve(struct wire *w)
{
    while (!stopped) {
        uint8_t request[FRAME_MAX];
        uint64_t begun_ns = 0;

        if (!take_request(w, request, &begun_ns)) {
            continue;
        }
        if (request[0] == w->dead_unit) {
            printf("dead %llu\n", (unsigned long long)(begun_ns / NS_PER_US));
            (void)fflush(stdout);
            continue;
        }
        answer(w, request);
    }
}

static int compare(const void *a, const void *b)
{
    const uint64_t *x = a;
    const uint64_t *y = b;

    return (*x > *y) - (*x < *y);
}

static uint64_t median_ns(struct wire *w)
{
    size_t count = w->exchanges < SAMPLES ? w->exchanges : SAMPLES;

    qsort(w->excess_ns, count, sizeof w->excess_ns[0], compare);
    return w->excess_ns[count / 2];
}

static void tell(struct wire *w)
{
    uint64_t took_ns = w->used_until_ns - w->first_ns;

    printf("exchanges=%llu allowed=%llu took=%llu late=%llu median=%llu shortest=%llu early=%llu "
           "noise=%llu\n",
           (unsigned long long)w->exchanges, (unsigned long long)(w->allowed_ns / NS_PER_US),
           (unsigned long long)(took_ns / NS_PER_US), (unsigned long long)(w->late_ns / NS_PER_US),
           (unsigned long long)(median_ns(w) / NS_PER_US),
           (unsigned long long)(w->shortest_ns / NS_PER_US), (unsigned long long)w->early,
           (unsigned long long)w->noise);
}

/* Our end of a raw pseudo-terminal. The other one stays open here, too, so that this one is never
 * hung up. */
static int open_line(struct wire *w, const char *name)
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
    w->ears[BYTES] = (struct pollfd){.fd = fd, .events = POLLIN};
    w->ears[WRITTEN] = (struct pollfd){.fd = inotify_init1(IN_NONBLOCK), .events = POLLIN};
    if (w->ears[WRITTEN].fd < 0 || inotify_add_watch(w->ears[WRITTEN].fd, path, IN_MODIFY) < 0) {
        return -1;
    }
    return fd;
}

static void move_to_last_processor(void)
{
    cpu_set_t one;

    CPU_ZERO(&one);
    CPU_SET((size_t)sysconf(_SC_NPROCESSORS_ONLN) - 1, &one);
    (void)sched_setaffinity(0, sizeof one, &one);
}

int main(int argc, char **argv)
{
    struct wire w = {.shortest_ns = UINT64_MAX, .dead_unit = -1};
    struct sigaction act = {.sa_handler = on_stop};
    const struct sched_param first = {.sched_priority = 1};
    unsigned long rate = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;

    if (rate == 0) {
        fprintf(stderr, "usage: modbus_wire LINK RATE [DEAD-UNIT | alert]\n");
        return 64;
    }
    w.expect_ns = AWAKE_NS;
    if (argc > 3 && strcmp(argv[3], "alert") == 0) {
        w.expect_ns = EXPECT_NS;
        move_to_last_processor();
    } else if (argc > 3) {
        w.dead_unit = (int)strtol(argv[3], NULL, 10);
    }
    w.char_ns = (uint64_t)CHAR_BITS * NS_PER_S / rate;
    w.silence_ns = rate > FIXED_RATE ? FIXED_SILENCE_NS : w.char_ns * 7 / 2;
    (void)sigaction(SIGTERM, &act, NULL);
    /* A line does not wait for its turn on the processor. Where this is not allowed, it may be
     * late. */
    (void)sched_setscheduler(0, SCHED_FIFO, &first);
    (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    w.fd = open_line(&w, argv[1]);
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
