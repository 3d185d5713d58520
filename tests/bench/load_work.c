#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "load.h"

enum { TURN_MS = 1000, MODBUS_MAX = 64 };

static struct link *links;
static unsigned called, up, lost; /* lost: storm, links whose server was cut off */
static bool working;              /* all that has to be up first is up */
static uint64_t done;             /* links, messages or bytes, as the work counts */
static uint64_t begin_ns, end_ns, begin_cpu_ns, end_cpu_ns, begin_own_ns, end_own_ns;
static uint32_t *taken_us; /* how long each link or message took, in tenths */
static size_t taken, taken_max;

/* Time on the processor of this program itself: what no proxy can be quicker than. */
static uint64_t work_own_ns(void)
{
    struct timespec t = {0};
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static void work_begin(void)
{
    working = true;
    begin_cpu_ns = load_cpu_ns();
    begin_own_ns = work_own_ns();
    begin_ns = load_now_ns();
}

static void work_note(uint64_t since_ns)
{
    if (taken < taken_max) {
        taken_us[taken++] = (uint32_t)((load_now_ns() - since_ns) / 100U);
    }
}

static void work_end(void)
{
    end_ns = load_now_ns();
    end_cpu_ns = load_cpu_ns();
    end_own_ns = work_own_ns();
}

static void work_call(struct link *l)
{
    l->up = false;
    l->began_ns = load_now_ns();
    end_call(l);
}

static void work_call_next(void)
{
    unsigned most = options.work == WORK_LINKS ? (unsigned)options.count : options.links;
    while (called < most && called - up < options.at_once) {
        links[called].number = called;
        called++;
        work_call(&links[called - 1]);
    }
}

/* ---- messages ---- */

static void work_send_message(struct link *l)
{
    uint8_t request[MODBUS_MAX];
    l->near->got = 0;
    l->began_ns = load_now_ns();
    if (options.work == WORK_MODBUS) {
        end_send(l->near, request, serial_request(request, (uint32_t)done));
    } else {
        end_send(l->near, pattern, options.size);
    }
}

static void work_check(struct end *e, const uint8_t *data, size_t len, const uint8_t *want,
                       uint64_t most)
{
    if (len > most || memcmp(data, want, len) != 0) {
        load_fail("bytes are wrong", e->is_caller ? "at the caller" : "at the answerer");
    }
    e->got += len;
}

static void work_take_answer(struct end *e, const uint8_t *data, size_t len)
{
    uint8_t answer[MODBUS_MAX];
    const uint8_t *want = pattern;
    uint64_t size = options.size;
    if (options.work == WORK_MODBUS) {
        size = serial_expect(answer, (uint32_t)done);
        want = answer;
    }
    work_check(e, data, len, want + e->got, size - e->got);
    if (e->got < size) {
        return;
    }
    work_note(e->link->began_ns);
    done++;
    /* Those that are still out will come: none more is sent than asked for. */
    if (done + options.links <= options.count) {
        work_send_message(e->link);
    }
}

/* ---- bulk ---- */

static void work_take_bulk(struct end *e, const uint8_t *data, size_t len)
{
    work_check(e, data, len, pattern + e->got % PATTERN, options.count - e->got);
    done += len;
}

static void work_start_bulk(struct link *l)
{
    l->near->to_send = options.count;
    if (options.work == WORK_BOTH) {
        l->far->to_send = options.count;
        end_stream(l->far);
    }
    end_stream(l->near);
}

/* ---- links ---- */

static void work_link_up(struct link *l)
{
    l->up = true;
    up++;
    if (options.work == WORK_LINKS) {
        work_note(l->began_ns);
        end_close(l->near, false);
        l->near = NULL;
    } else if (lost > 0) {
        work_note(begin_ns); /* all were cut off at that moment */
        done++;
    }
    work_call_next();
}

static void work_take_greeting(struct end *e, const uint8_t *data, size_t len)
{
    if (len > GREETING - e->hello_len) {
        load_fail("bytes are wrong", "behind a greeting");
    }
    memcpy(e->hello + e->hello_len, data, len);
    e->hello_len += len;
    if (e->hello_len < GREETING) {
        return;
    }
    uint32_t number = 0;
    memcpy(&number, e->hello + 4, sizeof number);
    if (memcmp(e->hello, "bnch", 4) != 0 || number >= called ||
        (e->is_caller && number != e->link->number)) {
        load_fail("bytes are wrong", "in a greeting");
    }
    if (e->is_caller) {
        work_link_up(e->link);
    } else {
        e->link = &links[number];
        e->link->far = e;
        end_send(e, e->hello, GREETING);
    }
}

void work_data(struct end *e, const uint8_t *data, size_t len)
{
    if (options.work == WORK_MODBUS && !e->is_caller) {
        serial_answer(e, data, len);
    } else if (e->hello_len < GREETING && (e->link == NULL || !e->link->up)) {
        work_take_greeting(e, data, len);
    } else if (options.work == WORK_BULK || options.work == WORK_BOTH) {
        work_take_bulk(e, data, len);
    } else if (e->is_caller) {
        work_take_answer(e, data, len);
    } else {
        end_send(e, data, len);
    }
}

void work_gone(struct end *e)
{
    struct link *l = e->link;
    bool is_caller = e->is_caller;
    end_close(e, false);
    if (l == NULL) {
        return;
    }
    if (l->far == e) {
        l->far = NULL;
        done += options.work == WORK_LINKS ? 1U : 0U; /* the proxy has closed it, too */
    } else if (is_caller && options.work == WORK_STORM && lost > 0) {
        work_call(l);
        return;
    }
    if (options.work != WORK_LINKS && !(options.work == WORK_STORM && lost > 0)) {
        load_fail("a link failed", is_caller ? "at the caller" : "at the answerer");
    }
    if (is_caller) {
        load_fail("a link failed", "while it was set up");
    }
}

static void work_cut_off(void)
{
    lost = options.links;
    up = 0;
    if (options.forgets_tickets) {
        ends_forget_tickets();
    }
    for (unsigned i = 0; i < options.links; i++) {
        links[i].up = false;
        end_close(links[i].far, true);
        links[i].far = NULL;
    }
}

/* ---- the run ---- */

static void work_hold(void)
{
    char line[1024];
    (void)printf("up\n");
    (void)fflush(stdout);
    if (fgets(line, sizeof line, stdin) == NULL) {
        load_fail("nobody waits for the result", "");
    }
    line[strcspn(line, "\n")] = '\0';
    load_take_pids(line);
}

static void work_start(void)
{
    if (options.hold) {
        work_hold();
    }
    work_begin();
    if (options.work == WORK_STORM) {
        work_cut_off();
        return;
    }
    for (unsigned i = 0; i < options.links; i++) {
        if (options.work == WORK_BULK || options.work == WORK_BOTH) {
            work_start_bulk(&links[i]);
        } else {
            work_send_message(&links[i]);
        }
    }
}

static uint64_t work_goal(void)
{
    switch (options.work) {
    case WORK_BULK:
        return options.count * options.links;
    case WORK_BOTH:
        return options.count * options.links * 2;
    case WORK_IDLE:
    case WORK_STORM:
        return options.links;
    case WORK_LINKS:
    case WORK_ECHO:
    case WORK_MODBUS:
        break;
    }
    return options.count;
}

static int work_compare(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

static double work_taken(double part)
{
    return taken == 0 ? 0 : taken_us[(size_t)(part * (double)(taken - 1))] / 10.0;
}

static void work_tell(void)
{
    qsort(taken_us, taken, sizeof *taken_us, work_compare);
    (void)printf(
        "{\"ok\": true, \"done\": %llu, \"wall_s\": %.6f, \"cpu_s\": %.6f, \"own_s\": %.6f, "
        "\"p50_us\": %.1f, \"p99_us\": %.1f, \"max_us\": %.1f, \"resumed\": %llu, "
        "\"cipher\": \"%s\"}\n",
        (unsigned long long)done, (double)(end_ns - begin_ns) / 1e9,
        (double)(end_cpu_ns - begin_cpu_ns) / 1e9, (double)(end_own_ns - begin_own_ns) / 1e9,
        work_taken(0.5), work_taken(0.99), work_taken(1), (unsigned long long)ends_resumed(),
        ends_cipher());
    (void)fflush(stdout);
}

static void work_set_up(void)
{
    bool counts = options.work == WORK_LINKS || options.work == WORK_ECHO ||
                  options.work == WORK_MODBUS;
    size_t room = options.work == WORK_LINKS ? options.count : options.links;
    if (options.work == WORK_IDLE) {
        options.count = options.links; /* one message each, when the silence is over */
    }
    taken_max = counts ? options.count : options.links;
    links = calloc(room, sizeof *links);
    taken_us = calloc(taken_max, sizeof *taken_us);
    if (links == NULL || taken_us == NULL) {
        load_fail("no memory", "");
    }
    if (options.serial >= 0) {
        (void)fcntl(options.serial, F_SETFL, O_NONBLOCK);
        links[0].far = end_of_fd(options.serial);
        links[0].far->link = &links[0];
    }
}

int work_run(void)
{
    work_set_up();
    if (options.work == WORK_LINKS) {
        work_begin();
    }
    work_call_next();
    while (done < work_goal()) {
        if (!working && up == options.links) {
            work_start();
        }
        ends_turn(TURN_MS);
    }
    work_end();
    work_tell();
    return 0;
}
