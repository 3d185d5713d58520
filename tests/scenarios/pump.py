#!/usr/bin/python3
# timeout: 120
"""A libmodbus pump on a pty, polled over TLS by pymodbus and by mbpoll (through stunnel); unplugged and
plugged again 20 times: polls resume within 2 s each time, and status tells the truth in between."""
import asyncio
import os
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import tls
from device import Wire
from pymodbus.client import AsyncModbusTlsClient
from pymodbus.exceptions import ModbusException
from pymodbus.framer.socket_framer import ModbusSocketFramer
from tools import start_pump, stunnel
from wg import (Failure, Gateway, check, device_section, end, equal, gateway_section, port, run, say,
                scenario, trust_section, wait_for)

PLUGS = 20


class Poller:
    """pymodbus reads four registers again and again over one TLS link."""

    def __init__(self, number):
        self.number = number
        self.answers = []  # (moment, "good" | number of an exception | "no answer")
        self.links = 0
        self.ending = False
        self.thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self.thread.start()

    async def _run(self):
        client = AsyncModbusTlsClient(
            "127.0.0.1", port=self.number, framer=ModbusSocketFramer, timeout=5,
            sslctx=tls.client_context("bms"))
        client.params.server_hostname = "pump-12.ward.example"  # its constructor loses the argument
        while not self.ending:
            if not client.connected:
                self.links += 1
                await client.connect()
            try:
                answer = await asyncio.wait_for(client.read_holding_registers(0, 4, slave=1), 5)
                what = answer.exception_code if answer.isError() else "good"
            except (ModbusException, asyncio.TimeoutError) as error:
                what = str(error)
            self.answers.append((time.monotonic(), what))
            await asyncio.sleep(0.02)
        await client.close()

    def wait_answer(self, what, since, seconds):
        """The first such answer after `since`: how long after."""
        def find():
            return next((at for at, got in list(self.answers) if at > since and got == what), None)

        try:
            return wait_for("pymodbus gets %r" % what, find, seconds) - since
        except Failure as red:
            raise Failure("%s; the last answers were %r"
                          % (red, [a for _, a in self.answers[-5:]])) from None

    def finish(self):
        self.ending = True
        self.thread.join(10)


def mbpoll(entry):
    return run(["mbpoll", "-m", "tcp", "-p", entry, "-a", "1", "-0", "-r", "0", "-c", "4", "-t", "4",
                "-1", "-o", "3", "127.0.0.1"])


def body():
    wire = Wire().plug()
    pump = start_pump(wire.far)
    number = port()
    gateway = Gateway(gateway_section() + trust_section() + device_section(
        "pump-12", port="serial:" + wire.near, line="9600 8E1", protocol="modbus-rtu", unit_map="1",
        response_timeout="300ms", listen="127.0.0.1:%d" % number)).start()
    poller = Poller(number)
    poller.wait_answer("good", 0, 10)
    entry = port()
    stunnel("client", entry, number, "bms", name="pump-12.ward.example")
    status, told = mbpoll(entry)
    equal(status, 0, "exit status of mbpoll (%s)" % told)
    check("[0]:" in told, "mbpoll shows no registers: " + told)

    slowest = 0
    for at in range(PLUGS):
        if at % 5 == 4:
            # Only the pump is switched off: the line is there, and silent.
            # (By SIGTERM: libmodbus must put the pty's settings back, or it cannot set them again.)
            end(pump)
            poller.wait_answer(0x0B, time.monotonic(), 5)
            check(gateway.device("pump-12")["port_open"], "the port is told as closed, and is open")
        else:
            end(pump, 9)
            wire.unplug()
            poller.wait_answer(0x0A, time.monotonic(), 5)
            seen = gateway.wait_device("pump-12", "port closed", lambda d: not d["port_open"], 5)
            equal(seen["last_fault"]["side"], "device", "side of the fault")
            if at == 0:
                status, told = mbpoll(entry)
                check(status != 0, "mbpoll had an answer from an unplugged pump: " + told)
            wire.plug()
        plugged = time.monotonic()
        pump = start_pump(wire.far)
        slowest = max(slowest, poller.wait_answer("good", plugged, 5))
        check(slowest < 2, "polls resumed only after %.2f s" % slowest)
        gateway.wait_device("pump-12", "port open", lambda d: d["port_open"], 2)
    say("%d polls, resumed at most %.2f s after a plug" % (len(poller.answers), slowest))
    equal(mbpoll(entry)[0], 0, "exit status of mbpoll at the end")
    equal(poller.links, 1, "links of pymodbus: the hospital's side noticed nothing")
    strange = {a for _, a in poller.answers} - {"good", 0x0A, 0x0B}
    equal(strange, set(), "answers other than good, 0A and 0B")
    seen = gateway.device("pump-12")
    check(seen["messages"]["device_to_server"] > 0, "no messages counted")
    poller.finish()
    gateway.stop()


scenario(body)
