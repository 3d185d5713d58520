"""Relays that keep what passes: TCP (with the TLS records counted), and a serial line.

Both keep chunks (seconds, from_near, bytes) in order; lib/capture.py makes a file for tshark of them.
"""
import errno
import os
import select
import socket
import threading
import time
import tty

from wg import port

HANDSHAKE, DATA = 22, 23  # TLS content types


def records(stream):
    """(content type, length) of each whole TLS record of one direction."""
    found, at = [], 0
    while at + 5 <= len(stream):
        length = int.from_bytes(stream[at + 3:at + 5], "big")
        if at + 5 + length > len(stream):
            break
        found.append((stream[at], length))
        at += 5 + length
    return found


class Passage:
    """One relayed connection."""

    def __init__(self, near, far):
        self.near, self.far = near, far
        self.chunks = []
        self.ended = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        open_ends = {self.near: self.far, self.far: self.near}
        try:
            while open_ends:
                for sock in select.select(list(open_ends), [], [], 0.2)[0]:
                    data = sock.recv(1 << 16)
                    if not data:
                        open_ends.pop(sock).shutdown(socket.SHUT_WR)
                        continue
                    self.chunks.append((time.time(), sock is self.near, data))
                    (self.far if sock is self.near else self.near).sendall(data)
        except OSError:
            pass
        self.ended.set()
        self.near.close()
        self.far.close()

    def stream(self, from_near):
        return b"".join(data for _, near, data in list(self.chunks) if near is from_near)

    def records(self, from_near):
        return records(self.stream(from_near))


class Relay:
    """Listens at `number` and passes everything on to `to`."""

    def __init__(self, to):
        self.to, self.number = to, port()
        self.passages = []
        self.listener = socket.create_server(("127.0.0.1", self.number))
        threading.Thread(target=self._accept_all, daemon=True).start()

    def _accept_all(self):
        while True:
            near, _ = self.listener.accept()
            far = socket.create_connection(("127.0.0.1", self.to), timeout=10)
            for sock in (near, far):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.settimeout(None)
            self.passages.append(Passage(near, far))

    def last(self):
        return self.passages[-1]


class Tap:
    """A serial line of two pseudo-terminals, `near` (the gateway's end) and `far`."""

    def __init__(self, near="near", far="far"):
        self.near, self.far = os.path.abspath(near), os.path.abspath(far)
        self.chunks = []
        ends = []
        for path in (self.near, self.far):
            # The other side of each stays open here, so that nobody's leaving ends the line.
            master, slave = os.openpty()
            tty.setraw(slave)
            os.symlink(os.ttyname(slave), path)
            ends.append(master)
        self.ends = ends
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        near, far = self.ends
        while True:
            for end in select.select(self.ends, [], [])[0]:
                try:
                    data = os.read(end, 1 << 16)
                except OSError as error:
                    if error.errno != errno.EIO:
                        return
                    continue
                self.chunks.append((time.time(), end == near, data))
                os.write(far if end == near else near, data)
