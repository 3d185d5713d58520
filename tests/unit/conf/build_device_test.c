#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "conf/build_device.h"
#include "tests/unit/conf/fixture.h"

/* A serial Modbus device that listens, good as it is; lines 10 to 15. */
#define RTU                                                                                        \
    "port = serial:/dev/nothing-here\nline = 9600 8E1\nprotocol = modbus-rtu\nunit_map = 1\n"      \
    "listen = 127.0.0.1:802\nallow = dns:bms.example\n"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

Test(build_device, fills_a_serial_modbus_device)
{
    struct fixture f;
    fixture_build(&f, FIXTURE_DEVICE RTU
                  "description = Pump, bed 12\nresponse_timeout = 250ms\nwrites = allow\n"
                  "unit_map = 10>1, 255>1\nallow = uri:urn:x, ip:10.0.0.9\nmax_links = 3\n"
                  "server_name = pump.example\n");
    const struct conf_device *d = &f.conf.devices[0];
    fixture_expect(&f, (const char *const[]){NULL});
    cr_assert_str_eq(d->name, "d");
    cr_assert_str_eq(d->description, "Pump, bed 12");
    cr_assert_eq(d->port.kind, CONF_PORT_SERIAL);
    cr_assert_str_eq(d->port.path, "/dev/nothing-here");
    cr_assert_str_eq(d->port.text, "serial:/dev/nothing-here");
    cr_assert_eq(d->line.rate, 9600);
    cr_assert_eq(d->protocol, CONF_PROTOCOL_MODBUS_RTU);
    cr_assert_eq(d->unit_map->bus_unit[1], 1);
    cr_assert_eq(d->unit_map->bus_unit[10], 1);
    cr_assert_eq(d->unit_map->bus_unit[255], 1);
    cr_assert_eq(d->unit_map->bus_unit[2], -1);
    cr_assert(d->listens);
    cr_assert_str_eq(d->listen.host, "127.0.0.1");
    cr_assert_eq(d->listen.port, 802);
    cr_assert_eq(d->connect_count, 0);
    cr_assert_eq(d->allow_count, 3);
    cr_assert_eq(d->allow[0].kind, NAME_DNS);
    cr_assert_str_eq(d->allow[0].value, "bms.example");
    cr_assert_eq(d->allow[1].kind, NAME_URI);
    cr_assert_eq(d->allow[2].kind, NAME_IP);
    cr_assert_str_eq(d->server_name, "pump.example");
    cr_assert_str_eq(d->certificate, "/etc/w/c");
    cr_assert_str_eq(d->key, "/etc/w/k");
    cr_assert_str_eq(d->trust_name, "t");
    cr_assert(d->writes_allowed);
    cr_assert_eq(d->response_timeout_ms, 250);
    cr_assert_eq(d->request_timeout_ms, 2000);
    cr_assert_eq(d->write_lease_ms, 10000);
    cr_assert_not(d->line.has_echo);
    cr_assert_eq(d->max_links, 3);
    cr_assert_eq(d->max_frame, 260);
    cr_assert_str_eq(d->file, "t.conf");
    cr_assert_eq(d->line_number, 6);
    fixture_end(&f);
}

Test(build_device, fills_a_dialling_device_with_all_its_defaults)
{
    struct fixture f;
    fixture_build(&f, FIXTURE_DEVICE
                  "port = tcp-listen:10.3.0.1:2575\nfrom = 10.3.0.57, fd00:0::1\nprotocol = mllp\n"
                  "connect = hl7a.example:2576, [fd00::2]:2576\nserver_name = hl7.example\n");
    const struct conf_device *d = &f.conf.devices[0];
    fixture_expect(&f, (const char *const[]){NULL});
    cr_assert_eq(d->port.kind, CONF_PORT_TCP_LISTEN);
    cr_assert_str_eq(d->port.address.host, "10.3.0.1");
    cr_assert_eq(d->port.address.port, 2575);
    cr_assert_eq(d->from_count, 2);
    cr_assert_str_eq(d->from[0], "10.3.0.57");
    cr_assert_str_eq(d->from[1], "fd00::1");
    cr_assert_not(d->listens);
    cr_assert_eq(d->connect_count, 2);
    cr_assert_str_eq(d->connect[0].host, "hl7a.example");
    cr_assert_str_eq(d->connect[1].host, "fd00::2");
    cr_assert_eq(d->connect[1].port, 2576);
    cr_assert_eq(d->allow_count, 0);
    cr_assert_str_eq(d->description, "");
    cr_assert_eq(d->start, CONF_START_ALWAYS);
    cr_assert_not(d->writes_allowed);
    cr_assert_eq(d->gap_ms, 20);
    cr_assert_eq(d->max_links, 16);
    cr_assert_eq(d->response_timeout_ms, 1000);
    cr_assert_eq(d->dial_timeout_ms, 5000);
    cr_assert_eq(d->handshake_timeout_ms, 10000);
    cr_assert_eq(d->idle_timeout_ms, 0);
    cr_assert_eq(d->drain_timeout_ms, 5000);
    cr_assert_eq(d->retry_min_ms, 1000);
    cr_assert_eq(d->retry_max_ms, 60000);
    fixture_end(&f);
}

Test(build_device, defaults_depend_on_port_and_protocol)
{
    static const struct {
        const char *port;
        const char *protocol;
        uint32_t max_frame;
        enum conf_while_down while_down;
    } CASES[] = {
        {"tcp:10.0.0.1:5", "raw", 16384, CONF_DOWN_BLOCK},
        {"tcp:10.0.0.1:5", "gap", 4096, CONF_DOWN_BLOCK},
        {"tcp-listen:127.0.0.1:5", "line", 4096, CONF_DOWN_BLOCK},
        {"tcp:10.0.0.1:5", "mllp", 2097152, CONF_DOWN_BLOCK},
        {"serial:/dev/x\nline = 300 7E1", "mllp", 2097152, CONF_DOWN_DROP},
        {"tcp:10.0.0.1:5", "modbus-tcp\nunit_map = 1", 260, CONF_DOWN_BLOCK},
    };

    for (size_t i = 0; i < COUNT(CASES); i++) {
        char text[512];
        struct fixture f;
        (void)snprintf(text, sizeof(text),
                       FIXTURE_DEVICE "connect = h.example:1\nport = %s\nprotocol = %s\n",
                       CASES[i].port, CASES[i].protocol);
        fixture_build(&f, text);
        fixture_expect(&f, (const char *const[]){NULL});
        cr_assert_eq(f.conf.devices[0].max_frame, CASES[i].max_frame, "case %zu", i);
        cr_assert_eq(f.conf.devices[0].while_down, CASES[i].while_down, "case %zu", i);
        fixture_end(&f);
    }
}

Test(build_device, while_down_may_be_chosen)
{
    struct fixture f;
    fixture_build(&f, FIXTURE_DEVICE FIXTURE_MLLP "while_down = drop\nmax_frame = 1MiB\n");
    cr_assert_eq(f.conf.devices[0].while_down, CONF_DOWN_DROP);
    cr_assert_eq(f.conf.devices[0].max_frame, 1048576);
    fixture_end(&f);
}

struct one {
    const char *body; /* from line 10 on */
    const char *said; /* NULL: nothing */
};

static void expect_each(const struct one *cases, size_t count)
{
    char text[1024];
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(text, sizeof(text), "%s%s", FIXTURE_DEVICE, cases[i].body);
        cr_log_info("case %zu", i);
        fixture_expect_one(text, cases[i].said);
    }
}

#define TCP "port = tcp:10.0.0.1:5\n"
#define OUT "connect = h.example:1\n"
#define MASTER                                                                                     \
    "port = serial:/dev/x\nline = 9600 8E1\nprotocol = modbus-rtu\nunit_map = 1\nside = master\n"

Test(build_device, refuses_missing_ends_or_both)
{
    static const struct one CASES[] = {
        {TCP "protocol = raw\n",
         "t.conf:6: [device d] has neither listen nor connect; right: listen = ADDRESS:PORT where "
         "the hospital dials in, connect = HOST:PORT where the gateway dials out"},
        {TCP "protocol = raw\nlisten = 127.0.0.1:1\nallow = dns:a.example\n" OUT,
         "t.conf:14: connect = h.example:1 stands beside the other of listen and connect; right: "
         "one "
         "of the two"},
        {TCP "protocol = raw\n" OUT "listen = 127.0.0.1:1\nallow = dns:a.example\n",
         "t.conf:13: listen = 127.0.0.1:1 stands beside the other of listen and connect; right: "
         "one "
         "of the two"},
    };
    expect_each(CASES, COUNT(CASES));
}

Test(build_device, refuses_listen_without_allow)
{
    static const struct one CASES[] = {
        {TCP "protocol = raw\nlisten = 127.0.0.1:1\n",
         "t.conf:12: listen = 127.0.0.1:1 lets in every peer that the trust knows; right: allow = "
         "who may use the link, for example allow = dns:bms.hospital.example"},
        {TCP "protocol = raw\n" OUT "allow = dns:h.example\n", NULL},
    };
    expect_each(CASES, COUNT(CASES));
}

Test(build_device, refuses_wrong_addresses_and_names)
{
    static const struct one CASES[] = {
        {TCP "protocol = raw\nallow = dns:a.example\nlisten = ward.example:1\n",
         "t.conf:13: listen = ward.example:1 listens on a name; right: an IP address and a port, "
         "for "
         "example 10.3.0.1:802 or [fd00::1]:802"},
        {TCP "protocol = raw\nallow = dns:a.example\nlisten = 127.0.0.1:0\n",
         "t.conf:13: listen = 127.0.0.1:0 has no port from 1 to 65535; right: HOST:PORT with such "
         "a "
         "port"},
        {TCP "protocol = raw\nconnect = h.example\n",
         "t.conf:12: connect = h.example is not a host and a port; right: HOST:PORT, with an IPv6 "
         "address in brackets as in [fd00::1]:802"},
        {TCP "protocol = raw\nconnect = 10.0.0.300:1\n",
         "t.conf:12: connect = 10.0.0.300:1 names no possible host; right: a host name or an IP "
         "address before the port"},
        {TCP "protocol = raw\n" OUT "allow = bms.example\n",
         "t.conf:13: allow = bms.example is not a name of a peer; right: dns:NAME, uri:URI or "
         "ip:ADDRESS"},
        {TCP "protocol = raw\n" OUT "allow = dns:a.example, dns:*\n",
         "t.conf:13: allow = dns:* is not a name of a peer; right: dns:NAME, uri:URI or "
         "ip:ADDRESS"},
        {TCP "protocol = raw\n" OUT "server_name = a b\n",
         "t.conf:13: server_name = a b is no possible name of a host; right: a host name or an IP "
         "address"},
        {TCP
         "protocol = raw\nlisten = 127.0.0.1:1\nallow = dns:a.example\nserver_name = 10.0.0.1\n",
         "t.conf:14: server_name = 10.0.0.1 can not choose a device; right: a host name, as server "
         "names in TLS are never addresses"},
        {TCP "protocol = raw\n" OUT "server_name = 10.0.0.1\n", NULL},
        {"port = ttyS0\nprotocol = raw\n" OUT,
         "t.conf:10: port = ttyS0 is not a port; right: serial:/dev/NAME, tcp:HOST:PORT or "
         "tcp-listen:ADDRESS:PORT"},
    };
    expect_each(CASES, COUNT(CASES));
}

Test(build_device, refuses_a_listening_port_open_to_everyone)
{
    static const struct one CASES[] = {
        {"port = tcp-listen:10.3.0.1:5\nprotocol = raw\n" OUT,
         "t.conf:10: port = tcp-listen:10.3.0.1:5 lets everyone on the network be the device; "
         "right: "
         "from = the address of the device"},
        {"port = tcp-listen:0.0.0.0:5\nprotocol = raw\n" OUT,
         "t.conf:10: port = tcp-listen:0.0.0.0:5 lets everyone on the network be the device; "
         "right: "
         "from = the address of the device"},
        {"port = tcp-listen:[::]:5\nprotocol = raw\n" OUT,
         "t.conf:10: port = tcp-listen:[::]:5 lets everyone on the network be the device; right: "
         "from = the address of the device"},
        {"port = tcp-listen:127.0.0.1:5\nprotocol = raw\n" OUT, NULL},
        {"port = tcp-listen:[::1]:5\nprotocol = raw\n" OUT, NULL},
        {"port = tcp-listen:10.3.0.1:5\nfrom = 10.3.0.57/32\nprotocol = raw\n" OUT,
         "t.conf:11: from = 10.3.0.57/32 is not an IP address; right: an IP address, for example "
         "10.3.0.57"},
        {"port = tcp-listen:10.3.0.1:5\nfrom = monitor.example\nprotocol = raw\n" OUT,
         "t.conf:11: from = monitor.example is not an IP address; right: an IP address, for "
         "example "
         "10.3.0.57"},
    };
    expect_each(CASES, COUNT(CASES));
}

Test(build_device, refuses_a_serial_port_without_a_line_and_a_line_without_one)
{
    static const struct one CASES[] = {
        {"port = serial:/dev/x\nprotocol = raw\n" OUT,
         "t.conf:10: port = serial:/dev/x is a serial port without a line; right: line = what the "
         "device is set to, for example line = 9600 8E1"},
        {TCP "line = 9600 8E1\nprotocol = raw\n" OUT,
         "t.conf:11: line = 9600 8E1 has no use here; right: no such line, as line is only for "
         "serial"},
        {"port = serial:/dev/x\nline = 9600\nprotocol = raw\n" OUT,
         "t.conf:11: line = 9600 is not a rate, a frame and at most one word for flow control; "
         "right: rate, frame and flow control, for example 9600 8E1 or 115200 8N1 rtscts"},
    };
    expect_each(CASES, COUNT(CASES));
}

Test(build_device, refuses_keys_that_have_no_use)
{
    static const struct one CASES[] = {
        {TCP "from = 10.0.0.1\nprotocol = raw\n" OUT,
         "t.conf:11: from = 10.0.0.1 has no use here; right: no such line, as from is only for "
         "tcp-listen"},
        {TCP "protocol = mllp\nunit_map = 1\n" OUT,
         "t.conf:12: unit_map = 1 has no use here; right: no such line, as unit_map is only for "
         "modbus-rtu, modbus-tcp, modbus-ascii"},
        {TCP "protocol = mllp\nwrites = deny\n" OUT,
         "t.conf:12: writes = deny has no use here; right: no such line, as writes is only for "
         "modbus-rtu, modbus-tcp, modbus-ascii"},
        {TCP "protocol = mllp\nresponse_timeout = 1s\n" OUT,
         "t.conf:12: response_timeout = 1s has no use here; right: no such line, as "
         "response_timeout is only for modbus-rtu, modbus-tcp, modbus-ascii"},
        {TCP "protocol = mllp\ngap = 20ms\n" OUT, "t.conf:12: gap = 20ms has no use here; right: "
                                                  "no such line, as gap is only for gap, line"},
        {TCP "protocol = raw\nmax_frame = 4KiB\n" OUT,
         "t.conf:12: max_frame = 4KiB has no use here; right: no such line, as max_frame is only "
         "for "
         "gap, line, mllp"},
        {RTU "while_down = drop\n",
         "t.conf:16: while_down = drop has no use here; right: no such line, as while_down is only "
         "for raw, gap, line, mllp"},
        {RTU "start = always\n",
         "t.conf:16: start = always has no use here; right: no such line, as start is only for "
         "connect"},
        {RTU "retry_min = 2s\n",
         "t.conf:16: retry_min = 2s has no use here; right: no such line, as retry_min is only for "
         "connect"},
        {TCP "protocol = gap\ngap = 5ms\nmax_frame = 16\nwhile_down = drop\nstart = data\n" OUT,
         NULL},
    };
    expect_each(CASES, COUNT(CASES));
}

Test(build_device, refuses_modbus_on_the_wrong_port)
{
    static const struct one CASES[] = {
        {TCP "protocol = modbus-rtu\nunit_map = 1\n" OUT,
         "t.conf:10: port = tcp:10.0.0.1:5 cannot carry modbus-rtu; right: serial:/dev/NAME, or "
         "protocol = modbus-tcp; frames of serial lines inside TCP are not supported"},
        {TCP "protocol = modbus-ascii\nunit_map = 1\n" OUT,
         "t.conf:10: port = tcp:10.0.0.1:5 cannot carry modbus-ascii; right: serial:/dev/NAME, or "
         "protocol = modbus-tcp; frames of serial lines inside TCP are not supported"},
        {"port = serial:/dev/x\nline = 9600 8E1\nprotocol = modbus-tcp\nunit_map = 1\n" OUT,
         "t.conf:10: port = serial:/dev/x cannot carry modbus-tcp; right: tcp:HOST:PORT, or "
         "protocol = modbus-rtu on this serial port"},
        {"port = tcp-listen:127.0.0.1:5\nprotocol = modbus-tcp\nunit_map = 1\n" OUT,
         "t.conf:10: port = tcp-listen:127.0.0.1:5 waits for a Modbus device to dial, which none "
         "does; right: tcp:HOST:PORT or serial:/dev/NAME, as the device is the one that is asked"},
        {"port = tcp-listen:127.0.0.1:5\nprotocol = modbus-rtu\nunit_map = 1\n" OUT,
         "t.conf:10: port = tcp-listen:127.0.0.1:5 waits for a Modbus device to dial, which none "
         "does; right: tcp:HOST:PORT or serial:/dev/NAME, as the device is the one that is asked"},
    };
    expect_each(CASES, COUNT(CASES));
}

Test(build_device, refuses_a_master_on_the_wrong_port)
{
    static const struct one CASES[] = {
        {"port = serial:/dev/x\nline = 9600 8E1\nprotocol = modbus-rtu\nunit_map = 1\n"
         "side = master\n" OUT,
         NULL},
        {"port = serial:/dev/x\nline = 9600 7E1\nprotocol = modbus-ascii\nunit_map = 1>255\n"
         "side = master\n" OUT,
         NULL},
        {"port = tcp-listen:127.0.0.1:5\nprotocol = modbus-tcp\nunit_map = 0>1\n"
         "side = master\n" OUT,
         NULL},
        {TCP "protocol = modbus-tcp\nunit_map = 1\nside = master\n" OUT,
         "t.conf:10: port = tcp:10.0.0.1:5 dials a master, and masters dial; right: "
         "tcp-listen:ADDRESS:PORT or serial:/dev/NAME"},
        {"port = tcp-listen:127.0.0.1:5\nprotocol = modbus-rtu\nunit_map = 1\nside = master\n" OUT,
         "t.conf:10: port = tcp-listen:127.0.0.1:5 cannot carry modbus-rtu; right: "
         "serial:/dev/NAME, or protocol = modbus-tcp; frames of serial lines inside TCP are not "
         "supported"},
        {"port = serial:/dev/x\nline = 9600 8E1\nprotocol = modbus-tcp\nunit_map = 1\n"
         "side = master\n" OUT,
         "t.conf:10: port = serial:/dev/x cannot carry modbus-tcp; right: tcp-listen:ADDRESS:PORT, "
         "or protocol = modbus-rtu on this serial port"},
        {RTU "side = master\n",
         "t.conf:14: listen = 127.0.0.1:802 waits for a hospital that asks, but a master asks "
         "itself; right: connect = HOST:PORT, the server that answers it"},
        {TCP "protocol = raw\nside = unit\n" OUT,
         "t.conf:12: side = unit has no use here; right: no such line, as side is only for "
         "modbus-rtu, modbus-tcp, modbus-ascii"},
        {"port = tcp-listen:127.0.0.1:5\nprotocol = modbus-tcp\nunit_map = 1\nside = master\n"
         "start = data\n" OUT,
         "t.conf:14: start = data would wait for ever; right: start = always, as a master is "
         "answered whether there is a link or not"},
    };
    expect_each(CASES, COUNT(CASES));
}

Test(build_device, refuses_at_a_master_what_is_for_devices_that_are_asked)
{
    static const struct one CASES[] = {
        {MASTER "echo = discard\n" OUT,
         "t.conf:15: echo = discard has no use here; right: no such line, as echo is only for "
         "modbus-rtu, modbus-ascii, serial, side = unit"},
        {MASTER "write_lease = 5s\n" OUT,
         "t.conf:15: write_lease = 5s has no use here; right: no such line, as write_lease is only "
         "for modbus-rtu, modbus-tcp, modbus-ascii, side = unit"},
        {MASTER "request_timeout = 5s\n" OUT,
         "t.conf:15: request_timeout = 5s has no use here; right: no such line, as request_timeout "
         "is only for modbus-rtu, modbus-tcp, modbus-ascii, side = unit"},
    };
    expect_each(CASES, COUNT(CASES));
}

Test(build_device, refuses_lines_that_modbus_rtu_cannot_use)
{
    static const struct one CASES[] = {
        {"port = serial:/dev/x\nline = 9600 8E1 xonxoff\nprotocol = modbus-rtu\nunit_map = 1\n" OUT,
         "t.conf:11: line = 9600 8E1 xonxoff would take bytes 11 and 13 out of the frames of "
         "modbus-rtu; right: no flow control, rtscts or rs485"},
        {"port = serial:/dev/x\nline = 9600 7E1\nprotocol = modbus-rtu\nunit_map = 1\n" OUT,
         "t.conf:11: line = 9600 7E1 has too few data bits for the frames of modbus-rtu; right: 8 "
         "data bits, as in 9600 8E1"},
        {"port = serial:/dev/x\nline = 9600 7E1 xonxoff\nprotocol = modbus-ascii\nunit_map = "
         "1\n" OUT,
         NULL},
        {"port = serial:/dev/x\nline = 9600 6E1\nprotocol = modbus-ascii\nunit_map = 1\n" OUT,
         "t.conf:11: line = 9600 6E1 has too few data bits for the characters of modbus-ascii; "
         "right: 7 or 8 data bits, as in 9600 7E1"},
        {RTU "char_timeout = 2s\n",
         "t.conf:16: char_timeout = 2s has no use here; right: no such line, as char_timeout is "
         "only for modbus-ascii"},
        {"port = serial:/dev/x\nline = 9600 7E1 xonxoff\nprotocol = line\n" OUT, NULL},
        {"port = serial:/dev/x\nline = 9600 8N2 rs485\nprotocol = modbus-rtu\nunit_map = 1\n" OUT,
         NULL},
    };
    expect_each(CASES, COUNT(CASES));
}

Test(build_device, refuses_modbus_without_units_or_waiting_for_data)
{
    static const struct one CASES[] = {
        {TCP "protocol = modbus-tcp\n" OUT,
         "t.conf:6: [device d] has no unit_map; right: unit_map = the units that exist at a Modbus "
         "device, for example 1"},
        {TCP "protocol = modbus-tcp\nunit_map = 1, 1\n" OUT,
         "t.conf:12: unit_map = 1 maps a unit for the second time; right: every unit once"},
        {TCP "protocol = modbus-tcp\nunit_map = 1>0\n" OUT,
         "t.conf:12: unit_map = 1>0 makes unit 0, the broadcast, reachable; right: units 1 to 247, "
         "as a broadcast has no answer and every device obeys it"},
        {TCP "protocol = modbus-tcp\nunit_map = 255\n" OUT, NULL},
        {"port = serial:/dev/x\nline = 9600 8E1\nprotocol = modbus-rtu\nunit_map = 255\n" OUT,
         "t.conf:13: unit_map = 255 names a unit that no device can have; right: units 1 to 247"},
        {TCP "protocol = modbus-tcp\nunit_map = 1\nstart = data\n" OUT,
         "t.conf:13: start = data would wait for ever; right: start = always, as a Modbus device "
         "says nothing before it is asked"},
    };
    expect_each(CASES, COUNT(CASES));
}

Test(build_device, refuses_a_shortest_wait_over_the_longest)
{
    static const struct one CASES[] = {
        {TCP "protocol = raw\n" OUT "retry_min = 61s\n",
         "t.conf:13: retry_min = 61s makes retry_min longer than retry_max; right: retry_min up to "
         "retry_max"},
        {TCP "protocol = raw\n" OUT "retry_max = 500ms\n",
         "t.conf:13: retry_max = 500ms makes retry_min longer than retry_max; right: retry_min up "
         "to "
         "retry_max"},
        {TCP "protocol = raw\n" OUT "retry_min = 500ms\nretry_max = 500ms\n", NULL},
    };
    expect_each(CASES, COUNT(CASES));
}

Test(build_device, refuses_missing_keys_at_the_line_of_the_section)
{
    struct fixture f;
    const char *lines[] = {
        "t.conf:6: [device d] has no port; right: port = serial:/dev/NAME, tcp:HOST:PORT or "
        "tcp-listen:ADDRESS:PORT",
        "t.conf:6: [device d] has no protocol; right: protocol = raw, gap, line, mllp, modbus-rtu, "
        "modbus-tcp or modbus-ascii",
        "t.conf:6: [device d] has no certificate; right: certificate = a path",
        "t.conf:6: [device d] has no key; right: key = a path",
        "t.conf:6: [device d] has no trust; right: trust = a name of 1 to 63 letters, digits, - _ "
        "or "
        ".",
        "t.conf:6: [device d] has neither listen nor connect; right: listen = ADDRESS:PORT where "
        "the "
        "hospital dials in, connect = HOST:PORT where the gateway dials out",
        NULL};
    fixture_build(&f,
                  "[gateway]\nname = g\n[trust t]\nanchors = a\nrevocation = off\n[device d]\n");
    fixture_expect(&f, lines);
    fixture_end(&f);
}

Test(build_device, wrong_ranges_are_refused_for_every_key_that_has_one)
{
    for (int id = 0; id < KEYS_COUNT; id++) {
        const struct keys_row *row = keys_get((enum keys_id)id);
        const char *unit = row->type == KEYS_TYPE_DURATION ? "ms" : "";
        char text[512];
        struct fixture f;
        if (row->ceiling == 0) {
            continue;
        }
        for (int side = 0; side < 2; side++) {
            uint32_t value = side == 0 ? row->floor - 1 : row->ceiling + 1;
            if (row->or_never && value == 0) {
                continue;
            }
            const char *before = row->section == KEYS_TRUST ? "[trust t]\n" : FIXTURE_DEVICE;
            (void)snprintf(text, sizeof(text), "%s%s = %u%s\n", before, row->name, value, unit);
            fixture_build(&f, text);
            bool said = false;
            for (size_t i = 0; i < problems_count(f.problems); i++) {
                said = said || strstr(problems_text(f.problems, i), "is out of range") != NULL;
            }
            cr_assert(said, "%s = %u", row->name, value);
            fixture_end(&f);
        }
    }
}

/* ---- Modbus: what a request may wait for, who may write, what comes back ---- */

Test(build_device, a_request_waits_for_three_answers_or_as_long_as_it_says)
{
    struct fixture f;
    fixture_build(&f, FIXTURE_DEVICE RTU "response_timeout = 5s\n");
    fixture_expect(&f, (const char *const[]){NULL});
    cr_expect_eq(f.conf.devices[0].request_timeout_ms, 15000);
    fixture_end(&f);
    fixture_build(&f, FIXTURE_DEVICE RTU "response_timeout = 5s\nrequest_timeout = 300ms\n");
    fixture_expect(&f, (const char *const[]){NULL});
    cr_expect_eq(f.conf.devices[0].request_timeout_ms, 300);
    fixture_end(&f);
}

Test(build_device, a_write_lease_has_a_length_or_is_off)
{
    struct fixture f;
    fixture_build(&f, FIXTURE_DEVICE RTU "write_lease = 1m\n");
    cr_expect_eq(f.conf.devices[0].write_lease_ms, 60000);
    fixture_end(&f);
    fixture_build(&f, FIXTURE_DEVICE RTU "write_lease = never\n");
    fixture_expect(&f, (const char *const[]){NULL});
    cr_expect_eq(f.conf.devices[0].write_lease_ms, 0);
    fixture_end(&f);
}

Test(build_device, only_a_serial_line_has_an_echo)
{
    struct fixture f;
    fixture_build(&f, FIXTURE_DEVICE RTU "echo = discard\n");
    fixture_expect(&f, (const char *const[]){NULL});
    cr_expect(f.conf.devices[0].line.has_echo);
    fixture_end(&f);
    fixture_build(&f, FIXTURE_DEVICE
                  "port = tcp:10.0.0.1:502\nprotocol = modbus-tcp\nunit_map = 1\n"
                  "listen = 127.0.0.1:802\nallow = dns:bms.example\necho = discard\n");
    cr_expect_gt(problems_count(f.problems), 0);
    fixture_end(&f);
}
