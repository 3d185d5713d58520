/*
 * What all endpoints share: the loop and its scratch buffers, so that an idle link owns none.
 *
 * Floor 3, loop thread only. One per process (one per test), owned by who made it.
 */
#ifndef WARDGATE_IO_H
#define WARDGATE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "certs/tls.h"
#include "gateway/gate.h"
#include "gateway/haste.h"
#include "gateway/lull.h"

enum {
    IO_READ_MAX = 65536,
    IO_RECORDS = IO_READ_MAX / TLS_PLAIN_MAX, /* that one read of plain bytes becomes */
    IO_CIPHER_MAX = IO_RECORDS * TLS_CIPHER_MAX,
    IO_TURN_MS = 5,    /* a turn of the loop that lasts longer puts off what can wait */
    IO_TURN_FREE = 16, /* so much of a turn never waits, and needs no look at the clock */
};

/* The bytes of whichever link is being served; no link owns any of it. */
struct io_scratch {
    uint8_t read[IO_READ_MAX];     /* what one read brought */
    uint8_t plain[TLS_PLAIN_MAX];  /* one decrypted record */
    uint8_t cipher[IO_CIPHER_MAX]; /* what the TLS engine made */
};

_Static_assert((int)IO_CIPHER_MAX >= (int)TLS_HANDSHAKE_ROOM, "a handshake's flight has room");

struct io {
    uv_loop_t loop;
    struct io_scratch *scratch; /* owned */
    uint64_t polled_ms;         /* the loop's clock before io_refresh moved it */
    bool is_refreshed;          /* it did since the last poll */
    bool has_turns;             /* stall.h tells when a turn begins */
    unsigned turn_count;        /* how often io_turn_is_long was asked in this one */
    uint64_t calm_until_ns;     /* no fine timer waits actively before; clock of uv_hrtime */
    bool has_put_off;           /* what the last poll showed was not all read */
    struct lull lull;           /* of all TCP connections */
    struct haste haste;         /* of the handshakes */
    const struct gate *gate;    /* borrowed: where handshakes wait; NULL: nowhere */
};

/* 0, or a fault code with *f. After io_init the caller must end with io_deinit. The process ignores
 * SIGPIPE from then on: a write to a peer that left is an error of that link, not our end. */
int io_init(struct io *io, struct fault *f);

/* Closes the loop; every handle must be closed before: returns 0, or FAULT_INTERNAL when one is
 * still open (a leak: tests assert 0). */
int io_deinit(struct io *io);

/* Milliseconds of the loop's cached clock; wall clock in seconds since 1970. */
uint64_t io_now_ms(const struct io *io);
int64_t io_wall_s(void);

/* Let the loop's clock show what time it is, in the middle of a turn: a timer that is started then
 * counts from now. Instead of uv_update_time, which would hide from stall.h when the turn began. */
void io_refresh(struct io *io);

/* To be asked before each piece of work that a thousand links can have at once, and that the loop
 * brings again when it is not done now: has this turn lasted so long that it should end? The links
 * that have little to do come in between. False while nobody measures turns. */
bool io_turn_is_long(struct io *io);

#endif
