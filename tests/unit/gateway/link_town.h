/*
 * Tests only: a whole gateway, made from a configuration text as conf_load reads it, with two
 * hospitals and plain sockets around it.
 */
#ifndef WARDGATE_TEST_LINK_TOWN_H
#define WARDGATE_TEST_LINK_TOWN_H

#include "gateway/gateway_private.h"
#include "tests/unit/gateway/capture.h"
#include "tests/unit/gateway/link_fixture.h"

enum { TOWN_HOSPITALS = 2, TOWN_TEXT_MAX = 8192 };

struct town {
    struct bench bench;
    struct hospital hospitals[TOWN_HOSPITALS]; /* number 0 listens as hl7, number 1 is bms */
    struct gateway *gateway;
    unsigned stopped;
    char folder[64];
    char pki[256];
    char text[TOWN_TEXT_MAX]; /* the device sections of the next configuration */
    size_t len;
    struct snapshot_device shown;
    struct capture errors;
};

void town_init(struct town *t);

/* Stops the gateway at once and closes all; the loop must then be empty. */
void town_end(struct town *t);

/* Add a line to the next configuration (printf). */
void town_line(struct town *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Begin a device section: its name, its certificate in the PKI, trust. */
void town_device(struct town *t, const char *name, const char *certificate);

/* What town_line and town_device made, as a configuration; the text starts anew. */
struct conf *town_load(struct town *t);

/* Make and start the gateway from the text. */
void town_start(struct town *t);

/* Reload the text; it must work. */
void town_reload(struct town *t);

/* Run the loop until the gateway has stopped. */
void town_wait_stopped(struct town *t);

/* The whole state, devices and all, at one moment; the caller ends with snapshot_free. */
void town_snapshot(struct town *t, struct snapshot *all);

/* What status shows of a device; false when there is none of that name. */
bool town_look(struct town *t, const char *device);

/* Run the loop until the device shows this state. */
void town_until(struct town *t, const char *device, const char *state);

/* A plain socket to 127.0.0.1:port. From the address `from` (NULL: any). */
int town_dial(struct town *t, uint16_t port, const char *from);

#endif
