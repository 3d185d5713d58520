/*
 * The inside of a binding: binding.c (life, rounds, what comes of an answer) and binding_ask.c
 * (each single question: its request, and whether an answer is the right one). Floor 3.
 */
#ifndef WARDGATE_BINDING_PRIVATE_H
#define WARDGATE_BINDING_PRIVATE_H

#include "gateway/binding.h"
#include "protocols/modbus_device_id.h"
#include "protocols/modbus_mbap.h"

/* What one answer comes down to. */
enum binding_finding {
    BINDING_HOLDS,     /* as expected */
    BINDING_ASK_ON,    /* the answer goes on: ask the same question's next part */
    BINDING_NO_ANSWER, /* nobody spoke, or nobody could be asked */
    BINDING_DIFFERS,   /* another device */
};

/* The question in hand. */
struct binding_question {
    const struct conf_expect *expect;
    struct modbus_device_id id; /* parts so far */
};

/* Begin a question. */
void binding_ask_start(struct binding_question *q, const struct conf_expect *expect);

/* The PDU to ask with. `to` has MODBUS_PDU_MAX bytes. */
void binding_ask_put(const struct binding_question *q, struct room *to);

/* Judge the answer (a whole PDU, perhaps an exception). With DIFFERS *f says what was found. */
enum binding_finding binding_ask_judge(struct binding_question *q, struct span pdu,
                                       struct fault *f);

/* The question that needs no line: the adapter of this port. */
enum binding_finding binding_ask_adapter(const struct conf_expect *expect, const char *sysfs,
                                         const char *path, struct fault *f);

#endif
