/*
 * Values: the text behind a key becomes a number, an address, a line, a map.
 *
 * Floor 2, pure: no allocation, no files, no clock. Outputs are written only on success. All texts
 * are NUL-terminated and without blanks at either end.
 */
#ifndef WARDGATE_VALUES_H
#define WARDGATE_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "conf/keys.h"

/* Why a value was refused: constant texts. right may be NULL: then the key's form is the answer. */
struct values_error {
    const char *wrong;
    const char *right;
};

enum {
    VALUES_NAME_MAX = 63,   /* letters of a device, trust or gateway name */
    VALUES_HOST_SIZE = 254, /* the longest host name, with its NUL */
    VALUES_PATH_SIZE = 192, /* no line is longer than 190 bytes */
    VALUES_UNIT_NONE = -1,  /* in a unit map: no such unit */
};

/* A decimal number from min to max: digits only, no sign, no blanks. False when it is not one. */
bool values_parse_u32(const char *text, uint32_t min, uint32_t max, uint32_t *out);

/* A duration, size, number or choice, as the row's type, floor and ceiling tell.
 * Returns 0 or -1 with *why. */
int values_scalar(const struct keys_row *row, const char *text, uint32_t *out,
                  struct values_error *why);

/* 1 to VALUES_NAME_MAX letters, digits, - _ and . */
bool values_is_name(const char *text);

/* An IP address or a host name, as certs/names.h sees it. */
bool values_is_host(const char *text);

/* An IPv4 or IPv6 address; `out` (VALUES_HOST_SIZE bytes) gets it as inet_ntop prints it. */
bool values_ip(const char *text, char *out);

/* Is this address (as inet_ntop prints it) one of this machine only: 127.0.0.0/8 or ::1? */
bool values_is_loopback(const char *ip);

/* HOST:PORT or [IPv6]:PORT. host is as written (IP addresses as inet_ntop prints them). */
struct values_address {
    char host[VALUES_HOST_SIZE];
    uint16_t port;
    bool is_ip;
};

int values_address(const char *text, struct values_address *out, struct values_error *why);

/* serial:PATH, tcp:HOST:PORT, tcp-listen:ADDRESS:PORT. */
struct values_port {
    enum conf_port_kind kind;
    char path[VALUES_PATH_SIZE];   /* serial: absolute */
    struct values_address address; /* tcp, tcp-listen */
};

int values_port(const char *text, struct values_port *out, struct values_error *why);

/* "9600 8E1", "115200 8N1 rtscts" */
int values_line(const char *text, struct conf_line *out, struct values_error *why);

/* Is it meant as a URL ("://" stands in it), and not as a path? */
bool values_is_url(const char *text);

/* An http or https URL without a user and without a fragment. *path is what stands behind its host
 * and port, in `text`; may be empty. */
int values_url(const char *text, const char **path, struct values_error *why);

/* Does a name, perhaps with a password, stand before its host? Such a text is for nobody's eyes. */
bool values_url_has_user(const char *text);

/* HOST or HOST:PORT as in a URL: port 0 when it is not there. host in lower case. */
int values_fetch_host(const char *text, struct values_address *out, struct values_error *why);

/* An object identifier such as 1.3.6.1.4.1.99999.1, as the content of its DER; numbers up to 32
 * bits. */
struct values_oid {
    uint8_t bytes[VALUES_PATH_SIZE]; /* a line's text is always longer */
    size_t len;
};

int values_oid(const char *text, struct values_oid *out, struct values_error *why);

/* An empty map, and one more item in it: "1", "1-4", "10>1". Bus units are 1 to 247, and 255 where
 * allow_255 (a Modbus/TCP device may be unit 255 to itself). On -1 the map is as before. */
void values_units_clear(struct conf_unit_map *map);
int values_units_add(const char *text, bool allow_255, struct conf_unit_map *map,
                     struct values_error *why);

/* One item of `expect`. pattern: without its quotes; "" for registers. */
struct values_expect {
    enum conf_expect_kind kind;
    char pattern[VALUES_PATH_SIZE]; /* a line's text is never longer */
    uint16_t address, value;
};

int values_expect(const char *text, struct values_expect *out, struct values_error *why);

#endif
