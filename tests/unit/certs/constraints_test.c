#include <string.h>

#include <criterion/criterion.h>

#include "certs/constraints.h"
#include "certs/subtree.h"
#include "tests/unit/certs/forge.h"

static const struct span none = {NULL, 0};

/* Content of the NameConstraints SEQUENCE. */
static struct span constraints(struct span permitted, struct span excluded)
{
    return FORGE_JOIN(permitted.len > 0 ? forge_tlv(0xA0, permitted) : none,
                      excluded.len > 0 ? forge_tlv(0xA1, excluded) : none);
}

static struct span dns(const char *text)
{
    return forge_subtree(forge_text(0x82, text));
}

/* The verdict on a certificate with this subject and these alternative names. */
static const char *judge(struct span c, struct span subject, struct span san)
{
    struct cert_view view = {.subject = subject, .san = san};
    unsigned work = CONSTRAINTS_WORK_MAX;

    cr_assert(constraints_are_sound(c));
    return constraints_refuse(c, &view, san.len > 0, &work);
}

static const char *judge_dns(struct span c, const char *name)
{
    return judge(c, forge_name(NULL), forge_text(0x82, name));
}

static void expect(const char *why, const char *text)
{
    cr_assert(why != NULL && strstr(why, text) != NULL, "%s; got %s", text,
              why == NULL ? "nothing" : why);
}

Test(constraints, excluded_beats_permitted)
{
    struct span c = constraints(dns("example"), dns("bad.example"));

    cr_assert_null(judge_dns(c, "good.example"));
    expect(judge_dns(c, "bad.example"), "excluded");
    expect(judge_dns(c, "other.org"), "outside");
    c = constraints(dns("example"), dns("example"));
    expect(judge_dns(c, "a.example"), "excluded");
}

Test(constraints, one_of_several_permitted_is_enough)
{
    struct span c = constraints(FORGE_JOIN(dns("a.example"), dns("b.example")), none);

    cr_assert_null(judge_dns(c, "a.example"));
    cr_assert_null(judge_dns(c, "b.example"));
    expect(judge_dns(c, "c.example"), "outside");
}

Test(constraints, every_name_counts)
{
    struct span c = constraints(none, dns("bad.example"));

    expect(judge(c, forge_name(NULL),
                 FORGE_JOIN(forge_text(0x82, "good.example"), forge_text(0x82, "bad.example"))),
           "excluded");
}

Test(constraints, other_kinds_are_not_bound)
{
    struct span ip = forge_subtree(forge_tlv(0x87, forge_hex("C0000200FFFFFF00")));

    cr_assert_null(judge_dns(constraints(ip, none), "a.example"));
    cr_assert_null(judge_dns(constraints(none, ip), "a.example"));
    cr_assert_null(judge(constraints(dns("example"), none), forge_name("pump"), none));
}

Test(constraints, a_kind_that_is_not_understood_is_refused_when_it_turns_up)
{
    struct span other = forge_tlv(0xA0, forge_hex("06022A03A0020500"));
    struct span c = constraints(none, forge_subtree(other));

    cr_assert_null(judge_dns(c, "a.example"));
    expect(judge(c, forge_name(NULL), other), "cannot be judged");
    expect(judge(constraints(forge_subtree(other), none), forge_name(NULL), other),
           "cannot be judged");
}

Test(constraints, the_subject_is_a_directory_name)
{
    struct span base = forge_subtree(forge_tlv(0xA4, forge_name("pump")));

    cr_assert_null(judge(constraints(base, none), forge_name("pump"), none));
    expect(judge(constraints(base, none), forge_name("other"), none), "outside");
    expect(judge(constraints(none, base), forge_name("PUMP"), none), "excluded");
    cr_assert_null(judge(constraints(base, none), forge_name(NULL), forge_text(0x82, "a")),
                   "an empty subject is no name");
    expect(judge(constraints(base, none), forge_name("pump"), forge_tlv(0xA4, forge_name("other"))),
           "outside");
}

Test(constraints, mail_in_the_subject_counts_without_alternative_names)
{
    struct span mail = FORGE_SEQUENCE(
        forge_tlv(0x31, FORGE_SEQUENCE(forge_hex("06092A864886F70D010901"),
                                       forge_text(0x16, "a@b.example"))));
    struct span c = constraints(forge_subtree(forge_text(0x81, "c.example")), none);

    expect(judge(c, mail, none), "outside");
    cr_assert_null(judge(c, mail, forge_text(0x82, "x.example")));
    cr_assert_null(
        judge(constraints(forge_subtree(forge_text(0x81, "b.example")), none), mail, none));
    cr_assert_null(judge(c, forge_name("a@b.example"), none), "a CN is no mail address");
}

Test(constraints, malformed_names_are_refused_where_they_are_bound)
{
    struct span c = constraints(dns("example"), none);

    expect(judge_dns(c, ".example"), "cannot be judged");
    cr_assert_null(judge_dns(constraints(forge_subtree(forge_text(0x81, "x")), none), ".example"));
}

Test(constraints, empty_lists_are_not_sound)
{
    cr_assert_not(constraints_are_sound(none));
    cr_assert_not(constraints_are_sound(forge_hex("A000")));
    cr_assert_not(constraints_are_sound(forge_hex("A100")));
    cr_assert_not(constraints_are_sound(forge_hex("A000A100")));
    cr_assert_not(constraints_are_sound(FORGE_JOIN(forge_tlv(0xA0, dns("a")), forge_hex("A100"))));
}

Test(constraints, minimum_and_maximum_are_not_sound)
{
    static const char *const more[] = {"800101", "810105", "800100"};

    for (size_t i = 0; i < 3; i++) {
        struct span tree = FORGE_SEQUENCE(forge_text(0x82, "a"), forge_hex(more[i]));
        cr_assert_not(constraints_are_sound(forge_tlv(0xA0, tree)), "%s", more[i]);
    }
}

Test(constraints, order_and_rest_are_not_free)
{
    cr_assert_not(
        constraints_are_sound(FORGE_JOIN(forge_tlv(0xA1, dns("a")), forge_tlv(0xA0, dns("a")))));
    cr_assert_not(constraints_are_sound(FORGE_JOIN(forge_tlv(0xA0, dns("a")), forge_hex("0500"))));
    cr_assert_not(constraints_are_sound(forge_tlv(0xA0, forge_text(0x82, "a"))),
                  "no GeneralSubtree");
    cr_assert_not(constraints_are_sound(forge_tlv(0xA0, forge_subtree(forge_text(0x0C, "a")))));
    cr_assert_not(constraints_are_sound(forge_tlv(0xA0, forge_subtree(forge_text(0x89, "a")))));
    cr_assert_not(constraints_are_sound(forge_tlv(0xA0, dns(".a"))), "a base that is not sound");
    cr_assert_not(constraints_are_sound(forge_tlv(0xA1, dns(".a"))));
}

/* 600 names against 600 constraints: more than 250,000 comparisons. */
Test(constraints, work_is_bounded)
{
    struct span names[600];
    struct span trees[600];

    for (size_t i = 0; i < 600; i++) {
        names[i] = forge_text(0x82, "a.example");
        trees[i] = dns("b.example");
    }
    expect(
        judge(constraints(none, forge_join(trees, 600)), forge_name(NULL), forge_join(names, 600)),
        "too many");
    expect(
        judge(constraints(forge_join(trees, 600), none), forge_name(NULL), forge_tlv(0x82, none)),
        "cannot be judged");
    for (size_t i = 0; i < 600; i++) {
        names[i] = forge_text(0x86, "x");
    }
    expect(
        judge(constraints(forge_join(trees, 600), none), forge_name(NULL), forge_join(names, 600)),
        "too many");
}
