#!/usr/bin/python3
# timeout: 90
# quiet
"""One dead and nine live units on a line, and beside it a line without the dead one: how long the live
ones' masters wait, side by side, while the dead one is asked again now and then.

The figures are shown and not judged: on a busy machine they are not the gateway's. Judged is what the dead
unit takes of the line, by the requests that the line saw. Each time it is asked, one poll of each of the nine
masters waits for it. Of the polls in 8 s that is more than half of the one per cent that a p99 leaves out, and
a machine that stands still once, which is one poll of each master too, takes the other half. In 16 s it is a
third; in the minute that lies between two tries at last, a twelfth.
"""
import gc
import os
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import tls
from rtu import Master, register
from tools import TimedWire
from wg import (Failure, Gateway, check, device_section, equal, figure, gateway_section, port, scenario,
                trust_section, wait_for)

RATE, LIVE, DEAD = 115200, range(1, 10), 10
TIMEOUT_S = 0.05
MISSES, TRIES = 3, 5  # until the unit is taken for silent; then after 1, 2, 4, 8 and 16 s


class Line:
    """A line, its device, and a master for each of its units that reads it again and again."""

    def __init__(self, name, dead):
        self.name, self.number, self.dead = name, port(), dead
        self.wire = TimedWire("line-" + name, RATE, *([] if dead is None else [dead]))
        self.section = device_section(
            name, cert=name, port="serial:" + self.wire.near, line="%d 8E1" % RATE, protocol="modbus-rtu",
            unit_map=", ".join(str(u) for u in list(LIVE) + [DEAD]),
            response_timeout="%dms" % (1000 * TIMEOUT_S), listen="127.0.0.1:%d" % self.number)
        self.waits = []     # (when the answer came, how long it took)
        self.refusals = {}  # exception: how often, for the dead unit
        self.missed = 0     # exceptions for live units: this machine was too busy to be a line
        self.red = None
        self.ending = False
        self.threads = []

    def begin(self):
        units = list(LIVE) + ([DEAD] if self.dead is not None else [])
        for unit in units:
            master = Master(tls.dial(self.number, name=self.name + ".ward.example"))
            work = self._ask_dead if unit == self.dead else self._poll
            self.threads.append(threading.Thread(target=self._run, args=(work, master, unit), daemon=True))
        for thread in self.threads:
            thread.start()

    def _run(self, work, master, unit):
        try:
            while not self.ending:
                work(master, unit)
        except (Failure, OSError) as error:
            self.red = "unit %d: %s" % (unit, error)

    def _poll(self, master, unit):
        begun = time.monotonic()
        got = master.read(unit, 7)
        now = time.monotonic()
        if got == [register(unit, 7)]:
            self.waits.append((now, now - begun))
        elif got in (-0x0A, -0x0B):
            self.missed += 1
            time.sleep(0.02)
        else:
            raise Failure("got %r" % got)

    def _ask_dead(self, master, unit):
        code = master.read(unit, 7)
        if code not in (-0x0A, -0x0B):
            raise Failure("a dead unit answers %r" % code)
        self.refusals[code] = self.refusals.get(code, 0) + 1
        time.sleep(0.02)

    def finish(self):
        self.ending = True
        for thread in self.threads:
            thread.join(10)
        check(self.red is None, "%s: %s" % (self.name, self.red))
        return self.wire.finish()

    def p99_ms(self, begin, end):
        waits = sorted(took for at, took in self.waits if begin <= at < end)
        check(len(waits) > 10, "only %d answers" % len(waits))
        return 1000 * waits[len(waits) * 99 // 100]

    def count(self, begin, end):
        return sum(begin <= at < end for at, _ in self.waits)


def pause_for_nobody():
    """The masters are threads of this program: what it does between them is not the line's."""
    gc.disable()
    sys.setswitchinterval(0.0005)


def body():
    pause_for_nobody()
    lines = [Line("pump-12", None), Line("monitor-7", DEAD)]
    gateway = Gateway(gateway_section() + trust_section() + "".join(l.section for l in lines)).start()
    for line in lines:
        gateway.wait_device(line.name, "port open", lambda d: d["port_open"])
    for line in lines:
        line.begin()
    healthy, ill = lines
    begun = time.monotonic()

    def asked():
        check(all(line.red is None for line in lines), "a master: %s" % [line.red for line in lines])
        return len(ill.wire.dead_at())

    # From the last try but one to the last, which is in it: its answer is waited for in vain twice as long as
    # the timeout.
    wait_for("the dead unit is asked again and again", lambda: asked() >= MISSES + TRIES, 60, 0.05)
    late = time.monotonic() + 4 * TIMEOUT_S
    wait_for("the quarantine is over", lambda: time.monotonic() > late, 5)
    at, end = ill.wire.dead_at(), time.monotonic()
    seen = [line.finish() for line in lines]
    equal([one["noise"] for one in seen], [0, 0], "bytes that were no request, on each line")
    equal(seen[0]["early"], 0, "requests before t3.5 of silence")
    check(ill.refusals.get(-0x0B, 0) <= len(at), "exceptions 0B of a unit that was not asked")
    check(ill.refusals.get(-0x0A, 0) > 0, "no exception 0A: the unit was never taken for silent")
    taken = 2 * TIMEOUT_S * (len(at) - MISSES)
    check(taken <= 0.1 * (end - begun), "the dead unit took %.2f s of %.1f s" % (taken, end - begun))
    window = (at[-2] + 4 * TIMEOUT_S, end)
    p99 = [line.p99_ms(*window) for line in lines]
    rate = [line.count(*window) for line in lines]
    figure("nine units at %d bit/s, p99 of their answers: %.1f ms; with a dead tenth %.1f ms (%.1f %%)"
           % (RATE, p99[0], p99[1], 100 * p99[1] / p99[0]))
    figure("answers in %.1f s, in which it was asked once: %d; with it %d (%.1f %%)"
           % (window[1] - window[0], rate[0], rate[1], 100 * rate[1] / rate[0]))
    if any(line.missed for line in lines):
        figure("answers of live units that this machine was too busy for: %r" % [l.missed for l in lines])
    gateway.stop()


scenario(body)
