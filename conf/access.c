/* Access: which roles a peer has. Declared in conf.h. */
#include <string.h>

#include "conf/conf.h"

const struct conf_role *conf_find_role(const struct conf *c, const char *name)
{
    for (size_t i = 0; i < c->role_count; i++) {
        if (strcmp(c->roles[i].name, name) == 0) {
            return &c->roles[i];
        }
    }
    return NULL;
}

static bool matches(const struct conf_match *match, struct span cert_der, const char *role)
{
    if (match->role != NULL) {
        return role[0] != '\0' && strcmp(match->role, role) == 0;
    }
    return names_match_certificate(&match->name, 1, cert_der, NULL);
}

uint64_t conf_access_roles(const struct conf_access *a, struct span cert_der, const char *role)
{
    uint64_t roles = 0;
    for (size_t i = 0; i < a->role_count; i++) {
        const struct conf_role *r = &a->roles[i];
        for (size_t m = 0; m < r->match_count; m++) {
            roles |= matches(&r->matches[m], cert_der, role) ? UINT64_C(1) << i : 0;
        }
    }
    return roles & a->counted;
}

uint64_t conf_access_roles_of_name(const struct conf_access *a, const struct name_rule *name)
{
    uint64_t roles = 0;
    for (size_t i = 0; i < a->role_count; i++) {
        for (size_t m = 0; m < a->roles[i].match_count; m++) {
            const struct conf_match *match = &a->roles[i].matches[m];
            bool is_it = match->role == NULL && match->name.kind == name->kind &&
                         strcmp(match->name.value, name->value) == 0;
            roles |= is_it ? UINT64_C(1) << i : 0;
        }
    }
    return roles & a->counted;
}
