#include "certs/names.h"

#include <arpa/inet.h>
#include <string.h>

#include "certs/cert.h"

enum {
    DNS_NAME_MAX = 253, /* RFC 1035 2.3.4, as text */
    DNS_LABEL_MAX = 63,
    IP4_LEN = 4,
    IP6_LEN = 16,
};

static char lower(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return (char)(c - 'A' + 'a');
    }
    return c;
}

/* Letters, digits, hyphens; the underscore is not in RFC 1123 but in real device names. */
static bool is_host_char(char c)
{
    c = lower(c);
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* A host name: labels of 1..63 characters, no empty one. */
static bool is_host_name(const char *text, size_t len)
{
    size_t label = 0;

    if (len == 0 || len > DNS_NAME_MAX) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        bool is_dot = text[i] == '.';
        if (is_dot ? label == 0 : !is_host_char(text[i]) || label == DNS_LABEL_MAX) {
            return false;
        }
        label = is_dot ? 0 : label + 1;
    }
    return label > 0;
}

/* A last label of digits only is an IPv4 address that somebody mistyped, not a name (RFC 3696). */
static bool ends_in_number(const char *text, size_t len)
{
    while (len > 0 && text[len - 1] >= '0' && text[len - 1] <= '9') {
        len--;
    }
    return len == 0 || text[len - 1] == '.';
}

static int set_wrong(struct fault *f, const char *text, const char *right)
{
    (void)fault_set(f, FAULT_CONFIG, FAULT_SIDE_CONFIGURATION, text, right);
    return FAULT_CONFIG;
}

static int parse_dns(const char *text, struct name_rule *out, struct fault *f)
{
    struct name_rule rule = {.kind = NAME_DNS};
    size_t len = strlen(text);

    if (len > 0 && text[len - 1] == '.') {
        len--; /* the root's dot: the same name */
    }
    if (!is_host_name(text, len) || ends_in_number(text, len)) {
        return set_wrong(f, text, ": not a host name; right: bms.hospital.example");
    }
    for (size_t i = 0; i < len; i++) {
        rule.value[i] = lower(text[i]);
    }
    *out = rule;
    return 0;
}

static int parse_uri(const char *text, struct name_rule *out, struct fault *f)
{
    struct name_rule rule = {.kind = NAME_URI};
    size_t len = strlen(text);
    const char *colon = strchr(text, ':');

    if (len >= sizeof(rule.value) || colon == NULL || colon == text) {
        return set_wrong(f, text, ": not a URI; right: uri:urn:hospital:bms");
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] <= ' ' || text[i] > '~') {
            return set_wrong(f, text, ": a URI has no blanks and no special letters");
        }
    }
    memcpy(rule.value, text, len);
    *out = rule;
    return 0;
}

/* An address as bytes; its length, or 0. */
static size_t ip_bytes(const char *text, uint8_t bytes[IP6_LEN])
{
    if (inet_pton(AF_INET, text, bytes) == 1) {
        return IP4_LEN;
    }
    if (inet_pton(AF_INET6, text, bytes) == 1) {
        return IP6_LEN;
    }
    return 0;
}

static int parse_ip(const char *text, struct name_rule *out, struct fault *f)
{
    struct name_rule rule = {.kind = NAME_IP};
    uint8_t bytes[IP6_LEN];
    size_t len = ip_bytes(text, bytes);
    int family = len == IP4_LEN ? AF_INET : AF_INET6;

    if (len == 0 || inet_ntop(family, bytes, rule.value, sizeof(rule.value)) == NULL) {
        return set_wrong(f, text, ": not an IP address; right: ip:10.3.0.9");
    }
    *out = rule;
    return 0;
}

int name_rule_parse(const char *text, struct name_rule *out, struct fault *f)
{
    if (strncmp(text, "dns:", 4) == 0) {
        return parse_dns(text + 4, out, f);
    }
    if (strncmp(text, "uri:", 4) == 0) {
        return parse_uri(text + 4, out, f);
    }
    if (strncmp(text, "ip:", 3) == 0) {
        return parse_ip(text + 3, out, f);
    }
    return set_wrong(f, text,
                     ": starts with none of dns: uri: ip:; right: dns:bms.hospital.example");
}

int name_rule_of_host(const char *host, struct name_rule *out, struct fault *f)
{
    uint8_t bytes[IP6_LEN];

    if (ip_bytes(host, bytes) > 0) {
        return parse_ip(host, out, f);
    }
    return parse_dns(host, out, f);
}

static bool same_text(const char *a, const char *b)
{
    while (*a != '\0' && lower(*a) == lower(*b)) {
        a++;
        b++;
    }
    return *a == '\0' && *b == '\0';
}

bool name_dns_matches(const char *pattern, const char *host)
{
    const char *rest;

    if (pattern[0] != '*') {
        return same_text(pattern, host);
    }
    /* RFC 9525 6.3: the whole left-most label, and exactly one. At least two labels must follow:
     * "*.example" would speak for every name of a top-level domain. */
    if (pattern[1] != '.' || strchr(pattern + 2, '.') == NULL) {
        return false;
    }
    rest = strchr(host, '.');
    return rest != NULL && rest != host && same_text(pattern + 1, rest);
}

/* A dNSName against a rule; san_is_sound has made sure that no NUL cuts it short. */
static bool dns_matches(struct span value, const struct name_rule *rule)
{
    char name[DNS_NAME_MAX + 2];
    size_t len = value.len;

    if (len == 0 || len > DNS_NAME_MAX) {
        return false;
    }
    memcpy(name, value.data, len);
    if (name[len - 1] == '.') {
        len--;
    }
    name[len] = '\0';
    return name_dns_matches(name, rule->value);
}

static bool ip_matches(struct span value, const struct name_rule *rule)
{
    uint8_t bytes[IP6_LEN];
    size_t len = ip_bytes(rule->value, bytes);

    return len > 0 && span_equal(value, span_of(bytes, len));
}

/* One SAN against one rule; types never mix (a URI "urn:x" is no dNSName "urn:x"). */
static bool san_matches(unsigned kind, struct span value, const struct name_rule *rule)
{
    switch (rule->kind) {
    case NAME_DNS:
        return kind == CERT_SAN_DNS && dns_matches(value, rule);
    case NAME_URI:
        return kind == CERT_SAN_URI && span_equal(value, span_of_text(rule->value));
    case NAME_IP:
        return kind == CERT_SAN_IP && ip_matches(value, rule);
    }
    return false;
}

/* Is there a SAN for this rule? */
static bool rule_matches(struct span san, const struct name_rule *rule)
{
    struct span value;
    unsigned kind;

    while (cert_san_take(&san, &kind, &value)) {
        if (san_matches(kind, value, rule)) {
            return true;
        }
    }
    return false;
}

/* No broken element, and no NUL inside a name of a text type: whoever puts one there
 * ("good\0.evil", the attack of 2009 on readers of NUL-terminated names) is not believed in
 * anything else either. */
static bool san_is_sound(struct span san)
{
    struct span value;
    unsigned kind;

    while (san.len > 0) {
        if (!cert_san_take(&san, &kind, &value)) {
            return false;
        }
        if ((kind == CERT_SAN_DNS || kind == CERT_SAN_URI) && value.len > 0 &&
            memchr(value.data, '\0', value.len) != NULL) {
            return false;
        }
    }
    return true;
}

bool names_match_certificate(const struct name_rule *rules, size_t count, struct span cert_der,
                             const struct name_rule **matched)
{
    struct cert_view view;
    size_t at = 0;

    if (!cert_view_read(cert_der, &view) || !san_is_sound(view.san)) {
        return false;
    }
    while (at < count && !rule_matches(view.san, &rules[at])) {
        at++;
    }
    if (at < count && matched != NULL) {
        *matched = &rules[at];
    }
    return at < count;
}
