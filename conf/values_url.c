#include <stdio.h>
#include <string.h>

#include "conf/values.h"

#define LETTERS_AND_DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/* What may stand in a URL (RFC 3986 2.2, 2.3) but for # and what escapes: of a fragment, no server
 * ever hears. */
static const char url_bytes[] = LETTERS_AND_DIGITS "-._~:/?[]@!$&'()*+,;=%";

enum { URL_MAX = 190, HOST_TEXT_MAX = 300 };

static int refuse(struct values_error *why, const char *wrong, const char *right)
{
    why->wrong = wrong;
    why->right = right;
    return -1;
}

bool values_is_url(const char *text)
{
    return strstr(text, "://") != NULL;
}

/* Does a port stand behind the host? In brackets colons belong to the address. */
static bool has_port(const char *text)
{
    const char *behind = text[0] == '[' ? strchr(text, ']') : text;
    return behind != NULL && strchr(behind, ':') != NULL;
}

int values_fetch_host(const char *text, struct values_address *out, struct values_error *why)
{
    char with_port[HOST_TEXT_MAX];
    struct values_address address;
    bool is_any = !has_port(text);
    int len = snprintf(with_port, sizeof(with_port), "%s%s", text, is_any ? ":1" : "");
    if (len < 0 || (size_t)len >= sizeof(with_port)) {
        return refuse(why, "is too long for a host", NULL);
    }
    if (values_address(with_port, &address, why) != 0) {
        return -1;
    }
    for (size_t i = 0; address.host[i] != '\0'; i++) {
        if (address.host[i] >= 'A' && address.host[i] <= 'Z') {
            address.host[i] = (char)(address.host[i] - 'A' + 'a');
        }
    }
    if (is_any) {
        address.port = 0;
    }
    *out = address;
    return 0;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Only bytes that a URL may have, and each % before two hex digits. */
static bool is_sound(const char *url)
{
    if (strlen(url) > URL_MAX || strspn(url, url_bytes) != strlen(url)) {
        return false;
    }
    for (const char *at = strchr(url, '%'); at != NULL; at = strchr(at + 1, '%')) {
        if (!is_hex(at[1]) || !is_hex(at[2])) {
            return false;
        }
    }
    return true;
}

/* What follows the scheme; NULL: another scheme. */
static const char *behind_scheme(const char *text)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        if (strncmp(text, schemes[i], strlen(schemes[i])) == 0) {
            return &text[strlen(schemes[i])];
        }
    }
    return NULL;
}

bool values_url_has_user(const char *text)
{
    const char *from = strstr(text, "://");
    from = from != NULL ? &from[strlen("://")] : text;
    return memchr(from, '@', strcspn(from, "/?#")) != NULL;
}

int values_url(const char *text, const char **path, struct values_error *why)
{
    char authority[HOST_TEXT_MAX];
    struct values_address address;
    const char *from = behind_scheme(text);
    if (from == NULL) {
        return refuse(why, "is no http or https URL", "http://HOST/PATH or https://HOST/PATH");
    }
    if (!is_sound(text)) {
        return refuse(why, "has bytes that no URL has",
                      "a URL without blanks and #, others than letters and digits as %XX");
    }
    if (values_url_has_user(text)) {
        return refuse(why, "names a user",
                      "a URL without USER@, as a name and a password would stand in logs");
    }
    size_t len = strcspn(from, "/?");
    memcpy(authority, from, len); /* is_sound: shorter than both */
    authority[len] = '\0';
    if (values_fetch_host(authority, &address, why) != 0) {
        return refuse(why, "names no possible host",
                      "http://HOST/PATH, or HOST:PORT with an IPv6 address in brackets");
    }
    *path = &from[len];
    return 0;
}

/* One number of an OID in base 128, the highest bits first, all but the last byte marked. */
static size_t put_arc(uint64_t arc, uint8_t *to)
{
    size_t len = 1;
    for (uint64_t rest = arc >> 7U; rest != 0; rest >>= 7U) {
        len++;
    }
    for (size_t i = len; i > 0; i--) {
        to[i - 1] = (uint8_t)((arc & 0x7fU) | (i == len ? 0U : 0x80U));
        arc >>= 7U;
    }
    return len;
}

/* The next number of an OID and the dot behind it; false when there is none. */
static bool take_arc(const char **text, uint32_t *arc)
{
    char digits[16];
    size_t len = strcspn(*text, ".");
    bool is_padded = len > 1 && (*text)[0] == '0';
    if (len >= sizeof(digits) || is_padded) {
        return false;
    }
    memcpy(digits, *text, len);
    digits[len] = '\0';
    *text += len;
    if (**text == '.') {
        (*text)++;
        /* A dot at the end promises a number that is not there. */
        if (**text == '\0') {
            return false;
        }
    }
    return values_parse_u32(digits, 0, UINT32_MAX, arc);
}

int values_oid(const char *text, struct values_oid *out, struct values_error *why)
{
    struct values_oid oid = {.len = 0};
    uint32_t first = 0;
    uint32_t arc = 0;
    if (strlen(text) > URL_MAX || !take_arc(&text, &first) || first > 2 || !take_arc(&text, &arc) ||
        (first < 2 && arc > 39)) {
        return refuse(why, "is no OID", NULL);
    }
    /* The first two share one number (X.690 8.19.4). */
    oid.len = put_arc((uint64_t)first * 40 + arc, oid.bytes);
    while (*text != '\0') {
        if (!take_arc(&text, &arc)) {
            return refuse(why, "is no OID", NULL);
        }
        oid.len += put_arc(arc, &oid.bytes[oid.len]);
    }
    *out = oid;
    return 0;
}
