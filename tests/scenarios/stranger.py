#!/usr/bin/python3
# timeout: 60
"""Another device is put on the port: it gets no TLS identity. The hospital is openssl, on both ends of
a dial: s_client sees no ServerHello, s_server no ClientHello. When the right device is back, so is its link.
"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

from device import Serial, Wire
from rtu import Slave, crc
from tools import s_client, s_server
from wg import Gateway, check, device_section, equal, gateway_section, port, scenario, trust_section


class Named(Slave):
    """A device that says who it is when it is asked (function 2B/0E), in two parts."""

    def __init__(self, line, vendor, product):
        self.objects = [vendor.encode(), product.encode(), b"V1.0"]
        super().__init__(line, {1})

    def _length(self, data):
        return 7 if len(data) > 1 and data[1] == 0x2B else super()._length(data)

    def _answer(self, request):
        if request[1] != 0x2B:
            super()._answer(request)
            return
        self.asked.append((request[0], 0x2B, request[4], 0))
        first = request[4]
        shown = self.objects[:1] if first == 0 else self.objects[first:]
        more = b"\xff\x01" if first == 0 else b"\0\0"
        answer = request[:4] + b"\x01" + more + bytes([len(shown)])
        for at, value in enumerate(shown, first):
            answer += bytes([at, len(value)]) + value
        self.line.send(answer + crc(answer))


class Place:
    """A port and what is plugged into it."""

    def __init__(self, name):
        self.wire = Wire(name, name + "-far")
        self.slave = None

    def plug(self, vendor, product):
        self.wire.plug()
        self.slave = Named(Serial(self.wire.far), vendor, product)

    def unplug(self):
        self.wire.unplug()
        self.slave.end()
        self.slave.line.close()


def handshakes(number):
    """Does openssl get a handshake, and the pump's certificate? Else it must not see one byte."""
    client = s_client(number)
    client.wait_text("Verification", 10)
    good = "CN = Device pump-12" in client.text() or "CN=Device pump-12" in client.text()
    if not good:
        check("SSL handshake has read 0 bytes" in client.text(), "the client got bytes: " + client.text())
        check("no peer certificate available" in client.text(), "the client saw a certificate")
    client.end()
    return good


def body():
    pump, monitor = Place("pump"), Place("monitor")
    number = port()
    server = s_server(more=["-msg"])
    text = gateway_section() + trust_section()
    text += device_section("pump-12", port="serial:" + pump.wire.near, line="115200 8E1",
                           protocol="modbus-rtu", unit_map="1", response_timeout="200ms",
                           expect='id "Acme Pump*", register 7 = 1007', listen="127.0.0.1:%d" % number)
    text += device_section("monitor-7", cert="monitor-7", port="serial:" + monitor.wire.near,
                           line="115200 8E1", protocol="modbus-rtu", unit_map="1",
                           server_name="hl7.hospital.example", response_timeout="200ms", expect='id "Acme Monitor*"', retry_min="100ms",
                           retry_max="200ms", connect="127.0.0.1:%d" % server.number)
    gateway = Gateway(text).start()

    # Nobody is there: no identity either.
    gateway.wait_state("pump-12", "device-gone")
    check(not handshakes(number), "a handshake without a device")
    equal(server.text().count("ClientHello"), 0, "a link without a device")

    pump.plug("Acme", "Pump")
    monitor.plug("Acme", "Monitor")
    gateway.wait_state("pump-12", "listening")
    gateway.wait_state("monitor-7", "up")
    check(handshakes(number), "no handshake for the right device")
    server.wait_text("ClientHello")

    # Somebody changes them for two others, each of which has no business with this certificate.
    pump.unplug()
    monitor.unplug()
    gateway.wait_state("monitor-7", "device-gone")
    pump.plug("Acme", "Monitor")
    monitor.plug("Blue", "Monitor")
    found = gateway.wait_state("pump-12", "stranger")
    equal(found["words"], 'another device is on the port: expected id "Acme Pump*", found "Acme Monitor V1.0"',
          "what status says of it")
    equal((found["last_fault"]["code"], found["last_fault"]["side"]), ("stranger", "device"), "its fault")
    gateway.wait_state("monitor-7", "stranger")
    links = server.text().count("ClientHello")
    check(not handshakes(number), "the hospital sees a handshake of a stranger")
    gateway.wait_event("link-refused", "pump-12", cause="stranger", side="device")
    equal(server.text().count("ClientHello"), links, "links for a stranger")
    for place in (pump, monitor):
        equal({one[1] for one in place.slave.asked}, {0x2B}, "what the strangers were asked")

    # One that says nothing at all has no identity either.
    monitor.slave.silent.add(1)
    monitor.slave._answer = lambda request: None
    gateway.wait_state("monitor-7", "unidentified")
    equal(gateway.device("monitor-7")["words"], "waiting for the device to identify itself", "its words")

    # The right ones come back: nothing needs a restart.
    pump.unplug()
    monitor.unplug()
    gateway.wait_state("pump-12", "device-gone")
    gateway.wait_state("monitor-7", "device-gone")
    pump.plug("Acme", "Pump")
    monitor.plug("Acme", "Monitor")
    gateway.wait_state("pump-12", "listening")
    check(handshakes(number), "no handshake for the right device that is back")
    gateway.wait_state("monitor-7", "up")
    check(server.text().count("ClientHello") > links, "no link for the right device that is back")
    gateway.stop()


scenario(body)
