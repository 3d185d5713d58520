#include <criterion/criterion.h>

#include "certs/subtree.h"
#include "tests/unit/certs/forge.h"

struct row {
    unsigned kind;
    const char *base; /* text; hexadecimal for addresses */
    const char *name;
    enum subtree_match permitted;
    enum subtree_match excluded;
};

#define IN      SUBTREE_INSIDE, SUBTREE_INSIDE
#define OUT     SUBTREE_OUTSIDE, SUBTREE_OUTSIDE
#define UNCLEAR SUBTREE_UNCLEAR, SUBTREE_UNCLEAR

static struct span bytes(unsigned kind, const char *text)
{
    return kind == SUBTREE_IP ? forge_hex(text) : span_of_text(text);
}

static void check(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct row *r = &rows[i];
        struct span base = bytes(r->kind, r->base);
        struct span name = bytes(r->kind, r->name);
        cr_expect(subtree_is_sound(r->kind, base), "%s", r->base);
        cr_expect_eq(subtree_holds(r->kind, base, name, false), r->permitted, "%s permitted %s",
                     r->name, r->base);
        cr_expect_eq(subtree_holds(r->kind, base, name, true), r->excluded, "%s excluded %s",
                     r->name, r->base);
    }
}

#define CHECK(rows) check((rows), sizeof(rows) / sizeof((rows)[0]))

Test(subtree, dns_names_are_at_or_below)
{
    static const struct row rows[] = {
        {SUBTREE_DNS, "example.com", "example.com", IN},
        {SUBTREE_DNS, "example.com", "EXAMPLE.com", IN},
        {SUBTREE_DNS, "example.com", "a.b.example.com", IN},
        {SUBTREE_DNS, "example.com", "badexample.com", OUT},
        {SUBTREE_DNS, "a.example.com", "example.com", OUT},
        {SUBTREE_DNS, "", "example.com", IN},
        {SUBTREE_DNS, "com", "example.com", IN},
        {SUBTREE_DNS, "example.com", ".example.com", UNCLEAR},
        {SUBTREE_DNS, "example.com", "example.com.", UNCLEAR},
        {SUBTREE_DNS, "example.com", "a..example.com", UNCLEAR},
        {SUBTREE_DNS, "example.com", "", UNCLEAR},
        {SUBTREE_DNS, "example.com", "a b.example.com", UNCLEAR},
        {SUBTREE_DNS, "example.com", "a*.example.com", UNCLEAR},
        {SUBTREE_DNS, "example.com", "b.*.example.com", UNCLEAR},
        {SUBTREE_DNS, "example.com", "*", UNCLEAR},
        {SUBTREE_DNS, "", "*.", UNCLEAR},
    };

    CHECK(rows);
}

Test(subtree, a_wildcard_stands_for_all_its_names)
{
    static const struct row rows[] = {
        {SUBTREE_DNS, "example.com", "*.example.com", IN},
        {SUBTREE_DNS, "bar.example.com", "*.example.com", SUBTREE_OUTSIDE, SUBTREE_INSIDE},
        {SUBTREE_DNS, "BAR.Example.com", "*.example.com", SUBTREE_OUTSIDE, SUBTREE_INSIDE},
        {SUBTREE_DNS, "a.bar.example.com", "*.example.com", OUT},
        {SUBTREE_DNS, "bar.other.com", "*.example.com", OUT},
        {SUBTREE_DNS, "com", "*.com", IN},
        {SUBTREE_DNS, "example.com", "*.com", SUBTREE_OUTSIDE, SUBTREE_INSIDE},
    };

    CHECK(rows);
}

Test(subtree, mail_is_a_box_a_host_or_a_domain)
{
    static const struct row rows[] = {
        {SUBTREE_MAIL, "a@example.com", "a@example.com", IN},
        {SUBTREE_MAIL, "a@example.com", "a@EXAMPLE.com", IN},
        {SUBTREE_MAIL, "a@example.com", "A@example.com", OUT},
        {SUBTREE_MAIL, "a@example.com", "b@example.com", OUT},
        {SUBTREE_MAIL, "example.com", "a@example.com", IN},
        {SUBTREE_MAIL, "example.com", "a@b.example.com", OUT},
        {SUBTREE_MAIL, ".example.com", "a@b.example.com", IN},
        {SUBTREE_MAIL, ".example.com", "a@b.c.example.com", IN},
        {SUBTREE_MAIL, ".example.com", "a@example.com", OUT},
        {SUBTREE_MAIL, "", "a@example.com", IN},
        {SUBTREE_MAIL, "example.com", "a@b@example.com", UNCLEAR},
        {SUBTREE_MAIL, "example.com", "\"a@b\"@example.com", UNCLEAR},
        {SUBTREE_MAIL, "example.com", "example.com", UNCLEAR},
        {SUBTREE_MAIL, "example.com", "@example.com", UNCLEAR},
        {SUBTREE_MAIL, "example.com", "a@", UNCLEAR},
    };

    CHECK(rows);
}

Test(subtree, uris_are_judged_by_their_host)
{
    static const struct row rows[] = {
        {SUBTREE_URI, "example.com", "https://example.com/x", IN},
        {SUBTREE_URI, "example.com", "https://EXAMPLE.COM:8443", IN},
        {SUBTREE_URI, "example.com", "https://user:pw@example.com/?q#f", IN},
        {SUBTREE_URI, "example.com", "https://a.example.com/", OUT},
        {SUBTREE_URI, ".example.com", "https://a.example.com/", IN},
        {SUBTREE_URI, ".example.com", "https://example.com/", OUT},
        {SUBTREE_URI, "", "https://example.com/", IN},
        {SUBTREE_URI, "example.com", "https://evil.com/@example.com", OUT},
        {SUBTREE_URI, "example.com", "https://evil.com?@example.com", OUT},
        {SUBTREE_URI, "example.com", "https://evil.com#@example.com", OUT},
        {SUBTREE_URI, "example.com", "https://a@b@example.com/", UNCLEAR},
        {SUBTREE_URI, "example.com", "https://evil.com\\@example.com/", UNCLEAR},
        {SUBTREE_URI, "example.com", "urn:hospital:bms", UNCLEAR},
        {SUBTREE_URI, "example.com", "https://10.0.0.1/", UNCLEAR},
        {SUBTREE_URI, "example.com", "https://[::1]/", UNCLEAR},
        {SUBTREE_URI, "example.com", "https:///x", UNCLEAR},
        {SUBTREE_URI, "example.com", "example.com", UNCLEAR},
        {SUBTREE_URI, "example.com", "", UNCLEAR},
    };

    CHECK(rows);
}

Test(subtree, addresses_are_judged_by_mask_and_family)
{
    static const struct row rows[] = {
        {SUBTREE_IP, "C0000200FFFFFF00", "C0000201", IN},
        {SUBTREE_IP, "C0000200FFFFFF00", "C0000301", OUT},
        {SUBTREE_IP, "C0000201FFFFFFFF", "C0000201", IN},
        {SUBTREE_IP, "0000000000000000", "C0000201", IN},
        {SUBTREE_IP, "C00002FFFFFFFF80", "C0000280", IN},
        {SUBTREE_IP, "C00002FFFFFFFF80", "C000027F", OUT},
        {SUBTREE_IP, "C0000200FFFFFF00", "00000000000000000000000000000001", OUT},
        {SUBTREE_IP, "00000000000000000000000000000001FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
         "00000000000000000000000000000001", IN},
        {SUBTREE_IP, "00000000000000000000000000000001FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
         "00000000000000000000000000000002", OUT},
        {SUBTREE_IP, "C0000200FFFFFF00", "C0000200FFFFFF00", UNCLEAR},
        {SUBTREE_IP, "C0000200FFFFFF00", "", UNCLEAR},
    };

    CHECK(rows);
}

Test(subtree, directory_names_by_their_first_parts)
{
    struct span name = forge_name("pump");

    cr_assert_eq(subtree_holds(SUBTREE_DIRECTORY, forge_name("PUMP"), name, false), SUBTREE_INSIDE);
    cr_assert_eq(subtree_holds(SUBTREE_DIRECTORY, forge_name("x"), name, false), SUBTREE_OUTSIDE);
    cr_assert_eq(subtree_holds(SUBTREE_DIRECTORY, forge_name(NULL), name, false), SUBTREE_INSIDE);
    cr_assert_eq(subtree_holds(SUBTREE_DIRECTORY, name, span_first(name, 4), true),
                 SUBTREE_UNCLEAR);
    cr_assert(subtree_is_sound(SUBTREE_DIRECTORY, name));
    cr_assert_not(subtree_is_sound(SUBTREE_DIRECTORY, span_first(name, 4)));
}

Test(subtree, other_kinds_are_unclear)
{
    static const unsigned kinds[] = {0, 3, 5, 8};

    for (size_t i = 0; i < 4; i++) {
        cr_assert(subtree_is_sound(kinds[i], span_of_text("x")));
        cr_assert_eq(subtree_holds(kinds[i], span_of_text("x"), span_of_text("x"), true),
                     SUBTREE_UNCLEAR);
    }
}

Test(subtree, malformed_bases_are_not_sound)
{
    static const struct {
        unsigned kind;
        const char *base;
    } rows[] = {
        {SUBTREE_DNS, ".example.com"},
        {SUBTREE_DNS, "*.example.com"},
        {SUBTREE_DNS, "example.com."},
        {SUBTREE_DNS, "a b"},
        {SUBTREE_DNS, "."},
        {SUBTREE_MAIL, "a@b@example.com"},
        {SUBTREE_MAIL, "@example.com"},
        {SUBTREE_MAIL, "a@"},
        {SUBTREE_MAIL, "..example.com"},
        {SUBTREE_URI, "https://example.com"},
        {SUBTREE_URI, "."},
        {SUBTREE_URI, "*.example.com"},
        {SUBTREE_IP, "7F000001"},
        {SUBTREE_IP, "00000000000000000000000000000001"},
        {SUBTREE_IP, ""},
        {SUBTREE_IP, "C0000200FF00FF00"},
        {SUBTREE_IP, "C0000200FFFFFF05"},
        {SUBTREE_IP, "C000020000000001"},
        {SUBTREE_IP, "C0000200FFFFFF0000"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cr_expect_not(subtree_is_sound(rows[i].kind, bytes(rows[i].kind, rows[i].base)), "%s",
                      rows[i].base);
    }
}
