#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "gateway/cmd_modbus.h"
#include "gateway/command.h"
#include "tests/unit/gateway/capture.h"
#include "tests/unit/gateway/instance.h"

enum { WORDS_MAX = 10, WORD_MAX = 160 };

static struct instance place;
static struct capture out, err;
static char words[WORDS_MAX][WORD_MAX];

/* Run it with the words of a line; '~' inside of one is a blank. */
static int explain(const char *line)
{
    char *argv[WORDS_MAX + 3] = {words[0]};
    char text[WORDS_MAX * WORD_MAX];
    int argc = 1;
    (void)snprintf(words[0], WORD_MAX, "explain");
    (void)snprintf(text, sizeof text, "%s -c %s", line, place.conf);
    for (char *at = text; at != NULL && *at != '\0'; argc++) {
        char *end = strchr(at, ' ');
        if (end != NULL) {
            *end = '\0';
        }
        (void)snprintf(words[argc], WORD_MAX, "%.*s", WORD_MAX - 1, at);
        for (char *c = words[argc]; *c != '\0'; c++) {
            *c = *c == '~' ? ' ' : *c;
        }
        argv[argc] = words[argc];
        at = end != NULL ? end + 1 : NULL;
    }
    capture_start(&out, STDOUT_FILENO);
    capture_start(&err, STDERR_FILENO);
    int code = cmd_modbus_explain(argc, argv);
    (void)capture_end(&err);
    (void)capture_end(&out);
    return code;
}

/* Behind the instance's own device: one with rules, one without, and roles. */
static void setup(void)
{
    char here[256];
    char text[4096];
    instance_prepare(&place);
    cr_assert_not_null(getcwd(here, sizeof here));
    cr_assert_eq(setenv("TZ", "UTC0", 1), 0);
    (void)snprintf(
        text, sizeof text,
        "[device infusor]\nport = tcp:127.0.0.1:10\nprotocol = modbus-tcp\nunit_map = 3, 9>4\n"
        "writes = allow\nlisten = 127.0.0.1:8021\nallow = dns:bms.hospital.example\n"
        "certificate = %s/build/pki/pump-12.pem\nkey = %s/build/pki/pump-12.key\n"
        "trust = hospital\n"
        "[device gauge]\nport = tcp:127.0.0.1:11\nprotocol = modbus-tcp\nunit_map = 1\n"
        "listen = 127.0.0.1:8022\nallow = dns:bms.hospital.example\n"
        "certificate = %s/build/pki/pump-12.pem\nkey = %s/build/pki/pump-12.key\n"
        "trust = hospital\n"
        "[role Service]\n"
        "device.infusor.read = holding 0-99\n"
        "device.infusor.write = holding 40-41 value 0-1200, unit 4 coils 3\n"
        "device.infusor.when = mon-fri 07:00-19:00\n"
        "[role Named]\nmatch = uri:urn:hospital:biomed, role:Biomed\n"
        "device.infusor.read = holding 7\n",
        here, here, here, here);
    instance_configure(&place, text);
}

static void teardown(void)
{
    instance_clean(&place);
}

TestSuite(cmd_modbus_explain, .init = setup, .fini = teardown);

/* Monday, 23 November 2026: 12:00 and 20:00. */
#define NOON    " --at 1795435200"
#define EVENING " --at 1795464000"

static void expect(const char *line, int code, const char *first, const char *second)
{
    cr_expect_eq(explain(line), code, "%s: %s%s", line, out.text, err.text);
    const char *text = code == COMMAND_OK || code == COMMAND_REFUSED ? out.text : err.text;
    cr_expect_not_null(strstr(text, first), "%s: %s", line, text);
    cr_expect_not_null(strstr(text, second), "%s: %s", line, text);
}

Test(cmd_modbus_explain, prints_the_rule_that_allows)
{
    expect("Service infusor 06~0028~04B0" NOON, COMMAND_OK, "allowed: a rule allows it\n",
           ":36: device.infusor.write = holding 40-41 value 0-1200\n");
    expect("Service infusor 03~0000~0064" NOON, COMMAND_OK, "device.infusor.read = holding 0-99\n",
           "request  unit 3, function 3, holding 0-99, mon 12:00\n");
    expect("Service infusor 050003ff00 --unit 9" NOON, COMMAND_OK, "unit 4 coils 3",
           "write coils 3");
}

/* As who looks at a certificate asks. */
Test(cmd_modbus_explain, knows_a_peer_by_what_its_certificate_says)
{
    expect("uri:urn:hospital:biomed infusor 03~0007~0001" NOON, COMMAND_OK, "allowed",
           "roles    Named\n");
    expect("role:Biomed infusor 03~0007~0001" NOON, COMMAND_OK, "allowed", "roles    Named\n");
    expect("role:Service infusor 03~0007~0001" NOON, COMMAND_OK, "allowed", "roles    Service\n");
    expect("role:Named infusor 03~0007~0001", COMMAND_REFUSED, "the peer has no role", "none");
    expect("uri:urn:hospital:other infusor 03~0007~0001", COMMAND_REFUSED, "the peer has no role",
           "none");
    expect("dns:urn.hospital.biomed infusor 03~0007~0001", COMMAND_REFUSED, "the peer has no role",
           "none");
    expect("uri:urn:hospital:biomed gauge 03~0000~0001", COMMAND_OK, "no role section", "read");
}

/* Also past midnight, when the window began on the day before. */
Test(cmd_modbus_explain, takes_a_moment_of_the_week)
{
    expect("Service infusor 03~0000~0001 --at mon~12:00", COMMAND_OK, "allowed", "mon 12:00\n");
    expect("Service infusor 03~0000~0001 --at mon~06:59", COMMAND_REFUSED, "at this time",
           "mon 06:59\n");
    expect("Service infusor 03~0000~0001 --at sat~12:00", COMMAND_REFUSED, "at this time",
           "sat 12:00\n");
}

Test(cmd_modbus_explain, prints_why_not)
{
    expect("Service infusor 06~0028~04B1" NOON, COMMAND_REFUSED,
           "denied with exception 01: a value is outside of the rule's range\n",
           ":36: device.infusor.write = holding 40-41 value 0-1200\n");
    expect("Service infusor 06~002A~0000" NOON, COMMAND_REFUSED, "no rule allows it\n",
           "rule     none: what no rule allows is denied\n");
    expect("Service infusor 05~0003~FF00" NOON, COMMAND_REFUSED, "no rule allows it\n", "unit 3,");
    expect("Service infusor 03~0000~0001" EVENING, COMMAND_REFUSED, "does not hold at this time",
           "mon 20:00");
    expect("- infusor 03~0000~0001" NOON, COMMAND_REFUSED, "the peer has no role", "rule     none");
    expect("Service infusor 03~0000~0001 --unit 7" NOON, COMMAND_REFUSED,
           "denied with exception 0A: the device's unit_map has no such unit", "unit 7");
    expect("- infusor 03~0000~0001 --unit 7" NOON, COMMAND_REFUSED, "exception 01", "no role");
    expect("Service infusor 41~00" NOON, COMMAND_REFUSED, "unknown function", "function 65");
    expect("Service infusor 03~00" NOON, COMMAND_REFUSED, "exception 03: the request is malformed",
           "rule     none is asked\nnote     a request begins with its function");
}

Test(cmd_modbus_explain, without_rules_the_devices_word_counts)
{
    expect("Service gauge 03~0000~0001", COMMAND_OK, "allowed: no role section is about the device",
           "[device gauge] lets each peer read, and not write\n");
    expect("- gauge 06~0000~0001", COMMAND_REFUSED, "the device takes no writes", "rule     none");
}

Test(cmd_modbus_explain, refuses_what_it_cannot_answer)
{
    static const struct {
        const char *line, *says;
    } rows[] = {
        {"Service infusor", "an argument is missing: REQUEST"},
        {"--unit 3", "an argument is missing: ROLE"},
        {"Service infusor 06 0028 04B0", "the request is one argument, in quotes): 0028"},
        {"Service infusor 06~002", "a request is 1 to 253 bytes in hexadecimal"},
        {"Service infusor 0x06", "a request is 1 to 253 bytes in hexadecimal"},
        {"Service infusor ~", "a request is 1 to 253 bytes in hexadecimal"},
        {"Service infuser 07", "there is no device section infuser; there are "},
        {"Srevice infusor 07", "there is no role section Srevice; there are Service, Named"},
        {"urn:x infusor 07", "no name of a peer: urn:x"},
        {"dns: infusor 07", "no name of a peer: dns:"},
        {"Service pump-12 07", "no Modbus device: pump-12"},
        {"Service infusor 07 --unit 256", "--unit is a number from 0 to 255, not 256"},
        {"Service infusor 07 --at noon", "--at is seconds since 1970 or \"mon 12:00\", not noon"},
        {"Service infusor 07 --at mon~24:00", "not mon 24:00"},
        {"Service infusor 07 --at mon~12:60", "not mon 12:60"},
        {"Service infusor 07 --at Mon~12:00", "not Mon 12:00"},
        {"Service infusor 07 --at mon~12:0", "not mon 12:0"},
        {"Service infusor 07 --loud", "unknown option --loud"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        expect(rows[i].line, COMMAND_USAGE, rows[i].says, "; try 'wardgate modbus explain --help'");
        cr_expect_str_eq(out.text, "");
    }
    instance_configure(&place, "[role S]\nread = everything\n");
    expect("S infusor 07", COMMAND_CONFIG, ":16: read = everything names neither", "; right: ");
}

Test(cmd_modbus_explain, tells_how_it_is_used)
{
    expect("--help", COMMAND_OK, "Usage: wardgate modbus explain ROLE DEVICE REQUEST", "--unit N");
}
