/*
 * The desk where status is asked for: it makes the text device by device, some in each turn of the
 * loop, so that ten thousand devices on a screen hold no link up.
 *
 * Floor 3, loop thread only. One text is made at a time. Who asks meanwhile gets the next one, with
 * the others who do: what was done before a request, a block say, is in its answer. When devices
 * change under the walk, it begins again.
 */
#ifndef WARDGATE_STATUS_DESK_H
#define WARDGATE_STATUS_DESK_H

#include <stdbool.h>
#include <stddef.h>

#include <uv.h>

#include "gateway/control.h"
#include "gateway/gateway.h"
#include "gateway/io.h"
#include "gateway/stall.h"
#include "gateway/status.h"

/* Clients who wait for the same text. */
struct status_queue {
    struct control_client *clients[CONTROL_CLIENTS_MAX];
    size_t count;
};

/* Private to status_desk.c; the struct belongs to its user. */
struct status_desk {
    uv_idle_t turn; /* runs while a text is made */
    struct io *io;
    struct gateway *gateway;
    const struct stall *stall;
    struct status_text text;     /* is being made */
    char *made;                  /* owned: whole, goes out to one client in each turn; or NULL */
    struct status_queue served;  /* get this text */
    struct status_queue waiting; /* get the next one */
    bool closing;
};

/* Begin. io, gateway and stall are borrowed until status_desk_close. Cannot fail. */
void status_desk_open(struct status_desk *d, struct io *io, struct gateway *gateway,
                      const struct stall *stall);

/* Answer this client with control_answer, from a later turn of the loop: with the text of status.h,
 * or with NULL when there is no memory for it or the desk is closed meanwhile. At most
 * CONTROL_CLIENTS_MAX may wait at a time, as control.h promises. Not after status_desk_close. */
void status_desk_ask(struct status_desk *d, struct control_client *client);

/* End: who waits is answered now, with NULL. Idempotent. The struct must outlive the loop's next
 * turn. */
void status_desk_close(struct status_desk *d);

#endif
