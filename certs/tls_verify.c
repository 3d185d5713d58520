/* Each function here refuses by filling the handshake's `refusal`; the words are for a technician:
 * what is wrong, with which certificate, and what would be right. */
#include <string.h>
#include <time.h>

/* options.h must come before every other header of wolfSSL: not sorted. */
/* clang-format off */
#include <wolfssl/options.h>
#include <wolfssl/error-ssl.h>
#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/error-crypt.h>
/* clang-format on */

#include "certs/cert.h"
#include "certs/mem.h"
#include "certs/signature.h"
#include "certs/tls_engine.h"
#include "certs/trust_context.h"

/* OpenSSL's verify codes. wolfSSL's names for them differ from one version to the next. */
enum {
    X509_NOT_YET_VALID = 9,
    X509_HAS_EXPIRED = 10,
    X509_NOT_BEFORE = 13,
    X509_NOT_AFTER = 14,
    X509_NO_ISSUER = 20,
    X509_NO_SIGNER = 21,
};

/* Refuse; the note becomes "WHY; SUBJECT, serial NN". The first refusal stands. */
static int refuse(struct tls_engine *e, enum fault_code code, const struct cert_view *view,
                  const char *why, const char *more)
{
    struct fault *f = &e->handshake->refusal;
    struct cert_facts facts;

    if (f->code != FAULT_NONE) {
        return 0;
    }
    (void)fault_set(f, code, FAULT_SIDE_CERTIFICATE, why, more);
    if (view != NULL) {
        cert_view_facts(view, &facts);
        facts.subject[60] = '\0'; /* the serial must still fit */
        fault_add(f, "; ");
        fault_add(f, facts.subject);
        fault_add(f, ", serial ");
        fault_add(f, facts.serial);
    }
    return 0;
}

/* wolfSSL has refused: say why. Its codes come in two dresses, its own (negative) and, in Debian's
 * build, those of OpenSSL. */
static int explain(struct tls_engine *e, const struct cert_view *view, int error)
{
    struct cert_facts facts;

    switch (error) {
    case ASN_AFTER_DATE_E:
    case X509_HAS_EXPIRED:
    case X509_NOT_AFTER:
        return refuse(e, FAULT_EXPIRED, view, "the peer's certificate has expired", NULL);
    case ASN_BEFORE_DATE_E:
    case X509_NOT_YET_VALID:
    case X509_NOT_BEFORE:
        return refuse(e, FAULT_NOT_YET, view,
                      "the peer's certificate is not valid yet; are the clocks right?", NULL);
    case EXTKEYUSE_AUTH_E:
    case KEYUSE_SIGNATURE_E:
        return refuse(e, FAULT_USAGE, view, "the peer's certificate is for another use", NULL);
    case ASN_NO_SIGNER_E:
    case ASN_SELF_SIGNED_E:
    case X509_NO_ISSUER:
    case X509_NO_SIGNER:
        cert_view_facts(view, &facts);
        facts.issuer[60] = '\0';
        return refuse(e, FAULT_UNTRUSTED, view, "not in this trust: issuer ", facts.issuer);
    default:
        return refuse(e, FAULT_BAD_CERT, view,
                      error < 0 ? wolfSSL_ERR_reason_error_string((unsigned long)error)
                                : "chain refused: signature, path length or constraints",
                      NULL);
    }
}

/* What holds for every certificate of the message. */
static bool check_any(struct tls_engine *e, const struct cert_view *view)
{
    if (!cert_view_is_strong(view, trust_allows(e->trust))) {
        (void)refuse(e, FAULT_BAD_CERT, view, "weak key; right: RSA 2048 bits or EC P-256", NULL);
        return false;
    }
    if (!cert_view_is_hash_strong(view, trust_allows(e->trust))) {
        (void)refuse(e, FAULT_BAD_CERT, view, "weak signature; right: SHA-256 or better", NULL);
        return false;
    }
    if (view->limits_other_names) {
        (void)refuse(e, FAULT_BAD_CERT, view,
                     "name constraints that cannot be checked (URI, IP address)", NULL);
        return false;
    }
    return true;
}

/* keyUsage and extendedKeyUsage must fit the peer's role where they are present (RFC 5280
 * 4.2.1.3 and 4.2.1.12). */
static bool check_usage(struct tls_engine *e, const struct cert_view *view)
{
    unsigned wanted = e->role == TLS_SERVER ? CERT_EKU_CLIENT : CERT_EKU_SERVER;

    if (view->is_ca) {
        /* An anchor above all: whoever holds a CA's key signs, he does not talk. */
        (void)refuse(e, FAULT_USAGE, view, "a CA's certificate is no peer's certificate", NULL);
        return false;
    }
    if (view->has_eku && (view->eku & (wanted | CERT_EKU_ANY)) == 0) {
        (void)refuse(e, FAULT_USAGE, view, "wrong extendedKeyUsage; right: ",
                     wanted == CERT_EKU_CLIENT ? "clientAuth" : "serverAuth");
        return false;
    }
    if (view->has_key_usage && !view->may_sign) {
        (void)refuse(e, FAULT_USAGE, view, "wrong keyUsage; right: digitalSignature", NULL);
        return false;
    }
    return true;
}

static const char *kind_prefix(enum name_kind kind)
{
    switch (kind) {
    case NAME_DNS:
        return "dns:";
    case NAME_URI:
        return "uri:";
    case NAME_IP:
        return "ip:";
    }
    return "";
}

/* "dns:bms.hospital.example" */
static void put_rule(const struct name_rule *rule, char *out, size_t cap)
{
    struct room to = room_of(out, cap - 1);

    (void)room_put(&to, span_of_text(kind_prefix(rule->kind)));
    (void)room_put(&to, span_of_text(rule->value));
    out[to.len] = '\0';
}

static bool check_name(struct tls_engine *e, const struct cert_view *view)
{
    const struct tls_handshake *h = e->handshake;
    const struct name_rule *matched = NULL;

    if (!names_match_certificate(h->allow, h->allow_count, view->der, &matched)) {
        char right[sizeof(e->peer.matched)];
        put_rule(&h->allow[0], right, sizeof(right));
        right[70] = '\0'; /* the subject must still fit */
        (void)refuse(e, FAULT_NAME, view, "no subjectAltName that is allowed; right: ", right);
        return false;
    }
    put_rule(matched, e->peer.matched, sizeof(e->peer.matched));
    return true;
}

/* wolfSSL checks the time of the certificates in the message, not of those it was given to trust:
 * a gateway that runs for months must notice when a root or an intermediate runs out. */
static bool check_trusted_time(struct tls_engine *e, const struct WOLFSSL_X509_STORE_CTX *store,
                               const struct cert_view *leaf)
{
    int64_t now_s = (int64_t)time(NULL);

    for (int i = 0; i < store->totalCerts; i++) {
        struct span der = span_of(store->certs[i].buffer, store->certs[i].length);
        struct cert_view view;
        bool is_known;
        if (!cert_view_read(der, &view)) {
            (void)refuse(e, FAULT_BAD_CERT, leaf, "a certificate of the chain is broken", NULL);
            return false;
        }
        if (!trust_is_issuer_in_time(e->trust, view.issuer, now_s, &is_known) && is_known) {
            (void)refuse(e, FAULT_EXPIRED, &view, "the CA that issued it is out of its time", NULL);
            return false;
        }
    }
    return true;
}

/* Copy the peer's chain: wolfSSL's own memory is gone when the callback returns. */
static bool keep_chain(struct tls_engine *e, const struct WOLFSSL_X509_STORE_CTX *store)
{
    size_t count = (size_t)store->totalCerts;
    size_t len = 0;
    struct room to;

    if (count > TLS_CHAIN_MAX) {
        (void)refuse(e, FAULT_BAD_CERT, NULL, "the peer's chain is too long", NULL);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        len += store->certs[i].length;
    }
    tls_engine_drop_chain(e); /* a staple has come before */
    e->chain = mem_new(len, 1);
    if (e->chain == NULL) {
        (void)fault_set(&e->handshake->refusal, FAULT_MEMORY, FAULT_SIDE_SELF,
                        "out of memory for the peer's chain", NULL);
        return false;
    }
    to = room_of(e->chain, len);
    for (size_t i = 0; i < count; i++) {
        struct span der = span_of(store->certs[i].buffer, store->certs[i].length);
        size_t at = to.len;
        (void)room_put(&to, der); /* fits: `len` is the sum */
        e->peer.chain[i] = span_of(&e->chain[at], der.len);
    }
    e->peer.chain_count = count;
    return true;
}

/* The leaf: is it the peer that we want, in the role that it plays? */
static bool check_leaf(struct tls_engine *e, const struct WOLFSSL_X509_STORE_CTX *store,
                       const struct cert_view *view)
{
    if (!check_usage(e, view) || !check_name(e, view) || !check_trusted_time(e, store, view) ||
        !keep_chain(e, store)) {
        return false;
    }
    cert_view_facts(view, &e->peer.leaf);
    return true;
}

int tls_verify_peer(int is_good, struct WOLFSSL_X509_STORE_CTX *store)
{
    struct tls_engine *e = store->userCtx;
    struct cert_view view;
    int depth = store->error_depth;

    /* Post-handshake messages with certificates do not exist here. */
    if (e->handshake == NULL) {
        return 0;
    }
    if (store->totalCerts <= 0 || depth < 0 || depth >= store->totalCerts) {
        return refuse(e, FAULT_NO_CERT, NULL, "the peer sent no certificate", NULL);
    }
    if (depth > 0) {
        e->handshake->has_peer_ca = true;
    }
    if (!cert_view_read(span_of(store->certs[depth].buffer, store->certs[depth].length), &view)) {
        return refuse(e, FAULT_BAD_CERT, NULL, "the peer's certificate is broken", NULL);
    }
    /* One way only: what the library refuses stays refused. */
    if (is_good == 0) {
        return explain(e, &view, store->error);
    }
    if (!check_any(e, &view)) {
        return 0;
    }
    if (depth > 0) {
        return 1;
    }
    return check_leaf(e, store, &view) ? 1 : 0;
}
