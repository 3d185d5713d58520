#!/usr/bin/python3
# timeout: 60
"""RSA of 1024 bits and signatures over SHA-1 come in where a trust names them, and nowhere else: both roles,
both TLS versions, four trusts in one gateway, peers by OpenSSL, CRLs that are as weak as their CA."""
import os
import ssl
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

from crowd import Devices
from tls import V12, V13, Server, dial
from wg import (WARDGATE, Gateway, check, device_section, equal, gateway_section, pki, port, run, scenario,
                section, wait_for)

NAME = "peer.example"
devices = Devices(greet=b"DEVICE")
# name of the trust, its lines, the peers that it lets in
TRUSTS = (
    ("strict", {}, {"good"}),
    ("small", {"rsa_min": "1024"}, {"good", "rsa1024"}),
    ("hashed", {"allow_sha1": "yes"}, {"good", "sha1"}),
    ("old", {"rsa_min": "1024", "allow_sha1": "yes"}, {"good", "rsa1024", "sha1", "both"}),
)
PEERS = {"good": ("ec", "sha256"), "rsa1024": ("rsa", "sha256"), "sha1": ("ec", "sha1"), "both": ("rsa", "sha1")}
KEYS = {"ec": ("EC", "ec_paramgen_curve:P-256"), "rsa": ("RSA", "rsa_keygen_bits:1024")}


def openssl(*words):
    status, text = run(["openssl"] + list(words))
    check(status == 0, "openssl %s: %s" % (" ".join(words), text))


def make_peer(name, kind, digest):
    """NAME.pem and NAME.key, under the strong root of the test PKI."""
    algorithm, option = KEYS[kind]
    with open("peer.ext", "w", encoding="ascii") as out:
        out.write("subjectAltName=DNS:%s\nextendedKeyUsage=serverAuth,clientAuth\n"
                  "keyUsage=critical,digitalSignature\nbasicConstraints=critical,CA:FALSE\n" % NAME)
    openssl("req", "-newkey", algorithm, "-pkeyopt", option, "-nodes", "-keyout", name + ".key", "-subj",
            "/CN=Peer " + name, "-out", name + ".csr")
    openssl("x509", "-req", "-in", name + ".csr", "-CA", pki("root.pem"), "-CAkey", pki("root.key"),
            "-set_serial", "0x%s" % name.encode().hex(), "-days", "2", "-" + digest, "-extfile", "peer.ext",
            "-out", name + ".pem")


def make_crl(digest):
    """root.crl, signed by the root over this digest."""
    open("index.txt", "w", encoding="ascii").close()
    with open("number", "w", encoding="ascii") as out:
        out.write("01\n")
    with open("ca.cnf", "w", encoding="ascii") as out:
        out.write("[ca]\ndefault_ca=a\n[a]\ndatabase=index.txt\ncrlnumber=number\ndefault_crl_days=2\n")
    openssl("ca", "-config", "ca.cnf", "-gencrl", "-md", digest, "-cert", pki("root.pem"), "-keyfile",
            pki("root.key"), "-out", "root-%s.crl" % digest)


def context(role, cert, version):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if role == "server" else ssl.PROTOCOL_TLS_CLIENT)
    made.set_ciphers("DEFAULT@SECLEVEL=0")
    made.minimum_version = made.maximum_version = version
    made.load_cert_chain(cert + ".pem", cert + ".key")
    made.load_verify_locations(pki("root.pem"))
    made.verify_mode = ssl.CERT_REQUIRED
    return made


class Case:
    """One peer before one trust, in one role and version, with a device of its own."""

    def __init__(self, trust, lets_in, peer, role, version, crl=None):
        self.name = "-".join((trust, peer, role, "12" if version == V12 else "13") + ((crl,) if crl else ()))
        self.trust, self.must_pass = trust, lets_in
        self.peer, self.role, self.version = peer, role, version
        self.listen, self.server, self.client, self.got = port(), None, None, b""

    def section(self):
        keys = {"port": devices.add(self.name), "trust": self.trust}
        if self.role == "server":
            self.server = Server(context("server", self.peer, self.version)).start()
            return device_section(self.name, connect="127.0.0.1:%d" % self.server.number, server_name=NAME,
                                  start="always", retry_min="5m", retry_max="10m", **keys)
        return device_section(self.name, listen="127.0.0.1:%d" % self.listen, allow="dns:" + NAME, **keys)

    def dial(self):
        try:
            self.client = dial(self.listen, context("client", self.peer, self.version), "pump-12.ward.example")
            self.got = self.client.recv(100)
        except OSError:
            pass  # refused, as the log says

    def saw(self):
        """What of the device came to the peer."""
        return self.got if self.role == "client" else b"".join(link.bytes() for link in self.server.links)

    def is_decided(self, gateway):
        return bool(self.saw()) or any(True for _ in gateway.events("link-failed", self.name))


def red_lines(gateway, cases):
    for case in cases:
        passed = case.saw() == b"DEVICE"
        if passed != case.must_pass:
            yield "%s: %s" % (case.name, "let in" if passed else "refused")
        if not case.must_pass:
            causes = {event["cause"] for event in gateway.events("link-failed", case.name)}
            if not causes or not causes <= {"bad-certificate", "no-verdict"}:
                yield "%s: refused with %r" % (case.name, causes)


def body():
    for name, (kind, digest) in PEERS.items():
        make_peer(name, kind, digest)
    for digest in ("sha256", "sha1"):
        make_crl(digest)
    text = gateway_section(log_level="info")
    cases = []
    for name, lines, lets_in in TRUSTS:
        keys = {"anchors": pki("root.pem"), "revocation": "off", "tls_min": "1.2"}
        text += section("trust", name, dict(keys, **lines))
        cases += [Case(name, peer in lets_in, peer, role, version) for peer in PEERS
                  for role in ("server", "client") for version in (V12, V13)]
        # A CRL over SHA-1 counts where SHA-1 does.
        keys.update(revocation="hard", crl=os.path.abspath("root-sha1.crl"))
        text += section("trust", name + "-crl", dict(keys, **lines))
        cases += [Case(name + "-crl", "allow_sha1" in lines, "good", role, V13) for role in ("server", "client")]
    gateway = Gateway(text + "".join(case.section() for case in cases))
    status, said = run([WARDGATE, "check", "-c", gateway.conf])
    equal(status, 0, "check: " + said)
    equal(said.count("warning: trust "), 6, "warnings of `check`: " + said)
    gateway.start()
    for case in cases:
        if case.role == "client":
            case.dial()
    wait_for("every link is up or refused", lambda: all(case.is_decided(gateway) for case in cases), 30, 0.2)
    red = list(red_lines(gateway, cases))
    check(not red, "%d of %d cells are wrong:\n%s" % (len(red), len(cases), "\n".join(red)))
    shown = {trust["name"]: trust["weak_algorithms"] for trust in gateway.status()["trusts"]}
    equal(shown["strict"], None, "status of the strict trust")
    equal(shown["old"], "RSA-1024 and SHA-1", "status of the weakest trust")
    up = [e for e in gateway.events("link-state", "small-rsa1024-server-13") if e["state"] == "up"]
    equal(up[0]["weak_allowed"], "RSA-1024", "the log of its link")
    equal({e["trust"] for e in gateway.events("weak-algorithms")},
          {"small", "hashed", "old", "small-crl", "hashed-crl", "old-crl"}, "told at the start")
    for trust, exit_code in (("strict", 1), ("old", 0)):
        status, said = run([WARDGATE, "verify", "-c", gateway.conf, "--trust", trust, "--purpose", "server",
                            "both.pem"])
        equal(status, exit_code, "verify --trust %s: %s" % (trust, said))
    gateway.stop()


scenario(body)
