#!/usr/bin/python3
# timeout: 60
"""Modbus/TCP Security (mbaps) from outside: openssl, GnuTLS and Python look at what the profile's requirements
say of TLS, in both versions, with EC and RSA certificates. wardgate-mbaps(7) names these facts by their function."""
import os
import re
import ssl
import struct
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import tls
from device import Serial, Wire
from relay import DATA, HANDSHAKE, Relay
from rtu import Master, Slave, register
from tools import gnutls_cli, s_client, s_server
from wg import (Failure, Gateway, check, device_section, equal, gateway_section, pki, port, say, scenario,
                trust_section, wait_for)

VERSIONS = {"1.2": tls.V12, "1.3": tls.V13}
# What a record adds to its plain text: nonce and tag; type and tag.
MORE = {"1.2": 24, "1.3": 17}
SHORT = 512
NAMES = {"": "pump-12", "-rsa": "monitor-7"}  # which device shows which kind of key


def request(transaction, address, count):
    return struct.pack(">HHHBBHH", transaction, 0, 6, 1, 3, address, count)


def answer(transaction, address, count):
    return struct.pack(">HHHBBB%dH" % count, transaction, 0, 3 + 2 * count, 1, 3, 2 * count,
                       *[register(1, address + i) for i in range(count)])


ASK, TOLD = request(1, 0, 1), answer(1, 0, 1)


class Ward:
    """The gateway with a device of each kind of key on one line, each behind a relay that keeps the records."""

    def __init__(self):
        wire = Wire().plug()
        text = gateway_section() + trust_section(tls_min="1.2")
        self.ports = {"": port(), "-rsa": port()}
        self.servers = {version: s_server("hl7", version, more=["-quiet"]) for version in VERSIONS}
        self.out = {version: Relay(server.number) for version, server in self.servers.items()}
        for key, unit in (("", "1"), ("-rsa", "9>2")):
            text += device_section(NAMES[key], cert=NAMES[key] + key, port="serial:" + wire.near,
                                   line="115200 8E1", protocol="modbus-rtu", unit_map=unit,
                                   listen="127.0.0.1:%d" % self.ports[key])
        for unit, version in ((3, "1.2"), (4, "1.3")):
            text += device_section("out-" + version, cert="analyser-3", port="serial:" + wire.near,
                                   line="115200 8E1", protocol="modbus-rtu", unit_map=str(unit),
                                   server_name="hl7.hospital.example",
                                   connect="127.0.0.1:%d" % self.out[version].number)
        self.gateway = Gateway(text).start()
        self.slave = Slave(Serial(wire.far), {1, 2, 3, 4})
        for name in ("pump-12", "monitor-7"):
            self.gateway.wait_device(name, "port open", lambda d: d["port_open"])
        self.relays = {key: Relay(number) for key, number in self.ports.items()}

    def ask_by(self, start, version, key="", **more):
        """One tool links to the device of that key and reads a register; the tool and the passage."""
        relay = self.relays[key]
        before = len(relay.passages)
        tool = start(relay.number, cert="bms" + key, version=version,
                     name=NAMES[key] + ".ward.example", **more)
        unit = 9 if key else 1
        tool.give(ASK[:6] + bytes([unit]) + ASK[7:])
        want = struct.pack(">HHHBBBH", 1, 0, 5, unit, 3, 2, register(2 if key else 1, 0))
        wait_for("the answer to %s TLS %s%s" % (start.__name__, version, key), lambda: want in tool.bytes())
        return tool, relay.passages[before]

    def refused(self, start, version, alert, **more):
        """One tool that must get this alert and nothing else; the unit is asked nothing."""
        asked = len(self.slave.asked)
        tool = start(self.ports[""], version=version, **more)
        try:
            tool.give(ASK)  # and no end of its input: that would race with the alert
        except OSError:
            pass
        tool.wait_end()
        told = tool.text()
        check(re.search(alert, told), "%s TLS %s %r: no alert /%s/ in %s"
              % (start.__name__, version, more, alert, told[-600:]))
        check(TOLD not in tool.bytes(), "a refused peer got an answer")
        equal(len(self.slave.asked), asked, "requests on the line of refused peers")


def records_of(passage, version, from_near):
    """Lengths of plain text in the records of one direction that are encrypted, and those that are not."""
    return [length - (MORE[version] if kind == DATA else 0)
            for kind, length in passage.records(from_near) if kind in (HANDSHAKE, DATA)]


def adus_and_records(ward):
    """R-05: whatever the records of a master, each answer is one record with one whole ADU."""
    for version in VERSIONS:
        relay = ward.relays[""]
        master = Master(tls.dial(relay.number, tls.client_context("bms", VERSIONS[version], VERSIONS[version])))
        master.sock.settimeout(10)

        def expect(*numbers):
            for n in numbers:
                got = master.sock.recv(1 << 14)  # Python's ssl gives one record at most
                equal(got, answer(n, n, 2), "answer %d in TLS %s" % (n, version))

        one = [request(n, n, 2) for n in range(8)]
        master.sock.sendall(one[1][:5])
        master.sock.sendall(one[1][5:])
        expect(1)
        for byte in one[2]:
            master.sock.sendall(bytes([byte]))
        expect(2)
        master.sock.sendall(one[3] + one[4] + one[5][:6])
        expect(3, 4)
        master.sock.sendall(one[5][6:] + one[6])
        expect(5, 6)
        wire = [length for kind, length in relay.last().records(False) if kind == DATA]
        equal(wire[-6:], [len(answer(1, 1, 2)) + MORE[version]] * 6, "lengths of the answers' records")
        longest = master.read(1, 0, 125)
        equal(longest, [register(1, i) for i in range(125)], "the longest answer")
        master.sock.close()


def short_fragments(ward):
    """R-57, R-58: 512 bytes are agreed on and kept."""
    for version in VERSIONS:
        for key in NAMES:
            tool, passage = ward.ask_by(s_client, version, key, more=["-maxfraglen", "512", "-tlsextdebug"])
            check('server extension "max fragment length"' in tool.text(), "the wish was not granted")
            lengths = records_of(passage, version, False)
            check(max(lengths) <= SHORT, "TLS %s%s: records of %r" % (version, key, lengths))
            check(SHORT in lengths, "the chain fits in one record, so this shows nothing: %r" % lengths)
            tool.end()
        tool, passage = ward.ask_by(gnutls_cli, version, more=["--recordsize", "512"])
        check(max(records_of(passage, version, False)) <= SHORT, "records to GnuTLS")
        tool.end()
        tool, passage = ward.ask_by(s_client, version)
        check(max(records_of(passage, version, False)) > SHORT, "short records that nobody asked for")
        tool.end()


def as_client(ward):
    """R-05, R-46, R-57, R-58 where the gateway dials: the chain; records of at most 512 bytes, which it asks for and
    openssl grants (also for its tickets behind the handshake); one answer in one record."""
    for unit, version in ((3, "1.2"), (4, "1.3")):
        server, passage = ward.servers[version], ward.out[version].last
        ward.gateway.wait_state("out-" + version, "up")
        server.wait_text("Hospital Device CA")
        server.give(struct.pack(">HHHBBHH", 1, 0, 6, unit, 3, 0, 125))
        wait_for("a long answer in TLS " + version,
                 lambda p=passage, v=version: p().records(True)[-1] == (DATA, 9 + 250 + MORE[v]))
        for from_near in (True, False):
            # Under the agreement is what comes behind the first hello of each end.
            lengths = records_of(passage(), version, from_near)[1:]
            check(max(lengths) <= SHORT, "TLS %s: records of %r" % (version, lengths))
        check(SHORT in records_of(passage(), version, True), "our chain fits in one record: this shows nothing")
        equal(len(ward.out[version].passages), 1, "links: it came up at once and stayed")


def no_certificate(ward):
    """R-02, R-06, R-07, R-10, R-41, R-44: a client without a certificate gets a fatal alert."""
    ward.refused(s_client, "1.2", r"alert number 42\b", cert=None)
    ward.refused(s_client, "1.3", r"alert number 116\b", cert=None)
    ward.refused(gnutls_cli, "1.2", r"alert \[42\]", cert=None)
    ward.refused(gnutls_cli, "1.3", r"alert \[116\]", cert=None)
    for version in VERSIONS.values():
        try:
            link = tls.dial(ward.ports[""], tls.client_context(None, version, version))
            link.sendall(ASK)
            check(link.recv(100) == b"", "Python got data without a certificate")
            raise Failure("Python without a certificate met no alert")
        except ssl.SSLError as error:
            check("ALERT" in error.reason, "Python without a certificate: %s" % error)


def whole_chain(ward):
    """R-46: every certificate below the root."""
    for version in VERSIONS:
        for key in NAMES:
            tool, _ = ward.ask_by(s_client, version, key, more=["-showcerts"])
            told = tool.text()
            with open(pki(NAMES[key] + key + ".pem"), encoding="ascii") as chain:
                want = re.findall(r"-----BEGIN.*?-----END", chain.read(), re.S)
            equal(re.findall(r"-----BEGIN.*?-----END", told, re.S), want, "the chain that was sent")
            check("Verify return code: 0 (ok)" in told or "Verification: OK" in told, "openssl's verdict")
            tool.end()


def suites(ward):
    """R-14, R-61, R-62: the mandatory suites; R-50, R-51, R-67: no NULL, no SHA-1; R-59: no compression."""
    for key, suite in (("", "ECDHE-ECDSA-AES128-GCM-SHA256"), ("-rsa", "ECDHE-RSA-AES128-GCM-SHA256")):
        tool, _ = ward.ask_by(s_client, "1.2", key, more=["-cipher", suite, "-groups", "P-256", "-comp"])
        told = tool.text()
        check("New, TLSv1.2, Cipher is " + suite in told, "not %s" % suite)
        check("Server Temp Key: ECDH, prime256v1" in told, "not P-256")
        # R-60, and RFC 7627: the session is bound to its handshake.
        check("Secure Renegotiation IS supported" in told, "no renegotiation_info")
        check("Extended master secret: yes" in told, "no extended master secret")
        check("Compression: NONE" in told, "compression")
        tool.end()
    for weak in ("NULL-SHA256", "ECDHE-ECDSA-NULL-SHA", "ECDHE-ECDSA-AES128-SHA", "AES128-SHA256"):
        ward.refused(s_client, "1.2", r"alert number 40\b", more=["-cipher", weak + "@SECLEVEL=0"])
    tool, _ = ward.ask_by(gnutls_cli, "1.2")
    check("extended master secret, safe renegotiation" in tool.text(), "what GnuTLS says of the session")
    tool.end()


def versions(ward):
    """R-01, R-32, R-34, R-35: TLS 1.2 or newer, and a 1.2 that was forced upon us can be seen."""
    ward.refused(s_client, "1.1", r"alert number 70\b", more=["-cipher", "DEFAULT@SECLEVEL=0"])
    tool, passage = ward.ask_by(s_client, "1.2")
    tool.end()
    hello = passage.stream(False)
    # RFC 8446 4.1.3: the last eight bytes of the random, behind both headers and the version
    equal(hello[11 + 24:11 + 32], b"DOWNGRD\x01", "the sign against a downgrade")


def no_second_handshake(ward):
    """R-11, R-42, R-43: nothing is resumed and no ticket is given; R-60: nothing is renegotiated."""
    for version in VERSIONS:
        tool = s_client(ward.ports[""], version=version, more=["-reconnect", "-sess_out", "kept-" + version])
        wait_for("six links", lambda: len(re.findall("^(New|Reused), ", tool.text(), re.M)) >= 6)
        equal(set(re.findall("^(New|Reused), ", tool.text(), re.M)), {"New"}, "links in TLS " + version)
        tool.end()
        check("TLS session ticket:" not in tool.text(), "a ticket")
        context = tls.client_context("bms", VERSIONS[version], VERSIONS[version])
        master = Master(tls.dial(ward.ports[""], context))
        equal(master.read(1, 5), [register(1, 5)], "a register")
        check(not master.sock.session.has_ticket, "a ticket")
        if version == "1.2":
            equal(master.sock.session.id, b"", "the id of a session that could be resumed")
        master.sock.close()
    check(not os.path.exists("kept-1.3"), "openssl was given a session")
    tool, passage = ward.ask_by(s_client, "1.2")
    tool.give(b"R\n")
    tool.wait_text("RENEGOTIATING")
    tool.wait_end()
    check("read R BLOCK" not in tool.text(), "the renegotiation went on")
    check(all(kind != HANDSHAKE for kind, _ in passage.records(False)[8:]), "an answer to a second hello")


def body():
    ward = Ward()
    red = []
    facts = (adus_and_records, short_fragments, as_client, no_certificate, whole_chain, suites,
             versions, no_second_handshake)
    for fact in facts:
        try:
            fact(ward)
        except (Failure, OSError) as failure:
            red.append("%s: %s" % (fact.__name__, failure))
            say("RED " + red[-1])
    check(not red, "%d of %d facts do not hold" % (len(red), len(facts)))
    ward.gateway.stop()


scenario(body)
