#!/usr/bin/python3
# timeout: 60
"""Two Modbus devices on one serial line, each with its own unit, listener and certificate; writes,
late answers and masters at once."""
import threading
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import tls
from device import Serial, Wire
from rtu import Master, Slave, register
from wg import (Failure, Gateway, check, device_section, equal, gateway_section, port, scenario,
                trust_section, wait_for)


def body():
    wire = Wire().plug()
    ports = {"pump-12": port(), "monitor-7": port()}
    text = gateway_section() + trust_section()
    for name, units, writes in (("pump-12", "1, 10>1", None), ("monitor-7", "2", "allow")):
        text += device_section(name, cert=name, port="serial:" + wire.near, line="19200 8E1",
                               protocol="modbus-rtu", unit_map=units, response_timeout="300ms",
                               writes=writes, listen="127.0.0.1:%d" % ports[name])
    gateway = Gateway(text).start()
    slave = Slave(Serial(wire.far), {1, 2, 3})

    def master(name):
        return Master(tls.dial(ports[name], name=name + ".ward.example"))

    pump, monitor = master("pump-12"), master("monitor-7")
    check("Device pump-12" in str(pump.sock.getpeercert()), "the pump's certificate")
    check("Device monitor-7" in str(monitor.sock.getpeercert()), "the monitor's certificate")
    equal(pump.read(1, 7, 3), [register(1, 7 + i) for i in range(3)], "registers of unit 1")
    equal(monitor.read(2, 7, 125), [register(2, 7 + i) for i in range(125)], "registers of unit 2")
    equal(pump.read(10, 5), [register(1, 5)], "unit 10, which the map makes 1")
    asked = len(slave.asked)
    equal(pump.read(2, 0), -0x0A, "a unit of the other device")
    equal(monitor.read(3, 0), -0x0A, "a unit that is on the line but in no map")
    equal(pump.write(1, 0, 5), -0x01, "a write where writes are not allowed")
    equal(pump.ask(1, b"\x03\0\0\0\xff"), b"\x83\x03", "a read of 255 registers")
    equal(pump.ask(1, b"\x41\0"), b"\xc1\x01", "a function of nobody")
    equal(len(slave.asked), asked, "requests on the wire for what was refused")
    equal(monitor.write(2, 4, 1234), 0, "a write where writes are allowed")
    equal(slave.asked.count((2, 6, 4, 1234)), 1, "times the unit saw the write")

    # No answer: 0B, and the write was on the wire once.
    slave.silent.add(2)
    equal(monitor.write(2, 4, 77), -0x0B, "a write that nobody answers")
    equal(monitor.read(2, 4), -0x0B, "a read that nobody answers")
    slave.silent.clear()
    equal(monitor.read(2, 9), [register(2, 9)], "a read after the silence")
    equal(slave.asked.count((2, 6, 4, 77)), 1, "times the unit saw the unanswered write")
    gateway.wait_log("write-outcome-unknown")

    # A late answer never becomes the answer to the next request.
    for seconds in (0.45, 0.8, 1.0):
        slave.delay[1] = seconds
        # After the first time the gateway knows that this unit is slow, and waits twice as long.
        equal(pump.read(1, 100), -0x0B, "a read whose answer is late")
        slave.delay.clear()
        equal(pump.read(1, 200), [register(1, 200)], "the read after a late answer")
    slave.garbled.add(1)
    equal(pump.read(1, 100), -0x0B, "a read whose answer has a wrong checksum")
    slave.garbled.clear()
    equal(pump.read(1, 300), [register(1, 300)], "the read after it")

    # Several masters share the line.
    result = {}

    def poll(who, name, unit):
        try:
            own = master(name)
            for at in range(60):
                equal(own.read(unit, at, 2), [register(unit, at), register(unit, at + 1)], who)
            result[who] = "good"
        except (Failure, OSError) as error:
            result[who] = str(error)

    for who, name, unit in (("a", "pump-12", 1), ("b", "pump-12", 1), ("c", "monitor-7", 2),
                            ("d", "monitor-7", 2)):
        threading.Thread(target=poll, args=(who, name, unit), daemon=True).start()
    wait_for("four masters are done", lambda: len(result) == 4, 40)
    equal(set(result.values()), {"good"}, "what the masters got: %r" % result)
    equal(slave.noise, 0, "disturbances on the line")
    slave.end()
    gateway.stop()


scenario(body)
