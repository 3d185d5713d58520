#include <stdlib.h>

#include <criterion/criterion.h>

#include "gateway/status_revocation.h"

static struct snapshot_crl crls[] = {
    {.issuer = "CN=Ward CA",
     .number = "1C",
     .this_update_s = 1772346600,
     .next_update_s = 1772433000,
     .entries = 12,
     .is_verified = true,
     .source = "http://pki.example/a.crl"},
    {.issuer = "CN=Other\xff", .this_update_s = 1772346600, .is_delta = true},
};
static struct snapshot_source sources[] = {
    {.place = "/var/lib/crls", .kind = "folder", .last_good_s = 1772346600},
    {.place = "http://pki.example/a.crl",
     .kind = "url",
     .next_s = 1772433000,
     .trouble = "no address"},
};
static struct snapshot_trust trusts[] = {
    {.name = "hospital",
     .revocation = "hard",
     .weak = "SHA-1",
     .crls = crls,
     .crl_count = 2,
     .sources = sources,
     .source_count = 2,
     .answers = 3},
    {.name = "lab", .revocation = "off", .weak = ""},
};
static struct snapshot_block blocks[] = {
    {.kind = "serial", .value = "0A1B", .reason = "lost", .at_s = 1772346600}};
static struct snapshot_grant grants[] = {
    {.device = "pump-12", .reason = "fire", .at_s = 1772346600, .until_s = 1772433000}};

static json_t *root;

static void set_up(void)
{
    struct snapshot s = {.now_s = 1772346660,
                         .trusts = trusts,
                         .trust_count = 2,
                         .blocks = blocks,
                         .block_count = 1,
                         .grants = grants,
                         .grant_count = 1};
    root = json_object();
    cr_assert(status_revocation_set(root, &s));
}

static void tear_down(void)
{
    json_decref(root);
}

TestSuite(status_revocation, .init = set_up, .fini = tear_down);

/* The object at a place of a list, as text with its keys in the order that they were set. */
static void expect_at(const json_t *list, size_t at, const char *wanted)
{
    char *text = json_dumps(json_array_get(list, at), JSON_COMPACT);
    cr_assert_not_null(text);
    cr_expect_str_eq(text, wanted);
    free(text);
}

Test(status_revocation, tells_each_crl_with_its_age)
{
    const json_t *list = json_object_get(json_array_get(json_object_get(root, "trusts"), 0),
                                         "crls");
    cr_expect_eq(json_array_size(list), 2);
    expect_at(list, 0,
              "{\"issuer\":\"CN=Ward CA\",\"number\":\"1C\",\"delta\":false,\"verified\":true,"
              "\"this_update\":\"2026-03-01T06:30:00Z\",\"next_update\":\"2026-03-02T06:30:00Z\","
              "\"age_s\":60,\"entries\":12,\"source\":\"http://pki.example/a.crl\"}");
    expect_at(list, 1,
              "{\"issuer\":\"CN=Other\\\\xff\",\"number\":null,\"delta\":true,\"verified\":false,"
              "\"this_update\":\"2026-03-01T06:30:00Z\",\"next_update\":null,"
              "\"age_s\":60,\"entries\":0,\"source\":null}");
}

Test(status_revocation, tells_each_source_with_its_trouble)
{
    const json_t *list = json_object_get(json_array_get(json_object_get(root, "trusts"), 0),
                                         "sources");
    expect_at(list, 0,
              "{\"place\":\"/var/lib/crls\",\"kind\":\"folder\","
              "\"last_good\":\"2026-03-01T06:30:00Z\",\"next\":null,\"trouble\":null}");
    expect_at(list, 1,
              "{\"place\":\"http://pki.example/a.crl\",\"kind\":\"url\",\"last_good\":null,"
              "\"next\":\"2026-03-02T06:30:00Z\",\"trouble\":\"no address\"}");
}

Test(status_revocation, tells_which_weak_algorithms_a_trust_lets_in)
{
    const json_t *trust = json_array_get(json_object_get(root, "trusts"), 0);
    cr_expect_str_eq(json_string_value(json_object_get(trust, "weak_algorithms")), "SHA-1");
}

Test(status_revocation, tells_trusts_blocks_and_grants)
{
    expect_at(json_object_get(root, "trusts"), 1,
              "{\"name\":\"lab\",\"revocation\":\"off\",\"weak_algorithms\":null,\"crls\":[],"
              "\"sources\":[],"
              "\"ocsp_answers\":0}");
    expect_at(json_object_get(root, "blocks"), 0,
              "{\"kind\":\"serial\",\"value\":\"0A1B\",\"reason\":\"lost\","
              "\"at\":\"2026-03-01T06:30:00Z\"}");
    expect_at(json_object_get(root, "grants"), 0,
              "{\"device\":\"pump-12\",\"reason\":\"fire\",\"at\":\"2026-03-01T06:30:00Z\","
              "\"until\":\"2026-03-02T06:30:00Z\"}");
}

Test(status_revocation, has_empty_lists_for_nothing_and_fails_without_an_object)
{
    struct snapshot none = {.now_s = 1};
    json_t *object = json_object();
    cr_expect(status_revocation_set(object, &none));
    cr_expect_eq(json_array_size(json_object_get(object, "blocks")), 0);
    cr_expect(json_is_array(json_object_get(object, "trusts")));
    json_decref(object);
    cr_expect_not(status_revocation_set(NULL, &none));
}
