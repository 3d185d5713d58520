#!/usr/bin/python3
# timeout: 100
"""openssl, gnutls, stunnel and Python, as client and as server, TLS 1.2 and 1.3, P-256 and RSA-2048:
bytes both ways with each."""
import itertools
import socket
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import tls
from device import Listening, Tcp
from tools import gnutls_cli, gnutls_serv, s_client, s_server, stunnel
from wg import (Failure, Gateway, check, device_section, equal, gateway_section, port, say, scenario,
                trust_section, wait_for)

VERSIONS = {"1.2": tls.V12, "1.3": tls.V13}
QUESTION, ANSWER = b"question\n", b"answer\n"
ALL = list(itertools.product(("openssl", "gnutls", "stunnel", "python"), ("1.2", "1.3"), ("", "-rsa")))


class Server:
    """One hospital server; ask(): what the device said arrived, and an answer is on its way."""

    def __init__(self, kind, version, key):
        self.kind = kind
        self.answer = ANSWER
        if kind == "openssl":
            self.end = s_server("hl7" + key, version)
        elif kind == "gnutls":
            self.end = gnutls_serv("hl7" + key, version)
            self.answer = QUESTION  # it sends back what it got
        elif kind == "stunnel":
            self.behind = socket.create_server(("127.0.0.1", 0))
            self.behind.settimeout(10)
            self.number = port()
            self.end = stunnel("server", self.number, self.behind.getsockname()[1], "hl7" + key,
                               version)
        else:
            self.end = tls.Server(tls.server_context("hl7" + key, VERSIONS[version],
                                                     VERSIONS[version])).start()
        if kind != "stunnel":
            self.number = self.end.number

    def expect(self):
        if self.kind == "openssl":
            self.end.wait_text("question")
            self.end.give(ANSWER)
        elif self.kind == "stunnel":
            inner = Tcp(self.behind.accept()[0])
            inner.expect(QUESTION)
            inner.send(ANSWER)
            self.inner = inner
        elif self.kind == "python":
            wait_for("the question", lambda: self.end.links and self.end.links[0].bytes() == QUESTION)
            self.end.links[0].send(ANSWER)


def reply(device):
    """The gateway dials the device; it is asked and answers."""
    sock = device.accept()
    sock.expect(QUESTION)
    sock.send(ANSWER)
    return sock


def as_client(kind, version, key, number, device):
    """One hospital client asks the device behind listener "number"."""
    cert = "bms" + key
    if kind in ("openssl", "gnutls"):
        peer = (s_client if kind == "openssl" else gnutls_cli)(number, cert, version)
        peer.give(QUESTION)
        kept = reply(device)
        peer.wait_text("answer")
    elif kind == "stunnel":
        entry = port()
        peer = stunnel("client", entry, number, cert, version, "pump-12.ward.example")
        inner = Tcp.dial(entry)
        inner.send(QUESTION)
        kept = reply(device)
        inner.expect(ANSWER)
    else:
        peer = tls.dial(number, tls.client_context(cert, VERSIONS[version], VERSIONS[version]))
        peer.sendall(QUESTION)
        kept = reply(device)
        equal(peer.recv(100), ANSWER, "what Python's client got")
    return kept, peer


def body():
    text = gateway_section() + trust_section(tls_min="1.2")
    servers, devices, listens = {}, {}, {}
    for case in ALL:
        name = "%s-%s%s" % (case[0], case[1].replace(".", ""), case[2])
        servers[case] = Server(*case)
        for role, keys in (("s", {"connect": "127.0.0.1:%d" % servers[case].number}),
                           ("c", {"listen": "127.0.0.1:%d" % port()})):
            devices[role, case] = Listening()
            listens[role, case] = int(list(keys.values())[0].split(":")[1])
            text += device_section("%s-%s" % (role, name), cert="pump-12" + case[2],
                                   port=devices[role, case].port, **keys)
    gateway = Gateway(text).start()
    red, kept = [], []
    for role, case in sorted(devices):
        name = "%s-%s-%s%s" % (role, case[0], case[1].replace(".", ""), case[2])
        try:
            if role == "s":
                device = devices[role, case].accept()
                kept.append(device)
                gateway.wait_state(name, "up")
                device.send(QUESTION)
                servers[case].expect()
                device.expect(servers[case].answer)
            else:
                kept.append(as_client(*case, listens[role, case], devices[role, case]))
            seen = gateway.device(name)
            equal(seen["tls"], "TLSv" + case[1], "TLS version in status")
            check("RSA" not in seen["suite"] or case[2] or case[1] == "1.3", "suite " + seen["suite"])
        except (Failure, OSError) as failure:
            red.append("%s: %s" % (name, failure))
    for line in red:
        say("RED " + line)
    check(not red, "%d of %d pairs failed" % (len(red), len(devices)))
    gateway.stop()


scenario(body)
