#include <assert.h>
#include <string.h>

#include "certs/mem.h"
#include "gateway/endpoint_private.h"

/* The engine failed. Its alert, if it made one, is already on its way. */
static void endpoint_tls_fail(struct endpoint *ep, const struct fault *f, bool has_alert)
{
    ep->tls_phase = ENDPOINT_TLS_OVER;
    if (has_alert) {
        endpoint_linger(ep, f);
    } else {
        endpoint_close(ep, f);
    }
}

/* Keep cipher text for the next turn. False when that failed and the endpoint is closing. */
static bool endpoint_tls_keep(struct endpoint *ep, struct span in)
{
    assert(ep->held_cipher == NULL);
    ep->held_cipher = endpoint_hold(ep, in);
    ep->tls_has_more = true;
    return in.len == 0 || ep->held_cipher != NULL;
}

static void endpoint_tls_shake(struct endpoint *ep, struct span in)
{
    struct room out = room_of(ep->io->scratch->cipher, sizeof(ep->io->scratch->cipher));
    struct fault f;
    enum tls_result result = tls_engine_handshake(ep->engine, &in, &out, &f);
    if (!endpoint_send(ep, room_span(&out)) && ep->phase != ENDPOINT_OPEN) {
        return;
    }
    switch (result) {
    case TLS_MORE:
        endpoint_update_reading(ep);
        break;
    case TLS_DONE:
        ep->tls_phase = ENDPOINT_TLS_SECURE;
        /* Data may stand right behind the handshake; it waits for the owner to hear first. */
        if (!endpoint_tls_keep(ep, in)) {
            return;
        }
        endpoint_update_reading(ep);
        if (ep->phase == ENDPOINT_OPEN && ep->owner.events->on_secure != NULL) {
            ep->owner.events->on_secure(ep->owner.self);
        }
        break;
    case TLS_CLOSED:
        fault_set(&f, FAULT_TLS, ep->owner.side, endpoint_peer(ep),
                  ": closed TLS during the handshake");
        endpoint_tls_fail(ep, &f, false);
        break;
    case TLS_FAILED:
        endpoint_tls_fail(ep, &f, out.len > 0);
        break;
    }
}

/* One decrypted record: to the owner, or kept when the owner does not want it. `in` is what stands
 * behind it. False when the loop over the records must stop here. */
static bool endpoint_tls_deliver(struct endpoint *ep, struct span plain, struct span in)
{
    if (ep->reading) {
        if (plain.len > 0 && ep->owner.events->on_data != NULL) {
            ep->owner.events->on_data(ep->owner.self, plain);
        }
    } else if (plain.len > 0) {
        ep->held_plain = endpoint_hold(ep, plain);
    }
    /* The owner may have closed or stopped inside its callback. */
    if (ep->phase != ENDPOINT_OPEN) {
        return false;
    }
    if (ep->reading || (!ep->was_reading && ep->held_plain == NULL)) {
        return in.len > 0; /* behind the last record nothing waits: no need to look */
    }
    if (endpoint_tls_keep(ep, in)) {
        endpoint_update_reading(ep);
    }
    return false;
}

static void endpoint_tls_on_notify(struct endpoint *ep)
{
    ep->got_notify = true;
    endpoint_update_reading(ep);
    if (ep->phase == ENDPOINT_OPEN && ep->owner.events->on_eof != NULL) {
        ep->owner.events->on_eof(ep->owner.self);
    }
}

/* At most one record. False when the loop over the records must stop here. */
static bool endpoint_tls_step(struct endpoint *ep, struct span *in)
{
    struct room plain = room_of(ep->io->scratch->plain, sizeof(ep->io->scratch->plain));
    struct room out = room_of(ep->io->scratch->cipher, sizeof(ep->io->scratch->cipher));
    struct fault f;
    enum tls_result result = tls_engine_read(ep->engine, in, &plain, &out, &f);
    if (!endpoint_send(ep, room_span(&out)) && ep->phase != ENDPOINT_OPEN) {
        return false;
    }
    switch (result) {
    case TLS_MORE:
        endpoint_update_reading(ep);
        return false;
    case TLS_DONE:
        return endpoint_tls_deliver(ep, room_span(&plain), *in);
    case TLS_CLOSED:
        endpoint_tls_on_notify(ep);
        return false;
    case TLS_FAILED:
        endpoint_tls_fail(ep, &f, out.len > 0);
        return false;
    }
    return false;
}

void endpoint_tls_feed(struct endpoint *ep, struct span in)
{
    ep->tls_has_more = false;
    if (ep->tls_phase == ENDPOINT_TLS_HANDSHAKE) {
        endpoint_tls_shake(ep, in);
    } else if (ep->tls_phase == ENDPOINT_TLS_SECURE && !ep->got_notify) {
        while (endpoint_tls_step(ep, &in)) {
        }
    }
    /* What comes after close_notify or a failure means nothing (RFC 8446, 6.1). */
}

void endpoint_tls_on_fin(struct endpoint *ep)
{
    struct fault f;
    ep->got_fin = true;
    if (ep->write_error != 0) {
        endpoint_fail(ep, ep->write_error, "sending");
        return;
    }
    if (ep->got_notify) {
        endpoint_update_reading(ep); /* the owner has heard on_eof and decides */
        return;
    }
    /* Without close_notify it may be an attacker who cut the connection (RFC 8446, 6.1). */
    fault_set(&f, FAULT_TRUNCATED, ep->owner.side, endpoint_peer(ep),
              ep->tls_phase == ENDPOINT_TLS_HANDSHAKE ? ": closed during the TLS handshake"
                                                      : ": closed without TLS close_notify");
    endpoint_close(ep, &f);
}

bool endpoint_tls_can_resume(const struct endpoint *ep)
{
    switch (ep->tls_phase) {
    case ENDPOINT_TLS_HANDSHAKE:
        return ep->held_cipher != NULL || ep->tls_has_more;
    case ENDPOINT_TLS_SECURE:
        if (ep->got_notify) {
            return false;
        }
        if (ep->reading) {
            return ep->held_plain != NULL || ep->held_cipher != NULL || ep->tls_has_more;
        }
        return !ep->was_reading && ep->held_plain == NULL &&
               (ep->held_cipher != NULL || ep->tls_has_more);
    case ENDPOINT_TLS_NONE:
    case ENDPOINT_TLS_OVER:
        return false;
    }
    return false;
}

void endpoint_tls_resume(struct endpoint *ep)
{
    struct endpoint_held *plain = ep->held_plain;
    if (plain != NULL && ep->reading) {
        ep->held_plain = NULL;
        if (ep->owner.events->on_data != NULL) {
            ep->owner.events->on_data(ep->owner.self, span_of(plain->data, plain->len));
        }
        mem_wipe_free(plain, sizeof(*plain) + plain->len);
    }
    if (ep->phase != ENDPOINT_OPEN || !endpoint_tls_can_resume(ep)) {
        return;
    }
    struct endpoint_held *cipher = ep->held_cipher;
    ep->held_cipher = NULL;
    endpoint_tls_feed(ep, cipher == NULL ? span_of(NULL, 0) : span_of(cipher->data, cipher->len));
    mem_free(cipher);
    if (ep->phase == ENDPOINT_OPEN) {
        endpoint_update_reading(ep); /* held bytes had stopped it */
    }
}

void endpoint_start_tls(struct endpoint *ep, struct tls_engine *engine, struct span first)
{
    assert(ep->engine == NULL && ep->kind == ENDPOINT_TCP && ep->phase != ENDPOINT_DIALING);
    ep->engine = engine; /* freed with the endpoint, whatever happens */
    if (ep->phase != ENDPOINT_OPEN) {
        return;
    }
    ep->tls_phase = ENDPOINT_TLS_HANDSHAKE;
    ep->reading = false;
    ep->was_reading = false;
    /* The first step is made by the loop: it may fail or finish, and the owner is on the stack. */
    if (endpoint_tls_keep(ep, first)) {
        endpoint_update_reading(ep);
    }
}

struct tls_engine *endpoint_tls(struct endpoint *ep)
{
    return ep->engine;
}

void endpoint_tls_write(struct endpoint *ep, struct span plain)
{
    while (plain.len > 0 && ep->phase == ENDPOINT_OPEN && ep->write_error == 0) {
        struct room out = room_of(ep->io->scratch->cipher, sizeof(ep->io->scratch->cipher));
        struct fault f;
        int code = 0;
        /* All records of one read go out in one call: it costs more than to make a record. */
        while (code == 0 && plain.len > 0 && room_left(&out) >= TLS_CIPHER_MAX) {
            code = tls_engine_write(ep->engine, span_first(plain, TLS_PLAIN_MAX), &out, &f);
            plain = span_after(plain, TLS_PLAIN_MAX);
        }
        (void)endpoint_send(ep, room_span(&out)); /* a failure is heard by on_closed */
        if (code != 0) {
            ep->tls_phase = ENDPOINT_TLS_OVER;
            endpoint_close(ep, &f);
            return;
        }
    }
}

struct span endpoint_tls_goodbye(struct endpoint *ep)
{
    struct room out = room_of(ep->io->scratch->cipher, sizeof(ep->io->scratch->cipher));
    struct fault f;
    if (ep->tls_phase != ENDPOINT_TLS_SECURE || tls_engine_shutdown(ep->engine, &out, &f) != 0) {
        return span_of(NULL, 0);
    }
    return room_span(&out);
}
