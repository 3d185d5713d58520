"""An MLLP server over mutual TLS (Python's ssl), in a process of its own so that it can be killed.

usage: mllp_server.py PORT CERT LOG    env PKI

For each message it appends "SHA256 LENGTH RECORDS" to LOG, and only then answers. RECORDS is how many
TLS records brought the message. The answer names the message's SHA-256.
"""
import hashlib
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import tls
from wg import wait_for


def answer_of(digest):
    return b"\x0bMSH|^~\\&|SRV\rMSA|AA|" + digest.encode() + b"\r\x1c\r"


def main(number, cert, log_path):
    log = os.open(log_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    held = {}

    def on_record(link, record):
        link.records.clear()
        parts, count = held.setdefault(link, ([], [0]))
        count[0] += 1
        parts.append(record)
        if record[-1:] != b"\r" or b"".join(parts[-2:])[-2:] != b"\x1c\r":
            return
        whole = b"".join(parts)
        used = count[0]
        parts.clear()
        count[0] = 0
        while whole:
            stop = whole.index(b"\x1c\r") + 2
            message, whole = whole[:stop], whole[stop:]
            digest = hashlib.sha256(message).hexdigest()
            os.write(log, b"%s %d %d\n" % (digest.encode(), len(message), used))
            link.send(answer_of(digest))

    server = tls.Server(tls.server_context(cert), number, on_record).start()
    wait_for("the end", lambda: server.listener is None, 1e9, 1)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
