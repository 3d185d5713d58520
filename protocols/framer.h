/*
 * Framers: where does one message of a protocol end?
 *
 * Floor 0, pure: no allocation, no clock, no I/O. A framer is a small struct inside its owner
 * (a flow). It is fed bytes in any cuts and labels every byte exactly once; feeding the same bytes
 * and silences in other cuts gives the same labels, with neighbouring PARTs joined.
 */
#ifndef WARDGATE_FRAMER_H
#define WARDGATE_FRAMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocols/bytes.h"

enum framer_kind {
    FRAMER_RAW,        /* every read is a message */
    FRAMER_GAP,        /* a message ends after silence */
    FRAMER_LINE,       /* a message ends with LF, with CR LF, or with CR and then silence */
    FRAMER_MLLP,       /* 0B data 1C 0D, HL7 v2 MLLP */
    FRAMER_MODBUS_TCP, /* MBAP header with its length, at most 260 bytes */
    FRAMER_KINDS,      /* how many there are */
};

/* What a cut's bytes are. */
enum framer_label {
    FRAMER_PART,     /* belong to the current message, which goes on */
    FRAMER_END,      /* belong to the current message, and end it. With len 0: nothing of this
                        input belongs to it, the PARTs before are the whole message */
    FRAMER_JUNK,     /* belong to no message: drop and count */
    FRAMER_TOO_LONG, /* the current message grew over max_frame: its rest up to its end is JUNK.
                        This cut is the first byte of that rest */
    FRAMER_BROKEN,   /* the stream can not be followed any more (bad MBAP): close the link.
                        The framer stays broken until framer_reset */
};

struct framer_cut {
    enum framer_label label;
    size_t len; /* bytes of the input that this label covers; 0 only for an empty input, and for END
                   of a line whose CR came last before this input: step on with the same input */
};

struct framer {
    /* private to framer.c */
    enum framer_kind kind;
    uint8_t state;
    size_t max_frame;
    size_t seen;     /* bytes of the current message so far, with those over max_frame */
    uint32_t expect; /* MBAP: the whole length as far as it is known */
};

/* Start a framer. max_frame: longest message in bytes including its framing, 1..; RAW has no
 * messages that could be too long and does not look at it. */
void framer_init(struct framer *fr, enum framer_kind kind, size_t max_frame);

/* Forget the current message; hunt for the start of the next one. */
void framer_reset(struct framer *fr);

/* Label the front of `in`. in.len 0 gives {PART, 0}. Call again with the rest until all is used. */
struct framer_cut framer_step(struct framer *fr, struct span in);

/* The line was silent for the framer's wait. Returns true when that ends the current message
 * (gap; line after CR): the bytes labelled PART so far are now a whole message. When the message
 * was too long, its rest ends here too, but false is returned: there is no message to pass on. */
bool framer_silence(struct framer *fr);

/* True when silence would end the current message or its dropped rest: the owner should then run
 * its gap timer. */
bool framer_wants_silence(const struct framer *fr);

/* Bytes of a message that has begun and not ended, all labelled PART; 0 between messages, while the
 * rest of a message that was too long is dropped, and when the stream is broken. */
size_t framer_pending(const struct framer *fr);

#endif
