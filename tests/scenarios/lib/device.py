"""Device sides: plain TCP and pseudo-terminals."""
import os
import select
import signal
import socket
import termios
import time
import tty

from wg import Failure, end, spawn, wait_for, wait_listens


class Tcp:
    """A device on TCP that keeps what it got."""

    def __init__(self, sock):
        self.sock = sock
        self.got = b""
        self.ended = False
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @staticmethod
    def dial(number, source=None):
        wait_listens(number)
        return Tcp(socket.create_connection(("127.0.0.1", number), timeout=10,
                                            source_address=source))

    def send(self, data):
        self.sock.sendall(data)

    def poll(self, seconds=0.0):
        """Take what is there now."""
        ready, _, _ = select.select([self.sock], [], [], seconds)
        if ready and not self.ended:
            try:
                data = self.sock.recv(1 << 16)
            except ConnectionError:
                data = b""
            self.ended = not data
            self.got += data
        return self.got

    def expect(self, data, seconds=10):
        """Until exactly `data` has come; takes it away."""
        until = time.monotonic() + seconds
        while len(self.got) < len(data) and not self.ended and time.monotonic() < until:
            self.poll(0.05)
        if self.got != data:
            raise Failure("the device got %d bytes %r, want %d bytes %r"
                          % (len(self.got), self.got[:80], len(data), data[:80]))
        self.got = b""

    def wait_end(self, seconds=10):
        wait_for("the device's connection ends",
                 lambda: self.poll(0.02) is None or self.ended, seconds)

    def close(self):
        self.sock.close()


class Listening:
    """A device that the gateway dials: `port` is what its section says."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(10)
        self.number = self.listener.getsockname()[1]
        self.port = "tcp:127.0.0.1:%d" % self.number

    def accept(self):
        try:
            return Tcp(self.listener.accept()[0])
        except socket.timeout:
            raise Failure("the gateway did not dial the device") from None

    def nobody_came(self):
        return not select.select([self.listener], [], [], 0)[0]


class Wire:
    """A serial line: two pseudo-terminals joined by socat. `near` is the gateway's end."""

    def __init__(self, near="near", far="far"):
        self.near, self.far = os.path.abspath(near), os.path.abspath(far)
        self.child = None

    def plug(self):
        if os.path.islink(self.near):
            raise Failure("a line of this name is plugged already")
        self.child = spawn(["socat", "pty,raw,echo=0,link=" + self.near,
                            "pty,raw,echo=0,link=" + self.far], log="socat.log")
        wait_for("both ends of the line",
                 lambda: os.path.exists(self.near) and os.path.exists(self.far))
        return self

    def unplug(self):
        """The node and its name vanish, as when a USB adapter is pulled out."""
        end(self.child, signal.SIGKILL)
        for name in (self.near, self.far):
            if os.path.islink(name):
                os.unlink(name)


class Serial:
    """The device's end of a line, raw."""

    def __init__(self, path):
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self.fd, termios.TCSANOW)
        self.got = b""

    def send(self, data):
        while data:
            _, ready, _ = select.select([], [self.fd], [], 10)
            if not ready:
                raise Failure("the line takes no more bytes")
            data = data[os.write(self.fd, data):]

    def poll(self, seconds=0.0):
        ready, _, _ = select.select([self.fd], [], [], seconds)
        if ready:
            try:
                self.got += os.read(self.fd, 1 << 16)
            except OSError:
                pass
        return self.got

    def expect(self, data, seconds=10):
        until = time.monotonic() + seconds
        while len(self.got) < len(data) and time.monotonic() < until:
            self.poll(0.05)
        if self.got != data:
            raise Failure("the device got %r, want %r" % (self.got[:80], data[:80]))
        self.got = b""

    def close(self):
        os.close(self.fd)
