"""Web servers and a proxy as they must not be: silent, endless, huge, cut off, or something else."""
import socket
import threading

from responder import OCSP_TYPE

BIG = 50 * 1024 * 1024
SILENT = ("never", "loris")
WRONG = ("big", "html", "truncated", "loop", "error")


class BadWeb:
    """Behaviours for a Door. The silent ones hold on until release()."""

    def __init__(self, door, kind, prefix):
        self.door, self.kind, self.prefix = door, kind, prefix
        self.released = threading.Event()
        self.guard = threading.Lock()
        self.pending = dict.fromkeys(SILENT, 0)
        for word in SILENT + WRONG:
            door.add(prefix + word, getattr(self, "_" + word))

    def urls(self):
        return {word: self.door.url(self.prefix + word) for word in SILENT + WRONG}

    def is_silent(self):
        """Somebody waits for each of the silent ones at this moment."""
        with self.guard:
            return all(self.pending.values()) and not self.released.is_set()

    def release(self):
        self.released.set()

    def _hold(self, word, handler, every=None):
        with self.guard:
            self.pending[word] += 1
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
