"""A Modbus RTU line with several units, as seen from its far end; and a master that speaks MBAP.

The slave keeps what it was asked, in order, so that a scenario can tell what really went on the wire.
The checksum is pymodbus's, not ours.
"""
import struct
import threading
import time

from pymodbus.utilities import computeCRC

from wg import Failure


def crc(data):
    return struct.pack(">H", computeCRC(data))


def register(unit, address):
    """What register `address` of `unit` holds."""
    return (unit * 1000 + address) & 0xFFFF


class Slave:
    def __init__(self, line, units):
        self.line, self.units = line, units
        self.asked = []    # (unit, function, address, count or value)
        self.delay = {}    # unit: seconds before it answers
        self.silent = set()
        self.garbled = set()
        self.held = None   # a list: answers are kept there and not sent, until release()
        self.noise = 0     # bytes that were no request, and requests that came before the answer was out
        self.ending = False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _length(self, data):
        if len(data) < 2:
            return 2
        if data[1] in (15, 16):
            return 9 + data[6] if len(data) > 6 else 7
        return 8

    def _run(self):
        while not self.ending:
            data = self.line.poll(0.05)
            while len(data) >= self._length(data) > 2:
                length = self._length(data)
                frame, data = data[:length], data[length:]
                self.line.got = data
                if crc(frame[:-2]) != frame[-2:]:
                    self.noise += 1
                    self.line.got = data = b""
                    break
                self._answer(frame[:-2])
                data = self.line.poll()

    def _answer(self, request):
        unit, function, address, value = struct.unpack(">BBHH", request[:6])
        self.asked.append((unit, function, address, value))
        if unit not in self.units or unit in self.silent:
            return
        if function in (3, 4):
            words = [register(unit, address + i) for i in range(value)]
            answer = struct.pack(">BBB%dH" % value, unit, function, 2 * value, *words)
        elif function in (5, 6, 15, 16):
            answer = request[:6]
        else:
            answer = bytes([unit, function | 0x80, 1])
        time.sleep(self.delay.get(unit, 0))
        if unit in self.garbled:
            answer = answer[:-1] + bytes([answer[-1] ^ 0xFF]) + crc(answer)[:1]
            self.line.send(answer + b"\0")
            return
        if self.held is not None:
            self.held.append(answer + crc(answer))
            return
        if self.line.poll():
            self.noise += 1  # somebody talks while an answer is due
        try:
            self.line.send(answer + crc(answer))
        except OSError:
            self.ending = True  # the cable was pulled

    def release(self):
        """Late answers, now."""
        late, self.held = self.held, None
        for answer in late:
            self.line.send(answer)

    def end(self):
        self.ending = True
        self.thread.join(5)


class Master:
    """A hospital's master on a TLS link. One call is one request and its answer."""

    def __init__(self, sock):
        self.sock = sock
        self.tid = 0

    def send(self, unit, pdu):
        """Ask, and do not wait for the answer."""
        self.tid = (self.tid + 1) & 0xFFFF
        head = struct.pack(">HHHB", self.tid, 0, len(pdu) + 1, unit)
        self.sock.sendall(head + pdu)
        return head

    def ask(self, unit, pdu, seconds=10):
        """The answer's PDU."""
        self.sock.settimeout(seconds)
        return self.take(unit, pdu, self.send(unit, pdu))

    def take(self, unit, pdu, head):
        """The answer to what was sent."""
        adu = self.sock.recv(1024)  # one answer is one record
        if not adu:
            raise ConnectionResetError("the link was closed before the answer")
        if adu[:2] != head[:2] or len(adu) < 9 or adu[6] != unit:
            raise Failure("a wrong answer to unit %d %s: %s" % (unit, pdu.hex(), adu.hex()))
        if struct.unpack(">H", adu[4:6])[0] != len(adu) - 6:
            raise Failure("the answer's length is wrong: " + adu.hex())
        return adu[7:]

    def read(self, unit, address, count=1):
        """The registers, or the exception's number as a negative."""
        pdu = self.ask(unit, struct.pack(">BHH", 3, address, count))
        if pdu[0] == 0x83:
            return -pdu[1]
        return list(struct.unpack(">%dH" % (pdu[1] // 2), pdu[2:]))

    def write(self, unit, address, value):
        """0, or the exception's number as a negative."""
        asked = struct.pack(">BHH", 6, address, value)
        pdu = self.ask(unit, asked)
        return 0 if pdu == asked else -pdu[1]
