#include "certs/path_check.h"

#include "certs/constraints.h"
#include "certs/policies.h"
#include "certs/profile.h"
#include "certs/signature.h"
#include "certs/signature_algorithm.h"

/* A path on the bench. */
struct bench {
    const struct chain_cert *const *certs;
    size_t count;
    const struct path_settings *settings;
    unsigned work;
    struct reasons *why;
    struct policies policies;
    enum reasons_code code; /* of the refusal */
};

/* One check of one certificate: NULL, or the reason to refuse. */
typedef const char *(*check)(struct bench *b, size_t level);

static bool is_strict(const struct bench *b)
{
    return b->settings->purpose != PATH_ANY;
}

static const char *check_form(struct bench *b, size_t level)
{
    enum profile_place place = PROFILE_INTERMEDIATE;
    const char *why;

    if (b->certs[level]->defect != NULL) {
        return b->certs[level]->defect;
    }
    if (!is_strict(b) || b->settings->allows_loose_cas) {
        return NULL;
    }
    if (level == 0) {
        place = PROFILE_LEAF;
    } else if (level == b->count - 1) {
        place = PROFILE_ANCHOR;
    }
    why = profile_refuse(b->certs[level], place);
    if (why == NULL && place != PROFILE_ANCHOR) {
        why = profile_refuse_pair(b->certs[level], b->certs[level + 1]);
    }
    return why;
}

/* Both ends are inclusive (RFC 5280 4.1.2.5). */
static const char *check_time(struct bench *b, size_t level)
{
    const struct cert_view *view = &b->certs[level]->view;

    if (b->settings->now_s < view->not_before_s) {
        b->code = REASONS_AHEAD;
        return "the certificate is not valid yet";
    }
    if (b->settings->now_s > view->not_after_s) {
        b->code = REASONS_OVER;
        return "the certificate has expired";
    }
    return NULL;
}

/* Certificates between this CA and the leaf that count for its path length. */
static size_t count_below(const struct bench *b, size_t level)
{
    size_t count = 0;

    for (size_t i = 1; i < level; i++) {
        if (!chain_cert_is_self_issued(b->certs[i])) {
            count++;
        }
    }
    return count;
}

/* 6.1.4 (k) to (n) */
static const char *check_issuer(struct bench *b, size_t level)
{
    const struct chain_cert *c = b->certs[level];

    if (level == 0) {
        return NULL;
    }
    if (c->version != 3) {
        return "a CA's certificate is not of version 3";
    }
    if (!c->view.is_ca) {
        return "the issuer is no CA (basicConstraints)";
    }
    if (c->view.has_key_usage && !c->view.may_sign_certs) {
        return "the CA may not sign certificates (keyUsage)";
    }
    if (c->has_path_len && count_below(b, level) > c->path_len) {
        return "more CAs follow than the path length of this one allows";
    }
    return NULL;
}

static const char *check_strength(struct bench *b, size_t level)
{
    const struct chain_cert *c = b->certs[level];
    bool allows_sha1 = (b->settings->allows & (unsigned)SIGNATURE_ALLOWS_SHA1) != 0;

    if (!is_strict(b)) {
        return NULL;
    }
    if (!signature_key_is_strong(c->view.key_info, b->settings->allows)) {
        return "the key is too weak or of an unknown kind";
    }
    /* Nobody relies on the signature of an anchor. */
    if (level < b->count - 1 && signature_algorithm_is_weak(c->algorithm) &&
        !(allows_sha1 && signature_algorithm_is_sha1(c->algorithm))) {
        return "it is signed with a weak hash";
    }
    return NULL;
}

/* A certificate that does not say what it is for can be used for everything (RFC 5280 4.2.1.12), a
 * mail user's too: where that is too much, it must say so by name. */
static const char *check_usage_named(const struct cert_view *view, unsigned wanted)
{
    if (!view->has_eku || (view->eku & wanted) == 0) {
        return wanted == CERT_EKU_SERVER
                   ? "extendedKeyUsage does not name serverAuth (require_eku)"
                   : "extendedKeyUsage does not name clientAuth (require_eku)";
    }
    return view->has_key_usage ? NULL : "there is no keyUsage with digitalSignature (require_eku)";
}

static const char *check_usage(struct bench *b, size_t level)
{
    const struct cert_view *view = &b->certs[level]->view;
    unsigned wanted = b->settings->purpose == PATH_SERVER ? (unsigned)CERT_EKU_SERVER
                                                          : (unsigned)CERT_EKU_CLIENT;

    if (!is_strict(b)) {
        return NULL;
    }
    if (view->has_eku && (view->eku & (wanted | CERT_EKU_ANY)) == 0) {
        return wanted == CERT_EKU_SERVER ? "extendedKeyUsage does not allow serverAuth"
                                         : "extendedKeyUsage does not allow clientAuth";
    }
    if (level > 0) {
        return NULL;
    }
    if (view->is_ca) {
        return "a CA's certificate is no peer's certificate";
    }
    if (view->has_key_usage && !view->may_sign) {
        return "keyUsage does not allow digitalSignature";
    }
    return b->settings->requires_eku ? check_usage_named(view, wanted) : NULL;
}

/* The constraints of every CA above. A self-issued CA is bound by none (6.1.3 (b), (c)): it is the
 * same CA under a new key. */
static const char *check_names(struct bench *b, size_t level)
{
    const struct chain_cert *c = b->certs[level];
    bool has_san = chain_cert_has(c, CHAIN_SUBJECT_ALT_NAME);
    const char *why = NULL;

    if (level > 0 && chain_cert_is_self_issued(c)) {
        return NULL;
    }
    for (size_t i = level + 1; i < b->count && why == NULL; i++) {
        if (chain_cert_has(b->certs[i], CHAIN_NAME_CONSTRAINTS)) {
            why = constraints_refuse(b->certs[i]->name_constraints, &c->view, has_san, &b->work);
        }
    }
    return why;
}

static const char *check_policies(struct bench *b, size_t level)
{
    struct policies_facts facts = b->certs[level]->policies;

    if (level == b->count - 1) {
        policies_begin(&b->policies, b->settings->required_policy, &facts, b->count - 1);
        return NULL;
    }
    facts.is_self_issued = chain_cert_is_self_issued(b->certs[level]);
    facts.is_last = level == 0;
    return policies_step(&b->policies, &facts);
}

static bool check_one(struct bench *b, size_t level)
{
    static const struct {
        check run;
        const char *pass;
    } checks[] = {
        {check_form, "well formed, no unknown critical extension"},
        {check_time, "within its time"},
        {check_issuer, "may issue certificates"},
        {check_strength, "strong algorithms"},
        {check_usage, "its usage fits"},
        {check_names, "its names keep within the constraints"},
        {check_policies, "policies hold"},
    };

    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        const char *refusal = checks[i].run(b, level);
        if (refusal != NULL) {
            reasons_refuse(b->why, b->code, (int)level, refusal);
            return false;
        }
        if (level > 0 || checks[i].run != check_issuer) {
            reasons_add(b->why, REASONS_PASS, (int)level, checks[i].pass, NULL);
        }
    }
    return true;
}

/* Who it is, and who says so. */
static void note_signature(const struct bench *b, size_t level)
{
    struct cert_facts facts;

    cert_view_facts(&b->certs[level]->view, &facts);
    if (level == b->count - 1) {
        reasons_add(b->why, REASONS_PASS, (int)level, "trust anchor ", facts.subject);
        return;
    }
    reasons_add(b->why, REASONS_NOTE, (int)level, "certificate of ", facts.subject);
    reasons_add(b->why, REASONS_PASS, (int)level, "signed by ", facts.issuer);
}

bool path_check(const struct chain_cert *const *certs, size_t count,
                const struct path_settings *settings, unsigned *work, struct reasons *why)
{
    struct bench b = {
        .certs = certs, .count = count, .settings = settings, .work = *work, .why = why};
    bool is_good = true;

    for (size_t level = count; level > 0 && is_good; level--) {
        if (why != NULL) {
            note_signature(&b, level - 1);
        }
        is_good = check_one(&b, level - 1);
    }
    *work = b.work;
    return is_good;
}

enum path_time path_time_of(const struct reasons *why)
{
    switch (reasons_decision_code(why)) {
    case REASONS_OVER:
        return PATH_TIME_OVER;
    case REASONS_AHEAD:
        return PATH_TIME_AHEAD;
    case REASONS_PLAIN:
        break;
    }
    return PATH_TIME_FITS;
}
