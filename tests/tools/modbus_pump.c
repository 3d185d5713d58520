/*
 * A simulated infusion pump: a Modbus slave with a few slowly changing registers, made with
 * libmodbus, so that the demo and the scenarios talk to somebody else's Modbus.
 *
 *   modbus_pump PTY-PATH UNIT [-v]       serial (RTU, 9600 8E1)
 *   modbus_pump --tcp PORT [UNIT] [-v]   TCP on 127.0.0.1; port 0: the kernel chooses
 *
 * Prints one line when it is ready. -v logs each request's unit and function to stderr. Ends on
 * SIGTERM with 0, and with 1 when the line is gone.
 *
 *   register 0  state: 1 running      4  pressure, mmHg
 *            1  rate, 0.1 ml/h        5  battery, %
 *            2  volume, 0.1 ml, high  6  alarms, bits
 *            3  volume, low           7  seconds since start
 *            8..31  settings that may be written
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <modbus/modbus.h>

enum { REGISTERS = 32, BITS = 16, LOOK_US = 100000 };

struct pump {
    modbus_t *modbus;
    modbus_mapping_t *map;
    time_t started;
    bool is_tcp;
    bool verbose;
};

static volatile sig_atomic_t stopped;

static void on_stop(int number)
{
    (void)number;
    stopped = 1;
}

/* What a pump would show now. */
static void move_on(struct pump *p)
{
    unsigned s = (unsigned)(time(NULL) - p->started);
    unsigned volume = s * 125 / 36; /* 12.5 ml/h, made 100 times faster, in 0.1 ml */
    uint16_t *r = p->map->tab_registers;

    r[0] = 1;
    r[1] = 125;
    r[2] = (uint16_t)(volume >> 16);
    r[3] = (uint16_t)(volume & 0xFFFF);
    r[4] = (uint16_t)(40 + s % 7);
    r[5] = (uint16_t)(s < 5400 ? 100 - s / 60 : 10);
    r[6] = 0;
    r[7] = (uint16_t)(s & 0xFFFF);
    memcpy(p->map->tab_input_registers, r, REGISTERS * sizeof *r);
    p->map->tab_input_bits[0] = 1;
}

/* Answer until stopped or until the line or the client is gone. */
static void serve(struct pump *p)
{
    uint8_t query[MODBUS_MAX_ADU_LENGTH];
    int at = p->is_tcp ? 6 : 0; /* where the unit stands */

    while (!stopped) {
        int len = modbus_receive(p->modbus, query);

        move_on(p);
        if (len > at + 1) {
            if (p->verbose) {
                fprintf(stderr, "unit %d function %d\n", query[at], query[at + 1]);
            }
            (void)modbus_reply(p->modbus, query, len, p->map);
        } else if (len < 0 && errno != ETIMEDOUT && errno < MODBUS_ENOBASE) {
            return; /* not a bad frame: the other end is gone */
        }
    }
}

static bool wait_for_client(int listener)
{
    struct pollfd one = {.fd = listener, .events = POLLIN};

    while (!stopped) {
        if (poll(&one, 1, LOOK_US / 1000) > 0) {
            return true;
        }
    }
    return false;
}

/* A socket of our own, because libmodbus does not tell which port the kernel chose. */
static int listen_here(uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t len = sizeof at;
    int yes = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
        bind(fd, (struct sockaddr *)&at, len) != 0 || listen(fd, 4) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) != 0) {
        perror("modbus_pump: listening");
        return -1;
    }
    printf("modbus_pump: ready on port %u\n", (unsigned)ntohs(at.sin_port));
    return fd;
}

static int run_tcp(struct pump *p, const char *port)
{
    int listener = listen_here((uint16_t)strtoul(port, NULL, 10));

    if (listener < 0) {
        return 1;
    }
    (void)fflush(stdout);
    while (wait_for_client(listener)) {
        if (modbus_tcp_accept(p->modbus, &listener) >= 0) {
            serve(p);
            modbus_close(p->modbus);
        }
    }
    (void)close(listener);
    return 0;
}

static int run_serial(struct pump *p, const char *path, const char *unit)
{
    if (modbus_set_slave(p->modbus, (int)strtol(unit, NULL, 10)) != 0 ||
        modbus_connect(p->modbus) != 0) {
        fprintf(stderr, "modbus_pump: %s: %s\n", path, modbus_strerror(errno));
        return 1;
    }
    printf("modbus_pump: ready on %s, unit %s\n", path, unit);
    (void)fflush(stdout);
    serve(p);
    modbus_close(p->modbus);
    return stopped ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct pump p = {.started = time(NULL)};
    struct sigaction act = {.sa_handler = on_stop};
    const char *word[3] = {NULL, NULL, NULL};
    int words = 0;
    int status = 1;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-v") == 0) {
            p.verbose = true;
        } else if (words < 3) {
            word[words] = argv[i];
            words++;
        }
    }
    if (words < 2) {
        fprintf(stderr, "usage: modbus_pump PTY-PATH UNIT [-v] | --tcp PORT [UNIT] [-v]\n");
        return 64;
    }
    (void)sigaction(SIGTERM, &act, NULL);
    (void)sigaction(SIGINT, &act, NULL);
    p.is_tcp = strcmp(word[0], "--tcp") == 0;
    p.modbus = p.is_tcp ? modbus_new_tcp("127.0.0.1", 0) : modbus_new_rtu(word[0], 9600, 'E', 8, 1);
    p.map = modbus_mapping_new(BITS, BITS, REGISTERS, REGISTERS);
    if (p.modbus != NULL && p.map != NULL) {
        /* libmodbus sleeps for its response timeout before it sends an exception. */
        (void)modbus_set_response_timeout(p.modbus, 0, LOOK_US / 10);
        (void)modbus_set_indication_timeout(p.modbus, 0, LOOK_US);
        move_on(&p);
        status = p.is_tcp ? run_tcp(&p, word[1]) : run_serial(&p, word[0], word[1]);
    }
    modbus_mapping_free(p.map);
    modbus_free(p.modbus);
    return status;
}
