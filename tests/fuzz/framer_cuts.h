/*
 * Feeds one framer whole and a second one in random cuts, with the same silences, and compares what
 * they say of every byte. Shared by the fuzz targets of all framers.
 *
 * An input is: 2 bytes max_frame - 1, 1 byte how often it is silent (0 never), 1 byte that seeds
 * the cuts, and then what comes over the wire.
 */
#ifndef WARDGATE_FRAMER_CUTS_H
#define WARDGATE_FRAMER_CUTS_H

#include <stdlib.h>
#include <string.h>

#include "protocols/framer.h"

enum { FRAMER_CUTS_MAX = 1 << 16, FRAMER_CUTS_ENDS = 0x80 };

/* For every byte its label, with PART for what END covers, and whether the message ends behind it.
 */
struct framer_cuts {
    struct framer fr;
    uint8_t says[FRAMER_CUTS_MAX];
    size_t at;
    size_t parts; /* bytes labelled PART of the message that has not ended */
};

static void framer_cuts_require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void framer_cuts_end(struct framer_cuts *run)
{
    framer_cuts_require(run->parts > 0);
    run->says[run->at - 1] |= FRAMER_CUTS_ENDS;
    run->parts = 0;
}

static void framer_cuts_feed(struct framer_cuts *run, struct span piece)
{
    while (piece.len > 0) {
        struct framer_cut cut = framer_step(&run->fr, piece);
        framer_cuts_require(cut.len <= piece.len);
        framer_cuts_require(cut.len > 0 || cut.label == FRAMER_END);
        bool belongs = cut.label == FRAMER_PART || cut.label == FRAMER_END;
        memset(run->says + run->at, belongs ? FRAMER_PART : (int)cut.label, cut.len);
        run->at += cut.len;
        run->parts = belongs ? run->parts + cut.len : 0;
        framer_cuts_require(run->fr.kind == FRAMER_RAW || run->parts <= run->fr.max_frame);
        if (cut.label == FRAMER_END) {
            framer_cuts_end(run);
        }
        framer_cuts_require(framer_pending(&run->fr) == run->parts);
        piece = span_after(piece, cut.len);
    }
}

static void framer_cuts_silence(struct framer_cuts *run)
{
    bool wanted = framer_wants_silence(&run->fr);
    if (framer_silence(&run->fr)) {
        framer_cuts_require(wanted);
        framer_cuts_end(run);
    }
    framer_cuts_require(!framer_wants_silence(&run->fr));
}

/* 0..32767, the same on every machine. */
static uint32_t framer_cuts_random(uint32_t *seed)
{
    *seed = *seed * 1103515245U + 12345U;
    return *seed >> 16 & 0x7fffU;
}

/* Where the pieces between silences end, and where the cuts in them do, are drawn apart. */
static void framer_cuts_both(struct framer_cuts *whole, struct framer_cuts *cut, struct span wire,
                             uint8_t often, uint32_t seed)
{
    uint32_t silences = seed + 1;
    while (wire.len > 0) {
        size_t len = often == 0 ? wire.len : framer_cuts_random(&silences) % (512U / often + 1) + 1;
        struct span piece = span_first(wire, len);
        framer_cuts_feed(whole, piece);
        for (struct span rest = piece; rest.len > 0;) {
            struct span bit = span_first(rest, framer_cuts_random(&seed) % 9 + 1);
            framer_cuts_feed(cut, bit);
            rest = span_after(rest, bit.len);
        }
        if (often != 0) {
            framer_cuts_silence(whole);
            framer_cuts_silence(cut);
        }
        wire = span_after(wire, len);
    }
}

/* RAW makes a message of every read, so there the ends say nothing. */
static int framer_cuts_compare(enum framer_kind kind, const uint8_t *data, size_t size)
{
    static struct framer_cuts whole;
    static struct framer_cuts cut;
    struct span wire = span_of(data, size);
    uint16_t max_frame = 0;
    uint8_t often = 0;
    uint8_t seed = 0;
    if (size > FRAMER_CUTS_MAX || !span_take_u16(&wire, &max_frame) ||
        !span_take_u8(&wire, &often) || !span_take_u8(&wire, &seed)) {
        return 0;
    }
    whole.at = whole.parts = 0;
    cut.at = cut.parts = 0;
    framer_init(&whole.fr, kind, (size_t)max_frame + 1);
    framer_init(&cut.fr, kind, (size_t)max_frame + 1);
    framer_cuts_both(&whole, &cut, wire, often, seed);

    framer_cuts_require(whole.at == wire.len && cut.at == wire.len);
    for (size_t i = 0; i < wire.len; i++) {
        unsigned mask = kind == FRAMER_RAW ? 0x7fU : 0xffU;
        framer_cuts_require(((whole.says[i] ^ cut.says[i]) & mask) == 0);
    }
    framer_cuts_require(framer_pending(&whole.fr) == framer_pending(&cut.fr));
    return 0;
}

#endif
