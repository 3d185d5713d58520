#!/usr/bin/python3
# timeout: 60
"""A Modbus/TCP device (libmodbus) behind the gateway, asked over TLS by pymodbus: it goes and comes back."""
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import tls
from rtu import Master
from tools import start_pump
from wg import (Gateway, check, device_section, end, equal, gateway_section, port, scenario,
                trust_section, wait_for)


def body():
    number, device_port = port(), port()
    gateway = Gateway(gateway_section() + trust_section() + device_section(
        "pump-12", port="tcp:127.0.0.1:%d" % device_port, protocol="modbus-tcp", unit_map="1, 9>1",
        response_timeout="300ms", listen="127.0.0.1:%d" % number)).start()
    master = Master(tls.dial(number))
    equal(master.read(1, 0), -0x0A, "a device that is not there")
    pump = start_pump("--tcp", device_port)
    wait_for("the device's port", lambda: gateway.device("pump-12")["port_open"], 10)
    equal(master.read(1, 1), [125], "a register")
    equal(master.read(9, 1), [125], "a register of a unit with another number")
    equal(master.read(2, 1), -0x0A, "a unit in no map")
    equal(master.write(1, 8, 3), -0x01, "a write where writes are not allowed")
    check(master.read(1, 500) in (-2, -3), "a register that is not there")
    for _ in range(3):
        end(pump)
        wait_for("the device is gone", lambda: not gateway.device("pump-12")["port_open"], 10)
        equal(master.read(1, 1), -0x0A, "a device that went")
        pump = start_pump("--tcp", device_port)
        back = time.monotonic()
        wait_for("answers again", lambda: master.read(1, 1) == [125], 10)
        check(time.monotonic() - back < 7, "the device was dialled again only late")
    gateway.stop()


scenario(body)
