#!/usr/bin/python3
# timeout: 90
"""1,000 writes, and the line is cut at a random moment of each: the unit sees each at most once, and the
master's answer tells what is known. Good: the unit saw it once. 0A: not sent, so not a byte of it came out of
the gateway. 0B: sent, and nobody knows.

A cut is a plug that is pulled (the port hangs up, and comes back) or a line that is silent for a while. SEED
in the environment repeats a run.
"""
import collections
import heapq
import os
import pty
import random
import select
import struct
import sys
import threading
import time
import tty

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import tls
from rtu import Master, crc
from wg import (Failure, Gateway, check, device_section, equal, figure, gateway_section, port, say,
                scenario, trust_section, wait_for)

WRITES, LINES = 1000, 100
PULLED = 3              # of each line's cuts; it takes a second until a port is looked for again
CHAR_S = 11 / 19200     # a character on the line
TURN_S = 3.5 * CHAR_S   # and what a unit waits before it answers
FRAME = 8               # bytes of a request, and of a write's answer
UNIT = 1


class Cable(threading.Thread):
    """All lines' far ends, their units, and the hand with the knife. One thread; it takes the time of a line
    (roughly: what counts is that a cut comes anywhere)."""

    def __init__(self):
        super().__init__(daemon=True)
        self.lines, self.due, self.number = [], [], 0
        self.lock, self.ending = threading.Lock(), False
        self.bell = os.pipe()

    def at(self, moment, what, *words):
        """Call what(*words) then; from any thread."""
        with self.lock:
            self.number += 1
            heapq.heappush(self.due, (moment, self.number, what, words))
        os.write(self.bell[1], b"!")

    def _run_due(self):
        while True:
            with self.lock:
                if not self.due or self.due[0][0] > time.monotonic():
                    return max(0, self.due[0][0] - time.monotonic()) if self.due else None
                _, _, what, words = heapq.heappop(self.due)
            what(*words)

    def run(self):
        while not self.ending:
            wait = self._run_due()
            fds = {line.fd: line for line in self.lines if line.fd is not None}
            ready, _, _ = select.select(list(fds) + [self.bell[0]], [], [], wait)
            for fd in ready:
                if fd == self.bell[0]:
                    os.read(fd, 1000)
                elif fds[fd].fd == fd:
                    fds[fd].take()


class Line:
    """A line and its unit. Everything but the masters' part runs in the cable's thread."""

    def __init__(self, cable, at):
        self.cable, self.name, self.number = cable, "line-%d" % at, port()
        self.near = os.path.abspath(self.name)
        self.came = collections.Counter()  # values of writes that came out of the gateway
        self.saw = collections.Counter()   # that reached the unit
        self.fd = self.other = None
        self.part = b""
        self.cuts = 0       # what is under way ends with a cut
        self.silent = False
        self.mended = threading.Event()
        self.plug()

    def section(self):
        return device_section(self.name, port="serial:" + self.near, line="19200 8E1", protocol="modbus-rtu",
                              unit_map=str(UNIT), writes="allow", response_timeout="60ms", request_timeout="20s",
                              listen="127.0.0.1:%d" % self.number)

    def plug(self):
        """A terminal under the line's name. Its other end stays open here: it never hangs up by itself."""
        self.fd, self.other = pty.openpty()
        tty.setraw(self.other)
        os.set_blocking(self.fd, False)
        os.symlink(os.ttyname(self.other), self.near + ".new")
        os.rename(self.near + ".new", self.near)

    def pull(self):
        self.cuts += 1
        os.unlink(self.near)
        os.close(self.other)
        os.close(self.fd)
        self.fd, self.part = None, b""

    def fall_silent(self):
        self.cuts += 1
        self.silent, self.part = True, b""

    def mend(self):
        if self.fd is None:
            self.plug()
        self.silent = False
        self.mended.set()

    def take(self):
        """Bytes from the gateway. What comes at once here has its time on the line all the same."""
        try:
            self.part += os.read(self.fd, 1000)
        except OSError:
            return
        while len(self.part) >= FRAME:
            frame, self.part = self.part[:FRAME], self.part[FRAME:]
            if crc(frame[:-2]) != frame[-2:]:
                self.part = b""
                return
            if frame[1] == 6:
                self.came[struct.unpack(">H", frame[4:6])[0]] += 1
            if not self.silent:
                self.cable.at(time.monotonic() + FRAME * CHAR_S, self._hear, self.cuts, frame)

    def _hear(self, cuts, frame):
        """The unit has heard the whole request."""
        if cuts != self.cuts:
            return
        answer = frame
        if frame[1] == 6:
            self.saw[struct.unpack(">H", frame[4:6])[0]] += 1
        elif frame[1] == 3:
            count = frame[5]
            answer = bytes([UNIT, 3, 2 * count]) + bytes(2 * count)
            answer += crc(answer)
        first = len(answer) // 2
        now = time.monotonic() + TURN_S
        self.cable.at(now + first * CHAR_S, self._say, cuts, answer[:first])
        self.cable.at(now + len(answer) * CHAR_S, self._say, cuts, answer[first:])

    def _say(self, cuts, data):
        if cuts == self.cuts:
            os.write(self.fd, data)


class Tester(threading.Thread):
    """The master of one line: a write and a cut, then mending and a read that comes through, and again."""

    def __init__(self, line, values, dice):
        super().__init__(daemon=True)
        self.line, self.values, self.dice = line, values, dice
        self.cuts = [line.pull] * PULLED + [line.fall_silent] * (len(values) - PULLED)
        dice.shuffle(self.cuts)
        self.told = {}  # value: 0 (good), -0x0A or -0x0B
        self.red = None

    def run(self):
        try:
            master = Master(tls.dial(self.line.number))
            self._read_until_good(master)
            for value, cut in zip(self.values, self.cuts):
                self._write_and_cut(master, value, cut)
        except (Failure, OSError) as error:
            self.red = "%s: %s" % (self.line.name, error)

    def _read_until_good(self, master):
        while master.read(UNIT, 0) != [0]:
            time.sleep(0.05)

    def _write_and_cut(self, master, value, cut):
        line = self.line
        # From a little before the write to a little behind its answer; one of ten behind it for sure, so that
        # there are good ones on a slow machine, too.
        moment = self.dice.uniform(-3 * FRAME * CHAR_S, 5 * FRAME * CHAR_S)
        is_behind = self.dice.random() < 0.1
        if moment < 0:
            line.cable.at(0, cut)
            time.sleep(-moment / 2)
        elif not is_behind:
            line.cable.at(time.monotonic() + moment, cut)
        self.told[value] = master.write(UNIT, 1, value)
        if is_behind and moment >= 0:
            line.cable.at(0, cut)
        # Not before it was cut, or the next write would be cut by this one's knife.
        line.mended.clear()
        line.cable.at(time.monotonic() + max(moment, 0), line.mend)
        if not line.mended.wait(10):
            raise Failure("the cable's thread is gone")
        self._read_until_good(master)


def judge(line, tester):
    """Every write by what its master was told, what came out of the gateway, and what the unit saw."""
    for value in tester.values:
        told, came, saw = tester.told[value], line.came[value], line.saw[value]
        what = "%s, write of %d, told %02X: " % (line.name, value, -told)
        check(told in (0, -0x0A, -0x0B), what + "another exception than 0A and 0B")
        check(saw <= came <= 1, what + "came out of the gateway %d times" % came)
        if told == 0:
            equal(saw, 1, what + "times the unit saw it")
        elif told == -0x0A:
            equal(came, 0, what + "times it came out of the gateway")


def judge_counters(gateway, testers):
    """What status says of the writes is what the masters were told."""
    for device in gateway.status()["devices"]:
        told = collections.Counter(next(t for t in testers if t.line.name == device["name"]).told.values())
        writes = device["writes"]
        equal((writes["confirmed"], writes["unknown"], writes["never_sent"]), (told[0], told[-0x0B], told[-0x0A]),
              "writes of %s by status: confirmed, unknown, not sent" % device["name"])


def body():
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))
    say("SEED=%d" % seed)
    dice = random.Random(seed)
    cable = Cable()
    lines = cable.lines = [Line(cable, at) for at in range(LINES)]
    gateway = Gateway(gateway_section() + trust_section() + "".join(l.section() for l in lines)).start()
    cable.start()
    each = WRITES // LINES
    testers = [Tester(line, range(1 + at * each, 1 + (at + 1) * each), random.Random(dice.random()))
               for at, line in enumerate(lines)]
    for tester in testers:
        tester.start()
    wait_for("all masters are done", lambda: not any(t.is_alive() for t in testers), 70, 0.1)
    check(not any(t.red for t in testers), "; ".join(t.red for t in testers if t.red))
    for line, tester in zip(lines, testers):
        judge(line, tester)
    judge_counters(gateway, testers)
    told = collections.Counter(code for t in testers for code in t.told.values())
    unknown = sum(t.line.saw[v] for t in testers for v, code in t.told.items() if code == -0x0B)
    figure("%d writes with the line cut: %d good, %d 0A (never sent), %d 0B, of which the unit saw %d; none twice"
           % (sum(told.values()), told[0], told[-0x0A], told[-0x0B], unknown))
    for code in (0, -0x0A, -0x0B):
        check(told[code] > 0, "no write was told %02X" % -code)
    cable.ending = True
    gateway.stop()


scenario(body)
