#!/usr/bin/python3
# timeout: 60
"""Revocation as other ends see it: our staple, by OpenSSL and GnuTLS; GnuTLS as a good and as a revoked peer
in both roles, with its own staple as the only evidence; writes that a stale CRL stops while reads go on."""
import os
import shutil
import socket
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

from crowd import Contexts, Devices
from lab import NAME, SERIAL, Lab
from responder import Door, answer, responder_cert
from rtu import Master
from tools import gnutls_cli, gnutls_serv, s_client, start_pump
from wg import (WARDGATE, Gateway, check, device_section, equal, gateway_section, listens, port, run, say, scenario,
                section, wait_for)

DAY, HOUR = 86400, 3600
OWN, SAYS = "own.case.example", b"SECRET-OF-THE-DEVICE\n"
OWN_SERIAL, WARD_SERIAL = SERIAL + 1, 0x1001
SETTING = 8  # a register of the pump that may be written


class Town:
    def __init__(self):
        self.lab = lab = Lab()
        lab.ward.leaf("peer", NAME, serial=SERIAL)
        lab.ward.leaf("gone", NAME)
        lab.ward.leaf("own", "DNS:" + OWN, serial=OWN_SERIAL)
        responder_cert(lab.ward, "signer")
        lab.root.crl("root")
        lab.ward.crl("live", number=4, last=-DAY, following=-HOUR)
        lab.ward.revoke("gone", "keyCompromise").crl("now", number=5)
        self.door, good = Door(), answer(lab.ward, "peer", "signer")
        self.door.add("/", {SERIAL: good, OWN_SERIAL: answer(lab.ward, "own", "signer"),
                            WARD_SERIAL: answer(lab.root, "ward", "root")})
        with open(lab.path("staple.der"), "wb") as out:
            out.write(good)
        for name in ("peer", "gone"):
            shutil.copy(lab.path(name + ".key"), lab.path(name + ".chain.key"))
        self.devices = Devices(greet=SAYS)
        self.pump_port, self.listen = port(), {name: port() for name in ("in", "staple", "pump")}
        self.serv = gnutls_serv(lab.path("peer.chain"), "1.3", lab.path("root"),
                                more=["--ocsp-response", lab.path("staple.der")])
        self.gone_serv = gnutls_serv(lab.path("gone.chain"), "1.3", lab.path("root"))

    def trust(self, name, crls, **keys):
        return section("trust", name, dict(
            {"anchors": self.lab.path("root.pem"), "intermediates": self.lab.path("ward.pem"), "tls_min": "1.2",
             "crl": [self.lab.path(crl + ".crl") for crl in crls]}, **keys))

    def text(self):
        keys = {"certificate": self.lab.path("own.chain.pem"), "key": self.lab.path("own.key"),
                "allow": "dns:peer.example"}
        text = gateway_section(log_level="info")
        text += self.trust("hospital", ("root", "now"))
        text += self.trust("answered", ("root",), ocsp=self.door.url("/"))
        text += self.trust("root-only", ("root",))
        text += self.trust("stale", ("root", "live"), revocation="grace")
        for name, trust in (("in", "hospital"), ("staple", "answered")):
            text += device_section(name, port=self.devices.add(name), trust=trust,
                                   listen="127.0.0.1:%d" % self.listen[name], **keys)
        for name, trust, serv in (("out", "root-only", self.serv), ("out-gone", "hospital", self.gone_serv)):
            text += device_section(name, port=self.devices.add(name), trust=trust, server_name="peer.example",
                                   connect="127.0.0.1:%d" % serv.number, retry_min="5m", retry_max="10m", **keys)
        return text + device_section(
            "pump", port="tcp:127.0.0.1:%d" % self.pump_port, protocol="modbus-tcp", unit_map="1", trust="stale",
            listen="127.0.0.1:%d" % self.listen["pump"], writes="allow", write_revocation="hard", **keys)

    def client(self, start, name, version, cert="peer", more=()):
        """One of the tools dials this device and shows this certificate."""
        return start(self.listen[name], self.lab.path(cert + ".chain"), version, OWN, ca=self.lab.path("root"),
                     more=more)


def our_staple(town, gateway):
    """The own certificate's status comes from the cache, once that has one."""
    gateway.wait_device("staple", "own certificate good", lambda d: d["certificate"]["verdict"] == "good")
    for version in ("1.2", "1.3"):
        tool = town.client(s_client, "staple", version, more=["-status"])
        tool.wait_text(SAYS.decode())
        text = tool.text()
        for part in ("OCSP Response Status: successful", "Cert Status: good", "Serial Number: %X" % OWN_SERIAL):
            check(part in text, "openssl, TLS %s: no %r in\n%s" % (version, part, text))
        tool.end()
        saved = os.path.abspath("saved-%s.der" % version)
        tool = town.client(gnutls_cli, "staple", version, more=["--save-ocsp", saved])
        tool.wait_text(SAYS.decode())
        tool.end()
        status, told = run(["ocsptool", "--verify-response", "--load-trust", town.lab.path("ward.pem"),
                            "--load-issuer", town.lab.path("ward.pem"), "--infile", saved])
        check(status == 0 and "Success" in told, "ocsptool, TLS %s: %s" % (version, told))
    say("our staple: OpenSSL and GnuTLS read it, in TLS 1.2 and 1.3")


def gnutls_peers(town, gateway):
    for version in ("1.2", "1.3"):
        tool = town.client(gnutls_cli, "in", version)
        tool.wait_text(SAYS.decode())
        gateway.wait_device("in", "a good peer", lambda d: any(
            link["verdict"] == "good" for link in d["links"]))
        tool.end()
        tool = town.client(gnutls_cli, "in", version, "gone")
        tool.wait_end()
        check(SAYS not in tool.bytes(), "a revoked GnuTLS client got bytes in TLS %s" % version)
    gateway.wait_event("link-failed", "in", cause="revoked", count=2)
    gateway.wait_fault("out-gone", "revoked")
    check(SAYS not in town.gone_serv.bytes() and not town.devices.got["out-gone"], "a revoked GnuTLS server got bytes")
    say("GnuTLS as a good and as a revoked client, and as a revoked server")


def their_staple(town, gateway):
    """gnutls-serv sends back what it gets."""
    if "with stapling" not in run([WARDGATE, "version", "-v"])[1]:
        gateway.wait_fault("out", "no-verdict")
        return
    gateway.wait_device("out", "up", lambda d: d["state"] == "up" and d["verdict"] == "good")
    wait_for("what GnuTLS sent back", lambda: town.devices.got["out"] == SAYS)
    say("a GnuTLS server whose staple is the only evidence")


def writes(town, gateway):
    """grace lets a link live by a CRL that has ended; write_revocation = hard lets it read only."""
    start_pump("--tcp", town.pump_port)
    wait_for("the pump listens", lambda: listens(town.pump_port))
    gateway.wait_device("pump", "its port", lambda d: d["port_open"])
    raw = socket.create_connection(("127.0.0.1", town.listen["pump"]), timeout=10)
    master = Master(Contexts(town.lab, "root.pem").of("client", "peer", "13").wrap_socket(raw, server_hostname=OWN))
    before = master.read(1, SETTING)
    equal({link["verdict"] for link in gateway.device("pump")["links"]}, {"stale"}, "verdict with the old CRL")
    check(isinstance(before, list), "a read under grace gets exception %r" % before)
    for _ in range(2):
        equal(master.write(1, SETTING, before[0] + 7), -0x01, "a write with a stale CRL")
        equal(master.read(1, SETTING), before, "the register after a write that was denied")
    shutil.copy(town.lab.path("now.crl"), town.lab.path("live.new"))
    os.rename(town.lab.path("live.new"), town.lab.path("live.crl"))
    status, told = gateway.command("revocation", "refresh", seconds=60)
    equal(status, 0, "exit status of refresh (%s)" % told.strip())
    equal(master.write(1, SETTING, before[0] + 7), 0, "a write with a fresh CRL, over the same link")
    equal(master.read(1, SETTING), [before[0] + 7], "the register after it")
    say("a stale CRL: reads pass, writes get exception 01 until a fresh one comes")


def body():
    town = Town()
    gateway = Gateway(town.text()).start()
    for part in (our_staple, gnutls_peers, their_staple, writes):
        part(town, gateway)
    gateway.stop()


scenario(body)
