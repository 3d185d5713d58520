/*
 * Endpoint: one transport, whatever lies under it: serial line, TCP, TLS over TCP.
 *
 * Floor 3, loop thread only. One heap object with its libuv handles inside. The owner gets events
 * and calls functions; the endpoint never calls the owner from inside a call that the owner made
 * (it defers to the loop), with one exception: a function called from within an event callback may
 * run while that callback is on the stack, of course.
 *
 * Closing (architecture, section 5): endpoint_close is idempotent, keeps the first fault, and
 * returns; the owner then hears exactly one thing, on_closed, always from the loop. Any failure
 * closes the endpoint by itself and is heard the same way. After on_closed the owner calls
 * endpoint_free.
 *
 * Back-pressure: endpoint_write takes all and parks what the kernel would not take (memory exists
 * only meanwhile). The owner stops reading its source while endpoint_is_clear says false and goes
 * on at on_drained; so at most one read's worth is parked.
 */
#ifndef WARDGATE_ENDPOINT_H
#define WARDGATE_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "certs/tls.h"
#include "conf/conf.h"
#include "gateway/io.h"
#include "protocols/bytes.h"
#include "protocols/fault.h"

struct endpoint;

/* Each is called from the loop, never after on_closed. `owner` is what was given at the start.
 * Any may be NULL except on_closed. */
struct endpoint_events {
    /* Connected (TCP) or open (serial). Not called for accepted endpoints. Reading is stopped. */
    void (*on_open)(void *owner);
    /* The TLS handshake is done (after endpoint_start_tls). Reading is stopped. */
    void (*on_secure)(void *owner);
    /* Bytes: plain text where TLS runs. Borrowed, valid in this call. */
    void (*on_data)(void *owner, struct span data);
    /* The other side will send no more (TCP FIN; TLS close_notify). Writing still works. The
     * endpoint does not close by itself after this, not even when endpoint_finish was called too:
     * the owner closes. With TLS it may come before the first endpoint_read_start (until then one
     * record is read ahead, so that an alert is heard); never before data that is still held. */
    void (*on_eof)(void *owner);
    /* All that was parked is on its way. */
    void (*on_drained)(void *owner);
    /* Over. cause->code FAULT_NONE: the owner closed it and gave no fault. cause is borrowed. */
    void (*on_closed)(void *owner, const struct fault *cause);
};

/* Who owns an endpoint. Copied; `events` is borrowed while the endpoint lives. */
struct endpoint_owner {
    const struct endpoint_events *events;
    void *self;           /* what each event gets as `owner` */
    enum fault_side side; /* of this endpoint's faults: FAULT_SIDE_DEVICE or FAULT_SIDE_SERVER */
};

/* Open a serial port (gateway/serial.h says how). NULL with *f (the owner's side): FAULT_OPEN,
 * BUSY, IO, CONFIG (a rate or parity that the driver refuses), MEMORY. Open at once: on_open is not
 * called; reading is stopped. HUPCL off; input pending from before is discarded. */
struct endpoint *endpoint_open_serial(struct io *io, const char *path, const struct conf_line *line,
                                      const struct endpoint_owner *owner, struct fault *f);

/* Resolve and connect to `to`, trying its addresses in turn, all within timeout_ms (1..). Sets
 * TCP_NODELAY and keep-alive. NULL only when out of memory; all else is heard by on_closed
 * (FAULT_RESOLVE, REFUSED, UNREACHABLE, TIMEOUT). `to` is copied. */
struct endpoint *endpoint_dial(struct io *io, const struct conf_address *to, uint32_t timeout_ms,
                               const struct endpoint_owner *owner, struct fault *f);

/* Take one connection from a listening handle, from within its connection callback. Reading is
 * stopped; TCP_NODELAY and keep-alive are set. NULL with *f (the connection is then gone). */
struct endpoint *endpoint_accept(struct io *io, uv_stream_t *listener,
                                 const struct endpoint_owner *owner, struct fault *f);

/* Take one connection from a listening handle, from within its connection callback, and drop it:
 * for when there is no memory to accept it. Without this the listener would never be heard again.
 */
void endpoint_drop_connection(uv_stream_t *listener);

/* Put TLS on an open TCP endpoint. Takes the engine over (also on failure). `first` are bytes that
 * were already read (a ClientHello). on_secure follows, or on_closed. After it endpoint_write,
 * on_data … mean plain text. The handshake reads and writes by itself. */
void endpoint_start_tls(struct endpoint *ep, struct tls_engine *engine, struct span first);

/* The engine, or NULL. Owned by the endpoint. */
struct tls_engine *endpoint_tls(struct endpoint *ep);

/* Idempotent. After start, data comes from the loop (also what TLS had already decrypted). */
void endpoint_read_start(struct endpoint *ep);
void endpoint_read_stop(struct endpoint *ep);

/* Send bytes: with TLS one record for each call of at most 16 KiB (longer ones are split). Takes
 * all. A failure closes the endpoint (heard later); bytes to a closing endpoint are dropped. */
void endpoint_write(struct endpoint *ep, struct span bytes);

/* False while bytes are parked: on_drained will come. False as well when the endpoint is closing or
 * a write failed: on_closed will come, and what is not read from the source now is not lost. */
bool endpoint_is_clear(const struct endpoint *ep);

/* Bytes parked (plain or cipher text) that the kernel has not taken yet. */
size_t endpoint_parked(const struct endpoint *ep);

/* In on_closed: bytes that were handed in and that the kernel had not taken (cipher text under
 * TLS); plain text that had come in and was not delivered yet. */
size_t endpoint_unsent(const struct endpoint *ep);
size_t endpoint_undelivered(const struct endpoint *ep);

/* Half-close: after what is parked, send close_notify (TLS) and FIN. A no-op on a serial port.
 * Idempotent. */
void endpoint_finish(struct endpoint *ep);

/* Close now; parked bytes are dropped. TLS sends its close_notify when the handshake was done and
 * the kernel takes it. A serial port first sends what is on its way, as long as the line moves and
 * for 5 s at most; a second call ends that at once. f may be NULL. Idempotent, the first fault is
 * kept. */
void endpoint_close(struct endpoint *ep, const struct fault *f);

/* Only after on_closed. NULL is fine. */
void endpoint_free(struct endpoint *ep);

/* Give the endpoint to another owner: from now on `events` and `owner` are the ones that hear.
 * For a connection that one module accepts and another serves. */
void endpoint_adopt(struct endpoint *ep, const struct endpoint_events *events, void *owner);

/* "ADDRESS:PORT" of the other end, or the serial path. Never NULL. */
const char *endpoint_peer(const struct endpoint *ep);

/* The other end's address without the port, as inet_ntop prints it (IPv4-mapped as IPv4); "" for
 * serial. */
const char *endpoint_peer_host(const struct endpoint *ep);

/* Serial only: characters with parity or framing errors, breaks and overruns seen so far (PARMRK
 * and TIOCGICOUNT where the driver has it). 0 for others. */
uint64_t endpoint_line_errors(struct endpoint *ep);

/* Serial only: discard what came in and was not read, e.g. before a Modbus request. Returns how
 * many bytes were thrown away. 0 for others. */
size_t endpoint_discard_input(struct endpoint *ep);

#endif
