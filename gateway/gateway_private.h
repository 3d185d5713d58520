/*
 * The inside of the gateway, shared by gateway.c (devices, reload, stop), gateway_doors.c
 * (listening addresses and whom a connection is for) and gateway_lines.c (generations and Modbus
 * lines). Floor 3.
 */
#ifndef WARDGATE_GATEWAY_PRIVATE_H
#define WARDGATE_GATEWAY_PRIVATE_H

#include "gateway/bus.h"
#include "gateway/device.h"
#include "gateway/gate.h"
#include "gateway/gateway.h"
#include "gateway/listener.h"
#include "gateway/obstacles.h"
#include "gateway/revocation.h"

/* A configuration that running devices still borrow from. Counted: the gateway holds the present
 * one, each device the one that it was made from. */
struct generation {
    struct conf *conf;
    bool *runs; /* for each device of conf: there is an entry that goes on */
    size_t holders;
};

/* A line that Modbus devices share. */
struct line {
    struct bus *bus;
    struct line *next;
    struct gateway *gateway;
    struct generation *generation; /* the bus borrows port and line of its first device */
    size_t users;
    const char *port_text; /* of that device */
    struct obstacle port;  /* while it closes */
    bool closing;
};

struct entry {
    struct device *device;
    struct generation *generation;
    struct generation *rules; /* whose role rules are in force: as above, or a later one */
    struct line *line;        /* Modbus, else NULL */
    struct entry *next;
    struct gateway *gateway;
    uint64_t shown_in;          /* number of the last walk that showed it; 0: none did */
    struct obstacle name, port; /* while it ends for a reload */
    bool stopped;
};

/* Somebody looks at all devices, some in each turn of the loop. */
struct walk {
    uint64_t number;     /* of this walk, the first is 1 */
    struct entry *ahead; /* to be shown next; NULL: none is left */
    bool is_broken;      /* what it showed is not true any more */
};

/* A listening address; those that a reload made unused close by themselves. */
struct door {
    struct gateway *gateway;
    struct listener *listener;
    struct door **slot; /* of the list that it is in */
    struct door *next;
    bool is_used; /* while doors are closed: by a device of the configuration */
    bool closing;
};

/* Ten thousand devices may have an address each, and each reload looks for all of them. */
enum { GATEWAY_DOOR_LISTS = 1024 };

struct gateway {
    struct io *io;
    struct generation *present;
    struct gate gate;
    struct revocation *revocation;
    bool revocation_open; /* not closed yet */
    struct entry *entries;
    struct entry **entries_end; /* where the next one is put */
    struct walk walk;
    size_t start_next; /* devices of `present` before this one were looked at */
    struct obstacles obstacles;
    bool has_stopped; /* an entry has, and is to be freed */
    struct line *lines;
    struct door *doors[GATEWAY_DOOR_LISTS]; /* by the hash of the address */
    size_t door_count;
    uv_timer_t reap; /* what must not happen inside somebody's callback happens here */
    bool reap_open, started, stopping, reap_closing;
    uint64_t generation;
    int64_t loaded_at_s;
    void (*on_stopped)(void *owner);
    void *owner;
};

/* gateway.c: do what is due from the loop's next turn. */
void gateway_ask_reap(struct gateway *g);
/* What ended stands in nobody's way any more: gateway_ask_reap looks at all devices again. */
void gateway_clear_way(struct gateway *g, struct obstacle *o);
/* May device i of the present configuration, which does not run, be started now? Not while one that
 * is ending has its name or its port. */
bool gateway_may_start(const struct gateway *g, size_t i);
/* Start device i of the present configuration. */
void gateway_start_device(struct gateway *g, size_t i);

/* gateway_doors.c. Open what this configuration needs: 0, or a fault code with *f (what was opened
 * stays: close it with gateway_close_doors). */
int gateway_open_doors(struct gateway *g, const struct conf *conf, struct fault *f);
/* Close the doors that this configuration does not need; NULL: all. */
void gateway_close_doors(struct gateway *g, const struct conf *conf);

/* gateway_lines.c. A generation has one holder when it is made; the last release frees the
 * configuration. NULL: no memory. */
struct generation *generation_new(struct conf *conf);
struct generation *generation_hold(struct generation *gen);
void generation_release(struct generation *gen);
/* The line for this Modbus device, joined; NULL: no memory. */
struct line *gateway_join_line(struct gateway *g, const struct conf_device *c);
/* The last one to leave closes the line. NULL is fine. */
void gateway_leave_line(struct line *line);

#endif
