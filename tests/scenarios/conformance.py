#!/usr/bin/python3
# timeout: 110
"""libmodbus's own test client against libmodbus's own test server, with the gateway and TLS between them:
TCP -> stunnel -> gateway -> RTU on a pty.

Of the 113 facts that the client checks, three cannot hold: the server shortens the pauses between bytes
only on TCP (two), and a strict gateway answers a wrong byte count itself (one).
"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import examples
from device import Wire
from tools import stunnel
from wg import (Gateway, device_section, figure, gateway_section, port, scenario, spawn, trust_section,
                wait_for)

UNHOLDABLE = ("Too small byte timeout", "Adapted byte timeout", "* modbus_read_registers: ")


def body():
    if not examples.are_there():
        return
    wire = Wire().plug()
    entry, number = port(), port()
    server = examples.build("unit-test-server", [("/dev/ttyUSB0", wire.far)])
    client = examples.build("unit-test-client",
                            [("1502", str(entry))] + examples.BEHIND_GATEWAY + examples.ASKS_A_UNIT)
    spawn([server, "rtu"], log="server.log")
    gateway = Gateway(gateway_section() + trust_section() + device_section(
        "pump-12", port="serial:" + wire.near, line="115200 8N1", protocol="modbus-rtu", writes="allow",
        unit_map="17, 0>17, 18>17, 255>17", response_timeout="1s",
        listen="127.0.0.1:%d" % number)).start()
    gateway.wait_device("pump-12", "port open", lambda d: d["port_open"])
    stunnel("client", entry, number, "bms", name="pump-12.ward.example")
    asked = spawn([client, "tcp"], log="client.log")
    wait_for("the client is done", lambda: asked.poll() is not None, 80, 0.2)
    good = examples.expect("RTU", "client.log", UNHOLDABLE)
    figure("libmodbus's own client, TLS to an RTU unit: %d of %d" % (good, examples.FACTS))
    gateway.stop()


scenario(body)
