#include <string.h>

#include <criterion/criterion.h>

#include "certs/tls_facts.h"

Test(tls_facts, knows_version_and_revision_of_the_library)
{
    cr_expect_not_null(strchr(tls_facts_version(), '.'));
    cr_expect_eq(strncmp(tls_facts_revision(), tls_facts_version(), strlen(tls_facts_version())), 0,
                 "built from %s, runs as %s", tls_facts_revision(), tls_facts_version());
    cr_expect_gt(strlen(tls_facts_build()), 0);
}

Test(tls_facts, lists_forward_secret_authenticated_suites_only)
{
    char name[TLS_FACTS_NAME_MAX];
    size_t count = 0;
    while (tls_facts_suite(count, name) != NULL) {
        cr_expect(strncmp(name, "TLS13-", 6) == 0 || strncmp(name, "ECDHE-", 6) == 0, "%s", name);
        cr_expect(strstr(name, "GCM") != NULL || strstr(name, "POLY1305") != NULL, "%s", name);
        count++;
    }
    cr_expect_geq(count, 4);
    cr_expect_str_eq(tls_facts_suite(0, name), "TLS13-AES256-GCM-SHA384");
}

Test(tls_facts, names_groups_and_signatures)
{
    cr_expect_not_null(strstr(tls_facts_groups(), "P-256"));
    cr_expect_not_null(strstr(tls_facts_signatures(), "RSA"));
}
