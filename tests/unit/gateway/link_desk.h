/*
 * Tests only: seats at the inquiries of a ward, without any link, and evidence for them.
 */
#ifndef WARDGATE_TEST_LINK_DESK_H
#define WARDGATE_TEST_LINK_DESK_H

#include "gateway/revocation_private.h"
#include "tests/unit/gateway/capture.h"
#include "tests/unit/gateway/link_ward.h"
#include "tests/unit/gateway/press.h"
#include "tests/unit/gateway/wall.h"

struct desk {
    struct bench bench;
    struct trust *trust; /* of the PKI's root */
    struct ward ward;
    struct press press;
    struct capture log; /* warnings and errors */
    struct conf_crl crl;
};

void desk_open(struct desk *d);

/* All chairs must be empty. What was logged; nothing of it was our own mistake. */
const char *desk_close(struct desk *d);

struct knowledge *desk_knowledge(struct desk *d);

/* The same without a desk. */
void ward_learn(struct ward *w, struct press *p, const struct press_list *list);
void ward_settle(struct ward *w);
void ward_tick(struct ward *w);
void ward_use_source(struct ward *w, struct conf_crl *crl);
void ward_block(struct ward *w, const char *what);
void ward_unblock(struct ward *w, const char *what);
void ward_grant(struct ward *w, const char *device, int64_t for_s);

/* A URL at which nobody ever answers. */
void desk_silent_url(char *url, size_t cap);

/* A CRL arrives, as a source would bring it. */
void desk_learn(struct desk *d, const struct press_list *list);

/* Nobody is revoked, says the root, and so does its intermediate. */
void desk_learn_good(struct desk *d);

/* The same source for CRLs under a new configuration: a place (URL or path) that is borrowed. */
void desk_use_source(struct desk *d, enum conf_crl_kind kind, char *place);

/* Run until all is asked and told. */
void desk_settle(struct desk *d);

/* What is due each second is due now; then desk_settle. */
void desk_tick(struct desk *d);

/* A person's order that waits for its end. */
struct desk_order {
    struct revocation_order order;
    unsigned done;
    bool failed;
    char error[1100];
    size_t count;
    void (*hook)(struct desk_order *o); /* from inside done; may be NULL */
    struct ward *ward;
};

void desk_order_init(struct desk_order *o, struct ward *w);
void desk_order_wait(struct desk_order *o);

/* In force, or the test fails. */
void desk_block(struct desk *d, const char *what);
void desk_unblock(struct desk *d, const char *what);
void desk_grant(struct desk *d, const char *device, int64_t for_s);

struct chair {
    struct inquiry_seat seat;
    struct desk *desk;
    struct conf_device conf;
    unsigned told;
    struct inquiry_state now;       /* when it was told last, or looked at */
    struct chair *other;            /* the hook's own */
    void (*hook)(struct chair *at); /* from inside on_verdict; may be NULL */
};

/* For a device of this name (borrowed), one of the configuration's two. */
void chair_init(struct chair *c, struct desk *d, const char *device, enum conf_revocation mode);

/* Ask about NAME.pem of the PKI. False: refused. */
bool chair_ask(struct chair *c, enum inquiry_who who, const char *name, struct span staple);

/* The same, as the server of a link that we dial, without a staple; what is known at once. */
const struct inquiry_state *chair_sit(struct chair *c, const char *name);

const struct inquiry_state *chair_look(struct chair *c);

#endif
