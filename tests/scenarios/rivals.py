#!/usr/bin/python3
# timeout: 60
"""Three faults that other gateways show, and this one must not:

  - one write goes on the line once, though nobody answers, and not at all when its master left before its turn
    (mbusd 0.5.3 with its defaults sends it four times, also for a master that is gone);
  - a late value never lands under another register (mbusd gives it to the next request);
  - no bytes of an old session in a new one (ser2net hands over what the device said in between).

Where there is an mbusd (in PATH, or MBUSD=/its/path), what it does in the same cases is told.
"""
import os
import select
import shutil
import socket
import struct
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import tls
from device import Serial, Wire
from rtu import Master, Slave, register
from wg import (Failure, Gateway, device_section, end, equal, figure, gateway_section, port, say,
                scenario, spawn, trust_section, wait_for, wait_listens)

UNIT = 1


def write_of(value):
    return struct.pack(">BHH", 6, 4, value)


def read_of(address):
    return struct.pack(">BHH", 3, address, 1)


def seen(slave, value):
    return slave.asked.count((UNIT, 6, 4, value))


def silent_write(dial, slave):
    """(how often a write that nobody answers goes on the line, the exception that its master gets)"""
    slave.silent.add(UNIT)
    code = dial().write(UNIT, 4, 77)
    slave.silent.clear()
    dial().read(UNIT, 9)  # behind all that the gateway may still have to say to this unit
    return seen(slave, 77), code


def write_of_the_gone(dial, slave):
    """How often a write goes on the line whose master leaves while it waits for the answer."""
    slave.silent.add(UNIT)
    master = dial()
    master.send(UNIT, write_of(78))
    wait_for("the write is on the line", lambda: seen(slave, 78) > 0)
    master.sock.close()
    reader = dial()
    head = reader.send(UNIT, read_of(9))
    wait_for("the next request is on the line", lambda: (UNIT, 3, 9, 1) in slave.asked[-1:])
    slave.silent.clear()
    reader.take(UNIT, read_of(9), head)
    return seen(slave, 78)


def late_value(dial, slave, first, second, moment=0.0):
    """What a master gets for register `second` when the value of `first` comes late, before it."""
    master = dial()
    slave.held = []
    equal(master.read(UNIT, first), -0x0B, "a read that is not answered in time")
    head = master.send(UNIT, read_of(second))
    select.select([], [], [], moment)
    slave.release()
    return struct.unpack(">H", master.take(UNIT, read_of(second), head)[2:])[0]


def write_before_its_turn(gateway, dial, slave):
    """Another master's exchange takes the line; this one's write waits, and its master leaves."""
    slave.held = []
    busy = dial()
    asked = len(slave.asked)
    head = busy.send(UNIT, read_of(50))
    wait_for("the line is taken", lambda: len(slave.asked) > asked)
    master = dial()
    master.send(UNIT, write_of(79))
    gateway.wait_device("patient", "the write waits", lambda d: d["messages"]["server_to_device"] == 2)
    master.sock.close()
    gateway.wait_event("write-dropped-unsent", "patient")
    slave.release()
    busy.take(UNIT, read_of(50), head)
    equal(busy.read(UNIT, 51), [register(UNIT, 51)], "the next read")
    equal(seen(slave, 79), 0, "times the unit saw the write of a master that left before its turn")


def answers_of_the_gone(dial, slave):
    """A master leaves with a request on the line; its answer comes when the next master has asked."""
    slave.held = []
    gone, asked = dial(), len(slave.asked)
    gone.send(UNIT, read_of(30))
    wait_for("the request is on the line", lambda: len(slave.asked) > asked)
    gone.sock.close()
    master = dial()
    head = master.send(UNIT, read_of(31))
    slave.release()
    got = struct.unpack(">H", master.take(UNIT, read_of(31), head)[2:])[0]
    equal(got, register(UNIT, 31), "what a new master got for its own register")
    equal(master.read(UNIT, 32), [register(UNIT, 32)], "the one after it")


def bytes_of_the_gone(gateway, number, device):
    """What a device says between two links, or to the one before, is not for the next one."""
    name = "monitor-7.ward.example"
    first = tls.dial(number, name=name)
    gateway.wait_state("monitor-7", "up")
    device.send(b"FIRST\nHALF")
    equal(first.recv(100), b"FIRST\n", "what the first link got")
    first.close()
    gateway.wait_event("link-ended", "monitor-7")
    lost = gateway.device("monitor-7")["lost_bytes"]
    device.send(b"-OLD\nBETWEEN\n")
    gateway.wait_device("monitor-7", "loss is counted", lambda d: d["lost_bytes"] >= lost + len("-OLD\nBETWEEN\n"))
    second = tls.dial(number, name=name)
    gateway.wait_state("monitor-7", "up")
    device.send(b"SECOND\n")
    equal(second.recv(100), b"SECOND\n", "what the second link got")
    second.close()


def mbusd(program):
    """The same cases with mbusd: told, not judged."""
    wire, number = Wire("rival-near", "rival-far").plug(), port()
    slave = Slave(Serial(wire.far), {UNIT})

    def start(*more):
        child = spawn([program, "-d", "-L", "-", "-p", wire.near, "-s", "19200", "-m", "8e1", "-A", "127.0.0.1",
                       "-P", number] + list(more), log="mbusd.log")
        wait_listens(number)
        return child

    def dial():
        return Master(socket.create_connection(("127.0.0.1", number), timeout=10))

    told = []
    for more, case in (((), lambda: "a silent unit saw one write %d times (exception %02X)"
                        % (lambda c: (c[0], -c[1]))(silent_write(dial, slave))),
                       ((), lambda: "of a master that left %d times" % write_of_the_gone(dial, slave)),
                       (("-N", "0"), lambda: "register 32 has the value %d, right is %d"
                        % (late_value(dial, slave, 16, 32, 0.1), register(UNIT, 32)))):
        child = start(*more)
        try:
            told.append(case())
        except (Failure, OSError, struct.error) as failure:
            told.append("no verdict (%s)" % failure)
        slave.held = None
        slave.silent.clear()
        end(child)
    figure("mbusd in the same cases: " + "; ".join(told))


class Line:
    """A unit on a line of its own, and how to dial its device."""

    def __init__(self, name, timeout):
        wire = Wire(name + "-near", name + "-far").plug()
        self.number = port()
        self.section = device_section(
            name, port="serial:" + wire.near, line="19200 8E1", protocol="modbus-rtu", unit_map=str(UNIT),
            writes="allow", response_timeout=timeout, listen="127.0.0.1:%d" % self.number)
        self.slave = Slave(Serial(wire.far), {UNIT})

    def dial(self):
        return Master(tls.dial(self.number))


def body():
    # What takes long here is only the silence of units that never answer: it may be short. Where something happens
    # within the time of a request there is much of it.
    silent, late, patient = Line("silent", "300ms"), Line("late", "1s"), Line("patient", "30s")
    talk, talk_number = Wire("talk-near", "talk-far").plug(), port()
    gateway = Gateway(gateway_section() + trust_section() + silent.section + late.section + patient.section
                      + device_section("monitor-7", cert="monitor-7", port="serial:" + talk.near, line="19200 8N1",
                                       protocol="line", listen="127.0.0.1:%d" % talk_number)).start()
    device = Serial(talk.far)
    for name in ("silent", "late", "patient", "monitor-7"):
        gateway.wait_device(name, "port open", lambda d: d["port_open"])
    equal(silent_write(silent.dial, silent.slave), (1, -0x0B), "a write to a silent unit: times on the line, exception")
    equal(write_of_the_gone(silent.dial, silent.slave), 1, "times the unit saw the write of a master that left")
    gateway.wait_event("write-outcome-unknown", "silent", 2)
    write_before_its_turn(gateway, patient.dial, patient.slave)
    answers_of_the_gone(patient.dial, patient.slave)
    bytes_of_the_gone(gateway, talk_number, device)
    equal(late_value(late.dial, late.slave, 16, 32), register(UNIT, 32), "register 32")
    gateway.wait_event("slow-device", "late")
    gateway.stop()
    rival = os.environ.get("MBUSD") or shutil.which("mbusd")
    if rival:
        mbusd(rival)
    else:
        say("skipped: mbusd's own behaviour (there is none here, and Debian 12 has no package of it)")
        figure("mbusd is not on this machine (Debian 12 has none): only its cases ran, against this gateway")


scenario(body)
