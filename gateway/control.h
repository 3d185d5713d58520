/*
 * The control socket: how `wardgate status` and `wardgate reload` talk to the running gateway.
 *
 * Floor 3, loop thread only. An AF_UNIX stream socket of mode 0660: who may open it may ask. One
 * request per connection: a word and a newline; the answer is one line of JSON, then the end.
 * Bounded: requests of 64 bytes, 8 clients at once (more wait in the kernel's queue), 5 s for a
 * client to ask and 5 s to take the answer.
 *
 * A lock file beside the socket (PATH.lock) says whether its owner lives; it stays when we end,
 * because removing a lock file is a race.
 */
#ifndef WARDGATE_CONTROL_H
#define WARDGATE_CONTROL_H

#include "gateway/io.h"
#include "protocols/fault.h"

enum { CONTROL_REQUEST_MAX = 64, CONTROL_CLIENTS_MAX = 8, CONTROL_CLIENT_MS = 5000 };

struct control;
struct control_client;

enum control_request { CONTROL_STATUS, CONTROL_RELOAD };

struct control_events {
    /* Somebody asks. The owner calls control_answer exactly once for each client, now or later,
     * even when control_close came in between. */
    void (*on_request)(void *owner, struct control_client *client, enum control_request what);
    /* After control_close, when nothing is open and every request was answered; the last call. */
    void (*on_closed)(void *owner);
};

/* Bind and listen. A socket that a dead gateway left is replaced; a living one is refused. `io`
 * is borrowed and outlives the control; the path is copied. Called before other threads run (it
 * sets the umask for a moment). NULL with *f (side configuration but BUSY and MEMORY, side self):
 * FAULT_BUSY (another gateway uses this path), FAULT_OPEN (folder missing, no permission, a file
 * that is no socket stands there, path too long), FAULT_MEMORY. */
struct control *control_open(struct io *io, const char *path, const struct control_events *events,
                             void *owner, struct fault *f);

/* Send `text` (one line of JSON, copied) and close. NULL: out of memory, say so. A client that went
 * away hears nothing. `client` is not to be used afterwards. */
void control_answer(struct control_client *client, const char *text);

/* Remove the socket, close every client; on_closed follows from the loop. Idempotent. */
void control_close(struct control *c);

/* Only after on_closed. Lets the lock go. NULL is fine. */
void control_free(struct control *c);

#endif
