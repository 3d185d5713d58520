#!/usr/bin/python3
# timeout: 150
"""10,000 HL7 messages of 1 byte to 1 MiB through the gateway while the server is killed five times.

Nothing duplicated by the gateway, nothing lost that was acknowledged, every answer byte for byte, and a
message of up to 16 KiB in one TLS record.
"""
import collections
import hashlib
import random
import signal
import socket
import time
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

from mllp_server import answer_of
from wg import (LIB, Failure, Gateway, check, device_section, end, equal, gateway_section, port, say,
                scenario, spawn, trust_section, wait_for, wait_listens)

COUNT = 10000
MIB = 1 << 20
KILLS = {1000, 2900, 5000, 7100, 9000}
PLAIN = bytes(c if c not in (0x0B, 0x1C) else 0x20 for c in range(256))


class Sender:
    """A plain MLLP sender: one message outstanding, sends again what was not acknowledged."""

    def __init__(self, number):
        self.number = number
        self.sock = None
        self.sent = collections.Counter()
        self.acked = collections.Counter()
        self.again = 0

    def _connect(self):
        def attempt():
            try:
                return socket.create_connection(("127.0.0.1", self.number), timeout=5)
            except OSError:
                return None

        self.sock = wait_for("the gateway accepts the device", attempt, 10)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _attempt(self, block, digest):
        if self.sock is None:
            self._connect()
        want = answer_of(digest)
        self.sent[digest] += 1
        got = b""
        try:
            self.sock.sendall(block)
            while len(got) < len(want):
                data = self.sock.recv(65536)
                if not data:
                    break
                got += data
        except OSError:
            pass
        if got == want:
            return True
        check(want.startswith(got), "a wrong answer came: %r, want %r" % (got, want))
        self.sock.close()
        self.sock = None
        self.again += 1
        return False

    def send(self, block, on_attempt):
        digest = hashlib.sha256(block).hexdigest()
        until = time.monotonic() + 30
        on_attempt()
        while not self._attempt(block, digest):
            if time.monotonic() > until:
                raise Failure("a message of %d bytes was never acknowledged" % len(block))
        self.acked[digest] += 1


def sizes(rng):
    """Many small, some large, the edges of a record and of 1 MiB; the content's size in bytes."""
    edges = [1, 2, 16380, 16381, 16382, 16384, 16385, 65536, MIB - 1, MIB] * 2
    rest = []
    for _ in range(COUNT - len(edges)):
        kind = rng.random()
        top = 11 if kind < 0.7 else 14 if kind < 0.95 else 20
        rest.append(int(2 ** rng.uniform(0, top)))
    every = rest + edges
    rng.shuffle(every)
    return every


def body():
    rng = random.Random(7)
    pool = rng.randbytes(2 * MIB).translate(PLAIN)
    server_port, device_port = port(), port()
    server = []

    def start_server():
        server.append(spawn([sys.executable, os.path.join(LIB, "mllp_server.py"), server_port,
                             "hl7", "server.txt"], log="server.log"))

    start_server()
    wait_listens(server_port)
    gateway = Gateway(gateway_section(log_level="info") + trust_section() + device_section(
        "monitor-7", cert="monitor-7", port="tcp-listen:127.0.0.1:%d" % device_port,
        protocol="mllp",
        connect="127.0.0.1:%d" % server_port)).start()
    sender = Sender(device_port)
    began = time.monotonic()
    total = 0
    memory = 0
    for at, size in enumerate(sizes(rng)):
        start = rng.randrange(MIB)
        block = b"\x0b" + pool[start:start + size].replace(b"\x1c\r", b"  ") + b"\x1c\r"
        total += size

        def kill():
            if at in KILLS:
                # Mid-flight: the message below is on its way or just before.
                server[-1].send_signal(signal.SIGKILL)
                server[-1].wait()
                start_server()

        sender.send(block, kill)
        if at % 1000 == 999:
            memory = max(memory, gateway.memory_kb())
            say("%d messages, %d MB, %.1f s, %d sent again, %d KB resident"
                % (at + 1, total >> 20, time.monotonic() - began, sender.again, memory))
    sender.sock.close()

    received, records = collections.Counter(), {}
    with open("server.txt", encoding="ascii") as lines:
        for line in lines:
            digest, length, count = line.split()
            received[digest] += 1
            if int(length) <= 16384:
                records[digest] = max(records.get(digest, 0), int(count))
    equal(sum(sender.acked.values()), COUNT, "acknowledged messages")
    lost = [d for d, n in sender.acked.items() if received[d] < n]
    equal(len(lost), 0, "messages acknowledged and never received")
    equal(len([d for d in received if d not in sender.sent]), 0, "messages that nobody sent")
    twice = [d for d, n in received.items() if n > sender.sent[d]]
    equal(len(twice), 0, "messages that the gateway made two of")
    equal(len([d for d, n in records.items() if n != 1]), 0,
          "messages of up to 16 KiB that came in more than one TLS record")
    status = gateway.device("monitor-7")
    check(status["sessions"] > len(KILLS), "only %d sessions" % status["sessions"])
    check(not gateway.grew_over(40000), "the gateway grew to %d KB" % memory)
    end(server[-1])
    gateway.stop()


scenario(body)
