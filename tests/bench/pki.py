"""The bench's certificates: one root with its CRL, a server, a device, and any number of further devices."""
import datetime
import ipaddress
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

REVOKED = 1000  # entries of the CRL: revocation is looked up, not just empty


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Bench"),
                      x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Pki:
    """Files in a folder, all of one root, which is new each time: what an earlier run left is of another one."""

    def __init__(self, folder):
        self.folder = os.path.abspath(folder)
        self.now = datetime.datetime.utcnow()
        self.leaves = set()
        self.root_key = ec.generate_private_key(ec.SECP256R1())
        self.root = name("Bench root")
        os.makedirs(self.folder, exist_ok=True)
        self.write("root.pem", self.sign("Bench root", self.root_key, ca=True))
        self.leaf("server")
        self.leaf("device")
        self.crl()

    def path(self, file):
        return os.path.join(self.folder, file)

    def write(self, file, thing):
        path = self.path(file)
        data = thing if isinstance(thing, bytes) else thing.public_bytes(serialization.Encoding.PEM)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            out.write(data)
        return path

    def sign(self, text, key, ca=False):
        day = datetime.timedelta(days=1)
        usage = dict.fromkeys(("digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
                               "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"), False)
        usage.update({"key_cert_sign": True, "crl_sign": True} if ca else {"digital_signature": True})
        made = (x509.CertificateBuilder().subject_name(name(text)).issuer_name(self.root)
                .public_key(key.public_key()).serial_number(x509.random_serial_number())
                .not_valid_before(self.now - day).not_valid_after(self.now + 30 * day)
                .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
                .add_extension(x509.KeyUsage(**usage), critical=True)
                .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
                .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.root_key.public_key()),
                               critical=False))
        if not ca:
            made = made.add_extension(x509.SubjectAlternativeName(
                [x509.DNSName(text + ".bench.example"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
                critical=False).add_extension(x509.ExtendedKeyUsage(
                    [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        return made.sign(self.root_key, hashes.SHA256())

    def leaf(self, text):
        if text in self.leaves:
            return
        self.leaves.add(text)
        """TEXT.pem, TEXT.key, and TEXT.both for those who want one file."""
        key = ec.generate_private_key(ec.SECP256R1())
        secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                   serialization.NoEncryption())
        public = self.sign(text, key).public_bytes(serialization.Encoding.PEM)
        self.write(text + ".pem", public)
        self.write(text + ".key", secret)
        self.write(text + ".both", public + secret)

    def crl(self):
        made = (x509.CertificateRevocationListBuilder().issuer_name(self.root).last_update(self.now)
                .next_update(self.now + datetime.timedelta(days=7))
                .add_extension(x509.CRLNumber(1), critical=False)
                .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.root_key.public_key()),
                               critical=False))
        for i in range(REVOKED):
            made = made.add_revoked_certificate(x509.RevokedCertificateBuilder().serial_number(1000 + i)
                                                .revocation_date(self.now).build())
        self.write("root.crl", made.sign(self.root_key, hashes.SHA256()))
