#include <string.h>

#include <criterion/criterion.h>

#include "gateway/revocation.h"
#include "tests/unit/gateway/know_rig.h"

static struct know_rig rig;
static struct conf_trust sections[3];

static void set_up(void)
{
    know_rig_open(&rig);
}

static void tear_down(void)
{
    know_rig_close(&rig);
}

TestSuite(revocation_status, .init = set_up, .fini = tear_down, .timeout = 30);

Test(revocation_status, tells_the_trusts_in_the_order_of_the_configuration)
{
    static char names[3][12] = {"one", "two", "three"};
    struct snapshot snapshot = {0};
    for (size_t i = 0; i < 3; i++) {
        sections[i] = rig.section;
        sections[i].name = names[i];
    }
    rig.section.name = names[0];
    rig.conf.trusts = sections;
    rig.conf.trust_count = 3;
    know_rig_start(&rig);
    cr_expect_eq(revocation_snapshot(rig.revocation, &snapshot), 0);
    cr_assert_eq(snapshot.trust_count, 3);
    for (size_t i = 0; i < 3; i++) {
        cr_expect_str_eq(snapshot.trusts[i].name, names[i]);
    }
    snapshot_free(&snapshot);
}

Test(revocation_status, tells_a_crl_with_its_source_and_a_source_with_its_trouble)
{
    struct snapshot snapshot = {0};
    know_rig_add(&rig, CONF_CRL_FILE, "root.crl");
    know_rig_add(&rig, CONF_CRL_FILE, "none.crl");
    know_rig_put(&rig, "root.crl", 7);
    know_rig_start(&rig);
    know_rig_settle(&rig);
    cr_expect_eq(revocation_snapshot(rig.revocation, &snapshot), 0);
    cr_assert_eq(snapshot.trust_count, 1);
    const struct snapshot_trust *trust = &snapshot.trusts[0];
    cr_assert_eq(trust->crl_count, 1);
    cr_expect_str_eq(trust->crls[0].number, "07");
    cr_expect_not_null(strstr(trust->crls[0].source, "/root.crl"));
    cr_assert_eq(trust->source_count, 2);
    for (size_t i = 0; i < 2; i++) {
        bool is_missing = strstr(trust->sources[i].place, "none.crl") != NULL;
        cr_expect_eq(trust->sources[i].trouble[0] != '\0', is_missing, "%s: %s",
                     trust->sources[i].place, trust->sources[i].trouble);
        cr_expect_eq(trust->sources[i].last_good_s == 0, is_missing);
    }
    snapshot_free(&snapshot);
}
