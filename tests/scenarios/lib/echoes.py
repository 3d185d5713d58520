"""Many connections whose other end sends back what it gets: who answers, who ends, and when.

A thread sends one numbered token after the other over each connection, the next one when the last came
back: so a connection that lives shows it by its answers, and what it answers after an event shows that it
outlived that.
"""
import selectors
import ssl
import threading
import time

from wg import Failure, wait_for


class Echo:
    def __init__(self, name, sock):
        self.name, self.sock = name, sock
        self.sent = self.answered = 0
        self.want, self.got = b"", b""
        self.next_at, self.last_at, self.gap = 0.0, None, 0.0
        self.ended, self.ended_at = None, None

    def send(self, now):
        self.sent += 1
        self.want, self.got = b"<%d of %s>" % (self.sent, self.name.encode()), b""
        self.last_at = self.last_at or now
        self.sock.send(self.want)

    def take(self):
        """Whatever came. Raises at the end of the connection."""
        while True:
            try:
                data = self.sock.recv(4096)
            except (BlockingIOError, ssl.SSLWantReadError):
                return
            if not data:
                raise ConnectionError("eof")
            self.got += data

    def weigh(self, now, pause_s):
        if self.sent == self.answered or len(self.got) < len(self.want):
            return
        if self.got != self.want:
            raise ConnectionError("got %r, want %r" % (self.got[:60], self.want))
        self.answered = self.sent
        self.gap = max(self.gap, now - self.last_at)
        self.last_at, self.next_at = now, now + pause_s


class Echoes:
    """pause_s: between an answer and the next token of the same connection."""

    def __init__(self, pause_s=0.4):
        self.pause_s = pause_s
        self.all, self.poll = {}, selectors.DefaultSelector()
        self.guard = threading.Lock()
        self.stopped = False
        threading.Thread(target=self._run, daemon=True).start()

    def add(self, name, sock):
        """From now on tokens go over this connected socket (TLS or plain)."""
        sock.setblocking(False)
        echo = Echo(name, sock)
        with self.guard:
            if name in self.all and self.all[name].ended is None:
                raise Failure("%s is there already" % name)
            self.all[name] = echo
            self.poll.register(sock, selectors.EVENT_READ, echo)
        return echo

    def _run(self):
        while not self.stopped:
            ready = self.poll.select(0.01)
            now = time.monotonic()
            with self.guard:
                for key, _ in ready:
                    self._step(key.data, Echo.take, now)
                for echo in self.all.values():
                    if echo.ended is None and echo.sent > echo.answered:
                        self._step(echo, lambda e: e.weigh(now, self.pause_s), now)
                    if echo.ended is None and echo.sent == echo.answered and now >= echo.next_at:
                        self._step(echo, lambda e: e.send(now), now)

    def _step(self, echo, what, now):
        if echo.ended is not None:
            return
        try:
            what(echo)
        except (OSError, ValueError) as error:
            echo.ended, echo.ended_at = str(error) or "error", now
            self.poll.unregister(echo.sock)
            echo.sock.close()

    def of(self, names=None):
        with self.guard:
            return [e for e in self.all.values() if names is None or e.name in names]

    def ended(self):
        return {e.name for e in self.of() if e.ended is not None}

    def wait_ended(self, names, seconds=10):
        """Until all of these have ended; the time at which the last one did."""
        names = set(names)
        wait_for("the end of %d connections" % len(names), lambda: names <= self.ended(), seconds, 0.01)
        return max(e.ended_at for e in self.of(names))

    def still(self, names, what, seconds=20):
        """Each of these answers a token that is sent from now on; red when one has ended."""
        with self.guard:
            mark = {name: self.all[name].sent for name in names}

        def ask():
            for echo in self.of(mark):
                if echo.ended is not None:
                    raise Failure("%s: %s ended: %s" % (what, echo.name, echo.ended))
            return all(e.answered > mark[e.name] for e in self.of(mark))

        wait_for("%s: every link answers" % what, ask, seconds, 0.01)

    def forget_gaps(self):
        with self.guard:
            for echo in self.all.values():
                echo.gap = 0.0

    def longest_gap_ms(self, names):
        """The longest time between two answers of one of these."""
        return 1000 * max(e.gap for e in self.of(set(names)))
