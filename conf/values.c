#include "conf/values.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "certs/names.h"
#include "protocols/fault.h"

enum { SECOND_MS = 1000, MINUTE_MS = 60 * SECOND_MS, HOUR_MS = 60 * MINUTE_MS };

enum { KIB = 1024, MIB = 1024 * KIB };

enum { DIGITS_MAX = 10 };

static int refuse(struct values_error *why, const char *wrong, const char *right)
{
    why->wrong = wrong;
    why->right = right;
    return -1;
}

bool values_parse_u32(const char *text, uint32_t min, uint32_t max, uint32_t *out)
{
    uint64_t value = 0;
    size_t len = strlen(text);
    /* Ten digits cannot overflow 64 bits, and no 32-bit number has more. */
    if (len == 0 || len > DIGITS_MAX || strspn(text, "0123456789") != len) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    if (value < min || value > max) {
        return false;
    }
    *out = (uint32_t)value;
    return true;
}

struct suffix {
    const char *text;
    uint32_t times;
};

static const struct suffix duration_suffixes[] = {
    {"ms", 1}, {"s", SECOND_MS}, {"m", MINUTE_MS}, {"h", HOUR_MS}, {NULL, 0},
};

static const struct suffix size_suffixes[] = {
    {"", 1}, {"K", KIB}, {"KiB", KIB}, {"M", MIB}, {"MiB", MIB}, {NULL, 0},
};

static const struct suffix number_suffixes[] = {{"", 1}, {NULL, 0}};

/* Digits and one of the suffixes. False when the text has another shape. A number that no 32 bits
 * hold has the right shape: *out is then UINT32_MAX, which no ceiling reaches. */
static bool take_scaled(const char *text, const struct suffix *suffixes, uint32_t *out)
{
    char digits[DIGITS_MAX + 1];
    size_t len = strspn(text, "0123456789");
    if (len == 0 || len > DIGITS_MAX) {
        return false;
    }
    memcpy(digits, text, len);
    digits[len] = '\0';
    uint32_t number = 0;
    for (; suffixes->text != NULL; suffixes++) {
        if (strcmp(&text[len], suffixes->text) != 0) {
            continue;
        }
        bool fits = values_parse_u32(digits, 0, UINT32_MAX / suffixes->times, &number);
        *out = fits ? number * suffixes->times : UINT32_MAX;
        return true;
    }
    return false;
}

/* The place of a word among those of the row. */
static int take_word(const struct keys_row *row, const char *text, uint32_t *out,
                     struct values_error *why)
{
    for (uint32_t i = 0; row->words[i] != NULL; i++) {
        if (strcmp(row->words[i], text) == 0) {
            *out = i;
            return 0;
        }
    }
    return refuse(why, "is not a word that is known here", NULL);
}

int values_scalar(const struct keys_row *row, const char *text, uint32_t *out,
                  struct values_error *why)
{
    const struct suffix *suffixes = number_suffixes;
    const char *wrong = "is not a number";
    uint32_t value = 0;
    if (row->type == KEYS_TYPE_CHOICE) {
        return take_word(row, text, out, why);
    }
    if (row->or_never && (strcmp(text, "never") == 0 || strcmp(text, "0") == 0)) {
        *out = KEYS_NEVER;
        return 0;
    }
    if (row->type == KEYS_TYPE_DURATION) {
        suffixes = duration_suffixes;
        wrong = "is not a duration with its unit";
    } else if (row->type == KEYS_TYPE_SIZE) {
        suffixes = size_suffixes;
        wrong = "is not a size";
    }
    if (!take_scaled(text, suffixes, &value)) {
        return refuse(why, wrong, NULL);
    }
    if (value < row->floor || value > row->ceiling) {
        return refuse(why, "is out of range", NULL);
    }
    *out = value;
    return 0;
}

bool values_is_name(const char *text)
{
    size_t len = strlen(text);
    return len >= 1 && len <= VALUES_NAME_MAX &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == len;
}

bool values_ip(const char *text, char *out)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, text, &v4) == 1) {
        return inet_ntop(AF_INET, &v4, out, VALUES_HOST_SIZE) != NULL;
    }
    if (inet_pton(AF_INET6, text, &v6) == 1) {
        return inet_ntop(AF_INET6, &v6, out, VALUES_HOST_SIZE) != NULL;
    }
    return false;
}

bool values_is_loopback(const char *ip)
{
    struct in_addr v4;
    if (inet_pton(AF_INET, ip, &v4) == 1) {
        return (ntohl(v4.s_addr) >> 24) == IN_LOOPBACKNET;
    }
    return strcmp(ip, "::1") == 0;
}

bool values_is_host(const char *text)
{
    /* What a certificate can be compared with: one idea of a host's name in the whole program. */
    struct name_rule rule;
    struct fault fault;
    return strlen(text) < VALUES_HOST_SIZE && name_rule_of_host(text, &rule, &fault) == 0;
}

/* Cut "HOST:PORT" or "[IPv6]:PORT" in two; false when it has another shape. */
static bool cut_address(const char *text, char *host, const char **port)
{
    bool bracket = text[0] == '[';
    const char *from = bracket ? text + 1 : text;
    size_t len = strcspn(from, bracket ? "]" : ":");
    const char *behind = from + len;
    if (bracket && *behind == ']') {
        behind++;
    }
    if (*behind != ':' || len == 0 || len >= VALUES_HOST_SIZE) {
        return false;
    }
    memcpy(host, from, len);
    host[len] = '\0';
    /* Brackets are for IPv6 addresses, and only for them. */
    if (bracket != (strchr(host, ':') != NULL)) {
        return false;
    }
    *port = behind + 1;
    return true;
}

int values_address(const char *text, struct values_address *out, struct values_error *why)
{
    struct values_address address = {0};
    const char *port_text = NULL;
    uint32_t port = 0;
    if (!cut_address(text, address.host, &port_text)) {
        return refuse(why, "is not a host and a port",
                      "HOST:PORT, with an IPv6 address in brackets as in [fd00::1]:802");
    }
    if (!values_is_host(address.host)) {
        return refuse(why, "names no possible host",
                      "a host name or an IP address before the port");
    }
    if (!values_parse_u32(port_text, 1, UINT16_MAX, &port)) {
        return refuse(why, "has no port from 1 to 65535", "HOST:PORT with such a port");
    }
    char ip[VALUES_HOST_SIZE];
    if (values_ip(address.host, ip)) {
        address.is_ip = true;
        memcpy(address.host, ip, sizeof(ip));
    }
    address.port = (uint16_t)port;
    *out = address;
    return 0;
}

/* What follows `prefix`, or NULL when the text begins with something else. */
static const char *after(const char *text, const char *prefix)
{
    size_t len = strlen(prefix);
    return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

static int take_serial(const char *path, struct values_port *out, struct values_error *why)
{
    if (path[0] != '/' || path[1] == '\0') {
        return refuse(why, "is not an absolute path",
                      "serial:/dev/NAME, best one below /dev/serial/by-id");
    }
    if (strlen(path) >= sizeof(out->path)) {
        return refuse(why, "is too long", "a path of at most 190 bytes");
    }
    struct values_port port = {.kind = CONF_PORT_SERIAL};
    (void)snprintf(port.path, sizeof(port.path), "%s", path); /* fits: just measured */
    *out = port;
    return 0;
}

int values_port(const char *text, struct values_port *out, struct values_error *why)
{
    const char *path = after(text, "serial:");
    const char *dialled = after(text, "tcp:");
    const char *listening = after(text, "tcp-listen:");
    struct values_port port = {.kind = CONF_PORT_TCP};
    if (path != NULL) {
        return take_serial(path, out, why);
    }
    if (dialled == NULL && listening == NULL) {
        return refuse(why, "is not a port", NULL);
    }
    if (values_address(dialled != NULL ? dialled : listening, &port.address, why) != 0) {
        return -1;
    }
    if (listening != NULL) {
        port.kind = CONF_PORT_TCP_LISTEN;
    }
    /* A name could move the listener to another network behind the back of the check of `from`. */
    if (listening != NULL && !port.address.is_ip) {
        return refuse(why, "listens on a name", "tcp-listen: with an IP address of this machine");
    }
    *out = port;
    return 0;
}
