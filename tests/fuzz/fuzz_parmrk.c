#include <stdlib.h>

#include "protocols/parmrk.h"

/* The first byte seeds the cuts, the rest comes from the tty. */
enum { TTY_MAX = 1 << 14 };

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* Decodes a copy of the piece; what is left goes to `out`. */
static void decode_piece(struct parmrk *pm, struct span piece, struct room *out)
{
    static uint8_t memory[TTY_MAX];
    struct room raw = room_of(memory, sizeof memory);
    require(room_put(&raw, piece));
    parmrk_decode(pm, &raw);
    require(raw.len <= piece.len);
    require(room_put(out, room_span(&raw)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t memory[2][TTY_MAX];
    struct room whole = room_of(memory[0], TTY_MAX);
    struct room cut = room_of(memory[1], TTY_MAX);
    struct parmrk one;
    struct parmrk two;
    struct span tty = span_of(data, size);
    uint8_t seed = 0;
    if (size > TTY_MAX || !span_take_u8(&tty, &seed)) {
        return 0;
    }
    parmrk_init(&one);
    parmrk_init(&two);
    decode_piece(&one, tty, &whole);
    for (unsigned step = seed; tty.len > 0; step = step * 31 + 7) {
        struct span piece = span_first(tty, step % 5 + 1);
        decode_piece(&two, piece, &cut);
        tty = span_after(tty, piece.len);
    }
    require(span_equal(room_span(&whole), room_span(&cut)));
    require(one.errors == two.errors && one.breaks == two.breaks && one.state == two.state);
    return 0;
}
