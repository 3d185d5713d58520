#include <string.h>

#include <criterion/criterion.h>

#include "certs/dn.h"

enum { UTF8 = 0x0C, PRINTABLE = 0x13, TELETEX = 0x14, IA5 = 0x16, BMP = 0x1E, OCTETS = 0x04 };

/* One attribute of a name; rdn numbers that repeat make an RDN of several. */
struct part {
    unsigned rdn;
    uint8_t type; /* the last byte of 2.5.4.x */
    uint8_t tag;
    const char *text;
    size_t len; /* 0: strlen */
};

struct name {
    uint8_t bytes[512];
    struct room room;
};

/* Element lengths stay under 128 here. */
static void put(struct room *to, uint8_t tag, struct span content)
{
    cr_assert(content.len < 128);
    cr_assert(room_put_u8(to, tag) && room_put_u8(to, (uint8_t)content.len) &&
              room_put(to, content));
}

static struct span make(struct name *name, const struct part *parts, size_t count)
{
    uint8_t rdns_bytes[256];
    struct room rdns = room_of(rdns_bytes, sizeof(rdns_bytes));

    for (size_t i = 0; i < count;) {
        uint8_t set_bytes[128];
        struct room set = room_of(set_bytes, sizeof(set_bytes));
        unsigned rdn = parts[i].rdn;
        for (; i < count && parts[i].rdn == rdn; i++) {
            const uint8_t oid[] = {0x55, 4, parts[i].type};
            uint8_t pair_bytes[128];
            struct room pair = room_of(pair_bytes, sizeof(pair_bytes));
            size_t len = parts[i].len != 0 ? parts[i].len : strlen(parts[i].text);
            put(&pair, 6, span_of(oid, sizeof(oid)));
            put(&pair, parts[i].tag, span_of(parts[i].text, len));
            put(&set, 0x30, room_span(&pair));
        }
        put(&rdns, 0x31, room_span(&set));
    }
    name->room = room_of(name->bytes, sizeof(name->bytes));
    put(&name->room, 0x30, room_span(&rdns));
    return room_span(&name->room);
}

#define NAME(name, ...)                                                                            \
    make((name), (const struct part[]){__VA_ARGS__},                                               \
         sizeof((const struct part[]){__VA_ARGS__}) / sizeof(struct part))

static struct name a, b;

static bool same(struct part left, struct part right)
{
    bool one_way = dn_equal(make(&a, &left, 1), make(&b, &right, 1));

    cr_assert_eq(dn_equal(make(&b, &right, 1), make(&a, &left, 1)), one_way);
    return one_way;
}

Test(dn, case_and_blanks_do_not_count)
{
    cr_assert(same((struct part){0, 3, PRINTABLE, "Good CA", 0},
                   (struct part){0, 3, UTF8, "  good   ca ", 0}));
    cr_assert(
        same((struct part){0, 3, UTF8, "Good CA", 0}, (struct part){0, 3, IA5, "GOOD CA", 0}));
    cr_assert_not(
        same((struct part){0, 3, UTF8, "Good CA", 0}, (struct part){0, 3, UTF8, "GoodCA", 0}));
    cr_assert_not(
        same((struct part){0, 3, UTF8, "Good CA", 0}, (struct part){0, 3, UTF8, "Good CA1", 0}));
    cr_assert_not(
        same((struct part){0, 3, UTF8, "Good CA", 0}, (struct part){0, 10, UTF8, "Good CA", 0}),
        "another attribute");
}

Test(dn, the_same_letters_are_equal_in_every_string_type)
{
    cr_assert(same((struct part){0, 3, BMP, "\0G\0A", 4}, (struct part){0, 3, PRINTABLE, "ga", 0}));
    cr_assert(
        same((struct part){0, 3, TELETEX, "\xE4", 0}, (struct part){0, 3, UTF8, "\xC3\xA4", 0}));
    cr_assert(same((struct part){0, 3, BMP, "\x20\xAC", 2},
                   (struct part){0, 3, UTF8, "\xE2\x82\xAC", 0}));
    cr_assert_not(same((struct part){0, 3, BMP, "\x20\xAC", 2},
                       (struct part){0, 3, UTF8, "\xE2\x82\xAD", 0}));
}

Test(dn, a_value_that_is_no_text_compares_by_bytes)
{
    cr_assert(same((struct part){0, 3, OCTETS, "Ab", 0}, (struct part){0, 3, OCTETS, "Ab", 0}));
    cr_assert_not(same((struct part){0, 3, OCTETS, "Ab", 0}, (struct part){0, 3, OCTETS, "ab", 0}));
    cr_assert_not(same((struct part){0, 3, OCTETS, "Ab", 0}, (struct part){0, 3, UTF8, "Ab", 0}));
}

Test(dn, broken_text_equals_nothing_but_its_own_bytes)
{
    cr_assert_not(same((struct part){0, 3, UTF8, "\xC0\x80", 0}, (struct part){0, 3, UTF8, "", 0}));
    cr_assert_not(
        same((struct part){0, 3, UTF8, "a\xE2\x82", 0}, (struct part){0, 3, PRINTABLE, "a", 0}));
    cr_assert_not(same((struct part){0, 3, UTF8, "a\0b", 3}, (struct part){0, 3, UTF8, "a", 0}),
                  "a NUL ends no name");
    cr_assert_not(same((struct part){0, 3, BMP, "\0a\0", 3}, (struct part){0, 3, UTF8, "a", 0}));
}

Test(dn, order_counts_between_rdns_and_not_inside)
{
    struct part c = {0, 6, PRINTABLE, "DE", 0};
    struct part o = {1, 10, PRINTABLE, "H", 0};
    struct part o_here = {0, 10, PRINTABLE, "H", 0};

    cr_assert(dn_equal(NAME(&a, c, o), NAME(&b, c, o)));
    cr_assert_not(dn_equal(NAME(&a, c, o), NAME(&b, o, c)));
    cr_assert(dn_equal(NAME(&a, c, o_here), NAME(&b, o_here, c)), "one RDN of two attributes");
    cr_assert_not(dn_equal(NAME(&a, c, o_here), NAME(&b, c, o)));
    cr_assert_not(dn_equal(NAME(&a, c, c), NAME(&b, c, o_here)), "each partner only once");
    cr_assert_not(dn_is_within(NAME(&a, c, c), NAME(&b, c, o_here)));
    cr_assert_not(dn_is_within(NAME(&a, c, o_here), NAME(&b, c, c)));
}

Test(dn, subtrees_are_the_first_rdns)
{
    struct part c = {0, 6, PRINTABLE, "DE", 0};
    struct part o = {1, 10, PRINTABLE, "Hospital", 0};
    struct part cn = {2, 3, UTF8, "pump", 0};

    cr_assert(dn_is_within(NAME(&a, c, o, cn), NAME(&b, c, o)));
    cr_assert(dn_is_within(NAME(&a, c, o), NAME(&b, c, o)));
    cr_assert_not(dn_is_within(NAME(&a, c), NAME(&b, c, o)), "shorter than the base");
    cr_assert_not(dn_is_within(NAME(&a, c, o, cn), NAME(&b, o)), "not from the front");
}

Test(dn, an_empty_base_holds_everything)
{
    static const uint8_t empty[] = {0x30, 0};
    struct part c = {0, 6, PRINTABLE, "DE", 0};

    cr_assert(dn_is_within(NAME(&a, c), span_of(empty, 2)));
    cr_assert(dn_equal(span_of(empty, 2), span_of(empty, 2)));
    cr_assert(dn_is_empty(span_of(empty, 2)));
    cr_assert_not(dn_is_empty(NAME(&a, c)));
    cr_assert_not(dn_is_empty(span_of(empty, 1)), "broken is not empty");
    cr_assert_not(dn_is_empty(span_of(NULL, 0)));
}

Test(dn, every_cut_equals_nothing)
{
    struct part c = {0, 6, PRINTABLE, "DE", 0};
    struct part cn = {1, 3, UTF8, "pump", 0};
    struct span whole = NAME(&a, c, cn);

    for (size_t len = 0; len < whole.len; len++) {
        cr_assert_not(dn_equal(span_first(whole, len), span_first(whole, len)), "%zu", len);
        cr_assert_not(dn_is_within(span_first(whole, len), span_first(whole, len)), "%zu", len);
    }
    cr_assert(dn_equal(whole, whole));
}

Test(dn, a_broken_rest_is_within_nothing)
{
    static const uint8_t rest[] = {0x30, 2, 0x31, 0};
    static const uint8_t empty[] = {0x30, 0};

    cr_assert_not(dn_is_within(span_of(rest, sizeof(rest)), span_of(empty, 2)));
}
