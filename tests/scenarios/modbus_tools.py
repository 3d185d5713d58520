#!/usr/bin/python3
# timeout: 60
"""wardgate modbus scan, identify, read and write on ports of devices that are not ours: libmodbus's server,
and pymodbus's, which says who it is."""
import os
import pty
import re
import signal
import subprocess
import sys
import termios

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

from device import Wire
from tools import start_pump
from wg import (LIB, WARDGATE, Gateway, check, device_section, end, equal, gateway_section, port, run,
                scenario, spawn, trust_section, wait_for, wait_listens)


def tool(*args, code=0):
    got, text = run([WARDGATE, "modbus", *args])
    equal(got, code, "exit code of modbus %s, which said %r" % (" ".join(map(str, args)), text))
    return text


def settings(path):
    fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    found = termios.tcgetattr(fd)
    os.close(fd)
    return found


def serial_device():
    wire = Wire().plug()
    before = settings(wire.near)
    pump = start_pump(wire.far, 17)
    wait_for("the pump", lambda: os.path.exists("pump.log") and "ready" in open("pump.log").read())
    near = wire.near
    found = tool("scan", near, "--units", "16-17", "--timeout", "2s")
    check("9600 8E1, unit 17 answers" in found, "scan: " + found)
    check("s left" in found and "\x1b" not in found, "an estimate in plain lines: " + found)
    check("19200" not in found, "scan went on after a unit was found: " + found)
    check("no unit answered" in tool("scan", near, "--units", "3", "--baud", "9600", "--parity", "E",
                                     "--timeout", "50ms", code=1), "scan of nobody")
    unit = ("--unit", 17)
    check("1 125 0x007D" in tool("read", near, "holding", "0-7", *unit), "registers")
    check("unit 17 answered with exception 02" in tool("read", near, "holding", 500, *unit, code=1), "exception")
    check("unit 5 does not answer" in tool("read", near, "holding", 0, "--unit", 5, "--timeout", "50ms",
                                           code=1), "nobody")
    said = tool("write", near, "holding", 8, 1234, *unit, code=64)
    check("would get 1 register from 8 on" in said and "--yes" in said, "write without --yes: " + said)
    check("8 0 0x0000" in tool("read", near, "holding", 8, *unit), "it wrote without --yes")
    check("written" in tool("write", near, "holding", 8, 1234, *unit, "--yes"), "write")
    check("written" in tool("write", near, "holding", "0x000A", 7, "0xFFFF", *unit, "--yes"), "write of two")
    check("written" in tool("write", near, "coils", 3, 1, *unit, "--yes"), "write of a coil")
    back = tool("read", near, "holding", "8-11", *unit)
    equal(back.split("\n")[:4], ["8 1234 0x04D2", "9 0 0x0000", "10 7 0x0007", "11 65535 0xFFFF"], "read back")
    equal(tool("read", near, "coils", "2-4", *unit), "2 0\n3 1\n4 0\n", "coils")
    who = tool("identify", near, *unit)
    check(re.search(r'expect = slave-id "\\xb4\\xffLMB', who), "identify of libmodbus: " + who)
    equal(settings(near), before, "the line's settings afterwards")
    end(pump)
    return wire


def held(wire):
    """A port that the gateway holds is left alone, and who holds it is told."""
    text = gateway_section() + trust_section() + device_section(
        "pump-12", port="serial:" + wire.near, line="9600 8E1", protocol="modbus-rtu", unit_map="17",
        listen="127.0.0.1:%d" % port())
    gateway = Gateway(text).start()
    gateway.wait_device("pump-12", "its port", lambda d: d["port_open"])
    for args in (("scan", wire.near), ("identify", wire.near), ("read", wire.near, "holding", 0),
                 ("write", wire.near, "holding", 0, 1, "--yes")):
        said = tool(*args, code=69)
        check("is held by " in said and "process %d" % gateway.child.pid in said, "who holds it: " + said)
    gateway.stop()
    check("does not answer" in tool("read", wire.near, "holding", 0, "--timeout", "50ms", code=1), "after it")


def interrupted(wire):
    """Ctrl-C on a terminal: a bar, then at once the end, and the port as it was."""
    before = settings(wire.near)
    master, slave = pty.openpty()
    child = subprocess.Popen([WARDGATE, "modbus", "scan", wire.near, "--timeout", "20s"], stdin=slave,
                             stdout=slave, stderr=slave, close_fds=True)
    os.close(slave)
    seen = b""
    while b"min left" not in seen:
        seen += os.read(master, 1024)
    check(b"[....." in seen and b"unit 1," in seen, "the bar: %r" % seen)
    child.send_signal(signal.SIGINT)
    equal(child.wait(8), -signal.SIGINT, "how the scan ended")
    os.close(master)
    equal(settings(wire.near), before, "the line's settings after Ctrl-C")
    check("does not answer" in tool("read", wire.near, "holding", 0, "--timeout", "50ms", code=1), "the lock")


def named_devices(wire, number):
    """pymodbus says who it is. Its registers hold 100 + their address."""
    wait_for("pymodbus on the line", lambda: "ready" in open("pymodbus-serial.log").read())
    line = ("--baud", 19200, "--parity", "N", "--unit", 17)
    who = tool("identify", wire.near, *line)
    check("ProductCode          U1" in who and 'expect = id "Somebody U1 1.0"' in who, "identify: " + who)
    check("30 130 0x0082" in tool("read", wire.near, "holding", 30, *line), "read")
    wait_listens(number)
    place = "127.0.0.1:%d" % number
    check("unit 17 answers" in tool("scan", place, "--units", "16-17", "--timeout", "5s"), "scan on TCP")
    who = tool("identify", place, "--unit", 17)
    check('expect = id "Somebody U1 1.0"' in who, "identify on TCP: " + who)
    check("11 111 0x006F" in tool("read", "tcp:" + place, "holding", "10-11", "--unit", 17), "read on TCP")
    check("refused" in tool("read", "127.0.0.1:%d" % port(), "holding", 0, code=69), "nobody on TCP")


def usage():
    for args in (("scan",), ("scan", "nonsense"), ("scan", "/dev/null", "--baud", "14400"),
                 ("scan", "/dev/null", "--parity", "M"), ("scan", "/dev/null", "--units", "0"),
                 ("scan", "/dev/null", "--yes"), ("scan", "h:1", "--baud", "9600"),
                 ("read", "/dev/null", "holding"), ("read", "/dev/null", "holding", "0-125"),
                 ("read", "/dev/null", "holding", "9-8"), ("read", "/dev/null", "holding", "65536"),
                 ("read", "/dev/null", "holding", 0, "--unit", "1-2"),
                 ("write", "/dev/null", "input", 0, 1, "--yes"), ("write", "/dev/null", "coils", 0, 2, "--yes"),
                 ("write", "/dev/null", "holding", 65535, 1, 2, "--yes")):
        tool(*args, code=64)
    check("is no serial port" in tool("scan", "/dev/null", code=69), "no serial port")
    check("No such file" in tool("identify", "/dev/nothing-here", code=69), "no port")


def body():
    number, named = port(), Wire("named", "named-far").plug()
    unit = os.path.join(LIB, "pymodbus_unit.py")
    spawn([sys.executable, unit, "serial", named.far, 17], log="pymodbus-serial.log")
    spawn([sys.executable, unit, "tcp", number, 17], log="pymodbus-tcp.log")
    usage()
    wire = serial_device()
    held(wire)
    interrupted(wire)
    named_devices(named, number)


scenario(body)
