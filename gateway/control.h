/*
 * The control socket: how `wardgate status`, `reload`, `block` and their like talk to the running
 * gateway.
 *
 * Floor 3, loop thread only. An AF_UNIX stream socket of mode 0660: who may open it may ask. One
 * request per connection: a word and a newline, or for an order of a person a word, one blank, its
 * arguments as a JSON object and a newline (order_text.h); the answer is one line of JSON, then the
 * end. Bounded: requests of 1024 bytes, 8 clients at once (more wait in the kernel's queue), 5 s
 * for a client to ask and 5 s to take some of the answer; the gateway takes the time that it needs.
 */
#ifndef WARDGATE_CONTROL_H
#define WARDGATE_CONTROL_H

#include "gateway/control_path.h"
#include "gateway/io.h"
#include "protocols/bytes.h"

/* CONTROL_REQUEST_MAX: of the line, with its newline. */
enum { CONTROL_REQUEST_MAX = 1024, CONTROL_CLIENTS_MAX = 8, CONTROL_CLIENT_MS = 5000 };

struct control;
struct control_client;

enum control_request {
    CONTROL_STATUS,
    CONTROL_RELOAD,
    CONTROL_REFRESH,
    /* With arguments: */
    CONTROL_BLOCK,
    CONTROL_UNBLOCK,
    CONTROL_BREAK_GLASS,
};

struct control_events {
    /* Somebody asks. The owner calls control_answer exactly once for each client, now or later,
     * even when control_close came in between. `arguments`: as they came, unread; empty when there
     * are none. They live until control_answer. */
    void (*on_request)(void *owner, struct control_client *client, enum control_request what,
                       struct span arguments);
    /* After control_close, when nothing is open and every request was answered; the last call. */
    void (*on_closed)(void *owner);
};

/* The word of a request on the socket: "status", "break-glass". Never NULL. */
const char *control_word(enum control_request what);

/* Serve at a path that control_path_take took. Takes the path over, also on failure. `io` is
 * borrowed and outlives the control. NULL: out of memory. */
struct control *control_open(struct io *io, struct control_path *path,
                             const struct control_events *events, void *owner);

/* Send `text` (one line of JSON, copied) and close. NULL: out of memory, say so. A client that went
 * away hears nothing. `client` is not to be used afterwards. */
void control_answer(struct control_client *client, const char *text);

/* The same, but `text` is taken over (from mem.h) and not copied: a status can be megabytes. */
void control_answer_owned(struct control_client *client, char *text);

/* Remove the socket, close every client; on_closed follows from the loop. Idempotent. */
void control_close(struct control *c);

/* Only after on_closed. Lets the lock go. NULL is fine. */
void control_free(struct control *c);

#endif
