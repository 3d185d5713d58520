"""The laboratory of the revocation scenarios: CAs that are right, CAs that pretend, and their leaves.

    root      the anchor (Laboratory Root)
    ward      its intermediate, which issues the peers (Ward CA)
    twin      another intermediate of the root with the very name of `ward`, and another key
    fake      a root that nobody trusts, with the name of `ward`
    lost      an intermediate that the root has revoked in `root-lost.crl`
    limited   an intermediate that may only name addresses of 10.0.0.0/8
    other     an unrelated root
    devices   the root of the devices' own certificates, unless a scenario has them by `ward`
"""
from ca import CRL_EXT, Authority, Openssl
from responder import OCSP_EXT, responder_cert, v1_cert

NAME = "DNS:peer.example"
SERIAL, MUST_SERIAL = 0x2001, 0x3001
DAY = 86400


class Lab(Openssl):
    def __init__(self, folder="lab"):
        super().__init__(folder)
        base = "/O=Ward Laboratory/CN="
        self.root = Authority(self, "root", base + "Laboratory Root")
        self.ward = Authority(self, "ward", base + "Ward CA", self.root)
        self.devices = Authority(self, "devices", base + "Device Root")
        self.devices.leaf("device", "URI:urn:ward:device")

    def add_deceivers(self):
        base = "/O=Ward Laboratory/CN="
        self.twin = Authority(self, "twin", self.ward.subject, self.root)
        self.fake = Authority(self, "fake", self.ward.subject)
        self.lost = Authority(self, "lost", base + "Lost CA", self.root)
        self.limited = Authority(self, "limited", base + "Limited CA", self.root,
                                 "nameConstraints = critical,permitted;IP:10.0.0.0/255.0.0.0\n")
        self.other = Authority(self, "other", base + "Other Root")

    def add_leaves(self):
        """`peer` is the one that rows are about; `longer` and `shorter` have serial numbers that begin
        like its own."""
        self.ward.leaf("peer", NAME, serial=SERIAL)
        self.ward.leaf("longer", NAME, serial=SERIAL << 8 | 2)
        self.ward.leaf("shorter", NAME, serial=SERIAL >> 8)
        self.ward.leaf("expired", NAME, start=-9 * DAY, end=-DAY)
        self.ward.leaf("notyet", NAME, start=DAY)
        self.ward.leaf("noeku", NAME, eku=None)
        self.ward.leaf("mail", NAME, eku="emailProtection")
        self.ward.leaf("must", NAME, more="tlsfeature = status_request\n", serial=MUST_SERIAL)
        self.lost.leaf("of-lost", NAME)
        self.limited.leaf("outside", NAME + ",IP:127.0.0.1")

    def add_signers(self):
        responder_cert(self.ward, "signer")
        responder_cert(self.other, "other-signer")
        responder_cert(self.ward, "late-signer", start=-9 * DAY, end=-DAY)
        responder_cert(self.ward, "idle-signer", OCSP_EXT.replace("OCSPSigning", "clientAuth"))
        v1_cert(self, "v1-signer", self.ward, self.fake)
        # Who signs the ward's CRLs in its name: one that it issued itself, and one of the root's.
        self.ward.issue("crl-signer", self.ward.subject, CRL_EXT, key="crl-signer")
        self.root.issue("root-crl-signer", self.ward.subject, CRL_EXT, key="root-crl-signer")

    def broken(self, out, name):
        """A CRL with a bit of its signature turned round."""
        lines = self.read(name + ".crl").splitlines()
        last = lines[-2]
        at = len(last.rstrip("=")) // 2
        turned = "A" if last[at] != "A" else "B"
        lines[-2] = last[:at] + turned + last[at + 1:]
        self.write(out + ".crl", "\n".join(lines) + "\n")
        return self.path(out + ".crl")
