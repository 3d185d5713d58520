#!/usr/bin/python3
# timeout: 110
"""libmodbus's own test client against libmodbus's own test server on TCP, with gateways and TLS between them.

Bytes as they are (protocol raw, TCP -> gateway -> TLS -> gateway -> TCP): all of its facts hold. As Modbus/TCP
(TCP -> TLS -> gateway -> TCP) two cannot: the gateway hands on whole answers, so that nobody sees a pause between
bytes that is too long, and it answers a wrong byte count itself. The same two with a gateway on either side: a
plain master, its requests carried over TLS to the gateway of a plain device. And where writes are denied, none of
the client's reaches the server.
"""
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import examples
from tools import stunnel
from wg import (Gateway, check, device_section, equal, figure, gateway_section, port, scenario, spawn,
                trust_section, wait_for, wait_listens)

WRITES = (5, 6, 15, 16, 22, 23)
UNHOLDABLE = ("1/2 Too small byte timeout", "* modbus_read_registers: ")


def through_two_gateways():
    entry, middle, server = port(), port(), port()
    program = examples.build("unit-test-server", [("1502", str(server))] + examples.SLOW_SERVER, "raw-server")
    client = examples.build("unit-test-client", [("1502", str(entry))] + examples.PATIENT, "raw-client")
    spawn([program, "tcp"], log="raw-server.log")
    wait_listens(server)
    far = Gateway(gateway_section(control="far.sock", state_dir="far") + trust_section() + device_section(
        "pump-12", port="tcp:127.0.0.1:%d" % server, listen="127.0.0.1:%d" % middle), "far").start()
    near = Gateway(gateway_section() + trust_section() + device_section(
        "monitor-7", cert="bms", port="tcp-listen:127.0.0.1:%d" % entry, allow="dns:pump-12.ward.example",
        server_name="pump-12.ward.example", connect="127.0.0.1:%d" % middle), "near").start()
    near.wait_state("monitor-7", "up")
    return (near, far), spawn([client, "tcp"], log="raw-client.log")


def as_modbus(name, writes):
    entry, number, server = port(), port(), port()
    program = examples.build("unit-test-server", [("1502", str(server))] + examples.SLOW_SERVER, name + "-server")
    client = examples.build("unit-test-client", [("1502", str(entry))] + examples.BEHIND_GATEWAY, name + "-client")
    # What they say of errors would break into the lines that are read here.
    unit = spawn([program, "tcp"], log=name + "-server.log", stderr=subprocess.DEVNULL)
    wait_listens(server)
    gateway = Gateway(gateway_section(control=name + ".sock", state_dir=name) + trust_section() + device_section(
        "pump-12", port="tcp:127.0.0.1:%d" % server, protocol="modbus-tcp", writes=writes,
        unit_map="17, 0>17, 18>17, 255", response_timeout="1s", listen="127.0.0.1:%d" % number), name).start()
    gateway.wait_device("pump-12", "port open", lambda d: d["port_open"])
    stunnel("client", entry, number, "bms", name="pump-12.ward.example")
    return gateway, unit, spawn([client, "tcp"], log=name + "-client.log", stderr=subprocess.DEVNULL)


def frames(log, brackets):
    """The ADUs that libmodbus told of: "[]" sent, "<>" received."""
    with open(log, encoding="utf-8", errors="replace") as lines:
        told = lines.read()
    one = r"(?:\%s[0-9A-F]{2}\%s)" % tuple(brackets)
    return [bytes.fromhex(re.sub("[^0-9A-F]", "", frame)) for frame in re.findall("%s{8,}" % one, told)]


def only_reads():
    """Where writes are denied each write of the client gets 01 (or 03, when it is malformed), and none reaches the
    server."""
    asked = [frame[7] for frame in frames("denied-client.log", "[]") if frame[7] in WRITES]
    answers = [frame for frame in frames("denied-client.log", "<>") if frame[7] & 0x7F in WRITES]
    equal([frame[7] & 0x7F for frame in answers], asked, "answers to writes")
    codes = [frame[8] for frame in answers]
    check(all(frame[7] & 0x80 for frame in answers), "a write was answered as done")
    check(set(codes) <= {1, 3} and codes.count(1) >= 10, "exceptions of refused writes: %r" % codes)
    seen = [frame[7] for frame in frames("denied-server.log", "<>")]
    check(3 in seen, "the server told of no request at all")
    equal([function for function in seen if function in WRITES], [], "writes that the server saw")
    return len(codes)


def as_master():
    entry, middle, server = port(), port(), port()
    program = examples.build("unit-test-server", [("1502", str(server))] + examples.SLOW_SERVER, "master-server")
    client = examples.build("unit-test-client", [("1502", str(entry))] + examples.BEHIND_GATEWAY, "master-client")
    spawn([program, "tcp"], log="master-server.log", stderr=subprocess.DEVNULL)
    wait_listens(server)
    far = Gateway(gateway_section(control="unit.sock", state_dir="unit") + trust_section() + device_section(
        "pump-12", port="tcp:127.0.0.1:%d" % server, protocol="modbus-tcp", writes="allow",
        unit_map="17, 255", response_timeout="1s", listen="127.0.0.1:%d" % middle), "unit").start()
    far.wait_device("pump-12", "port open", lambda d: d["port_open"])
    near = Gateway(gateway_section(control="master.sock", state_dir="master") + trust_section() + device_section(
        "monitor-7", cert="bms", port="tcp-listen:127.0.0.1:%d" % entry, allow="dns:pump-12.ward.example",
        protocol="modbus-tcp", side="master", writes="allow", unit_map="17, 0>17, 18>17, 255",
        response_timeout="3s", server_name="pump-12.ward.example", connect="127.0.0.1:%d" % middle),
        "master").start()
    near.wait_state("monitor-7", "up")
    return (near, far), spawn([client, "tcp"], log="master-client.log", stderr=subprocess.DEVNULL)


def body():
    if not examples.are_there():
        return
    raw, raw_client = through_two_gateways()
    modbus, _, modbus_client = as_modbus("modbus", "allow")
    denied, denied_unit, denied_client = as_modbus("denied", "deny")
    master, master_client = as_master()
    for client in (raw_client, modbus_client, denied_client, master_client):
        wait_for("a client is done", lambda c=client: c.poll() is not None, 80, 0.2)
    good = examples.expect("raw", "raw-client.log", ())
    with open("raw-client.log", encoding="utf-8", errors="replace") as log:
        check("ALL TESTS PASS WITH SUCCESS" in log.read(), "the client's own verdict")
    figure("libmodbus's own client, TCP through two gateways: %d of %d" % (good, examples.FACTS))
    good = examples.expect("modbus-tcp", "modbus-client.log", UNHOLDABLE)
    figure("libmodbus's own client, TLS to a Modbus/TCP device: %d of %d" % (good, examples.FACTS))
    good = examples.expect("master", "master-client.log", UNHOLDABLE)
    figure("libmodbus's own client, TCP master to TCP device through TLS: %d of %d" % (good, examples.FACTS))
    for gateway in raw + (modbus, denied) + master:
        gateway.stop()
    # It ends with its connection, and only then is all of its log there.
    wait_for("the server is done", lambda: denied_unit.poll() is not None)
    figure("libmodbus's own client where writes are denied: %d of its writes refused, 0 on the line" % only_reads())


scenario(body)
