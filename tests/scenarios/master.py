#!/usr/bin/python3
# timeout: 60
"""Legacy masters whose requests the gateway carries to Modbus/TCP Security servers: mbpoll (libmodbus) on an RTU line
to stunnel and a libmodbus unit, pymodbus on an ASCII line to pymodbus with TLS, and a plain TCP master to a server
that cuts its records as it likes. A link that is cut while a write is out: 0B once, and the server saw it once."""
import os
import struct
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import tls
from device import Serial, Tcp, Wire
from pymodbus.client import ModbusSerialClient
from pymodbus.framer.ascii_framer import ModbusAsciiFramer
from rtu import crc
from tools import start_pump, stunnel
from wg import (LIB, Failure, Gateway, check, device_section, equal, figure, gateway_section, port, run, scenario,
                spawn, trust_section, wait_for, wait_listens)


def adu(tid, unit, pdu):
    return struct.pack(">HHHB", tid, 0, len(pdu) + 1, unit) + pdu


class Server:
    """A unit behind Python's TLS. It keeps each request; `say` decides what becomes of the answer."""

    def __init__(self):
        self.asked, self.waiting = [], []
        self.hold = threading.Event()  # set: answer nothing
        self.tls = tls.Server(tls.server_context("hl7"), on_record=self._take).start()

    def _take(self, link, record):
        tid, proto, length, unit = struct.unpack(">HHHB", record[:7])
        if proto != 0 or length != len(record) - 6:
            raise Failure("a record is not one ADU: " + record.hex())
        self.asked.append((unit, record[7:]))
        if self.hold.is_set():
            self.waiting.append((link, tid, unit, record[7:]))
        else:
            link.send(self.answer(tid, unit, record[7:]))

    @staticmethod
    def answer(tid, unit, pdu):
        if pdu[0] == 3:
            count = struct.unpack(">H", pdu[3:5])[0]
            return adu(tid, unit, bytes([3, 2 * count]) + pdu[1:3] * count)  # each register is its first's address
        return adu(tid, unit, pdu)


def read_by_rtu(wire):
    """mbpoll on the line, and bytes of our own where mbpoll is too well behaved."""
    status, told = run(["mbpoll", "-m", "rtu", "-b", "19200", "-P", "none", "-a", "10", "-0", "-r", "1", "-c", "1",
                        "-t", "4", "-1", "-o", "5", wire.far])
    equal(status, 0, "exit status of mbpoll (%s)" % told)
    check("[1]: \t125" in told, "mbpoll shows another register: " + told)
    status, told = run(["mbpoll", "-m", "rtu", "-b", "19200", "-P", "none", "-a", "10", "-0", "-r", "8", "-t", "4",
                        "-1", "-o", "5", wire.far, "77"])
    check(status != 0 and "Illegal function" in told, "a write where writes are denied: " + told)
    line = Serial(wire.far)
    neighbour = bytes.fromhex("2A0300100003")  # a unit that is not ours, and its own answer
    answer = bytes.fromhex("2A0306123456782345")
    line.send(neighbour + crc(neighbour) + answer + crc(answer))
    broadcast = bytes.fromhex("000600080001")
    line.send(broadcast + crc(broadcast))
    own = bytes.fromhex("0A0300010001")
    line.send(own + crc(own))
    want = bytes.fromhex("0A0302007D")
    line.expect(want + crc(want))
    line.close()


def read_by_ascii(wire):
    client = ModbusSerialClient(wire.far, framer=ModbusAsciiFramer, baudrate=9600, bytesize=8, parity="N", stopbits=1,
                                timeout=5)
    check(client.connect(), "pymodbus opens the line")
    equal(client.read_holding_registers(3, 4, slave=1).registers, [103, 104, 105, 106], "registers over ASCII")
    equal(client.write_register(9, 4711, slave=1).value, 4711, "a write over ASCII")
    equal(client.read_holding_registers(9, 1, slave=1).registers, [4711], "the register that was written")
    equal(client.read_holding_registers(300, 1, slave=1).exception_code, 2, "a register that is not there")
    client.close()


def cut_records(server, entry):
    master, other = Tcp.dial(entry), Tcp.dial(entry)
    read = struct.pack(">BHH", 3, 7, 1)
    master.send(adu(0x0101, 1, read))
    master.expect(adu(0x0101, 1, b"\3\2\0\7"))
    # Two answers in one record, in the other order; and one in two records, cut in its header.
    server.hold.set()
    master.send(adu(1, 1, read))
    wait_for("the first request", lambda: len(server.waiting) == 1)
    other.send(adu(1, 1, struct.pack(">BHH", 3, 9, 1)))
    wait_for("the second request", lambda: len(server.waiting) == 2)
    (link, *first), (_, *second) = server.waiting
    check(first[0] != second[0], "two requests have one transaction")
    link.send(server.answer(*second) + server.answer(*first))
    master.expect(adu(1, 1, b"\3\2\0\7"))
    other.expect(adu(1, 1, b"\3\2\0\x09"))
    server.waiting.clear()
    master.send(adu(2, 1, read))
    wait_for("the third request", lambda: len(server.waiting) == 1)
    link, *third = server.waiting.pop()
    answer = server.answer(*third)
    link.send(answer[:5])
    link.send(answer[5:])
    master.expect(adu(2, 1, b"\3\2\0\7"))
    # An answer to something else is none.
    master.send(adu(3, 1, read))
    wait_for("the fourth request", lambda: len(server.waiting) == 1)
    link, tid, unit, _ = server.waiting.pop()
    link.send(adu(tid, unit, b"\3\4\0\1\0\2"))
    master.expect(adu(3, 1, b"\x83\x0b"))
    server.hold.clear()
    return master, other


def cut_link(gateway, server, master, other):
    write = struct.pack(">BHH", 6, 8, 4711)
    server.hold.set()
    master.send(adu(9, 1, write))
    wait_for("the write is at the server", lambda: len(server.waiting) == 1)
    links = len(server.tls.links)
    server.waiting[0][0].close()
    master.expect(adu(9, 1, b"\x86\x0b"))
    gateway.wait_event("write-outcome-unknown", "analyser-3")
    server.hold.clear()
    wait_for("a new link", lambda: len(server.tls.links) > links)
    gateway.wait_state("analyser-3", "up")
    other.send(adu(10, 1, struct.pack(">BHH", 3, 5, 1)))
    other.expect(adu(10, 1, b"\3\2\0\5"))
    equal(server.asked.count((1, write)), 1, "times the server saw the write")
    equal(master.poll(0.05), b"", "what the master got besides")
    server.tls.stop()
    gateway.wait_device("analyser-3", "no link", lambda d: d["state"] != "up")
    master.send(adu(11, 1, write))
    master.expect(adu(11, 1, b"\x86\x0a"))
    equal(server.asked.count((1, write)), 1, "times the server saw the write in the end")


def body():
    rtu, ascii_line = Wire("rtu-near", "rtu-far").plug(), Wire("ascii-near", "ascii-far").plug()
    pump, secure, unit, entry = port(), port(), port(), port()
    start_pump("--tcp", pump)
    wait_listens(pump)
    stunnel("server", secure, pump, "hl7")
    spawn([sys.executable, os.path.join(LIB, "pymodbus_unit.py"), "tls", unit, 1], log="unit.log")
    server = Server()
    wait_listens(unit)
    gateway = Gateway(
        gateway_section() + trust_section()
        + device_section("pump-12", port="serial:" + rtu.near, line="19200 8N1", protocol="modbus-rtu", side="master",
                         unit_map="10>1", connect="127.0.0.1:%d" % secure)
        + device_section("monitor-7", cert="monitor-7", port="serial:" + ascii_line.near, line="9600 8N1",
                         protocol="modbus-ascii", side="master", writes="allow", unit_map="1",
                         connect="127.0.0.1:%d" % unit)
        + device_section("analyser-3", cert="analyser-3", port="tcp-listen:127.0.0.1:%d" % entry,
                         protocol="modbus-tcp", side="master", writes="allow", unit_map="1", response_timeout="10s",
                         connect="127.0.0.1:%d" % server.tls.number)).start()
    for name in ("pump-12", "monitor-7", "analyser-3"):
        gateway.wait_state(name, "up")
    read_by_rtu(rtu)
    read_by_ascii(ascii_line)
    master, other = cut_records(server, entry)
    cut_link(gateway, server, master, other)
    figure("a master's write whose link was cut: seen by the server once, 0B once")
    gateway.stop()


scenario(body)
