#include "load.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

struct options options = {.serial = -1,
                          .near_ports = 1,
                          .links = 1,
                          .at_once = 16,
                          .count = 1,
                          .size = 256,
                          .seconds = 120};
uint8_t pattern[2 * PATTERN];

_Noreturn void load_fail(const char *why, const char *more)
{
    (void)printf("{\"ok\": false, \"why\": \"%s%s%s\"}\n", why, more[0] != '\0' ? ": " : "", more);
    (void)fflush(stdout);
    _exit(1);
}

uint64_t load_now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

uint64_t load_cpu_ns(void)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < options.pid_count; i++) {
        clockid_t clock;
        struct timespec t;
        /* The sum of all threads' runtimes, also of those that ended. */
        if (clock_getcpuclockid(options.pids[i], &clock) != 0 || clock_gettime(clock, &t) != 0) {
            load_fail("the proxy is gone", "");
        }
        sum += (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
    }
    return sum;
}

static void on_alarm(int signal_number)
{
    static const char text[] = "{\"ok\": false, \"why\": \"not done in time\"}\n";
    (void)signal_number;
    (void)!write(STDOUT_FILENO, text, sizeof text - 1);
    _exit(1);
}

static enum work work_of(const char *name)
{
    static const char *const names[] = {"links", "echo", "bulk", "both", "idle", "storm", "modbus"};
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0) {
            return (enum work)i;
        }
    }
    load_fail("no such work", name);
}

void load_take_pids(char *list)
{
    char *rest = NULL;
    for (char *one = strtok_r(list, ",", &rest); one != NULL; one = strtok_r(NULL, ",", &rest)) {
        if (options.pid_count == PIDS_MAX) {
            load_fail("too many processes", "");
        }
        options.pids[options.pid_count++] = (int)strtol(one, NULL, 10);
    }
}

static void take_option(int letter, char *value)
{
    uint64_t number = value != NULL ? strtoull(value, NULL, 10) : 0;
    switch (letter) {
    case 'w':
        options.work = work_of(value);
        break;
    case 'r':
        options.from_server = true;
        break;
    case 's':
        options.serial = (int)number;
        break;
    case 'n':
        options.near_port = (unsigned)number;
        break;
    case 'N':
        options.near_ports = (unsigned)number;
        break;
    case 'f':
        options.far_port = (unsigned)number;
        break;
    case 'l':
        options.links = (unsigned)number;
        break;
    case 'a':
        options.at_once = (unsigned)number;
        break;
    case 'c':
        options.count = number;
        break;
    case 'b':
        options.size = number;
        break;
    case 't':
        options.seconds = strtod(value, NULL);
        break;
    case 'A':
        options.ca = value;
        break;
    case 'C':
        options.certificate = value;
        break;
    case 'K':
        options.key = value;
        break;
    case 'p':
        load_take_pids(value);
        break;
    case 'x':
        options.plain = true;
        break;
    case 'k':
        options.forgets_tickets = true;
        break;
    case 'h':
        options.hold = true;
        break;
    default:
        load_fail("no such option; see tests/bench/load.c", "");
    }
}

int main(int argc, char **argv)
{
    int letter = 0;
    while ((letter = getopt(argc, argv, "w:rs:n:N:f:l:a:c:b:t:A:C:K:p:xhk")) != -1) {
        take_option(letter, optarg);
    }
    struct rlimit files;
    (void)getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGALRM, on_alarm);
    (void)alarm((unsigned)options.seconds + 1);
    for (unsigned i = 0; i < sizeof pattern; i++) {
        unsigned at = i % PATTERN;
        pattern[i] = (uint8_t)(at * 167U + (at >> 8));
    }
    ends_open();
    return work_run();
}
