/*
 * Tests only: a device at work, on the stage of a session (without that session): two hospital
 * servers, a pseudo-terminal or plain TCP as the device's own end.
 */
#ifndef WARDGATE_TEST_LINK_RIG_H
#define WARDGATE_TEST_LINK_RIG_H

#include "gateway/device_private.h"
#include "tests/unit/gateway/link_stage.h"

enum { RIG_LINKS_MAX = 8 };

struct rig {
    struct stage stage; /* conf is the device's: change it before rig_start */
    struct device *device;
    const char *sysfs; /* see device.h; NULL: the machine's own */
    unsigned stopped;
    struct snapshot_device shown;
    struct snapshot_link links[SNAPSHOT_LINKS_MAX]; /* of it */
    struct ear ears[RIG_LINKS_MAX];                 /* connections before the device has them */
    unsigned ear_count;
    unsigned refused; /* connections that the device did not take */
    char port_path[64];
};

void rig_init(struct rig *r);
void rig_end(struct rig *r);

/* Make and start the device. */
void rig_start(struct rig *r);

/* Stop it and wait for that. */
void rig_stop(struct rig *r, bool now);

/* The port becomes a pseudo-terminal; its master. */
int rig_use_serial(struct rig *r);

/* The hospital dials in; alone it is called bms. */
void rig_listen(struct rig *r);

/* What status shows now. */
const struct snapshot_device *rig_look(struct rig *r);

/* Run the loop until status shows this state, or these words (their beginning). */
void rig_until_state(struct rig *r, const char *state);
void rig_until_words(struct rig *r, const char *words);

/* The device dials the gateway: its end. Whether it was taken shows in r->refused. */
int rig_device_dials(struct rig *r);

/* A hospital dials the gateway; waits until the device has taken or refused it. */
struct hospital_link *rig_hospital_dials(struct rig *r, struct hospital *h);

/* Session number `at`, newest first; NULL past the last. */
struct session *rig_session(struct rig *r, size_t at);

#endif
