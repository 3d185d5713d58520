#include "certs/profile.h"

#include <stddef.h>

#include "certs/dn.h"

enum { SERIAL_MAX = 20 };

/* RFC 5280 4.1.2.2: positive, and at most 20 octets. */
static const char *refuse_serial(struct span serial)
{
    uint8_t byte = 0;

    if (!span_at(serial, 0, &byte) || byte >= 0x80) {
        return "the serial number is negative";
    }
    if (serial.len > SERIAL_MAX) {
        return "the serial number is longer than 20 octets";
    }
    while (span_take_u8(&serial, &byte)) {
        if (byte != 0) {
            return NULL;
        }
    }
    return "the serial number is zero";
}

/* What must or must not be critical. */
static const char *refuse_critical(const struct chain_cert *c)
{
    static const struct {
        enum chain_extension which;
        bool must;
        const char *why;
    } rules[] = {
        {CHAIN_AUTHORITY_KEY, false, "authorityKeyIdentifier is critical"},
        {CHAIN_SUBJECT_KEY, false, "subjectKeyIdentifier is critical"},
        {CHAIN_AUTHORITY_INFO, false, "authorityInfoAccess is critical"},
        {CHAIN_FRESHEST_CRL, false, "freshestCRL is critical"},
        {CHAIN_NAME_CONSTRAINTS, true, "nameConstraints are not critical"},
        {CHAIN_POLICY_CONSTRAINTS, true, "policyConstraints are not critical"},
        {CHAIN_INHIBIT_ANY, true, "inhibitAnyPolicy is not critical"},
    };

    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (chain_cert_has(c, rules[i].which) &&
            chain_cert_has_critical(c, rules[i].which) != rules[i].must) {
            return rules[i].why;
        }
    }
    return NULL;
}

/* RFC 5280 4.2.1.1; the rules for a self-signed one are those of CA/B BR 7.1.2.1.3. */
static const char *refuse_authority_key(const struct chain_cert *c, enum profile_place place)
{
    if (chain_cert_has(c, CHAIN_AUTHORITY_KEY) && c->authority_key.len == 0) {
        return "no keyIdentifier in authorityKeyIdentifier";
    }
    if (place != PROFILE_ANCHOR || !chain_cert_is_self_issued(c)) {
        return NULL;
    }
    if (c->has_authority_issuer) {
        return "authorityKeyIdentifier of a self-signed CA names an issuer";
    }
    return c->authority_key.len == 0 || c->subject_key.len == 0 ||
                   span_equal(c->authority_key, c->subject_key)
               ? NULL
               : "the key identifiers of a self-signed CA differ";
}

/* RFC 5280 4.2.1.3 and 4.2.1.9 */
static const char *refuse_ca(const struct chain_cert *c)
{
    if (!chain_cert_has_critical(c, CHAIN_BASIC_CONSTRAINTS)) {
        return "basicConstraints of a CA are not critical";
    }
    if (c->has_path_len && c->view.has_key_usage && !c->view.may_sign_certs) {
        return "a path length without keyCertSign";
    }
    return NULL;
}

static const char *refuse_end(const struct chain_cert *c)
{
    if (c->view.has_key_usage && c->view.may_sign_certs) {
        return "keyCertSign in a certificate that is no CA's";
    }
    if (c->has_path_len) {
        return "a path length in a certificate that is no CA's";
    }
    if (chain_cert_has(c, CHAIN_NAME_CONSTRAINTS)) {
        return "nameConstraints in a certificate that is no CA's";
    }
    return NULL;
}

/* RFC 5280 4.2.1.6: names that stand in the extension alone make it critical, and only they do. */
static const char *refuse_subject(const struct chain_cert *c)
{
    bool is_critical = chain_cert_has_critical(c, CHAIN_SUBJECT_ALT_NAME);

    if (dn_is_empty(c->view.subject)) {
        return is_critical ? NULL : "an empty subject without a critical subjectAltName";
    }
    return is_critical ? "subjectAltName is critical beside a subject" : NULL;
}

const char *profile_refuse(const struct chain_cert *c, enum profile_place place)
{
    const char *why = NULL;

    if (c->version != 3) {
        return "the certificate is not of version 3";
    }
    if (place != PROFILE_ANCHOR) {
        why = refuse_serial(c->view.serial);
    }
    if (why == NULL && place != PROFILE_ANCHOR && c->is_old_time_general) {
        why = "a date before 2050 is not a UTCTime";
    }
    if (why == NULL) {
        why = refuse_critical(c);
    }
    if (why == NULL) {
        why = refuse_authority_key(c, place);
    }
    if (why == NULL) {
        why = c->view.is_ca ? refuse_ca(c) : refuse_end(c);
    }
    if (why == NULL && place == PROFILE_LEAF) {
        why = refuse_subject(c);
    }
    return why;
}

const char *profile_refuse_pair(const struct chain_cert *c, const struct chain_cert *issuer)
{
    bool is_named = c->authority_key.len > 0;
    bool has_name = issuer->subject_key.len > 0;

    if (is_named == has_name) {
        return NULL;
    }
    return has_name ? "no authorityKeyIdentifier, though the issuer has a key identifier"
                    : "the issuer has no subjectKeyIdentifier";
}
