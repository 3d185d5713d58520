#!/usr/bin/python3
# timeout: 40
"""Two devices on one listen address: the client's SNI chooses the device and its certificate."""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

from device import Serial, Wire
from tools import s_client
from wg import (Gateway, check, device_section, gateway_section, port, scenario, trust_section)


def body():
    number = port()
    wires = {name: Wire("near-" + name, "far-" + name).plug() for name in ("pump-12", "monitor-7")}
    text = gateway_section() + trust_section(tls_min="1.2")
    for name, wire in wires.items():
        text += device_section(name, cert=name, port="serial:" + wire.near, line="9600 8N1",
                               listen="127.0.0.1:%d" % number)
    gateway = Gateway(text).start()
    devices = {name: Serial(wire.far) for name, wire in wires.items()}
    for name in wires:
        gateway.wait_device(name, "port open", lambda d: d["port_open"])
    for version in ("1.2", "1.3"):
        for name in wires:
            peer = s_client(number, version=version, name=name + ".ward.example")
            said = ("to %s by %s\n" % (name, version)).encode()
            peer.give(said)
            devices[name].expect(said)
            peer.wait_text("CN = Device " + name)
            peer.finish()
            peer.wait_end()
        for name in ("analyser-3.ward.example", "ward.example", "x.pump-12.ward.example"):
            peer = s_client(number, version=version, name=name)
            check(peer.wait_end() != 0, "a stranger's name was accepted: " + name)
            peer.wait_text("alert number 112")
        peer = s_client(number, version=version, name=None)
        check(peer.wait_end() != 0, "a client without SNI was accepted")
    for name, device in devices.items():
        check(device.poll(0.1) == b"", "bytes of a refused client came to " + name)
    gateway.wait_log("no-such-device", count=8)
    gateway.stop()


scenario(body)
