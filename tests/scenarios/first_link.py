#!/usr/bin/python3
# timeout: 40
"""A raw serial device and openssl s_server: bytes both ways, and the device's own certificate is seen."""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

from device import Serial, Wire
from tools import s_server
from wg import Gateway, check, device_section, equal, gateway_section, scenario, trust_section


def body():
    server = s_server()
    wire = Wire().plug()
    gateway = Gateway(gateway_section() + trust_section() + device_section(
        "pump-12", port="serial:" + wire.near, line="9600 8N1",
        connect="127.0.0.1:%d" % server.number)).start()
    up = gateway.wait_state("pump-12", "up")
    pump = Serial(wire.far)
    pump.send(b"PULSE 72\n")
    server.wait_text("PULSE 72\n")
    server.give(b"how are you\n")
    pump.expect(b"how are you\n")
    check("subject=O = Hospital, OU = Ward 3B, CN = Device pump-12" in server.text(),
          "the server did not see the subject of pump-12")
    equal(up["peer"], "127.0.0.1:%d" % server.number, "peer in status")
    check("Interface engine hl7" in up["peer_subject"], "peer_subject is " + up["peer_subject"])
    equal(up["tls"], "TLSv1.3", "TLS version in status")
    check("Device pump-12" in up["certificate"]["subject"], "certificate in status")
    check(200 < up["certificate"]["days_left"] < 400, "days left in status")
    equal(up["sessions"], 1, "sessions in status")
    gateway.stop()


scenario(body)
