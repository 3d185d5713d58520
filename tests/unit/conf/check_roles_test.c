#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "tests/unit/conf/fixture.h"

/* A device that takes writes, one that does not, one that is dialled out for, one without Modbus;
 * roles begin in FIRST_LINE. */
#define DEVICE(name, port, rest)                                                                   \
    "[device " name "]\ncertificate = c\nkey = k\ntrust = t\nport = tcp:10.0.0." port ":502"       \
    "\n" rest
#define LISTEN(port) "listen = 127.0.0.1:80" port "\nallow = dns:x.example\n"
#define MODBUS       "protocol = modbus-tcp\nunit_map = 1, 10>3\n"
#define BEGIN                                                                                      \
    "[gateway]\nname = g\n[trust t]\nanchors = a\nrevocation = off\n" DEVICE(                      \
        "pump", "1", MODBUS LISTEN("1") "writes = allow\n")                                        \
        DEVICE("gauge", "2", MODBUS LISTEN("2"))                                                   \
            DEVICE("far", "3", MODBUS "connect = h.example:802\n")                                 \
                DEVICE("monitor", "4", "protocol = mllp\nconnect = h.example:1\n")

enum { FIRST_LINE = 40 };

/* The warnings about these roles, lines counted from their first one; there is no problem. */
static void expect(const char *roles, const char *const *lines)
{
    static char text[8192];
    char texts[4][512];
    const char *shifted[5] = {NULL};
    struct fixture f;
    /* Behind them one that peers of the dialled device can have. */
    (void)snprintf(text, sizeof text, "%s%s%s", BEGIN, roles,
                   roles[0] != '\0' ? "[role Far]\ndevice.far.read = coils 65535\n"
                                      "match = dns:h.example\n"
                                    : "");
    for (size_t i = 0; lines[i] != NULL; i++) {
        int line = lines[i][0] - '0' + FIRST_LINE - 1;
        (void)snprintf(texts[i], sizeof texts[i], "t.conf:%d: %s", line, &lines[i][2]);
        shifted[i] = texts[i];
    }
    fixture_build(&f, text);
    fixture_expect(&f, (const char *const[]){NULL});
    fixture_expect_warnings(&f, shifted);
    fixture_end(&f);
}

#define EXPECT(roles, ...) expect(roles, (const char *const[]){__VA_ARGS__, NULL})
#define EXPECT_FINE(roles) expect(roles, (const char *const[]){NULL})

Test(check_roles, says_nothing_of_rules_that_can_match)
{
    EXPECT_FINE("");
    EXPECT_FINE("[role S]\nread = all\nwrite = none\n");
    EXPECT_FINE("[role S]\nread = all\nwrite = holding 40\nwhen = mon-fri 07:00-19:00\n");
    EXPECT_FINE("[role S]\ndevice.pump.read = holding 0-99, input 0-31, unit 3 coils 0-15\n"
                "device.pump.write = holding 40-41 value 0-1200, coils 3\n"
                "device.pump.when = 22:00-06:00\n");
    EXPECT_FINE("[role S]\nread = all\nmatch = role:x, dns:h.example\n"
                "[role T]\nread = all\ndevice.far.read = none\nmatch = uri:urn:x\n");
}

Test(check_roles, warns_of_writes_to_a_device_that_takes_none)
{
    EXPECT("[role S]\nread = all\nwrite = holding 1\ndevice.gauge.write = holding 40\n",
           "4 device.gauge.write = holding 40 can never match: the device takes no writes; right: "
           "writes = allow in the device's section");
    EXPECT_FINE("[role S]\nwrite = all\ndevice.gauge.write = none\n");
}

Test(check_roles, warns_of_general_writes_when_no_device_takes_any)
{
    struct fixture f;
    fixture_build(&f, FIXTURE_DEVICE "port = tcp:10.0.0.1:502\n" MODBUS LISTEN(
                          "1") "[role S]\nread = all\nwrite = coils 1\n");
    fixture_expect(&f, (const char *const[]){NULL});
    fixture_expect_warnings(
        &f, (const char *const[]){"t.conf:17: write = coils 1 can never match: no Modbus device "
                                  "takes writes; right: writes = allow in a device's section",
                                  NULL});
    fixture_end(&f);
}

Test(check_roles, warns_of_a_device_without_modbus)
{
    EXPECT("[role S]\nread = all\nwrite = all\ndevice.monitor.read = all\n",
           "4 device.monitor.read = all can never match: the device does not speak Modbus; right: "
           "no rule about it");
}

Test(check_roles, warns_of_units_that_are_not_there)
{
    EXPECT("[role S]\nwrite = all\ndevice.pump.read = unit 10 all, unit 3 all\n",
           "3 device.pump.read = unit 10 all can never match: the device has no such unit on its "
           "line; right: a unit of the device's unit_map");
}

Test(check_roles, warns_of_empty_windows)
{
    EXPECT("[role S]\nread = all\nwrite = all\nwhen = mon 07:00-07:00, tue\n",
           "4 when = mon 07:00-07:00 can never match: it ends when it begins; right: a later end, "
           "such as 07:00-19:00 or 00:00-24:00");
}

Test(check_roles, warns_of_shadows_once)
{
    EXPECT("[role S]\nread = holding 0-99\nread = holding 50-60\nwrite = all\n"
           "device.pump.write = all\ndevice.far.when = mon\nmatch = dns:h.example\n",
           "3 read = holding 50-60 can never match: line 41 allows all of it; right: one of the "
           "two");
    EXPECT("[role S]\nread = all, holding 7\nwrite = all\n",
           "2 read = holding 7 can never match: line 41 allows all of it; right: one of the two");
    EXPECT("[role S]\nread = coils 7, coils 7\nwrite = all\n",
           "2 read = coils 7 can never match: line 41 allows all of it; right: one of the two");
    EXPECT_FINE("[role S]\nread = holding 0-99, holding 50-100\nwrite = all\n"
                "[role T]\nread = holding 50-60\n");
}

Test(check_roles, warns_of_a_role_that_no_peer_can_have)
{
    EXPECT("[role S]\ndevice.far.read = all\n[role P]\ndevice.pump.read = all\n",
           "1 [role S] can never match: the gateway dials all its peers, and only a client's "
           "certificate has a role; right: match = dns:NAME or uri:URI");
    EXPECT_FINE("[role S]\ndevice.far.read = all\nmatch = role:x, uri:urn:x\n"
                "[role P]\ndevice.pump.read = all\n");
    EXPECT("[role S]\ndevice.monitor.write = none\n[role P]\ndevice.pump.read = all\n",
           "1 [role S] can never match: it is about no Modbus device; right: rules about one that "
           "is there",
           "2 device.monitor.write = none can never match: the device does not speak Modbus; "
           "right: no rule about it");
}

/* `read = all` is about it as well, and its peers are servers, which say no role. */
Test(check_roles, warns_of_a_dialled_device_that_nobody_may_use)
{
    struct fixture f;
    fixture_build(&f, BEGIN "[role S]\nread = all\nwrite = all\n");
    fixture_expect(&f, (const char *const[]){NULL});
    fixture_expect_warnings(
        &f,
        (const char *const[]){
            "t.conf:25: [device far] answers every request with 01: the gateway dials its peers, "
            "which have a role by a name only, and no role about it has one; right: match = "
            "dns:NAME or uri:URI in a role section",
            NULL});
    fixture_end(&f);
}

Test(check_roles, warns_of_a_device_that_may_have_been_forgotten)
{
    struct fixture f;
    fixture_build(&f, BEGIN "[role S]\ndevice.gauge.read = all\n");
    fixture_expect(&f, (const char *const[]){NULL});
    fixture_expect_warnings(
        &f, (const char *const[]){"t.conf:6: [device pump] has writes = allow, and no role section "
                                  "is about it: each peer of its allow list may write everything; "
                                  "right: device.NAME.write in a role section",
                                  NULL});
    fixture_end(&f);
}
