#!/usr/bin/python3
# timeout: 60
# quiet
"""How much of what a serial line allows the gateway uses: a master over TLS keeps its queue full, and the
line (tests/tools/modbus_wire.c) takes the time of a real one. It needs the time of request and answer, t3.5
before the unit answers, and t3.5 before the next request, which is never shorter.

The share is shown and not judged here: on a busy machine it is not the gateway's. A machine that stands still
for some milliseconds shows in the share of all exchanges together and not in that of their better half. What
the system needs to wake programs up, and to hand what came out of a line to who reads it, is the same for
short requests and long ones.
"""
import collections
import os
import struct
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import tls
from rtu import Master, register
from tools import TimedWire
from wg import (Gateway, check, device_section, equal, figure, gateway_section, port, scenario,
                trust_section)

UNIT, QUEUED = 1, 8


def poll(master, count, registers):
    """So many reads; QUEUED of them wait at any time."""
    asked, done = collections.deque(), 0
    for at in range(count + QUEUED):
        if at >= QUEUED:
            address, pdu, head = asked.popleft()
            got = master.take(UNIT, pdu, head)
            want = [register(UNIT, address + i) for i in range(registers)]
            equal(list(struct.unpack(">%dH" % registers, got[2:])), want, "registers from %d on" % address)
            done += 1
        if at < count:
            pdu = struct.pack(">BHH", 3, at % 100, registers)
            asked.append((at % 100, pdu, master.send(UNIT, pdu)))
    return done


class Line:
    """A line of its own for each measurement: what it saw is told at its end."""

    def __init__(self, rate, registers, count):
        self.rate, self.registers, self.count = rate, registers, count
        self.name, self.number = "line-%d-%d" % (rate, registers), port()
        self.wire = TimedWire(self.name, rate, "alert")
        self.section = device_section(
            self.name, port="serial:" + self.wire.near, line="%d 8E1" % rate, protocol="modbus-rtu",
            unit_map=str(UNIT), response_timeout="5s", request_timeout="20s",
            listen="127.0.0.1:%d" % self.number)

    def measure(self):
        master = Master(tls.dial(self.number))
        master.sock.settimeout(20)
        equal(poll(master, self.count, self.registers), self.count, "answers")
        seen = self.wire.finish()
        equal(seen["exchanges"], self.count, "exchanges on the line")
        equal(seen["noise"], 0, "bytes on the line that were no request")
        equal(seen["early"], 0, "requests before t3.5 of silence (shortest: %d us)" % seen["shortest"])
        took = seen["took"] - seen["late"]
        allowed = seen["allowed"] / self.count
        figure("%d bit/s, reads of %d registers: %.1f %% of what the line allows (%.1f of %.1f a second); half of"
               " them %.1f %% or more"
               % (self.rate, self.registers, 100 * seen["allowed"] / took, 1e6 * self.count / took,
                  1e6 / allowed, 100 * allowed / (allowed + seen["median"])))
        check(seen["allowed"] > 0.1 * took, "the line stood still")


def leave_a_processor():
    """A line takes no processor of who writes to it: ours has the last one to itself."""
    if os.cpu_count() > 1:
        os.sched_setaffinity(0, range(os.cpu_count() - 1))


def body():
    leave_a_processor()
    lines = [Line(9600, 1, 60), Line(9600, 10, 40), Line(115200, 1, 400), Line(115200, 10, 300),
             Line(115200, 60, 120)]
    gateway = Gateway(gateway_section() + trust_section() + "".join(line.section for line in lines)).start()
    for line in lines:
        gateway.wait_device(line.name, "port open", lambda d: d["port_open"])
        line.measure()
    gateway.stop()


scenario(body)
