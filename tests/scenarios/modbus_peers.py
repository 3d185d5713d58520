#!/usr/bin/python3
# timeout: 60
"""pymodbus and mbpoll as masters, libmodbus and pymodbus as units, on serial lines and on TCP: what the masters
meant, what tshark reads on the hospital's side (decrypted) and what it reads on the device's side are the same."""
import asyncio
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import capture
import tls
from pymodbus.client import AsyncModbusTlsClient
from pymodbus.framer.socket_framer import ModbusSocketFramer
from pymodbus.mei_message import ReadDeviceInformationRequest
from pymodbus.register_read_message import ReadWriteMultipleRegistersRequest
from pymodbus.register_write_message import MaskWriteRegisterRequest
from relay import Relay, Tap
from tools import start_pump, stunnel
from wg import (LIB, Gateway, check, device_section, equal, figure, gateway_section, port, run, scenario, spawn,
                trust_section, wait_for, wait_listens)

FIELDS = ["modbus.func_code", "modbus.reference_num", "modbus.word_cnt", "modbus.bit_cnt", "modbus.regval_uint16",
          "modbus.data", "modbus.and_mask", "modbus.or_mask", "modbus.read_reference_num", "modbus.read_word_cnt",
          "modbus.write_reference_num", "modbus.write_word_cnt", "modbus.mei", "modbus.exception_code"]
# Serial lines become TCP connections to port 5020; 502 and 802 are what tshark knows.
OPTIONS = ["-d", "tcp.port==5020,mbrtu", "-o", "mbrtu.tcp.port:5020", "-o", "mbrtu.crc_verification:TRUE",
           "-o", "tls.keylog_file:keys.log"]
UNIT, MALFORMED, CRC = ("mbtcp.unit_id", "mbrtu.unit_id"), "_ws.malformed", "mbrtu.crc16.status"


def row(*values):
    """A row of FIELDS from (short name, value) pairs in any order."""
    given = {"modbus." + name: str(value) for name, value in values}
    return [given.get(field, "") for field in FIELDS]


def to_unit(request, unit):
    """For requests whose calls lose the unit on their way (pymodbus 3.0)."""
    request.unit_id = unit
    return request


# What a master calls, and the request that it means by it.
CALLS = [
    (lambda c, u: c.read_holding_registers(8, 4, slave=u), row(("func_code", 3), ("reference_num", 8), ("word_cnt", 4))),
    (lambda c, u: c.read_input_registers(0, 8, slave=u), row(("func_code", 4), ("reference_num", 0), ("word_cnt", 8))),
    (lambda c, u: c.read_coils(0, 10, slave=u), row(("func_code", 1), ("reference_num", 0), ("bit_cnt", 10))),
    (lambda c, u: c.read_discrete_inputs(2, 7, slave=u), row(("func_code", 2), ("reference_num", 2), ("bit_cnt", 7))),
    (lambda c, u: c.write_register(8, 1234, slave=u), row(("func_code", 6), ("reference_num", 8), ("data", "04d2"))),
    (lambda c, u: c.write_coil(3, True, slave=u), row(("func_code", 5), ("reference_num", 3), ("data", "ff00"))),
    (lambda c, u: c.write_registers(9, [1, 2, 65535], slave=u),
     row(("func_code", 16), ("reference_num", 9), ("word_cnt", 3), ("regval_uint16", "1,2,65535"))),
    (lambda c, u: c.write_coils(0, [True, False, True], slave=u),
     row(("func_code", 15), ("reference_num", 0), ("bit_cnt", 3), ("data", "05"))),
    (lambda c, u: c.execute(to_unit(MaskWriteRegisterRequest(8, 0x00F0, 0x0005), u)),
     row(("func_code", 22), ("reference_num", 8), ("and_mask", "0x00f0"), ("or_mask", "0x0005"))),
    (lambda c, u: c.execute(to_unit(ReadWriteMultipleRegistersRequest(
        read_address=8, read_count=2, write_address=12, write_registers=[7]), u)),
     row(("func_code", 23), ("read_reference_num", 8), ("read_word_cnt", 2), ("write_reference_num", 12),
         ("write_word_cnt", 1), ("data", "0007"))),
    (lambda c, u: c.read_holding_registers(500, 1, slave=u), row(("func_code", 3), ("reference_num", 500), ("word_cnt", 1))),
]
IDENTIFY = (lambda c, u: c.execute(to_unit(ReadDeviceInformationRequest(), u)), row(("func_code", 43), ("mei", 14)))
REFUSED = 10  # which of CALLS the unit answers with an exception


async def ask_all(relay, name, calls, unit):
    """pymodbus makes the calls over one TLS link; its answers."""
    context = tls.client_context("bms")
    context.keylog_filename = "keys.log"
    client = AsyncModbusTlsClient("127.0.0.1", port=relay.number, framer=ModbusSocketFramer, timeout=10, sslctx=context)
    client.params.server_hostname = name + ".ward.example"  # its constructor loses the argument
    await client.connect()
    answers = [await asyncio.wait_for(call(client, unit), 10) for call, _ in calls]
    await client.close()
    return answers


def mbpoll(entry, *more):
    status, told = run(["mbpoll", "-m", "tcp", "-p", entry, "-a", "1", "-0", "-r", "16", "-t", "4", "-1", "-o", "5"]
                       + list(more))
    equal(status, 0, "exit status of mbpoll (%s)" % told)
    return told


MBPOLLED = [row(("func_code", 16), ("reference_num", 16), ("word_cnt", 2), ("regval_uint16", "4711,815")),
            row(("func_code", 3), ("reference_num", 16), ("word_cnt", 2))]


def requests_and_answers(rows):
    """Every other row; each field as text."""
    check(len(rows) % 2 == 0, "%d rows are no pairs" % len(rows))
    return rows[0::2], rows[1::2]


class Device:
    """A unit that is not ours behind the gateway; `kept()`: what passed between the two."""

    def __init__(self, name, kind):
        self.name, self.kind = name, kind
        self.number, self.entry = port(), port()
        self.calls = list(CALLS)
        keys = {"unit_map": "1"}
        if kind == "pymodbus-tcp":
            unit = port()
            spawn([sys.executable, os.path.join(LIB, "pymodbus_unit.py"), "tcp", unit, 1], log="unit-%s.log" % kind)
            wait_listens(unit)
            self.line = Relay(unit)
            keys.update(port="tcp:127.0.0.1:%d" % self.line.number, protocol="modbus-tcp")
        else:
            self.line = Tap(kind + "-near", kind + "-far")
            keys.update(port="serial:" + self.line.near, line="19200 8E1", protocol="modbus-rtu")
            if kind == "libmodbus":
                start_pump(self.line.far)
            else:
                spawn([sys.executable, os.path.join(LIB, "pymodbus_unit.py"), "serial", self.line.far, 1],
                      log="unit-%s.log" % kind)
        log = "pump.log" if kind == "libmodbus" else "unit-%s.log" % kind
        if kind != "pymodbus-tcp":
            wait_for("the unit", lambda: "ready" in open(log, encoding="utf-8").read())
        if kind != "libmodbus":
            self.calls.append(IDENTIFY)  # libmodbus's server does not know it
        self.section = device_section(name, cert=name, writes="allow", response_timeout="2s",
                                      listen="127.0.0.1:%d" % self.number, **keys)

    def kept(self):
        if self.kind == "pymodbus-tcp":
            return [chunk for passage in self.line.passages for chunk in passage.chunks]
        return self.line.chunks

    def talk(self):
        """The masters; what each side of the gateway saw."""
        relay = Relay(self.number)
        self.answers = asyncio.run(ask_all(relay, self.name, self.calls, 1))
        self.asked = relay.last()
        stunnel("client", self.entry, self.number, "bms", name=self.name + ".ward.example")
        mbpoll(self.entry, "127.0.0.1", "--", "4711", "815")
        told = mbpoll(self.entry, "-c", "2", "127.0.0.1")
        check("4711" in told and "815" in told, "mbpoll reads back something else: " + told)

    def streams(self):
        """For the capture: the hospital's side, and the device's."""
        return [(self.asked.chunks, 802), (self.kept(), 502 if self.kind == "pymodbus-tcp" else 5020)]

    def judge(self, there, here):
        """Rows of tshark of both sides; how many messages."""
        for tcp, serial, malformed, crc in (line[:4] for line in there + here):
            equal((tcp or serial, malformed), ("1", ""), "unit, and what tshark calls malformed")
            check(crc in ("", "1"), "tshark finds a wrong checksum")
        meant = [want for _, want in self.calls]
        asked, answered = requests_and_answers([line[4:] for line in there])
        equal(asked, meant, "%s: requests on the hospital's side" % self.kind)
        done, told = requests_and_answers([line[4:] for line in here])
        equal(done, meant + MBPOLLED, "%s: requests on the device's side" % self.kind)
        equal(told[:len(answered)], answered, "%s: answers on both sides" % self.kind)
        for got, line in zip(self.answers, answered):
            if line[0] in ("3", "4") and not got.isError():
                equal(line[4], ",".join(map(str, got.registers)), "registers as pymodbus read them")
        check(self.answers[REFUSED].isError(), "a register that is not there was read")
        equal(answered[REFUSED][-1], "2", "the exception as tshark reads it")
        equal(sum(1 for got in self.answers if got.isError()), 1, "errors that pymodbus saw")
        return len(there) + len(here)


def body():
    devices = [Device(name, kind) for name, kind in (("pump-12", "libmodbus"), ("monitor-7", "pymodbus-rtu"),
                                                     ("analyser-3", "pymodbus-tcp"))]
    gateway = Gateway(gateway_section() + trust_section() + "".join(d.section for d in devices)).start()
    for device in devices:
        gateway.wait_device(device.name, "port open", lambda d: d["port_open"])
    for device in devices:
        device.talk()
    capture.write("all.pcap", [stream for device in devices for stream in device.streams()])
    rows = capture.read("all.pcap", [*UNIT, MALFORMED, CRC] + FIELDS, OPTIONS, "modbus || mbrtu || " + MALFORMED)
    read = sum(device.judge(rows[2 * at], rows[2 * at + 1]) for at, device in enumerate(devices))
    figure("tshark reads %d messages of pymodbus and mbpoll to three units as they were meant" % read)
    gateway.stop()


scenario(body)
