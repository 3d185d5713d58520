#!/usr/bin/python3
# timeout: 110
"""libmodbus's own test client against libmodbus's own test server on TCP, with gateways and TLS between them.

Bytes as they are (protocol raw, TCP -> gateway -> TLS -> gateway -> TCP): all of its facts hold. As Modbus/TCP
(TCP -> TLS -> gateway -> TCP) two cannot: the gateway hands on whole answers, so that nobody sees a pause between
bytes that is too long, and it answers a wrong byte count itself.
"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import examples
from tools import stunnel
from wg import (Gateway, check, device_section, figure, gateway_section, port, scenario, spawn,
                trust_section, wait_for, wait_listens)

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


def as_modbus():
    entry, number, server = port(), port(), port()
    program = examples.build("unit-test-server", [("1502", str(server))] + examples.SLOW_SERVER, "modbus-server")
    client = examples.build("unit-test-client", [("1502", str(entry))] + examples.BEHIND_GATEWAY, "modbus-client")
    spawn([program, "tcp"], log="modbus-server.log")
    wait_listens(server)
    gateway = Gateway(gateway_section(control="modbus.sock", state_dir="modbus") + trust_section() + device_section(
        "pump-12", port="tcp:127.0.0.1:%d" % server, protocol="modbus-tcp", writes="allow",
        unit_map="17, 0>17, 18>17, 255", response_timeout="1s", listen="127.0.0.1:%d" % number), "modbus").start()
    gateway.wait_device("pump-12", "port open", lambda d: d["port_open"])
    stunnel("client", entry, number, "bms", name="pump-12.ward.example")
    return (gateway,), spawn([client, "tcp"], log="modbus-client.log")


def body():
    if not examples.are_there():
        return
    raw, raw_client = through_two_gateways()
    modbus, modbus_client = as_modbus()
    for client in (raw_client, modbus_client):
        wait_for("a client is done", lambda c=client: c.poll() is not None, 80, 0.2)
    good = examples.expect("raw", "raw-client.log", ())
    with open("raw-client.log", encoding="utf-8", errors="replace") as log:
        check("ALL TESTS PASS WITH SUCCESS" in log.read(), "the client's own verdict")
    figure("libmodbus's own client, TCP through two gateways: %d of %d" % (good, examples.FACTS))
    good = examples.expect("modbus-tcp", "modbus-client.log", UNHOLDABLE)
    figure("libmodbus's own client, TLS to a Modbus/TCP device: %d of %d" % (good, examples.FACTS))
    for gateway in raw + modbus:
        gateway.stop()


scenario(body)
