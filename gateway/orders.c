#include "gateway/orders.h"

#include "certs/mem.h"
#include "gateway/jsontext.h"
#include "gateway/log.h"
#include "gateway/order_text.h"

/* An order under way, and who waits for it. */
struct pending {
    struct control_client *client;
    struct order order;
    int64_t until_s; /* break-glass: its end; 0: it ended */
};

/* Takes root over; what is no object becomes "out of memory". */
static void answer(struct control_client *client, json_t *root, bool is_made)
{
    char *text = is_made ? jsontext_dump(root) : NULL;
    json_decref(root);
    control_answer(client, text);
    mem_free(text);
}

/* {"ok": is_done, "order": WORD} */
static json_t *answer_object(enum control_request what, bool is_done)
{
    json_t *root = json_object();
    if (json_object_set_new(root, "ok", json_boolean(is_done)) != 0 ||
        !jsontext_set(root, "order", control_word(what))) {
        json_decref(root);
        return NULL;
    }
    return root;
}

/* What was done is logged where it is done. */
static void log_failure(enum control_request what, const char *why)
{
    const struct log_field fields[] = {LOG_TEXT("order", control_word(what)), LOG_TEXT("why", why)};
    log_event(CONF_LOG_WARNING, NULL, "order-failed", fields, 2);
}

static void answer_refusal(struct control_client *client, enum control_request what,
                           const char *error, enum fault_code code)
{
    json_t *root = answer_object(what, false);
    log_failure(what, error);
    answer(client, root,
           jsontext_set(root, "error", error) && jsontext_set(root, "code", fault_code_name(code)));
}

static void answer_fault(struct control_client *client, enum control_request what,
                         const struct fault *f)
{
    answer_refusal(client, what, f->note[0] != '\0' ? f->note : fault_text(f), f->code);
}

void orders_refuse(struct control_client *client, enum control_request what, const char *why)
{
    answer_refusal(client, what, why, FAULT_STOPPED);
}

/* What each order has to tell besides. */
static bool set_outcome(json_t *root, const struct pending *p, size_t count)
{
    switch (p->order.what) {
    case CONTROL_BLOCK:
        return jsontext_set(root, "what", p->order.subject) &&
               jsontext_set_count(root, "links_cut", count);
    case CONTROL_UNBLOCK:
        return jsontext_set(root, "what", p->order.subject);
    case CONTROL_BREAK_GLASS:
        return jsontext_set(root, "device", p->order.subject) &&
               jsontext_set_time(root, "until", p->until_s);
    case CONTROL_REFRESH:
        return jsontext_set_count(root, "sources_read", count);
    case CONTROL_STATUS:
    case CONTROL_RELOAD:
        break; /* no orders */
    }
    return false;
}

static void on_done(void *owner, const struct revocation_report *report)
{
    struct pending *p = owner;
    bool is_done = report->error == NULL;
    json_t *root = answer_object(p->order.what, is_done);
    if (!is_done) {
        log_failure(p->order.what, report->error);
    }
    answer(p->client, root,
           set_outcome(root, p, report->count) &&
               (is_done || jsontext_set(root, "error", report->error)));
    mem_free(p);
}

/* 0: on_done comes. Else a fault code, and it does not. */
static int carry_out(struct revocation *r, struct pending *p, struct fault *f)
{
    const struct revocation_order done = {on_done, p};
    const struct order *o = &p->order;
    struct revocation_grant grant = {o->subject, o->reason, o->for_s};
    switch (o->what) {
    case CONTROL_BLOCK:
        return revocation_block(r, o->subject, o->reason, &done, f);
    case CONTROL_UNBLOCK:
        return revocation_unblock(r, o->subject, &done, f);
    case CONTROL_BREAK_GLASS:
        p->until_s = o->for_s > 0 ? io_wall_s() + o->for_s : 0;
        return revocation_break_glass(r, &grant, &done, f);
    case CONTROL_REFRESH:
        return revocation_refresh(r, &done, f);
    case CONTROL_STATUS:
    case CONTROL_RELOAD:
        break;
    }
    return fault_set(f, FAULT_INTERNAL, FAULT_SIDE_SELF, "no order: ", control_word(o->what));
}

void orders_take(struct revocation *r, struct control_client *client, enum control_request what,
                 struct span arguments)
{
    struct fault f;
    struct order order;
    if (order_text_read(what, arguments, &order, &f) != 0) {
        answer_fault(client, what, &f);
        return;
    }
    struct pending *p = mem_new(1, sizeof(*p));
    if (p == NULL) {
        control_answer(client, NULL);
        return;
    }
    p->client = client;
    p->order = order;
    if (carry_out(r, p, &f) != 0) {
        mem_free(p);
        answer_fault(client, what, &f);
    }
}
