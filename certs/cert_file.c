#include "certs/cert_file.h"

int cert_file_refuse(struct fault *f, enum fault_code code, const char *path, const char *why)
{
    (void)fault_set(f, code, FAULT_SIDE_CERTIFICATE, path, ": ");
    fault_add(f, why);
    return code;
}

static int refuse(struct fault *f, enum fault_code code, const char *path,
                  const struct cert_view *view, const char *why)
{
    struct cert_facts facts;

    cert_view_facts(view, &facts);
    (void)cert_file_refuse(f, code, path, facts.subject);
    fault_add(f, why);
    return code;
}

int cert_file_refuse_view(struct fault *f, const char *path, const struct cert_view *view,
                          const char *why)
{
    return refuse(f, FAULT_BAD_CERT, path, view, why);
}

int cert_file_check(const struct cert_file_rules *rules, const struct cert_view *view,
                    struct fault *f)
{
    if (rules->now_s > view->not_after_s) {
        return refuse(f, FAULT_EXPIRED, rules->path, view, " has expired; renew it");
    }
    if (rules->now_s < view->not_before_s) {
        return refuse(f, FAULT_NOT_YET, rules->path, view,
                      " is not valid yet; is the clock right?");
    }
    if (!cert_view_is_strong(view, rules->allows)) {
        return refuse(f, FAULT_BAD_CERT, rules->path, view,
                      " has a weak key; right: RSA of 2048 bits or EC P-256 at least");
    }
    if (!rules->is_anchor && !cert_view_is_hash_strong(view, rules->allows)) {
        return refuse(f, FAULT_BAD_CERT, rules->path, view,
                      " is signed with a weak hash; right: SHA-256 or better");
    }
    return 0;
}
