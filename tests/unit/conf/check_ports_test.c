#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "conf/check.h"
#include "tests/unit/conf/fixture.h"

enum { PATH = 300 };

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* Two devices, each with a body of one line or more: the second one's header is in line 5 + the
 * lines of the first. Both dial out. */
static void expect_two(const char *first, const char *second, const char *said)
{
    char text[2048];
    static const char REST[] = "certificate = c\nkey = k\ntrust = t\nconnect = h.example:1\n";
    (void)snprintf(text, sizeof(text),
                   "[gateway]\nname = g\n[trust t]\nanchors = a\nrevocation = off\n"
                   "[device a]\n%s%s[device b]\n%s%s",
                   REST, first, REST, second);
    fixture_expect_one(text, said);
}

#define RTU(port, line, units)                                                                     \
    "port = serial:" port "\nline = " line "\nprotocol = modbus-rtu\nunit_map = " units "\n"

Test(check_ports, two_devices_on_one_port_are_refused)
{
    expect_two(
        "port = serial:/dev/x\nline = 9600 8E1\nprotocol = raw\n",
        "port = serial:/dev/x\nline = 9600 8E1\nprotocol = raw\n",
        "t.conf:19: port = serial:/dev/x is the port of [device a] (t.conf:6) already; right: "
        "a port for each device; only Modbus devices share one");
    expect_two(
        "port = tcp:scale.example:5\nprotocol = raw\n",
        "port = tcp:SCALE.example:5\nprotocol = raw\n",
        "t.conf:18: port = tcp:SCALE.example:5 is the port of [device a] (t.conf:6) already; "
        "right: a port for each device; only Modbus devices share one");
    expect_two("port = tcp:scale.example:5\nprotocol = raw\n",
               "port = tcp:scale.example:6\nprotocol = raw\n", NULL);
}

Test(check_ports, a_modbus_device_shares_with_no_other_protocol)
{
    expect_two(
        RTU("/dev/x", "9600 8E1", "1"), "port = serial:/dev/x\nline = 9600 8E1\nprotocol = raw\n",
        "t.conf:20: port = serial:/dev/x is the port of [device a] (t.conf:6) already; right: "
        "a port for each device; only Modbus devices share one");
}

Test(check_ports, modbus_units_share_a_line)
{
    expect_two(RTU("/dev/x", "9600 8E1", "1"), RTU("/dev/x", "9600 8e1", "2-4, 1>5"), NULL);
    expect_two("port = tcp:10.0.0.1:502\nprotocol = modbus-tcp\nunit_map = 1\n",
               "port = tcp:10.0.0.1:502\nprotocol = modbus-tcp\nunit_map = 2\n", NULL);
}

Test(check_ports, a_shared_port_has_one_protocol)
{
    static const char REST[] = "certificate = c\nkey = k\ntrust = t\nconnect = h.example:1\n";
    char text[2048];
    struct fixture f;
    (void)snprintf(text, sizeof(text),
                   "[gateway]\nname = g\n[trust t]\nanchors = a\nrevocation = off\n"
                   "[device a]\n%s%s[device b]\n%sport = serial:/dev/x\nline = 9600 8E1\n"
                   "protocol = modbus-tcp\nunit_map = 2\n",
                   REST, RTU("/dev/x", "9600 8E1", "1"), REST);
    fixture_build(&f, text);
    cr_assert_eq(problems_count(f.problems), 2, "modbus-tcp on a serial port is wrong by itself");
    cr_assert(fixture_says(&f, "t.conf:20: port = serial:/dev/x is the port of [device a] "
                               "(t.conf:6) already with another protocol; right: the same protocol "
                               "for all on this port"));
    fixture_end(&f);
}

Test(check_ports, units_of_a_shared_line_have_one_device)
{
    expect_two(RTU("/dev/x", "9600 8E1", "1-4"), RTU("/dev/x", "9600 8E1", "10>4"),
               "t.conf:23: unit_map reaches unit 4, which is of [device a] (t.conf:6) "
               "already; right: units of its own for each device");
}

Test(check_ports, a_shared_line_has_one_setting)
{
    static const char *const OTHERS[] = {"19200 8E1", "9600 8N1", "9600 8E2", "9600 8E1 rs485",
                                         "9600 8E1\necho = discard"};
    char second[256];
    char said[512];
    for (size_t i = 0; i < COUNT(OTHERS); i++) {
        (void)snprintf(second, sizeof(second),
                       "port = serial:/dev/x\nline = %s\nprotocol = modbus-rtu\nunit_map = 2\n",
                       OTHERS[i]);
        (void)snprintf(
            said, sizeof(said),
            "t.conf:20: port = serial:/dev/x is the port of [device a] (t.conf:6) already "
            "with another line; right: the same line = line, and the same echo, for all on this "
            "port");
        expect_two(RTU("/dev/x", "9600 8E1", "1"), second, said);
    }
}

Test(check_ports, a_master_has_a_line_of_its_own)
{
    expect_two(RTU("/dev/x", "9600 8E1", "1"), RTU("/dev/x", "9600 8E1", "2") "side = master\n",
               "t.conf:20: port = serial:/dev/x is the port of [device a] (t.conf:6) already, and "
               "one of the two is a master; right: a port of its own for a master");
}

Test(check_ports, a_shared_line_has_one_pause)
{
#define ASCII "port = serial:/dev/x\nline = 9600 7E1\nprotocol = modbus-ascii\n"
    expect_two(ASCII "unit_map = 1\n", ASCII "unit_map = 2\nchar_timeout = 2s\n",
               "t.conf:20: port = serial:/dev/x is the port of [device a] (t.conf:6) already with "
               "another char_timeout; right: the same char_timeout for all on this port");
#undef ASCII
}

Test(check_ports, three_devices_are_each_compared)
{
    static const char REST[] = "certificate = c\nkey = k\ntrust = t\nconnect = h.example:1\n";
    char text[2048];
    (void)snprintf(text, sizeof(text),
                   "[gateway]\nname = g\n[trust t]\nanchors = a\nrevocation = off\n"
                   "[device a]\n%s%s[device b]\n%s%s[device c]\n%s%s",
                   REST, RTU("/dev/x", "9600 8E1", "1"), REST, RTU("/dev/x", "9600 8E1", "2"), REST,
                   RTU("/dev/x", "9600 8E1", "2"));
    fixture_expect_one(text, "t.conf:32: unit_map reaches unit 2, which is of [device b] "
                             "(t.conf:15) already; right: units of its own for each device");
}

Test(check_ports, two_names_of_one_node_are_one_port)
{
    char first[640];
    char second[640];
    char link[PATH];
    char said[1024];
    char node[PATH];
    (void)snprintf(node, sizeof(node), "%.100s", fixture_write("tty", ""));
    (void)snprintf(first, sizeof(first), "port = serial:%s\nline = 9600 8E1\nprotocol = raw\n",
                   node);
    (void)snprintf(link, sizeof(link), "%.100s/by-id", fixture_folder());
    cr_assert_eq(symlink(node, link), 0);
    (void)snprintf(second, sizeof(second), "port = serial:%s\nline = 9600 8E1\nprotocol = raw\n",
                   link);
    (void)snprintf(
        said, sizeof(said),
        "t.conf:19: port = serial:%s is the port of [device a] (t.conf:6) already; right: "
        "a port for each device; only Modbus devices share one",
        link);
    expect_two(first, second, said);
}

Test(check_ports, units_on_one_node_use_one_name)
{
    char first[640];
    char second[640];
    char link[PATH];
    char said[1024];
    char node[PATH];
    (void)snprintf(node, sizeof(node), "%.100s", fixture_write("tty", ""));
    (void)snprintf(first, sizeof(first),
                   "port = serial:%s\nline = 9600 8E1\nprotocol = modbus-rtu\nunit_map = 1\n",
                   node);
    (void)snprintf(link, sizeof(link), "%.100s/by-id", fixture_folder());
    cr_assert_eq(symlink(node, link), 0);
    (void)snprintf(second, sizeof(second),
                   "port = serial:%s\nline = 9600 8E1\nprotocol = modbus-rtu\nunit_map = 2\n",
                   link);
    (void)snprintf(said, sizeof(said),
                   "t.conf:20: port = serial:%s is the port of [device a] (t.conf:6) already under "
                   "another name; right: the same port = line for all on this port",
                   link);
    expect_two(first, second, said);
}
