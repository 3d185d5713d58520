#!/usr/bin/python3
# timeout: 60
"""What is good is accepted, in both roles and both TLS versions: chains of every good shape, certificates
without EKU, wildcards, addresses, URIs."""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import tls
from device import Listening
from wg import (Failure, Gateway, check, device_section, equal, gateway_section, port, say, scenario,
                trust_section)

VERSIONS = {"12": tls.V12, "13": tls.V13}
SHAPES = ("", "-root", "-int", "-nochain", "-noeku", "-wild", "-rsa")


def body():
    text = gateway_section() + trust_section(tls_min="1.2")
    number = {"dns": port(), "uri": port()}
    behind = {"dns": Listening(), "uri": Listening()}
    rules = {"dns": "dns:bms.hospital.example", "uri": "uri:urn:hospital:bms"}
    for kind, rule in rules.items():
        text += device_section("in-" + kind, port=behind[kind].port, allow=rule, max_links="100",
                               listen="127.0.0.1:%d" % number[kind])
    servers = {}
    for digits, version in VERSIONS.items():
        for shape in SHAPES + ("-ip",):
            name = "out%s-%s" % (shape, digits)
            servers[name] = tls.Server(tls.server_context("hl7" + shape, version, version)).start()
            # Without server_name the address that is dialled is what the certificate must carry.
            text += device_section(name, port="tcp-listen:127.0.0.1:%d" % port(), start="always",
                                   connect="127.0.0.1:%d" % servers[name].number,
                                   server_name=None if shape == "-ip" else "hl7.hospital.example")
    gateway = Gateway(text).start()
    red = []
    for digits, version in VERSIONS.items():
        for shape in SHAPES:
            kind = "dns" if shape == "-wild" else "uri"
            try:
                peer = tls.dial(number[kind], tls.client_context("bms" + shape, version, version))
                device = behind[kind].accept()
                device.send(b"welcome")
                equal(peer.recv(100), b"welcome", "what the client got")
                peer.close()
            except (Failure, OSError) as failure:
                red.append("client bms%s TLS %s: %s" % (shape, digits, failure))
    for name in servers:
        try:
            seen = gateway.wait_state(name, "up")
            equal(seen["tls"], "TLSv1.2" if name.endswith("12") else "TLSv1.3", "TLS version")
        except Failure as failure:
            red.append("server %s: %s" % (name, failure))
    for line in red:
        say("RED " + line)
    check(not red, "%d good peers were not accepted" % len(red))
    gateway.stop()


scenario(body)
