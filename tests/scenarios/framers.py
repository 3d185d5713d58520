#!/usr/bin/python3
# timeout: 60
"""One message of a framed protocol is one TLS record; bytes of no message are dropped and counted."""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import tls
from device import Serial, Tcp, Wire
from wg import (Gateway, check, device_section, equal, gateway_section, port, scenario, trust_section,
                wait_for)

# name, cert, keys, messages as pieces, bytes of no message (sent between)
CASES = {
    "line": dict(keys={"protocol": "line"}, messages=[
        [b"SPO2 97\r\n"], [b"PULSE ", b"72", b"\r\n"], [b"\r\n"], [b"X" * 4000 + b"\r\n"]]),
    "gap": dict(keys={"protocol": "gap", "gap": "150ms", "max_frame": "8KiB"}, messages=[
        [b"\x01"], [b"abc", b"def"], [bytes(range(256))], [b"y" * 5000]]),
    "mllp": dict(keys={"protocol": "mllp"}, junk=[b"junk", b"\n"], messages=[
        [b"\x0bA\x1c\r"], [b"\x0bMSH|^~", b"\\&|\r", b"\x1c", b"\r"], [b"\x0b" + b"z" * 16000 + b"\x1c\r"],
        [b"\x0b" + bytes(range(32, 256)) * 40 + b"\x1c\r"]]),
    "raw": dict(keys={"protocol": "raw"}, messages=[[bytes(range(256))], [b"Q\nR\n"]]),
}


def body():
    server = tls.Server(tls.server_context()).start()
    wires, ports = {}, {}
    text = gateway_section() + trust_section()
    names = iter(("pump-12", "monitor-7", "analyser-3", "pump-12-rsa"))
    certs = {}
    for name, case in CASES.items():
        certs[name] = next(names)
        if name == "mllp":
            ports[name] = port()
            where = {"port": "tcp-listen:127.0.0.1:%d" % ports[name]}
        else:
            wires[name] = Wire("near-" + name, "far-" + name).plug()
            where = {"port": "serial:" + wires[name].near, "line": "115200 8N1"}
        text += device_section(name, cert=certs[name], start="always",
                               connect="127.0.0.1:%d" % server.number, **where, **case["keys"])
    gateway = Gateway(text).start()
    for name, case in CASES.items():
        before = len(server.links)
        device = Tcp.dial(ports[name]) if name in ports else Serial(wires[name].far)
        gateway.wait_state(name, "up")
        peer = gateway.device(name)["links"][0]
        check(peer["tls"] == "TLSv1.3", "no link of %s: %r, %d" % (name, peer, before))
        link = [l for l in server.open_links() if ends_with(l, certs[name])][-1]
        one_case(name, case, device, link, gateway)
        for data in (b"answer\r\n", bytes(range(256))):
            if name == "mllp":
                data = b"\x0b" + data.replace(b"\x0b", b"").replace(b"\x1c", b"") + b"\x1c\r"
            link.send(data)
            device.expect(data)
    gateway.stop()


def ends_with(link, cert):
    """The link of this certificate: two devices carry the same subject, so ask for the key's kind."""
    return cert.replace("-rsa", "") in link.subject and \
        link.sock.getpeercert()["serialNumber"] == serial_of(cert)


def serial_of(cert):
    from cryptography import x509
    from wg import pki
    with open(pki(cert + ".pem"), "rb") as pem:
        number = "%X" % x509.load_pem_x509_certificate(pem.read()).serial_number
    return number.zfill(len(number) + len(number) % 2)


def one_case(name, case, device, link, gateway):
    for at, pieces in enumerate(case["messages"]):
        want = b"".join(pieces)
        for junk in case.get("junk", []):
            device.send(junk)
        have = len(link.records)
        for piece in pieces:
            device.send(piece)
        wait_for("message %d of %s (%d bytes), has %r" % (at, name, len(want), link.records[have:]),
                 lambda: len(b"".join(link.records[have:])) >= len(want), 10)
        got = link.records[have:]
        if name == "raw":
            got = [b"".join(got)]  # no frames: any cut is right
        equal([len(r) for r in got], [len(want)], "records of message %d of %s" % (at, name))
        equal(got[0], want, "message %d of %s" % (at, name))
    seen = gateway.device(name)
    if name != "raw":
        equal(seen["messages"]["device_to_server"], len(case["messages"]), "messages of " + name)
    junk = sum(map(len, case.get("junk", []))) * len(case["messages"])
    equal(seen["junk_bytes"], junk, "junk bytes of " + name)


scenario(body)
