#include "gateway/flow.h"

#include <assert.h>

#include "certs/mem.h"

void flow_init(struct flow *f, enum framer_kind kind, size_t max_frame,
               struct flow_counters *counters)
{
    *f = (struct flow){.counters = counters};
    framer_init(&f->framer, kind, max_frame);
}

/* Patient data is wiped before its memory goes back. */
static void flow_free_buf(struct buf *b)
{
    mem_wipe_free(b->data, b->cap);
    *b = (struct buf){0};
}

static void flow_count_lost(struct flow *f, size_t len)
{
    f->counters->lost += len;
    f->here.lost += len;
}

static void flow_forget_part(struct flow *f)
{
    flow_count_lost(f, buf_span(&f->part).len);
    flow_free_buf(&f->part);
}

void flow_drop_held(struct flow *f)
{
    flow_count_lost(f, buf_span(&f->held).len);
    flow_free_buf(&f->held);
}

void flow_deinit(struct flow *f)
{
    flow_forget_part(f);
    flow_drop_held(f);
    f->sink = NULL;
}

static void flow_send(struct flow *f, struct span bytes)
{
    f->counters->bytes += bytes.len;
    f->here.bytes += bytes.len;
    endpoint_write(f->sink, bytes);
}

static void flow_count_message(struct flow *f)
{
    f->counters->messages++;
    f->here.messages++;
}

/* Add to the message that has begun; each time it is full it goes out, so that a long message
 * streams through in pieces of one record. */
static int flow_keep_part(struct flow *f, struct span bytes, struct fault *fault)
{
    if (f->part.data == NULL) {
        uint8_t *memory = mem_new(1, FLOW_WHOLE_MAX);
        if (memory == NULL) {
            flow_count_lost(f, bytes.len);
            return fault_set(fault, FAULT_MEMORY, FAULT_SIDE_SELF, "no memory for a message", NULL);
        }
        f->part = buf_of(memory, FLOW_WHOLE_MAX);
    }
    while (bytes.len > 0) {
        struct span piece = span_first(bytes, FLOW_WHOLE_MAX - buf_span(&f->part).len);
        bool fits = buf_put(&f->part, piece);
        assert(fits);
        bytes = span_after(bytes, piece.len);
        if (buf_span(&f->part).len == FLOW_WHOLE_MAX && bytes.len > 0) {
            flow_send(f, buf_span(&f->part));
            buf_drop(&f->part, FLOW_WHOLE_MAX);
            f->streaming = true;
        }
    }
    return 0;
}

/* The message is whole: what was kept and these last bytes go out in one write when they fit. */
static int flow_finish_message(struct flow *f, struct span last, struct fault *fault)
{
    if (f->part.data == NULL) {
        if (last.len > 0) {
            flow_send(f, last);
        }
    } else {
        int rc = flow_keep_part(f, last, fault);
        if (rc != 0) {
            return rc;
        }
        flow_send(f, buf_span(&f->part));
        flow_free_buf(&f->part);
    }
    f->streaming = false;
    flow_count_message(f);
    return 0;
}

static int flow_too_long(struct flow *f, size_t len, struct fault *fault)
{
    bool streaming = f->streaming;
    flow_forget_part(f);
    flow_count_lost(f, len);
    f->streaming = false;
    if (streaming) {
        /* The sink has a beginning that will never get its end: only closing tells it so. */
        return fault_set(fault, FAULT_TOO_LONG, FAULT_SIDE_DEVICE,
                         "a message is longer than max_frame", NULL);
    }
    return 0;
}

/* The rest of a message whose beginning was before the link: follow it to its end and lose it. */
static int flow_discard(struct flow *f, struct framer_cut cut, struct fault *fault)
{
    flow_count_lost(f, cut.len);
    if (cut.label == FRAMER_BROKEN) {
        return fault_set(fault, FAULT_FRAME, FAULT_SIDE_DEVICE, "bytes that break the protocol",
                         NULL);
    }
    f->discarding = cut.label == FRAMER_PART;
    return 0;
}

static int flow_take(struct flow *f, struct framer_cut cut, struct span bytes, struct fault *fault)
{
    if (f->discarding) {
        return flow_discard(f, cut, fault);
    }
    switch (cut.label) {
    case FRAMER_PART:
        return flow_keep_part(f, bytes, fault);
    case FRAMER_END:
        return flow_finish_message(f, bytes, fault);
    case FRAMER_JUNK:
        f->counters->junk += bytes.len;
        f->here.junk += bytes.len;
        return 0;
    case FRAMER_TOO_LONG:
        return flow_too_long(f, bytes.len, fault);
    case FRAMER_BROKEN:
        break;
    }
    flow_count_lost(f, bytes.len);
    return fault_set(fault, FAULT_FRAME, FAULT_SIDE_DEVICE, "bytes that break the protocol", NULL);
}

int flow_feed(struct flow *f, struct span data, struct fault *fault)
{
    assert(f->sink != NULL);
    while (data.len > 0) {
        struct framer_cut cut = framer_step(&f->framer, data);
        assert(cut.len <= data.len); /* 0: a CR that was given out is an end after all */
        int rc = flow_take(f, cut, span_first(data, cut.len), fault);
        data = span_after(data, cut.len);
        if (rc != 0) {
            flow_count_lost(f, data.len);
            return rc;
        }
    }
    return 0;
}

void flow_drop(struct flow *f, struct span data)
{
    flow_count_lost(f, data.len);
    while (data.len > 0) {
        struct framer_cut cut = framer_step(&f->framer, data);
        data = span_after(data, cut.len);
        if (cut.label == FRAMER_BROKEN) {
            framer_reset(&f->framer);
        }
    }
}

int flow_hold(struct flow *f, struct span data)
{
    size_t have = buf_span(&f->held).len;
    uint8_t *memory = mem_new(1, have + data.len);
    if (memory == NULL) {
        flow_count_lost(f, data.len);
        return FAULT_MEMORY;
    }
    struct buf bigger = buf_of(memory, have + data.len);
    (void)buf_put(&bigger, buf_span(&f->held)); /* made to fit */
    (void)buf_put(&bigger, data);
    flow_free_buf(&f->held);
    f->held = bigger;
    return 0;
}

size_t flow_held(const struct flow *f)
{
    return buf_span(&f->held).len;
}

int flow_open(struct flow *f, struct endpoint *sink, struct fault *fault)
{
    f->sink = sink;
    f->streaming = false;
    f->discarding = framer_pending(&f->framer) > 0;
    f->here = (struct flow_counters){.lost = f->here.lost};
    if (f->held.data == NULL) {
        return 0;
    }
    struct buf held = f->held;
    f->held = (struct buf){0};
    int rc = flow_feed(f, buf_span(&held), fault);
    flow_free_buf(&held);
    return rc;
}

void flow_follow(struct flow *f, const struct framer *framer)
{
    flow_forget_part(f);
    f->framer = *framer;
    f->streaming = false;
    f->discarding = framer_pending(framer) > 0;
}

void flow_close(struct flow *f)
{
    flow_forget_part(f);
    f->streaming = false;
    f->sink = NULL;
}

int flow_silence(struct flow *f, struct fault *fault)
{
    if (!framer_silence(&f->framer)) {
        return 0;
    }
    if (f->discarding) {
        f->discarding = false;
        return 0;
    }
    if (f->sink == NULL || f->part.data == NULL) {
        return 0; /* a message whose bytes were dropped or overlong has ended */
    }
    return flow_finish_message(f, span_of(NULL, 0), fault);
}

bool flow_wants_silence(const struct flow *f)
{
    return framer_wants_silence(&f->framer);
}

size_t flow_end(struct flow *f, struct fault *fault)
{
    if (flow_wants_silence(f)) {
        (void)flow_silence(f, fault); /* no memory is needed: the message is there already */
    }
    size_t cut = framer_pending(&f->framer);
    flow_forget_part(f);
    framer_reset(&f->framer);
    return cut;
}

bool flow_is_clear(const struct flow *f)
{
    return f->sink != NULL && f->held.data == NULL && endpoint_is_clear(f->sink);
}
