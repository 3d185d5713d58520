#!/bin/bash
# What a big CRL costs here and with OpenSSL's loader: crl_bench.sh [ENTRIES] ; not part of `make check`.
set -eu

cd "$(dirname "$0")/../.."
entries=${1:-1000000}
out=build/bench
mkdir -p "$out"
make -s build/libcerts.a build/libprotocols.a
"${CC:-gcc}" -std=c11 -D_DEFAULT_SOURCE -O2 -I. -Ibuild/wolfssl -isystem build/wolfssl/include \
    -o "$out/crl_bench" tests/bench/crl_bench.c build/libcerts.a build/libprotocols.a \
    build/wolfssl/lib/libwolfssl.a -lm -ldl -lpthread

# Serial numbers of 16 bytes as most CAs make them; every third entry has a reason.
if [ ! -f "$out/$entries.crl" ]; then
    /usr/bin/python3 - "$entries" "$out/$entries.crl" <<'PY'
import hashlib, sys
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

def der(tag, content):
    n = len(content)
    if n < 128:
        return bytes([tag, n]) + content
    size = (n.bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + n.to_bytes(size, "big") + content

time = der(0x17, b"260101000000Z")
reason = der(0x30, der(0x30, bytes.fromhex("0603551d15") + der(4, der(10, b"\1"))))
revoked = []
for i in range(int(sys.argv[1])):
    serial = b"\x5a" + hashlib.md5(b"%d" % i).digest()[:15]
    revoked.append(der(0x30, der(2, serial) + time + (reason if i % 3 == 0 else b"")))
algorithm = der(0x30, bytes.fromhex("06082a8648ce3d040302"))
name = der(0x30, der(0x31, der(0x30, bytes.fromhex("0603550403") + der(12, b"Bench CA"))))
number = der(0xA0, der(0x30, der(0x30, bytes.fromhex("0603551d14") + der(4, der(2, b"\1")))))
tbs = der(0x30, der(2, b"\1") + algorithm + name + time + der(0x17, b"270101000000Z")
          + der(0x30, b"".join(revoked)) + number)
signature = ec.generate_private_key(ec.SECP256R1()).sign(tbs, ec.ECDSA(hashes.SHA256()))
with open(sys.argv[2], "wb") as file:
    file.write(der(0x30, tbs + algorithm + der(3, b"\0" + signature)))
PY
fi

"$out/crl_bench" "$out/$entries.crl"
TIMEFORMAT='openssl crl -noout: %U s of CPU, and %S s in the kernel'
for _ in 1 2 3; do
    time openssl crl -inform DER -in "$out/$entries.crl" -noout
done
