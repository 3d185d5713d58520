/*
 * The marks that a Linux tty with PARMRK|INPCK puts between its bytes (termios(3)).
 *
 * Floor 0, pure. A struct parmrk lives inside its owner, the serial endpoint, and belongs to one
 * open port. FF FF stands for a byte FF; FF 00 x for a byte x that came with a parity or framing
 * error; FF 00 00 for a break. A byte 00 with an error looks like a break, which termios can not
 * help. Bytes with errors are kept: a checksum further up decides, and what is counted is not lost.
 */
#ifndef WARDGATE_PARMRK_H
#define WARDGATE_PARMRK_H

#include <stdint.h>

#include "protocols/bytes.h"

struct parmrk {
    uint8_t state;   /* private to parmrk.c: bytes of a mark so far */
    uint64_t errors; /* bytes with a parity or framing error since init; also FF before a byte that
                        no kernel puts there: that FF is lost */
    uint64_t breaks; /* breaks since init */
};

/* Between marks, nothing counted. */
void parmrk_init(struct parmrk *pm);

/* Forget a mark that was cut off, when the port is opened anew. The counts stay. */
void parmrk_reset(struct parmrk *pm);

/* Decode the bytes in the room in place: its len becomes what is left of them, never more, perhaps
 * 0. A mark may be cut anywhere; its rest is expected at the front of the next call. */
void parmrk_decode(struct parmrk *pm, struct room *raw);

#endif
