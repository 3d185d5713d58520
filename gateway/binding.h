/*
 * Binding: is the device that a certificate stands for really the one on the port?
 *
 * Floor 3, loop thread only. Owned by a device whose section has `expect`. When the port comes up
 * it reads who is there, from the USB adapter and with questions to the device on its Modbus line,
 * and compares. Whoever does not answer is asked again, later each time (1 s to 30 s), and so is a
 * stranger: a device may be changed behind an adapter that stays. A device that is bound is asked
 * again every minute, and when it was silent for a while.
 *
 * What a stranger says of itself is told (it is made plain); the values of its registers are not.
 */
#ifndef WARDGATE_BINDING_H
#define WARDGATE_BINDING_H

#include <stdbool.h>

#include "conf/conf.h"
#include "gateway/bus.h"
#include "gateway/io.h"
#include "protocols/fault.h"

struct binding;

enum binding_state {
    BINDING_AWAY,     /* the port is not there */
    BINDING_ASKING,   /* it is being found out */
    BINDING_SILENT,   /* the device does not answer; asked again */
    BINDING_STRANGER, /* another device; asked again */
    BINDING_BOUND,    /* all that is expected holds */
};

struct binding_settings {
    struct io *io;
    const struct conf_device *conf; /* borrowed; has `expect` */
    struct bus_device *bus;         /* Modbus, else NULL; outlives the binding */
    const char *sysfs;              /* see usb_serial.h; borrowed */
    void (*on_change)(void *owner); /* the state, or who the stranger is, changed; from the loop */
    void (*on_closed)(void *owner); /* after binding_close; last call, from the loop */
    void *owner;
};

/* In AWAY. NULL: out of memory. Settings are copied. */
struct binding *binding_new(const struct binding_settings *settings);

/* The port came; it went. To ASKING or AWAY without a call of on_change. */
void binding_port_up(struct binding *b);
void binding_port_down(struct binding *b);

/* It was silent for so long that it may have been changed: from BOUND to ASKING, likewise. */
void binding_doubt(struct binding *b);

enum binding_state binding_state(const struct binding *b);

/* "away", "asking", "silent", "stranger", "bound". */
const char *binding_state_name(enum binding_state state);

/* Why it is not bound, side device: FAULT_STRANGER "expected …, found …", or FAULT_NO_IDENTITY.
 * Code NONE in AWAY and BOUND. */
const struct fault *binding_fault(const struct binding *b);

/* Ask nothing more; on_closed follows. Idempotent. The bus is not used any more on return. */
void binding_close(struct binding *b);

/* Only after on_closed. NULL is fine. */
void binding_free(struct binding *b);

#endif
