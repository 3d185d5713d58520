"""Web servers and a proxy as they must not be: silent, endless, huge, cut off, or something else."""
import socket
import threading

from responder import OCSP_TYPE, Door

BIG = 50 * 1024 * 1024
SILENT = ("never", "loris")
WRONG = ("big", "html", "truncated", "loop", "error")


class BadWeb:
    """Behaviours, each behind a door of its own: one host is asked a few things at once only, and who is
    silent must not hold up those who are wrong. The silent ones hold on until release()."""

    def __init__(self, kind, prefix):
        self.kind, self.prefix = kind, prefix
        self.doors = {word: Door() for word in SILENT + WRONG}
        self.released = threading.Event()
        self.guard = threading.Lock()
        self.pending = dict.fromkeys(SILENT, 0)
        self.asked = dict.fromkeys(SILENT, 0)
        for word, door in self.doors.items():
            door.add(prefix + word, getattr(self, "_" + word))

    def urls(self):
        return {word: door.url(self.prefix + word) for word, door in self.doors.items()}

    def is_silent(self):
        """Somebody waits for each of the silent ones at this moment."""
        with self.guard:
            return all(self.pending.values()) and not self.released.is_set()

    def silent_anew(self):
        """A question: has somebody asked each of the silent ones since now, and waits?"""
        with self.guard:
            before = dict(self.asked)
        return lambda: self.is_silent() and all(self.asked[word] > before[word] for word in SILENT)

    def release(self):
        self.released.set()

    def _hold(self, word, handler, every=None):
        with self.guard:
            self.pending[word] += 1
            self.asked[word] += 1
        try:
            while not self.released.wait(every) and every:
                handler.wfile.write(b"0")
        finally:
            with self.guard:
                self.pending[word] -= 1

    def _head(self, handler, length):
        handler.send_response(200)
        handler.send_header("Content-Type", self.kind)
        handler.send_header("Content-Length", str(length))
        handler.end_headers()

    def _never(self, handler, _):
        self._hold("never", handler)

    def _loris(self, handler, _):
        self._head(handler, 10000)
        self._hold("loris", handler, 0.2)

    def _big(self, handler, _):
        """It begins like a CRL and is as long as it says."""
        size = BIG - 6
        self._head(handler, BIG)
        handler.wfile.write(b"\x30\x84" + size.to_bytes(4, "big"))
        for _ in range(size // 65536):
            handler.wfile.write(b"\x30" * 65536)
        handler.wfile.write(b"\x30" * (size % 65536))

    def _html(self, handler, _):
        handler.give(b"<!DOCTYPE html><html><body>Please log in</body></html>", "text/html")

    def _truncated(self, handler, _):
        self._head(handler, 5000)
        handler.wfile.write(b"\x30\x82\x13\x84" + b"0" * 100)

    def _loop(self, handler, _):
        handler.give(b"", self.kind, 302, [("Location", handler.path)])

    def _error(self, handler, _):
        handler.give(b"", self.kind, 500)


class SilentPort:
    """It accepts and never answers: as a proxy, or as anything."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.number = self.listener.getsockname()[1]
        self.held = []
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                self.held.append(self.listener.accept()[0])
            except OSError:
                return

    def release(self):
        self.listener.close()
        for sock in self.held:
            sock.close()


CRL_TYPE = "application/pkix-crl"
KINDS = {"crl": CRL_TYPE, "ocsp": OCSP_TYPE}
