#include <string.h>

#include <criterion/criterion.h>

#include "conf/values.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

Test(values, u32_takes_digits_within_the_range)
{
    uint32_t n = 7;
    cr_assert(values_parse_u32("0", 0, 10, &n));
    cr_assert_eq(n, 0);
    cr_assert(values_parse_u32("4294967295", 0, UINT32_MAX, &n));
    cr_assert_eq(n, UINT32_MAX);
    cr_assert(values_parse_u32("0010", 10, 10, &n));
    cr_assert_eq(n, 10);
}

Test(values, u32_refuses_all_else_and_leaves_the_output)
{
    static const char *const BAD[] = {"",
                                      "-1",
                                      "+1",
                                      "1 ",
                                      " 1",
                                      "0x1",
                                      "1.0",
                                      "a",
                                      "4294967296",
                                      "99999999999",
                                      "1e3",
                                      "\xd9\xa1",
                                      "18446744073709551617"};
    uint32_t n = 7;
    for (size_t i = 0; i < COUNT(BAD); i++) {
        cr_assert_not(values_parse_u32(BAD[i], 0, UINT32_MAX, &n), "%s", BAD[i]);
    }
    cr_assert_not(values_parse_u32("4", 5, 9, &n));
    cr_assert_not(values_parse_u32("10", 5, 9, &n));
    cr_assert_eq(n, 7);
}

/* ---- Durations, sizes, numbers, choices ---- */

static const struct keys_row DURATION = {
    .type = KEYS_TYPE_DURATION, .floor = 5, .ceiling = 86400000};
static const struct keys_row SIZE = {.type = KEYS_TYPE_SIZE, .floor = 16, .ceiling = 67108864};
static const struct keys_row NUMBER = {.type = KEYS_TYPE_NUMBER, .floor = 1, .ceiling = 1024};
static const struct keys_row CHOICE = {.type = KEYS_TYPE_CHOICE, .words = {"deny", "allow"}};

static void is(const struct keys_row *row, const char *text, uint32_t expected)
{
    uint32_t n = 0;
    struct values_error why = {0};
    cr_assert_eq(values_scalar(row, text, &n, &why), 0, "%s %s", text, why.wrong);
    cr_assert_eq(n, expected, "%s", text);
}

static void is_refused(const struct keys_row *row, const char *text, const char *wrong)
{
    uint32_t n = 77;
    struct values_error why = {0};
    cr_assert_eq(values_scalar(row, text, &n, &why), -1, "%s", text);
    cr_assert_str_eq(why.wrong, wrong, "%s", text);
    cr_assert_eq(n, 77);
}

Test(values, durations_have_a_unit)
{
    is(&DURATION, "500ms", 500);
    is(&DURATION, "10s", 10000);
    is(&DURATION, "5m", 300000);
    is(&DURATION, "24h", 86400000);
    is_refused(&DURATION, "10", "is not a duration with its unit");
    is_refused(&DURATION, "10 s", "is not a duration with its unit");
    is_refused(&DURATION, "s", "is not a duration with its unit");
    is_refused(&DURATION, "1.5s", "is not a duration with its unit");
    is_refused(&DURATION, "-1s", "is not a duration with its unit");
    is_refused(&DURATION, "1d", "is not a duration with its unit");
    is_refused(&DURATION, "10S", "is not a duration with its unit");
    is_refused(&DURATION, "never", "is not a duration with its unit");
}

Test(values, numbers_keep_to_floor_and_ceiling)
{
    is(&DURATION, "5ms", 5);
    is_refused(&DURATION, "4ms", "is out of range");
    is_refused(&DURATION, "0s", "is out of range");
    is_refused(&DURATION, "86401s", "is out of range");
    is(&NUMBER, "1024", 1024);
    is_refused(&NUMBER, "0", "is out of range");
    is_refused(&NUMBER, "1025", "is out of range");
    is_refused(&NUMBER, "1K", "is not a number");
}

Test(values, numbers_do_not_wrap_around)
{
    /* 2^32 ms and a bit: as 32 bits it would be a fine 704 ms. */
    is_refused(&DURATION, "4294968s", "is out of range");
    is_refused(&DURATION, "1194h", "is out of range");
    is_refused(&DURATION, "9999999999h", "is out of range");
    is_refused(&DURATION, "99999999999h", "is not a duration with its unit");
    is_refused(&SIZE, "4194305KiB", "is out of range");
    is_refused(&SIZE, "4097MiB", "is out of range");
}

Test(values, sizes_are_bytes_or_have_a_unit)
{
    is(&SIZE, "4096", 4096);
    is(&SIZE, "4K", 4096);
    is(&SIZE, "4KiB", 4096);
    is(&SIZE, "2M", 2097152);
    is(&SIZE, "64MiB", 67108864);
    is_refused(&SIZE, "2GiB", "is not a size");
    is_refused(&SIZE, "2 MiB", "is not a size");
    is_refused(&SIZE, "15", "is out of range");
}

Test(values, choices_are_words_of_the_row)
{
    is(&CHOICE, "deny", 0);
    is(&CHOICE, "allow", 1);
    is_refused(&CHOICE, "Allow", "is not a word that is known here");
    is_refused(&CHOICE, "", "is not a word that is known here");
    is_refused(&CHOICE, "allowed", "is not a word that is known here");
}

Test(values, never_is_a_duration_where_the_row_says_so)
{
    struct keys_row row = DURATION;
    row.or_never = true;
    is(&row, "never", KEYS_NEVER);
    is(&row, "0", KEYS_NEVER);
    is(&row, "5s", 5000);
    is_refused(&row, "1ms", "is out of range");
}

/* ---- Names, hosts, addresses ---- */

Test(values, names_are_letters_digits_and_three_signs)
{
    cr_assert(values_is_name("pump-12"));
    cr_assert(values_is_name("A_b.9"));
    cr_assert(values_is_name("a23456789012345678901234567890123456789012345678901234567890123"));
    cr_assert_not(
        values_is_name("a234567890123456789012345678901234567890123456789012345678901234"));
    cr_assert_not(values_is_name(""));
    cr_assert_not(values_is_name("bed 12"));
    cr_assert_not(values_is_name("a/b"));
    cr_assert_not(values_is_name("S\xc3\xa4ugling"));
}

Test(values, hosts_are_names_or_addresses)
{
    cr_assert(values_is_host("hl7.hospital.example"));
    cr_assert(values_is_host("localhost"));
    cr_assert(values_is_host("10.3.0.57"));
    cr_assert(values_is_host("fd00::1"));
    cr_assert_not(values_is_host("10.3.0.300"), "a slip in an address is no name");
    cr_assert_not(values_is_host("a..b"));
    cr_assert_not(values_is_host(""));
    cr_assert_not(values_is_host("a b"));
}

Test(values, addresses_are_kept_as_inet_ntop_prints_them)
{
    char to[VALUES_HOST_SIZE] = "x";
    cr_assert(values_ip("10.3.0.57", to));
    cr_assert_str_eq(to, "10.3.0.57");
    cr_assert(values_ip("FD00:0:0::1", to));
    cr_assert_str_eq(to, "fd00::1");
    cr_assert_not(values_ip("10.3.0", to));
    cr_assert_not(values_ip("10.3.0.0/24", to));
    cr_assert_not(values_ip("localhost", to));
    cr_assert_not(values_ip("", to));
}

Test(values, loopback_is_127_and_one)
{
    cr_assert(values_is_loopback("127.0.0.1"));
    cr_assert(values_is_loopback("127.9.9.9"));
    cr_assert(values_is_loopback("::1"));
    cr_assert_not(values_is_loopback("0.0.0.0"));
    cr_assert_not(values_is_loopback("::"));
    cr_assert_not(values_is_loopback("10.127.0.1"));
}

static void address_is(const char *text, const char *host, uint16_t port, bool is_ip)
{
    struct values_address a;
    struct values_error why = {0};
    cr_assert_eq(values_address(text, &a, &why), 0, "%s", text);
    cr_assert_str_eq(a.host, host);
    cr_assert_eq(a.port, port);
    cr_assert_eq(a.is_ip, is_ip);
}

Test(values, address_is_host_and_port)
{
    address_is("hl7.hospital.example:2576", "hl7.hospital.example", 2576, false);
    address_is("10.3.0.1:1", "10.3.0.1", 1, true);
    address_is("[FD00:0::1]:65535", "fd00::1", 65535, true);
}

Test(values, address_refuses_other_shapes)
{
    static const char *const BAD[] = {"10.3.0.1",
                                      "10.3.0.1:",
                                      "10.3.0.1:0",
                                      "10.3.0.1:65536",
                                      ":802",
                                      "fd00::1:802",
                                      "[fd00::1]802",
                                      "[fd00::1:802",
                                      "[10.3.0.1]:802",
                                      "[fd00::zz]:802",
                                      "10.3.0.300:1",
                                      "a b:1",
                                      "a:1x",
                                      "a:-1",
                                      "a:1:2",
                                      "[]:1",
                                      "",
                                      "[",
                                      "*:802",
                                      "a: 1"};
    for (size_t i = 0; i < COUNT(BAD); i++) {
        struct values_address a = {.port = 9};
        struct values_error why = {0};
        cr_assert_eq(values_address(BAD[i], &a, &why), -1, "%s", BAD[i]);
        cr_assert_not_null(why.wrong);
        cr_assert_eq(a.port, 9);
    }
}

Test(values, address_refuses_an_endless_host)
{
    char text[400];
    struct values_address a;
    struct values_error why;
    memset(text, 'a', sizeof(text));
    memcpy(&text[sizeof(text) - 3], ":1", 3);
    cr_assert_eq(values_address(text, &a, &why), -1);
}

/* ---- Ports ---- */

Test(values, ports_are_serial_dialled_or_listening)
{
    struct values_port p;
    struct values_error why;
    cr_assert_eq(values_port("serial:/dev/ttyUSB0", &p, &why), 0);
    cr_assert_eq(p.kind, CONF_PORT_SERIAL);
    cr_assert_str_eq(p.path, "/dev/ttyUSB0");
    cr_assert_eq(values_port("tcp:scale.ward.example:4001", &p, &why), 0);
    cr_assert_eq(p.kind, CONF_PORT_TCP);
    cr_assert_str_eq(p.address.host, "scale.ward.example");
    cr_assert_eq(values_port("tcp-listen:[::1]:2575", &p, &why), 0);
    cr_assert_eq(p.kind, CONF_PORT_TCP_LISTEN);
    cr_assert_str_eq(p.address.host, "::1");
    cr_assert_eq(p.address.port, 2575);
}

Test(values, ports_of_other_shapes_are_refused)
{
    static const struct {
        const char *text;
        const char *wrong;
    } BAD[] = {
        {"/dev/ttyUSB0", "is not a port"},
        {"udp:10.0.0.1:1", "is not a port"},
        {"serial:ttyUSB0", "is not an absolute path"},
        {"serial:", "is not an absolute path"},
        {"serial:/", "is not an absolute path"},
        {"tcp:10.0.0.1", "is not a host and a port"},
        {"tcp:10.0.0.1:0", "has no port from 1 to 65535"},
        {"tcp-listen:ward.example:2575", "listens on a name"},
    };

    for (size_t i = 0; i < COUNT(BAD); i++) {
        struct values_port p;
        struct values_error why = {0};
        cr_assert_eq(values_port(BAD[i].text, &p, &why), -1, "%s", BAD[i].text);
        cr_assert_str_eq(why.wrong, BAD[i].wrong);
    }
}

Test(values, an_endless_serial_path_is_refused)
{
    char text[400];
    struct values_port p;
    struct values_error why = {0};
    memset(text, 'a', sizeof(text));
    memcpy(text, "serial:/", 8);
    text[sizeof(text) - 1] = '\0';
    cr_assert_eq(values_port(text, &p, &why), -1);
    cr_assert_str_eq(why.wrong, "is too long");
}
