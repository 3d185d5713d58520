#include "certs/subtree.h"

#include <stddef.h>
#include <stdint.h>

#include "certs/der.h"
#include "certs/dn.h"

enum { HOST_MAX = 253, LABEL_MAX = 63, IP4_LEN = 4, IP6_LEN = 16 };

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

static bool same_letters(struct span a, struct span b)
{
    uint8_t c;
    uint8_t d;

    if (a.len != b.len) {
        return false;
    }
    while (span_take_u8(&a, &c) && span_take_u8(&b, &d)) {
        if (lower(c) != lower(d)) {
            return false;
        }
    }
    return true;
}

static bool begins_with(struct span text, uint8_t c)
{
    uint8_t first;

    return span_at(text, 0, &first) && first == c;
}

static bool is_host_char(uint8_t c)
{
    c = lower(c);
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Labels of 1..63 letters with single dots between them; no dot at either end. */
static bool is_host(struct span text)
{
    size_t label = 0;
    uint8_t c;

    if (text.len == 0 || text.len > HOST_MAX) {
        return false;
    }
    while (span_take_u8(&text, &c)) {
        bool is_dot = c == '.';
        if (is_dot ? label == 0 : !is_host_char(c) || label == LABEL_MAX) {
            return false;
        }
        label = is_dot ? 0 : label + 1;
    }
    return label > 0;
}

/* Is the last label a number? Then it is an IPv4 address in disguise (RFC 3986 3.2.2). */
static bool ends_in_number(struct span host)
{
    uint8_t c = 0;
    size_t at = host.len;

    while (at > 0 && span_at(host, at - 1, &c) && c >= '0' && c <= '9') {
        at--;
    }
    return at == 0 || (at < host.len && c == '.');
}

/* Is the host below the domain (labels added on the left), not the domain itself? */
static bool is_below(struct span host, struct span domain)
{
    uint8_t before;
    size_t more;

    if (host.len <= domain.len) {
        return false;
    }
    more = host.len - domain.len;
    return span_at(host, more - 1, &before) && before == '.' &&
           same_letters(span_after(host, more), domain);
}

static bool is_at_or_below(struct span host, struct span domain)
{
    return same_letters(host, domain) || is_below(host, domain);
}

static enum subtree_match answer(bool is_inside)
{
    return is_inside ? SUBTREE_INSIDE : SUBTREE_OUTSIDE;
}

/* "*.x" stands for every name with one more label. It lies in a permitted subtree when x does. It
 * touches an excluded one when x lies inside, or when the base is one of those names
 * (CVE-2025-61727: "*.example.com" against the excluded "bar.example.com"). */
static bool wildcard_holds(struct span parent, struct span base, bool is_excluded)
{
    struct span base_parent = span_after(base, span_find(base, '.') + 1);

    return is_at_or_below(parent, base) ||
           (is_excluded && base_parent.len > 0 && same_letters(base_parent, parent));
}

static enum subtree_match dns_holds(struct span base, struct span name, bool is_excluded)
{
    bool is_wild = begins_with(name, '*') && begins_with(span_after(name, 1), '.');
    struct span host = is_wild ? span_after(name, 2) : name;

    if (!is_host(host)) {
        return SUBTREE_UNCLEAR;
    }
    if (base.len == 0) {
        return SUBTREE_INSIDE;
    }
    return answer(is_wild ? wildcard_holds(host, base, is_excluded) : is_at_or_below(host, base));
}

/* ".x" holds every host below x, "x" the host x alone, "" everything (URI and the host of a mail).
 */
static bool host_holds(struct span base, struct span host)
{
    if (base.len == 0) {
        return true;
    }
    return begins_with(base, '.') ? is_below(host, span_after(base, 1)) : same_letters(host, base);
}

/* "local@host" with one "@" only. A quoted local part could hide a second one (RFC 5321 4.1.2); no
 * name that anybody uses has it, so it is unclear. */
static bool split_mail(struct span mail, struct span *local, struct span *host)
{
    size_t at = span_find(mail, '@');

    if (at == 0 || at == mail.len) {
        return false;
    }
    *local = span_first(mail, at);
    *host = span_after(mail, at + 1);
    return is_host(*host); /* which allows no "@" */
}

static enum subtree_match mail_holds(struct span base, struct span name)
{
    struct span local;
    struct span host;
    struct span base_local;
    struct span base_host;

    if (!split_mail(name, &local, &host)) {
        return SUBTREE_UNCLEAR;
    }
    if (span_find(base, '@') == base.len) {
        return answer(host_holds(base, host));
    }
    return answer(split_mail(base, &base_local, &base_host) && span_equal(local, base_local) &&
                  same_letters(host, base_host));
}

/* The host of a URI with an authority (RFC 3986 3.2): "scheme://user@host:port/…". */
static bool take_uri_host(struct span uri, struct span *host)
{
    static const uint8_t ends[] = {'/', '?', '#'};
    struct span rest = span_after(uri, span_find(uri, ':') + 1);

    if (!begins_with(rest, '/') || !begins_with(span_after(rest, 1), '/')) {
        return false;
    }
    rest = span_after(rest, 2);
    for (size_t i = 0; i < sizeof(ends); i++) {
        rest = span_first(rest, span_find(rest, ends[i]));
    }
    if (span_find(rest, '\\') < rest.len) {
        return false; /* some readers take it for a slash (WHATWG URL), and so for the host's end */
    }
    if (span_find(rest, '@') < rest.len) {
        rest = span_after(rest, span_find(rest, '@') + 1);
    }
    /* A second "@", brackets of an IPv6 address and the like are no host's letters. */
    *host = span_first(rest, span_find(rest, ':'));
    return is_host(*host) && !ends_in_number(*host);
}

/* RFC 5280 4.2.1.10: a URI without a host name must be refused where URIs are constrained. */
static enum subtree_match uri_holds(struct span base, struct span name)
{
    struct span host;

    return take_uri_host(name, &host) ? answer(host_holds(base, host)) : SUBTREE_UNCLEAR;
}

static enum subtree_match ip_holds(struct span base, struct span name)
{
    if (name.len != IP4_LEN && name.len != IP6_LEN) {
        return SUBTREE_UNCLEAR;
    }
    if (base.len != 2 * name.len) {
        return SUBTREE_OUTSIDE; /* the other family */
    }
    for (size_t i = 0; i < name.len; i++) {
        uint8_t byte = 0;
        uint8_t net = 0;
        uint8_t mask = 0;
        if (!span_at(name, i, &byte) || !span_at(base, i, &net) ||
            !span_at(base, name.len + i, &mask)) {
            return SUBTREE_UNCLEAR;
        }
        if (((byte ^ net) & mask) != 0) {
            return SUBTREE_OUTSIDE;
        }
    }
    return SUBTREE_INSIDE;
}

/* Ones and then zeros (RFC 4632 3.1). */
static bool is_mask(struct span mask)
{
    bool has_ended = false;
    uint8_t byte;

    while (span_take_u8(&mask, &byte)) {
        unsigned zeros = 0xFFU - byte; /* must be 2^n - 1 */
        if ((has_ended && byte != 0) || (zeros & (zeros + 1)) != 0) {
            return false;
        }
        has_ended = zeros != 0;
    }
    return true;
}

/* A host, ".domain", or nothing. */
static bool is_host_base(struct span base)
{
    return base.len == 0 || is_host(begins_with(base, '.') ? span_after(base, 1) : base);
}

bool subtree_is_sound(unsigned kind, struct span base)
{
    struct span local;
    struct span host;

    switch (kind) {
    case SUBTREE_MAIL:
        return span_find(base, '@') == base.len ? is_host_base(base)
                                                : split_mail(base, &local, &host);
    case SUBTREE_DNS:
        return base.len == 0 || is_host(base);
    case SUBTREE_DIRECTORY:
        return dn_is_within(base, base);
    case SUBTREE_URI:
        return is_host_base(base);
    case SUBTREE_IP:
        return (base.len == 2 * (size_t)IP4_LEN || base.len == 2 * (size_t)IP6_LEN) &&
               is_mask(span_after(base, base.len / 2));
    default:
        return true;
    }
}

enum subtree_match subtree_holds(unsigned kind, struct span base, struct span name,
                                 bool is_excluded)
{
    switch (kind) {
    case SUBTREE_MAIL:
        return mail_holds(base, name);
    case SUBTREE_DNS:
        return dns_holds(base, name, is_excluded);
    case SUBTREE_DIRECTORY:
        return dn_is_within(name, name) ? answer(dn_is_within(name, base)) : SUBTREE_UNCLEAR;
    case SUBTREE_URI:
        return uri_holds(base, name);
    case SUBTREE_IP:
        return ip_holds(base, name);
    default:
        return SUBTREE_UNCLEAR;
    }
}
