#include "certs/der.h"
#include "certs/dn.h"
#include "certs/ocsp_inside.h"
#include "certs/signature.h"

/* Certificates in one answer; each costs up to two verifications. */
enum { RESPONDERS_MAX = 8 };

/* Does the responderID mean that certificate? Only then is it worth a look; it proves nothing. */
static bool is_meant(const struct ocsp_basic *basic, const struct cert_view *view)
{
    uint8_t hash[OCSP_HASH_MAX];
    size_t len;

    if (basic->responder_name.len > 0) {
        return dn_equal(basic->responder_name, view->subject);
    }
    return ocsp_id_key(view->key_info, OCSP_SHA1, hash, &len) &&
           span_equal(basic->responder_key, span_of(hash, len));
}

/* The answer's own signature, by that key. */
static const char *check_signature(const struct ocsp_basic *basic, const struct cert_view *by,
                                   const struct ocsp_question *q)
{
    bool is_weak;

    switch (
        signature_verify(basic->algorithm, basic->tbs, basic->signature, by->key_info, &is_weak)) {
    case SIGNATURE_GOOD:
        break;
    case SIGNATURE_UNSUPPORTED:
        return "it is signed in a way that is not known here";
    case SIGNATURE_BAD:
    default:
        return "its signature is wrong";
    }
    if (!q->strict_strength) {
        return NULL;
    }
    if (!signature_key_is_strong(by->key_info, q->allows)) {
        return "it is signed with a weak key";
    }
    return signature_is_strong(is_weak, by->key_info, q->allows) ? NULL : "it is signed with SHA-1";
}

/* Did the CA itself make this certificate? Directly: no certificate in between. */
static const char *check_issued(const struct chain_cert *responder, const struct chain_cert *issuer,
                                const struct ocsp_question *q)
{
    bool is_weak;

    if (!dn_equal(responder->view.issuer, issuer->view.subject)) {
        return "its signer was not issued by the CA of the certificate";
    }
    if (signature_verify(responder->algorithm, responder->tbs, responder->signature,
                         issuer->view.key_info, &is_weak) != SIGNATURE_GOOD) {
        return "its signer names the CA as issuer, but the CA's key did not sign it";
    }
    if (q->strict_strength && !signature_is_strong(is_weak, issuer->view.key_info, q->allows)) {
        return "its signer's certificate is signed too weakly";
    }
    return NULL;
}

/* RFC 6960 4.2.2.2: what a delegated responder needs. */
static const char *check_rights(const struct cert_view *view, const struct ocsp_question *q)
{
    struct cert_view asked;

    if (!view->has_eku || (view->eku & CERT_EKU_OCSP) == 0) {
        return "its signer is not allowed to sign OCSP answers (no id-kp-OCSPSigning)";
    }
    if (view->has_key_usage && !view->may_sign) {
        return "its signer's keyUsage does not allow digitalSignature";
    }
    if (q->now_s < view->not_before_s || q->now_s > view->not_after_s) {
        return "its signer's certificate is not valid now";
    }
    /* Nobody vouches for himself, whatever the CA has put in his certificate. */
    if (cert_view_read(q->cert, &asked) && span_equal(asked.key_info, view->key_info)) {
        return "its signer is the certificate in question";
    }
    return NULL;
}

static const char *check_delegated(const struct ocsp_basic *basic,
                                   const struct chain_cert *responder,
                                   const struct chain_cert *issuer, const struct ocsp_question *q)
{
    const char *refusal = responder->defect;

    if (refusal == NULL) {
        refusal = check_rights(&responder->view, q);
    }
    if (refusal == NULL) {
        refusal = check_issued(responder, issuer, q);
    }
    if (refusal == NULL) {
        refusal = check_signature(basic, &responder->view, q);
    }
    return refusal;
}

/* The certificates that came along, the first that may sign and did. */
static const char *check_all(const struct ocsp_basic *basic, const struct chain_cert *issuer,
                             const struct ocsp_question *q, struct ocsp_signer *out)
{
    const char *refusal = "its signer is neither the CA nor among its certificates";
    struct span certs = basic->certs;
    struct span der;

    for (size_t i = 0; i < RESPONDERS_MAX && der_take_whole(&certs, &der); i++) {
        struct chain_cert responder;
        if (!chain_cert_read(der, &responder) || !is_meant(basic, &responder.view)) {
            continue;
        }
        refusal = check_delegated(basic, &responder, issuer, q);
        if (refusal == NULL) {
            out->cert = der;
            out->must_check = !responder.view.is_ocsp_nocheck;
            return NULL;
        }
    }
    return refusal;
}

const char *ocsp_signer_check(const struct ocsp_basic *basic, const struct chain_cert *issuer,
                              const struct ocsp_question *q, struct ocsp_signer *out)
{
    const char *refusal;

    *out = (struct ocsp_signer){.must_check = false};
    if (!is_meant(basic, &issuer->view)) {
        return check_all(basic, issuer, q, out);
    }
    refusal = check_signature(basic, &issuer->view, q);
    /* A responder may bear the CA's name with a key of its own; else the CA's refusal stands. */
    if (refusal != NULL && basic->certs.len > 0 && check_all(basic, issuer, q, out) == NULL) {
        return NULL;
    }
    return refusal;
}
