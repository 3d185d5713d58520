/*
 * Flow: one direction of a link: source -> framer -> sink endpoint.
 *
 * Floor 3, loop thread only; embedded in a session, which feeds it what the source brought. A flow
 * is open while it has a sink. What comes before is held (one read's worth: the owner stops the
 * source then) or thrown away and counted, as the owner says.
 *
 * Lock-step is the brake: the owner stops the source while flow_is_clear says false.
 */
#ifndef WARDGATE_FLOW_H
#define WARDGATE_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/endpoint.h"
#include "protocols/bytes.h"
#include "protocols/framer.h"

/* A message up to this long goes out as one write and one TLS record; of a longer one each full
 * FLOW_WHOLE_MAX bytes go out as they are there. */
enum { FLOW_WHOLE_MAX = TLS_PLAIN_MAX };

/* Counters of one direction; they belong to the device and outlive the link. */
struct flow_counters {
    uint64_t bytes;    /* handed to the sink */
    uint64_t messages; /* whole ones handed to the sink */
    uint64_t lost;     /* bytes thrown away: link down, cut or overlong messages */
    uint64_t junk;     /* bytes that belonged to no message */
};

struct flow {
    /* private to flow.c */
    struct framer framer;
    struct endpoint *sink;          /* NULL: not open */
    struct flow_counters *counters; /* of the device */
    struct flow_counters here;      /* of this link alone, for its closing line */
    struct buf part;                /* a message's beginning, memory only while there is one */
    struct buf held;                /* bytes that wait for the sink, memory only while there are */
    bool streaming;                 /* a part of the current message went out already */
    bool discarding;                /* the current message began before the link: lose its rest */
};

/* counters are borrowed. */
void flow_init(struct flow *f, enum framer_kind kind, size_t max_frame,
               struct flow_counters *counters);

/* Free the memory; wipes it. What was held or begun is counted as lost. */
void flow_deinit(struct flow *f);

/* From now on bytes go to `sink`. A message that began before is lost to its end; what was held is
 * fed now. 0 or a fault code as flow_feed. */
int flow_open(struct flow *f, struct endpoint *sink, struct fault *fault);

/* The source is followed by this framer from now on (another source, or one that was followed
 * elsewhere). A message in whose middle it stands is lost to its end. */
void flow_follow(struct flow *f, const struct framer *framer);

/* No sink any more. A message that had begun is cut: counted as lost. */
void flow_close(struct flow *f);

/* Bytes from the source; the flow is open. 0, or with *fault (side device; the caller corrects it
 * to its source's side): FAULT_TOO_LONG (part of the message is out already), FAULT_FRAME (the
 * stream can not be followed), FAULT_MEMORY. The link must then be closed. */
int flow_feed(struct flow *f, struct span data, struct fault *fault);

/* Bytes from the source while not open: follow the framing, throw the bytes away and count. */
void flow_drop(struct flow *f, struct span data);

/* Bytes from the source while not open: keep them for flow_open. 0 or FAULT_MEMORY (they are then
 * counted as lost). */
int flow_hold(struct flow *f, struct span data);

/* Bytes that are held. */
size_t flow_held(const struct flow *f);

/* Forget what is held, count it as lost. */
void flow_drop_held(struct flow *f);

/* The source was silent for the gap: ends a message of gap, or of line after CR. */
int flow_silence(struct flow *f, struct fault *fault);

/* Should the owner run its gap timer? */
bool flow_wants_silence(const struct flow *f);

/* The source has ended. What silence would end is sent; a message that is not whole is counted as
 * lost: returns its length. */
size_t flow_end(struct flow *f, struct fault *fault);

/* May the source be read? True when open and the sink has nothing parked. */
bool flow_is_clear(const struct flow *f);

#endif
