#!/usr/bin/python3
# timeout: 60
"""What a role in a client's certificate lets its owner do with a Modbus device: certificates by openssl in every form
that a role can have, rules register by register, a reload under open links. Each denied request gets exception 01,
and the unit on the line sees no frame of it."""
import base64
import os
import re
import ssl
import struct
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import tls
from device import Serial, Wire
from rtu import Master, Slave, register
from wg import (WARDGATE, Failure, Gateway, check, device_section, equal, gateway_section, pki, port, run, say,
                scenario, section, trust_section, wait_for)

OID = "1.3.6.1.4.1.50316.802.1"
GOOD = "ASN1:UTF8String:"
# Every form that is no role (facts of the profile: ), and how the log names it.
FORMS = {
    "none": (None, "no role extension"),
    "two": (GOOD + "Operator", "two role extensions"),  # a second one is put in below
    "printable": ("ASN1:PRINTABLESTRING:Operator", "the role is no UTF8String"),
    "empty": ("DER:0C00", "the role is empty"),
    "bare": ("DER:" + b"Operator".hex(), "the role extension holds no DER string"),
    "tail": ("DER:0C08" + b"Operator".hex() + "00", "bytes behind the role"),
    "nul": ("DER:0C0A" + b"Operator\0x".hex(), "a control character in the role"),
    "latin1": ("DER:0C02C328", "the role is not UTF-8"),
    "long": ("DER:0C820100" + "72" * 256, "the role is longer than 255 bytes"),
}
ROLES = {"operator": "Operator", "service": "BiomedService", "visitor": "Visitor", "list": "Operator,Service",
         "deputy": "BiomedService"}
LEASE_S = 2.0
READS = [b"\x03\0\0\0\1", b"\x06\0\x28\0\1", b"\x2b\x0e\1\0", b"\x41", b"\x03\0\0"]


def openssl(*words):
    status, told = run(["openssl", *words])
    if status != 0:
        raise Failure("openssl %s: %s" % (" ".join(words), told))


def make(name, role):
    """A client's certificate, signed by the hospital's CA, with the usual names and this role extension."""
    with open("ext", "w", encoding="ascii") as out:
        out.write("keyUsage = critical,digitalSignature\nextendedKeyUsage = clientAuth\n"
                  "subjectAltName = DNS:bms.hospital.example\nauthorityKeyIdentifier = keyid\n")
        if role:
            out.write("%s = %s\n" % (OID, role))
    openssl("x509", "-req", "-in", "client.csr", "-CA", pki("int.pem"), "-CAkey", pki("int.key"), "-sha256",
            "-set_serial", str(0x5000 + len(os.listdir("."))), "-days", "30", "-extfile", "ext",
            "-out", name + ".pem")


def take(data):
    """The first element: (its header's length, its whole length)."""
    head, length = 2, data[1]
    if length >= 0x80:
        head, length = 2 + (length & 0x7F), int.from_bytes(data[2:2 + (length & 0x7F)], "big")
    return head, head + length


def wrap(tag, content):
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + content


def double(name):
    """Put a second role extension into the certificate and sign it anew; openssl's tools would drop it."""
    with open(name + ".pem", encoding="ascii") as text:
        der = ssl.PEM_cert_to_DER_cert(text.read())
    inside = der[take(der)[0]:]
    head, end = take(inside)
    fields, tail = inside[head:end], inside[end:]
    algorithm = tail[:take(tail)[1]]
    at = 0
    while fields[at] != 0xA3:
        at += take(fields[at:])[1]
    extensions = fields[at:]
    extensions = extensions[take(extensions)[0]:]
    extensions = extensions[take(extensions)[0]:]
    oid = bytes.fromhex("060B2B0601040183890C862201")
    second = wrap(0x30, oid + wrap(4, wrap(0x0C, b"Service")))
    tbs = wrap(0x30, fields[:at] + wrap(0xA3, wrap(0x30, extensions + second)))
    with open("tbs", "wb") as out:
        out.write(tbs)
    openssl("dgst", "-sha256", "-sign", pki("int.key"), "-out", "tbs.sig", "tbs")
    with open("tbs.sig", "rb") as made:
        whole = wrap(0x30, tbs + algorithm + wrap(3, b"\0" + made.read()))
    with open(name + ".pem", "w", encoding="ascii") as out:
        out.write("-----BEGIN CERTIFICATE-----\n%s-----END CERTIFICATE-----\n"
                  % base64.encodebytes(whole).decode())


def make_all():
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
            "client.key", "-subj", "/CN=monitoring", "-out", "client.csr")
    for name, (role, _) in FORMS.items():
        make(name, role)
    double("two")
    for name, role in ROLES.items():
        make(name, GOOD + role.replace(",", "\\,") if "," in role else GOOD + role)


class Ward:
    def __init__(self):
        os.makedirs("crls")  # soft, and nothing known: the chain itself is judged
        self.wire = Wire().plug()
        self.number = port()
        self.gateway = Gateway(self.text("read = all"))
        self.gateway.start()
        self.slave = Slave(Serial(self.wire.far), {1})
        self.gateway.wait_device("pump-12", "port open", lambda d: d["port_open"])

    def text(self, operator):
        return (gateway_section() + trust_section(revocation="soft", crl="crls")
                + device_section("pump-12", port="serial:" + self.wire.near, line="115200 8E1",
                                 protocol="modbus-rtu", unit_map="1", listen="127.0.0.1:%d" % self.number,
                                 writes="allow", max_links=32, write_lease="%ds" % LEASE_S)
                + "[role Operator]\n%s\n\n" % operator
                + section("role", "Service", {
                    "match": "role:BiomedService",
                    "device.pump-12.read": "holding 0-99",
                    "device.pump-12.write": "holding 40-41 value 0-1200, coils 3"})
                + section("role", "Named", {"match": "uri:urn:hospital:bms", "read": "holding 7"})
                + section("role", "Never", {"match": "role:Visitor", "read": "all", "when": "mon 00:00-00:00"}))

    def dial(self, name):
        context = tls.client_context(None, tls.V13, tls.V13)
        if name == "bms":
            context.load_cert_chain(pki("bms.pem"), pki("bms.key"))
        else:
            with open(name + "-chain.pem", "w", encoding="ascii") as out:
                for part in (name + ".pem", pki("int.pem")):
                    with open(part, encoding="ascii") as text:
                        out.write(text.read())
            context.load_cert_chain(name + "-chain.pem", "client.key")
        return Master(tls.dial(self.number, context))

    def denied(self, master, pdu, code=1):
        """The master gets this exception, and the unit is asked nothing."""
        before = len(self.slave.asked)
        equal(master.ask(1, pdu), bytes([pdu[0] | 0x80, code]), "the answer to %s" % pdu.hex())
        equal(len(self.slave.asked), before, "frames on the line for %s" % pdu.hex())


def forms(ward):
    """R-21, R-22, R-23, R-65, R-31: only one UTF8String is a role; else the link is up, and each request gets 01."""
    for name, (_, words) in FORMS.items():
        master = ward.dial(name)
        for pdu in READS:
            ward.denied(master, pdu)
        told = ward.gateway.wait_event("request-denied", "pump-12", peer_role_fault=words)
        check(told[0].get("peer_serial") and told[0]["why"].startswith("the peer has no role"), "%r" % told[0])
        check("roles" not in told[0] and "rule" not in told[0], "%r" % told[0])
        master.sock.close()
    master = ward.dial("operator")
    equal(master.read(1, 0, 2), [register(1, 0), register(1, 1)], "what the one good form reads")
    master.sock.close()
    for name in ("visitor", "list"):
        master = ward.dial(name)
        ward.denied(master, READS[0])
        ward.gateway.wait_event("request-denied", "pump-12", peer_role=ROLES[name])
        master.sock.close()


def rules(ward):
    """R-31: every register of each request, its value, its function; what no rule names is denied."""
    service, operator, named = ward.dial("service"), ward.dial("operator"), ward.dial("bms")
    equal(service.read(1, 0, 100), [register(1, i) for i in range(100)], "what the service reads")
    equal(service.write(1, 40, 1200), 0, "a write that is allowed")
    equal(service.ask(1, b"\x05\0\x03\xff\0"), b"\x05\0\x03\xff\0", "a coil that is allowed")
    for pdu in (struct.pack(">BHH", 3, 99, 2), struct.pack(">BHH", 3, 0xFFFF, 1), struct.pack(">BHH", 6, 40, 1201),
                struct.pack(">BHH", 6, 42, 0), struct.pack(">BHHBHH", 16, 40, 2, 4, 1, 1201),
                struct.pack(">BHHBHHH", 16, 40, 3, 6, 1, 1, 1), struct.pack(">BHHH", 22, 40, 0, 1),
                struct.pack(">BHHHHBH", 23, 99, 2, 40, 1, 2, 1), struct.pack(">BHHHHBH", 23, 0, 2, 42, 1, 2, 1),
                b"\x01\0\0\0\1", b"\x04\0\0\0\1", b"\x05\0\x04\xff\0", b"\x0f\0\x03\0\2\1\3", b"\x08\0\1\0\0",
                b"\x14\7\6\0\1\0\1\0\1", b"\x15\x09\6\0\1\0\1\0\1\xab\xcd", b"\x2b\x0e\1\0", b"\x11", b"\x64\1"):
        ward.denied(service, pdu)
    for pdu in (struct.pack(">BHH", 6, 40, 1), b"\x05\0\x03\xff\0", b"\x08\0\0\xa5\x37"):
        ward.denied(operator, pdu)
    equal(named.read(1, 7), [register(1, 7)], "what a peer may read by its name")
    ward.denied(named, struct.pack(">BHH", 3, 8, 1))
    told = ward.gateway.wait_event("request-denied", "pump-12", roles="Service", range="write holding 40")
    check(re.search(r"gateway\.conf:\d+$", told[0]["rule"]), "%r" % told[0])
    check("1201" not in " ".join(" ".join(e.values()) for e in ward.gateway.events("request-denied")), "a value is told")
    check(len(ward.gateway.events("request-denied")) < 80, "the log is flooded")
    for master in (service, operator, named):
        master.sock.close()
    ward.gateway.wait_event("requests-denied", "pump-12")


def shown(ward):
    """status tells each master with its role and what it was denied, for programs and for people."""
    service, stranger, named = ward.dial("service"), ward.dial("list"), ward.dial("bms")
    equal(service.read(1, 0), [register(1, 0)], "a register")
    ward.denied(service, struct.pack(">BHH", 6, 42, 0))
    ward.denied(stranger, READS[0])
    equal(named.read(1, 7), [register(1, 7)], "a register")
    device = ward.gateway.wait_device("pump-12", "three links", lambda d: d["link_total"] == 3)
    told = {link["roles"]: [link[key] for key in ("role", "role_fault", "requests", "denied", "failed")]
            for link in device["links"]}
    equal(told, {"Service": ["BiomedService", "", 2, 1, 0], "": ["Operator,Service", "", 1, 1, 0],
                 "Named": ["", "no role extension", 1, 0, 0]}, "the masters in status")
    equal(device["side"], "unit", "the device's side")
    equal(device["requests"]["sent"], len(ward.slave.asked), "requests on the line")
    equal(device["requests"]["answered"], device["requests"]["sent"], "answers")
    _, table = ward.gateway.command("status")
    for words in ("role Service: 2 requests, 1 denied, 0 failed",
                  "no role here (its certificate says Operator,Service): 1 request, 1 denied"):
        check(words in re.sub(r"\s+", " ", table), "%r is not in %s" % (words, table))
    for master in (service, stranger, named):
        master.sock.close()


def leases(ward):
    """Who writes first writes alone for a while, on all links of its certificate; the role is not what counts."""
    first, again, deputy = ward.dial("service"), ward.dial("service"), ward.dial("deputy")

    def busy(master, link):
        """06 for this one while the other's lease lives; whether that was seen before its end."""
        began = time.monotonic()
        equal(link.write(1, 40, 1), 0, "a write of who may write")
        frames = len(ward.slave.asked)
        answer = master.ask(1, struct.pack(">BHH", 6, 41, 2))
        if time.monotonic() - began >= LEASE_S:
            # The machine was busy: begin anew when nobody has it.
            ward.gateway.wait_device("pump-12", "no lease", lambda d: d["write_lease"] is None)
            return False
        equal(answer, b"\x86\x06", "the answer to a second writer")
        equal(len(ward.slave.asked), frames, "frames of a second writer")
        return True

    wait_for("a second writer is refused", lambda: busy(deputy, first))
    equal(deputy.read(1, 40), [register(1, 40)], "what a second writer reads")
    ward.gateway.wait_event("write-unsent", "pump-12", exception="6")
    wait_for("another link of the first certificate has its lease, too", lambda: busy(deputy, again))
    equal(first.write(1, 40, 3), 0, "a write on the first link behind one on the second")
    ward.gateway.wait_device("pump-12", "the end of the lease", lambda d: d["write_lease"] is None)
    wait_for("the second writer has the lease", lambda: busy(first, deputy))
    ward.gateway.wait_device("pump-12", "the end of the lease", lambda d: d["write_lease"] is None)
    for master in (first, again, deputy):
        master.sock.close()


def reload(ward):
    """Other rules are in force for a link that is up, and it is not cut; wrong ones change nothing."""
    master = ward.dial("operator")
    equal(master.read(1, 50), [register(1, 50)], "a register before the reload")
    ward.gateway.write(ward.text("read = holding 5"))
    equal(ward.gateway.command("reload")[0], 0, "`wardgate reload`")
    ward.denied(master, struct.pack(">BHH", 3, 50, 1))
    equal(master.read(1, 5), [register(1, 5)], "the register that is left")
    ward.gateway.write(ward.text("read = holding 9-0"))
    status, told = ward.gateway.command("reload")
    equal(status, 78, "`wardgate reload` with a wrong rule")
    check("read = holding 9-0 has no proper range; right: " in told, told)
    equal(master.read(1, 5), [register(1, 5)], "the last good rules")
    ward.denied(master, struct.pack(">BHH", 3, 50, 1))
    equal(ward.gateway.command("check")[0], 78, "`wardgate check`")
    check(not ward.gateway.events("device-changed"), "a changed role restarted the device")
    master.sock.close()


def explained(ward):
    """explain says what the gateway does."""
    ward.gateway.write(ward.text("read = all"))
    for role, pdu, code, words in (
            ("Service", "06 0028 04B0", 0, "device.pump-12.write = holding 40-41 value 0-1200"),
            ("Service", "06 0028 04B1", 1, "a value is outside of the rule's range"),
            ("Operator", "03 0000 0001", 0, "read = all"), ("Operator", "06 0028 0001", 1, "no rule allows it"),
            ("-", "03 0000 0001", 1, "the peer has no role"), ("Never", "03 0000 0001", 1, "not hold at this time")):
        status, told = run([WARDGATE, "modbus", "explain", "-c", ward.gateway.conf, role, "pump-12", pdu])
        equal(status, code, "explain %s %s: %s" % (role, pdu, told))
        check(words in told, told)
    status, told = ward.gateway.command("check")
    equal(status, 0, "`wardgate check`")
    check("warning: " in told and "mon 00:00-00:00 can never match" in told, told)


def body():
    make_all()
    ward = Ward()
    for fact in (forms, rules, shown, leases, reload, explained):
        say(fact.__name__)
        fact(ward)
    equal(ward.slave.noise, 0, "frames that were no requests")
    ward.gateway.stop()


scenario(body)
