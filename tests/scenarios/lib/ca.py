"""Certification authorities by `openssl ca`: certificates, revocations and CRLs of every kind.

All leaves share one key, so that a certificate costs one signature; files lie in the folder that the
laboratory was given. Names are file names without their ending.
"""
import os
import shutil
import ssl
import time

from wg import Failure, run

CNF = """[req]
distinguished_name = dn
[dn]
[ca]
default_ca = any_ca
[any_ca]
database = $ENV::CA/index.txt
serial = $ENV::CA/serial
crlnumber = $ENV::CA/crlnumber
new_certs_dir = $ENV::CA/new
unique_subject = no
email_in_dn = no
default_md = sha256
default_days = 30
default_crl_days = 7
policy = any_policy
[any_policy]
organizationName = optional
organizationalUnitName = optional
commonName = optional
[full]
authorityKeyIdentifier = keyid
[only_ca]
authorityKeyIdentifier = keyid
issuingDistributionPoint = critical,@idp
[idp]
onlyCA = TRUE
[unknown_critical]
authorityKeyIdentifier = keyid
1.2.3.4.5 = critical,ASN1:UTF8String:nobody knows
"""
DELTA = """[delta_%d]
authorityKeyIdentifier = keyid
2.5.29.27 = critical,ASN1:INTEGER:%d
"""
CA_EXT = """basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""
CRL_EXT = """basicConstraints = critical,CA:FALSE
keyUsage = critical,cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""
LEAF_EXT = """basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""
DAY = 86400


def when(seconds):
    """A time relative to now, as openssl wants it."""
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + seconds))


class Openssl:
    """The folder of one laboratory."""

    def __init__(self, folder):
        self.folder = os.path.abspath(folder)
        os.makedirs(self.folder, exist_ok=True)
        self.write("ca.cnf", CNF)
        self.deltas = set()

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="ascii") as out:
            out.write(text)

    def read(self, name):
        with open(self.path(name), encoding="ascii") as text:
            return text.read()

    def bytes(self, name):
        with open(self.path(name), "rb") as data:
            return data.read()

    def run(self, *args, ca=None, wrap=()):
        env = dict(os.environ, CA=self.path(ca) if ca else self.folder)
        status, told = run([*wrap, "openssl", *args], cwd=self.folder, env=env)
        if status != 0:
            raise Failure("openssl %s: %s" % (" ".join(str(a) for a in args), told))
        return told

    def key(self, name):
        """NAME.key and NAME.csr, once."""
        if not os.path.exists(self.path(name + ".key")):
            self.run("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out",
                     name + ".key")
            self.run("req", "-new", "-config", "ca.cnf", "-key", name + ".key", "-subj", "/CN=x",
                     "-out", name + ".csr")
        return name

    def delta_section(self, base):
        if base not in self.deltas:
            self.deltas.add(base)
            self.write("ca.cnf", self.read("ca.cnf") + DELTA % (base, base))
        return "delta_%d" % base


class Authority:
    """One CA: NAME.pem, NAME.key and its books in the folder NAME.ca. parent None: a root."""

    def __init__(self, lab, name, subject, parent=None, more=""):
        self.lab, self.name, self.subject, self.parent = lab, name, subject, parent
        self.books = name + ".ca"
        os.makedirs(os.path.join(lab.path(self.books), "new"))
        lab.write(self.books + "/index.txt", "")
        lab.write(self.books + "/crlnumber", "01")
        self.next_serial = 0x1000
        lab.key(name)
        if parent is None:
            self._sign(name, name, subject, CA_EXT + more, ["-selfsign"], -DAY, 300 * DAY)
        else:
            parent.issue(name, subject, CA_EXT + more, key=name)

    def _sign(self, out, key, subject, extensions, how, start, end, serial=None):
        if serial is None:
            serial, self.next_serial = self.next_serial, self.next_serial + 1
        digits = "%x" % serial
        self.lab.write(self.books + "/serial", digits.zfill(len(digits) + len(digits) % 2) + "\n")
        self.lab.write("ext", extensions)
        self.lab.run("ca", "-batch", "-notext", "-config", "ca.cnf", "-keyfile", self.name + ".key",
                     "-in", key + ".csr", "-extfile", "ext", "-subj", subject, "-startdate",
                     when(start), "-enddate", when(end), "-out", out + ".pem", *how, ca=self.books)

    def issue(self, out, subject, extensions, key="leaf", start=-DAY, end=200 * DAY, serial=None):
        """Any certificate; OUT.key is a copy of the key that it is for."""
        self.lab.key(key)
        self._sign(out, key, subject, extensions, ["-cert", self.name + ".pem"], start, end, serial)
        if out != key:
            shutil.copy(self.lab.path(key + ".key"), self.lab.path(out + ".key"))

    def leaf(self, out, names, eku="clientAuth,serverAuth", more="", **how):
        """An end; names: a subjectAltName. OUT.chain.pem has the CAs below the root too."""
        usage = "extendedKeyUsage = %s\n" % eku if eku else ""
        self.issue(out, "/O=Ward Laboratory/CN=%s (%s)" % (out, self.name),
                   LEAF_EXT + usage + "subjectAltName = %s\n" % names + more, **how)
        chain, at = self.lab.read(out + ".pem"), self
        while at.parent is not None:
            chain += self.lab.read(at.name + ".pem")
            at = at.parent
        self.lab.write(out + ".chain.pem", chain)
        return out

    def fork(self, books):
        """The same CA with books of its own from here on: another world in which it revoked others."""
        twin = object.__new__(Authority)
        twin.__dict__.update(self.__dict__, books=books + ".ca")
        shutil.copytree(self.lab.path(self.books), self.lab.path(twin.books))
        return twin

    def revoke(self, name, reason=None):
        self.lab.run("ca", "-config", "ca.cnf", "-keyfile", self.name + ".key", "-cert",
                     self.name + ".pem", "-revoke", name + ".pem",
                     *(["-crl_reason", reason] if reason else []), ca=self.books)
        return self

    def crl(self, out, number=1, last=-3600, following=2 * DAY, kind="full", base=None, by=None):
        """OUT.crl (PEM) from the books; kind: a section of ca.cnf; base: a delta on that crlNumber; by: the
        certificate that signs it in place of the CA. The path of it."""
        by = by or self.name
        digits = "%x" % number
        self.lab.write(self.books + "/crlnumber", digits.zfill(len(digits) + len(digits) % 2))
        kind = self.lab.delta_section(base) if base is not None else kind
        self.lab.run("ca", "-gencrl", "-config", "ca.cnf", "-keyfile", by + ".key", "-cert",
                     by + ".pem", "-crlexts", kind, "-crl_lastupdate", when(last),
                     "-crl_nextupdate", when(following), "-out", out + ".crl", ca=self.books)
        return self.lab.path(out + ".crl")

    def index(self):
        return self.lab.path(self.books + "/index.txt")


def der(pem):
    """The first object of a PEM file as DER; the header line does not matter."""
    with open(pem, encoding="ascii") as text:
        body = text.read().split("-----")[2]
    return ssl.PEM_cert_to_DER_cert("-----BEGIN CERTIFICATE-----\n%s\n-----END CERTIFICATE-----\n"
                                    % body.strip())
