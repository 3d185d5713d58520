#include <string.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "certs/path.h"
#include "tests/unit/certs/forge.h"

enum { NOW_S = 1700000000 };

static struct reasons why;
static struct path found;
static struct span pool[PATH_POOL_MAX + 1];
static struct span anchors[4];
static struct path_input in = {.pool = pool, .anchors = anchors};
static struct path_settings settings = {.now_s = NOW_S, .purpose = PATH_SERVER};

static struct span root(void)
{
    return forge_cert(&(struct forge){.subject = "Root", .issuer = "Root", .is_ca = true});
}

/* A CA with key `key`, issued under the name `issuer` with the key `signer`. */
static struct span ca(const char *subject, unsigned key, const char *issuer, unsigned signer)
{
    return forge_cert(&(struct forge){
        .subject = subject, .issuer = issuer, .key = key, .signer = signer, .is_ca = true});
}

static struct span leaf(const char *issuer, unsigned signer)
{
    return forge_cert(
        &(struct forge){.subject = "pump", .issuer = issuer, .key = 9, .signer = signer});
}

static bool validate(void)
{
    why.count = 0;
    return path_validate(&in, &settings, &found, &why);
}

static void expect_refusal(const char *text)
{
    cr_assert_not(validate(), "%s", text);
    cr_assert_not_null(reasons_decision(&why), "%s", text);
    cr_assert_not_null(strstr(reasons_decision(&why), text), "got: %s", reasons_decision(&why));
}

static void expect_good(size_t count)
{
    bool is_good = validate();
    cr_assert(is_good, "%s", is_good ? "" : reasons_decision(&why));
    cr_assert_eq(found.count, count);
    cr_assert_null(reasons_decision(&why));
}

/* Every test begins with the root as the only anchor. */
static void set_up(void)
{
    anchors[0] = root();
    in.anchor_count = 1;
    in.leaf = leaf("Root", 0);
}

TestSuite(path_build, .init = set_up);

Test(path_build, leaf_below_the_anchor)
{
    expect_good(2);
    cr_assert(span_equal(found.certs[0], in.leaf) && span_equal(found.certs[1], anchors[0]));
}

Test(path_build, path_over_two_cas_in_any_order)
{
    pool[0] = ca("One", 1, "Root", 0);
    pool[1] = ca("Two", 2, "One", 1);
    in.pool_count = 2;
    in.leaf = leaf("Two", 2);
    expect_good(4);
    pool[2] = pool[0];
    pool[0] = pool[1];
    pool[1] = pool[2];
    expect_good(4);
}

Test(path_build, missing_ca_is_named)
{
    in.leaf = leaf("Two", 2);
    expect_refusal("no trust anchor and no CA certificate at hand has the name CN=Two");
}

Test(path_build, names_chain_even_where_keys_fit)
{
    settings.allows_loose_cas = true;
    in.leaf = leaf("Stranger", 0);
    expect_refusal("no trust anchor and no CA certificate at hand has the name CN=Stranger");
}

Test(path_build, refuses_a_broken_signature)
{
    in.leaf = forge_cert(
        &(struct forge){.subject = "pump", .issuer = "Root", .key = 9, .breaks_signature = true});
    expect_refusal("the signature does not fit the key of the issuer CN=Root");
}

Test(path_build, refuses_the_key_of_another_ca_of_the_same_name)
{
    in.leaf = forge_cert(&(struct forge){
        .subject = "pump", .issuer = "Root", .key = 9, .signer = 5, .leave_out = FORGE_NO_AKI});
    settings.allows_loose_cas = true;
    expect_refusal("the signature does not fit");
}

Test(path_build, the_key_identifier_chooses)
{
    in.leaf = leaf("Root", 5);
    expect_refusal("the key identifiers do not fit any issuer");
    anchors[1] = ca("Root", 5, "Root", 5);
    in.anchor_count = 2;
    expect_good(2);
    cr_assert(span_equal(found.certs[1], anchors[1]));
}

Test(path_build, the_pool_is_never_trusted)
{
    pool[0] = ca("Evil", 3, "Evil", 3);
    in.pool_count = 1;
    in.leaf = leaf("Evil", 3);
    expect_refusal("no trust anchor");
}

Test(path_build, an_anchor_need_not_be_self_signed)
{
    anchors[0] = ca("One", 1, "Root", 0);
    in.leaf = leaf("One", 1);
    expect_good(2);
}

Test(path_build, a_leaf_is_never_its_own_anchor)
{
    in.leaf = anchors[0];
    expect_refusal("no trust anchor");
    settings.purpose = PATH_ANY;
    expect_refusal("no trust anchor");
}

Test(path_build, no_anchor_no_path)
{
    in.anchor_count = 0;
    expect_refusal("there is no trust anchor");
}

Test(path_build, another_path_is_tried_when_one_is_refused)
{
    anchors[1] = ca("Other", 4, "Other", 4);
    in.anchor_count = 2;
    pool[0] = forge_cert(&(struct forge){
        .subject = "One", .issuer = "Root", .key = 1, .is_ca = true, .until = "210101000000Z"});
    pool[1] = ca("One", 1, "Other", 4);
    in.pool_count = 2;
    in.leaf = leaf("One", 1);
    expect_good(3);
    cr_assert(span_equal(found.certs[2], anchors[1]));
}

Test(path_build, an_expired_cross_certificate_does_not_hurt)
{
    anchors[1] = ca("Other", 4, "Other", 4);
    in.anchor_count = 2;
    pool[0] = forge_cert(&(struct forge){.subject = "Root",
                                         .issuer = "Other",
                                         .signer = 4,
                                         .is_ca = true,
                                         .until = "210101000000Z"});
    in.pool_count = 1;
    expect_good(2);
}

/* CVE-2024-0567: CAs that have all signed each other. */
Test(path_build, cross_signed_cas_are_no_endless_loop)
{
    static const char *const names[] = {"A", "B", "C"};

    in.pool_count = 0;
    for (unsigned i = 0; i < 3; i++) {
        for (unsigned j = 0; j < 3; j++) {
            if (i != j) {
                pool[in.pool_count] = ca(names[i], i + 1, names[j], j + 1);
                in.pool_count++;
            }
        }
    }
    pool[in.pool_count] = ca("A1", 7, "A", 1);
    in.pool_count++;
    in.leaf = leaf("A1", 7);
    expect_refusal("no trust anchor");
    anchors[1] = ca("C", 3, "C", 3);
    in.anchor_count = 2;
    expect_good(5);
}

Test(path_build, two_cas_that_sign_each_other_are_refused)
{
    pool[0] = ca("One", 1, "Two", 2);
    pool[1] = ca("Two", 2, "One", 1);
    pool[2] = ca("Self", 3, "Self", 4);
    pool[3] = ca("Self", 4, "Self", 3);
    in.pool_count = 4;
    in.leaf = leaf("One", 1);
    expect_refusal("no trust anchor");
    in.leaf = leaf("Self", 3);
    expect_refusal("");
}

/* The whole pool has the leaf's issuer's name, and the last one is right. */
Test(path_build, a_hostile_pool_costs_no_more_than_its_size)
{
    settings.allows_loose_cas = true;
    for (unsigned i = 0; i < PATH_POOL_MAX; i++) {
        pool[i] = forge_cert(&(struct forge){.subject = "One",
                                             .issuer = "Root",
                                             .key = 10 + i,
                                             .is_ca = true,
                                             .leave_out = FORGE_NO_SKI});
    }
    in.pool_count = PATH_POOL_MAX;
    in.leaf = forge_cert(&(struct forge){.subject = "pump",
                                         .issuer = "One",
                                         .key = 9,
                                         .signer = 10 + PATH_POOL_MAX - 1,
                                         .leave_out = FORGE_NO_AKI});
    expect_good(3);
}

/* Every CA of the pool has signed every other: 64 factorial ways, and none to an anchor. */
Test(path_build, a_hostile_mesh_ends)
{
    settings.allows_loose_cas = true;
    for (unsigned i = 0; i < PATH_POOL_MAX; i++) {
        pool[i] = forge_cert(&(struct forge){.subject = "Mesh",
                                             .issuer = "Mesh",
                                             .key = 10 + i,
                                             .signer = 10 + (i + 1) % PATH_POOL_MAX,
                                             .is_ca = true,
                                             .leave_out = FORGE_NO_SKI | FORGE_NO_AKI});
    }
    in.pool_count = PATH_POOL_MAX;
    in.leaf = forge_cert(&(struct forge){
        .subject = "pump", .issuer = "Mesh", .key = 9, .signer = 10, .leave_out = FORGE_NO_AKI});
    expect_refusal("");
}

Test(path_build, work_has_a_bound)
{
    unsigned n = 0;

    /* The same key under eight names' worth of certificates: each step has eight ways on. */
    for (unsigned layer = 0; layer < 8; layer++) {
        for (unsigned i = 0; i < 8; i++) {
            char subject[] = {(char)('a' + layer), '\0'};
            char issuer[] = {(char)('a' + layer + 1), '\0'};
            pool[n] = forge_cert(&(struct forge){.subject = subject,
                                                 .issuer = issuer,
                                                 .key = 20 + layer,
                                                 .signer = 21 + layer,
                                                 .is_ca = true,
                                                 .serial = forge_hex(i % 2 ? "0101" : "02")});
            n++;
        }
    }
    in.pool_count = n;
    in.leaf = leaf("a", 20);
    expect_refusal("too many CA certificates to try");
}

Test(path_build, a_pool_over_the_bound_is_refused)
{
    for (size_t i = 0; i <= PATH_POOL_MAX; i++) {
        pool[i] = anchors[0];
    }
    in.pool_count = PATH_POOL_MAX + 1;
    expect_refusal("more than 64 CA certificates");
}

Test(path_build, ten_certificates_are_the_longest_path)
{
    static const char *const names[] = {"Root", "1", "2", "3", "4", "5", "6", "7", "8", "9"};

    for (unsigned i = 1; i < 10; i++) {
        pool[i - 1] = ca(names[i], i, names[i - 1], i - 1);
    }
    in.pool_count = 9;
    in.leaf = forge_cert(&(struct forge){.subject = "pump", .issuer = "8", .key = 99, .signer = 8});
    expect_good(10);
    in.leaf = forge_cert(&(struct forge){.subject = "pump", .issuer = "9", .key = 99, .signer = 9});
    expect_refusal("the path is too long");
}

Test(path_build, broken_certificates_are_left_out_and_noted)
{
    pool[0] = span_first(anchors[0], 40);
    in.pool_count = 1;
    expect_good(2);
    cr_assert_not_null(strstr(why.lines[0].text, "cannot be read is left out"));
    in.leaf = span_first(in.leaf, in.leaf.len - 1);
    expect_refusal("the certificate cannot be read");
}

Test(path_build, out_of_memory_is_a_refusal)
{
    (void)mem_fail_nth(1);
    expect_refusal("out of memory");
}

Test(path_build, a_list_of_reasons_is_not_needed)
{
    cr_assert(path_validate(&in, &settings, &found, NULL));
    in.leaf = leaf("Two", 2);
    cr_assert_not(path_validate(&in, &settings, &found, NULL));
}
