/*
 * Tests only: what links ask about revocation, with one trust and a state folder of its own.
 */
#ifndef WARDGATE_TEST_LINK_WARD_H
#define WARDGATE_TEST_LINK_WARD_H

#include "gateway/revocation.h"
#include "tests/unit/gateway/bench.h"

struct ward {
    struct bench *bench;
    struct conf conf;
    struct conf_trust section; /* "hospital" */
    struct revocation *revocation;
    unsigned closed;
    char folder[64];
    struct pool *pool; /* of the configuration's index */
};

/* trust: borrowed. The section has no sources; its check_timeout is 500 ms. */
void ward_open(struct ward *w, struct bench *b, struct trust *trust);

/* These are the configured devices. Borrowed. */
void ward_use_devices(struct ward *w, struct conf_device *devices, size_t count);

/* Every seat must have been left. */
void ward_close(struct ward *w);

#endif
