"""OCSP answers that `openssl ocsp` does not make, for tests/pki-ocsp.sh; runs in its folder.

Each is put together from the CertID of an answer of openssl's and signed with the responder's key by
`openssl dgst`, so that nothing but the part in question is wrong with it.
"""
import subprocess
import time

NOW = int(open("now").read())
DAY = 86400


def tlv(tag, *parts):
    body = b"".join(parts)
    size = len(body)
    if size < 0x80:
        return bytes([tag, size]) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + body


def take(data):
    """The tag, the content and what follows the first element."""
    size, at = data[1], 2
    if size & 0x80:
        at += size & 0x7F
        size = int.from_bytes(data[2:at], "big")
    return data[0], data[at:at + size], data[at + size:]


def inside(data, *path):
    """The element with header that is the nth child, of the mth child …"""
    for number in path:
        data = take(data)[1]
        for _ in range(number):
            data = take(data)[2]
    return data[:len(data) - len(take(data)[2])]


def when(seconds, tag=0x18):
    form = "%Y%m%d%H%M%SZ" if tag == 0x18 else "%y%m%d%H%M%SZ"
    return tlv(tag, time.strftime(form, time.gmtime(seconds)).encode())


def extension(oid, critical=b"", value=b"\x05\x00"):
    return tlv(0x30, tlv(6, oid), critical, tlv(4, value))


def sequence_of(tag, *extensions):
    return tlv(tag, tlv(0x30, *extensions))


def data_of(name):
    answer = open(name + ".ocsp", "rb").read()
    octets = take(inside(answer, 1, 0, 1))[1]
    return take(octets)[1]


TBS = data_of("good")
CERTS = take(take(take(TBS)[2])[2])[2]
RESPONDER = inside(TBS, 0)
BODY = inside(TBS, 2)
SINGLE = take(BODY)[1]
ID = inside(SINGLE, 0)
HASH, NAME, KEY, SERIAL = (inside(ID, n) for n in range(4))
GOOD = b"\x80\x00"
UNKNOWN = b"\x82\x00"
REVOKED = tlv(0xA1, when(NOW - 9 * DAY))
TRUE = b"\x01\x01\xff"
PRIVATE = b"\x2a\x03\x04"
NONCE = b"\x2b\x06\x01\x05\x05\x07\x30\x01\x02"
CERTIFICATE_ISSUER = b"\x55\x1d\x1d"


def single(cert_id=ID, status=GOOD, this=NOW, following=NOW + 30 * DAY, extensions=b""):
    until = tlv(0xA0, when(following)) if following else b""
    return tlv(0x30, cert_id, status, when(this), until, extensions)


def data(*singles, version=b"", responder=RESPONDER, produced=None, extensions=b""):
    return tlv(0x30, version, responder, produced or when(NOW), tlv(0x30, *singles), extensions)


def write(name, tbs, kind=b"\x2b\x06\x01\x05\x05\x07\x30\x01\x01", status=0):
    open("tbs", "wb").write(tbs)
    bits = subprocess.run(["openssl", "dgst", "-sha256", "-sign", "responder.key", "tbs"], check=True,
                          stdout=subprocess.PIPE).stdout
    algorithm = tlv(0x30, tlv(6, b"\x2a\x86\x48\xce\x3d\x04\x03\x02"))
    basic = tlv(0x30, tbs, algorithm, tlv(3, b"\0", bits), CERTS)
    answer = tlv(0x30, tlv(10, bytes([status])), tlv(0xA0, tlv(0x30, tlv(6, kind), tlv(4, basic))))
    open(name + ".ocsp", "wb").write(answer)


def other_id(oid=HASH, name=NAME, key=KEY, serial=SERIAL):
    return tlv(0x30, oid, name, key, serial)


def changed(octets, keep=None):
    """The same hash with its last byte turned round, or cut to so many bytes."""
    value = take(octets)[1]
    return tlv(4, value[:keep] if keep else value[:-1] + bytes([value[-1] ^ 1]))


write("made-good", data(single()))
write("made-both", data(single(), single(status=REVOKED)))
write("made-both-turned", data(single(status=REVOKED), single()))
write("made-good-unknown", data(single(), single(status=UNKNOWN)))
write("made-good-old", data(single(), single(this=NOW - 9 * DAY, following=NOW - 8 * DAY)))
write("made-revoked-old", data(single(status=REVOKED, this=NOW - 9 * DAY, following=NOW - 8 * DAY)))
write("made-empty", data())
write("made-hash-name", data(single(other_id(name=changed(NAME)))))
write("made-hash-key", data(single(other_id(key=changed(KEY)))))
write("made-hash-name-cut", data(single(other_id(name=changed(NAME, 8)))))
write("made-hash-key-cut", data(single(other_id(key=changed(KEY, 8)))))
write("made-hash-sha384", data(single(other_id(oid=tlv(0x30, tlv(6, b"\x60\x86\x48\x01\x65\x03\x04\x02\x02"))))))
write("made-serial-cut", data(single(other_id(serial=tlv(2, b"\x10")))))
write("made-serial-zero", data(single(other_id(serial=tlv(2, b"\x00", take(SERIAL)[1])))))
write("made-backwards", data(single(this=NOW, following=NOW - 60)))
write("made-this-late", data(single(this=NOW + DAY)))
write("made-responder", data(single(), responder=tlv(0xA2, tlv(4, b"\x01" * 20))))
write("made-produced-late", data(single(this=NOW - DAY), produced=when(NOW + DAY)))
write("made-produced-utc", data(single(), produced=when(NOW, 0x17)))
write("made-version", data(single(), version=tlv(0xA0, tlv(2, b"\x01"))))
write("made-critical", data(single(), extensions=sequence_of(0xA1, extension(PRIVATE, TRUE))))
write("made-known", data(single(), extensions=sequence_of(0xA1, extension(PRIVATE))))
write("made-false", data(single(), extensions=sequence_of(0xA1, extension(PRIVATE, b"\x01\x01\x00"))))
write("made-single-critical", data(single(extensions=sequence_of(0xA1, extension(CERTIFICATE_ISSUER, TRUE)))))
write("made-single-known", data(single(extensions=sequence_of(0xA1, extension(PRIVATE)))))
write("made-nonce-twice", data(single(), extensions=sequence_of(
    0xA1, *(extension(NONCE, value=tlv(4, bytes([n]) * 32)) for n in (1, 2)))))
write("made-nonce-bare", data(single(), extensions=sequence_of(0xA1, extension(NONCE, value=b"\x01" * 32))))
write("made-nonce", data(single(), extensions=sequence_of(0xA1, extension(NONCE, value=tlv(4, b"\x01" * 32)))))
write("made-good-full", data(single(status=b"\x80\x01\x00")))
write("made-status-3", data(single(status=b"\x83\x00")))
write("made-type", data(single()), kind=b"\x2b\x06\x01\x05\x05\x07\x30\x01\x09")
for number in (1, 2, 3, 4, 5, 6):
    write("made-error-%d" % number, data(single()), status=number)
    open("error-%d.ocsp" % number, "wb").write(tlv(0x30, tlv(10, bytes([number]))))
