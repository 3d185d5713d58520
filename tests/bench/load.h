/*
 * The load of the bench: all outside parties of a proxy in one process, with OpenSSL and not with
 * our code, so that both ends of every link are seen by one clock.
 *
 * A link has two ends. The caller dials the proxy; the answerer is whom the proxy reaches for it,
 * and sends back what it gets. One of the two speaks TLS. load_end.c moves bytes, load_work.c says
 * what is done with them and what is measured, load_serial.c plays what hangs on a serial port.
 */
#ifndef WARDGATE_BENCH_LOAD_H
#define WARDGATE_BENCH_LOAD_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GREETING = 8,      /* the first bytes of a link: which one it is */
    PATTERN = 1 << 16, /* what is sent repeats after so many bytes */
    IO_MAX = 1 << 16,
    PIDS_MAX = 64,
};

enum work { WORK_LINKS, WORK_ECHO, WORK_BULK, WORK_BOTH, WORK_IDLE, WORK_STORM, WORK_MODBUS };

struct options {
    enum work work;
    bool from_server; /* the hospital dials: the caller speaks TLS, the answerer is plain */
    int serial;       /* the answerer is this pty's master; -1: it is a TCP server */
    unsigned near_port, near_ports; /* where the proxy listens: the first, and how many */
    unsigned far_port;              /* where we do */
    unsigned links, at_once;
    uint64_t count, size; /* echo: messages in all, bytes each; bulk: bytes in all */
    double seconds;       /* the longest the whole may take */
    const char *ca, *certificate, *key;
    int pids[PIDS_MAX]; /* whose time on the processor is counted */
    unsigned pid_count;
    bool plain;           /* no end speaks TLS */
    bool forgets_tickets; /* storm: the server comes back with new ticket keys */
    bool hold; /* when all links are up: say so, and begin when a line (more processes) comes */
};

struct link;

struct end {
    int fd;
    SSL *ssl;          /* NULL: plain */
    struct link *link; /* NULL: an answerer that was not greeted yet */
    struct end *next;  /* closed: freed when the turn is over */
    bool is_caller, is_secure, connecting, closed, wants_write;
    uint64_t got, sent; /* bytes since the link is up */
    uint64_t to_send;   /* bulk: so many */
    uint8_t hello[GREETING];
    size_t hello_len;
    uint8_t *late; /* what the socket did not take */
    size_t late_len;
};

struct link {
    uint32_t number;
    struct end *near, *far;
    bool up;
    uint64_t began_ns; /* dialled, or the last message was sent */
};

extern struct options options;
extern uint8_t pattern[2 * PATTERN];

/* load.c: the run is invalid; says why and ends. */
_Noreturn void load_fail(const char *why, const char *more);
uint64_t load_now_ns(void);
/* Nanoseconds that the proxy's processes were on the processor, by the scheduler. */
uint64_t load_cpu_ns(void);
/* Processes to be counted, with commas between. */
void load_take_pids(char *list);

/* load_end.c */
void ends_open(void);
/* Wait for events and do what they ask for. */
void ends_turn(int timeout_ms);
/* Dial the proxy for this link. */
void end_call(struct link *l);
void end_send(struct end *e, const uint8_t *data, size_t len);
/* What to_send asks for, as far as the socket takes it. */
void end_stream(struct end *e);
/* cut: without a word, as a server that loses its power. */
void end_close(struct end *e, bool cut);
struct end *end_of_fd(int fd);
const char *ends_cipher(void);
uint64_t ends_resumed(void);
/* Other keys for tickets, as of a server that was started anew: no session from before is resumed,
 * and ends_resumed counts from here. */
void ends_forget_tickets(void);

/* load_work.c: bytes came, or the end left. */
void work_data(struct end *e, const uint8_t *data, size_t len);
void work_gone(struct end *e);
int work_run(void);

/* load_serial.c */
/* A unit on the line: collects a request of 8 bytes and answers it. */
void serial_answer(struct end *e, const uint8_t *data, size_t len);
/* The request of a master over TLS, and the answer it must get; the length of each. */
size_t serial_request(uint8_t *to, uint32_t number);
size_t serial_expect(uint8_t *to, uint32_t number);

#endif
