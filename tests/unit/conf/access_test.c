#include <time.h>

#include <criterion/criterion.h>

#include "certs/der.h"
#include "certs/tls.h"
#include "tests/unit/conf/fixture.h"

static struct fault f;
static struct identity *peer;
static struct conf_match matches[5];
static const struct conf_role roles[] = {
    {.matches = &matches[0], .match_count = 1},
    {.matches = &matches[1], .match_count = 2},
    {.matches = &matches[3], .match_count = 1},
    {.matches = &matches[4], .match_count = 1},
};
static struct conf_access access_of_all = {.roles = roles, .role_count = 4, .counted = 0xF};

static void setup(void)
{
    static char words[][9] = {"Operator", "Service", ""};
    cr_assert_eq(tls_init(&f), 0);
    peer = identity_load(fixture_pki("bms.pem"), fixture_pki("bms.key"), time(NULL), &f);
    cr_assert_not_null(peer, "%s", f.note);
    matches[0].role = words[0];
    matches[1].role = words[1];
    cr_assert_eq(name_rule_parse("dns:bms.hospital.example", &matches[2].name, &f), 0);
    cr_assert_eq(name_rule_parse("dns:other.example", &matches[3].name, &f), 0);
    matches[4].role = words[2];
}

static void teardown(void)
{
    identity_release(peer);
    tls_deinit();
}

TestSuite(access, .init = setup, .fini = teardown);

static struct span leaf(void)
{
    struct span chain = identity_chain_der(peer);
    struct span first;
    cr_assert(der_take_whole(&chain, &first));
    return first;
}

Test(access, a_role_is_had_by_its_name_or_by_that_of_the_peer)
{
    cr_expect_eq(conf_access_roles(&access_of_all, span_of(NULL, 0), "Operator"), 1);
    cr_expect_eq(conf_access_roles(&access_of_all, span_of(NULL, 0), "Service"), 2);
    cr_expect_eq(conf_access_roles(&access_of_all, leaf(), ""), 2);
    cr_expect_eq(conf_access_roles(&access_of_all, leaf(), "Operator"), 3, "both");
}

Test(access, nobody_has_a_role_by_accident)
{
    static const char *const others[] = {"", "operator", "Operato", "Operator ", "Biomed"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        cr_expect_eq(conf_access_roles(&access_of_all, span_of(NULL, 0), others[i]), 0, "'%s'",
                     others[i]);
    }
}

Test(access, a_role_that_says_nothing_about_the_device_does_not_count)
{
    access_of_all.counted = 2;
    cr_expect_eq(conf_access_roles(&access_of_all, leaf(), "Operator"), 2);
    access_of_all.counted = 0xF;
}

Test(access, finds_a_role_by_its_sections_name)
{
    static char name[] = "A";
    static struct conf_role own[] = {{.name = name}};
    struct conf c = {.roles = own, .role_count = 1};
    cr_expect_eq(conf_find_role(&c, "A"), own);
    cr_expect_null(conf_find_role(&c, "a"));
}
