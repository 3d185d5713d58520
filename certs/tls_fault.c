/* options.h must come before every other header of wolfSSL: not sorted. */
/* clang-format off */
#include <wolfssl/options.h>
#include <wolfssl/error-ssl.h>
#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/error-crypt.h>
/* clang-format on */

#include "certs/tls_engine.h"

/* Alert descriptions, RFC 8446 section 6 and RFC 5246 section 7.2. */
struct alert_rule {
    int code;
    enum fault_code fault;
    const char *note;
};

/* Alerts about our certificate: OWN_REFUSED only while the peer has not yet accepted it. */
static const struct alert_rule own_alerts[] = {
    {42, FAULT_OWN_REFUSED, "the peer says: our certificate is bad"},
    {43, FAULT_OWN_REFUSED, "the peer says: our certificate is of an unsupported kind"},
    {44, FAULT_OWN_REFUSED, "the peer says: our certificate is revoked"},
    {45, FAULT_OWN_REFUSED, "the peer says: our certificate has expired (or its clock is wrong)"},
    {46, FAULT_OWN_REFUSED, "the peer says: our certificate is not acceptable"},
    {48, FAULT_OWN_REFUSED, "the peer says: it does not know the CA of our certificate"},
    {49, FAULT_OWN_REFUSED, "the peer says: access denied to our certificate"},
    {116, FAULT_OWN_REFUSED, "the peer says: it wants a certificate of ours and got none it takes"},
};

static const struct alert_rule other_alerts[] = {
    {10, FAULT_TLS, "the peer says: unexpected message"},
    {20, FAULT_TLS, "the peer says: bad record (changed on its way?)"},
    {40, FAULT_TLS,
     "the peer says: handshake failure (no common cipher suite, or our certificate)"},
    {47, FAULT_TLS, "the peer says: illegal parameter"},
    {50, FAULT_TLS, "the peer says: decode error"},
    {51, FAULT_TLS, "the peer says: decrypt error (a signature or Finished did not match)"},
    {70, FAULT_TLS_VERSION, "the peer says: no common TLS version"},
    {71, FAULT_TLS, "the peer says: insufficient security"},
    {80, FAULT_TLS, "the peer says: internal error"},
    {86, FAULT_TLS, "the peer says: inappropriate fallback"},
    {90, FAULT_TLS, "the peer says: cancelled by its user"},
    {109, FAULT_TLS, "the peer says: an extension is missing"},
    {112, FAULT_TLS, "the peer says: it has no server of the name we asked for"},
};

static int set_tls(struct fault *f, enum fault_code code, const char *note, const char *more)
{
    return fault_set(f, code,
                     code == FAULT_TLS || code == FAULT_TLS_VERSION ? FAULT_SIDE_SERVER
                                                                    : FAULT_SIDE_CERTIFICATE,
                     note, more);
}

static const struct alert_rule *find_alert(const struct alert_rule *rules, size_t count, int code)
{
    for (size_t i = 0; i < count; i++) {
        if (rules[i].code == code) {
            return &rules[i];
        }
    }
    return NULL;
}

/* The peer has sent a fatal alert. */
static int fill_from_alert(const struct tls_engine *e, int code, struct fault *f)
{
    const struct alert_rule *own = find_alert(own_alerts,
                                              sizeof(own_alerts) / sizeof(own_alerts[0]), code);
    const struct alert_rule *other = find_alert(
        other_alerts, sizeof(other_alerts) / sizeof(other_alerts[0]), code);
    char digits[4] = {(char)('0' + code / 100 % 10), (char)('0' + code / 10 % 10),
                      (char)('0' + code % 10), '\0'};

    if (own != NULL) {
        /* In TLS 1.3 a client is up before the server has looked at its certificate: until its
         * first byte of data the alert means refusal. Later it is the end of a good link. */
        return set_tls(f, e->has_read ? FAULT_TLS : FAULT_OWN_REFUSED, own->note, NULL);
    }
    if (other != NULL) {
        return set_tls(f, other->fault, other->note, NULL);
    }
    return set_tls(f, FAULT_TLS, "the peer sent TLS alert ", digits);
}

/* Our side has found the fault. */
static int fill_from_error(int error, struct fault *f)
{
    /* wolfCrypt's block of codes about certificates: some end the handshake before the callback. */
    if (error <= ASN_PARSE_E && error >= ASN_CRIT_EXT_E) {
        return set_tls(f, FAULT_BAD_CERT, "the peer's certificate is not acceptable: ",
                       wolfSSL_ERR_reason_error_string((unsigned long)error));
    }
    switch (error) {
    case NO_PEER_CERT:
        return set_tls(f, FAULT_NO_CERT, "the peer sent no certificate", NULL);
    case VERSION_ERROR:
        return set_tls(f, FAULT_TLS_VERSION, "the peer speaks no TLS version that is allowed here",
                       NULL);
    case MATCH_SUITE_ERROR:
        return set_tls(f, FAULT_TLS, "no cipher suite in common with the peer", NULL);
    case RSA_KEY_SIZE_E:
    case ECC_KEY_SIZE_E:
        return set_tls(f, FAULT_BAD_CERT, "the peer's key is too weak; right: RSA 2048, EC P-256",
                       NULL);
    case MAX_CHAIN_ERROR:
        return set_tls(f, FAULT_BAD_CERT, "the peer's chain is too long", NULL);
    case UNKNOWN_RECORD_TYPE:
        return set_tls(f, FAULT_TLS, "these bytes are not TLS; does the peer speak plain text?",
                       NULL);
    case MEMORY_E:
    case MEMORY_ERROR:
        return fault_set(f, FAULT_MEMORY, FAULT_SIDE_SELF, "out of memory in the TLS library",
                         NULL);
    case WOLFSSL_ERROR_WANT_WRITE:
        return set_tls(f, FAULT_TLS, "the peer demands more answers than there is room for", NULL);
    default:
        return set_tls(f, FAULT_TLS, "the peer broke the TLS protocol: ",
                       wolfSSL_ERR_reason_error_string((unsigned long)error));
    }
}

int tls_fault_fill(const struct tls_engine *e, int error, struct fault *f)
{
    WOLFSSL_ALERT_HISTORY alerts;

    if (e->handshake != NULL && e->handshake->refusal.code != FAULT_NONE) {
        if (f != NULL) {
            *f = e->handshake->refusal;
        }
        return e->handshake->refusal.code;
    }
    if (wolfSSL_get_alert_history(e->ssl, &alerts) == WOLFSSL_SUCCESS &&
        alerts.last_rx.level == alert_fatal) {
        return fill_from_alert(e, alerts.last_rx.code, f);
    }
    return fill_from_error(error, f);
}
